//! Regions on one clock: events, arranged looks, reports on their way, Lambda's retries, and people who answer.
//!
//! Knows only what AWS does with the function; what must come of it is said by the tests.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleets, StageName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::outcome::Mode;
use nightshift_core::release::*;
use nightshift_core::signal::{RecheckSignal, ReleaseCommand, ReleaseVerb, report_detail};
use nightshift_deploy::{Deps, handle};
use nightshift_lambda::{Config, HandlerError, Invocation};
use nightshift_schedules::Schedule;
use serde_json::{Value, json};

use crate::fake::{Failure, FakeEstate, attribute};

pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";

/// Lambda's timeout of the function.
pub const TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// Something that happens at a time.
#[derive(Clone, Debug)]
enum Happening {
    Event { event: Value, tries: u32 },
    Answer { release: String, stage: String, approver: String },
}

pub struct Town {
    pub clock: Rc<Cell<Timestamp>>,
    pub regions: BTreeMap<&'static str, Deps<FakeEstate>>,
    pub dead: Rc<RefCell<BTreeSet<String>>>,
    outbox: Rc<RefCell<Vec<(String, Report)>>>,
    due: Vec<(Timestamp, &'static str, Happening)>,
    invocations: u32,
    /// What approvers say; none: nothing.
    pub verdict: Option<Verdict>,
    answered: BTreeSet<(String, String, String)>,
    /// How often the sweep comes; none: never.
    pub sweep: Option<SignedDuration>,
    /// Every event comes twice.
    pub twice: bool,
    /// Events are lost.
    pub loses_events: bool,
    /// Errors that no retry mended.
    pub failed: Vec<HandlerError>,
    pub answers: Vec<Value>,
    pushed: u32,
    /// Every invocation has a twin that begins so much later, and answers as quickly.
    pub twin: Option<(Duration, Duration)>,
    /// Whose dice say in which order calls take effect, and where a process dies.
    pub schedule: Option<Schedule>,
    /// How many copies of an event come, and how late, by the schedule's dice.
    pub copies: Option<fn(&Schedule) -> Vec<SignedDuration>>,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub fn key(system: &str, service: &str) -> ServiceKey {
    ServiceKey { system: system.to_owned().try_into().unwrap(), service: service.to_owned().try_into().unwrap() }
}

impl Town {
    /// These regions with what the fleet file names, running an image that was there before us.
    pub fn of(fleet: &str, regions: &[&'static str]) -> Self {
        let clock = Rc::new(Cell::new(at("2026-11-20T12:00:00Z")));
        let (outbox, dead) = (Rc::default(), Rc::default());
        let mut town = Self {
            regions: BTreeMap::new(),
            dead: Rc::clone(&dead),
            outbox: Rc::clone(&outbox),
            due: Vec::new(),
            invocations: 0,
            verdict: Some(Verdict::Approve),
            answered: BTreeSet::new(),
            sweep: Some(minutes(5)),
            twice: false,
            loses_events: false,
            failed: Vec::new(),
            answers: Vec::new(),
            pushed: 0,
            twin: None,
            schedule: None,
            copies: None,
            clock: Rc::clone(&clock),
        };
        for region in regions {
            let estate = FakeEstate::new(region, Rc::clone(&clock), Rc::clone(&outbox), Rc::clone(&dead));
            let fleets = Fleets::from_files(vec![("fleet.yaml".into(), fleet.to_owned())]).unwrap_or_else(|errors| panic!("{errors}"));
            for (service, target) in fleets.iter().flat_map(targets) {
                let image = format!("111122223333.dkr.ecr.{region}.amazonaws.com/{service}:old");
                estate.world().with_target(&target, region, &image);
            }
            town.regions.insert(region, deps(estate, fleets, region));
        }
        town
    }

    pub fn estate(&self, region: &str) -> &FakeEstate {
        &self.regions[region].estate
    }

    pub fn now(&self) -> Timestamp {
        self.clock.get()
    }

    pub fn book(&self, region: &str, service: &str) -> Book {
        let key = key("shop", service);
        self.estate(region).world().books.get(&key).cloned().unwrap_or_default()
    }

    /// An image is pushed, replicated to every region, and told by event there.
    pub fn push(&mut self, service: &str, tag: &str) -> String {
        let digest = self.push_without_event(service, tag);
        let regions: Vec<&'static str> = self.regions.keys().copied().collect();
        for region in regions {
            let event = push_event(region, service, &digest, tag);
            self.happens(SignedDuration::from_secs(1), region, event);
        }
        digest
    }

    pub fn push_without_event(&mut self, service: &str, tag: &str) -> String {
        self.pushed += 1;
        let digest = format!("sha256:{:0<64}", format!("{:012x}", 0xabc0_0000_0000_u64 + u64::from(self.pushed)));
        for (region, deps) in &self.regions {
            let uri = format!("111122223333.dkr.ecr.{region}.amazonaws.com/shop/{service}");
            let repository = format!("shop/{service}");
            let image = Image { repository, digest: digest.clone(), tags: vec![tag.to_owned()], pushed_at: self.now(), uri };
            let mut world = deps.estate.world();
            world.scans.insert(digest.clone(), ScanNow::Complete { at: Some(self.now()), findings: Vec::new() });
            world.images.push(image);
        }
        digest
    }

    pub fn happens(&mut self, wait: SignedDuration, region: &'static str, event: Value) {
        self.comes(self.now() + wait, region, &event);
        if self.twice {
            self.comes(self.now() + wait + SignedDuration::from_secs(20), region, &event);
        }
    }

    /// An event is delivered, with all its copies.
    fn comes(&mut self, at: Timestamp, region: &'static str, event: &Value) {
        let copies = self.schedule.as_ref().zip(self.copies).map_or_else(|| vec![SignedDuration::ZERO], |(dice, copies)| copies(dice));
        for late in copies {
            self.due.push((at + late, region, Happening::Event { event: event.clone(), tries: 0 }));
        }
    }

    pub fn command(&mut self, region: &'static str, service: &str, verb: ReleaseVerb) {
        let command = ReleaseCommand { system: "shop".into(), service: service.into(), by: "ann".into(), at: Some(self.now()), verb };
        self.happens(SignedDuration::ZERO, region, command.to_input());
    }

    /// Until nothing is due any more but sweeps that find nothing to do, for so long at most.
    pub fn run_for(&mut self, length: SignedDuration) {
        let end = self.now() + length;
        let mut next_sweep = self.sweep.map(|every| self.now() + every);
        for _ in 0..20_000 {
            self.carry_reports();
            self.take_rechecks();
            self.due.sort_by_key(|(at, region, _)| (*at, *region));
            let first = self.due.first().map(|(at, ..)| *at);
            match (first, next_sweep) {
                (None, _) if self.is_at_rest() => return,
                (None, None) => return,
                (Some(first), sweep) if sweep.is_none_or(|sweep| first <= sweep) => {
                    if first > end {
                        return self.clock.set(end);
                    }
                    let (at, region, happening) = self.due.remove(0);
                    self.clock.set(self.now().max(at));
                    self.let_happen(region, happening);
                }
                (_, Some(sweep)) => {
                    if sweep > end {
                        return self.clock.set(end);
                    }
                    self.clock.set(self.now().max(sweep));
                    next_sweep = self.sweep.map(|every| sweep + every);
                    let regions: Vec<&'static str> = self.regions.keys().copied().collect();
                    for region in regions {
                        self.let_happen(region, Happening::Event { event: json!({ "nightshift": "calendar" }), tries: 2 });
                    }
                }
                (Some(_), None) => unreachable!(),
            }
        }
        panic!("it does not come to rest: {:#?}", self.due);
    }

    /// Nothing is in hand or waits.
    fn is_at_rest(&self) -> bool {
        let is_quiet = |book: &Book| is_idle(book) && book.unheard.is_empty();
        !self.loses_events && self.regions.values().all(|deps| deps.estate.world().books.values().all(is_quiet))
    }

    pub fn ends_everywhere(&self) -> bool {
        self.regions.values().all(|deps| deps.estate.world().books.values().all(is_idle))
    }

    fn carry_reports(&mut self) {
        for (region, report) in self.outbox.take() {
            if let Some(region) = self.regions.keys().copied().find(|known| *known == region) {
                let event = json!({
                    "version": "0", "id": "1", "source": "nightshift", "detail-type": "Nightshift Release Report",
                    "account": "111122223333", "region": report.region, "time": self.now(), "detail": report_detail(&report),
                });
                self.happens(SignedDuration::from_secs(1), region, event);
            }
        }
    }

    fn take_rechecks(&mut self) {
        let mut due = Vec::new();
        for (region, deps) in &self.regions {
            for request in deps.estate.world().rechecks.drain(..) {
                let signal = RecheckSignal {
                    system: request.key.system.to_string(),
                    service: request.key.service.to_string(),
                    attempt: request.attempt,
                    due: Some(request.at),
                    because: Some(request.because),
                };
                due.push((request.at, *region, signal.to_input()));
            }
        }
        for (at, region, event) in due {
            self.comes(at, region, &event);
        }
    }

    fn let_happen(&mut self, region: &'static str, happening: Happening) {
        match happening {
            Happening::Answer { release, stage, approver } => {
                let Some(verdict) = self.verdict else { return };
                let answer = Answer { verdict, at: self.now(), via: "page".into() };
                let name = approver.try_into().unwrap();
                self.estate(region).world().answers.entry((release, stage)).or_default().insert(name, answer);
                self.command(region, "web", ReleaseVerb::Answered);
            }
            Happening::Event { event, tries } => {
                if self.dead.borrow().contains(region) {
                    return;
                }
                let failed = match self.invoke(region, &event) {
                    Some(Ok(answer)) => {
                        self.answers.push(answer);
                        None
                    }
                    Some(Err(error)) => Some(Some(error)),
                    None => Some(None),
                };
                // Lambda tries an event again after one and after two minutes.
                match failed {
                    None => {}
                    Some(_) if tries < 2 => {
                        let at = self.now() + minutes(i64::from(tries) + 1);
                        self.due.push((at, region, Happening::Event { event, tries: tries + 1 }));
                    }
                    Some(error) => self.failed.extend(error),
                }
                self.people_answer(region);
            }
        }
    }

    /// People who got a question answer after ten minutes.
    fn people_answer(&mut self, region: &'static str) {
        let asked: Vec<(String, String, String)> = {
            let world = self.estate(region).world();
            let codes = world.told.iter().filter(|(_, message)| attribute(message, "kind") == "approval_code");
            codes.map(|(_, message)| asked(&message.body)).collect()
        };
        for (release, stage, approver) in asked {
            if self.verdict.is_some() && self.answered.insert((release.clone(), stage.clone(), approver.clone())) {
                let at = self.now() + minutes(10);
                self.due.push((at, region, Happening::Answer { release, stage, approver }));
            }
        }
    }

    /// One invocation; none if its process died.
    pub fn invoke(&mut self, region: &str, event: &Value) -> Option<Result<Value, HandlerError>> {
        self.invocations += 1;
        let deps = &self.regions[region];
        let shared = &deps.estate.shared;
        if let Some(schedule) = &self.schedule {
            let invocation = ticking(&format!("request-{}", self.invocations), region, self.now(), TIMEOUT, schedule);
            return schedule.block_on(schedule.alone(handle(&invocation, deps, event)));
        }
        let invocation = invocation(&format!("request-{}", self.invocations), region, self.now(), TIMEOUT);
        let runtime = paused_runtime();
        runtime.block_on(async {
            shared.began.set(Some(tokio::time::Instant::now()));
            let both = async {
                match self.twin {
                    None => handle(&invocation, deps, event).await,
                    Some((later, latency)) => {
                        tokio::join!(handle(&invocation, deps, event), twin(deps, event, later, latency, self.now())).0
                    }
                }
            };
            tokio::select! {
                biased;
                () = shared.death.notified() => None,
                answer = both => Some(answer),
            }
        })
    }

    pub fn fail_at(&self, region: &str, call: usize, more: usize, how: Failure) {
        self.estate(region).shared.fail_at.set(Some((call, more, how)));
    }

    /// Everything that people were told, region by region, without what comes more than once by nature.
    pub fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (region, deps) in &self.regions {
            let world = deps.estate.world();
            let of_people = world.told.iter().filter(|(topic, _)| !topic.ends_with(":chat"));
            told.extend(of_people.map(|(_, message)| format!("{region} {}: {}", attribute(message, "kind"), message.subject)));
        }
        told
    }
}

fn is_idle(book: &Book) -> bool {
    book.active.is_none() && book.aside.is_none() && book.next.is_none() && book.rotated.is_none()
}

fn asked(body: &str) -> (String, String, String) {
    let body: Value = serde_json::from_str(body).unwrap();
    let machine: Value = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
    let field = |name: &str| machine[name].as_str().unwrap().to_owned();
    (field("release"), field("stage"), field("approver"))
}

fn targets(fleet: &nightshift_core::fleet::Fleet) -> Vec<(String, nightshift_core::fleet::DeployTarget)> {
    let mut found = Vec::new();
    for (name, service) in &fleet.services {
        let repository = service.deploy.as_ref().map_or_else(|| format!("shop/{name}"), |deploy| deploy.repository.clone());
        found.push((repository.clone(), service.own_target()));
        let stages: Vec<StageName> = service.deploy.iter().flat_map(|deploy| deploy.targets.keys().cloned()).collect();
        found.extend(stages.iter().map(|stage| (repository.clone(), service.deploy_target(stage))));
    }
    found
}

pub fn paused_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

pub fn invocation(id: &str, region: &str, now: Timestamp, time: SignedDuration) -> Invocation {
    let arn = format!("arn:aws:lambda:{region}:111122223333:function:nightshift-deploy");
    Invocation::new(id.to_owned(), arn, now + time, move || now)
}

/// An invocation whose clock goes on while its calls take time.
pub fn ticking(id: &str, region: &str, now: Timestamp, time: SignedDuration, schedule: &Schedule) -> Invocation {
    let arn = format!("arn:aws:lambda:{region}:111122223333:function:nightshift-deploy");
    Invocation::new(id.to_owned(), arn, now + time, schedule.clock(now))
}

fn deps(estate: FakeEstate, fleets: Fleets, region: &str) -> Deps<FakeEstate> {
    let config = Config {
        fleet: "/opt/fleet".into(),
        table: "nightshift-ledger".into(),
        topic_arn: format!("arn:aws:sns:{region}:111122223333:people"),
        mode: Mode::Act,
        schedule_group: "nightshift".into(),
        schedule_role_arn: "arn:aws:iam::111122223333:role/schedules".into(),
        region: region.into(),
    };
    Deps { function: "deploy".into(), config, approval_url: "https://approve.example/".into(), fleets, estate }
}

pub fn push_event(region: &str, service: &str, digest: &str, tag: &str) -> Value {
    json!({
        "version": "0", "id": "1", "source": "aws.ecr", "detail-type": "ECR Image Action", "account": "111122223333",
        "region": region, "time": "2026-11-20T12:00:00Z", "resources": [],
        "detail": {
            "action-type": "PUSH", "result": "SUCCESS", "repository-name": format!("shop/{service}"),
            "image-digest": digest, "image-tag": tag,
        },
    })
}

/// The same event in another process of the function.
async fn twin(deps: &Deps<FakeEstate>, event: &Value, later: Duration, latency: Duration, now: Timestamp) {
    tokio::time::sleep(later).await;
    let estate = FakeEstate { latency, ..deps.estate.clone() };
    let other = Deps {
        function: deps.function.clone(),
        config: deps.config.clone(),
        approval_url: deps.approval_url.clone(),
        fleets: deps.fleets.clone(),
        estate,
    };
    let invocation = invocation("twin", &deps.config.region, now, TIMEOUT);
    // Whoever comes second may fail, and is tried again by Lambda; here it is the other one that is waited for.
    let _ = handle(&invocation, &other, event).await;
}
