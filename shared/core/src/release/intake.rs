//! What woke us, taken into the book: a push, a person's command, another region's report, a rotated secret.
//!
//! Owns who comes first: the order is the images' push time, never the events'. A newer one takes the place of one that
//! waits, and waits itself for one that moves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::desk::{AGAIN_SOON, Desk, later};
use super::{
    Approval, Change, ENDED_KEPT, EndKind, Found, Gate, Hold, Image, Leg, LegState, LogLine, Need, Release, ReleaseId, Report, Rotated,
    Scope, StartedBy, StopHow, Unwind, Wake,
};
use crate::fleet::{DeployTarget, Path, Seconds, StageName};
use crate::scale::Reading;

/// A push is found by the sweep only when its event has had this long to come.
const EVENT_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// A restart without a path is watched for this long.
const RESTART_BAKE: Seconds = Seconds::new(120);
/// A restart that cannot be begun is given up after this.
const RESTART_EXPIRES: SignedDuration = SignedDuration::from_hours(24);

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
            Wake::Rotated { secret, at } => self.take_rotation(secret, at.unwrap_or(self.now)),
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
        let counts = |image: &&Image| image.tags.iter().any(|tag| path.tags.counts(tag));
        let Some(newest) = images.iter().filter(counts).max_by_key(|image| image.pushed_at).cloned() else { return };
        let Some(taken) = self.book.newest else {
            // The first look at a repository that was there before us: what it holds already is no push.
            self.book.newest = Some(newest.pushed_at);
            return;
        };
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
    fn enqueue(&mut self, release: Release) {
        let name = release.name();
        if let Some(passed_over) = self.book.next.take() {
            self.put_away_superseded(passed_over, &name);
        }
        match &self.book.active {
            None => {}
            Some(active) if active.is_waiting() => {
                self.end(EndKind::Superseded, &format!("{name} is newer"), None);
                self.put_away();
            }
            Some(active) => {
                let release = active.id.to_string();
                self.holds.push(Hold::AnotherInHand { release });
            }
        }
        self.book.next = Some(release);
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

    fn take_stop(&mut self, named: Option<&str>, how: StopHow, by: &str, why: &str) {
        let is_meant = |release: &Release| named.is_none_or(|named| release.id.as_str() == named);
        if let Some(waiting) = self.book.next.take_if(|next| named.is_some() && is_meant(next)) {
            let mut waiting = waiting;
            waiting.end = Some(super::End { kind: EndKind::Aborted, why: why.to_owned(), by: Some(by.to_owned()), at: self.now });
            return self.keep_ended(waiting);
        }
        let is_in_hand = self.book.active.as_ref().is_some_and(&is_meant);
        if !is_in_hand && how == StopHow::RollBack && !self.reopen(named) {
            return;
        }
        if !is_in_hand && how == StopHow::Abort {
            let why = "no such release is in hand; `nightshift release list` shows them".to_owned();
            return self.holds.push(Hold::NotStoppable { why });
        }
        let scope = if how == StopHow::Abort { Scope::Unfinished } else { Scope::Everything };
        let unwind = Unwind { why: why.to_owned(), by: Some(by.to_owned()), at: self.now, scope };
        self.unwind(unwind);
    }

    /// A release that has ended is taken in hand again, to be undone: the last one that changed something, while nothing
    /// else is in hand.
    fn reopen(&mut self, named: Option<&str>) -> bool {
        let mut refuse = |why: String| {
            self.holds.push(Hold::NotStoppable { why });
            false
        };
        if let Some(active) = &self.book.active {
            return refuse(format!("release {} is in hand; abort it first", active.id));
        }
        let changed = |release: &&Release| release.change.image().is_some() && release.legs.iter().any(|leg| leg.state.moved().is_some());
        let Some(last) = self.book.ended.iter().find(changed).map(|release| release.id.clone()) else {
            return refuse("no release has changed anything that could go back".to_owned());
        };
        if named.is_some_and(|named| named != last.as_str()) {
            return refuse(format!("only the last release that changed something can go back: {last}; to run an older image, deploy it"));
        }
        let at = self.book.ended.iter().position(|release| release.id == last);
        if let Some(at) = at {
            let mut release = self.book.ended.remove(at);
            release.end = None;
            release.unwind = None;
            self.book.active = Some(release);
        }
        true
    }

    /// Another region's report: what it owns is taken over.
    fn take_report(&mut self, report: &Report) {
        if report.region == self.policy.region || report.release.change.image().is_none() {
            return;
        }
        let in_hand = [self.book.active.as_mut(), self.book.next.as_mut()].into_iter().flatten();
        if let Some(release) = in_hand.into_iter().find(|release| release.id == report.release.id) {
            return release.take_over(report);
        }
        if let Some(at) = self.book.ended.iter().position(|release| release.id == report.release.id) {
            return self.take_over_ended(at, report);
        }
        let is_mine = report.release.legs.iter().any(|leg| leg.region == self.policy.region);
        let is_newer = self.book.newest.is_none_or(|newest| report.release.ordered_at > newest);
        if !is_mine || !is_newer || report.release.end.is_some() {
            return;
        }
        let mut release = report.release.clone();
        release.turn = None;
        for leg in release.legs.iter_mut().filter(|leg| leg.region == self.policy.region) {
            (leg.state, leg.revision) = (LegState::Waiting, 0);
        }
        self.book.newest = Some(release.ordered_at);
        self.enqueue(release);
    }

    /// A release that has ended here may be undone from elsewhere.
    fn take_over_ended(&mut self, at: usize, report: &Report) {
        let region = self.policy.region.clone();
        let is_free = self.book.active.is_none();
        let Some(release) = self.book.ended.get_mut(at) else { return };
        let was_unwound = release.unwind.is_some();
        release.take_over(report);
        let goes_back = |leg: &Leg| leg.region == region && leg.state.moved().is_some();
        let is_to_go_back =
            release.unwind.as_ref().is_some_and(|unwind| release.legs.iter().any(|leg| goes_back(leg) && unwind.scope.covers(leg)));
        if is_to_go_back && !was_unwound && is_free {
            let mut release = self.book.ended.remove(at);
            release.end = None;
            self.book.active = Some(release);
        }
    }

    fn take_rotation(&mut self, secret: &str, at: Timestamp) {
        if !self.policy.service.rotated_secrets.restart {
            return;
        }
        let targets = self.targets_here();
        if targets.is_empty() {
            return;
        }
        let need = Need::Readers { targets, secrets: vec![secret.to_owned()] };
        let found = self.find(need, |found| match found {
            Found::Readers(readers) => Some(readers),
            _ => None,
        });
        match found {
            None => {}
            Some(Err(error)) => self.unreadable("the task definitions", error),
            Some(Ok(readers)) if readers.is_empty() => {}
            Some(Ok(readers)) => {
                let is_done = |release: &Release| matches!(&release.change, Change::Restart { secrets } if secrets.contains(secret));
                let is_repeated =
                    self.book.active.iter().chain(&self.book.ended).any(|release| is_done(release) && release.ordered_at >= at);
                if is_repeated {
                    return;
                }
                let pending = self.book.rotated.get_or_insert_with(|| Rotated {
                    secrets: BTreeSet::new(),
                    targets: BTreeSet::new(),
                    since: at,
                    last: at,
                });
                pending.secrets.insert(secret.to_owned());
                pending.targets.extend(readers.iter().cloned());
                pending.last = pending.last.max(at);
            }
        }
    }

    /// The ECS services of this region that belong to the service: its own, and those of its stages.
    fn targets_here(&self) -> Vec<DeployTarget> {
        let path = self.policy.path();
        let here = |stage: &&crate::fleet::Stage| stage.waves.iter().any(|wave| wave.regions.contains(&self.policy.region));
        let staged =
            path.into_iter().flat_map(|path| &path.stages).filter(here).map(|stage| self.policy.service.deploy_target(&stage.name));
        let mut targets: BTreeSet<DeployTarget> = staged.collect();
        // No path, or none that comes through here: the service runs here all the same.
        if targets.is_empty() {
            targets.insert(self.policy.service.own_target());
        }
        targets.into_iter().filter(|target| matches!(target, DeployTarget::Tasks(_))).collect()
    }

    /// The release that waits, or the restart that is due, is taken in hand.
    pub(super) fn take_up_next(&mut self) {
        if self.book.active.is_some() {
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
        let Some(rotated) = self.book.rotated.clone() else { return };
        let settle = seconds(self.policy.service.rotated_secrets.settle);
        // One rotation after another must not put the restart off for ever.
        let due = later(rotated.last, settle).min(later(rotated.since, settle.saturating_mul(10)));
        if self.now < due {
            return self.hold_until(Hold::Settling { until: due }, due);
        }
        self.book.rotated = None;
        self.book.active = Some(self.restart_of(rotated));
    }

    fn restart_of(&self, rotated: Rotated) -> Release {
        let stages = self.policy.path().map(|path| path.stages.as_slice()).unwrap_or_default();
        let stage_of = |target: &DeployTarget| {
            let stage = stages.iter().find(|stage| self.policy.service.deploy_target(&stage.name) == *target);
            let wave = stage.and_then(|stage| stage.waves.iter().find(|wave| wave.regions.contains(&self.policy.region)));
            (stage.map(|stage| stage.name.clone()), wave.map(|wave| (wave.bake, wave.alarms.clone())))
        };
        let leg = |(number, target): (u32, DeployTarget)| {
            let (stage, wave) = stage_of(&target);
            let (bake, alarms) = wave.unwrap_or((RESTART_BAKE, Vec::new()));
            let stage = stage.or_else(|| StageName::try_from("restart".to_owned()).ok())?;
            let region = self.policy.region.clone();
            Some(Leg { stage, wave: number, region, target, bake, alarms, state: LegState::Waiting, revision: 0 })
        };
        let line = LogLine { at: self.now, region: self.policy.region.clone(), text: "its readers are to be started anew".into() };
        Release {
            id: ReleaseId::new(rotated.last, "restart"),
            change: Change::Restart { secrets: rotated.secrets },
            started_by: StartedBy::Rotation,
            ordered_at: rotated.last,
            detected_at: self.now,
            expires_at: later(self.now, RESTART_EXPIRES),
            gate: Gate::None,
            approvals: BTreeMap::new(),
            legs: (0_u32..).zip(rotated.targets).filter_map(leg).collect(),
            turn: None,
            unwind: None,
            end: None,
            accepts_drift: true,
            log: vec![line],
        }
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
    asked.map(|(stage, rule)| (stage, Approval { rule, asked_at: None, expires_at, answers: BTreeMap::new(), granted_at: None })).collect()
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

    fn take_over(&mut self, report: &Report) {
        let teller = report.region.as_str();
        let told = &report.release;
        for leg in self.legs.iter_mut().filter(|leg| leg.region == teller) {
            let newer = told.legs.iter().find(|other| other.region == teller && other.stage == leg.stage && other.wave == leg.wave);
            if let Some(newer) = newer.filter(|newer| newer.revision > leg.revision) {
                (leg.state, leg.revision) = (newer.state.clone(), newer.revision);
            }
        }
        if self.home() == Some(teller) {
            self.gate = told.gate.clone();
        }
        for (stage, approval) in &told.approvals {
            if self.owner_of(stage.as_str()) == Some(teller) {
                self.approvals.insert(stage.clone(), approval.clone());
            }
        }
        if self.unwind.is_none() {
            self.unwind.clone_from(&told.unwind);
        }
        // What is done there may not be done here: that everything has passed, each region sees for itself.
        if self.end.is_none() {
            self.end = told.end.clone().filter(|end| end.kind != EndKind::Done);
        }
        for line in told.log.iter().filter(|line| line.region == teller) {
            if !self.log.contains(line) {
                self.push_log(line.clone());
            }
        }
        self.log.sort_by_key(|line| line.at);
    }
}

impl Desk<'_> {
    /// That the release is to be undone, unless it is already.
    pub(super) fn unwind(&mut self, unwind: Unwind) {
        let Some(release) = self.book.active.as_mut().filter(|release| release.unwind.is_none()) else { return };
        let by = unwind.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let text = format!("going back{by}: {}", unwind.why);
        release.unwind = Some(unwind);
        self.log(text);
        self.has_changed();
        self.look_at(later(self.now, AGAIN_SOON));
    }
}
