//! Seeded schedules: requests in any order and at once, a process that dies anywhere, calls that take their time.
//!
//! The same dice are thrown again with NIGHTSHIFT_SEED; NIGHTSHIFT_SCHEDULES multiplies how many there are.

mod concurrency;
mod crash;
mod deadline;
mod delivery;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use nightshift_approve::{Deps, handle};
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::WRONG_CODES;
use nightshift_lambda::Invocation;
use nightshift_schedules::Schedule;
use serde_json::Value;

use crate::fake::*;
use crate::world;

/// Those who are asked; two of them have to agree.
pub const PEOPLE: [&str; 3] = ["ann", "bob", "cid"];

/// What somebody does with a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Look(&'static str),
    Guess(&'static str),
    Answer(&'static str, Verdict),
}

impl Deed {
    /// Any of them; guesses seldom enough that not every link is locked.
    pub fn any(schedule: &Schedule) -> Self {
        let person = *schedule.pick(&PEOPLE);
        match schedule.below(10) {
            0..3 => Self::Look(person),
            3..6 => Self::Guess(person),
            6 => Self::Answer(person, Verdict::Reject),
            _ => Self::Answer(person, Verdict::Approve),
        }
    }

    pub fn request(&self) -> Value {
        match self {
            Self::Look(person) => get(&link(person)),
            Self::Guess(person) => post(&link(person), &wrong(&code(person)), "approve"),
            Self::Answer(person, Verdict::Approve) => post(&link(person), &code(person), "approve"),
            Self::Answer(person, Verdict::Reject) => post(&link(person), &code(person), "reject"),
        }
    }
}

/// The question of which two have to agree.
pub fn asking_two() -> Deps<FakeEstate> {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 2);
    deps
}

/// A request whose clock goes on while its calls take time.
pub fn ticking(deps: &Deps<FakeEstate>, schedule: &Schedule, time_left: SignedDuration) -> Invocation {
    let start = deps.estate.now.get();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-approve".to_owned();
    Invocation::new("request".into(), arn, start + time_left, schedule.clock(start))
}

/// The status and the heading of the page; none if the process died.
pub fn page(deps: &Deps<FakeEstate>, schedule: &Schedule, deed: &Deed) -> Option<Page> {
    let invocation = ticking(deps, schedule, SignedDuration::from_secs(30));
    let answer = schedule.block_on(schedule.alone(handle(&invocation, deps, &deed.request())))?;
    Some(Page::of(&answer.unwrap_or_else(|error| panic!("a request is always answered: {error}"))))
}

/// What a person sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: u64,
    pub claims: Option<Verdict>,
    pub is_locked: bool,
}

impl Page {
    pub fn of(answer: &Value) -> Self {
        let body = answer["body"].as_str().unwrap();
        let claims = [("You have approved it", Verdict::Approve), ("You have rejected it", Verdict::Reject)];
        let claims = claims.into_iter().find(|(heading, _)| body.contains(heading)).map(|(_, verdict)| verdict);
        Self { status: answer["statusCode"].as_u64().unwrap(), claims, is_locked: body.contains("This link is locked") }
    }
}

/// The answers in the ledger, by person.
pub fn answers(deps: &Deps<FakeEstate>) -> BTreeMap<String, Verdict> {
    let world = deps.estate.world.borrow();
    let person = |slot: &String| slot.rsplit('#').next().unwrap().to_owned();
    world.answers.iter().map(|(slot, answer)| (person(slot), answer.verdict)).collect()
}

/// How many wrong codes are counted for a person.
pub fn wrong_codes(deps: &Deps<FakeEstate>, person: &str) -> u32 {
    let world = deps.estate.world.borrow();
    world.wrong_codes.iter().find(|(slot, _)| slot.ends_with(&format!("#{person}"))).map_or(0, |(_, count)| *count)
}
