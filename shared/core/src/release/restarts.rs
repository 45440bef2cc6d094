//! Rotated secrets' readers are started anew: when that is due, what goes first, and what the restart is.
//!
//! A restart is a release without an image: the same lock, the same following, no gate and no approval. It goes before a
//! release that only waits, since nobody knows for how long that will. Who reads a secret is `rotations.rs`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::aside::Haste;
use super::desk::{AGAIN_LATER, AGAIN_SOON, Desk, FOLLOW, later};
use super::intake::seconds;
use super::{Change, EndKind, Found, Gate, Hold, Leg, LegState, LogLine, Need, Release, ReleaseId, Rotated, StartedBy, TargetNow};
use crate::fleet::{DeployTarget, Seconds, StageName};
use crate::ports::{PortError, PortErrorKind};

/// A restart without a path is watched for this long.
const RESTART_BAKE: Seconds = Seconds::new(120);
/// A restart brings nothing new but the secret, which shows in minutes, however long a path watches new images.
const LONGEST_BAKE: Seconds = Seconds::new(300);
/// A restart that cannot be begun is given up after this.
const RESTART_EXPIRES: SignedDuration = SignedDuration::from_hours(24);

impl Desk<'_> {
    /// Whether the release in hand is a restart for a secret whose readers are locked out.
    pub(super) fn is_urgent_restart(&self) -> bool {
        match self.book.active.as_ref().map(|release| &release.change) {
            Some(Change::Restart { secrets, .. }) => secrets.iter().any(|secret| self.policy.is_urgent(secret)),
            _ => false,
        }
    }

    /// Why a restart is begun while a freeze window holds, for people to read.
    pub(super) fn begun_in_spite_of_a_freeze(&self) -> Option<String> {
        let frozen = self.policy.frozen.as_ref().filter(|_| self.is_urgent_restart())?;
        let until = frozen.until.strftime("%Y-%m-%d %H:%M UTC");
        Some(format!("begun although it is frozen until {until} ({}): its readers cannot log in before", frozen.why))
    }

    /// What is to be done about a restart that did not end well; none for what needs nothing.
    pub(super) fn restart_remedy(&self, kind: EndKind) -> Option<String> {
        let Change::Restart { secrets, .. } = &self.book.active.as_ref()?.change else { return None };
        if kind == EndKind::Done {
            return None;
        }
        let standing = match self.is_urgent_restart() {
            true => "Tasks and instances that were not started anew cannot open connections: the database refuses the old password",
            false => "What was not started anew still has the old value",
        };
        let again: Vec<String> = secrets.iter().map(|secret| format!(r#"{{"nightshift":"rotated","secret":"{secret}"}}"#)).collect();
        Some(format!(
            "{standing}. There is no older revision to go back to.\nWhat to do: find out why what is started does not get healthy, mend \
             that, and have its readers started anew once more: invoke the deploy function with {}",
            again.join(", and with ")
        ))
    }

    fn haste(&self, rotated: &Rotated) -> Haste {
        match rotated.secrets.iter().any(|secret| self.policy.is_urgent(secret)) {
            true => Haste::Urgent,
            false => Haste::Usual,
        }
    }

    /// When the readers are to be started anew.
    fn restart_is_due(&self, rotated: &Rotated) -> Timestamp {
        let settle = seconds(self.policy.service.rotated_secrets.settle);
        match self.haste(rotated) {
            Haste::Urgent => self.now,
            // One rotation after another must not put the restart off for ever.
            Haste::Usual => later(rotated.last, settle).min(later(rotated.since, settle.saturating_mul(10))),
        }
    }

    /// Nothing is in hand and nothing else waits: the rotations settle, and then their readers are started anew.
    pub(super) fn take_up_restart(&mut self) {
        let Some(rotated) = self.book.rotated.clone() else { return };
        let due = self.restart_is_due(&rotated);
        match self.now < due {
            true => self.hold_until(Hold::Settling { until: due }, due),
            false => self.take_restart_in_hand(),
        }
    }

    /// The restart is taken in hand if it is due and can begin at once: before what waits for its turn, or in place of what is in
    /// hand and only waits. Whether it was.
    pub(super) fn restart_goes_first(&mut self) -> bool {
        let Some(rotated) = self.book.rotated.clone() else { return false };
        let due = self.restart_is_due(&rotated);
        if self.now < due {
            self.look_at(due);
            return false;
        }
        let goes_past = self.book.active.is_none() || self.may_be_put_aside(self.haste(&rotated));
        if !goes_past || self.is_being_served(&rotated) || !self.can_restart(&rotated) {
            return false;
        }
        if self.book.active.is_some() {
            self.put_aside();
        }
        self.take_restart_in_hand();
        true
    }

    fn take_restart_in_hand(&mut self) {
        if let Some(rotated) = self.book.rotated.take() {
            self.book.active = Some(self.restart_of(rotated));
            self.book.told = None;
        }
    }

    /// A restart of which nothing has begun waits again; whether there was one.
    pub(super) fn put_back_restart(&mut self) -> bool {
        let is_untouched = |release: &&mut Release| {
            let is_open = release.end.is_none() && release.unwind.is_none();
            is_open && release.change.image().is_none() && release.legs.iter().all(|leg| matches!(leg.state, LegState::Waiting))
        };
        if self.book.active.as_mut().filter(is_untouched).is_none() {
            return false;
        }
        let Some(Release { change: Change::Restart { secrets, .. }, legs, ordered_at, .. }) = self.book.active.take() else { return false };
        self.book.told = None;
        let targets = legs.into_iter().map(|leg| leg.target).collect();
        let rotated = Rotated { secrets, targets, since: ordered_at, last: ordered_at };
        match &mut self.book.rotated {
            None => self.book.rotated = Some(rotated),
            Some(pending) => {
                for secret in &rotated.secrets {
                    pending.take_in(secret, rotated.targets.clone(), ordered_at);
                }
            }
        }
        true
    }

    /// Whether what is under way starts all readers anew in any case, and began when the rotated secrets were current.
    fn is_being_served(&self, rotated: &Rotated) -> bool {
        let Some(release) = self.book.active.as_ref() else { return false };
        let serves = |leg: &Leg| {
            let began = leg.state.moved().filter(|_| leg.state.is_moving()).map(super::rotations::began_at_the_earliest);
            leg.region == self.policy.region && began.is_some_and(|began| began >= rotated.last)
        };
        rotated.targets.iter().all(|target| release.legs.iter().any(|leg| leg.target == *target && serves(leg)))
    }

    /// Whether a restart could begin now; looks again in time if not.
    fn can_restart(&mut self, rotated: &Rotated) -> bool {
        if let Some(pause) = self.pause {
            self.look_at(pause.until.min(later(self.now, AGAIN_LATER)));
            return false;
        }
        if let Some(frozen) = self.policy.frozen.as_ref().filter(|_| self.haste(rotated) == Haste::Usual) {
            self.look_at(frozen.until);
            return false;
        }
        let restart = self.restart_of(rotated.clone());
        let Some(leg) = restart.legs.first() else { return false };
        // Both are read in one round.
        let (alarm, target) = (self.alarm_in_alarm(leg), self.target_for_restart(&leg.target));
        if let Some(Some(_)) = alarm {
            self.look_at(later(self.now, AGAIN_LATER));
        }
        match (alarm, target) {
            (Some(None), Some(Ok(target)))
                if target.unusable.is_none() && target.newest.as_ref().is_some_and(|newest| newest.is_moving) =>
            {
                self.look_at(later(self.now, FOLLOW));
                false
            }
            (Some(None), Some(Ok(_))) => true,
            // That is told once it is in hand.
            (Some(None), Some(Err(error))) if error.kind == PortErrorKind::NotFound => true,
            (_, Some(Err(_))) => {
                self.look_at(later(self.now, AGAIN_SOON));
                false
            }
            _ => false,
        }
    }

    fn target_for_restart(&mut self, target: &DeployTarget) -> Option<Result<TargetNow, PortError>> {
        let found = self.find(Need::Target(target.clone()), |found| match found {
            Found::Target(target) => Some(target),
            _ => None,
        });
        found.cloned()
    }

    fn restart_of(&self, rotated: Rotated) -> Release {
        let haste = self.haste(&rotated);
        let stages = self.policy.path().map(|path| path.stages.as_slice()).unwrap_or_default();
        let place_of = |target: &DeployTarget| stages.iter().position(|stage| self.policy.service.deploy_target(&stage.name) == *target);
        let leg = |(number, target): (u32, DeployTarget)| {
            let stage = place_of(&target).and_then(|place| stages.get(place));
            let wave = stage.and_then(|stage| stage.waves.iter().find(|wave| wave.regions.contains(&self.policy.region)));
            let bake = wave.map_or(RESTART_BAKE, |wave| wave.bake.min(LONGEST_BAKE));
            // Readers that are locked out may well be what an alarm tells of: it must keep nobody from mending that.
            let alarms = wave.filter(|_| haste == Haste::Usual).map(|wave| wave.alarms.clone()).unwrap_or_default();
            let stage = stage.map(|stage| stage.name.clone()).or_else(|| StageName::try_from("restart".to_owned()).ok())?;
            let region = self.policy.region.clone();
            Some(Leg { stage, wave: number, region, target, bake, alarms, state: LegState::Waiting, revision: 0 })
        };
        let mut targets: Vec<DeployTarget> = rotated.targets.into_iter().collect();
        targets.sort_by_key(place_of);
        if haste == Haste::Urgent {
            // The last stage is the one that customers wait for.
            targets.reverse();
        }
        let version = |secret: &String| Some((secret.clone(), self.book.handed(secret)?.version.clone()?));
        let versions: BTreeMap<String, String> = rotated.secrets.iter().filter_map(version).collect();
        let line = LogLine { at: self.now, region: self.policy.region.clone(), text: "its readers are to be started anew".into() };
        Release {
            id: self.restart_id(rotated.last),
            change: Change::Restart { secrets: rotated.secrets, versions },
            started_by: StartedBy::Rotation,
            ordered_at: rotated.last,
            detected_at: self.now,
            expires_at: later(self.now, RESTART_EXPIRES),
            gate: Gate::None,
            approvals: BTreeMap::new(),
            legs: (0_u32..).zip(targets).filter_map(leg).collect(),
            turn: None,
            unwind: None,
            end: None,
            accepts_drift: true,
            log: vec![line],
        }
    }

    /// Two secrets may be rotated in the same second, and the second one be heard of too late for the first restart.
    fn restart_id(&self, ordered_at: Timestamp) -> ReleaseId {
        let id = ReleaseId::new(ordered_at, "restart");
        match self.book.release(&id) {
            None => id,
            Some(_) => ReleaseId::new(self.now, "restart"),
        }
    }
}
