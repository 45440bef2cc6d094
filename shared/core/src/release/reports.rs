//! What other regions tell of a release: of each part only what the telling region owns is believed.
//!
//! Owns the merging. A report may come twice, late, or out of order: a leg's own count says which state is newer.

use super::desk::Desk;
use super::{EndKind, Leg, LegState, Release, Report, Scope};

impl Desk<'_> {
    /// Another region's report: what it owns is taken over.
    pub(super) fn take_report(&mut self, report: &Report) {
        if report.region == self.policy.region || report.release.change.image().is_none() {
            return;
        }
        let aside = self.book.aside.as_mut().map(|aside| &mut aside.release);
        let in_hand = [self.book.active.as_mut(), aside, self.book.next.as_mut()].into_iter().flatten();
        if let Some(release) = in_hand.into_iter().find(|release| release.id == report.release.id) {
            return release.take_over(report);
        }
        if let Some(release) = self.book.ended.iter_mut().find(|release| release.id == report.release.id) {
            return release.take_over(report);
        }
        let is_mine = report.release.legs.iter().any(|leg| leg.region == self.policy.region);
        let is_newer = self.book.newest.is_none_or(|newest| report.release.ordered_at > newest);
        if !is_mine || !is_newer || report.release.end.is_some() {
            return;
        }
        let mut release = report.release.clone();
        release.turn = None;
        for leg in release.legs.iter_mut().filter(|leg| leg.region == self.policy.region) {
            (leg.state, leg.revision) = (LegState::Waiting, 0);
        }
        self.book.newest = Some(release.ordered_at);
        self.enqueue(release);
    }

    /// A release that has ended here and is to be undone from elsewhere is taken in hand again, unless something newer has
    /// changed the service since.
    pub(super) fn reopen_unwound(&mut self) -> bool {
        let region = self.policy.region.clone();
        let Some(last) = self.book.last_to_undo() else { return false };
        let Some(unwind) = last.unwind.as_ref() else { return false };
        let goes_back = |leg: &Leg| leg.region == region && leg.state.moved().is_some() && unwind.scope.covers(leg);
        if !last.legs.iter().any(goes_back) {
            return false;
        }
        let id = last.id.clone();
        let Some(at) = self.book.ended.iter().position(|release| release.id == id) else { return false };
        let mut release = self.book.ended.remove(at);
        release.end = None;
        self.book.active = Some(release);
        true
    }
}

impl Release {
    fn take_over(&mut self, report: &Report) {
        let teller = report.region.as_str();
        let told = &report.release;
        for leg in self.legs.iter_mut().filter(|leg| leg.region == teller) {
            let newer = told.legs.iter().find(|other| other.region == teller && other.stage == leg.stage && other.wave == leg.wave);
            if let Some(newer) = newer.filter(|newer| newer.revision > leg.revision) {
                (leg.state, leg.revision) = (newer.state.clone(), newer.revision);
            }
        }
        if self.home() == Some(teller) {
            self.gate = told.gate.clone();
        }
        for (stage, approval) in &told.approvals {
            if self.owner_of(stage.as_str()) == Some(teller) {
                self.approvals.insert(stage.clone(), approval.clone());
            }
        }
        let is_wider = told.unwind.as_ref().is_some_and(|unwind| unwind.scope == Scope::Everything);
        if self.unwind.is_none() || is_wider {
            self.unwind.clone_from(&told.unwind);
        }
        // What is done there may not be done here: that everything has passed, each region sees for itself.
        if self.end.is_none() {
            self.end = told.end.clone().filter(|end| end.kind != EndKind::Done);
        }
        for line in told.log.iter().filter(|line| line.region == teller) {
            if !self.log.contains(line) {
                self.push_log(line.clone());
            }
        }
        self.log.sort_by_key(|line| line.at);
    }
}
