//! What woke us, taken into the book: a push, a person's command, another region's report, a rotated secret.
//!
//! Owns who comes first: the order is the images' push time, never the events'. A newer one takes the place of one that
//! waits, and waits itself for one that moves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, later};
use super::rotations::Rotation;
use super::{Approval, Change, ENDED_KEPT, EndKind, Gate, Hold, Image, Leg, LegState, LogLine, Release, ReleaseId, StartedBy, Wake};
use crate::fleet::{Path, Seconds, StageName};
use crate::scale::Reading;

/// A push is found by the sweep only when its event has had this long to come.
const EVENT_PATIENCE: SignedDuration = SignedDuration::from_mins(2);

impl Desk<'_> {
    pub(super) fn take_in(&mut self, wake: &Wake, candidates: &Reading<Vec<Image>>) {
        match wake {
            Wake::Pushed { image, tag } => self.take_push(&image.to_string(), tag.as_deref(), candidates),
            Wake::Sweep => self.take_sweep(candidates),
            Wake::Deploy { image, by, at, accepts_drift, only_here } => {
                let started = ByHand { by, at: *at, accepts_drift: *accepts_drift, only_here: *only_here };
                self.take_command(&image.to_string(), candidates, &started);
            }
            Wake::Stop { release, how, by, why } => self.take_stop(release.as_deref(), *how, by, why),
            Wake::Reported { report } => self.take_report(report),
            Wake::Rotated { secret, version, at } => {
                self.take_rotation(&Rotation { secret, version: version.as_deref(), at: *at });
            }
            Wake::Look { .. } => {}
        }
    }

    fn take_push(&mut self, named: &str, tag: Option<&str>, candidates: &Reading<Vec<Image>>) {
        let Some((_, path)) = self.policy.deploy else { return };
        let Some(image) = self.one_candidate(named, candidates) else { return };
        let tags: Vec<String> = image.tags.iter().cloned().chain(tag.map(str::to_owned)).collect();
        if !tags.iter().any(|tag| path.tags.counts(tag)) {
            let tags = tags.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            return self.holds.push(Hold::TagDoesNotCount { tags });
        }
        if !self.is_home() {
            return;
        }
        self.consider(&image, StartedBy::Push, path);
    }

    fn take_sweep(&mut self, candidates: &Reading<Vec<Image>>) {
        let Some((_, path)) = self.policy.deploy else { return };
        let images = match candidates {
            Ok(images) => images,
            Err(error) => return self.unreadable("the repository", error),
        };
        if self.policy.home() != Some(self.policy.region.as_str()) {
            return;
        }
        let Some(taken) = self.book.newest else {
            // The first look at a repository that was there before us: what it holds already is no push. What came just now may
            // be one whose event is on its way.
            self.book.newest = self.now.checked_sub(EVENT_PATIENCE).ok();
            return;
        };
        let counts = |image: &&Image| image.tags.iter().any(|tag| path.tags.counts(tag));
        let Some(newest) = images.iter().filter(counts).max_by_key(|image| image.pushed_at).cloned() else { return };
        if newest.pushed_at > taken && self.is_over(newest.pushed_at, EVENT_PATIENCE) {
            self.consider(&newest, StartedBy::Sweep, path);
        }
    }

    fn take_command(&mut self, named: &str, candidates: &Reading<Vec<Image>>, started: &ByHand<'_>) {
        let Some((_, path)) = self.policy.deploy else {
            let why = format!("{} has no deploy path; add one to its fleet file", self.policy.key);
            return self.holds.push(Hold::NotStoppable { why });
        };
        if !started.only_here && !self.is_home() {
            return;
        }
        let Some(image) = self.one_candidate(named, candidates) else { return };
        let mut release = self.release_of(&image, StartedBy::Hand { by: started.by.to_owned() }, started.at, path);
        release.accepts_drift = started.accepts_drift;
        if started.only_here {
            let here = self.policy.region.clone();
            release.legs.retain(|leg| leg.region == here);
        }
        if self.book.release(&release.id).is_some() {
            return;
        }
        self.book.newest = self.book.newest.max(Some(started.at));
        self.enqueue(release);
    }

    /// Whether pushes are taken up in this region; told if not.
    fn is_home(&mut self) -> bool {
        match self.policy.home() {
            Some(home) if home == self.policy.region => true,
            home => {
                let region = home.unwrap_or("the path's first region").to_owned();
                self.holds.push(Hold::OtherRegionBegins { region });
                false
            }
        }
    }

    fn one_candidate(&mut self, named: &str, candidates: &Reading<Vec<Image>>) -> Option<Image> {
        match candidates {
            Ok(images) if images.is_empty() => {
                self.holds.push(Hold::NoSuchImage { image: named.to_owned() });
                None
            }
            Ok(images) => images.first().cloned(),
            Err(error) => {
                self.unreadable("the pushed image", error);
                None
            }
        }
    }

    fn consider(&mut self, image: &Image, started_by: StartedBy, path: &Path) {
        if let Some(newest) = self.book.newest.filter(|newest| image.pushed_at <= *newest) {
            let hold = Hold::NotNewer { image: image.name().to_owned(), pushed_at: image.pushed_at, newest };
            return self.holds.push(hold);
        }
        let release = self.release_of(image, started_by, image.pushed_at, path);
        self.book.newest = Some(image.pushed_at);
        self.enqueue(release);
    }

    /// The new one takes the place of one that waits, and waits for one that moves.
    pub(super) fn enqueue(&mut self, release: Release) {
        let name = release.name();
        if let Some(passed_over) = self.book.next.take() {
            self.put_away_superseded(passed_over, &name);
        }
        if self.book.aside.as_ref().is_some_and(|aside| aside.release.is_waiting()) {
            self.with_aside(|desk| desk.supersede(&name));
        }
        // A restart is no older image: it is not superseded, and goes on or waits again.
        match &self.book.active {
            Some(active) if active.change.image().is_none() => drop(self.put_back_restart()),
            Some(active) if active.is_waiting() => self.supersede(&name),
            _ => {}
        }
        let aside = self.book.aside.as_ref().map(|aside| &aside.release);
        if let Some(release) = self.book.active.as_ref().or(aside).map(|release| release.id.to_string()) {
            self.holds.push(Hold::AnotherInHand { release });
        }
        self.book.next = Some(release);
    }

    fn supersede(&mut self, by: &str) {
        self.end(EndKind::Superseded, &format!("{by} is newer"), None);
        self.put_away();
    }

    fn put_away_superseded(&mut self, mut release: Release, by: &str) {
        let why = format!("{by} is newer");
        release.end = Some(super::End { kind: EndKind::Superseded, why: why.clone(), by: None, at: self.now });
        release.push_log(LogLine { at: self.now, region: self.policy.region.clone(), text: format!("superseded: {why}") });
        self.keep_ended(release);
    }

    pub(super) fn keep_ended(&mut self, release: Release) {
        self.book.ended.retain(|known| known.id != release.id);
        self.book.ended.insert(0, release);
        self.book.ended.truncate(ENDED_KEPT);
    }

    fn release_of(&self, image: &Image, started_by: StartedBy, ordered_at: Timestamp, path: &Path) -> Release {
        let expires_at = later(self.now, seconds(path.expires));
        let gate = if path.scan.is_some() { Gate::Waiting { since: self.now } } else { Gate::None };
        let line = LogLine { at: self.now, region: self.policy.region.clone(), text: format!("detected by {started_by}") };
        Release {
            id: ReleaseId::new(ordered_at, &image.digest),
            change: Change::Image(image.clone()),
            started_by,
            ordered_at,
            detected_at: self.now,
            expires_at,
            gate,
            approvals: approvals(path, expires_at),
            legs: self.legs(path),
            turn: None,
            unwind: None,
            end: None,
            accepts_drift: false,
            log: vec![line],
        }
    }

    fn legs(&self, path: &Path) -> Vec<Leg> {
        let mut legs = Vec::new();
        for stage in &path.stages {
            for (number, wave) in (0_u32..).zip(&stage.waves) {
                for region in &wave.regions {
                    legs.push(Leg {
                        stage: stage.name.clone(),
                        wave: number,
                        region: region.clone(),
                        target: self.policy.service.deploy_target(&stage.name),
                        bake: wave.bake,
                        alarms: wave.alarms.clone(),
                        state: LegState::Waiting,
                        revision: 0,
                    });
                }
            }
        }
        legs
    }

    /// The release that waits, or the restart that is due, is taken in hand.
    pub(super) fn take_up_next(&mut self) {
        if self.book.active.is_some() {
            self.restart_goes_first();
            return;
        }
        let something_waits = self.book.aside.is_some() || self.book.next.is_some();
        if something_waits && self.restart_goes_first() {
            return;
        }
        if self.take_back_aside() || self.reopen_unwound() {
            return;
        }
        if let Some(next) = self.book.next.take() {
            let told = next.legs.first().is_some_and(|leg| leg.region == self.policy.region);
            self.book.active = Some(next);
            self.has_changed();
            if told {
                let name = self.release_name();
                let text = self.book.active.as_ref().map(Release::way).unwrap_or_default();
                self.note("detected", crate::notice::Severity::Info, format!("{name} begins"), text);
            }
            return;
        }
        self.take_up_restart();
    }
}

/// How a person started a release.
struct ByHand<'a> {
    by: &'a str,
    at: Timestamp,
    accepts_drift: bool,
    only_here: bool,
}

fn approvals(path: &Path, expires_at: Timestamp) -> BTreeMap<StageName, Approval> {
    let asked = path.stages.iter().filter_map(|stage| Some((stage.name.clone(), stage.approval.clone()?)));
    asked
        .map(|(stage, rule)| {
            (stage, Approval { rule, asked_at: None, expires_at, running: None, answers: BTreeMap::new(), granted_at: None })
        })
        .collect()
}

pub(super) fn seconds(length: Seconds) -> SignedDuration {
    SignedDuration::from_secs(i64::from(length.get()))
}

impl Release {
    /// Nothing of it is under way anywhere, as far as is known: a newer one may take its place.
    pub fn is_waiting(&self) -> bool {
        self.unwind.is_none() && self.end.is_none() && !self.legs.iter().any(|leg| leg.state.is_moving())
    }

    /// The region that keeps the gate and begins.
    pub fn home(&self) -> Option<&str> {
        self.legs.first().map(|leg| leg.region.as_str())
    }

    /// The region that asks for a stage's approval.
    pub fn owner_of(&self, stage: &str) -> Option<&str> {
        let owner = self.legs.iter().find(|leg| leg.stage.as_str() == stage).map(|leg| leg.region.as_str());
        owner.or_else(|| self.home())
    }

    /// The whole way in one line: `staging us-east-1 > production us-east-1, us-west-2`.
    pub fn way(&self) -> String {
        let mut stages: Vec<(String, Vec<&str>)> = Vec::new();
        for leg in &self.legs {
            match stages.last_mut() {
                Some((stage, regions)) if *stage == leg.stage.as_str() => regions.push(&leg.region),
                _ => stages.push((leg.stage.to_string(), vec![&leg.region])),
            }
        }
        let stages = stages.into_iter().map(|(stage, regions)| format!("{stage} {}", regions.join(", "))).collect::<Vec<_>>();
        stages.join(" > ")
    }
}
