//! The release in hand, brought forward: whose turn it is, when it ends, and when it makes room.
//!
//! Owns the order of gate, stages and waves. Moving a leg is `leg.rs`, going back `back.rs`, being let in `gate.rs`.

use jiff::SignedDuration;

use super::decide::patience_with_regions;
use super::desk::{AGAIN_LATER, Desk};
use super::intake::seconds;
use super::{EndKind, Hold, Leg, LegState, Turn};
use crate::fleet::StageName;
use crate::notice::Severity;

impl Desk<'_> {
    pub(super) fn advance(&mut self) {
        let Some(release) = self.book.active.as_ref() else { return };
        if release.unwind.is_some() {
            return self.go_back();
        }
        if release.end.is_some() {
            // Ended elsewhere while a leg of ours moves: it is brought to its end, not torn apart.
            if let Some(index) = self.moving_leg() {
                self.drive(index);
            }
            return;
        }
        if let Some(index) = self.moving_leg() {
            return self.drive(index);
        }
        // What another region was last heard to do does not keep this one for ever: that region may be dead.
        let is_moving_elsewhere = release.legs.iter().any(|leg| leg.state.is_moving());
        let grace = if is_moving_elsewhere { patience_with_regions(self.deadline()) } else { SignedDuration::ZERO };
        if self.is_over(release.expires_at, grace) {
            return self.end(EndKind::Expired, "it waited for too long", None);
        }
        let first = release.legs.iter().find(|leg| !leg.state.is_past());
        match first.map(|leg| (leg.stage.clone(), leg.wave)) {
            None => self.finish(),
            Some((stage, wave)) => self.take_turn(&stage, wave),
        }
    }

    /// The leg of this region that is under way.
    pub(super) fn moving_leg(&self) -> Option<usize> {
        let release = self.book.active.as_ref()?;
        release.legs.iter().position(|leg| leg.region == self.policy.region && leg.state.is_moving())
    }

    fn finish(&mut self) {
        let skipped: Vec<String> = self
            .book
            .active
            .iter()
            .flat_map(|release| &release.legs)
            .filter(|leg| matches!(leg.state, LegState::Skipped { .. }))
            .map(|leg| leg.region.clone())
            .collect();
        match skipped.is_empty() {
            true => self.end(EndKind::Done, "through the whole path", None),
            false => self.end(EndKind::Done, &format!("through the path, without {}", skipped.join(", ")), None),
        }
    }

    fn take_turn(&mut self, stage: &StageName, wave: u32) {
        if !self.passes_gate() || !self.is_approved(stage.as_str()) {
            return;
        }
        // From here on its regions can go: until then their silence means nothing.
        self.begin_turn(stage, wave);
        let Some(release) = self.book.active.as_ref() else { return };
        let in_turn = |leg: &Leg| leg.stage == *stage && leg.wave == wave && !leg.state.is_past();
        let mine = release.legs.iter().position(|leg| in_turn(leg) && leg.region == self.policy.region);
        match mine {
            Some(index) if matches!(release.legs.get(index).map(|leg| &leg.state), Some(LegState::Waiting)) => self.drive(index),
            // Failed and rolled back legs end the release; should its end be missing, it ends now.
            Some(_) => self.end(EndKind::Failed, "a region of it did not pass", None),
            None => self.wait_for_regions(stage, wave),
        }
    }

    fn begin_turn(&mut self, stage: &StageName, wave: u32) {
        let since = self.now;
        let Some(release) = self.book.active.as_mut() else { return };
        let is_known = release.turn.as_ref().is_some_and(|turn| turn.stage == *stage && turn.wave == wave);
        if !is_known {
            release.turn = Some(Turn { stage: stage.clone(), wave, since });
        }
    }

    /// Other regions' turn. One that is not heard of in time does not keep the others waiting for ever.
    fn wait_for_regions(&mut self, stage: &StageName, wave: u32) {
        let patience = patience_with_regions(self.deadline());
        let now = self.now;
        let Some(release) = self.book.active.as_mut() else { return };
        let since = release.turn.as_ref().map_or(now, |turn| turn.since);
        let mut waiting = Vec::new();
        let mut silent = Vec::new();
        let mut look_at = None;
        for leg in release.legs.iter_mut().filter(|leg| leg.stage == *stage && leg.wave == wave && !leg.state.is_past()) {
            let heard = leg.state.since().map_or(since, |at| at.max(since));
            let until = super::desk::later(heard, patience.saturating_add(seconds(leg.bake)));
            if now < until {
                waiting.push(leg.region.clone());
                look_at = Some(look_at.map_or(until, |known: jiff::Timestamp| known.min(until)));
            } else {
                let why = format!("{} was not heard of since its turn came at {}", leg.region, since.strftime("%Y-%m-%d %H:%M UTC"));
                // Its own count stays: what the region itself tells later is newer.
                leg.state = LegState::Skipped { at: now, why: why.clone() };
                silent.push((leg.region.clone(), why));
            }
        }
        if let Some(until) = look_at {
            self.look_at(until);
            return self.hold(Hold::WaitingForRegion { regions: waiting }, AGAIN_LATER);
        }
        for (region, why) in silent {
            self.log(why.clone());
            let headline = format!("{} goes on without {region}", self.release_name());
            self.note("region_skipped", Severity::Critical, headline, why);
        }
        self.look_at(now);
    }

    /// An ended release with nothing of ours under way makes room; whether one did.
    pub(super) fn put_away(&mut self) -> bool {
        let is_settled = |leg: &Leg| leg.region != self.policy.region || !leg.state.is_moving();
        let is_over = |release: &super::Release| {
            let goes_back = release.unwind.is_some() && self.next_to_go_back().is_some();
            release.end.is_some() && release.legs.iter().all(is_settled) && !goes_back
        };
        if !self.book.active.as_ref().is_some_and(is_over) || self.step.is_some() {
            return false;
        }
        if let Some(release) = self.book.active.take() {
            self.keep_ended(release);
        }
        true
    }
}
