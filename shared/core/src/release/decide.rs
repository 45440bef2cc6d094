//! The decision on a service's releases: take in what woke us, bring the release in hand forward, at most one step at a time.

use jiff::{SignedDuration, Timestamp};

use super::desk::{AGAIN_SOON, Desk};
use super::{Book, BookView, Hold, Note, Observation, Plan, Release, ReleaseId, ReleasePolicy, Report, Step, StepDone, Wake};

/// A release that ends makes room for the next within the same look; more than a few in a row means that something is odd.
const ROUNDS: usize = 4;

/// A region that could not be told of a release's end for so long is not told any more: by then the release has expired there.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What is to be done now. Pure and total; the same arguments give the same plan.
pub fn decide(wake: &Wake, seen: &Observation, policy: &ReleasePolicy<'_>, now: Timestamp) -> Plan {
    let empty = BookView::default();
    let (view, unread) = match &seen.book {
        Ok(view) => (view, None),
        Err(error) => (&empty, Some(error)),
    };
    let mut desk = Desk::new(view.book.clone(), view.pause.as_ref().filter(|pause| pause.until > now), seen, policy, now);
    if let Some(error) = unread {
        desk.unreadable("the ledger", error);
        return desk.into_plan(&view.book);
    }
    if let Some(lease) = view.book.leased(now) {
        desk.hold_until(Hold::Leased { until: lease.until }, lease.until);
        return desk.into_plan(&view.book);
    }
    desk.take_in(wake, &seen.candidates);
    for _ in 0..ROUNDS {
        desk.take_up_next();
        desk.advance();
        if !desk.put_away() {
            break;
        }
    }
    desk.tell_neighbours();
    if desk.book.active.is_none() && desk.holds.is_empty() {
        desk.holds.push(Hold::Quiet);
    }
    desk.into_plan(&view.book)
}

/// The book after a step that was taken, or that AWS cannot take here, and what people are told of it.
pub fn apply(book: &Book, step: &Step, done: &StepDone, policy: &ReleasePolicy<'_>, now: Timestamp) -> (Book, Vec<Note>) {
    let seen = Observation { at: now, book: Ok(BookView::default()), candidates: Ok(Vec::new()), known: Vec::new() };
    let mut desk = Desk::new(book.clone(), None, &seen, policy, now);
    match (step, done) {
        (Step::MakeRevision { .. }, StepDone::Made { revision }) => desk.revision_was_made(revision),
        (Step::RollOut { to, .. }, StepDone::Begun { handle }) => desk.roll_out_began(to, handle.clone()),
        (Step::TakeBack { .. }, StepDone::Begun { .. }) => desk.taking_back_began(),
        (Step::TakeBack { .. }, StepDone::NotPossible) => desk.taking_back_is_impossible(),
        (Step::Ask { release, stage, .. }, StepDone::Asked) => desk.was_asked(release, stage),
        (Step::Tell { report, .. }, StepDone::Told { regions }) => desk.were_told(&report.release.id, regions),
        // A step with another's result: nothing is known to have changed, so the next look finds out.
        _ => {}
    }
    desk.into_book()
}

impl Desk<'_> {
    /// Other regions hear of what changed here, once nothing else is to be done first.
    fn tell_neighbours(&mut self) {
        if self.step.is_some() {
            return;
        }
        self.forget_unknown();
        let Some(id) = self.book.unheard.values().flatten().next().cloned() else { return };
        let regions: Vec<String> =
            self.book.unheard.iter().filter(|(_, releases)| releases.contains(&id)).map(|(region, _)| region.clone()).collect();
        let Some(release) = self.book.release(&id).cloned() else { return };
        let report = Report {
            system: self.policy.key.system.to_string(),
            service: self.policy.key.service.to_string(),
            region: self.policy.region.clone(),
            release,
        };
        // Should telling fail, it is tried again.
        self.look_at(super::desk::later(self.now, AGAIN_SOON));
        self.take(Step::Tell { regions, report: Box::new(report) });
    }

    /// Releases that the book has forgotten, or that ended long ago, are not told any more.
    fn forget_unknown(&mut self) {
        let is_fresh = |release: &&Release| release.end.as_ref().is_none_or(|end| !self.is_over(end.at, TOLD_FOR));
        let book = &self.book;
        let known: Vec<ReleaseId> = book.releases().filter(is_fresh).map(|release| release.id.clone()).collect();
        for releases in self.book.unheard.values_mut() {
            releases.retain(|id| known.contains(id));
        }
        self.book.unheard.retain(|_, releases| !releases.is_empty());
    }

    fn were_told(&mut self, release: &ReleaseId, regions: &[String]) {
        for region in regions {
            if let Some(releases) = self.book.unheard.get_mut(region) {
                releases.remove(release);
            }
        }
        self.book.unheard.retain(|_, releases| !releases.is_empty());
    }
}

/// How long another region may be silent in its turn before the others go on without it: its own deadline for rolling and
/// for going back, and a quarter of an hour for events on their way.
pub(super) fn patience_with_regions(deadline: SignedDuration) -> SignedDuration {
    deadline.saturating_mul(2).saturating_add(SignedDuration::from_mins(15))
}
