//! `release show`: the drawn path in every state, what is next, and how a release is named.

use insta::assert_snapshot;
use nightshift_cli::{Exit, ShowWish, show_release};
use nightshift_core::fleet::Frozen;
use nightshift_core::ledger::Pause;
use nightshift_core::release::{
    Book, BookView, Change, EndKind, Gate, LegState, Release, ReleaseId, Scope, StartedBy, Turn, Unwind, Verdict,
};

use super::world::*;
use crate::fakes::Releases;
use crate::stage::{Played, Stage, key, wait};

fn play(ledger: &Releases, named: Option<&str>, frozen: Option<&Frozen>, as_json: bool) -> Played {
    let key = key(WEB);
    let wish = ShowWish { key: &key, named, frozen, as_json, region: "us-east-1" };
    Stage::new().play(|world| wait(show_release(ledger, &wish, world)).unwrap().0)
}

fn shown(release: Release) -> String {
    let book = match release.end {
        Some(_) => all_ended([release]),
        None => in_hand(release),
    };
    play(&Releases::of(WEB, [book]), None, None, false).whole()
}

#[test]
fn on_its_way() {
    let mut preparing = scanned();
    preparing.legs[0].state = LegState::Preparing { from: moved("web-staging:41", "x", "16:02:00").from, since: at("16:02:10") };
    let mut second = baking();
    second.legs[1].state = passed("web:16", "web:17", "17:50:10", "17:57:00");
    second.legs[2].state = LegState::Rolling(moved("web:8", "web:9", "17:58:00"));
    assert_snapshot!("waiting_for_scan", shown(detected()));
    assert_snapshot!("preparing_staging", shown(preparing));
    assert_snapshot!("waiting_for_approval", shown(asked()));
    assert_snapshot!("baking_in_the_first_region", shown(baking()));
    assert_snapshot!("rolling_in_the_second_region", shown(second));
}

#[test]
fn ended() {
    let mut refused = asked();
    let no = answer(Verdict::Reject, "17:00:00", "page");
    refused.approvals.get_mut("production").unwrap().answers.insert(name("owner"), no);
    refused.end = Some(end(EndKind::Refused, "owner did not agree to production", Some("owner"), "17:00:05"));
    let mut scan = detected();
    scan.end = Some(end(EndKind::Refused, "the scan found 1 critical (at most 0): CVE-2026-1", None, "16:03:00"));
    let mut aborted = baking();
    aborted.legs[1].state =
        LegState::RolledBack { moved: moved("web:17", "web:16", "17:52:00"), at: at("17:55:00"), why: "wrong branch".into() };
    aborted.unwind = Some(Unwind { why: "wrong branch".into(), by: Some("ana".into()), at: at("17:52:00"), scope: Scope::Unfinished });
    aborted.end = Some(end(EndKind::RolledBack, "wrong branch", Some("ana"), "17:55:00"));
    let mut without_west = done();
    without_west.legs[2].state =
        LegState::Skipped { at: at("17:58:00"), why: "us-west-2 was not heard of since its turn came at 2026-11-20 16:40 UTC".into() };
    without_west.end = Some(end(EndKind::Done, "through the path, without us-west-2", None, "17:58:00"));
    assert_snapshot!("done", shown(done()));
    assert_snapshot!("done_without_a_region", shown(without_west));
    assert_snapshot!("rolled_back", shown(rolled_back()));
    assert_snapshot!("aborted_by_a_person", shown(aborted));
    assert_snapshot!("refused_by_a_person", shown(refused));
    assert_snapshot!("refused_by_the_scan", shown(scan));
}

#[test]
fn four_eyes_and_a_missing_scan_result() {
    let mut own = by_hand("ana", "v1.4.2", "16:00:00");
    own.gate = Gate::Asking { why: "its scan is late".into() };
    let mut question = approval(2);
    question.asked_at = Some(at("16:12:00"));
    own.approvals.insert(stage(Gate::SCAN), question);
    own.accepts_drift = true;
    assert_snapshot!(shown(own));
}

#[test]
fn going_back_and_restarts() {
    let mut back = baking();
    let why = "orders fail";
    back.legs[0].state =
        LegState::RollingBack { moved: moved("web-staging:42", "web-staging:41", "17:59:00"), is_begun: true, why: why.into() };
    back.legs[1].state = passed("web:16", "web:17", "17:50:10", "17:57:00");
    back.unwind = Some(Unwind { why: why.into(), by: Some("ana".into()), at: at("17:58:00"), scope: Scope::Everything });
    assert_snapshot!("going_back", shown(back));

    let mut restart = detected();
    restart.id = ReleaseId::new(at("17:00:00"), "restart");
    restart.change = Change::Restart { secrets: ["shop/db-Ab12Cd".to_owned()].into(), versions: [].into() };
    (restart.started_by, restart.gate) = (StartedBy::Rotation, Gate::None);
    restart.approvals.clear();
    restart.legs.truncate(1);
    restart.legs[0].state = LegState::Rolling(moved("web-staging:41", "web-staging:41", "17:03:00"));
    assert_snapshot!("a_restart", shown(restart));
}

#[test]
fn what_keeps_it_waiting_stands_under_next() {
    let about_to_begin = || {
        let mut release = scanned();
        release.turn = Some(Turn { stage: stage("staging"), wave: 0, since: at("16:02:00") });
        release
    };
    let next = |view: BookView, frozen: Option<&Frozen>| {
        let whole = play(&Releases::default().and(WEB, [Ok(view)]), None, frozen, false).out;
        let next = whole.split("\nnext\n").nth(1).unwrap().split("\nlog\n").next().unwrap().to_owned();
        format!("{}\n{next}", whole.lines().next().unwrap())
    };
    let view = |told: Option<&str>| BookView { book: Book { told: told.map(str::to_owned), ..in_hand(about_to_begin()) }, pause: None };
    let pause = Pause { scope: "shop".into(), by: "ben".into(), why: "load test".into(), until: at("20:00:00") };
    let over = Pause { until: at("17:00:00"), ..pause.clone() };
    let frozen = Frozen { why: "stock taking".into(), until: at("22:00:00") };
    let mut waiting = in_hand(baking());
    waiting.recheck_at = Some(at("18:01:00"));
    waiting.next = Some(by_hand("ana", "v1.4.3", "17:59:00"));
    let id = waiting.next.as_ref().unwrap().id.to_string();
    let in_turn = play(&Releases::of(WEB, [waiting.clone()]), Some(&id), None, false).out;
    let all = [
        next(view(None), None),
        next(view(Some("other_rollout")), None),
        next(view(Some("would_have:roll_out:x")), None),
        next(view(Some("failed:make_revision:ecs:RegisterTaskDefinition:denied")), None),
        next(view(Some("once:failed:roll_out:ecs:UpdateService:throttled")), None),
        next(view(None), Some(&frozen)),
        next(BookView { pause: Some(pause), ..view(None) }, Some(&frozen)),
        next(BookView { pause: Some(over), ..view(None) }, None),
        next(BookView { book: waiting, pause: None }, None),
        in_turn,
    ];
    assert_snapshot!(all.join("\n----\n"));
}

#[test]
fn a_release_is_named_by_id_tag_or_the_beginning_of_either() {
    let (old, new) = (rolled_back(), by_hand("ana", "v1.4.3", "17:59:00"));
    let (old_id, new_id) = (old.id.to_string(), new.id.to_string());
    let book = Book { active: Some(new), ..all_ended([old]) };
    let found = |named: &str| {
        let played = play(&Releases::of(WEB, [book.clone()]), Some(named), None, true);
        let shown: serde_json::Value = serde_json::from_str(&played.out).unwrap_or_else(|_| panic!("{named}: {}", played.err));
        shown["release"]["id"].as_str().unwrap().to_owned()
    };
    for named in [old_id.as_str(), "20261120t16", "v1.4.2", "4f5c00000012", "sha256:4f5c00000012"] {
        assert_eq!(found(named), old_id, "{named}");
    }
    for named in [new_id.as_str(), "20261120t1759", "v1.4.3"] {
        assert_eq!(found(named), new_id, "{named}");
    }
    let unknown = ["v9", "4f5c", "20261120", "4f5c0000"].map(|named| {
        let played = play(&Releases::of(WEB, [book.clone()]), Some(named), None, false);
        assert_eq!((played.exit, played.out.as_str()), (Exit::Problems, ""));
        format!("{named}: {}", played.err)
    });
    let none = play(&Releases::default(), None, None, false);
    assert_snapshot!(format!("{}none at all: {}", unknown.concat(), none.err));
}

#[test]
fn an_exact_id_is_never_ambiguous_and_the_foremost_is_the_one_in_hand() {
    let (old, new) = (rolled_back(), by_hand("ana", "v1.4.2", "17:59:00"));
    let book = Book { active: Some(new.clone()), ..all_ended([old.clone()]) };
    let id_of = |named: Option<&str>| {
        let shown: serde_json::Value = serde_json::from_str(&play(&Releases::of(WEB, [book.clone()]), named, None, true).out).unwrap();
        shown["release"]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id_of(Some(old.id.as_str())), old.id.as_str());
    assert_eq!(id_of(None), new.id.as_str());
    let both = play(&Releases::of(WEB, [book.clone()]), Some("v1.4.2"), None, false);
    assert!(both.err.contains("may be one of several"), "{}", both.err);
}

#[test]
fn json_says_where_it_stands_and_has_it_whole() {
    let played = play(&Releases::of(WEB, [in_hand(asked())]), None, None, true);
    let shown: serde_json::Value = serde_json::from_str(&played.out).unwrap();
    assert_eq!((shown["state"].as_str(), shown["waits_for_people"].as_bool()), (Some("waiting_for_approval"), Some(true)));
    assert_eq!(shown["release"], serde_json::to_value(asked()).unwrap());
}

#[test]
fn an_answer_that_the_release_has_not_taken_in_yet_is_shown() {
    let ledger = Releases::of(WEB, [in_hand(asked())]);
    let kept = crate::fakes::Kept { answer: Some(answer(Verdict::Approve, "17:59:00", "command line")), wrong: 1 };
    ledger.desk.borrow_mut().insert(format!("{}#production#owner", asked().id), kept);
    let played = play(&ledger, None, None, false);
    assert!(played.out.contains("owner: agreed at 2026-11-20 17:59 UTC (command line)"), "{}", played.out);
    assert!(played.out.contains("\n  the answers about production are there; the next look takes them in\n"), "{}", played.out);
    assert!(!played.out.contains("answer it:"), "{}", played.out);
}
