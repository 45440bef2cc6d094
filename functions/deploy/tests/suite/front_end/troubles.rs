//! Every call of an upload's story fails in turn, in every way; the process dies after every call; files arrive between any two
//! calls. In the end viewers get what was written last, by no more invalidations than needed.

use nightshift_core::ports::PortErrorKind;
use nightshift_lambda::ErrorClass;

use super::fake::*;

const WAYS: [Failure; 5] = [
    Failure::Refused(PortErrorKind::Throttled),
    Failure::Refused(PortErrorKind::Unavailable),
    Failure::Refused(PortErrorKind::Denied),
    Failure::Refused(PortErrorKind::Conflict),
    Failure::AnswerLost,
];

fn story(site: &Site) {
    site.upload("index.html");
    site.pass(2);
    site.upload("docs/a.txt");
    site.settle();
}

fn calls_of_a_good_story() -> Vec<String> {
    let site = Site::new();
    story(&site);
    site.assert_fresh("good");
    site.journal.borrow().clone()
}

#[test]
fn an_upload_survives_a_failure_at_every_call() {
    let calls = calls_of_a_good_story();
    assert!(calls.len() > 15, "{calls:?}");
    for (at, call) in calls.iter().enumerate() {
        for way in WAYS {
            // A conflict on arranging a look means that this very look is arranged already; no such answer comes where it is not.
            if call == "look_later" && way == Failure::Refused(PortErrorKind::Conflict) {
                continue;
            }
            let site = Site::new();
            site.fail_at.set(Some((at, way)));
            story(&site);
            // Whatever was given up to the failure queue comes again from there, or is found by the sweep.
            site.pass(600);
            site.run(&nightshift_core::signal::Signal::CalendarTick);
            site.settle();
            let words = format!("{way:?} at {at} {call}");
            site.assert_fresh(&words);
            assert!(site.world.borrow().invalidations.len() <= 2, "{words}: {:?}", site.world.borrow().invalidations);
        }
    }
}

#[test]
fn a_failure_never_makes_a_second_invalidation_of_the_same_batch() {
    let calls = calls_of_a_good_story();
    let first = calls.iter().position(|call| call == "store_work").unwrap();
    for (at, call) in calls.iter().enumerate().skip(first) {
        for way in WAYS {
            let site = Site::new();
            site.fail_at.set(Some((at, way)));
            story(&site);
            assert_eq!(site.world.borrow().invalidations.len(), 1, "{way:?} at {at} {call}");
        }
    }
}

#[test]
fn an_upload_survives_a_process_that_dies_after_every_call() {
    let calls = calls_of_a_good_story();
    for (at, call) in calls.iter().enumerate() {
        let site = Site::new();
        site.die_after.set(Some(at));
        for file in ["index.html", "docs/a.txt"] {
            site.world.borrow_mut().write(file);
            live_or_come_again(&site, &arrived(file));
            site.pass(2);
        }
        for _ in 0..100 {
            let next = site.world.borrow_mut().looks.pop_first();
            let Some(due) = next else { break };
            site.now.set(due.max(site.now.get()));
            live_or_come_again(&site, &look());
        }
        site.assert_fresh(&format!("died after {at} {call}"));
        assert!(site.world.borrow().invalidations.len() <= 2, "died after {at} {call}");
        assert!(site.world.borrow().told.len() <= 2, "died after {at} {call}");
    }
}

/// Lambda delivers an event whose invocation died once more, a minute later.
fn live_or_come_again(site: &Site, signal: &nightshift_core::signal::Signal) {
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| site.run(signal))).is_err();
    if died {
        site.die_after.set(None);
        site.pass(60);
        site.run(signal);
    }
}

#[test]
fn a_file_that_arrives_between_any_two_calls_reaches_the_viewers() {
    let calls = calls_of_a_good_story();
    for (at, call) in calls.iter().enumerate() {
        let site = Site::new();
        // Written and noted by another invocation, which sees the look that is arranged, or arranges one.
        site.meanwhile.set(Some((at, |world, now| {
            world.write("index.html");
            world.note(&["/".to_owned(), "/index.html".to_owned()].into(), now);
            if world.uploads.look_at.is_none_or(|look| look <= now) {
                let look = now + jiff::SignedDuration::from_secs(45);
                world.looks.insert(look);
                world.uploads.look_at = Some(look);
            }
        })));
        story(&site);
        site.assert_fresh(&format!("arrived before {at} {call}"));
        assert!(site.world.borrow().invalidations.len() <= 2);
    }
}

#[test]
fn a_refusal_pages_a_person_once_and_is_made_good_by_itself_when_it_ends() {
    let site = Site::new();
    *site.fail_named.borrow_mut() = Some(("invalidate", PortErrorKind::Denied));
    site.upload("index.html");
    let at = site.world.borrow_mut().looks.pop_first().unwrap();
    site.now.set(at);
    let served = site.run(&look());
    let failure = served[0].failure.as_ref().unwrap();
    assert_eq!((failure.code(), failure.class()), ("refused_by_aws", ErrorClass::PagePerson));
    site.run(&look());
    site.run(&look());
    assert_eq!(site.world.borrow().told.len(), 1);
    let told = site.world.borrow().told[0].clone();
    assert_eq!(told.subject, "pizza/site: FAILED to invalidate 2 paths");
    assert!(told.attributes.contains(&("severity", "critical".to_owned())), "{:?}", told.attributes);
    *site.fail_named.borrow_mut() = None;
    site.settle();
    site.assert_fresh("granted");
    assert_eq!(site.world.borrow().invalidations.len(), 1);
}

#[test]
fn what_cannot_be_noted_or_looked_at_again_fails_the_invocation() {
    for (call, signal) in [("note_arrival", arrived("index.html")), ("look_later", arrived("index.html")), ("look_later", look())] {
        let site = Site::new();
        site.upload("index.html");
        site.world.borrow_mut().uploads.look_at = None;
        *site.fail_named.borrow_mut() = Some((call, PortErrorKind::Unavailable));
        let served = site.run(&signal);
        assert_eq!(served[0].failure.as_ref().unwrap().class(), ErrorClass::Retry, "{call}: {served:?}");
    }
}

#[test]
fn a_look_that_aws_refuses_to_arrange_is_told_once_for_all_files_of_an_upload() {
    let site = Site::new();
    *site.fail_named.borrow_mut() = Some(("look_later", PortErrorKind::Denied));
    for file in ["index.html", "app.html", "index.html"] {
        site.upload(file);
        let served = site.run(&arrived(file));
        assert_eq!(served[0].failure.as_ref().unwrap().code(), "refused_by_aws", "{file}: {served:?}");
        site.pass(1);
    }
    let subjects: Vec<String> = site.world.borrow().told.iter().map(|told| told.subject.clone()).collect();
    assert_eq!(subjects, ["pizza/site: an upload has come, and no look at it could be arranged"]);
    *site.fail_named.borrow_mut() = None;
    // The sweep comes to every front end.
    site.run(&look());
    site.settle();
    site.assert_fresh("swept");
}

#[test]
fn a_ledger_that_cannot_be_read_waits_and_says_so() {
    let site = Site::new();
    site.upload("index.html");
    *site.fail_named.borrow_mut() = Some(("read_front_end", PortErrorKind::Unavailable));
    site.pass(100);
    site.world.borrow_mut().looks.clear();
    let served = site.run(&look());
    assert_eq!((&served[0].answer["reason"], served[0].failure.is_none()), (&"unreadable".into(), true));
    assert_eq!((site.calls("invalidate"), site.world.borrow().looks.len()), (0, 1));
    *site.fail_named.borrow_mut() = None;
    site.settle();
    site.assert_fresh("readable again");
}
