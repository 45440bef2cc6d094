//! One invocation as the function does it: decide, read, store, take, decide again; it may die before or after any call, and may
//! meet another one on its way.

use std::rc::Rc;

use jiff::SignedDuration;
use nightshift_core::ledger::Lease;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortError;
use nightshift_core::release::{
    Book, BookView, Hold, Known, Note, Observation, ReleaseOutcome, ReleasePolicy, StepOutcome, StepResult, Wake, apply, decide,
};

use super::World;

/// When an invocation dies, and whom it meets on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fortune {
    /// Dies before this call.
    pub dies_before: Option<usize>,
    /// Dies after this call took effect.
    pub dies_after: Option<usize>,
    /// Before this call another invocation for the same service runs from beginning to end.
    pub meets_at: Option<usize>,
}

struct Died;

impl World {
    /// One invocation of the function in a region, as the function does it; whether it came to its end.
    pub fn invoke(&mut self, region: &'static str, wake: Wake, fortune: Fortune) -> bool {
        if self.dead.contains(region) {
            return false;
        }
        let mut calls = 0;
        // An invocation that dies leaves what it has done; nothing else is known of it.
        let is_done = self.run(region, wake, fortune, &mut calls).is_ok();
        if is_done {
            self.watch_waiting(region);
        }
        is_done
    }

    fn call<T>(
        &mut self,
        region: &'static str,
        fortune: Fortune,
        calls: &mut usize,
        effect: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Died> {
        *calls += 1;
        if fortune.meets_at == Some(*calls) {
            self.invoke(region, Wake::Look { because: "another".into() }, Fortune::default());
        }
        if fortune.dies_before == Some(*calls) {
            return Err(Died);
        }
        let answer = effect(self);
        if fortune.dies_after == Some(*calls) {
            return Err(Died);
        }
        Ok(answer)
    }

    fn run(&mut self, region: &'static str, wake: Wake, fortune: Fortune, calls: &mut usize) -> Result<(), Died> {
        let fleets = Rc::clone(&self.fleets);
        let (fleet, _, service) = fleets.service("shop", "web").unwrap();
        let stored = self.call(region, fortune, calls, |world| world.regions[region].book.clone())?;
        let candidates = self.candidates(&wake);
        let mut outcome = self.nothing_yet(region, &wake, &stored);
        let (mut seen_version, mut wake) = (stored.version, wake);
        let mut in_memory = stored;
        let mut seen = Observation {
            at: self.now,
            book: Ok(BookView { book: in_memory.clone(), pause: self.pause.clone() }),
            candidates: Ok(candidates),
            known: Vec::new(),
        };
        for _ in 0..40 {
            let policy = ReleasePolicy::at(Self::key(), fleet, service, region, self.now);
            let plan = decide(&wake, &seen, &policy, self.now);
            assert_eq!(plan, decide(&wake, &seen, &policy, self.now), "the same look gives the same plan");
            if !plan.wants.is_empty() {
                assert!(plan.step.is_none());
                for need in plan.wants {
                    let found = self.call(region, fortune, calls, |world| world.read(region, &need))?;
                    seen.known.push(Known { need, found });
                }
                continue;
            }
            let mut next = plan.book.clone().unwrap_or_else(|| in_memory.clone());
            let notes = plan.notes;
            outcome.notes.extend(notes.iter().cloned());
            (outcome.plan_id, outcome.holds, outcome.wants_look_at) = (plan.id, plan.holds.clone(), plan.look_again_at);
            outcome.after = next.clone();
            match plan.step {
                None => {
                    outcome.look_again_at = plan.look_again_at;
                    self.regions.get_mut(region).unwrap().outcomes.push(outcome);
                    let has_changed = plan.book.is_some() || in_memory.lease.is_some() || seen_version != in_memory.version;
                    self.regions.get_mut(region).unwrap().look_at = plan.look_again_at;
                    if plan.holds.iter().any(|hold| matches!(hold, Hold::Leased { .. })) {
                        return Ok(());
                    }
                    if has_changed || plan.book.is_some() || self.regions[region].book.lease.is_some() {
                        next.lease = None;
                        self.store(region, fortune, calls, seen_version, next)?;
                    }
                    self.tell(region, &notes);
                    return Ok(());
                }
                Some(step) if self.mode == Mode::Observe && step.changes_estate() => {
                    let (mut book, note) = step.after_observing(&next);
                    outcome.steps.push(StepOutcome { step, result: StepResult::WouldHaveDone });
                    outcome.notes.extend(note);
                    outcome.after = book.clone();
                    self.regions.get_mut(region).unwrap().outcomes.push(outcome);
                    book.lease = None;
                    self.store(region, fortune, calls, seen_version, book)?;
                    return Ok(());
                }
                Some(step) => {
                    let until = self.now.checked_add(SignedDuration::from_secs(60)).unwrap();
                    let mut leased = next.clone();
                    leased.lease = Some(Lease { owner: "me".into(), until });
                    seen_version = self.store(region, fortune, calls, seen_version, leased)?;
                    self.tell(region, &notes);
                    let taken = self.call(region, fortune, calls, |world| match &world.broken {
                        Some((code, kind)) if step.code() == *code => Err(PortError::new(*kind, "test:Call", "as the test wants it")),
                        _ => world.take(region, &step),
                    })?;
                    next.version = seen_version;
                    in_memory = match taken {
                        Ok(done) => {
                            let (book, notes) = apply(&next, &step, &done, &policy, self.now);
                            self.tell(region, &notes);
                            outcome.notes.extend(notes);
                            outcome.after = book.clone();
                            outcome.steps.push(StepOutcome { step, result: StepResult::Done(done) });
                            book
                        }
                        Err(error) => {
                            assert!(error.kind.may_pass() || self.broken.is_some(), "{error}");
                            let (mut next, note) = step.after_failure(&next, &error);
                            outcome.notes.extend(note);
                            outcome.after = next.clone();
                            outcome.steps.push(StepOutcome { step, result: StepResult::Failed(error) });
                            self.regions.get_mut(region).unwrap().outcomes.push(outcome);
                            next.lease = None;
                            self.store(region, fortune, calls, seen_version, next)?;
                            self.regions.get_mut(region).unwrap().look_at = self.now.checked_add(SignedDuration::from_mins(1)).ok();
                            return Ok(());
                        }
                    };
                }
            }
            wake = Wake::Look { because: "continued".into() };
            seen = Observation {
                at: self.now,
                book: Ok(BookView { book: in_memory.clone(), pause: self.pause.clone() }),
                candidates: Ok(Vec::new()),
                known: Vec::new(),
            };
        }
        panic!("the invocation does not come to an end");
    }

    /// The outcome before anything came about.
    fn nothing_yet(&self, region: &str, wake: &Wake, book: &Book) -> ReleaseOutcome {
        ReleaseOutcome {
            at: self.now,
            mode: self.mode,
            key: Self::key(),
            region: region.to_owned(),
            wake: wake.clone(),
            plan_id: String::new(),
            steps: Vec::new(),
            holds: Vec::new(),
            notes: Vec::new(),
            before: book.clone(),
            after: book.clone(),
            wants_look_at: None,
            look_again_at: None,
            is_lost: false,
            untold: Vec::new(),
            troubles: Vec::new(),
        }
    }

    fn tell(&mut self, region: &'static str, notes: &[Note]) {
        let here = self.regions.get_mut(region).unwrap();
        here.notes.extend(notes.iter().map(|note| format!("{}: {}", note.kind, note.headline)));
        here.texts.extend(notes.iter().map(|note| note.text.clone()));
    }

    fn store(&mut self, region: &'static str, fortune: Fortune, calls: &mut usize, seen: u64, mut book: Book) -> Result<u64, Died> {
        let version = seen + 1;
        book.version = version;
        // As it goes through the ledger: what is not in the JSON is lost.
        let book: Book = serde_json::from_str(&serde_json::to_string(&book).unwrap()).unwrap();
        let is_stored = self.call(region, fortune, calls, |world| {
            let place = &mut world.regions.get_mut(region).unwrap().book;
            let is_unchanged = place.version == seen;
            if is_unchanged {
                let before = std::mem::replace(place, book);
                let after = world.regions[region].book.clone();
                world.watch_proofs(region, &before, &after);
            }
            is_unchanged
        })?;
        if is_stored { Ok(version) } else { Err(Died) }
    }
}
