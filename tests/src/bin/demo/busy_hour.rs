//! The load: quiet, climb, peak, fall, quiet, as work that has to be done, whatever the size of the service.
//!
//! CPU is work divided by size, so that growing relieves and shrinking burdens, as in life. The peak is held until the
//! service has the size that carries it: how long that takes is what is shown here, not what is given.

use std::time::{Duration, Instant};

use nightshift_tests::{FleetFile, LocalAws};

use crate::story::Story;

/// How long each step of the climb and of the fall lasts.
const STEP: Duration = Duration::from_secs(4);
/// How long the peak stands once it is carried, so that what is told about it is seen.
const CARRIED: Duration = Duration::from_secs(14);
/// How long it stays at its start before the hour is over.
const SETTLED: Duration = Duration::from_secs(4);
/// Metrics come at least this often, as from a running system.
const MEASURED_EVERY: Duration = Duration::from_secs(20);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    Group { group: &'static str },
    Tasks { cluster: &'static str, service: &'static str },
}

/// Where in its hour a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Quiet,
    Climb,
    Peak,
    Fall,
    QuietAgain,
    Over,
}

/// A service, its hour and what is expected of it.
pub struct Hour {
    pub name: &'static str,
    pub service: &'static str,
    pub fleet: FleetFile,
    pub size: Size,
    /// Work in per cent of one unit's CPU.
    pub quiet_work: f64,
    pub peak_work: f64,
    /// The size before and after.
    pub start: i32,
    /// The size that carries the peak.
    pub peak: i32,
    /// Whether that is the most that the fleet file allows.
    pub is_the_most: bool,
}

/// A service in its hour.
pub struct Tenant {
    pub hour: Hour,
    /// The greatest size that was seen.
    pub seen_peak: i32,
    /// The last size that was seen.
    pub seen_now: i32,
    phase: Phase,
    since: Instant,
    measured: Option<(Instant, f64)>,
}

impl Tenant {
    pub fn new(hour: Hour) -> Self {
        Self { hour, seen_peak: 0, seen_now: 0, phase: Phase::Quiet, since: Instant::now(), measured: None }
    }

    /// Sets the clock of the hour to now.
    pub fn begin(&mut self) {
        self.since = Instant::now();
    }

    pub fn unit(&self) -> &'static str {
        match self.hour.size {
            Size::Group { .. } => "instances",
            Size::Tasks { .. } => "tasks",
        }
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The size as it is now.
    pub async fn size_now(&self, aws: &LocalAws) -> i32 {
        match self.hour.size {
            Size::Group { group } => aws.capacity(group).await,
            Size::Tasks { cluster, service } => aws.tasks(cluster, service).await,
        }
    }

    /// Goes on with the hour and measures the CPU that follows from it.
    pub async fn tick(&mut self, aws: &LocalAws, story: &Story) {
        self.seen_now = self.size_now(aws).await;
        self.seen_peak = self.seen_peak.max(self.seen_now);
        self.advance(story);
        let cpu = (self.work() / f64::from(self.seen_now.max(1))).min(100.0);
        let is_new = self.measured.is_none_or(|(at, value)| at.elapsed() > MEASURED_EVERY || (value - cpu).abs() > 0.1);
        if !is_new || self.is_over() {
            return;
        }
        let is_worth_a_line = self.measured.is_none_or(|(_, value)| (value - cpu).abs() > 0.1);
        if is_worth_a_line {
            story.tell(self.hour.name, &format!("load: {} {} at {cpu:.0} % CPU", self.seen_now, self.unit()));
        }
        self.measured = Some((Instant::now(), cpu));
        aws.push(&self.hour.fleet.load(self.hour.service), cpu).await;
    }

    fn work(&self) -> f64 {
        match self.phase {
            Phase::Quiet | Phase::QuietAgain | Phase::Over => self.hour.quiet_work,
            Phase::Climb | Phase::Fall => self.hour.peak_work / 2.0,
            Phase::Peak => self.hour.peak_work,
        }
    }

    fn advance(&mut self, story: &Story) {
        let stood = self.since.elapsed();
        let (next, words) = match self.phase {
            Phase::Quiet if stood > STEP => (Phase::Climb, "the busy hour begins"),
            Phase::Climb if stood > STEP => (Phase::Peak, "the peak"),
            // The clock starts anew while the peak is not carried yet.
            Phase::Peak if self.seen_now != self.hour.peak => return self.since = Instant::now(),
            Phase::Peak if stood > CARRIED => (Phase::Fall, "the load falls"),
            Phase::Fall if stood > STEP => (Phase::QuietAgain, "quiet again"),
            Phase::QuietAgain if self.seen_now != self.hour.start => return self.since = Instant::now(),
            Phase::QuietAgain if stood > SETTLED => (Phase::Over, "the busy hour is over"),
            _ => return,
        };
        self.phase = next;
        self.since = Instant::now();
        story.tell(self.hour.name, words);
    }
}
