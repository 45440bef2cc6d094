//! What approvals need of AWS: the signing key, a function called without waiting, CodePipeline's answer, its question in
//! the ledger.

use jiff::Timestamp;
use nightshift_aws::{ApprovalSecret, AwsCaller, DynamoLedger, Functions, Keep, Pipelines};
use nightshift_core::fleet::{ApprovalRule, Approver, Seconds};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::ports::{FunctionCaller, KeyReader, PageAddress, PipelineAnswerer, PipelineDesk};
use nightshift_core::release::approve::{PipelineAnswer, PipelineQuestion};
use nightshift_core::signal::PipelineSignal;
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const TOKEN: &str = "0f7d3e4a-1111-2222-3333-444455556666";
const INVOKED: &str = "POST /2015-03-31/functions/nightshift-deploy/invocations";
const URL: &str = "GET /2021-10-31/functions/nightshift-approve/url";

fn caller(recorded: &Recorded) -> AwsCaller {
    AwsCaller::new(&recorded.config())
}

fn key(recorded: &Recorded) -> ApprovalSecret {
    ApprovalSecret::new(caller(recorded), "nightshift/approval-key")
}

fn secret(text: &str) -> Value {
    json!({ "ARN": "arn", "Name": "nightshift/approval-key", "VersionId": "1", "SecretString": text, "VersionStages": ["AWSCURRENT"] })
}

fn question() -> PipelineQuestion {
    let signal = PipelineSignal {
        region: Some("eu-west-1".into()),
        pipeline: "web".into(),
        stage: "Approve".into(),
        action: "Ask".into(),
        token: TOKEN.into(),
        expires: None,
        custom_data: Some("Look at staging.".into()),
        external_link: None,
    };
    let by = vec![Approver { name: "ann".to_owned().try_into().unwrap(), topic: None }];
    let rule = ApprovalRule { by, needed: 1, expires: Seconds::new(3_600) };
    let now: Timestamp = "2026-11-20T21:00:00Z".parse().unwrap();
    PipelineQuestion { version: 3, ..PipelineQuestion::new(&signal, &"shop".to_owned().try_into().unwrap(), &rule, now) }
}

fn answer_pipeline(recorded: &Recorded, verdict: Verdict) -> PortResult<()> {
    let answer = PipelineAnswer { verdict, summary: "Approved on Nightshift's page by ann".into() };
    wait(Pipelines::new(caller(recorded)).answer_pipeline(&question(), &answer))
}

#[test]
fn the_key_is_read_once_and_kept() {
    let recorded = Recorded::default().json("GetSecretValue", secret("0123456789abcdef0123456789abcdef"));
    let keys = key(&recorded);
    let (first, second) = (wait(keys.approval_key()).unwrap(), wait(keys.approval_key()).unwrap());
    assert_eq!(recorded.asked_for("GetSecretValue").len(), 1);
    assert_eq!(recorded.asked()[0].json(), json!({ "SecretId": "nightshift/approval-key" }));
    let claims = nightshift_core::release::approve::Claims::new(
        nightshift_core::release::approve::About::Pipeline {
            system: "shop".to_owned().try_into().unwrap(),
            pipeline: "web".into(),
            question: "q".into(),
        },
        "ann".to_owned().try_into().unwrap(),
        Timestamp::from_second(1_800_000_000).unwrap(),
    );
    assert_eq!(first.token(&claims), second.token(&claims));
}

#[test]
fn a_key_that_is_missing_or_weak_is_refused_with_words_and_never_shown() {
    let weak = Recorded::default().json("GetSecretValue", secret("hunter2"));
    let error = wait(key(&weak).approval_key()).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Denied);
    assert!(error.message.contains("at least 32") && !error.to_string().contains("hunter2"), "{error}");
    let binary = Recorded::default().json("GetSecretValue", json!({ "ARN": "arn", "SecretBinary": "aHVudGVyMg==" }));
    assert!(wait(key(&binary).approval_key()).unwrap_err().message.contains("holds no text"));
    let missing = Recorded::default().json_error("GetSecretValue", "ResourceNotFoundException", "Secrets Manager can't find it.");
    assert_eq!(kind_of(wait(key(&missing).approval_key())), PortErrorKind::NotFound);
}

/// A failure must not be kept: the next request tries again.
#[test]
fn a_key_that_could_not_be_read_is_asked_for_again() {
    let recorded = Recorded::default()
        .json_error("GetSecretValue", "AccessDeniedException", "no")
        .json("GetSecretValue", secret("0123456789abcdef0123456789abcdef"));
    let keys = key(&recorded);
    assert_eq!(kind_of(wait(keys.approval_key())), PortErrorKind::Denied);
    assert!(wait(keys.approval_key()).is_ok());
    assert!(!format!("{keys:?}").contains("0123456789abcdef"));
}

#[test]
fn a_function_is_called_without_waiting() {
    let recorded = Recorded::default().answer(INVOKED, 202, "");
    let event = json!({ "nightshift": "release" });
    wait(Functions::new(caller(&recorded)).call_later("nightshift-deploy", &event)).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!((asked.header("x-amz-invocation-type"), asked.json()), ("Event", event));
}

#[test]
fn a_call_that_was_not_taken_is_an_error() {
    let call = |recorded: Recorded| wait(Functions::new(caller(&recorded)).call_later("nightshift-deploy", &json!({})));
    assert_eq!(kind_of(call(Recorded::default().answer(INVOKED, 200, "{}"))), PortErrorKind::Unavailable);
    let body = r#"{"Type":"User","Message":"Function not found: nightshift-deploy"}"#;
    let missing = Recorded::default().answer_with(INVOKED, 404, &[("x-amzn-errortype", "ResourceNotFoundException")], body);
    assert_eq!(kind_of(call(missing)), PortErrorKind::NotFound);
}

#[test]
fn a_functions_url_is_told() {
    let url = "https://abc.lambda-url.us-east-1.on.aws/";
    let recorded = Recorded::default().answer(URL, 200, json!({ "FunctionUrl": url, "AuthType": "NONE" }).to_string());
    assert_eq!(wait(Functions::new(caller(&recorded)).page_url("nightshift-approve")).unwrap(), url);
    let unsaid = Recorded::default().answer(URL, 200, "{}");
    assert_eq!(kind_of(wait(Functions::new(caller(&unsaid)).page_url("nightshift-approve"))), PortErrorKind::Unavailable);
}

#[test]
fn codepipeline_is_answered_in_the_questions_region() {
    for (verdict, status) in [(Verdict::Approve, "Approved"), (Verdict::Reject, "Rejected")] {
        let recorded = Recorded::default().json("PutApprovalResult", json!({ "approvedAt": 1_795_208_400 }));
        answer_pipeline(&recorded, verdict).unwrap();
        let asked = &recorded.asked()[0];
        assert!(asked.url.contains("codepipeline.eu-west-1.amazonaws.com"), "{}", asked.url);
        assert_eq!(asked.header("x-amz-target"), "CodePipeline_20150709.PutApprovalResult");
        let expected = json!({
            "pipelineName": "web", "stageName": "Approve", "actionName": "Ask", "token": TOKEN,
            "result": { "status": status, "summary": "Approved on Nightshift's page by ann" },
        });
        assert_eq!(asked.json(), expected);
    }
}

#[test]
fn a_question_that_is_over_is_a_conflict_and_its_token_is_told_to_nobody() {
    for (code, kind) in [
        ("ApprovalAlreadyCompletedException", PortErrorKind::Conflict),
        ("InvalidApprovalTokenException", PortErrorKind::Conflict),
        ("PipelineNotFoundException", PortErrorKind::NotFound),
        ("ActionNotFoundException", PortErrorKind::NotFound),
        ("ValidationException", PortErrorKind::Denied),
    ] {
        let words = format!("1 validation error: value '{TOKEN}' at 'token' is wrong");
        let recorded = Recorded::default().json_error("PutApprovalResult", code, &words);
        let error: PortError = answer_pipeline(&recorded, Verdict::Approve).unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        assert!(!error.to_string().contains(&TOKEN[..13]), "{error}");
        assert!(error.message.contains(code), "{error}");
    }
}

#[test]
fn a_question_is_kept_and_read_again() {
    let recorded = Recorded::default().json("PutItem", json!({}));
    let ledger = DynamoLedger::new(&recorded.config(), "ledger", Keep::default());
    wait(ledger.store_question(2, &question())).unwrap();
    let asked = recorded.asked()[0].json();
    assert_eq!((&asked["Item"]["pk"]["S"], &asked["Item"]["sk"]["S"]), (&json!("pipeline#web"), &json!(question().id())));
    assert_eq!(asked["ExpressionAttributeValues"][":seen"]["N"], "2");
    // Forgotten some time after it has ended, not after it was written.
    let expires: i64 = asked["Item"]["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    assert_eq!(expires, question().expires_at.as_second() + 90 * 86_400);

    let items = json!({ "Responses": { "ledger": [asked["Item"]] }, "UnprocessedKeys": {} });
    let recorded = Recorded::default().json("BatchGetItem", items);
    let ledger = DynamoLedger::new(&recorded.config(), "ledger", Keep::default());
    assert_eq!(wait(ledger.question("web", &question().id())).unwrap(), Some(question()));
    assert_eq!(recorded.asked()[0].json()["RequestItems"]["ledger"]["ConsistentRead"], true);
}

#[test]
fn no_question_a_damaged_one_and_one_that_another_wrote() {
    let answered =
        |items: Value| Recorded::default().json("BatchGetItem", json!({ "Responses": { "ledger": items }, "UnprocessedKeys": {} }));
    let read = |recorded: Recorded| wait(DynamoLedger::new(&recorded.config(), "ledger", Keep::default()).question("web", "id"));
    assert_eq!(read(answered(json!([]))).unwrap(), None);
    let damaged = json!([{ "pk": { "S": "pipeline#web" }, "sk": { "S": "id" }, "version": { "N": "1" }, "question": { "S": format!("{{\"token\":\"{TOKEN}\"}}") } }]);
    let error = read(answered(damaged)).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Denied);
    assert!(!error.to_string().contains(TOKEN), "{error}");
    let recorded = Recorded::default().json_error("PutItem", "ConditionalCheckFailedException", "The conditional request failed");
    let stored = wait(DynamoLedger::new(&recorded.config(), "ledger", Keep::default()).store_question(0, &question()));
    assert_eq!(kind_of(stored), PortErrorKind::Conflict);
    assert_eq!(recorded.asked()[0].json()["ConditionExpression"], "attribute_not_exists(pk)");
}
