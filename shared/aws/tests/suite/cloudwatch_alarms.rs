use nightshift_aws::CloudWatch;
use nightshift_core::alarms::{AlarmComparison, AlarmDefinition, AlarmStatistic, MissingData};
use nightshift_core::ports::PortErrorKind;
use serde_json::json;

use super::recorded::{Recorded, kind_of, wait};

fn definition() -> AlarmDefinition {
    AlarmDefinition {
        name: "nightshift-pizza-api-busy".into(),
        description: "CPU above 70 % for 5 minutes: add 1.".into(),
        namespace: "AWS/ECS".into(),
        metric_name: "CPUUtilization".into(),
        dimensions: vec![("ClusterName".into(), "pizza".into()), ("ServiceName".into(), "api".into())],
        statistic: AlarmStatistic::Extended("p95".into()),
        period_seconds: 60,
        evaluation_periods: 5,
        datapoints_to_alarm: 5,
        threshold: 70.5,
        comparison: AlarmComparison::Greater,
        treat_missing_data: MissingData::NotBreaching,
        alarm_actions: vec!["arn:alarms".into()],
        ok_actions: vec!["arn:oks".into()],
        tags: vec![("nightshift:system".into(), "pizza".into())],
    }
}

#[test]
fn everything_that_an_alarm_means_is_put() {
    let recorded = Recorded::default().cbor("PutMetricAlarm", 200, &json!({}));
    wait(CloudWatch::new(&recorded.config()).put_alarm(&definition())).unwrap();
    let body = &recorded.asked()[0].body;
    let parts = [
        "\"AlarmName\": \"nightshift-pizza-api-busy\"",
        "\"AlarmDescription\": \"CPU above 70 % for 5 minutes: add 1.\"",
        "\"ExtendedStatistic\": \"p95\"",
        "\"Period\": 60",
        "\"EvaluationPeriods\": 5",
        "\"DatapointsToAlarm\": 5",
        "\"ComparisonOperator\": \"GreaterThanThreshold\"",
        "\"TreatMissingData\": \"notBreaching\"",
        "\"nightshift:system\"",
        "\"arn:alarms\"",
        "\"arn:oks\"",
        "\"ServiceName\"",
    ];
    for part in parts {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("\"Statistic\""), "{body}");
}

#[test]
fn what_was_put_is_found_as_it_was_put() {
    let alarm = json!({
        "AlarmName": "nightshift-pizza-api-busy", "AlarmDescription": "CPU above 70 % for 5 minutes: add 1.", "Namespace": "AWS/ECS",
        "MetricName": "CPUUtilization", "ExtendedStatistic": "p95", "Period": 60, "EvaluationPeriods": 5, "DatapointsToAlarm": 5,
        "Threshold": 70.5, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        "Dimensions": [{ "Name": "ClusterName", "Value": "pizza" }, { "Name": "ServiceName", "Value": "api" }],
        "AlarmActions": ["arn:alarms"], "OKActions": ["arn:oks"], "StateValue": "OK",
    });
    let bare = json!({
        "AlarmName": "nightshift-by-hand", "Statistic": "Average", "EvaluationPeriods": 3, "Metrics": [{ "Id": "e" }],
        "ComparisonOperator": "LessThanLowerThreshold",
    });
    let recorded = Recorded::default().cbor("DescribeAlarms", 200, &json!({ "MetricAlarms": [alarm], "NextToken": "more" })).cbor(
        "DescribeAlarms",
        200,
        &json!({ "MetricAlarms": [bare] }),
    );
    let found = wait(CloudWatch::new(&recorded.config()).find_alarms("nightshift-")).unwrap();
    assert_eq!(found[0], AlarmDefinition { tags: Vec::new(), ..definition() });
    let other = &found[1];
    assert_eq!((other.namespace.as_str(), other.metric_name.as_str(), other.datapoints_to_alarm), ("", "", 3));
    assert_eq!(other.treat_missing_data, MissingData::Missing);
    assert_eq!(other.comparison, AlarmComparison::Other("LessThanLowerThreshold".into()));
    assert!(recorded.asked()[0].body.contains("\"AlarmNamePrefix\": \"nightshift-\""));
}

#[test]
fn alarms_are_deleted_a_hundred_at_a_time() {
    let recorded = Recorded::default().cbor("DeleteAlarms", 200, &json!({})).cbor("DeleteAlarms", 200, &json!({}));
    let names: Vec<String> = (0..101).map(|number| format!("alarm-{number:03}")).collect();
    wait(CloudWatch::new(&recorded.config()).delete_alarms(&names)).unwrap();
    assert!(recorded.is_used_up());
    assert!(recorded.asked()[1].body.contains("alarm-100"));
}

#[test]
fn a_refused_put_names_what_is_missing() {
    let body =
        json!({ "__type": "com.amazonaws.cloudwatch#AccessDenied", "message": "not authorized to perform: cloudwatch:PutMetricAlarm" });
    let recorded = Recorded::default().cbor("PutMetricAlarm", 403, &body);
    assert_eq!(kind_of(wait(CloudWatch::new(&recorded.config()).put_alarm(&definition()))), PortErrorKind::Denied);
}
