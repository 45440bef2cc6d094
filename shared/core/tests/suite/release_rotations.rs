//! Rotated secrets and their readers: which news cause a restart, what it goes before, what it waits for, and what is proof.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::ledger::Pause;
use nightshift_core::release::{Book, BookView, Change, EndKind, HandedState, LegState, Shown, StopHow, Verdict, Wake};
use serde_json::json;

use super::release_world::{EAST, FLEET, Fate, Fortune, World, look, pushed};

/// Its readers are locked out as soon as it changes.
const DB: &str = "shop/db";
const SIGNING: &str = "shop/signing";

fn arn(secret: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{secret}-AbCdEf")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn rotated(secret: &str, version: Option<&str>, at: Timestamp) -> Wake {
    Wake::Rotated { secret: arn(secret), version: version.map(str::to_owned), at: Some(at) }
}

fn tell(world: &mut World, wake: Wake) {
    world.invoke(EAST, wake, Fortune::default());
}

/// A secret is rotated, and one of those who tell of it does.
fn rotate(world: &mut World, secret: &'static str) {
    world.regions.get_mut(EAST).unwrap().news.clear();
    world.rotate(EAST, secret);
    world.hear(EAST, 0, false, Fortune::default());
}

fn book(world: &World) -> &Book {
    &world.regions[EAST].book
}

fn restarts(world: &World) -> Vec<EndKind> {
    let restarts = book(world).ended.iter().filter(|release| release.change.image().is_none());
    restarts.map(|release| release.end.as_ref().unwrap().kind).collect()
}

/// As far as the question about production, and a little longer.
fn asked(world: &mut World) -> nightshift_core::release::Image {
    let image = world.push("v1");
    world.scan_is(&image, 0);
    tell(world, pushed(&image));
    for _ in 0..4 {
        world.pass(minutes(3));
        tell(world, look());
    }
    assert!(world.question(EAST).is_some());
    image
}

fn is_proven(world: &World, secret: &str) -> bool {
    matches!(book(world).handed(secret).map(|handed| &handed.state), Some(HandedState::Proven { .. }))
}

/// What people read of the release that is put aside.
fn shown(world: &World) -> Vec<String> {
    let view = BookView { book: book(world).clone(), pause: None };
    let release = &view.book.aside.as_ref().unwrap().release;
    Shown { key: &World::key(), release, view: &view, frozen: None, now: world.now }.next()
}

/// Three senders tell of each version; they come in any order, twice, and hours late.
#[test]
fn a_version_causes_one_restart_however_often_and_whenever_it_is_told() {
    for secret in [DB, SIGNING] {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for pause in [0, 1, 4, 300] {
                let mut world = World::new();
                let at = world.now;
                let second = Timestamp::from_second(at.as_second()).unwrap();
                let trail = second + SignedDuration::from_secs(2);
                let told = [rotated(secret, Some("v1"), at), rotated(secret, Some("v1"), second), rotated(secret, None, trail)];
                world.pass(SignedDuration::from_secs(2));
                world.is_current(EAST, secret, "v1", at);
                for _ in 0..2 {
                    for sender in order {
                        tell(&mut world, told[sender].clone());
                        world.pass(minutes(pause));
                        tell(&mut world, look());
                    }
                }
                world.run_on(minutes(120));
                assert_eq!(restarts(&world), [EndKind::Done], "{secret} {order:?} {pause}");
                let proven = book(&world).hand_over(&arn(secret), "v1", at);
                assert!(matches!(proven, Some(HandedState::Proven { .. })), "{secret} {order:?} {pause}: {proven:?}");
            }
        }
    }
}

#[test]
fn two_versions_are_one_restart_if_both_came_before_it_began_and_two_if_not() {
    let mut world = World::new();
    rotate(&mut world, SIGNING);
    world.pass(minutes(1));
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    let Change::Restart { versions, .. } = &book(&world).ended[0].change else { panic!() };
    assert_eq!(versions[&arn(SIGNING)], "shop/signing-2");

    // The restart is under way when the next one comes.
    rotate(&mut world, SIGNING);
    world.pass(minutes(4));
    tell(&mut world, look());
    assert!(matches!(book(&world).handed(SIGNING).unwrap().state, HandedState::Restarting { .. }));
    rotate(&mut world, SIGNING);
    assert_eq!(book(&world).handed(SIGNING).unwrap().state, HandedState::Waiting, "the newest one has not begun");
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done; 3]);
    assert!(is_proven(&world, SIGNING));
    world.secrets_have_arrived(EAST);
}

#[test]
fn an_older_version_that_comes_late_changes_nothing_but_going_back_to_it_does() {
    let mut world = World::new();
    let first = world.now;
    rotate(&mut world, SIGNING);
    world.pass(minutes(60));
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world).len(), 1, "the first one had not begun");
    tell(&mut world, rotated(SIGNING, Some("shop/signing-1"), first + SignedDuration::from_secs(20)));
    world.run_on(minutes(120));
    assert_eq!(restarts(&world).len(), 1);
    // Somebody puts AWSCURRENT back on the old version.
    let now = world.now;
    world.is_current(EAST, SIGNING, "shop/signing-1", now);
    tell(&mut world, rotated(SIGNING, Some("shop/signing-1"), now));
    world.run_on(minutes(120));
    assert_eq!(restarts(&world).len(), 2);
}

/// Else nothing would be newer for years.
#[test]
fn a_time_to_come_is_no_time() {
    let mut world = World::new();
    let (now, to_come) = (world.now, world.now + SignedDuration::from_hours(24 * 365));
    world.is_current(EAST, SIGNING, "v1", now);
    tell(&mut world, rotated(SIGNING, Some("v1"), to_come));
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world).len(), 2);
}

#[test]
fn an_urgent_restart_does_not_settle_and_takes_along_what_does() {
    let mut world = World::new();
    rotate(&mut world, SIGNING);
    assert!(book(&world).active.is_none(), "it settles");
    rotate(&mut world, DB);
    let Some(Change::Restart { secrets, versions }) = book(&world).active.as_ref().map(|release| &release.change) else { panic!() };
    assert_eq!((secrets.len(), versions.len()), (2, 2));
    let legs = &book(&world).active.as_ref().unwrap().legs;
    assert!(matches!(legs[0].state, LegState::Rolling(_)), "at once");
    assert!(legs[0].target.to_string().contains("shop/web"), "production first");
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    assert!(is_proven(&world, SIGNING) && is_proven(&world, DB));
}

#[test]
fn a_restart_goes_before_a_release_that_waits_for_people_and_nothing_is_lost() {
    for secret in [DB, SIGNING] {
        let mut world = World::new();
        let image = asked(&mut world);
        let question = world.question(EAST);
        rotate(&mut world, secret);
        world.pass(minutes(4));
        tell(&mut world, look());
        let (aside, active) = (book(&world).aside.as_ref(), book(&world).active.as_ref());
        assert!(aside.is_some_and(|aside| aside.release.change.image().is_some()), "{secret}");
        assert!(active.is_some_and(|active| active.change.image().is_none()), "{secret}");
        assert_eq!(world.question(EAST), question, "it is the same question");
        let next = shown(&world);
        assert!(next[0].contains("waits for the end of release") && next[1].contains("lead has to agree to production"), "{next:?}");
        // The answer comes while the restart is under way.
        world.answer(EAST, Verdict::Approve);
        tell(&mut world, look());
        assert_eq!(world.running(EAST, "shop"), "none", "the restart first");
        world.run_on(minutes(600));
        assert_eq!(world.ending(EAST, &image), Some("done"), "{secret}");
        assert_eq!(world.running(EAST, "shop"), image.digest, "{secret}");
        assert_eq!(restarts(&world), [EndKind::Done], "{secret}");
        let asked = world.regions[EAST].notes.iter().filter(|note| note.starts_with("detected")).count();
        assert_eq!(asked, 1, "{:?}", world.regions[EAST].notes);
    }
}

#[test]
fn what_is_put_aside_can_be_aborted_superseded_and_expire() {
    let aside = || {
        let mut world = World::new();
        let image = asked(&mut world);
        rotate(&mut world, DB);
        assert!(book(&world).aside.is_some());
        (world, image)
    };
    let (mut world, image) = aside();
    let stop = world.stop(EAST, StopHow::RollBack);
    tell(&mut world, stop);
    world.run_on(minutes(600));
    assert_eq!((world.ending(EAST, &image), world.running(EAST, "staging").as_str()), (Some("rolled back"), "none"));

    let (mut world, image) = aside();
    let newer = asked_again(&mut world);
    assert_eq!(world.ending(EAST, &image), Some("superseded"));
    world.run_on(minutes(120));
    assert_eq!(world.running(EAST, "staging"), newer.digest);
    assert_eq!(restarts(&world), [EndKind::Done], "a push does not supersede a restart");

    let (mut world, image) = aside();
    world.run_on(SignedDuration::from_hours(24));
    assert_eq!(world.ending(EAST, &image), Some("expired"));
}

fn asked_again(world: &mut World) -> nightshift_core::release::Image {
    world.pass(minutes(1));
    let image = world.push("v2");
    world.scan_is(&image, 0);
    tell(world, pushed(&image));
    image
}

/// An urgent restart does not wait for the end of a watch, and the watch is as long as it was to be.
#[test]
fn only_an_urgent_restart_goes_before_what_is_being_watched() {
    for (secret, goes_first) in [(DB, true), (SIGNING, false)] {
        let fleet = FLEET.replace("bake: 2m", "bake: 4h");
        let mut world = World::with(&fleet);
        let image = world.push("v1");
        world.scan_is(&image, 0);
        tell(&mut world, pushed(&image));
        world.pass(minutes(4));
        tell(&mut world, look());
        let until = |world: &World| match book(world).releases().find_map(|release| release.change.image().and(release.legs.first())) {
            Some(leg) => match &leg.state {
                LegState::Baking { until, .. } => Some(*until),
                _ => None,
            },
            None => None,
        };
        let before = until(&world).expect("it is watched");
        rotate(&mut world, secret);
        world.pass(minutes(5));
        tell(&mut world, look());
        assert_eq!(book(&world).aside.is_some(), goes_first, "{secret}");
        world.run_on(minutes(120));
        match goes_first {
            true => {
                assert_eq!(restarts(&world), [EndKind::Done]);
                assert!(until(&world).unwrap() > before + minutes(5), "the time aside does not count");
            }
            false => assert_eq!((restarts(&world), until(&world)), (Vec::new(), Some(before))),
        }
    }
}

#[test]
fn a_freeze_holds_what_can_wait() {
    let window = "    freeze: [{ why: sale, from: 2026-11-20T00:00:00Z, to: 2026-11-21T00:00:00Z }]\n    deadline: 20m";
    let frozen = FLEET.replace("    deadline: 20m", window);
    let mut world = World::with(&frozen);
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), []);
    rotate(&mut world, DB);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done], "both together");
    let log: Vec<&str> = book(&world).ended[0].log.iter().map(|line| line.text.as_str()).collect();
    let told = "begun although it is frozen until 2026-11-21 00:00 UTC (sale)";
    assert!(log.iter().any(|line| line.contains(told)), "{log:?}");
    assert!(world.regions[EAST].texts.iter().any(|text| text.contains(told)), "{:?}", world.regions[EAST].texts);
    assert!(is_proven(&world, SIGNING) && is_proven(&world, DB));
}

#[test]
fn a_pause_holds_everything_and_nothing_is_given_up_for_it() {
    for secret in [DB, SIGNING] {
        let mut world = World::new();
        let until = world.now + SignedDuration::from_hours(5);
        world.pause = Some(Pause { scope: "shop/web".into(), by: "ann".into(), why: "a look at it".into(), until });
        rotate(&mut world, secret);
        world.run_on(SignedDuration::from_hours(4));
        assert!(restarts(&world).is_empty() && book(&world).handed(secret).unwrap().state == HandedState::Waiting, "{secret}");
        let told = world.regions[EAST].notes.iter().filter(|note| note.contains("waits: paused")).count();
        assert_eq!(told, 1, "{:?}", world.regions[EAST].notes);
        world.run_on(SignedDuration::from_hours(4));
        assert_eq!(restarts(&world), [EndKind::Done], "{secret}");
    }
}

/// Locked-out readers may be just what the alarm tells of.
#[test]
fn an_alarm_holds_a_restart_unless_its_readers_are_locked_out() {
    let fleet = FLEET.replace("bake: 2m", "bake: 2m, alarms: [errors]").replace("bake: 5m", "bake: 5m, alarms: [errors]");
    let mut world = World::with(&fleet);
    world.alarms.insert("errors".into());
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), []);
    // A push goes on as far as it can, and the restart is not forgotten.
    let image = world.push("v1");
    world.scan_is(&image, 0);
    tell(&mut world, pushed(&image));
    assert!(book(&world).active.as_ref().is_some_and(|release| release.change.image().is_some()));
    rotate(&mut world, DB);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    assert!(is_proven(&world, SIGNING) && is_proven(&world, DB));
}

#[test]
fn a_restart_that_fails_is_told_with_what_to_do_and_can_be_begun_again() {
    for fate in [Fate::Fails, Fate::TakenBack, Fate::Crashes] {
        for secret in [DB, SIGNING] {
            let mut world = World::new();
            world.fate = fate;
            rotate(&mut world, secret);
            world.run_on(minutes(120));
            let case = format!("{fate:?} {secret}");
            assert_eq!(restarts(&world), [EndKind::Failed], "{case}");
            let handed = book(&world).handed(secret).unwrap();
            assert!(matches!(&handed.state, HandedState::Failed { why, .. } if !why.is_empty()), "{case}: {handed:?}");
            let text = world.regions[EAST].texts.last().unwrap();
            let again = format!(r#"{{"nightshift":"rotated","secret":"{}"}}"#, arn(secret));
            assert!(text.contains("What to do") && text.contains(&again), "{case}: {text}");
            assert_eq!(text.contains("refuses the old password"), secret == DB, "{case}: {text}");
            // It is told no more by any sender, and not begun again by them.
            world.run_on(minutes(600));
            assert_eq!(restarts(&world).len(), 1, "{case}");
            world.fate = Fate::Succeeds;
            let now = world.now;
            world.is_current(EAST, secret, "by hand", now);
            tell(&mut world, Wake::Rotated { secret: secret.to_owned(), version: None, at: None });
            world.run_on(minutes(120));
            assert_eq!(restarts(&world), [EndKind::Done, EndKind::Failed], "{case}");
            assert!(is_proven(&world, secret), "{case}");
        }
    }
}

#[test]
fn who_does_not_read_it_leaves_no_trace_and_who_is_named_is_restarted_whatever_its_definition_says() {
    let mut world = World::new();
    world.unnamed.insert(SIGNING);
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!((book(&world).handed(SIGNING), book(&world).rotated.as_ref(), restarts(&world)), (None, None, Vec::new()));

    let named = FLEET.replace("shop/signing: { keys: {} }", "shop/signing: { keys: {}, readers: [web] }");
    let mut world = World::with(&named);
    world.unnamed.insert(SIGNING);
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
}

/// On instances nobody sees what is read: the fleet file says it.
#[test]
fn instances_are_replaced_where_the_fleet_file_names_their_service_as_a_reader() {
    let on_instances = |readers: &str| {
        let fleet = FLEET.replace("runs_on: { ecs: { cluster: shop, service: web } }", "runs_on: { asg: { group: shop-web } }");
        let fleet = fleet.replace("staging: { ecs: { cluster: staging, service: web } }", "staging: { asg: { group: staging-web } }");
        World::with(&fleet.replace("shop/db: { postgresql: { users: single } }", readers))
    };
    let mut world = on_instances("shop/db: { postgresql: { users: single }, readers: [web] }");
    rotate(&mut world, DB);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    let targets: Vec<String> = book(&world).ended[0].legs.iter().map(|leg| leg.target.to_string()).collect();
    assert_eq!(targets, ["Auto Scaling group shop-web", "Auto Scaling group staging-web"]);
    world.secrets_have_arrived(EAST);

    let mut world = on_instances("shop/db: { postgresql: { users: single } }");
    rotate(&mut world, DB);
    world.run_on(minutes(120));
    assert!(restarts(&world).is_empty() && book(&world).handed.is_empty());
}

/// What a release starts anew after the version became current has it.
#[test]
fn a_release_that_passes_is_proof_as_well() {
    let mut world = World::new();
    let image = asked(&mut world);
    world.answer(EAST, Verdict::Approve);
    world.pass(minutes(1));
    tell(&mut world, look());
    assert_eq!(world.running(EAST, "shop"), image.digest);
    // Heard of only hours later; staging was proven before, production began after it.
    let at = world.now - minutes(3);
    world.run_on(minutes(120));
    world.is_current(EAST, SIGNING, "v9", at);
    tell(&mut world, rotated(SIGNING, Some("v9"), at));
    let left = &book(&world).handed(SIGNING).unwrap().left;
    assert_eq!(left.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ECS service staging/web"]);
}

#[test]
fn a_restart_does_not_make_a_revision_proven() {
    let mut world = World::new();
    rotate(&mut world, SIGNING);
    world.run_on(minutes(120));
    assert_eq!(restarts(&world), [EndKind::Done]);
    assert!(book(&world).proven.is_empty(), "what was made by hand would be taken for what a release brought");
}

#[test]
fn books_of_an_earlier_version_are_read_and_their_restarts_count() {
    let at = "2026-11-20T11:00:00Z";
    let old = json!({
        "version": 7,
        "ended": [{
            "id": "20261120t110000z-restart", "change": { "restart": { "secrets": [arn(SIGNING)] } }, "started_by": "rotation",
            "ordered_at": at, "detected_at": at, "expires_at": at, "gate": { "gate": "none" }, "legs": [],
            "end": { "kind": "done", "why": "through the whole path", "by": null, "at": at },
        }],
        "rotated": { "secrets": [arn(DB)], "targets": [{ "ecs": { "cluster": "shop", "service": "web" } }], "since": at, "last": at },
    });
    let mut world = World::new();
    world.regions.get_mut(EAST).unwrap().book = serde_json::from_value(old).unwrap();
    let at = at.parse().unwrap();
    for secret in [SIGNING, DB] {
        world.is_current(EAST, secret, "v1", Timestamp::UNIX_EPOCH);
    }
    tell(&mut world, rotated(SIGNING, Some("v1"), at));
    world.run_on(minutes(120));
    tell(&mut world, rotated(DB, Some("v1"), at));
    world.run_on(minutes(120));
    world.secrets_have_arrived(EAST);
    let ended = &book(&world).ended;
    assert_eq!(ended.len(), 2, "{ended:#?}");
    assert!(matches!(&ended[0].change, Change::Restart { secrets, .. } if *secrets == [arn(DB)].into()), "{:?}", ended[0].change);
}
