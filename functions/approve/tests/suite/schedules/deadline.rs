//! Calls of up to half a minute, and from a tenth of a second to a quarter of an hour left.
//!
//! The function has no rule of its own about time: it makes its five calls at most, one after another, whatever is left. What is
//! proven: a page comes if nobody ends the process; no page claims what is not kept; what was cut off is taken when it comes again.

use std::cell::Cell;
use std::time::Duration;

use nightshift_schedules::{Kind, Runs};

use super::*;

const MILLISECONDS_LEFT: [u64; 10] = [100, 1_000, 3_000, 10_000, 20_000, 30_000, 60_000, 90_000, 300_000, 900_000];

#[test]
fn a_page_that_comes_is_true_and_an_answer_that_was_cut_off_can_be_given_again() {
    let (cut_off, kept_unseen) = (Cell::new(0), Cell::new(0));
    let runs = Runs { function: "approve", kind: Kind::Deadline, test: "pages_are_true", seeds: 300, distinct: 100 };
    runs.each(|schedule| {
        let deps = asking_two();
        let left = Duration::from_millis(schedule.pick(&MILLISECONDS_LEFT) + schedule.below(100) as u64);
        schedule.calls_take_up_to(Duration::from_secs(*schedule.pick(&[1, 5, 30])));
        schedule.note(0, &format!("{left:?}"));
        let invocation = ticking(&deps, schedule, SignedDuration::try_from(left).unwrap());
        let deed = Deed::Answer("ann", *schedule.pick(&[Verdict::Approve, Verdict::Reject]));
        let request = deed.request();
        let kills = schedule.chance(50);
        let answer = schedule.block_on(async {
            let answer = schedule.alone(handle(&invocation, &deps, &request));
            let limit = if kills { left } else { Duration::from_hours(24) };
            tokio::time::timeout(limit, answer).await.ok().flatten()
        });
        let seen = answer.map(|answer| Page::of(&answer.unwrap()));
        assert!(kills || seen.is_some(), "no page came");
        match seen {
            Some(page) => assert_eq!(page.claims, answers(&deps).get("ann").copied(), "{page:?}"),
            None => {
                cut_off.set(cut_off.get() + 1);
                kept_unseen.set(kept_unseen.get() + deps.estate.answered());
            }
        }
        schedule.calls_take_up_to(Duration::ZERO);
        deps.estate.pass(60);
        let again = page(&deps, schedule, &deed).unwrap();
        assert!(matches!(again.status, 200 | 409), "{again:?}");
        assert_eq!(deps.estate.answered(), 1);
    });
    let seen = (cut_off.get(), kept_unseen.get());
    assert!(std::env::var_os("NIGHTSHIFT_SEED").is_some() || (seen.0 > 50 && seen.1 > 5), "{seen:?}");
}
