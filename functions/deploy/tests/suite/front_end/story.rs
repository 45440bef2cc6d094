use nightshift_core::ledger::Pause;
use nightshift_core::outcome::Mode;
use nightshift_core::signal::Signal;

use super::fake::*;

fn subjects(site: &Site) -> Vec<String> {
    site.world.borrow().told.iter().map(|message| message.subject.clone()).collect()
}

#[test]
fn an_upload_becomes_one_invalidation_that_is_followed_and_told_once() {
    let site = Site::new();
    for file in ["main.3f2a1b9c.js", "index.html", "docs/index.html", "favicon.ico"] {
        site.world.borrow_mut().order += 1;
        site.run(&arrived(file));
        site.pass(3);
    }
    assert_eq!((site.calls("note_arrival"), site.calls("look_later"), site.calls("invalidate")), (3, 1, 0));
    site.settle();
    let world = site.world.borrow();
    assert_eq!(world.invalidations.len(), 1);
    assert_eq!(world.invalidations[0].paths, ["/", "/docs/", "/docs/index.html", "/favicon.ico", "/index.html"]);
    drop(world);
    assert_eq!(subjects(&site), ["pizza/site: 5 paths invalidated, viewers get the new files"]);
    assert_eq!(site.world.borrow().history.len(), 2, "made, completed");
}

#[test]
fn a_hashed_file_a_strange_one_and_another_bucket_are_ignored_with_their_reasons() {
    let site = Site::new();
    let reason = |signal: &Signal| site.run(signal)[0].answer["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason(&arrived("main.3f2a1b9c.js")), "hashed");
    let Signal::Object(mut object) = arrived("index.html") else { panic!() };
    object.key = "draft/index.html".into();
    assert_eq!(reason(&Signal::Object(object.clone())), "not_served");
    object.bucket = "other".into();
    assert_eq!(reason(&Signal::Object(object)), "not_ours");
    assert!(site.journal.borrow().is_empty(), "nothing is read or written for those");
    assert!(site.run(&Signal::Service(service_signal())).is_empty());
}

fn service_signal() -> nightshift_core::signal::ServiceSignal {
    nightshift_core::signal::ServiceSignal {
        region: None,
        cluster: None,
        service: "x".into(),
        event_name: "SERVICE_STEADY_STATE".into(),
        deployment: None,
        at: None,
    }
}

#[test]
fn files_that_arrive_while_it_is_followed_make_the_next_batch() {
    let site = Site::new();
    site.takes_seconds.set(100);
    site.upload("index.html");
    // The look: the batch is taken.
    let at = site.world.borrow_mut().looks.pop_first().unwrap();
    site.now.set(at);
    site.run(&look());
    assert_eq!(site.calls("invalidate"), 1);
    site.pass(5);
    site.upload("index.html");
    site.upload("new.txt");
    site.settle();
    site.assert_fresh("two batches");
    let world = site.world.borrow();
    let paths: Vec<_> = world.invalidations.iter().map(|known| known.paths.clone()).collect();
    assert_eq!(paths, [vec!["/", "/index.html"], vec!["/", "/index.html", "/new.txt"]]);
    assert_eq!(world.told.len(), 2);
}

#[test]
fn an_upload_that_never_ends_is_cut_off() {
    let site = Site::new();
    let mut looks = 0;
    for file in 0..100 {
        site.upload(&format!("log/{file}.txt"));
        site.pass(10);
        loop {
            let due = site.world.borrow().looks.first().copied().filter(|at| *at <= site.now.get());
            let Some(at) = due else { break };
            site.world.borrow_mut().looks.remove(&at);
            site.run(&look());
            looks += 1;
        }
    }
    let made = site.world.borrow().invalidations.len();
    assert!((3..=4).contains(&made), "1,000 s are three times ten settle times: {made}");
    assert!(looks < 60, "{looks}");
    site.settle();
    site.assert_fresh("endless");
}

#[test]
fn observing_does_everything_but_the_invalidation() {
    let site = Site::new();
    site.mode.set(Mode::Observe);
    site.upload("index.html");
    site.settle();
    assert_eq!(site.calls("invalidate"), 0);
    assert_eq!(subjects(&site), ["pizza/site: would have invalidated 2 paths"]);
    let world = site.world.borrow();
    assert_eq!((&world.work.batch, &world.uploads.pending, world.history.len()), (&None, &None, 1));
}

#[test]
fn a_pause_holds_it_and_its_end_lets_it_go() {
    let site = Site::new();
    let until = site.now.get() + jiff::SignedDuration::from_mins(40);
    site.world.borrow_mut().pause = Some(Pause { scope: "all".into(), by: "ana".into(), why: "sale".into(), until });
    site.upload("index.html");
    site.settle();
    site.assert_fresh("after the pause");
    assert!(site.now.get() > until);
    assert_eq!(site.world.borrow().invalidations.len(), 1);
}

#[test]
fn a_lost_look_is_found_by_the_sweep() {
    let site = Site::new();
    site.upload("index.html");
    site.world.borrow_mut().looks.clear();
    site.pass(600);
    site.run(&Signal::CalendarTick);
    site.settle();
    site.assert_fresh("swept");
    // With nothing to do a sweep reads, and no more.
    let before = site.journal.borrow().len();
    site.run(&Signal::CalendarTick);
    assert_eq!(site.journal.borrow()[before..], ["read_front_end"]);
}

#[test]
fn an_invalidation_that_takes_too_long_is_told_and_lets_the_next_one_go() {
    let site = Site::new();
    site.takes_seconds.set(3_600);
    site.upload("index.html");
    let looks = site.settle();
    assert_eq!(subjects(&site), ["pizza/site: invalidation not completed in 30 minutes (2 paths)"]);
    assert!(looks <= 12, "{looks}");
    site.takes_seconds.set(0);
    site.upload("next.txt");
    site.settle();
    site.assert_fresh("the next one");
    assert_eq!(subjects(&site)[1], "pizza/site: 1 path invalidated, viewers get the new files");
}
