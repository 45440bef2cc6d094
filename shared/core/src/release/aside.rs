//! A release that is put aside for a restart, and goes on afterwards as if nothing had been.
//!
//! Owns when that is safe: nothing of the release may be under way in this region, and nothing of it is lost meanwhile, neither
//! its questions nor the time for which it is watched.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::desk::{Desk, later};
use super::{LegState, Release};

/// A release that was in hand, while readers of a rotated secret are started anew first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    /// The release.
    pub release: Release,
    /// Since when.
    pub since: Timestamp,
    /// What people were told last about why nothing is done for it.
    #[serde(default)]
    pub told: Option<String>,
}

/// What must not wait for the end of a watch, which may last for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It waits for whatever is under way.
    Usual,
    /// Only for what is being changed just now.
    Urgent,
}

impl Desk<'_> {
    /// Whether the release in hand would not miss anything.
    pub(super) fn may_be_put_aside(&self, haste: Haste) -> bool {
        let Some(release) = self.book.active.as_ref().filter(|release| release.change.image().is_some()) else { return false };
        let is_under_way = |state: &LegState| match haste {
            Haste::Usual => state.is_moving(),
            Haste::Urgent => state.is_moving() && !matches!(state, LegState::Baking { .. }),
        };
        let is_at_work = release.legs.iter().any(|leg| leg.region == self.policy.region && is_under_way(&leg.state));
        let goes_back = release.unwind.is_some() && self.next_to_go_back().is_some();
        self.book.aside.is_none() && release.end.is_none() && !is_at_work && !goes_back
    }

    pub(super) fn put_aside(&mut self) {
        self.log("put aside: the readers of rotated secrets are started anew first");
        let Some(mut release) = self.book.active.take() else { return };
        // A turn that could not be used is none.
        release.turn = None;
        self.book.aside = Some(Aside { release, since: self.now, told: self.book.told.take() });
    }

    /// Takes the release in hand again that was put aside; whether there was one.
    pub(super) fn take_back_aside(&mut self) -> bool {
        let Some(Aside { mut release, since, told }) = self.book.aside.take() else { return false };
        let away = self.now.duration_since(since);
        for leg in release.legs.iter_mut().filter(|leg| leg.region == self.policy.region) {
            if let LegState::Baking { until, .. } = &mut leg.state {
                *until = later(*until, away);
            }
        }
        (self.book.active, self.book.told) = (Some(release), told);
        self.log("goes on");
        true
    }

    /// Works on the release that is put aside as if it were in hand.
    pub(super) fn with_aside(&mut self, work: impl FnOnce(&mut Self)) {
        let Some(Aside { release, since, told }) = self.book.aside.take() else { return };
        let in_hand = (self.book.active.replace(release), std::mem::replace(&mut self.book.told, told));
        work(self);
        let (release, told) = (self.book.active.take(), self.book.told.take());
        (self.book.active, self.book.told) = in_hand;
        self.book.aside = release.map(|release| Aside { release, since, told });
    }
}
