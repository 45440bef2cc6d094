use jiff::Timestamp;
use nightshift_aws::CloudWatch;
use nightshift_core::alarms::MetricQuery;
use nightshift_core::fleet::{Seconds, Statistic};
use nightshift_core::ports::{AlarmReader, PortErrorKind, PortResult};
use nightshift_core::scale::{AlarmNow, MetricValue};
use nightshift_core::signal::AlarmState;
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const ALARMS: &str = "DescribeAlarms";
const DATA: &str = "GetMetricData";

/// 2025-11-20T03:10:00Z, a multiple of 600 seconds.
const NOW: i64 = 1_763_608_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn time(seconds: i64) -> Value {
    json!({ "$time": seconds })
}

fn alarms_now(recorded: &Recorded, names: &[String]) -> PortResult<Vec<AlarmNow>> {
    wait(CloudWatch::new(&recorded.config()).alarms_now(names))
}

fn query(period: u32) -> MetricQuery {
    MetricQuery {
        namespace: "AWS/ECS".into(),
        name: "CPUUtilization".into(),
        dimensions: vec![("ClusterName".into(), "pizza".into())],
        statistic: Statistic::Percentile(950),
        period: Seconds::new(period),
    }
}

fn newest_values(recorded: &Recorded, periods: &[u32], now: i64) -> PortResult<Vec<Option<MetricValue>>> {
    let queries: Vec<MetricQuery> = periods.iter().map(|period| query(*period)).collect();
    wait(CloudWatch::new(&recorded.config()).newest_values(&queries, at(now)))
}

fn result(id: &str, status: &str, points: &[(i64, f64)]) -> Value {
    let times: Vec<Value> = points.iter().map(|(seconds, _)| time(*seconds)).collect();
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    json!({ "Id": id, "Label": "CPUUtilization", "StatusCode": status, "Timestamps": times, "Values": values })
}

fn data(results: Value) -> Value {
    json!({ "MetricDataResults": results, "Messages": [] })
}

#[test]
fn metric_and_composite_alarms_of_every_page() {
    let metric = json!({
        "AlarmName": "cpu", "StateValue": "ALARM", "StateUpdatedTimestamp": time(NOW), "StateTransitionedTimestamp": time(NOW - 60),
    });
    let composite = json!({
        "AlarmName": "both", "StateValue": "OK", "StateUpdatedTimestamp": time(NOW), "ActionsSuppressedBy": "Alarm",
        "ActionsSuppressor": "deploying",
    });
    let recorded =
        Recorded::default().cbor(ALARMS, 200, &json!({ "MetricAlarms": [metric], "CompositeAlarms": [], "NextToken": "more" })).cbor(
            ALARMS,
            200,
            &json!({ "MetricAlarms": [], "CompositeAlarms": [composite, { "AlarmName": "new", "StateValue": "LEARNING" }] }),
        );
    let names = ["cpu", "both", "new", "missing"].map(str::to_owned);
    let alarm = |name: &str, state, since: Option<i64>, by: Option<&str>| AlarmNow {
        name: name.into(),
        state,
        since: since.map(at),
        suppressed_by: by.map(str::to_owned),
    };
    let expected = [
        alarm("cpu", AlarmState::Alarm, Some(NOW - 60), None),
        alarm("both", AlarmState::Ok, Some(NOW), Some("Alarm (deploying)")),
        alarm("new", AlarmState::InsufficientData, None, None),
    ];
    assert_eq!(alarms_now(&recorded, &names).unwrap(), expected);
    let asked = recorded.asked_for(ALARMS);
    assert!(asked[0].body.contains("MetricAlarm") && asked[0].body.contains("CompositeAlarm"), "{}", asked[0].body);
    assert!(asked[1].body.contains("\"more\""), "{}", asked[1].body);
}

#[test]
fn names_go_out_a_hundred_at_a_time() {
    let alarm = |name: &str| json!({ "MetricAlarms": [{ "AlarmName": name, "StateValue": "OK" }] });
    let recorded = Recorded::default().cbor(ALARMS, 200, &alarm("a")).cbor(ALARMS, 200, &alarm("b"));
    let names: Vec<String> = (0..150).map(|number| format!("alarm-{number:03}")).collect();
    assert_eq!(alarms_now(&recorded, &names).unwrap().len(), 2);
    let asked = recorded.asked_for(ALARMS);
    assert!(asked[0].body.contains("alarm-099") && !asked[0].body.contains("alarm-100"));
    assert!(asked[1].body.contains("alarm-100") && asked[1].body.contains("alarm-149"));
    assert_eq!(alarms_now(&Recorded::default(), &[]).unwrap(), []);
}

#[test]
fn a_throttled_read_of_alarms_is_no_empty_answer() {
    let body = json!({ "__type": "com.amazonaws.cloudwatch#ThrottlingException", "message": "Rate exceeded" });
    let recorded = (0..3).fold(Recorded::default(), |recorded, _| recorded.cbor(ALARMS, 400, &body));
    assert_eq!(kind_of(alarms_now(&recorded, &["a".into()])), PortErrorKind::Throttled);
}

#[test]
fn the_newest_whole_period_wins_in_whatever_order_it_comes() {
    let value = |value: f64, end: i64| Some(MetricValue { value, period_end: at(end) });
    let points = [
        result("q0", "Complete", &[(NOW - 180, 10.0), (NOW - 60, 30.0), (NOW - 120, 20.0)]),
        // A period that has begun but not ended is never judged.
        result("q1", "Complete", &[(NOW, 99.0), (NOW - 120, 20.0)]),
        result("q2", "Complete", &[]),
    ];
    let recorded = Recorded::default().cbor(DATA, 200, &data(json!(points)));
    let values = newest_values(&recorded, &[60, 60, 60], NOW + 42).unwrap();
    assert_eq!(values, [value(30.0, NOW), value(20.0, NOW - 60), None]);
}

#[test]
fn one_call_for_each_period_with_a_window_of_whole_periods() {
    let recorded = Recorded::default().cbor(DATA, 200, &data(json!([result("q1", "Complete", &[(NOW - 60, 1.0)])]))).cbor(
        DATA,
        200,
        &data(json!([result("q0", "Complete", &[(NOW - 600, 2.0)])])),
    );
    let values = newest_values(&recorded, &[600, 60], NOW + 99).unwrap();
    assert_eq!(values.iter().flatten().map(|value| value.value).collect::<Vec<_>>(), [2.0, 1.0]);
    let asked = recorded.asked_for(DATA);
    let has = |body: &str, name: &str, seconds: i64| {
        let times =
            [format!("\"{name}\": 1({seconds})"), format!("\"{name}\": 1({seconds}.0)"), format!("\"{name}\": 1({:e})", seconds as f64)];
        assert!(times.iter().any(|time| body.contains(time.as_str())), "{name} {seconds}: {body}");
    };
    has(&asked[0].body, "StartTime", NOW + 60 - 900);
    has(&asked[0].body, "EndTime", NOW + 60);
    has(&asked[1].body, "StartTime", NOW - 1_800);
    has(&asked[1].body, "EndTime", NOW);
    assert!(asked[0].body.contains("\"p95\"") && asked[0].body.contains("\"ClusterName\""), "{}", asked[0].body);
}

#[test]
fn partial_data_is_read_on() {
    let mut first = data(json!([result("q0", "PartialData", &[(NOW - 120, 10.0)])]));
    first["NextToken"] = json!("more");
    let recorded = Recorded::default().cbor(DATA, 200, &first).cbor(
        DATA,
        200,
        &data(json!([result("q0", "Complete", &[(NOW - 60, 20.0), (NOW - 600, 5.0)])])),
    );
    assert_eq!(newest_values(&recorded, &[60], NOW).unwrap()[0].unwrap().value, 20.0);
    assert!(recorded.asked_for(DATA)[1].body.contains("\"more\""));
}

#[test]
fn an_older_page_does_not_replace_a_newer_value() {
    let mut first = data(json!([result("q0", "PartialData", &[(NOW - 60, 20.0)])]));
    first["NextToken"] = json!("more");
    let recorded =
        Recorded::default().cbor(DATA, 200, &first).cbor(DATA, 200, &data(json!([result("q0", "Complete", &[(NOW - 120, 10.0)])])));
    assert_eq!(newest_values(&recorded, &[60], NOW).unwrap()[0].unwrap().value, 20.0);
}

#[test]
fn a_metric_that_could_not_be_read_fails_the_reading() {
    for (status, kind) in [("InternalError", PortErrorKind::Unavailable), ("Forbidden", PortErrorKind::Denied)] {
        let recorded = Recorded::default().cbor(DATA, 200, &data(json!([result("q0", status, &[])])));
        let error = newest_values(&recorded, &[60], NOW).unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.message.starts_with("CPUUtilization: "), "{error}");
    }
}

#[test]
fn more_than_five_hundred_metrics_take_two_calls() {
    let recorded = Recorded::default().cbor(DATA, 200, &data(json!([result("q499", "Complete", &[(NOW - 60, 1.0)])]))).cbor(
        DATA,
        200,
        &data(json!([result("q500", "Complete", &[(NOW - 60, 2.0)])])),
    );
    let values = newest_values(&recorded, &[60; 501], NOW).unwrap();
    assert_eq!((values.len(), values[499].unwrap().value, values[500].unwrap().value), (501, 1.0, 2.0));
    assert_eq!(newest_values(&Recorded::default(), &[], NOW).unwrap(), []);
}

#[test]
fn an_answer_without_any_list_of_alarms_is_an_outage() {
    let recorded = Recorded::default().cbor(ALARMS, 200, &json!({ "services": [] }));
    assert_eq!(kind_of(alarms_now(&recorded, &["a".to_owned()])), PortErrorKind::Unavailable);
}
