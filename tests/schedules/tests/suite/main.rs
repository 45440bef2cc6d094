//! The schedules themselves: the same seed is the same run, every order comes, and the dead do nothing more.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use nightshift_schedules::{Kind, Runs, Schedule, Soak, after, before, is_scheduled};

/// Reads, then writes one more: loses updates where another one goes between.
async fn careless(counter: &Cell<u32>) {
    before("read").await;
    let seen = counter.get();
    after("read").await;
    before("write").await;
    counter.set(seen + 1);
    after("write").await;
}

fn count_of(seed: u64) -> (u32, u64) {
    let (schedule, counter) = (Schedule::new(seed), Cell::new(0));
    schedule.block_on(schedule.together((0..3).map(|_| careless(&counter))));
    (counter.get(), schedule.trace())
}

#[test]
fn the_same_seed_is_the_same_run_and_others_find_every_outcome() {
    let runs: Vec<(u32, u64)> = (0..200).map(count_of).collect();
    assert_eq!(runs, (0..200).map(count_of).collect::<Vec<_>>());
    let outcomes: BTreeSet<u32> = runs.iter().map(|(count, _)| *count).collect();
    assert_eq!(outcomes, BTreeSet::from([1, 2, 3]), "lost updates and none");
    let orders: BTreeSet<u64> = runs.iter().map(|(_, trace)| *trace).collect();
    assert!(orders.len() > 50, "only {} orders", orders.len());
}

#[test]
fn of_calls_made_together_either_ends_first() {
    let orders: BTreeSet<Vec<&str>> = (0..50)
        .map(|seed| {
            let (schedule, order) = (Schedule::new(seed), RefCell::new(Vec::new()));
            let call = async |name| {
                before(name).await;
                order.borrow_mut().push(name);
            };
            schedule.block_on(schedule.alone(async { tokio::join!(call("one"), call("other")) })).unwrap();
            order.into_inner()
        })
        .collect();
    assert_eq!(orders.len(), 2);
}

#[test]
fn one_that_dies_at_a_pause_does_nothing_after_it() {
    for pause in 0..5 {
        let (schedule, counter) = (Schedule::new(7), Cell::new(0));
        schedule.crash_at(pause);
        let ended = schedule.block_on(schedule.alone(careless(&counter)));
        // read: pauses 0 and 1; write: pauses 2 and 3.
        assert_eq!((ended.is_some(), counter.get()), (pause > 3, u32::from(pause > 2)), "{pause}");
    }
}

#[test]
fn calls_take_time_and_those_made_together_overlap() {
    let schedule = Schedule::new(1);
    schedule.calls_take_up_to(Duration::from_secs(30));
    let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    let clock = schedule.clock(start);
    let call = async || {
        before("call").await;
        after("call").await;
    };
    let took = schedule.block_on(schedule.alone(async {
        tokio::join!(call(), call(), call(), call(), call(), call());
        clock().duration_since(start).as_secs()
    }));
    assert!((1..=31).contains(&took.unwrap()), "{took:?}");
}

#[test]
fn outside_of_a_schedule_a_fake_is_as_quick_as_before() {
    assert!(!is_scheduled());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let counter = Cell::new(0);
    runtime.block_on(careless(&counter));
    assert_eq!(counter.get(), 1);
}

#[test]
fn a_test_whose_seed_fails_fails() {
    let runs = Runs { function: "none", kind: Kind::Delivery, test: "none", seeds: 5, distinct: 0 };
    let seen = Rc::new(Cell::new(0));
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runs.each(|schedule| {
            seen.set(seen.get() + 1);
            assert_ne!(schedule.seed(), 3);
        });
    }));
    assert!(failed.is_err());
    assert_eq!(seen.get(), 5, "the others are run all the same");
    let too_alike = std::panic::catch_unwind(|| Runs { distinct: 2, ..runs }.each(|_| {}));
    assert!(too_alike.is_err(), "five times the same is no five schedules");
}

/// In the process that the soak starts, this test only does the work.
#[test]
fn a_soak_that_leaks_fails() {
    let mut kept = Vec::new();
    let soak = Soak { function: "none", test: "a_soak_that_leaks_fails", invocations: 1_000 };
    let came = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| soak.run(|_| kept.push(vec![1_u8; 4_096]))));
    let is_worker = std::env::var_os("NIGHTSHIFT_SOAK_RESULT").is_some();
    assert_eq!(came.is_err(), !is_worker, "3.6 MB more are resident at the end");
}
