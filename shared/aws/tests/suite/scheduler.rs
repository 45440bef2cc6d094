use jiff::Timestamp;
use nightshift_aws::OneTimeSchedules;
use nightshift_core::ports::{PortErrorKind, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::signal::{Signal, parse};
use serde_json::{Value, json};

use super::recorded::{Recorded, key, kind_of, wait};

const FUNCTION: &str = "arn:aws:lambda:us-east-1:1:function:scale";

fn request() -> RecheckRequest {
    RecheckRequest {
        key: key("pizza", "api"),
        at: "2026-11-20T03:10:00.2Z".parse().unwrap(),
        attempt: 2,
        because: "cooldown".into(),
        token: "plan-7".into(),
    }
}

fn schedule(recorded: &Recorded) -> PortResult<()> {
    wait(OneTimeSchedules::new(&recorded.config(), "nightshift", "arn:aws:iam::1:role/recheck").schedule(&request(), FUNCTION))
}

#[test]
fn one_time_in_its_group_and_gone_afterwards() {
    let recorded = Recorded::default().json("CreateSchedule", json!({ "ScheduleArn": "arn:s" }));
    schedule(&recorded).unwrap();
    let asked = &recorded.asked()[0];
    let name = asked.path.strip_prefix("/schedules/").unwrap();
    assert!(name.starts_with("pizza-api-") && name.len() <= 64, "{name}");
    let mut body = asked.json();
    let input: Value = serde_json::from_str(body["Target"]["Input"].as_str().unwrap()).unwrap();
    body["Target"].as_object_mut().unwrap().remove("Input");
    let expected = json!({
        "ActionAfterCompletion": "DELETE",
        "ClientToken": name,
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "GroupName": "nightshift",
        "ScheduleExpression": "at(2026-11-20T03:10:01)",
        "ScheduleExpressionTimezone": "UTC",
        "Target": {
            "Arn": FUNCTION,
            "RoleArn": "arn:aws:iam::1:role/recheck",
            "RetryPolicy": { "MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3 },
        },
    });
    assert_eq!(body, expected);
    let parsed = parse(&input);
    let Some(Signal::Recheck(recheck)) = parsed.signals().next() else { panic!("{input}") };
    assert_eq!((recheck.system.as_str(), recheck.service.as_str(), recheck.attempt), ("pizza", "api", 2));
    assert_eq!(recheck.due, Some("2026-11-20T03:10:01Z".parse::<Timestamp>().unwrap()));
}

#[test]
fn the_same_look_twice_is_a_conflict() {
    let recorded = Recorded::default().answer("CreateSchedule", 409, "{\"__type\":\"ConflictException\",\"Message\":\"exists\"}");
    assert_eq!(kind_of(schedule(&recorded)), PortErrorKind::Conflict);
}

#[test]
fn a_missing_group_is_not_found() {
    let recorded = Recorded::default().answer("CreateSchedule", 404, "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"no group\"}");
    assert_eq!(kind_of(schedule(&recorded)), PortErrorKind::NotFound);
}
