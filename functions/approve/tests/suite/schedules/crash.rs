//! A process that dies before or after any of its calls, and the same request up to three times more: one answer, and the page says so.

use nightshift_schedules::{Kind, Runs};

use super::*;

const DEEDS: [Deed; 3] = [Deed::Answer("ann", Verdict::Approve), Deed::Answer("ann", Verdict::Reject), Deed::Guess("ann")];

fn places(deed: &Deed) -> usize {
    let schedule = Schedule::new(0);
    page(&asking_two(), &schedule, deed).unwrap();
    schedule.pauses()
}

#[test]
fn a_process_that_dies_anywhere_loses_no_answer_and_takes_none_twice() {
    let places: Vec<(&Deed, usize)> = DEEDS.iter().flat_map(|deed| (0..places(deed)).map(move |place| (deed, place))).collect();
    assert!(places.len() >= 25, "only {} places", places.len());
    let seeds = 3 * places.len() as u64;
    let runs = Runs { function: "approve", kind: Kind::Crash, test: "dies_anywhere", seeds, distinct: places.len() };
    runs.each(|schedule| {
        let (deed, place) = places[schedule.seed() as usize % places.len()];
        schedule.note(place, &format!("{deed:?}"));
        let deps = asking_two();
        schedule.crash_at(place);
        assert_eq!(page(&deps, schedule, deed), None, "{deed:?}: it did not die at {place}");
        let was_kept = !answers(&deps).is_empty();
        for again in 0..=schedule.below(3) {
            deps.estate.pass(10);
            let seen = page(&deps, schedule, deed).unwrap();
            match deed {
                Deed::Answer(_, verdict) => {
                    let is_first = again == 0 && !was_kept;
                    assert_eq!((seen.status, seen.claims), if is_first { (200, Some(*verdict)) } else { (409, None) }, "at {place}");
                    assert_eq!(answers(&deps), BTreeMap::from([("ann".to_owned(), *verdict)]));
                }
                _ => assert_eq!((seen.status, answers(&deps).len()), (403, 0)),
            }
        }
        // A guess whose page never came may count: the link is locked too early rather than too late.
        assert!(wrong_codes(&deps, "ann") <= 4);
        assert_eq!(answers(&deps).len(), usize::from(matches!(deed, Deed::Answer(..))));
    });
}
