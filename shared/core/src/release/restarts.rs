//! Rotated secrets: their readers are started anew, several rotations in one restart.
//!
//! Owns which tasks read a secret and when the rotations have settled. A restart is a release without an image: the same lock,
//! the same following, no gate and no approval.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, later};
use super::{Change, Found, Gate, Leg, LegState, LogLine, Need, Release, ReleaseId, Rotated, StartedBy};
use crate::fleet::{DeployTarget, Seconds, StageName};

/// A restart without a path is watched for this long.
const RESTART_BAKE: Seconds = Seconds::new(120);
/// A restart that cannot be begun is given up after this.
const RESTART_EXPIRES: SignedDuration = SignedDuration::from_hours(24);

impl Desk<'_> {
    pub(super) fn take_rotation(&mut self, secret: &str, at: Timestamp) {
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

    pub(super) fn restart_of(&self, rotated: Rotated) -> Release {
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
