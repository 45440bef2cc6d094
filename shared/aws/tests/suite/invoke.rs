//! A function that is waited for: what it returns, what it fails with, and what Lambda itself refuses.

use nightshift_aws::{AwsCaller, FunctionAnswer, Functions};
use nightshift_core::ports::{PortErrorKind, PortResult};
use serde_json::json;

use crate::recorded::{Recorded, kind_of, wait};

const INVOKED: &str = "POST /2015-03-31/functions/nightshift-deploy/invocations";

fn call(recorded: &Recorded) -> PortResult<FunctionAnswer> {
    let functions = Functions::new(AwsCaller::new(&recorded.config()));
    wait(functions.call_now("nightshift-deploy", &json!({ "nightshift": "release" })))
}

#[test]
fn what_a_function_returns_is_handed_on_as_it_is() {
    let recorded = Recorded::default().answer(INVOKED, 200, r#"{"decision":"act","outcomes":[1]}"#);
    assert_eq!(call(&recorded).unwrap(), FunctionAnswer::Returned(json!({ "decision": "act", "outcomes": [1] })));
    let asked = &recorded.asked()[0];
    assert_eq!((asked.header("x-amz-invocation-type"), asked.json()), ("RequestResponse", json!({ "nightshift": "release" })));
}

#[test]
fn a_functions_own_error_comes_with_status_200_and_is_no_answer() {
    let body = r#"{"errorType":"Nightshift.fleet_invalid","errorMessage":"no such field"}"#;
    let recorded = Recorded::default().answer_with(INVOKED, 200, &[("x-amz-function-error", "Unhandled")], body);
    let (code, message) = ("Nightshift.fleet_invalid".to_owned(), "no such field".to_owned());
    assert_eq!(call(&recorded).unwrap(), FunctionAnswer::Failed { code, message });
    let body = r#"{"errorMessage":"2026-11-20T18:00:00Z 1-2-3 Task timed out after 60.00 seconds"}"#;
    let ended = Recorded::default().answer_with(INVOKED, 200, &[("x-amz-function-error", "Unhandled")], body);
    assert!(matches!(call(&ended).unwrap(), FunctionAnswer::Failed { code, message } if code.is_empty() && message.contains("timed out")));
}

#[test]
fn what_lambda_refuses_is_an_error_of_its_kind() {
    let missing = Recorded::default().answer_with(
        INVOKED,
        404,
        &[("x-amzn-errortype", "ResourceNotFoundException")],
        r#"{"Message":"Function not found"}"#,
    );
    assert_eq!(kind_of(call(&missing)), PortErrorKind::NotFound);
    let denied = Recorded::default().answer_with(INVOKED, 403, &[("x-amzn-errortype", "AccessDeniedException")], r#"{"Message":"no"}"#);
    assert_eq!(kind_of(call(&denied)), PortErrorKind::Denied);
    assert_eq!(kind_of(call(&Recorded::default().answer(INVOKED, 200, "cut off"))), PortErrorKind::Unavailable);
}
