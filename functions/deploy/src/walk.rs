//! One service's releases brought forward: decide, read what the decision wants, take its step, decide again.
//!
//! Nothing is done that is not written down first, under a lease; only a new revision is made before it is noted, since the
//! next look would find it and take it. What people are told waits until what it says is stored.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use nightshift_core::ledger::Pause;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{
    Book, BookView, Found, Hold, LegState, Need, Note, Observation, Plan, ReleasePolicy, Step, StepDone, StepOutcome, StepResult, Wake,
    apply, decide,
};
use nightshift_lambda::Invocation;

use crate::deps::{Deps, Estate};
use crate::keep::Kept;
use crate::wakes::Call;
use crate::{act, observe};

/// The most steps of one invocation: a whole region's way has five, and the rest can go on in the next look.
const MOST_STEPS: usize = 10;
/// The most rounds of reading for one step: each rule reads what the one before needs, and four is the longest such chain.
const MOST_ROUNDS: usize = 6;
/// Steps are not begun with less time than this: one call with its retries, and the recording after it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(3);
/// When the rest of the way is gone on with, where only time was short.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);
/// When what time may mend is tried again.
pub(crate) const SOON: SignedDuration = SignedDuration::from_mins(1);
/// When what a person has to mend is tried again, and a step that is only observed is looked at again.
const LATER: SignedDuration = SignedDuration::from_mins(15);
/// A look that is further off than this may be overtaken by what people change meanwhile (a freeze that is taken out of the
/// fleet file), so that the sweep looks as well.
const LEFT_FOR: SignedDuration = SignedDuration::from_mins(20);

/// A service's releases on their way through one invocation.
pub(crate) struct Walk<'w, E> {
    pub invocation: &'w Invocation,
    pub deps: &'w Deps<E>,
    pub call: &'w Call<'w>,
    /// When it began.
    pub began: Timestamp,
    /// The book as it was read.
    pub before: Book,
    /// The book as it is to be.
    pub book: Book,
    /// What the ledger holds; none if it could not be read, or may not be written any more.
    pub kept: Option<Kept>,
    /// What is stored already, to be told.
    pub notes: Vec<Note>,
    /// What is told once it is stored.
    pub fresh: Vec<Note>,
    pub steps: Vec<StepOutcome>,
    pub holds: Vec<Hold>,
    pub plan_id: String,
    pub wants_look_at: Option<Timestamp>,
    pub untold: Vec<PortError>,
    pub troubles: Vec<PortError>,
    /// Whether what the event says is in the book that is to be stored, or changes nothing.
    pub is_taken_in: bool,
    /// Whether it is stored.
    pub is_kept: bool,
    pause: Option<Pause>,
    wake: Wake,
    seen: Observation,
}

/// How one stretch of the way ended.
enum Onward {
    Again,
    Stop,
    Contended,
}

/// Another invocation was first: nothing of this one is stored or done.
pub(crate) struct Contended;

impl<'w, E: Estate> Walk<'w, E> {
    /// As far as it goes now.
    pub(crate) async fn all_the_way(invocation: &'w Invocation, deps: &'w Deps<E>, call: &'w Call<'w>) -> Result<Self, Contended> {
        let mut walk = Self::begin(invocation, deps, call).await;
        if walk.is_left_to_the_arranged_look() {
            return Ok(walk);
        }
        for _ in 0..MOST_STEPS {
            match walk.go_on().await {
                Onward::Again => {}
                Onward::Stop => return Ok(walk),
                Onward::Contended => return Err(Contended),
            }
        }
        walk.look_at(AT_ONCE);
        Ok(walk)
    }

    async fn begin(invocation: &'w Invocation, deps: &'w Deps<E>, call: &'w Call<'w>) -> Self {
        let began = invocation.now();
        let policy = ReleasePolicy::at(call.key.clone(), call.fleet, call.service, &deps.config.region, began);
        let seen = observe::first(&deps.estate, &call.wake, &policy, began).await;
        Self::on(invocation, deps, call, seen)
    }

    /// Nothing was seen that may be relied on: somebody else writes it just now.
    pub(crate) fn kept_out(invocation: &'w Invocation, deps: &'w Deps<E>, call: &'w Call<'w>) -> Self {
        let now = invocation.now();
        let until = now.checked_add(SOON).unwrap_or(Timestamp::MAX);
        let seen = Observation { at: now, book: Ok(BookView::default()), candidates: Ok(Vec::new()), known: Vec::new() };
        let mut walk = Self::on(invocation, deps, call, seen);
        (walk.kept, walk.holds, walk.wants_look_at) = (None, vec![Hold::Leased { until }], Some(until));
        walk
    }

    fn on(invocation: &'w Invocation, deps: &'w Deps<E>, call: &'w Call<'w>, mut seen: Observation) -> Self {
        let began = seen.at;
        let view = seen.book.as_ref().ok().cloned();
        let before = view.as_ref().map(|view| view.book.clone()).unwrap_or_default();
        // A lease that has run out is nobody's.
        if let Ok(view) = &mut seen.book {
            view.book.lease.take_if(|lease| lease.until <= began);
        }
        Self {
            invocation,
            deps,
            call,
            began,
            book: seen.book.as_ref().map(|view| view.book.clone()).unwrap_or_default(),
            kept: view.as_ref().filter(|view| view.book.leased(began).is_none()).map(|view| Kept::read(view.book.clone())),
            pause: view.and_then(|view| view.pause),
            before,
            notes: Vec::new(),
            fresh: Vec::new(),
            steps: Vec::new(),
            holds: Vec::new(),
            plan_id: String::new(),
            wants_look_at: None,
            untold: Vec::new(),
            troubles: Vec::new(),
            is_taken_in: false,
            is_kept: false,
            wake: call.wake.clone(),
            seen,
        }
    }

    /// The sweep heals what was lost. Where a look is arranged and no newer image was found nothing is, and a step that failed
    /// keeps to its own time.
    fn is_left_to_the_arranged_look(&mut self) -> bool {
        let horizon = self.began.checked_add(LEFT_FOR).unwrap_or(Timestamp::MAX);
        let is_arranged = self.before.recheck_at.is_some_and(|at| at > self.began && at <= horizon);
        let (newest, is_read) = (self.before.newest, self.kept.is_some());
        let finds_nothing = self.seen.candidates.as_ref().is_ok_and(|images| images.iter().all(|image| newest >= Some(image.pushed_at)));
        let is_left = matches!(self.wake, Wake::Sweep) && is_read && is_arranged && finds_nothing;
        if is_left {
            self.holds.push(Hold::Quiet);
            self.wants_look_at = self.before.recheck_at;
        }
        is_left
    }

    /// To the next step, and through it.
    async fn go_on(&mut self) -> Onward {
        let now = self.invocation.now();
        let call = self.call;
        let policy = ReleasePolicy::at(call.key.clone(), call.fleet, call.service, &self.deps.config.region, now);
        let plan = match self.decided(&policy, now).await {
            Ok(plan) => plan,
            Err(error) => return self.not_kept(error),
        };
        self.is_taken_in |= self.takes_in(&plan);
        (self.plan_id, self.holds, self.wants_look_at) = (plan.id, plan.holds, plan.look_again_at);
        if !plan.wants.is_empty() {
            let message = format!("the decision wanted more after {MOST_ROUNDS} rounds of reading");
            self.troubles.push(PortError::new(PortErrorKind::Unavailable, "decide", message));
            self.look_at(SOON);
            return Onward::Stop;
        }
        self.book = plan.book.unwrap_or_else(|| self.book.clone());
        self.fresh.extend(plan.notes);
        match plan.step {
            None => Onward::Stop,
            Some(step) => self.through(step, &policy).await,
        }
    }

    /// Whether the decision had what it needs to take in what the event says.
    fn takes_in(&self, plan: &Plan) -> bool {
        let is_readable = |known: &nightshift_core::release::Known| !matches!(known.found, Found::Readers(Err(_)));
        let is_leased = plan.holds.iter().any(|hold| matches!(hold, Hold::Leased { .. }));
        self.seen.book.is_ok() && self.seen.candidates.is_ok() && self.seen.known.iter().all(is_readable) && !is_leased
    }

    /// The plan, once everything is read that it wants.
    async fn decided(&mut self, policy: &ReleasePolicy<'_>, now: Timestamp) -> PortResult<Plan> {
        let mut plan = decide(&self.wake, &self.seen, policy, now);
        for _ in 0..MOST_ROUNDS {
            if plan.wants.is_empty() {
                break;
            }
            let mut wants = std::mem::take(&mut plan.wants);
            wants.extend(observe::foreseen(&self.wake, &self.seen, &wants, policy, now));
            let (estate, key) = (&self.deps.estate, &self.call.key);
            let is_due = self.writes_early(&wants);
            let reads = join_all(wants.into_iter().map(|need| observe::known(estate, key, need)));
            let (known, written) = match is_due {
                true => tokio::join!(reads, self.store_with_lease()),
                false => (reads.await, Ok(())),
            };
            written?;
            self.seen.known.extend(known);
            plan = decide(&self.wake, &self.seen, policy, now);
        }
        Ok(plan)
    }

    /// Whether the book is written while other things are read: what the last step brought; or the lease, where these reads
    /// most likely end in a step.
    fn writes_early(&self, wants: &[Need]) -> bool {
        let Some(kept) = &self.kept else { return false };
        if kept.holds_lease() {
            return !kept.is(&self.book);
        }
        let region = self.deps.config.region.as_str();
        let is_about_to = |state: &LegState| matches!(state, LegState::Starting(_) | LegState::RollingBack { is_begun: false, .. });
        let leg_is_about_to =
            self.book.active.iter().flat_map(|release| &release.legs).any(|leg| leg.region == region && is_about_to(&leg.state));
        let prepares = wants.iter().any(|need| matches!(need, Need::Blueprint { .. }));
        self.deps.config.mode == Mode::Act && self.pause.is_none() && (prepares || leg_is_about_to)
    }

    async fn through(&mut self, step: Step, policy: &ReleasePolicy<'_>) -> Onward {
        if self.deps.config.mode == Mode::Observe && step.changes_estate() {
            let (book, note) = step.after_observing(&self.book);
            self.book = book;
            self.fresh.extend(note);
            self.steps.push(StepOutcome { step, result: StepResult::WouldHaveDone });
            self.look_at(LATER);
            return Onward::Stop;
        }
        if self.is_too_late() {
            return self.out_of_time(step);
        }
        if !self.is_safe_to_take(&step)
            && let Err(error) = self.store_with_lease().await
        {
            if !self.is_first(&error) {
                self.not_tried(step, "the ledger did not take it");
            }
            return self.not_kept(error);
        }
        // Writing it down may have taken the time that was left; what is written down is done by the next look.
        if self.is_too_late() {
            return self.out_of_time(step);
        }
        match act::take(self.deps, self.call, &self.book, &step).await {
            Ok(taken) => self.taken(step, taken, policy),
            Err(error) => self.failed(step, error),
        }
    }

    fn is_too_late(&self) -> bool {
        self.invocation.time_left() < TIME_FOR_A_STEP
    }

    fn out_of_time(&mut self, step: Step) -> Onward {
        self.not_tried(step, "no time left in this invocation");
        self.look_at(AT_ONCE);
        Onward::Stop
    }

    /// A new revision harms nobody until it is rolled out, and is found again; everything else is written down first.
    fn is_safe_to_take(&self, step: &Step) -> bool {
        let held = self.kept.as_ref().filter(|kept| kept.holds_lease());
        held.is_some_and(|kept| matches!(step, Step::MakeRevision { .. }) || kept.is(&self.book))
    }

    fn taken(&mut self, step: Step, taken: act::Taken, policy: &ReleasePolicy<'_>) -> Onward {
        let now = self.invocation.now();
        let (book, notes) = apply(&self.book, &step, &taken.done, policy, now);
        self.book = book;
        self.fresh.extend(notes);
        if !taken.untold.is_empty() {
            return self.not_told(step, taken);
        }
        self.steps.push(StepOutcome { step, result: StepResult::Done(taken.done) });
        // From here on everything is looked at afresh.
        let view = BookView { book: self.book.clone(), pause: self.pause.clone() };
        self.seen = Observation { at: now, book: Ok(view), candidates: Ok(Vec::new()), known: Vec::new() };
        self.wake = Wake::Look { because: "continued".to_owned() };
        Onward::Again
    }

    /// Who does not hear is told in the next look, and keeps nothing here waiting: with nothing in hand that look is far off,
    /// since a region may be dead for days.
    fn not_told(&mut self, step: Step, taken: act::Taken) -> Onward {
        if matches!(&taken.done, StepDone::Told { regions } if !regions.is_empty()) {
            self.steps.push(StepOutcome { step, result: StepResult::Done(taken.done) });
        }
        self.untold.extend(taken.untold);
        if self.book.active.is_none() {
            self.look_at(LATER);
        }
        Onward::Stop
    }

    fn failed(&mut self, step: Step, error: PortError) -> Onward {
        let wait = if error.kind.may_pass() { SOON } else { LATER };
        let (book, note) = step.after_failure(&self.book, &error);
        self.book = book;
        self.fresh.extend(note);
        self.steps.push(StepOutcome { step, result: StepResult::Failed(error) });
        self.look_at(wait);
        Onward::Stop
    }

    /// The book was not written: nothing more is done, and the ledger has the last word.
    fn not_kept(&mut self, error: PortError) -> Onward {
        if self.is_first(&error) {
            return Onward::Contended;
        }
        self.troubles.push(error);
        self.forget();
        self.look_at(SOON);
        Onward::Stop
    }

    /// Whether another invocation holds the service now, so that nothing could be taken in.
    pub(crate) fn is_kept_out(&self) -> bool {
        self.kept.is_none() && self.holds.iter().any(|hold| matches!(hold, Hold::Leased { .. }))
    }

    fn not_tried(&mut self, step: Step, why: &str) {
        self.steps.push(StepOutcome { step, result: StepResult::NotTried { why: why.to_owned() } });
    }

    pub(crate) fn look_at(&mut self, wait: SignedDuration) {
        self.wants_look_at = self.invocation.now().checked_add(wait).ok();
    }
}
