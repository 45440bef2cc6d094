//! What rules on legs read, through the desk: what was not read yet becomes a wish, what could not be read a hold.

use super::desk::{AGAIN_LATER, Desk};
use super::{Blueprint, Found, Hold, Image, Leg, Move, Need, RolloutNow, TargetNow};
use crate::fleet::DeployTarget;
use crate::ports::PortErrorKind;
use crate::signal::AlarmState;

impl Desk<'_> {
    /// The target as it is; a missing one ends the release.
    pub(super) fn target(&mut self, target: &DeployTarget) -> Option<TargetNow> {
        let found = self.find(Need::Target(target.clone()), |found| match found {
            Found::Target(target) => Some(target),
            _ => None,
        })?;
        match found {
            Ok(target) => Some(target.clone()),
            Err(error) if error.kind == PortErrorKind::NotFound => {
                let why = format!("{target} is not there; create it, or correct the fleet file");
                let waiting = self.book.active.as_ref().and_then(|release| {
                    release.legs.iter().position(|leg| leg.target == *target && leg.region == self.policy.region && !leg.state.is_past())
                });
                if let Some(index) = waiting {
                    self.refuse(index, &[why]);
                }
                None
            }
            Err(error) => {
                self.unreadable(&target.to_string(), error);
                None
            }
        }
    }

    pub(super) fn blueprint(&mut self, target: &DeployTarget, running: &str) -> Option<Blueprint> {
        let proven = self.book.proven.get(&target.to_string()).map(|proven| proven.revision.clone());
        let found = self.find(Need::Blueprint { target: target.clone(), running: running.to_owned(), proven }, |found| match found {
            Found::Blueprint(blueprint) => Some(blueprint),
            _ => None,
        })?;
        match found {
            Ok(blueprint) => Some(blueprint.clone()),
            Err(error) => {
                self.unreadable("what the target is made from", error);
                None
            }
        }
    }

    pub(super) fn image_is_here(&mut self, image: &Image) -> Option<bool> {
        let need = Need::Image { repository: image.repository.clone(), digest: image.digest.clone() };
        let found = self.find(need, |found| match found {
            Found::Image(image) => Some(image),
            _ => None,
        })?;
        match found {
            Ok(found) => Some(found.is_some()),
            Err(error) => {
                self.unreadable("the image", error);
                None
            }
        }
    }

    /// The leg's alarm that is in ALARM, if any; none outside if that is not known.
    pub(super) fn alarm_in_alarm(&mut self, leg: &Leg) -> Option<Option<String>> {
        if leg.alarms.is_empty() {
            return Some(None);
        }
        let found = self.find(Need::Alarms(leg.alarms.clone()), |found| match found {
            Found::Alarms(alarms) => Some(alarms),
            _ => None,
        })?;
        match found {
            Ok(alarms) => Some(alarms.iter().find(|alarm| alarm.state == AlarmState::Alarm).map(|alarm| alarm.name.clone())),
            Err(error) => {
                self.unreadable("the alarms", error);
                None
            }
        }
    }

    pub(super) fn alarms_are_quiet(&mut self, leg: &Leg) -> bool {
        match self.alarm_in_alarm(leg) {
            None => false,
            Some(None) => true,
            Some(Some(alarm)) => {
                self.hold(Hold::AlarmBefore { alarm }, AGAIN_LATER);
                false
            }
        }
    }

    pub(super) fn rollout(&mut self, leg: &Leg, moved: &Move) -> Option<RolloutNow> {
        let handle = moved.handle.clone().unwrap_or_default();
        let need = Need::Rollout { target: leg.target.clone(), handle, to: moved.to.clone(), since: moved.since };
        let found = self.find(need, |found| match found {
            Found::Rollout(rollout) => Some(rollout),
            _ => None,
        })?;
        match found {
            Ok(rollout) => Some(rollout.clone()),
            Err(error) => {
                self.unreadable("the roll-out", error);
                None
            }
        }
    }
}
