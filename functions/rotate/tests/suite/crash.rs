//! The crash matrix: the process dies before and after every call of every step, every call fails in every way, and the step is
//! delivered again. At every instant somebody logs in; in the end the new version is current and nothing is stuck.

use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::StepName;
use nightshift_core::rotation::ports::{PostgresqlServer, RedisServer};
use nightshift_schedules::{Kind, count_runs};

use crate::contract::all_the_way;
use crate::gate::Way;
use crate::town::*;

const WAYS: [Way; 8] = [
    Way::DeathBefore,
    Way::DeathAfter,
    Way::AnswerLost,
    Way::Refused(PortErrorKind::Unavailable),
    Way::Refused(PortErrorKind::Throttled),
    Way::Refused(PortErrorKind::Conflict),
    Way::Refused(PortErrorKind::Denied),
    Way::Refused(PortErrorKind::NotFound),
];

/// How many calls each step of an undisturbed rotation makes.
pub async fn calls<P: PostgresqlServer, R: RedisServer>(town: &mut Town<P, R>, name: &str) -> Vec<(StepName, usize)> {
    town.gate().take_journal();
    let token = town.begin(name).unwrap();
    let mut calls = Vec::new();
    for step in StepName::ALL {
        let came = town.step(name, &token, step).await;
        assert!(came.is_done(), "{name}: {step}: {came:?}");
        calls.push((step, town.gate().take_journal().len()));
    }
    calls
}

/// A rotation that is struck once, and after it Secrets Manager's further deliveries, and our own looks. How often it was run.
pub async fn struck<P: PostgresqlServer, R: RedisServer>(
    town: &mut Town<P, R>,
    name: &str,
    bad: StepName,
    call: usize,
    way: Way,
    again: u32,
) {
    let case = format!("{name}: {way:?} at call {call} of {bad}, {again} deliveries");
    let token = town.begin(name).unwrap_or_else(|error| panic!("{case}: {error}"));
    'steps: for step in StepName::ALL {
        if step == bad {
            town.gate().fail(call, way);
        }
        for _ in 0..=again {
            let came = town.step(name, &token, step).await;
            town.check(name, &case).await;
            if step == bad {
                assert!(town.gate().has_struck(), "{case}: there is no such call");
                town.gate().heal();
            }
            if came.is_done() {
                continue 'steps;
            }
        }
        break;
    }
    // What Secrets Manager gave up is carried on by our own looks.
    for _ in 0..3 {
        town.pass_minutes(61);
        town.sweep().await;
        town.check(name, &case).await;
    }
    assert!(!town.is_unfinished(name), "{case}: stuck");
    assert_eq!(town.current_version(name), token, "{case}: the new version is not current");
    assert!(matches!(name, KEYS) || town.is_good(name, &town.value(name, "AWSCURRENT").unwrap()).await, "{case}");
}

#[tokio::test(start_paused = true)]
async fn the_process_dies_and_every_call_fails_at_every_place() {
    let mut runs = 0;
    for name in [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS] {
        for rounds_before in [0, 1] {
            let mut good = FakeTown::new();
            for _ in 0..rounds_before {
                all_the_way(&mut good, name).await;
            }
            for (step, count) in calls(&mut good, name).await {
                for call in 0..count {
                    for way in WAYS {
                        for again in [0, 1, 3] {
                            let mut town = FakeTown::new();
                            town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
                            for _ in 0..rounds_before {
                                all_the_way(&mut town, name).await;
                            }
                            struck(&mut town, name, step, call, way, again).await;
                            runs += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{runs} runs");
    count_runs("rotate", Kind::Crash, "every_call", runs);
    assert!(runs >= 1_000, "only {runs} runs");
}

/// What is wrong stays wrong for a while: nothing is lost meanwhile, and it ends well once it is mended.
#[tokio::test(start_paused = true)]
async fn a_call_that_always_fails_does_no_harm_and_ends_well_once_mended() {
    for name in [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS] {
        let mut good = FakeTown::new();
        good.rotate(name).await.unwrap();
        let mut names = good.gate().take_journal();
        names.sort();
        names.dedup();
        for call in names {
            for kind in [PortErrorKind::Unavailable, PortErrorKind::Throttled, PortErrorKind::Denied] {
                let case = format!("{name}: {call} is always {kind:?}");
                let mut town = FakeTown::new();
                town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
                town.gate().fail_named(&call, kind);
                let came = town.rotate(name).await;
                for _ in 0..5 {
                    town.pass_minutes(61);
                    town.sweep().await;
                    town.gate().heal();
                    town.check(name, &case).await;
                    town.gate().fail_named(&call, kind);
                }
                town.gate().heal();
                for _ in 0..2 {
                    town.pass_minutes(61);
                    town.sweep().await;
                }
                assert!(!town.is_unfinished(name), "{case}: stuck after {came:?}");
                town.check(name, &case).await;
            }
        }
    }
}
