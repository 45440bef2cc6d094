//! Secrets of the small estate: they are rotated, told of three times over by different senders, and must reach their readers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::DeployTarget;
use nightshift_core::release::{Book, Change, EndKind, Handed, HandedState, Leg, LegState, ReleaseId, Wake};

use super::{Fortune, World};

/// The first one's readers are locked out as soon as it changes.
pub const SECRETS: [&str; 3] = [URGENT, "shop/signing", "shop/session"];
const URGENT: &str = "shop/db";

fn arn(region: &str, secret: &str) -> String {
    format!("arn:aws:secretsmanager:{region}:111122223333:secret:{secret}-AbCdEf")
}

/// A restart of one target.
#[derive(Clone, Debug)]
pub(super) struct Restart {
    release: ReleaseId,
    began: Timestamp,
    /// The versions for which it was taken in hand.
    versions: BTreeMap<String, String>,
}

impl World {
    /// A new version is current; the function that rotated it, Secrets Manager and CloudTrail are about to tell.
    pub fn rotate(&mut self, region: &'static str, secret: &'static str) {
        // Two rotations of one secret are never of one moment.
        self.pass(SignedDuration::from_secs(20));
        let now = self.now;
        let here = self.regions.get_mut(region).unwrap();
        let versions = here.versions.entry(secret).or_default();
        let version = format!("{secret}-{}", versions.len() + 1);
        versions.push((version.clone(), now));
        let whole_second = now.round(jiff::TimestampRound::new().smallest(jiff::Unit::Second).mode(jiff::RoundMode::Trunc)).unwrap();
        let trail = whole_second.checked_add(SignedDuration::from_secs(1)).unwrap();
        let secret = arn(region, secret);
        here.news.push_back(Wake::Rotated { secret: secret.clone(), version: Some(version.clone()), at: Some(now) });
        here.news.push_back(Wake::Rotated { secret: secret.clone(), version: Some(version), at: Some(whole_second) });
        here.news.push_back(Wake::Rotated { secret, version: None, at: Some(trail) });
    }

    /// A version that somebody made without any of them.
    pub fn is_current(&mut self, region: &'static str, secret: &'static str, version: &str, at: Timestamp) {
        self.regions.get_mut(region).unwrap().versions.entry(secret).or_default().push((version.to_owned(), at));
    }

    /// One of the events arrives, and perhaps comes again.
    pub fn hear(&mut self, region: &'static str, which: usize, stays: bool, fortune: Fortune) {
        let news = &mut self.regions.get_mut(region).unwrap().news;
        if news.is_empty() || self.dead.contains(region) {
            return;
        }
        let wake = news.remove(which % news.len()).unwrap();
        let is_leased = self.regions[region].book.leased(self.now).is_some();
        let is_heard = self.invoke(region, wake.clone(), fortune) && !is_leased;
        if stays || !is_heard {
            // Lambda tries again what has failed.
            self.regions.get_mut(region).unwrap().news.push_back(wake);
        }
    }

    /// What readers get of a secret, by its ARN, and since when.
    fn current(&self, region: &str, secret: &str) -> (String, Timestamp) {
        let name = SECRETS.iter().find(|name| arn(region, name) == secret).unwrap();
        self.regions[region].versions[name].last().unwrap().clone()
    }

    /// The restart in hand. Where it was not told which version is current, it is for the one of that moment.
    pub(super) fn restart_in_hand(&self, region: &str) -> Option<Restart> {
        let release = self.regions[region].book.active.as_ref()?;
        let Change::Restart { secrets, versions } = &release.change else { return None };
        let of_then = |secret: &String| {
            let name = SECRETS.iter().find(|name| arn(region, name) == *secret).unwrap();
            let known = self.regions[region].versions[name].iter().rev();
            known.into_iter().find(|(_, since)| *since <= release.ordered_at).unwrap().0.clone()
        };
        let version = |secret: &String| versions.get(secret).cloned().unwrap_or_else(|| of_then(secret));
        let versions = secrets.iter().map(|secret| (secret.clone(), version(secret))).collect();
        Some(Restart { release: release.id.clone(), began: self.now, versions })
    }

    /// Nothing is started anew twice for one version, nor for one that it got with an earlier restart that went well. Within two
    /// minutes, the length of an invocation, nobody can tell what it got.
    pub(super) fn watch_restart(&self, region: &str, name: &DeployTarget) {
        let target = &self.regions[region].targets[name];
        let in_hand = self.restart_in_hand(region).expect("a restart of nothing");
        let went_well = |restart: &Restart| {
            let release = self.regions[region].book.release(&restart.release);
            let passed = |leg: &Leg| leg.target == *name && matches!(leg.state, LegState::Passed { .. });
            release.is_some_and(|release| release.legs.iter().any(passed))
        };
        let is_served = |secret: &String| {
            let (version, since) = self.current(region, secret);
            let beyond_doubt = since.checked_add(SignedDuration::from_secs(125)).unwrap();
            target.restarts.iter().any(|before| match before.versions.get(secret) {
                Some(served) => *served == version || (before.began >= beyond_doubt && went_well(before)),
                None => false,
            })
        };
        assert!(!in_hand.versions.keys().all(is_served), "a second restart for the same versions: {in_hand:?} after {:?}", target.restarts);
    }

    /// What a book calls proven is true.
    pub(super) fn watch_proofs(&self, region: &'static str, before: &Book, after: &Book) {
        for (secret, handed) in &after.handed {
            let Handed { version: Some(version), state: HandedState::Proven { .. }, .. } = handed else { continue };
            if before.handed.get(secret) == Some(handed) {
                continue;
            }
            let versions = self.regions[region].versions.values().flatten();
            let (_, since) = versions.into_iter().find(|(known, _)| known == version).unwrap();
            for (name, target) in &self.regions[region].targets {
                assert!(target.started >= *since, "{name} in {region} runs since {}, {version} is current since {since}", target.started);
            }
        }
    }

    /// After a look of which nothing went wrong, no reader waits for people.
    pub(super) fn watch_waiting(&self, region: &'static str) {
        let here = &self.regions[region];
        let (Some(rotated), Some(active)) = (&here.book.rotated, &here.book.active) else { return };
        let settle = SignedDuration::from_secs(180);
        let is_urgent = rotated.secrets.iter().any(|secret| secret.contains(URGENT));
        let is_due = is_urgent || self.now >= rotated.last.checked_add(settle).unwrap();
        // Who died holding the lease keeps everybody out until it has run out.
        let is_at_rest = here.book.leased(self.now).is_none();
        let is_held = self.pause.is_some() || !self.alarms.is_empty();
        let is_moving = here.targets.values().any(|target| target.rolling.is_some());
        let is_looked_at_soon = here.look_at.is_some_and(|at| at.duration_since(self.now) <= SignedDuration::from_secs(5));
        let only_waits = active.change.image().is_some() && active.is_waiting();
        assert!(is_held || !(is_at_rest && is_due && only_waits && !is_moving && !is_looked_at_soon), "{rotated:?} waits for {active:#?}");
    }

    /// Once everything was heard and has come to its end: every reader has what is current, or its restart failed.
    pub fn secrets_have_arrived(&self, region: &'static str) {
        for (secret, versions) in &self.regions[region].versions {
            let (version, since) = versions.last().unwrap();
            let book = &self.regions[region].book;
            let handed = book.handed(secret).unwrap_or_else(|| panic!("nothing is known of {secret} in {region}"));
            assert_eq!(handed.version.as_ref(), Some(version), "{handed:?}");
            let state = book.hand_over(&arn(region, secret), version, *since);
            match state {
                Some(HandedState::Proven { .. }) => {}
                Some(HandedState::Failed { release, .. }) => {
                    let ended = book.release(release).and_then(|release| release.end.as_ref());
                    assert!(ended.is_none_or(|end| end.kind != EndKind::Done), "{release} did not fail: {ended:?}");
                }
                other => panic!("{secret} in {region}: {other:?}"),
            }
        }
    }
}
