//! `release approve`: the same judgement as the page's, one answer, five wrong codes, and a poke.

use insta::assert_snapshot;
use nightshift_cli::{AnswerWish, Exit, answer_release};
use nightshift_core::ledger::Pause;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::approve::{About, ApprovalKey, Claims};
use nightshift_core::release::{BookView, EndKind, Gate, Release, Verdict};
use nightshift_core::signal::{ReleaseVerb, Signal, parse};
use serde_json::json;

use super::world::*;
use crate::fakes::{Function, Keys, Releases};
use crate::stage::{Played, Stage, key, wait};

const SECRET: &[u8] = b"a key of more than thirty-two bytes, for tests only";

fn keys() -> Keys {
    Keys(Ok(ApprovalKey::new(SECRET).unwrap()))
}

/// As the mail says it.
fn code(release: &Release, stage: &str, approver: &str) -> String {
    let digest = release.change.image().map(|image| image.digest.clone()).unwrap_or_default();
    let about = About::Release { key: key(WEB), release: release.id.clone(), digest, stage: stage.to_owned() };
    ApprovalKey::new(SECRET).unwrap().code(&Claims::new(about, name(approver), release.approvals[stage].expires_at))
}

struct Asked<'a> {
    approver: &'a str,
    stage: Option<&'a str>,
    named: Option<&'a str>,
    verdict: Verdict,
    region: &'a str,
    function: Option<&'a str>,
}

fn yes(approver: &str) -> Asked<'_> {
    Asked { approver, stage: None, named: None, verdict: Verdict::Approve, region: "us-east-1", function: Some("deploy") }
}

fn deploys() -> Function {
    Function::answering(json!({}))
}

fn play(stage: &Stage, ledger: &Releases, function: &Function, asked: &Asked<'_>) -> Played {
    let (service, approver) = (key(WEB), name(asked.approver));
    let Asked { stage: of, named, verdict, region, function: called, .. } = *asked;
    let wish = AnswerWish { key: &service, named, stage: of, approver: &approver, verdict, region, function: called };
    stage.play(|world| match wait(answer_release(ledger, &keys(), function, &wish, world)) {
        Ok(exit) => exit,
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::WrongUsage
        }
    })
}

fn ledger() -> Releases {
    Releases::of(WEB, [in_hand(asked())])
}

#[test]
fn a_yes_with_the_code_from_the_mail_is_written_once_and_told() {
    let (ledger, function) = (ledger(), deploys());
    let typed = format!("{}\n", code(&asked(), "production", "owner"));
    let played = play(&Stage::new().typing(&typed), &ledger, &function, &yes("owner"));
    assert_snapshot!(played.whole());
    assert_eq!(ledger.written(), ["answer production owner Approve 2026-11-20T18:00:00Z command line"]);
    let called = function.taken.borrow().clone();
    let [(name, input)] = called.as_slice() else { panic!("{called:?}") };
    let Ok(Signal::Release(command)) = parse(input).records.remove(0).result else { panic!("{input}") };
    assert_eq!((name.as_str(), command.by.as_str(), &command.verb), ("deploy", "owner", &ReleaseVerb::Answered));

    let again = play(&Stage::new().typing(&typed), &ledger, &function, &yes("owner"));
    assert_eq!((again.exit, ledger.written().len(), function.taken.borrow().len()), (Exit::Problems, 1, 1));
    assert!(again.err.starts_with("owner approved already (20 Nov 2026, 18:00 UTC). An answer stays"), "{}", again.err);
}

#[test]
fn without_a_terminal_the_code_comes_from_standard_input_and_nothing_prompts() {
    let ledger = ledger();
    let typed = code(&asked(), "production", "owner").replace('-', " ").to_lowercase();
    let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &yes("owner"));
    assert_eq!((played.exit, ledger.written().len()), (Exit::Fine, 1));
    assert!(!played.out.contains("The code from your mail"), "{}", played.out);
}

#[test]
fn a_no_is_an_answer_too() {
    let ledger = ledger();
    let typed = code(&asked(), "production", "ana");
    let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &Asked { verdict: Verdict::Reject, ..yes("ana") });
    assert_eq!(played.exit, Exit::Fine);
    assert_eq!(ledger.written(), ["answer production ana Reject 2026-11-20T18:00:00Z command line"]);
    assert!(played.out.contains("production rejected by ana") && played.out.contains("the release ends here"), "{}", played.out);
}

#[test]
fn five_wrong_codes_lock_the_question_for_that_approver_and_for_nobody_else() {
    let (ledger, function) = (ledger(), deploys());
    let others = code(&asked(), "production", "ana");
    let mut told = String::new();
    for typed in ["AAAA-AAAA", &others, "AAAA-AAAA", "AAAA-AAAA", "AAAA-AAAA", &code(&asked(), "production", "owner")] {
        let played = play(&Stage::new().piping(typed), &ledger, &function, &yes("owner"));
        assert_eq!(played.exit, Exit::Problems);
        told.push_str(&played.err);
    }
    assert_snapshot!(told);
    assert_eq!(ledger.written().iter().filter(|line| line.starts_with("wrong code production owner")).count(), 5);
    assert!(function.taken.borrow().is_empty());
    assert_eq!(play(&Stage::new().piping(&others), &ledger, &function, &yes("ana")).exit, Exit::Fine);
}

#[test]
fn what_is_no_code_uses_up_no_try() {
    for typed in ["", "\n", "yes\n", "AAAA-AAA\n", "AAAA-AAAAA\n", "AAAA-UUUU\n"] {
        let ledger = ledger();
        let played = play(&Stage::new().piping(typed), &ledger, &deploys(), &yes("owner"));
        assert_eq!((played.exit, ledger.written()), (Exit::Problems, Vec::new()), "{typed:?}");
        assert!(played.err.contains("nothing is changed"), "{typed:?}: {}", played.err);
    }
}

#[test]
fn a_code_is_good_for_one_release_one_stage_and_one_mail() {
    let mut other = asked();
    other.id = nightshift_core::release::ReleaseId::from_text("20261120t000000z-4f5c00000012");
    let mut later = asked();
    later.approvals.get_mut("production").unwrap().expires_at = at("22:59:59");
    let mut scan = asked();
    scan.approvals.insert(stage(Gate::SCAN), approval(1));
    for (what, typed) in [
        ("another release", code(&other, "production", "owner")),
        ("another mail", code(&later, "production", "owner")),
        ("another stage", code(&scan, Gate::SCAN, "owner")),
        ("another approver", code(&asked(), "production", "lead")),
    ] {
        let ledger = ledger();
        let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &yes("owner"));
        assert_eq!((played.exit, ledger.written()), (Exit::Problems, vec!["wrong code production owner".to_owned()]), "{what}");
    }
}

#[test]
fn what_is_closed_is_told_before_anybody_types() {
    let mut superseded = asked();
    superseded.end = Some(end(EndKind::Superseded, "v1.4.3 is newer", None, "17:00:00"));
    let mut rejected = asked();
    rejected.approvals.get_mut("production").unwrap().answers.insert(name("ana"), answer(Verdict::Reject, "17:00:00", "page"));
    let mut expired = asked();
    expired.approvals.get_mut("production").unwrap().expires_at = at("17:59:59");
    let mut unasked = asked();
    unasked.approvals.get_mut("production").unwrap().asked_at = None;
    let mut granted = asked();
    granted.approvals.get_mut("production").unwrap().rule.needed = 1;
    let mut own = asked();
    own.started_by = nightshift_core::release::StartedBy::Hand { by: "owner".into() };
    let plays = [
        ("superseded", all_ended([superseded]), Asked { named: Some("v1.4.2"), stage: Some("production"), ..yes("owner") }),
        ("rejected", in_hand(rejected), yes("owner")),
        ("expired", in_hand(expired), yes("owner")),
        ("not asked yet", in_hand(unasked), yes("owner")),
        ("granted", in_hand(granted), yes("owner")),
        ("his own", in_hand(own), yes("owner")),
        ("somebody else", in_hand(asked()), yes("boss")),
        ("answered already", in_hand(asked()), yes("lead")),
        ("nobody is asked", in_hand(baking()), yes("owner")),
        ("ended", all_ended([done()]), Asked { named: Some("v1.4.2"), ..yes("owner") }),
        ("no such stage", in_hand(asked()), Asked { stage: Some("prod"), ..yes("owner") }),
        ("no such release", in_hand(asked()), Asked { named: Some("v7"), ..yes("owner") }),
        ("none in hand", all_ended([done()]), yes("owner")),
        ("another region's", in_hand(asked()), Asked { region: "us-west-2", ..yes("owner") }),
    ];
    let mut told = String::new();
    for (what, book, asked_for) in plays {
        let ledger = Releases::of(WEB, [book]);
        let typed = code(&asked(), "production", "owner");
        let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &asked_for);
        assert_ne!(played.exit, Exit::Fine, "{what}: {}", played.out);
        assert_eq!((ledger.written(), played.out.as_str()), (Vec::new(), ""), "{what}");
        told.push_str(&format!("{what}: {}", played.err));
    }
    assert_snapshot!(told);
}

#[test]
fn with_four_eyes_whoever_started_it_can_still_say_no() {
    let mut own = asked();
    own.started_by = nightshift_core::release::StartedBy::Hand { by: "owner".into() };
    let typed = code(&own, "production", "owner");
    let ledger = Releases::of(WEB, [in_hand(own)]);
    let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &Asked { verdict: Verdict::Reject, ..yes("owner") });
    assert_eq!((played.exit, ledger.written().len()), (Exit::Fine, 1));
}

#[test]
fn what_happened_while_the_code_was_typed_counts() {
    let mut superseded = asked();
    superseded.end = Some(end(EndKind::Superseded, "v1.4.3 is newer", None, "17:59:59"));
    let typed = code(&asked(), "production", "owner");
    // Read for the subject, for the question, and once more after the code was typed.
    let moved_on = Releases::of(WEB, [in_hand(asked()), in_hand(asked()), all_ended([superseded])]);
    let played = play(&Stage::new().typing(&typed), &moved_on, &deploys(), &yes("owner"));
    assert_eq!((played.exit, moved_on.written()), (Exit::Problems, Vec::new()));
    assert!(played.err.contains("was superseded by a newer one"), "{}", played.err);

    // The prompt was left open until the question had expired.
    let late = ledger();
    let played = play(&Stage::new().typing(&typed).after(5 * 60), &late, &deploys(), &yes("owner"));
    assert_eq!((played.exit, late.written()), (Exit::Problems, Vec::new()));
    assert!(played.err.contains("the question stood until 20 Nov 2026, 23:00 UTC"), "{}", played.err);
}

#[test]
fn an_answer_that_the_desk_knows_and_the_book_does_not_yet_counts() {
    let ledger = ledger();
    let typed = code(&asked(), "production", "ana");
    assert_eq!(play(&Stage::new().piping(&typed), &ledger, &deploys(), &yes("ana")).exit, Exit::Fine);
    let typed = code(&asked(), "production", "owner");
    let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &yes("owner"));
    assert!(played.err.starts_with("enough people have agreed: ana, lead."), "{}", played.err);
}

#[test]
fn a_function_that_cannot_be_told_makes_the_answer_no_less() {
    let typed = code(&asked(), "production", "owner");
    let missing = Function::failing(PortErrorKind::NotFound, "Function not found: deploy");
    for (function, asked_for) in [(&missing, yes("owner")), (&deploys(), Asked { function: None, ..yes("owner") })] {
        let ledger = ledger();
        let played = play(&Stage::new().piping(&typed), &ledger, function, &asked_for);
        assert_eq!((played.exit, ledger.written().len()), (Exit::Fine, 1));
        assert!(played.err.ends_with("it looks by itself within five minutes\n"), "{}", played.err);
    }
}

#[test]
fn a_missing_scan_result_is_a_question_like_any_other() {
    let mut late = detected();
    late.gate = Gate::Asking { why: "its scan is late".into() };
    let mut question = approval(1);
    question.asked_at = Some(at("16:12:00"));
    late.approvals.insert(stage(Gate::SCAN), question);
    let typed = code(&late, Gate::SCAN, "lead");
    let pause = Pause { scope: "shop".into(), by: "ben".into(), why: "load test".into(), until: at("20:00:00") };
    let ledger = Releases::default().and(WEB, [Ok(BookView { book: in_hand(late), pause: Some(pause) })]);
    let played = play(&Stage::new().piping(&typed), &ledger, &deploys(), &yes("lead"));
    assert_snapshot!(played.whole());
    assert_eq!(ledger.written(), ["answer scan lead Approve 2026-11-20T18:00:00Z command line"]);
}

#[test]
fn a_key_or_a_ledger_that_cannot_be_read_is_an_error_and_no_closed_question() {
    let (service, approver) = (key(WEB), name("owner"));
    let wish = AnswerWish {
        key: &service,
        named: None,
        stage: None,
        approver: &approver,
        verdict: Verdict::Approve,
        region: "us-east-1",
        function: None,
    };
    let mut told = Vec::new();
    let broken = |kind| Keys(Err(PortError::new(kind, "secretsmanager:GetSecretValue", "as the test wishes")));
    for keys in [broken(PortErrorKind::NotFound), broken(PortErrorKind::Denied), broken(PortErrorKind::Throttled)] {
        let ledger = ledger();
        Stage::new().typing("AAAA-AAAA\n").play(|world| {
            told.push(wait(answer_release(&ledger, &keys, &deploys(), &wish, world)).unwrap_err().to_string());
            Exit::Problems
        });
        assert!(ledger.written().is_empty());
    }
    assert_snapshot!(told.join("\n"));
    // Whatever call on the ledger fails, no answer is written that nobody hears of.
    let typed = code(&asked(), "production", "owner");
    for refused in ["read shop/web", "read answers", "answer production"] {
        let ledger = ledger().refusing(refused, PortErrorKind::Unavailable);
        Stage::new().piping(&typed).play(|world| {
            let error = wait(answer_release(&ledger, &keys(), &deploys(), &wish, world)).unwrap_err();
            assert_eq!(error.downcast::<PortError>().unwrap().kind, PortErrorKind::Unavailable, "{refused}");
            Exit::Problems
        });
        assert!(ledger.desk.borrow().is_empty(), "{refused}");
    }
}
