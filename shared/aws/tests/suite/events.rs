use nightshift_aws::{AwsCaller, RegionBuses};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::Neighbours;
use nightshift_core::release::{LogLine, Report};
use nightshift_core::signal::{Signal, parse};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};
use super::releases::release;

const PUT: &str = "PutEvents";

fn report() -> Report {
    Report { system: "shop".into(), service: "web".into(), region: "us-east-1".into(), release: release("r2") }
}

fn tell(recorded: &Recorded, report: &Report) -> PortResult<()> {
    wait(RegionBuses::new(AwsCaller::new(&recorded.config())).tell("us-west-2", report))
}

fn taken() -> Recorded {
    Recorded::default().json(PUT, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] }))
}

fn told(recorded: &Recorded) -> Value {
    let entry = recorded.asked()[0].json()["Entries"][0].clone();
    serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap()
}

#[test]
fn a_report_goes_to_the_other_regions_default_bus_and_is_read_as_it_was_sent() {
    let recorded = taken();
    tell(&recorded, &report()).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!(asked.url, "https://events.us-west-2.amazonaws.com/");
    assert!(asked.header("authorization").contains("/us-west-2/events/"));
    let entry = asked.json()["Entries"][0].clone();
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("nightshift"), &json!("Nightshift Release Report")));
    assert!(entry.get("EventBusName").is_none());
    let event = json!({ "source": "nightshift", "detail-type": entry["DetailType"], "detail": told(&recorded) });
    let parsed = parse(&event);
    let Some(Signal::Report(read)) = parsed.signals().next() else { panic!("{parsed:?}") };
    assert_eq!(**read, report());
}

#[test]
fn an_entry_that_was_refused_was_not_delivered() {
    let refused = |code: &str| {
        Recorded::default().json(PUT, json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": code, "ErrorMessage": "no" }] }))
    };
    for (code, kind) in [
        ("ThrottlingException", PortErrorKind::Throttled),
        ("InternalFailure", PortErrorKind::Unavailable),
        ("AccessDeniedException", PortErrorKind::Denied),
        ("NotAuthorizedForSourceException", PortErrorKind::Denied),
    ] {
        let error = tell(&refused(code), &report()).unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        assert!(error.message.contains("us-west-2") && error.message.contains(code), "{error}");
    }
    for unclear in [
        json!({}),
        json!({ "FailedEntryCount": 0 }),
        json!({ "Entries": [{ "EventId": "e" }] }),
        json!({ "FailedEntryCount": 0, "Entries": [] }),
    ] {
        assert_eq!(kind_of(tell(&Recorded::default().json(PUT, unclear), &report())), PortErrorKind::Unavailable);
    }
    let half = json!({ "FailedEntryCount": 1, "Entries": [{ "EventId": "e" }] });
    assert!(tell(&Recorded::default().json(PUT, half), &report()).is_err());
}

#[test]
fn a_report_that_is_too_large_goes_without_its_log() {
    let with_log = |bytes: usize| {
        let line = LogLine { at: "2026-11-20T20:00:05Z".parse().unwrap(), region: "us-east-1".into(), text: "x".repeat(bytes) };
        let mut report = report();
        report.release.log = vec![line];
        report
    };
    let recorded = taken();
    tell(&recorded, &with_log(200_000)).unwrap();
    assert_eq!(told(&recorded)["report"]["release"]["log"].as_array().unwrap().len(), 1);
    let recorded = taken();
    tell(&recorded, &with_log(300_000)).unwrap();
    assert_eq!(told(&recorded)["report"]["release"]["log"].as_array().unwrap().len(), 0);
    let mut endless = report();
    endless.release.legs[0].alarms = vec!["x".repeat(300_000)];
    let error = tell(&Recorded::default(), &endless).unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("256 KB"), "{error}");
}
