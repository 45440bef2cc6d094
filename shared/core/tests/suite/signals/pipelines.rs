//! CodePipeline's question, and its token, which nobody is to see.

use nightshift_core::signal::{PipelineSignal, Signal, parse};
use serde_json::{Value, json};

use super::{only, sample, table};

/// The token of the sample.
pub(super) const TOKEN: &str = "c50d08f9-dae3-45c6-8cc9-cc0fa69a5504";

fn body() -> Value {
    let text = sample("codepipeline-approval-sns.json")["Records"][0]["Sns"]["Message"].take();
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

fn without(name: &str) -> Value {
    let mut body = body();
    body["approval"][name] = json!(null);
    body
}

fn question(event: &Value) -> PipelineSignal {
    match only(event) {
        Ok(Signal::Pipeline(question)) => question,
        other => panic!("expected a question, found {other:?}"),
    }
}

#[test]
fn the_token_is_kept_and_never_shown() {
    let found = question(&sample("codepipeline-approval-sns.json"));
    assert_eq!(found.token, TOKEN);
    let parsed = parse(&sample("codepipeline-approval-sns.json"));
    let signal = Signal::Pipeline(found.clone());
    for shown in [format!("{found:?}"), format!("{found:#?}"), format!("{signal}"), format!("{signal:?}"), format!("{parsed:?}")] {
        assert!(!shown.contains(TOKEN) && shown.contains("multi-region"), "{shown}");
    }
    assert!(format!("{found:?}").contains("***"));
}

#[test]
fn no_reason_shows_the_token() {
    let mut unwrapped = body();
    unwrapped["approvals"] = unwrapped["approval"].take();
    let mut listed = body();
    listed["approval"] = json!([listed["approval"].take()]);
    let as_event = json!({ "detail-type": "Approval", "source": "ours", "detail": body() });
    let events = [without("pipelineName"), without("stageName"), without("actionName"), unwrapped, listed, as_event];
    for event in events {
        assert!(event.to_string().contains(TOKEN), "the event has it");
        let reason = only(&event).expect_err("no question");
        for shown in [reason.to_string(), format!("{reason:?}"), serde_json::to_string(&reason).unwrap()] {
            assert!(!shown.contains(TOKEN), "{shown}");
        }
    }
}

#[test]
fn what_is_optional_may_be_absent_and_what_is_not_is_named() {
    for name in ["expires", "customData", "externalEntityLink"] {
        assert_eq!(question(&without(name)).pipeline, "multi-region", "{name}");
    }
    let mut odd = body();
    odd["approval"]["expires"] = json!("in a week");
    odd["region"] = json!("US East (N. Virginia)");
    assert_eq!((question(&odd).expires, question(&odd).region), (None, None));
    insta::assert_snapshot!(table(&[
        ("no pipeline", without("pipelineName")),
        ("no stage", without("stageName")),
        ("no action", without("actionName")),
        ("no token", without("token")),
        ("an empty approval", json!({ "approval": {} })),
        ("an approval that is text", json!({ "approval": "yes" })),
        ("a pipeline's own event", json!({ "detail-type": "CodePipeline Stage Execution State Change", "source": "aws.codepipeline" })),
    ]));
}
