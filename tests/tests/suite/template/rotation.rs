//! What the template says about secrets: who may read which, who calls the function that rotates, and what pages a person.

use std::collections::BTreeSet;

use nightshift_tests::project;
use serde_json::{Map, Value, json};

use super::{actions, functions, of_type, read, statements};

/// Values of secrets are read by name: a key of the stack's own, or those that a parameter lists; without the list, none.
#[test]
fn no_role_reads_a_secret_that_nobody_named() {
    let template = read();
    let mut lists = BTreeSet::new();
    for (name, role) in of_type(&template, "AWS::IAM::Role") {
        let policies = role["Policies"].as_array().expect("a role has its policy inline");
        for written in policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().into_iter().flatten()) {
            let condition = written["Fn::If"][0].as_str();
            let statement = if condition.is_some() { &written["Fn::If"][1] } else { written };
            if !actions(statement).iter().any(|action| action == "secretsmanager:GetSecretValue" || action.starts_with("kms:")) {
                continue;
            }
            let named = statement["Resource"]["Ref"].as_str().unwrap_or_else(|| panic!("{name}: {statement} names no single thing"));
            if template["Resources"].get(named).is_none() {
                let condition = condition.unwrap_or_else(|| panic!("{name}: {named} is no list that may be empty"));
                let is_empty = json!([{ "Fn::Join": ["", { "Ref": named }] }, ""]);
                assert_eq!(template["Conditions"][condition]["Fn::Not"][0]["Fn::Equals"], is_empty, "{name}: {condition}");
                lists.insert(named);
            }
        }
    }
    assert_eq!(lists.into_iter().collect::<Vec<_>>(), ["AdminSecretArns", "RotatedSecretArns", "SecretKeyArns"]);
}

#[test]
fn schedules_may_call_every_function_that_arranges_some() {
    let template = read();
    let (_, schedules) = of_type(&template, "AWS::IAM::Role").find(|(name, _)| *name == "ScheduleRole").expect("there is a ScheduleRole");
    let may_call = statements(schedules).into_iter().find(|statement| actions(statement) == ["lambda:InvokeFunction"]);
    let arns = may_call.and_then(|statement| statement["Resource"].as_array()).into_iter().flatten();
    let may_call: BTreeSet<&str> = arns.filter_map(|arn| arn["Fn::Sub"].as_str()).collect();
    let arranges = |function: &Map<String, Value>| function["Environment"]["Variables"].get("NIGHTSHIFT_SCHEDULE_ROLE_ARN").is_some();
    let arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:";
    let called = functions(&template).into_iter().filter(|(_, function)| arranges(function));
    let called: Vec<String> =
        called.map(|(_, function)| format!("{arn}{}", function["FunctionName"]["Fn::Sub"].as_str().unwrap_or("?"))).collect();
    assert_eq!(may_call, called.iter().map(String::as_str).collect::<BTreeSet<_>>());
}

#[test]
fn secrets_manager_of_this_account_may_call_the_function_that_rotates_and_no_other() {
    let template = read();
    let principal = "secretsmanager.amazonaws.com";
    let permissions: Vec<_> =
        of_type(&template, "AWS::Lambda::Permission").filter(|(_, permission)| permission["Principal"] == principal).collect();
    let [(_, permission)] = permissions.as_slice() else { panic!("{} permissions of Secrets Manager's", permissions.len()) };
    assert_eq!(permission["FunctionName"], json!({ "Ref": "RotateFunction" }));
    assert_eq!(permission["SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
}

/// A step that waits is an error on purpose, so that people are paged by the metric that the function writes.
#[test]
fn what_has_stopped_pages_somebody_for_longer_than_a_sweep_takes_to_say_it_again() {
    let template = read();
    let alarms: Vec<_> = of_type(&template, "AWS::CloudWatch::Alarm").filter(|(_, alarm)| alarm["Namespace"] == "Nightshift").collect();
    let [(_, alarm)] = alarms.as_slice() else { panic!("{} alarms on metrics of our own", alarms.len()) };
    assert_eq!(alarm["Dimensions"], json!([{ "Name": "Function", "Value": { "Ref": "RotateFunction" } }]));
    let lines = std::fs::read_to_string(project::root().join("functions/rotate/src/lines.rs")).expect("rotate has its lines.rs");
    let metric = alarm["MetricName"].as_str().expect("an alarm has a metric");
    assert!(lines.contains(&format!("(\"{metric}\", ")), "rotate writes no metric {metric}");
    assert!(lines.contains("embedded_metrics(outcome.at, &[(\"Function\", function)"), "rotate writes none by Function alone");
    let stands = alarm["Period"].as_i64().unwrap_or_default() * alarm["EvaluationPeriods"].as_i64().unwrap_or_default();
    assert!((3_601..=86_400).contains(&stands), "{stands} s: a sweep comes each hour, and CloudWatch looks back a day at most");
    assert_eq!(alarm["DatapointsToAlarm"], 1, "one is enough");
    assert_eq!(alarm["AlarmActions"].as_array().map_or(0, Vec::len), 1, "it tells nobody");
}
