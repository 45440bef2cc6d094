//! One leg, driven by its own region: prepared, started, followed, watched, passed. What comes before is `begin.rs`.
//!
//! Owns when a new revision is made and when a target is moved. Looks first whether it was done already: a process may have
//! died between doing and noting. A leg that fails is handed to `back.rs`.

use jiff::{SignedDuration, Timestamp};

use super::begin::with_image;
use super::desk::{Desk, FOLLOW, later};
use super::intake::seconds;
use super::legs::revision_name;
use super::{EndKind, Hold, Leg, LegState, Move, Proven, RolloutNow, RolloutStatus, Step, TargetNow, same_blueprint};
use crate::fleet::DeployTarget;
use crate::notice::Severity;

/// A group is set to the version that a refresh has brought once that has succeeded: for so long the two reads may not agree.
const SETTLES: SignedDuration = SignedDuration::from_mins(2);

impl Desk<'_> {
    pub(super) fn drive(&mut self, index: usize) {
        let Some(leg) = self.book.active.as_ref().and_then(|release| release.legs.get(index)).cloned() else { return };
        match &leg.state {
            LegState::Waiting => self.begin(index, &leg),
            LegState::Preparing { since, .. } => self.prepare(index, &leg, *since),
            LegState::Starting(moved) => self.start(index, &leg, moved),
            LegState::Rolling(moved) => self.follow(index, &leg, moved),
            LegState::Baking { moved, until } => self.watch(index, &leg, moved, *until),
            LegState::RollingBack { .. } => self.drive_back(index, &leg),
            LegState::Passed { .. }
            | LegState::AlreadyThere { .. }
            | LegState::RolledBack { .. }
            | LegState::Failed { .. }
            | LegState::Skipped { .. } => {}
        }
    }

    fn prepare(&mut self, index: usize, leg: &Leg, since: Timestamp) {
        let Some(image) = self.book.active.as_ref().and_then(|release| release.change.image()).cloned() else { return };
        if self.is_over(since, self.deadline()) {
            return self.refuse(index, &["the new revision was not made in time (none is made where Nightshift only observes)".to_owned()]);
        }
        let Some(target) = self.target(&leg.target) else { return };
        let Some(blueprint) = self.blueprint(&leg.target, &target.revision) else { return };
        let body = match with_image(&leg.target, &blueprint.running.body, &image, leg) {
            Ok(body) => body,
            Err(no_match) => return self.refuse(index, &[no_match.to_string()]),
        };
        let (running, latest) = (&blueprint.running, &blueprint.latest);
        if latest.revision != running.revision && same_blueprint(&latest.body, &body) {
            let moved = Move { from: running.revision.clone(), to: latest.revision.clone(), handle: None, since: self.now };
            self.set_leg(index, LegState::Starting(moved));
            return self.drive(index);
        }
        let Some(release) = self.book.active.as_ref().map(|release| release.id.clone()) else { return };
        self.look_at(later(self.now, FOLLOW));
        self.take(Step::MakeRevision { target: leg.target.clone(), from: running.revision.clone(), body, release });
    }

    pub(super) fn revision_was_made(&mut self, revision: &str) {
        let preparing = |leg: &Leg| match &leg.state {
            LegState::Preparing { from, .. } if leg.region == self.policy.region => Some(from.clone()),
            _ => None,
        };
        let found = self.book.active.as_ref().and_then(|release| {
            let legs = release.legs.iter().enumerate();
            legs.into_iter().find_map(|(index, leg)| Some((index, preparing(leg)?)))
        });
        let Some((index, from)) = found else { return };
        let moved = Move { from, to: revision.to_owned(), handle: None, since: self.now };
        self.log(format!("{} made", revision_name(revision)));
        self.set_leg(index, LegState::Starting(moved));
    }

    fn start(&mut self, index: usize, leg: &Leg, moved: &Move) {
        let Some(target) = self.target(&leg.target) else { return };
        if self.is_over(moved.since, self.deadline()) {
            return self.fail(index, leg, "the roll-out could not be begun in time");
        }
        if let Some((handle, since)) = self.begun_already(leg, moved, &target) {
            return self.is_rolling(index, leg, &Move { handle, since, ..moved.clone() });
        }
        if target.revision != moved.from && target.revision != moved.to {
            return self.was_replaced(index, leg, &target);
        }
        if let Some(newest) = target.newest.as_ref().filter(|newest| newest.is_moving) {
            return self.hold(Hold::OtherRollout { handle: newest.handle.clone() }, FOLLOW);
        }
        self.look_at(later(self.now, FOLLOW));
        let mut replacement = self.replacement();
        if moved.from == moved.to {
            // Nothing new is being tried: a stop at a checkpoint would only keep readers waiting.
            replacement.checkpoints.clear();
        }
        let (seen, to) = (target.revision.clone(), moved.to.clone());
        self.take(Step::RollOut { target: leg.target.clone(), seen, to, replacement });
    }

    /// The roll-out's handle and when it began, if it was begun by an invocation that did not live to note it. Auto Scaling tells
    /// whole seconds.
    fn begun_already(&self, leg: &Leg, moved: &Move, target: &TargetNow) -> Option<(Option<String>, Timestamp)> {
        let is_restart = moved.from == moved.to;
        let since_it_was_noted = |newest: &super::RolloutId| {
            let is_of_it = newest.revision.as_deref() == Some(moved.to.as_str());
            newest.began_at.filter(|began| is_of_it && began.as_second() >= moved.since.as_second())
        };
        let ours = target.newest.as_ref().and_then(|newest| Some((newest.handle.clone(), since_it_was_noted(newest)?)));
        let is_set = matches!(leg.target, DeployTarget::Tasks(_)) && !is_restart && target.revision == moved.to;
        match (ours, is_set) {
            (Some((handle, began)), _) => Some((Some(handle), began)),
            (None, true) => Some((target.newest.as_ref().map(|newest| newest.handle.clone()), moved.since)),
            (None, false) => None,
        }
    }

    fn is_rolling(&mut self, index: usize, leg: &Leg, moved: &Move) {
        let (from, to) = (revision_name(&moved.from).to_owned(), revision_name(&moved.to).to_owned());
        self.set_leg(index, LegState::Rolling(moved.clone()));
        let text = if from == to { format!("{from} is started anew") } else { format!("{from} -> {to}") };
        self.log(format!("{} {}: rolling, {text}", leg.stage, leg.region));
        let headline = format!("{} rolls in {} ({})", self.release_name(), leg.region, leg.stage);
        let frozen = self.begun_in_spite_of_a_freeze().map(|why| format!("\n{why}.")).unwrap_or_default();
        self.note("rolling", Severity::Info, headline, format!("{}: {text}{frozen}", leg.target));
        self.look_at(later(self.now, FOLLOW));
    }

    pub(super) fn roll_out_began(&mut self, to: &str, handle: Option<String>) {
        let Some(release) = self.book.active.as_ref() else { return };
        let found = release.legs.iter().enumerate().find(|(_, leg)| leg.region == self.policy.region && leg.state.is_moving());
        let Some((index, leg)) = found.map(|(index, leg)| (index, leg.clone())) else { return };
        match &leg.state {
            LegState::Starting(moved) if moved.to == to => {
                self.is_rolling(index, &leg, &Move { handle, since: self.now, ..moved.clone() });
            }
            LegState::RollingBack { .. } => self.going_back_began(index, &leg, handle),
            _ => {}
        }
    }

    fn follow(&mut self, index: usize, leg: &Leg, moved: &Move) {
        let Some(rollout) = self.rollout(leg, moved) else { return };
        let quiet = self.alarm_in_alarm(leg);
        let Some(rollout) = self.still_ours(index, leg, moved, &rollout) else { return };
        let Some(alarm) = quiet else { return };
        if let Some(alarm) = alarm {
            return self.fail(index, leg, &format!("alarm {alarm} went into ALARM"));
        }
        match rollout.status {
            RolloutStatus::Succeeded => self.bake(index, leg, moved),
            _ if self.is_over(moved.since, self.deadline()) => {
                self.fail(index, leg, &format!("it did not end within the path's deadline: {}", rollout.in_words()));
            }
            _ => self.hold(Hold::Rolling { words: rollout.in_words() }, FOLLOW),
        }
    }

    fn bake(&mut self, index: usize, leg: &Leg, moved: &Move) {
        let until = later(self.now, seconds(leg.bake));
        self.log(format!("{} {}: {} runs; watched for {}", leg.stage, leg.region, revision_name(&moved.to), leg.bake));
        self.set_leg(index, LegState::Baking { moved: moved.clone(), until });
        self.drive(index);
    }

    /// Whether the roll-out is still ours to follow; what ended it otherwise is dealt with.
    fn still_ours(&mut self, index: usize, leg: &Leg, moved: &Move, rollout: &RolloutNow) -> Option<RolloutNow> {
        let is_restart = moved.from == moved.to;
        match rollout.status {
            RolloutStatus::Failed => self.fail(index, leg, &format!("the roll-out failed: {}", rollout.in_words())),
            RolloutStatus::RollingBack | RolloutStatus::RolledBack if !is_restart => {
                self.goes_back_by_itself(index, leg, moved, &rollout.words);
            }
            RolloutStatus::RollingBack | RolloutStatus::RolledBack => {
                self.fail(index, leg, &format!("it was taken back: {}", rollout.in_words()));
            }
            RolloutStatus::Replaced => {
                let why = format!("somebody else put another deployment in its place: {}", rollout.in_words());
                self.give_up(index, leg, &why);
            }
            RolloutStatus::Moving | RolloutStatus::Succeeded if rollout.died >= self.crashes() => {
                let why = format!("{} tasks of {} died after they had started", rollout.died, revision_name(&moved.to));
                self.fail(index, leg, &why);
            }
            RolloutStatus::Moving | RolloutStatus::Succeeded => return Some(rollout.clone()),
        }
        None
    }

    /// It runs; alarms, deaths of tasks and whether all are there are looked at until its time is over.
    fn watch(&mut self, index: usize, leg: &Leg, moved: &Move, until: Timestamp) {
        let (rollout, quiet, target) = (self.rollout(leg, moved), self.alarm_in_alarm(leg), self.target(&leg.target));
        let (Some(rollout), Some(alarm), Some(target)) = (rollout, quiet, target) else { return };
        if target.revision != moved.to {
            let is_taken_back = matches!(rollout.status, RolloutStatus::RollingBack | RolloutStatus::RolledBack);
            let is_not_set_yet = matches!(leg.target, DeployTarget::Group(_))
                && target.revision == moved.from
                && !self.is_over(later(until, -seconds(leg.bake)), SETTLES);
            if is_not_set_yet && !is_taken_back {
                return self.hold(Hold::Rolling { words: rollout.in_words() }, FOLLOW);
            }
            if !is_taken_back {
                return self.was_replaced(index, leg, &target);
            }
        }
        let Some(rollout) = self.still_ours(index, leg, moved, &rollout) else { return };
        if let Some(alarm) = alarm {
            return self.fail(index, leg, &format!("alarm {alarm} went into ALARM while it was watched"));
        }
        let is_whole = target.running >= target.desired;
        match self.now >= until {
            false => self.hold_until(Hold::Baking { until }, until.min(later(self.now, FOLLOW))),
            true if is_whole => self.pass(index, leg, moved),
            true if self.is_over(until, self.deadline()) => {
                self.fail(index, leg, &format!("only {} of {} are healthy", target.running, target.desired));
            }
            true => {
                self.hold(Hold::Rolling { words: format!("{} of {} healthy; {}", target.running, target.desired, rollout.words) }, FOLLOW)
            }
        }
    }

    fn pass(&mut self, index: usize, leg: &Leg, moved: &Move) {
        self.set_leg(index, LegState::Passed { moved: moved.clone(), at: self.now });
        self.log(format!("{} {}: passed", leg.stage, leg.region));
        self.has_what_is_current(leg, moved);
        // A restart brings no revision: what was made by hand is not proven by it.
        if moved.from != moved.to {
            self.prove(&leg.target, &moved.to);
        }
        let headline = format!("{} passed in {} ({})", self.release_name(), leg.region, leg.stage);
        let text = format!("{}: {} is healthy.", leg.target, revision_name(&moved.to));
        self.note("passed", Severity::Info, headline, text);
        self.look_at(self.now);
    }

    pub(super) fn prove(&mut self, target: &DeployTarget, revision: &str) {
        let Some(release) = self.book.active.as_ref().map(|release| release.id.clone()) else { return };
        let proven = Proven { revision: revision.to_owned(), release, at: self.now };
        self.book.proven.insert(target.to_string(), proven);
    }

    fn was_replaced(&mut self, index: usize, leg: &Leg, target: &TargetNow) {
        let why = format!("somebody else set {} to {}", leg.target, revision_name(&target.revision));
        self.give_up(index, leg, &why);
    }

    /// Somebody else has taken over: nothing is rolled back over their head.
    pub(super) fn give_up(&mut self, index: usize, leg: &Leg, why: &str) {
        self.set_leg(index, LegState::Failed { at: self.now, why: why.to_owned() });
        self.log(format!("{} {}: {why}", leg.stage, leg.region));
        self.end(EndKind::Failed, why, None);
    }
}

impl RolloutNow {
    fn in_words(&self) -> String {
        let counts = format!("{} of {} of the new revision run", self.running, self.desired);
        let died = if self.died > 0 { format!(", {} died", self.died) } else { String::new() };
        let words = if self.words.is_empty() { String::new() } else { format!(" ({})", self.words) };
        format!("{counts}{died}{words}")
    }
}
