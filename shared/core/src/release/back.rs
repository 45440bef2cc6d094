//! The way back: a region, a stage or everything returns to the last revision that was proven healthy.
//!
//! Owns what is gone back to and when that is done. What ECS or Auto Scaling takes back by itself is only followed.

use super::decide::patience_with_regions;
use super::desk::{AGAIN_LATER, Desk, FOLLOW, later};
use super::legs::revision_name;
use super::{EndKind, Hold, Leg, LegState, Move, Proven, RolloutStatus, Scope, Step, Unwind};
use crate::fleet::OnFailure;
use crate::notice::Severity;

impl Desk<'_> {
    /// A leg has failed: back, as far as the path says.
    pub(super) fn fail(&mut self, index: usize, leg: &Leg, why: &str) {
        self.log(format!("{} {}: {why}", leg.stage, leg.region));
        let is_restart = self.book.active.as_ref().is_some_and(|release| release.change.image().is_none());
        let scope = match self.on_failure() {
            // A restart has no other revision to go back to; ECS keeps the old tasks until new ones are healthy.
            _ if is_restart => None,
            OnFailure::Stop => None,
            OnFailure::RollBack => Some(Scope::Leg { stage: leg.stage.clone(), region: leg.region.clone() }),
            OnFailure::RollBackStage => Some(Scope::Stage { stage: leg.stage.clone() }),
        };
        let Some(scope) = scope else {
            self.set_leg(index, LegState::Failed { at: self.now, why: why.to_owned() });
            return self.end(EndKind::Failed, why, None);
        };
        self.unwind(Unwind { why: why.to_owned(), by: None, at: self.now, scope });
        self.widen_to(leg);
        let headline = format!("{} fails in {} ({})", self.release_name(), leg.region, leg.stage);
        self.note("rolling_back", Severity::Critical, headline, format!("{why}. It goes back."));
        self.go_back();
    }

    /// A release that goes back elsewhere already, for that region alone: this leg goes back too.
    fn widen_to(&mut self, leg: &Leg) {
        let unwind = self.book.active.as_mut().and_then(|release| release.unwind.as_mut());
        if let Some(unwind) = unwind.filter(|unwind| !unwind.scope.covers(leg)) {
            unwind.scope = Scope::Unfinished;
        }
    }

    /// ECS or Auto Scaling takes it back without us.
    pub(super) fn goes_back_by_itself(&mut self, index: usize, leg: &Leg, moved: &Move, words: &str) {
        let why = if words.is_empty() { "it was taken back by AWS".to_owned() } else { format!("it was taken back by AWS: {words}") };
        let back = Move { from: moved.to.clone(), to: moved.from.clone(), handle: moved.handle.clone(), since: self.now };
        self.set_leg(index, LegState::RollingBack { moved: back, is_begun: true, why: why.clone() });
        let scope = match self.on_failure() {
            OnFailure::RollBackStage => Scope::Stage { stage: leg.stage.clone() },
            OnFailure::RollBack | OnFailure::Stop => Scope::Leg { stage: leg.stage.clone(), region: leg.region.clone() },
        };
        self.unwind(Unwind { why: why.clone(), by: None, at: self.now, scope });
        let headline = format!("{} fails in {} ({})", self.release_name(), leg.region, leg.stage);
        self.note("rolling_back", Severity::Critical, headline, why);
        self.go_back();
    }

    /// The next leg of this region that has to go back: the last one first.
    pub(super) fn next_to_go_back(&self) -> Option<usize> {
        let release = self.book.active.as_ref()?;
        let unwind = release.unwind.as_ref()?;
        let is_to_go_back = |leg: &Leg| {
            let is_on_its_way = matches!(leg.state, LegState::RollingBack { .. });
            let has_changed = leg.state.moved().is_some() || matches!(leg.state, LegState::Preparing { .. });
            leg.region == self.policy.region && (is_on_its_way || (has_changed && unwind.scope.covers(leg)))
        };
        release.legs.iter().rposition(is_to_go_back)
    }

    /// Brings the legs back one after the other, and then ends the release.
    pub(super) fn go_back(&mut self) {
        if let Some(index) = self.next_to_go_back() {
            let Some(leg) = self.book.active.as_ref().and_then(|release| release.legs.get(index)).cloned() else { return };
            return self.drive_back(index, &leg);
        }
        // What is under way here and does not go back is brought to its end.
        if let Some(index) = self.moving_leg() {
            return self.drive(index);
        }
        let (Some(release), now) = (self.book.active.as_ref(), self.now) else { return };
        let Some(unwind) = release.unwind.clone().filter(|_| release.end.is_none()) else { return };
        let still = |leg: &&Leg| {
            let is_moving = leg.state.is_moving();
            is_moving || (unwind.scope.covers(leg) && leg.state.moved().is_some())
        };
        let waiting: Vec<String> = release.legs.iter().filter(still).map(|leg| leg.region.clone()).collect();
        let patience = later(unwind.at, patience_with_regions(self.deadline()));
        if !waiting.is_empty() && now < patience {
            self.look_at(patience);
            return self.hold(Hold::WaitingForRegion { regions: waiting }, AGAIN_LATER);
        }
        let has = |wanted: fn(&LegState) -> bool| release.legs.iter().any(|leg| wanted(&leg.state));
        let kind = match () {
            () if !waiting.is_empty() || has(|state| matches!(state, LegState::Failed { .. })) => EndKind::Failed,
            () if has(|state| matches!(state, LegState::RolledBack { .. })) => EndKind::RolledBack,
            () if unwind.by.is_some() => EndKind::Aborted,
            () => EndKind::Failed,
        };
        let why = match waiting.is_empty() {
            true => unwind.why.clone(),
            false => format!("{}; {} did not tell that it went back", unwind.why, waiting.join(", ")),
        };
        self.end(kind, &why, unwind.by);
    }

    pub(super) fn drive_back(&mut self, index: usize, leg: &Leg) {
        let why =
            self.book.active.as_ref().and_then(|release| release.unwind.as_ref()).map_or_else(String::new, |unwind| unwind.why.clone());
        match &leg.state {
            // Nothing was changed yet; a revision that was made and never used harms nobody.
            LegState::Preparing { .. } => {
                self.set_leg(index, LegState::Failed { at: self.now, why });
                self.go_back();
            }
            LegState::RollingBack { moved, is_begun: true, why } => self.follow_back(index, leg, moved, why),
            LegState::RollingBack { moved, is_begun: false, why } => self.begin_back(index, leg, moved, why),
            state => {
                let Some(moved) = state.moved() else { return };
                let is_restart = moved.from == moved.to;
                if is_restart {
                    self.set_leg(index, LegState::Failed { at: self.now, why });
                    return self.go_back();
                }
                let to = self.last_proven(leg, moved);
                let is_over = matches!(state, LegState::Passed { .. });
                let handle = moved.handle.clone().filter(|_| !is_over);
                let back = Move { from: moved.to.clone(), to, handle, since: self.now };
                self.set_leg(index, LegState::RollingBack { moved: back, is_begun: false, why });
                self.drive(index);
            }
        }
    }

    /// The last revision that was proven healthy before this one; without one, what ran before.
    fn last_proven(&self, leg: &Leg, moved: &Move) -> String {
        let proven = self.book.proven.get(&leg.target.to_string()).map(|proven| &proven.revision);
        proven.filter(|proven| **proven != moved.to).unwrap_or(&moved.from).clone()
    }

    fn begin_back(&mut self, index: usize, leg: &Leg, back: &Move, why: &str) {
        let Some(target) = self.target(&leg.target) else { return };
        if target.revision == back.to {
            // Never begun, or begun by an invocation that did not live to note it.
            let moved = Move { handle: target.newest.as_ref().map(|newest| newest.handle.clone()), ..back.clone() };
            let is_of_a_group = matches!(leg.target, crate::fleet::DeployTarget::Group(_));
            let is_still_rolling = target.newest.as_ref().is_some_and(|newest| newest.is_moving && is_of_a_group);
            if !is_still_rolling {
                self.set_leg(index, LegState::RollingBack { moved, is_begun: true, why: why.to_owned() });
                return self.drive(index);
            }
        } else if target.revision != back.from {
            let why = format!("{why}; and somebody else set {} to {}", leg.target, revision_name(&target.revision));
            self.set_leg(index, LegState::Failed { at: self.now, why });
            return self.go_back();
        }
        if self.is_over(back.since, self.deadline()) {
            return self.cannot_go_back(index, leg, why);
        }
        let is_moving = target.newest.as_ref().is_some_and(|newest| newest.is_moving);
        self.look_at(later(self.now, FOLLOW));
        match back.handle.clone().filter(|_| is_moving) {
            Some(handle) => self.take(Step::TakeBack { target: leg.target.clone(), handle, to: back.to.clone() }),
            None => {
                let (seen, to, replacement) = (target.revision.clone(), back.to.clone(), self.replacement());
                self.take(Step::RollOut { target: leg.target.clone(), seen, to, replacement });
            }
        }
    }

    fn follow_back(&mut self, index: usize, leg: &Leg, back: &Move, why: &str) {
        let Some(target) = self.target(&leg.target) else { return };
        let is_moving = target.newest.as_ref().is_some_and(|newest| newest.is_moving);
        let is_back = target.revision == back.to && !is_moving && target.running >= target.desired;
        if is_back {
            let moved = back.clone();
            self.set_leg(index, LegState::RolledBack { moved, at: self.now, why: why.to_owned() });
            self.log(format!("{} {}: back on {}", leg.stage, leg.region, revision_name(&back.to)));
            if let Some(release) = self.book.active.as_ref().map(|release| release.id.clone()) {
                let proven = Proven { revision: back.to.clone(), release, at: self.now };
                self.book.proven.insert(leg.target.to_string(), proven);
            }
            return self.go_back();
        }
        if self.is_over(back.since, self.deadline()) {
            return self.cannot_go_back(index, leg, why);
        }
        // What was taken back natively may have been stopped half-way, or never have begun.
        let is_stuck = !is_moving && target.revision == back.from;
        if is_stuck && !self.is_natively_going_back(leg, back) {
            let moved = Move { handle: None, ..back.clone() };
            self.set_leg(index, LegState::RollingBack { moved, is_begun: false, why: why.to_owned() });
            return self.drive(index);
        }
        self.hold(Hold::RollingBack, FOLLOW);
    }

    fn is_natively_going_back(&mut self, leg: &Leg, back: &Move) -> bool {
        let Some(handle) = back.handle.clone() else { return false };
        let asked = Move { from: back.to.clone(), to: back.from.clone(), handle: Some(handle), since: back.since };
        // Not known yet is no reason to begin another way.
        self.rollout(leg, &asked).is_none_or(|rollout| matches!(rollout.status, RolloutStatus::RollingBack))
    }

    fn cannot_go_back(&mut self, index: usize, leg: &Leg, why: &str) {
        let why = format!("{why}; and it did not get back in time: look at {}", leg.target);
        self.set_leg(index, LegState::Failed { at: self.now, why: why.clone() });
        self.log(format!("{} {}: {why}", leg.stage, leg.region));
        self.go_back();
    }

    pub(super) fn going_back_began(&mut self, index: usize, leg: &Leg, handle: Option<String>) {
        let LegState::RollingBack { moved, why, .. } = &leg.state else { return };
        let moved = Move { handle, since: self.now, ..moved.clone() };
        self.log(format!("{} {}: going back to {}", leg.stage, leg.region, revision_name(&moved.to)));
        self.set_leg(index, LegState::RollingBack { moved, is_begun: true, why: why.clone() });
        self.look_at(later(self.now, FOLLOW));
    }

    pub(super) fn taking_back_began(&mut self) {
        self.in_taking_back(|moved| (moved.clone(), true));
    }

    /// Not natively, then: with a deployment of its own.
    pub(super) fn taking_back_is_impossible(&mut self) {
        self.in_taking_back(|moved| (Move { handle: None, ..moved.clone() }, false));
    }

    fn in_taking_back(&mut self, next: impl Fn(&Move) -> (Move, bool)) {
        let Some(release) = self.book.active.as_ref() else { return };
        let found = release.legs.iter().enumerate().find_map(|(index, leg)| match &leg.state {
            LegState::RollingBack { moved, is_begun: false, why } if leg.region == self.policy.region => {
                Some((index, next(moved), why.clone()))
            }
            _ => None,
        });
        if let Some((index, (moved, is_begun), why)) = found {
            self.set_leg(index, LegState::RollingBack { moved, is_begun, why });
        }
    }
}
