//! CodePipeline's questions: mailed once to each approver, shown, answered by enough people, and handed to CodePipeline.

use jiff::SignedDuration;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::{About, Claims, PipelineQuestion, Told};
use nightshift_lambda::HandlerError;
use serde_json::{Value, json};

use crate::fake::*;
use crate::world::{name, now, secret};

const TOKEN: &str = "0f7d3e4a-1111-2222-3333-444455556666";

pub fn asked_by_codepipeline() -> Value {
    let approval = json!({
        "region": "us-east-1",
        "consoleLink": "https://console.aws.amazon.com/codepipeline/home?region=us-east-1#/view/multi-region",
        "approval": {
            "pipelineName": "multi-region", "stageName": "Approve", "actionName": "AskPeople", "token": TOKEN,
            "expires": "2026-11-24T09:00Z", "customData": "Staging is fine. <b>Really</b>.",
            "externalEntityLink": "https://staging.example.com/?a=1&b=2",
        },
    });
    let sns = json!({ "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:111122223333:approvals", "Message": approval.to_string() });
    json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns }] })
}

/// The pipeline of the fleet file has asked ann and bob, both of whom have to agree.
fn asked() -> nightshift_approve::Deps<FakeEstate> {
    let deps = asking();
    assert_eq!(run(&deps, &asked_by_codepipeline()).unwrap()["decision"], "asked");
    deps
}

fn question(deps: &nightshift_approve::Deps<FakeEstate>) -> PipelineQuestion {
    deps.estate.world.borrow().questions.values().find(|question| question.pipeline == "multi-region").unwrap().clone()
}

fn claims(deps: &nightshift_approve::Deps<FakeEstate>, approver: &str) -> Claims {
    let question = question(deps);
    let about = About::Pipeline { system: question.system.clone(), pipeline: question.pipeline.clone(), question: question.id() };
    Claims::new(about, name(approver), question.expires_at)
}

fn open(deps: &nightshift_approve::Deps<FakeEstate>, approver: &str) -> Answered {
    visit(deps, &get(&secret().token(&claims(deps, approver))))
}

fn answer(deps: &nightshift_approve::Deps<FakeEstate>, approver: &str, verdict: &str) -> Answered {
    let claims = claims(deps, approver);
    visit(deps, &post(&secret().token(&claims), &secret().code(&claims), verdict))
}

fn told(deps: &nightshift_approve::Deps<FakeEstate>) -> Vec<(Verdict, String)> {
    deps.estate.world.borrow().pipelines_told.iter().map(|answer| (answer.verdict, answer.summary.clone())).collect()
}

#[test]
fn each_approver_gets_a_link_and_a_code_by_their_own_topic_or_that_of_all() {
    let deps = asked();
    run(
        &deps,
        &serde_json::from_str(&asked_by_codepipeline().to_string().replace("multi-region\\\"", "lone\\\"").replace(TOKEN, "other"))
            .unwrap(),
    )
    .unwrap();
    let world = deps.estate.world.borrow();
    let sent: Vec<String> = world
        .told
        .iter()
        .map(|(topic, message)| {
            let kind = message.attributes.iter().find(|(name, _)| *name == "kind").unwrap();
            format!("{} {} {}", topic.rsplit(':').next().unwrap(), kind.1, message.subject)
        })
        .collect();
    insta::assert_snapshot!(sent.join("\n"));
    drop(world);
    let link = secret().token(&claims(&deps, "ann"));
    let world = deps.estate.world.borrow();
    assert!(world.told[0].1.body.contains(&format!("https://page.lambda-url.us-east-1.on.aws/?t={link}")));
    assert!(world.told.iter().all(|(_, message)| !message.body.contains(TOKEN)), "CodePipeline's token goes to nobody");
}

#[test]
fn the_same_question_again_is_not_mailed_again() {
    let deps = asked();
    assert_eq!(run(&deps, &asked_by_codepipeline()).unwrap()["decision"], "already_asked");
    assert_eq!(deps.estate.world.borrow().told.len(), 4);
}

#[test]
fn a_pipeline_that_no_fleet_file_names_and_one_that_is_over_are_held() {
    let deps = asking();
    let other: Value = serde_json::from_str(&asked_by_codepipeline().to_string().replace("multi-region\\\"", "other\\\"")).unwrap();
    let answer = run(&deps, &other).unwrap();
    assert_eq!((&answer["decision"], &answer["reason"]), (&json!("hold"), &json!("not_ours")), "{answer}");
    deps.estate.now.set(now() + SignedDuration::from_hours(24 * 30));
    assert_eq!(run(&deps, &asked_by_codepipeline()).unwrap()["reason"], "expired");
    assert!(deps.estate.journal.borrow().is_empty());
}

/// Lambda calls again after a failure; in the end everybody has been asked, with the same links.
#[test]
fn a_question_that_failed_half_way_is_finished_by_the_next_try() {
    let calls = asked().estate.journal.borrow().len();
    assert_eq!(calls, 9, "question, store, url, key, four mails, store");
    for at in 0..calls {
        for failure in [Failure::Refused(PortErrorKind::Unavailable), Failure::Refused(PortErrorKind::Denied), Failure::AnswerLost] {
            let deps = asking();
            deps.estate.fail_at.set(Some((at, failure)));
            let error = run(&deps, &asked_by_codepipeline()).unwrap_err();
            let expected = matches!(failure, Failure::Refused(PortErrorKind::Denied));
            assert_eq!(matches!(error, HandlerError::Refused { .. }), expected, "{failure:?} at {at}: {error}");
            deps.estate.fail_at.set(None);
            run(&deps, &asked_by_codepipeline()).unwrap();
            assert!(question(&deps).asked_at.is_some());
            let bodies: std::collections::BTreeSet<String> =
                deps.estate.world.borrow().told.iter().map(|(_, message)| message.body.clone()).collect();
            assert_eq!(bodies.len(), 4, "sent again, a mail says the same");
        }
    }
}

#[test]
fn both_agree_and_codepipeline_is_told_once() {
    let deps = asked();
    let page = open(&deps, "ann");
    assert!(page.has_form() && page.body.contains("Staging is fine. &lt;b&gt;Really&lt;/b&gt;."), "{}", page.body);
    assert!(page.body.contains("<a href=\"https://staging.example.com/?a=1&amp;b=2\" rel=\"noopener noreferrer\">"), "{}", page.body);
    assert!(!page.body.contains(TOKEN));
    let first = answer(&deps, "ann", "approve");
    assert!(first.status == 200 && first.body.contains("one more of 2 has to"), "{}", first.body);
    assert!(told(&deps).is_empty());
    let second = answer(&deps, "bob", "approve");
    assert!(second.status == 200 && second.body.contains("the pipeline goes on"), "{}", second.body);
    assert_eq!(told(&deps), [(Verdict::Approve, "Approved on Nightshift's page by ann, bob".to_owned())]);
    for approver in ["ann", "bob"] {
        assert_eq!((answer(&deps, approver, "approve").status, open(&deps, approver).status), (409, 410));
    }
    assert_eq!(told(&deps).len(), 1);
}

#[test]
fn one_no_ends_it() {
    let deps = asked();
    answer(&deps, "ann", "approve");
    let no = answer(&deps, "bob", "reject");
    assert_eq!((no.status, no.heading()), (200, "It is rejected"));
    assert_eq!(told(&deps), [(Verdict::Reject, "Rejected on Nightshift's page by bob".to_owned())]);
}

#[test]
fn answers_that_come_at_once_are_both_kept() {
    let deps = asked();
    *deps.estate.meanwhile.borrow_mut() = Some(("store_question", |world| {
        for question in world.questions.values_mut() {
            let by_bob = question.clone().answered(&name("bob"), crate::world::answer(Verdict::Approve));
            *question = PipelineQuestion { version: question.version + 1, ..by_bob };
        }
    }));
    assert_eq!(answer(&deps, "ann", "approve").status, 200);
    assert_eq!(question(&deps).answers.len(), 2);
    assert_eq!(told(&deps).len(), 1);
}

#[test]
fn an_answer_that_codepipeline_did_not_hear_is_handed_over_again() {
    for kind in [PortErrorKind::Throttled, PortErrorKind::Unavailable, PortErrorKind::Denied] {
        let deps = asked();
        deps.estate.world.borrow_mut().pipeline_refuses = Some(kind);
        answer(&deps, "ann", "approve");
        let failed = answer(&deps, "bob", "approve");
        assert!(
            failed.status == 503 && failed.has_form() && failed.body.contains("Hand the answer to CodePipeline again"),
            "{}",
            failed.body
        );
        assert_eq!(question(&deps).answers.len(), 2, "what people said is kept");
        assert!(open(&deps, "ann").body.contains("CodePipeline has not heard of it yet"));
        deps.estate.world.borrow_mut().pipeline_refuses = None;
        let again = answer(&deps, "ann", "approve");
        assert!(again.status == 200 && again.body.contains("the pipeline goes on"), "{}", again.body);
        assert_eq!(told(&deps).len(), 1);
        assert_eq!(answer(&deps, "bob", "approve").status, 409);
    }
}

#[test]
fn a_question_that_is_over_in_codepipeline_is_told_as_such() {
    for kind in [PortErrorKind::Conflict, PortErrorKind::NotFound] {
        let deps = asked();
        deps.estate.world.borrow_mut().pipeline_refuses = Some(kind);
        answer(&deps, "ann", "approve");
        let over = answer(&deps, "bob", "approve");
        assert!(over.status == 409 && over.body.contains("CodePipeline waits for no answer any more"), "{}", over.body);
        assert_eq!(question(&deps).told, Some(Told { at: now(), is_taken: false }));
        assert_eq!(open(&deps, "ann").status, 410);
    }
}

#[test]
fn every_call_of_an_answer_fails_in_turn_and_nothing_is_lost_or_told_twice() {
    for at in 0..6 {
        for failure in [Failure::Refused(PortErrorKind::Unavailable), Failure::AnswerLost] {
            let deps = asked();
            answer(&deps, "ann", "approve");
            deps.estate.journal.borrow_mut().clear();
            deps.estate.fail_at.set(Some((at, failure)));
            let first = answer(&deps, "bob", "approve");
            assert!(matches!(first.status, 200 | 503), "{failure:?} at {at}: {}", first.status);
            deps.estate.fail_at.set(None);
            deps.estate.journal.borrow_mut().clear();
            if first.status == 503 {
                // As in CodePipeline: what was answered takes no second answer.
                if !told(&deps).is_empty() {
                    deps.estate.world.borrow_mut().pipeline_refuses = Some(PortErrorKind::Conflict);
                }
                let again = answer(&deps, "bob", "approve");
                assert!(matches!(again.status, 200 | 409), "{failure:?} at {at}: {}", again.status);
            }
            assert_eq!(told(&deps).len(), 1, "{failure:?} at {at}");
            assert_eq!(question(&deps).answers.len(), 2);
        }
    }
}

#[test]
fn wrong_codes_lock_a_link_here_too_and_late_answers_do_not_count() {
    let deps = asked();
    let ann = claims(&deps, "ann");
    let bad = post(&secret().token(&ann), &wrong(&secret().code(&ann)), "approve");
    for _ in 0..4 {
        let tried = visit(&deps, &bad);
        assert_eq!((tried.status, tried.has_form()), (403, true));
    }
    assert_eq!(visit(&deps, &bad).heading(), "This link is locked");
    assert_eq!(answer(&deps, "ann", "approve").heading(), "This link is locked");
    assert_eq!(open(&deps, "bob").status, 200);
    deps.estate.now.set(question(&deps).expires_at);
    assert_eq!(answer(&deps, "bob", "approve").status, 410);
    assert!(question(&deps).answers.is_empty());
}
