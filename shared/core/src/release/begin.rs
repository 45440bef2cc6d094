//! Before a leg begins: everything is looked at, and what is wrong is told all at once.
//!
//! Owns what has to be there, and what counts as changed by hand. Nothing is changed here.

use serde_json::Value;

use super::desk::{AGAIN_LATER, Desk, FOLLOW, later};
use super::legs::revision_name;
use super::{
    Blueprint, Change, CheckResult, EndKind, Found, Hold, Image, Leg, LegState, Move, Need, NoMatch, TargetNow, blueprint_differences,
    definition_with_image, same_blueprint, template_with_image,
};
use crate::fleet::{DeployTarget, DriftRule};
use crate::ledger::Pause;

impl Desk<'_> {
    /// Everything is looked at before anything is done; what is wrong is told all at once.
    pub(super) fn begin(&mut self, index: usize, leg: &Leg) {
        if let Some(Pause { by, why, until, .. }) = self.pause {
            let hold = Hold::Paused { by: by.clone(), why: why.clone(), until: *until };
            return self.hold_until(hold, (*until).min(later(self.now, AGAIN_LATER)));
        }
        // Readers that are locked out are started anew at any time: that brings back what is missing, and changes nothing else.
        if let Some(frozen) = self.policy.frozen.clone().filter(|_| !self.is_urgent_restart()) {
            return self.hold_until(Hold::Frozen { why: frozen.why, until: frozen.until }, frozen.until);
        }
        let Some(change) = self.book.active.as_ref().map(|release| release.change.clone()) else { return };
        let (quiet, target) = (self.alarms_are_quiet(leg), self.target(&leg.target));
        match (change, quiet, target) {
            (Change::Image(image), true, Some(target)) => self.begin_image(index, leg, &image, &target),
            (Change::Restart { .. }, true, Some(target)) => self.begin_restart(index, &target),
            // The reads that do not depend on one another go out together.
            (Change::Image(image), _, target) => {
                let _ = (self.image_is_here(&image), target.map(|target| self.blueprint(&leg.target, &target.revision)));
            }
            (Change::Restart { .. }, ..) => {}
        }
    }

    fn begin_restart(&mut self, index: usize, target: &TargetNow) {
        if let Some(problem) = &target.unusable {
            return self.refuse(index, std::slice::from_ref(problem));
        }
        if let Some(newest) = target.newest.as_ref().filter(|newest| newest.is_moving) {
            return self.hold(Hold::OtherRollout { handle: newest.handle.clone() }, FOLLOW);
        }
        self.restart_begins();
        if let Some(why) = self.begun_in_spite_of_a_freeze() {
            self.log(why);
        }
        let moved = Move { from: target.revision.clone(), to: target.revision.clone(), handle: None, since: self.now };
        self.set_leg(index, LegState::Starting(moved));
        self.drive(index);
    }

    fn begin_image(&mut self, index: usize, leg: &Leg, image: &Image, target: &TargetNow) {
        let (here, blueprint) = (self.image_is_here(image), self.blueprint(&leg.target, &target.revision));
        let (Some(here), Some(blueprint)) = (here, blueprint) else { return };
        if !here {
            return self.wait_for_image(index, leg);
        }
        let wanted = with_image(&leg.target, &blueprint.running.body, image, leg);
        if let Ok(body) = &wanted
            && same_blueprint(body, &blueprint.running.body)
            && blueprint.running.revision == target.revision
        {
            self.set_leg(index, LegState::AlreadyThere { running: target.revision.clone(), at: self.now });
            self.log(format!("{} {}: {} runs this image already", leg.stage, leg.region, revision_name(&target.revision)));
            return self.prove(&leg.target, &target.revision);
        }
        if let Some(newest) = target.newest.as_ref().filter(|newest| newest.is_moving) {
            let hold = Hold::OtherRollout { handle: newest.handle.clone() };
            return self.hold_in_turn(index, hold, "somebody else's deployment did not end in time");
        }
        let Some(wrong) = self.what_is_wrong(leg, image, target, &blueprint, &wanted) else { return };
        if !wrong.is_empty() {
            return self.refuse(index, &wrong);
        }
        self.set_leg(index, LegState::Preparing { from: target.revision.clone(), since: self.now });
        self.drive(index);
    }

    /// Every reason why it must not begin, at once; none while something of it cannot be seen.
    fn what_is_wrong(
        &mut self,
        leg: &Leg,
        image: &Image,
        target: &TargetNow,
        blueprint: &Blueprint,
        wanted: &Result<Value, NoMatch>,
    ) -> Option<Vec<String>> {
        let mut wrong: Vec<String> = target.unusable.iter().cloned().collect();
        match wanted {
            Err(no_match) => wrong.push(no_match.to_string()),
            Ok(body) => {
                let need = Need::Checks { target: leg.target.clone(), body: body.clone() };
                let checks = self.find(need, |found| match found {
                    Found::Checks(checks) => Some(checks),
                    _ => None,
                })?;
                for check in checks {
                    match &check.result {
                        CheckResult::Fine => {}
                        CheckResult::Wrong(problem) => wrong.push(format!("{}: {problem}", check.what)),
                        CheckResult::Unreadable(error) => {
                            self.unreadable(&check.what, error);
                            return None;
                        }
                    }
                }
            }
        }
        wrong.extend(self.drift(blueprint, &image.repository));
        Some(wrong)
    }

    /// What was changed by hand since the last release; an empty answer also where that is taken over.
    fn drift(&mut self, blueprint: &Blueprint, repository: &str) -> Option<String> {
        let proven = blueprint.proven.as_ref()?;
        let differences = blueprint_differences(&proven.body, &blueprint.running.body, Some(repository));
        if differences.is_empty() {
            return None;
        }
        let (ran, runs) = (revision_name(&proven.revision), revision_name(&blueprint.running.revision));
        let text = format!("{runs} was made by hand after {ran}, the last that a release proved: {}", differences.join("; "));
        let accepts = self.book.active.as_ref().is_some_and(|release| release.accepts_drift)
            || self.policy.path().is_some_and(|path| path.drift == DriftRule::Accept);
        if accepts {
            self.log(format!("taken over: {text}"));
            return None;
        }
        Some(format!("{text}; `nightshift deploy --accept-drift` takes it over"))
    }

    fn wait_for_image(&mut self, index: usize, leg: &Leg) {
        let why = format!("the image did not come to the repository in {} in time; look at the registry's replication", leg.region);
        self.hold_in_turn(index, Hold::WaitingForImage, &why);
    }

    /// Holds, but not for longer than a roll-out may take.
    fn hold_in_turn(&mut self, index: usize, hold: Hold, or_else: &str) {
        let since = self.book.active.as_ref().and_then(|release| release.turn.as_ref()).map_or(self.now, |turn| turn.since);
        match self.is_over(since, self.deadline()) {
            true => self.refuse(index, &[or_else.to_owned()]),
            false => self.hold(hold, FOLLOW),
        }
    }

    /// Nothing was changed by this leg: the release ends here.
    pub(super) fn refuse(&mut self, index: usize, reasons: &[String]) {
        let why = reasons.join("; ");
        let has_changed_something =
            self.book.active.as_ref().is_some_and(|release| release.legs.iter().any(|leg| leg.state.moved().is_some()));
        self.set_leg(index, LegState::Failed { at: self.now, why: why.clone() });
        self.end(if has_changed_something { EndKind::Failed } else { EndKind::Refused }, &why, None);
    }
}

/// The image as this region's registry has it: the same digest under the region's own address.
fn here(image: &Image, leg: &Leg) -> Image {
    let uri = match (image.uri.split_once(".dkr.ecr."), image.uri.split_once('/')) {
        (Some((account, rest)), Some(_)) => match rest.split_once('.') {
            Some((_, rest)) => format!("{account}.dkr.ecr.{}.{rest}", leg.region),
            None => image.uri.clone(),
        },
        _ => image.uri.clone(),
    };
    Image { uri, ..image.clone() }
}

pub(super) fn with_image(target: &DeployTarget, body: &Value, image: &Image, leg: &Leg) -> Result<Value, NoMatch> {
    let pinned = here(image, leg).pinned();
    match target {
        DeployTarget::Tasks(_) => definition_with_image(body, &image.repository, &pinned),
        DeployTarget::Group(_) => template_with_image(body, &image.repository, &pinned),
    }
}
