//! The rule that brings alarms over EventBridge. A local AWS sends no alarm there, as nobody may put events of `aws.*`;
//! it does tell whether a pattern matches an event, and whether the deployed rule calls the function.

use nightshift_tests::{Deployment, LocalAws, project, template};
use serde_json::{Value, json};

use crate::shop::fleet;

fn pattern() -> Value {
    let template = template::read(&project::root().join("template.yaml"));
    template["Resources"]["ScaleFunction"]["Properties"]["Events"]["AlarmStateChange"]["Properties"]["Pattern"].clone()
}

#[tokio::test]
async fn the_rule_takes_alarms_and_nothing_else_and_calls_the_function() {
    let aws = LocalAws::start();
    let samples = project::root().join("events");
    let mut seen = 0;
    for entry in std::fs::read_dir(samples).expect("the samples are there") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let Ok(event) = serde_json::from_str::<Value>(&std::fs::read_to_string(&path).expect("samples are text")) else { continue };
        if event.get("detail-type").is_none() || event.get("detail").is_none() {
            continue;
        }
        let is_alarm = event["source"] == "aws.cloudwatch" && event["detail-type"] == "CloudWatch Alarm State Change";
        let expected = is_alarm && event["detail"]["state"]["value"] == "ALARM";
        let question = json!({ "EventPattern": pattern().to_string(), "Event": event.to_string() });
        let answer = aws.http().json("events", "AWSEvents.TestEventPattern", &question).expect_done("TestEventPattern").json();
        assert_eq!(answer["Result"], expected, "{name}");
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} samples came over EventBridge");

    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    let rules =
        aws.http().json("events", "AWSEvents.ListRuleNamesByTarget", &json!({ "TargetArn": nightshift.output("ScaleFunctionArn") }));
    let rules = rules.expect_done("ListRuleNamesByTarget").json();
    let names = rules["RuleNames"].as_array().map_or(0, Vec::len);
    assert_eq!(names, 1, "one rule calls the function: {rules}");
}
