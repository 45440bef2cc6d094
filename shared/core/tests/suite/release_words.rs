//! Releases as people read them, on their way: what came of each invocation, the drawn path with what comes next, and notices.

use jiff::SignedDuration;
use nightshift_core::fleet::Frozen;
use nightshift_core::ledger::Pause;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::{BookView, Ending, Need, Progress, Release, ReleaseNotice, ReleaseOutcome, Shown, StopHow, Verdict, Wake};

use super::release_world::{EAST, FLEET, Fate, Fortune, WEST, World, look, pushed};

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// What came of an invocation, in a few lines.
fn told(outcome: &ReleaseOutcome) -> String {
    let answer = outcome.to_answer();
    let steps: Vec<String> =
        answer["steps"].as_array().unwrap().iter().map(|step| format!("{} {}", step["step"], step["result"])).collect();
    format!(
        "{} {}: {} ({}), {}: {}\n  steps {} state {} line {} history {}\n",
        outcome.at.strftime("%H:%M"),
        outcome.region,
        outcome.decision(),
        outcome.ending().as_str(),
        outcome.reason_code(),
        outcome.sentence(),
        steps.join(", "),
        answer["state"],
        outcome.is_worth_a_line(),
        outcome.is_history(),
    )
}

fn shown(world: &World, release: &Release) -> String {
    let view = BookView { book: world.regions[EAST].book.clone(), pause: world.pause.clone() };
    let key = World::key();
    let progress = Progress::of(release);
    let in_lists = format!(
        "[{} | {} | since {} | people {}]\n",
        progress.code(),
        progress.place(release),
        progress.since(release).strftime("%H:%M"),
        progress.waits_for_people(release)
    );
    in_lists + &Shown { key: &key, release, view: &view, frozen: None, now: world.now }.to_string()
}

/// Runs a story on and draws the release that it is about whenever its picture has changed.
struct Album {
    pages: Vec<String>,
}

impl Album {
    fn new() -> Self {
        Self { pages: Vec::new() }
    }

    fn look(&mut self, world: &World) {
        let book = &world.regions[EAST].book;
        let Some(release) = book.asking().or(book.ended.first()) else { return };
        let picture = shown(world, release);
        if self.pages.last() != Some(&picture) {
            self.pages.push(picture);
        }
    }

    fn runs(&mut self, world: &mut World, rounds: usize) {
        for _ in 0..rounds {
            world.pass(minutes(3));
            for region in [EAST, WEST] {
                for _ in 0..world.regions[region].inbox.len() {
                    world.deliver(region, false, false, Fortune::default());
                }
                world.invoke(region, look(), Fortune::default());
                self.look(world);
            }
        }
    }

    fn text(&self) -> String {
        self.pages.join("\n----\n")
    }
}

fn outcomes(world: &World) -> String {
    let mut all: Vec<&ReleaseOutcome> = world.regions.values().flat_map(|region| &region.outcomes).collect();
    all.sort_by_key(|outcome| outcome.at);
    all.into_iter().map(told).collect()
}

fn begun(world: &mut World, tag: &str, critical: u32, album: &mut Album) -> nightshift_core::release::Image {
    let image = world.push(tag);
    world.invoke(EAST, pushed(&image), Fortune::default());
    album.look(world);
    world.scan_is(&image, critical);
    world.invoke(EAST, look(), Fortune::default());
    album.look(world);
    image
}

#[test]
fn a_release_through_to_its_end() {
    let (mut world, mut album) = (World::new(), Album::new());
    begun(&mut world, "v1", 0, &mut album);
    album.runs(&mut world, 4);
    world.answer(EAST, Verdict::Approve);
    album.runs(&mut world, 12);
    insta::assert_snapshot!("through_pictures", album.text());
    insta::assert_snapshot!("through_outcomes", outcomes(&world));
    insta::assert_snapshot!("through_notices", notices(&world));
}

fn notices(world: &World) -> String {
    let mut text = String::new();
    for region in [EAST, WEST] {
        for outcome in &world.regions[region].outcomes {
            for note in &outcome.notes {
                let release = outcome.after.release(&note.release);
                let notice = ReleaseNotice { key: &outcome.key, region, mode: outcome.mode, at: outcome.at, note, release };
                let message = notice.message();
                assert!(message.subject.len() <= 100 && message.subject.is_ascii());
                assert!(message.is_per_protocol && !notice.chat_message().is_per_protocol);
                let attributes: Vec<String> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text.push_str(&format!("[{}] {}\n{}\n\n", attributes.join(" "), message.subject, notice.text()));
            }
        }
    }
    text
}

#[test]
fn a_release_that_fails_in_production_and_goes_back() {
    let (mut world, mut album) = (World::new(), Album::new());
    begun(&mut world, "v1", 0, &mut album);
    album.runs(&mut world, 4);
    world.answer(EAST, Verdict::Approve);
    world.fate = Fate::Fails;
    album.runs(&mut world, 10);
    insta::assert_snapshot!("fails_pictures", album.text());
    insta::assert_snapshot!("fails_outcomes", outcomes(&world));
    insta::assert_snapshot!("fails_notices", notices(&world));
}

#[test]
fn other_endings() {
    let mut text = String::new();
    for (name, story) in [
        ("a bad scan", (|world, album| drop(begun(world, "v1", 2, album))) as fn(&mut World, &mut Album)),
        ("somebody says no", |world, album| {
            begun(world, "v1", 0, album);
            album.runs(world, 4);
            world.answer(EAST, Verdict::Reject);
            album.pages.clear();
            album.runs(world, 1);
        }),
        ("nobody answers", |world, album| {
            begun(world, "v1", 0, album);
            album.runs(world, 4);
            album.pages.clear();
            world.pass(minutes(7 * 60));
            album.runs(world, 1);
        }),
        ("a person ends it under way", |world, album| {
            begun(world, "v1", 0, album);
            album.runs(world, 4);
            world.answer(EAST, Verdict::Approve);
            album.runs(world, 1);
            album.pages.clear();
            let stop = world.stop(EAST, StopHow::Abort);
            world.invoke(EAST, stop, Fortune::default());
            album.runs(world, 3);
        }),
        ("a person undoes it", |world, album| {
            begun(world, "v1", 0, album);
            album.runs(world, 4);
            world.answer(EAST, Verdict::Approve);
            album.runs(world, 12);
            album.pages.clear();
            let stop = world.stop(EAST, StopHow::RollBack);
            world.invoke(EAST, stop, Fortune::default());
            album.runs(world, 6);
        }),
        ("a newer one takes its place", |world, album| {
            begun(world, "v1", 0, album);
            album.runs(world, 2);
            album.pages.clear();
            begun(world, "v2", 0, album);
            album.runs(world, 1);
        }),
        ("readers of a rotated secret are started anew", |world, album| {
            world.rotate(EAST, "shop/signing");
            world.hear(EAST, 0, false, Fortune::default());
            album.runs(world, 12);
        }),
    ] {
        let (mut world, mut album) = (World::new(), Album::new());
        story(&mut world, &mut album);
        text.push_str(&format!("# {name}\n{}\n\n{}\n\n", album.text(), outcomes(&world)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_holds_it_up() {
    let mut text = String::new();
    for (name, hindrance) in [
        (
            "paused",
            (|world: &mut World| {
                let until = world.now + SignedDuration::from_hours(2);
                world.pause = Some(Pause { scope: "all".into(), by: "ann".into(), why: "a move".into(), until });
            }) as fn(&mut World),
        ),
        ("an alarm stands", |world| {
            world.alarms.insert("web-5xx".into());
        }),
        ("a step is refused", |world| world.broken = Some(("roll_out", PortErrorKind::Denied))),
        ("a step fails for now", |world| world.broken = Some(("roll_out", PortErrorKind::Throttled))),
        ("a revision cannot be made", |world| world.broken = Some(("make_revision", PortErrorKind::Denied))),
        ("only observing", |world| world.mode = Mode::Observe),
        ("the target cannot be read", |world| world.unreadable = Some((|need| matches!(need, Need::Target(_)), PortErrorKind::Denied))),
        ("the target is not there", |world| world.unreadable = Some((|need| matches!(need, Need::Target(_)), PortErrorKind::NotFound))),
        ("the blueprint cannot be read", |world| {
            world.unreadable = Some((|need| matches!(need, Need::Blueprint { .. }), PortErrorKind::Throttled))
        }),
        ("the image cannot be read", |world| world.unreadable = Some((|need| matches!(need, Need::Image { .. }), PortErrorKind::Denied))),
        ("the alarms cannot be read", |world| {
            world.unreadable = Some((|need| matches!(need, Need::Alarms(_)), PortErrorKind::Unavailable))
        }),
        ("the checks cannot be read", |world| world.unreadable = Some((|need| matches!(need, Need::Checks { .. }), PortErrorKind::Denied))),
        ("the scan cannot be read", |world| world.unreadable = Some((|need| matches!(need, Need::Scan { .. }), PortErrorKind::Denied))),
        ("the roll-out cannot be read", |world| {
            world.unreadable = Some((|need| matches!(need, Need::Rollout { .. }), PortErrorKind::Denied))
        }),
    ] {
        let fleet = FLEET.replace("{ regions: [us-east-1], bake: 2m }", "{ regions: [us-east-1], bake: 2m, alarms: [web-5xx] }");
        let (mut world, mut album) = (World::with(&fleet), Album::new());
        hindrance(&mut world);
        begun(&mut world, "v1", 0, &mut album);
        world.pass(minutes(2));
        world.invoke(EAST, look(), Fortune::default());
        world.pass(minutes(2));
        world.invoke(EAST, look(), Fortune::default());
        album.pages.clear();
        album.look(&world);
        text.push_str(&format!("# {name}\n{}\n{}\n{}\n", outcomes(&world), notices(&world), album.text()));
        // With the hindrance gone it goes its way, unless it was ended.
        (world.pause, world.broken, world.unreadable, world.mode) = (None, None, None, Mode::Act);
        world.alarms.clear();
        album.runs(&mut world, 5);
        let staging = world.running(EAST, "staging");
        assert!(name == "the target is not there" || staging != "none", "{name}: {}", outcomes(&world));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_freeze_is_shown_before_a_region_begins_and_nowhere_else() {
    let (mut world, mut album) = (World::new(), Album::new());
    world.pause = Some(Pause { scope: "all".into(), by: "ann".into(), why: "a move".into(), until: world.now + minutes(1) });
    begun(&mut world, "v1", 0, &mut album);
    let book = world.regions[EAST].book.clone();
    let release = book.active.clone().unwrap();
    let (key, view) = (World::key(), BookView { book, pause: None });
    let frozen = Frozen { why: "stocktaking".into(), until: world.now + minutes(60) };
    let next = |release: &Release, frozen: Option<&Frozen>, now| Shown { key: &key, release, view: &view, frozen, now }.next();
    assert_eq!(
        next(&release, Some(&frozen), world.now)[0],
        "frozen until 2026-11-20 13:00 UTC (stocktaking): no region is begun until then"
    );
    assert_eq!(next(&release, Some(&frozen), frozen.until), next(&release, None, frozen.until), "it ends with its last moment");
    assert_ne!(next(&release, Some(&frozen), world.now), next(&release, None, world.now));
    let mut rolling = release.clone();
    world.pause = None;
    world.invoke(EAST, look(), Fortune::default());
    rolling.clone_from(world.regions[EAST].book.active.as_ref().unwrap());
    assert_eq!(next(&rolling, Some(&frozen), world.now), next(&rolling, None, world.now), "what has begun goes on");
}

/// Whatever happened: the parts of an outcome agree with one another.
#[test]
fn outcomes_agree_with_themselves() {
    for fate in [Fate::Succeeds, Fate::Fails, Fate::TakenBack, Fate::Crashes, Fate::Hangs] {
        let (mut world, mut album) = (World::new(), Album::new());
        begun(&mut world, "v1", 0, &mut album);
        album.runs(&mut world, 3);
        world.fate = fate;
        world.answer(EAST, Verdict::Approve);
        album.runs(&mut world, 14);
        for outcome in world.regions.values().flat_map(|region| &region.outcomes) {
            let (answer, history) = (outcome.to_answer(), outcome.to_history());
            assert_eq!(answer["decision"], history.decision.as_str());
            assert_eq!(answer["reason"], history.reason.as_str());
            assert_eq!((history.text, history.at, history.plan_id), (outcome.sentence(), outcome.at, outcome.plan_id.clone()));
            assert_eq!(outcome.ending() == Ending::Held, outcome.decision() == "hold");
            assert_eq!(outcome.has_moved(), !outcome.steps.is_empty() || outcome.decision() == "advance", "{}", told(outcome));
            assert!(!outcome.has_moved() || outcome.is_history());
            assert!(!outcome.is_history() || outcome.is_worth_a_line());
            assert_eq!(answer["release"].is_null(), outcome.release().is_none());
            let named = matches!(outcome.wake, Wake::Reported { .. });
            assert!(!named || history.outcome["wake"]["release"].is_string(), "a report is shown by its id");
        }
    }
}

/// Machines find the same in the same message, as JSON.
#[test]
fn machines_read_it_too() {
    let (mut world, mut album) = (World::new(), Album::new());
    begun(&mut world, "v1", 0, &mut album);
    let outcome = world.regions[EAST].outcomes.last().unwrap();
    let note = outcome.notes.last().unwrap();
    let release = outcome.after.release(&note.release);
    let notice = ReleaseNotice { key: &outcome.key, region: EAST, mode: Mode::Observe, at: outcome.at, note, release };
    let body: serde_json::Value = serde_json::from_str(&notice.message().body).unwrap();
    let machine: serde_json::Value = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
    let chat: serde_json::Value = serde_json::from_str(&notice.chat_message().body).unwrap();
    let all = serde_json::json!({ "machine": machine, "chat": chat, "answer": outcome.to_answer(), "history": outcome.to_history().outcome["wake"] });
    insta::assert_snapshot!(serde_json::to_string_pretty(&all).unwrap());
}
