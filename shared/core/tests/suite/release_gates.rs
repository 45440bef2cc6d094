//! What is looked at before a release may begin: its scan, everything that it needs, what was changed by hand.

use jiff::SignedDuration;
use nightshift_core::fleet::{FindingSeverity, fleet_from_yaml};
use nightshift_core::ledger::Lease;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{
    Book, Check, CheckResult, Finding, ImageRef, LegState, ReleasePolicy, ScanNow, Step, StepDone, Verdict, Wake, apply,
};

use super::release_world::{EAST, FLEET, Fate, Fortune, World, look, pushed};

const SCAN: &str = "scan: { most: { critical: 0 }, patience: 10m, without_result: refuse }";

fn findings(of: &[(FindingSeverity, usize)]) -> ScanNow {
    let named = |(severity, count): &(FindingSeverity, usize)| {
        let severity = *severity;
        (0..*count).map(move |n| Finding { name: format!("CVE-{severity}-{n}"), severity }).collect::<Vec<_>>()
    };
    ScanNow::Complete { at: None, findings: of.iter().flat_map(named).collect() }
}

/// What a region's release says of itself, in its log's last lines and its end.
fn told(world: &World) -> String {
    let book = &world.regions[EAST].book;
    let release = book.active.as_ref().or(book.ended.first()).unwrap();
    let end = release.end.as_ref().map_or("goes on".to_owned(), |end| format!("{}: {}", end.kind.word(), end.why));
    let log: Vec<&str> = release.log.iter().skip(1).take(3).map(|line| line.text.as_str()).collect();
    let hold = world.regions[EAST].outcomes.last().map(|outcome| outcome.sentence()).unwrap_or_default();
    format!("  {end}\n  log {log:?}\n  last {hold}\n")
}

#[test]
fn scans() {
    use FindingSeverity::{Critical, High, Low, Undefined};
    let limits = "scan: { most: { critical: 0, high: 2 }, patience: 10m, without_result: refuse }";
    let allowed = |until: &str| {
        format!("scan: {{ most: {{ critical: 0 }}, allow: [{{ cve: cve-critical-0, until: {until}, why: not reached }}], patience: 10m }}")
    };
    let (wait, ask) = (SCAN.replace("refuse", "wait"), SCAN.replace("refuse", "ask"));
    let failed = || ScanNow::Failed { why: "UnsupportedImageError".into() };
    let cases: Vec<(&str, String, Option<ScanNow>, i64)> = vec![
        ("nothing", SCAN.into(), Some(findings(&[])), 0),
        ("what is not limited", SCAN.into(), Some(findings(&[(High, 3), (Low, 1), (Undefined, 2)])), 0),
        ("one too many", SCAN.into(), Some(findings(&[(Critical, 1)])), 0),
        ("just as many as may be", limits.into(), Some(findings(&[(High, 2)])), 0),
        ("one more than may be", limits.into(), Some(findings(&[(High, 3), (Critical, 0)])), 0),
        ("five are named", limits.into(), Some(findings(&[(High, 5)])), 0),
        ("more than five are counted", limits.into(), Some(findings(&[(High, 8), (Critical, 1)])), 0),
        ("one that is allowed", allowed("2026-11-21T00:00:00Z"), Some(findings(&[(Critical, 1)])), 0),
        ("one that is allowed and one that is not", allowed("2026-11-21T00:00:00Z"), Some(findings(&[(Critical, 2)])), 0),
        ("one that was allowed until now", allowed("2026-11-20T12:00:00.4Z"), Some(findings(&[(Critical, 1)])), 0),
        ("almost late", SCAN.into(), None, 9),
        ("late just now", SCAN.into(), None, 10),
        ("late, and waited for", wait.clone(), None, 10),
        ("late, and people are asked", ask.clone(), None, 10),
        ("failed", SCAN.into(), Some(failed()), 0),
        ("failed, and waited for", wait, Some(failed()), 0),
        ("failed, and people are asked", ask, Some(failed()), 0),
    ];
    let mut text = String::new();
    for (name, gate, scan, minutes) in cases {
        let mut world = World::with(&FLEET.replace(SCAN, &gate));
        let image = world.push("v1");
        if let Some(scan) = scan {
            world.scans.insert(image.digest.clone(), scan);
        }
        world.invoke(EAST, pushed(&image), Fortune::default());
        if minutes > 0 {
            world.pass(SignedDuration::from_mins(minutes));
            world.invoke(EAST, look(), Fortune::default());
        }
        text.push_str(&format!("## {name}\n{}", told(&world)));
        if let Some((_, stage)) = world.question(EAST) {
            assert_eq!(stage, "scan");
            world.answer(EAST, Verdict::Approve);
            world.invoke(EAST, look(), Fortune::default());
            text.push_str(&format!("  and when they agree\n{}", told(&world)));
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

#[test]
fn severities_are_read_in_any_case_and_new_words_are_undefined() {
    let all = [FindingSeverity::WORST_FIRST.as_slice(), &[FindingSeverity::Undefined]].concat();
    for severity in all {
        assert_eq!(FindingSeverity::from_aws(&severity.as_str().to_uppercase()), severity);
        assert_eq!(FindingSeverity::from_aws(severity.as_str()), severity);
    }
    assert_eq!(FindingSeverity::from_aws("UNTRIAGED"), FindingSeverity::Undefined);
}

/// A release that has been through staging once, so that something is proven there.
fn proven() -> World {
    let mut world = World::new();
    let image = world.push("v1");
    world.scan_is(&image, 0);
    world.invoke(EAST, pushed(&image), Fortune::default());
    for _ in 0..3 {
        world.pass(SignedDuration::from_mins(3));
        world.invoke(EAST, look(), Fortune::default());
    }
    world
}

fn comes(world: &mut World) {
    let image = world.push("v2");
    world.scan_is(&image, 0);
    world.invoke(EAST, pushed(&image), Fortune::default());
}

#[test]
fn everything_that_it_needs() {
    let check = |what: &str, result| Check { what: what.into(), result };
    let unreadable = || CheckResult::Unreadable(PortError::new(PortErrorKind::Denied, "iam:GetRole", "as the test wants it"));
    let wrong = |what: &str| check(what, CheckResult::Wrong("it is not there; create it".into()));
    type Case = (&'static str, World, fn(&mut World));
    let with_checks = |checks: Vec<Check>| {
        let mut world = World::new();
        world.checks = checks;
        world
    };
    let mut unusable = World::new();
    unusable.unusable = Some("it is being deleted".into());
    let mut both = with_checks(vec![check("role a", CheckResult::Fine), wrong("secret b"), wrong("log group c")]);
    both.unusable = Some("it is being deleted".into());
    let cases: Vec<Case> = vec![
        ("all is well", with_checks(vec![check("role a", CheckResult::Fine)]), comes),
        ("something is missing", with_checks(vec![wrong("secret b")]), comes),
        ("something cannot be seen", with_checks(vec![wrong("secret b"), check("role a", unreadable())]), comes),
        ("the target cannot be used", unusable, comes),
        ("all that is wrong is told at once", both, comes),
        ("changed by hand since", proven(), |world| {
            world.changed_by_hand(EAST, "staging");
            comes(world);
        }),
        ("changed by hand, and that is taken over", proven(), |world| {
            world.changed_by_hand(EAST, "staging");
            let image = world.push("v2");
            world.scan_is(&image, 0);
            let digest = ImageRef::Digest(image.digest);
            world.invoke(
                EAST,
                Wake::Deploy { image: digest, by: "ann".into(), at: world.now, accepts_drift: true, only_here: false },
                Fortune::default(),
            );
        }),
        ("the same image again", proven(), |world| {
            let image = world.images[0].clone();
            world.answer(EAST, Verdict::Reject);
            world.invoke(EAST, look(), Fortune::default());
            let digest = ImageRef::Digest(image.digest);
            world.invoke(
                EAST,
                Wake::Deploy { image: digest, by: "ann".into(), at: world.now, accepts_drift: false, only_here: false },
                Fortune::default(),
            );
        }),
    ];
    let mut text = String::new();
    for (name, mut world, happens) in cases {
        happens(&mut world);
        text.push_str(&format!("## {name}\n{}\n", told(&world)));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_lease_ends_with_its_last_moment() {
    let until = World::new().now;
    let book = Book { lease: Some(Lease { owner: "me".into(), until }), ..Book::default() };
    assert!(book.leased(until).is_none() && book.leased(until - SignedDuration::from_nanos(1)).is_some());
}

/// A roll-out that AWS itself takes back: begun or impossible, the leg remembers which.
#[test]
fn what_is_taken_back_is_remembered_as_begun_or_as_to_be_done_another_way() {
    let fleet = fleet_from_yaml("fleet.yaml", FLEET).unwrap();
    for (done, begun, keeps_handle) in [(StepDone::Begun { handle: None }, true, true), (StepDone::NotPossible, false, false)] {
        let mut world = proven();
        world.answer(EAST, Verdict::Approve);
        world.fate = Fate::Hangs;
        world.invoke(EAST, look(), Fortune::default());
        world.pass(SignedDuration::from_mins(1));
        world.broken = Some(("take_back", PortErrorKind::Throttled));
        let stop = world.stop(EAST, nightshift_core::release::StopHow::Abort);
        world.invoke(EAST, stop, Fortune::default());
        let book = world.regions[EAST].book.clone();
        let going_back = |book: &Book| {
            let legs = &book.active.as_ref().unwrap().legs;
            legs.iter().find_map(|leg| match &leg.state {
                LegState::RollingBack { moved, is_begun, .. } => {
                    Some((*is_begun, moved.handle.is_some(), leg.target.clone(), moved.clone()))
                }
                _ => None,
            })
        };
        let (is_begun, has_handle, target, moved) = going_back(&book).unwrap();
        assert_eq!((is_begun, has_handle), (false, true));
        let service = &fleet.services["web"];
        let policy = ReleasePolicy::at(World::key(), &fleet, service, EAST, world.now);
        let step = Step::TakeBack { target, handle: moved.handle.clone().unwrap(), to: moved.to };
        let (after, _) = apply(&book, &step, &done, &policy, world.now);
        let (is_begun, has_handle, ..) = going_back(&after).unwrap();
        assert_eq!((is_begun, has_handle), (begun, keeps_handle), "{done:?}");
        let (unchanged, notes) = apply(&book, &step, &StepDone::Asked, &policy, world.now);
        assert_eq!((unchanged == book, notes), (true, Vec::new()), "another step's result says nothing");
    }
}
