//! Rotated secrets: who reads them here, what is new of them, and what becomes of them.
//!
//! Owns the notes in [`Book::handed`](super::Book): written when a rotation is heard of, when a restart begins, when a leg
//! passes and when a restart ends. When the restart is due is `restarts.rs`.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::desk::{Desk, later};
use super::handed::News;
use super::{Change, End, EndKind, Found, Handed, HandedState, Leg, LegState, Move, Need, Release, ReleaseId, Rotated};
use crate::fleet::DeployTarget;

/// What is noted as the beginning of a roll-out is at most an invocation later than the roll-out itself.
const AN_INVOCATION: SignedDuration = SignedDuration::from_mins(2);

/// Nothing was rotated later than now: a time further ahead than this is no time.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(10);

/// When a roll-out began, at the earliest.
pub(super) fn began_at_the_earliest(moved: &Move) -> Timestamp {
    moved.since.checked_sub(AN_INVOCATION).unwrap_or(Timestamp::MIN)
}

/// News of a secret.
pub(super) struct Rotation<'a> {
    /// Its name or ARN.
    pub secret: &'a str,
    /// The version that is current now.
    pub version: Option<&'a str>,
    /// Since when.
    pub at: Option<Timestamp>,
}

impl Desk<'_> {
    pub(super) fn take_rotation(&mut self, told: &Rotation<'_>) {
        if !self.policy.service.rotated_secrets.restart {
            return;
        }
        let told = &Rotation { at: told.at.filter(|at| *at <= later(self.now, CLOCKS_APART)), ..*told };
        let news = match self.book.handed(told.secret) {
            Some(handed) => handed.heard(told.version, told.at),
            None => match self.handed_before(told) {
                Some(handed) => {
                    self.book.remember(told.secret, handed);
                    News::Known
                }
                None => News::Rotation,
            },
        };
        match news {
            News::Known => {}
            News::Clearer => {
                if let Some(mut handed) = self.book.handed(told.secret).cloned() {
                    handed.clear_up(told.version, told.at);
                    self.book.remember(told.secret, handed);
                }
            }
            News::Rotation => {
                let Some(readers) = self.readers_of(told.secret).filter(|readers| !readers.is_empty()) else { return };
                self.hand_to(told, readers);
            }
        }
    }

    /// What a restart did of which an earlier version of Nightshift wrote down nothing else.
    fn handed_before(&self, told: &Rotation<'_>) -> Option<Handed> {
        let since = told.at.unwrap_or(self.now);
        let is_it = |release: &&Release| match &release.change {
            Change::Restart { secrets, .. } => secrets.contains(told.secret) && release.ordered_at >= since,
            Change::Image(_) => false,
        };
        let restart = self.book.releases().find(is_it)?;
        let release = restart.id.clone();
        let state = match &restart.end {
            None => HandedState::Restarting { release },
            Some(End { kind: EndKind::Done, at, .. }) => HandedState::Proven { at: *at, release },
            Some(End { why, at, .. }) => HandedState::Failed { at: *at, why: why.clone(), release },
        };
        let version = told.version.map(str::to_owned);
        Some(Handed { version, since, version_since: told.version.and(told.at), state, left: BTreeSet::new(), began: None })
    }

    /// What reads the secret in this region; none while that is not known.
    fn readers_of(&mut self, secret: &str) -> Option<BTreeSet<DeployTarget>> {
        let targets = self.targets_here();
        if self.policy.is_named_as_reader(secret) {
            return Some(targets);
        }
        // What instances read is seen nowhere.
        let targets: Vec<DeployTarget> = targets.into_iter().filter(|target| matches!(target, DeployTarget::Tasks(_))).collect();
        if targets.is_empty() {
            return None;
        }
        let need = Need::Readers { targets, secrets: vec![secret.to_owned()] };
        let found = self.find(need, |found| match found {
            Found::Readers(readers) => Some(readers),
            _ => None,
        })?;
        match found {
            Ok(readers) => Some(readers.iter().cloned().collect()),
            Err(error) => {
                self.unreadable("the task definitions", error);
                None
            }
        }
    }

    /// What the service runs on in this region: its own, and what its stages here have.
    fn targets_here(&self) -> BTreeSet<DeployTarget> {
        let stages = self.policy.path().map(|path| path.stages.as_slice()).unwrap_or_default();
        let here = |stage: &&crate::fleet::Stage| stage.waves.iter().any(|wave| wave.regions.contains(&self.policy.region));
        let staged = stages.iter().filter(here).map(|stage| self.policy.service.deploy_target(&stage.name));
        let mut targets: BTreeSet<DeployTarget> = staged.collect();
        // No path, or none that comes through here: the service runs here all the same.
        if targets.is_empty() {
            targets.insert(self.policy.service.own_target());
        }
        targets
    }

    fn hand_to(&mut self, told: &Rotation<'_>, mut readers: BTreeSet<DeployTarget>) {
        let at = told.at.unwrap_or(self.now);
        let (version, version_since) = (told.version.map(str::to_owned), told.version.map(|_| at));
        let passed: Vec<(ReleaseId, Timestamp)> = readers.iter().filter_map(|target| self.passed_since(target, at)).collect();
        let began = passed.iter().map(|(_, began)| *began).min();
        readers.retain(|target| self.passed_since(target, at).is_none());
        let state = match passed.into_iter().next_back().filter(|_| readers.is_empty()) {
            Some((release, _)) => HandedState::Proven { at: self.now, release },
            None => HandedState::Waiting,
        };
        let name = self.book.remember(told.secret, Handed { version, since: at, version_since, state, left: readers.clone(), began });
        if readers.is_empty() {
            return;
        }
        // A restart of which nothing has begun serves this rotation as well.
        self.put_back_restart();
        let pending =
            self.book.rotated.get_or_insert_with(|| Rotated { secrets: BTreeSet::new(), targets: BTreeSet::new(), since: at, last: at });
        pending.take_in(&name, readers, at);
    }

    /// The release that started the target anew, and found it healthy, when what became current at `at` was current, and when it
    /// began: news of a secret may come late.
    fn passed_since(&self, target: &DeployTarget, at: Timestamp) -> Option<(ReleaseId, Timestamp)> {
        let is_here = |leg: &&Leg| leg.region == self.policy.region && leg.target == *target;
        let began = |leg: &Leg| match &leg.state {
            LegState::Passed { moved, .. } => Some(began_at_the_earliest(moved)).filter(|began| *began >= at),
            _ => None,
        };
        self.book.releases().find_map(|release| Some((release.id.clone(), release.legs.iter().filter(is_here).find_map(began)?)))
    }

    /// The first leg of a restart is about to begin: from here on a newer version is too late for it.
    pub(super) fn restart_begins(&mut self) {
        let Some(release) = self.book.active.as_ref() else { return };
        let Change::Restart { secrets, .. } = &release.change else { return };
        let is_untouched = release.legs.iter().all(|leg| matches!(leg.state, LegState::Waiting));
        if !is_untouched {
            return;
        }
        let unknown = Handed {
            version: None,
            since: release.ordered_at,
            version_since: None,
            state: HandedState::Waiting,
            left: release.legs.iter().map(|leg| leg.target.clone()).collect(),
            began: None,
        };
        let (secrets, release, now) = (secrets.clone(), release.id.clone(), self.now);
        for secret in secrets {
            let mut handed = self.book.handed(&secret).unwrap_or(&unknown).clone();
            handed.begins(now);
            handed.state = HandedState::Restarting { release: release.clone() };
            self.book.remember(&secret, handed);
        }
    }

    /// A leg has passed: whatever was current when it began is what its target has.
    pub(super) fn has_what_is_current(&mut self, leg: &Leg, moved: &Move) {
        let Some(release) = self.book.active.as_ref().map(|release| release.id.clone()) else { return };
        let (began, now) = (began_at_the_earliest(moved), self.now);
        for handed in self.book.handed.values_mut().filter(|handed| handed.left.contains(&leg.target)) {
            let is_its_restart = handed.is_of(&release);
            if !is_its_restart && began < handed.since {
                continue;
            }
            handed.left.remove(&leg.target);
            if !is_its_restart {
                handed.begins(began);
            }
            if handed.left.is_empty() {
                handed.state = HandedState::Proven { at: now, release: release.clone() };
            }
        }
        self.drop_what_is_proven();
    }

    /// What a release has started anew on its way needs no restart of its own.
    fn drop_what_is_proven(&mut self) {
        let Some(mut rotated) = self.book.rotated.take() else { return };
        let left = |secret: &String| match self.book.handed(secret) {
            Some(Handed { state: HandedState::Proven { .. }, .. }) => Some(BTreeSet::new()),
            Some(handed) => Some(handed.left.clone()),
            None => None,
        };
        let lefts: Vec<(String, Option<BTreeSet<DeployTarget>>)> =
            rotated.secrets.iter().map(|secret| (secret.clone(), left(secret))).collect();
        if lefts.iter().all(|(_, left)| left.is_some()) {
            rotated.targets = lefts.iter().filter_map(|(_, left)| left.as_ref()).flatten().cloned().collect();
        }
        let is_open = |left: &Option<BTreeSet<DeployTarget>>| left.as_ref().is_none_or(|left| !left.is_empty());
        rotated.secrets = lefts.into_iter().filter(|(_, left)| is_open(left)).map(|(secret, _)| secret).collect();
        self.book.rotated = (!rotated.secrets.is_empty()).then_some(rotated);
    }

    /// A restart has ended. A version that came too late for it waits for its own.
    pub(super) fn restart_ended(&mut self, kind: EndKind, why: &str) {
        let Some(release) = self.book.active.as_ref() else { return };
        let Change::Restart { secrets, .. } = &release.change else { return };
        let (secrets, release, now) = (secrets.clone(), release.id.clone(), self.now);
        let waits = |secret: &str| self.book.rotated.as_ref().is_some_and(|rotated| rotated.has(secret));
        let waiting: BTreeSet<String> = secrets.iter().filter(|secret| waits(secret)).cloned().collect();
        for secret in &secrets {
            let Some(handed) = self.book.handed_mut(secret) else { continue };
            let has_never_begun = handed.state == HandedState::Waiting && !waiting.contains(secret);
            if !handed.is_of(&release) && !has_never_begun {
                continue;
            }
            handed.began = handed.began.filter(|_| !has_never_begun);
            handed.state = match kind {
                EndKind::Done => {
                    handed.left.clear();
                    HandedState::Proven { at: now, release: release.clone() }
                }
                _ => HandedState::Failed { at: now, why: why.to_owned(), release: release.clone() },
            };
        }
    }
}
