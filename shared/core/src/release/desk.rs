//! The decision's working place: the book while it is being changed, what is wanted, what is held, what is told.
//!
//! Everything that a rule needs goes through here, so that a detail that was not read yet becomes a wish and never a guess.

use jiff::{SignedDuration, Timestamp};

use super::{
    Book, Change, End, EndKind, Found, Hold, Known, LOG_KEPT, LegState, LogLine, Need, Note, Observation, Plan, Release, ReleasePolicy,
    Step,
};
use crate::fleet::{OnFailure, Replacement};
use crate::ledger::Pause;
use crate::notice::Severity;
use crate::ports::PortError;

/// How often something that moves is looked at; ECS and Auto Scaling also tell of it by event.
pub(super) const FOLLOW: SignedDuration = SignedDuration::from_mins(1);
/// When something that could not be read, or told, is tried again.
pub(super) const AGAIN_SOON: SignedDuration = SignedDuration::from_mins(1);
/// When something that only time or people can change is looked at again.
pub(super) const AGAIN_LATER: SignedDuration = SignedDuration::from_mins(5);

/// Without a path (a restart of a service that has none) a roll-out may take this long: the path's own default.
const USUAL_DEADLINE_SECONDS: u32 = 30 * 60;
/// And so many tasks may die.
const USUAL_CRASHES: u32 = 3;

pub(super) struct Desk<'a> {
    pub policy: &'a ReleasePolicy<'a>,
    pub now: Timestamp,
    pub book: Book,
    pub pause: Option<&'a Pause>,
    pub step: Option<Step>,
    pub holds: Vec<Hold>,
    known: &'a [Known],
    wants: Vec<Need>,
    notes: Vec<Note>,
    look_again_at: Option<Timestamp>,
}

impl<'a> Desk<'a> {
    pub fn new(book: Book, pause: Option<&'a Pause>, seen: &'a Observation, policy: &'a ReleasePolicy<'a>, now: Timestamp) -> Self {
        let (known, holds) = (seen.known.as_slice(), Vec::new());
        Self { policy, now, book, pause, step: None, holds, known, wants: Vec::new(), notes: Vec::new(), look_again_at: None }
    }

    /// The plan that has come of it. `seen` is the book as it was read.
    pub fn into_plan(mut self, seen: &Book) -> Plan {
        self.tell_of_holds();
        if !self.wants.is_empty() {
            self.step = None;
        }
        let book = (self.book != *seen).then_some(self.book);
        let what = book.as_ref().unwrap_or(seen);
        let text = format!("{}|{}|{:?}|{:?}", self.policy.key, what.version, what.active, self.step);
        Plan {
            id: format!("{:016x}", crate::signal::digest(&text)),
            key: self.policy.key.clone(),
            book,
            wants: self.wants,
            step: self.step,
            holds: self.holds,
            notes: self.notes,
            look_again_at: self.look_again_at,
        }
    }

    pub fn into_book(self) -> (Book, Vec<Note>) {
        (self.book, self.notes)
    }

    /// What is known of a need; what is not becomes a wish.
    pub fn find<T>(&mut self, need: Need, pick: impl Fn(&'a Found) -> Option<&'a T>) -> Option<&'a T> {
        let known: &'a [Known] = self.known;
        match known.iter().find(|known| known.need == need) {
            Some(known) => pick(&known.found),
            None => {
                if !self.wants.contains(&need) {
                    self.wants.push(need);
                }
                None
            }
        }
    }

    /// Nothing more is done now.
    pub fn hold(&mut self, hold: Hold, again_in: SignedDuration) {
        self.look_at(later(self.now, again_in));
        self.holds.push(hold);
    }

    pub fn hold_until(&mut self, hold: Hold, at: Timestamp) {
        self.look_at(at);
        self.holds.push(hold);
    }

    pub fn unreadable(&mut self, what: &str, error: &PortError) {
        let wait = if error.kind.may_pass() { AGAIN_SOON } else { AGAIN_LATER };
        let hold = Hold::Unreadable { what: what.to_owned(), kind: error.kind, message: format!("{}: {}", error.operation, error.message) };
        self.hold(hold, wait);
    }

    pub fn look_at(&mut self, at: Timestamp) {
        // A schedule in the past is refused, and one of this very second has passed by the time it is made.
        let at = at.max(later(self.now, SignedDuration::from_secs(5)));
        self.look_again_at = Some(self.look_again_at.map_or(at, |known| known.min(at)));
    }

    /// A step, unless a person has paused everything.
    pub fn take(&mut self, step: Step) {
        match self.pause.filter(|_| step.changes_estate()) {
            Some(Pause { by, why, until, .. }) => {
                let hold = Hold::Paused { by: by.clone(), why: why.clone(), until: *until };
                let at = (*until).min(later(self.now, AGAIN_LATER));
                self.hold_until(hold, at);
            }
            None => self.step = Some(step),
        }
    }

    pub fn note(&mut self, kind: &str, severity: Severity, headline: String, text: String) {
        let Some(release) = self.book.active.as_ref().map(|release| release.id.clone()) else { return };
        self.notes.push(Note { release, kind: kind.to_owned(), severity, headline, text });
    }

    /// A line in the release's log.
    pub fn log(&mut self, text: impl Into<String>) {
        let (at, region) = (self.now, self.policy.region.clone());
        let Some(release) = self.book.active.as_mut() else { return };
        release.push_log(LogLine { at, region, text: text.into() });
    }

    /// Puts a leg of this region into a state, and has the other regions told.
    pub fn set_leg(&mut self, index: usize, state: LegState) {
        if let Some(leg) = self.book.active.as_mut().and_then(|release| release.legs.get_mut(index)) {
            leg.state = state;
            leg.revision += 1;
        }
        self.has_changed();
    }

    /// Something of this region's own changed: the others are to hear of it, and what people were told is old.
    pub fn has_changed(&mut self) {
        self.book.told = None;
        let Some(release) = &self.book.active else { return };
        if release.change.image().is_none() {
            return;
        }
        let others = release.legs.iter().map(|leg| &leg.region).filter(|region| **region != self.policy.region);
        for region in others {
            self.book.unheard.entry(region.clone()).or_default().insert(release.id.clone());
        }
    }

    /// The release ends; whoever is to tell people of it does.
    pub fn end(&mut self, kind: EndKind, why: &str, by: Option<String>) {
        let Some(release) = self.book.active.as_mut().filter(|release| release.end.is_none()) else { return };
        release.end = Some(End { kind, why: why.to_owned(), by: by.clone(), at: self.now });
        let is_teller = release.teller() == Some(self.policy.region.as_str());
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        self.log(format!("{}{by}: {why}", kind.word()));
        self.restart_ended(kind, why);
        self.has_changed();
        if is_teller {
            let severity = match kind {
                EndKind::Done => Severity::Info,
                _ if self.is_urgent_restart() => Severity::Critical,
                EndKind::Superseded | EndKind::Aborted => Severity::Info,
                EndKind::Refused | EndKind::Expired | EndKind::RolledBack => Severity::Warning,
                EndKind::Failed => Severity::Critical,
            };
            let name = self.release_name();
            let text = std::iter::once(why.to_owned()).chain(self.restart_remedy(kind)).collect::<Vec<_>>().join("\n");
            self.note(end_code(kind), severity, format!("{name} {}{by}", kind.word()), text);
        }
    }

    pub fn release_name(&self) -> String {
        self.book.active.as_ref().map(Release::name).unwrap_or_default()
    }

    pub fn deadline(&self) -> SignedDuration {
        let seconds = self.policy.path().map_or(USUAL_DEADLINE_SECONDS, |path| path.deadline.get());
        SignedDuration::from_secs(i64::from(seconds))
    }

    pub fn crashes(&self) -> u32 {
        self.policy.path().map_or(USUAL_CRASHES, |path| path.crashes)
    }

    pub fn on_failure(&self) -> OnFailure {
        self.policy.path().map_or(OnFailure::Stop, |path| path.on_failure)
    }

    pub fn replacement(&self) -> Replacement {
        self.policy.path().map(|path| path.instances.clone()).unwrap_or_default()
    }

    /// Whether so much time has passed since `since`.
    pub fn is_over(&self, since: Timestamp, length: SignedDuration) -> bool {
        self.now >= later(since, length)
    }

    /// What keeps it waiting and concerns people is told once, until something changes.
    fn tell_of_holds(&mut self) {
        if !self.wants.is_empty() {
            return;
        }
        let Some(hold) = self.holds.iter().find(|hold| hold.is_worth_telling()).cloned() else { return };
        let token = hold.code().to_owned();
        if self.book.active.is_none() || self.book.told.as_ref() == Some(&token) {
            return;
        }
        self.book.told = Some(token);
        let headline = format!("{} waits: {}", self.release_name(), hold.code().replace('_', " "));
        self.note("waiting", Severity::Warning, headline, hold.to_string());
    }
}

impl Release {
    /// What people call it: the image's tag and digest, or the restart.
    pub fn name(&self) -> String {
        match &self.change {
            Change::Image(image) if image.tags.is_empty() => image.short_digest().to_owned(),
            Change::Image(image) => format!("{} ({})", image.name(), image.short_digest()),
            Change::Restart { secrets, .. } if secrets.len() == 1 => "restart for a rotated secret".to_owned(),
            Change::Restart { secrets, .. } => format!("restart for {} rotated secrets", secrets.len()),
        }
    }

    /// The region that tells people of the release's end: where it stands, or where it ended.
    pub(super) fn teller(&self) -> Option<&str> {
        let standing = self.legs.iter().find(|leg| !leg.state.is_past()).or(self.legs.last());
        standing.map(|leg| leg.region.as_str())
    }

    pub(super) fn push_log(&mut self, line: LogLine) {
        if self.log.last().is_some_and(|last| last.region == line.region && last.text == line.text) {
            return;
        }
        self.log.push(line);
        if self.log.len() > LOG_KEPT {
            self.log.remove(0);
        }
    }
}

/// The end's stable code.
pub(super) fn end_code(kind: EndKind) -> &'static str {
    match kind {
        EndKind::Done => "done",
        EndKind::Refused => "refused",
        EndKind::RolledBack => "rolled_back",
        EndKind::Superseded => "superseded",
        EndKind::Expired => "expired",
        EndKind::Failed => "failed",
        EndKind::Aborted => "aborted",
    }
}

pub(super) fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
