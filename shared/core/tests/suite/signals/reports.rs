//! Another region's report: what is sent is what is read, for every state that a leg can have.

use nightshift_core::release::{LegState, Move, Report};
use nightshift_core::signal::{Signal, report_detail};
use serde_json::{Value, json};

use super::{only, sample, table};

fn report(event: &Value) -> Report {
    match only(event) {
        Ok(Signal::Report(report)) => *report,
        other => panic!("expected a report, found {other:?}"),
    }
}

#[test]
fn the_sample_is_what_we_send() {
    let event = sample("region-report.json");
    let sent = report_detail(&report(&event));
    assert_eq!(event["detail"], sent, "write this into the detail of events/region-report.json:\n{sent:#}");
}

#[test]
fn every_state_of_a_leg_survives_the_way() {
    let at = "2025-11-19T09:26:00Z".parse().unwrap();
    let why = || "because".to_owned();
    let moved = || Move { from: "web:41".into(), to: "web:42".into(), handle: Some("ecs-svc/1".into()), since: at };
    let states = [
        LegState::Waiting,
        LegState::Preparing { from: "web:41".into(), since: at },
        LegState::Starting(moved()),
        LegState::Rolling(Move { handle: None, ..moved() }),
        LegState::Baking { moved: moved(), until: at },
        LegState::Passed { moved: moved(), at },
        LegState::AlreadyThere { running: "web:42".into(), at },
        LegState::RollingBack { moved: moved(), is_begun: true, why: why() },
        LegState::RolledBack { moved: moved(), at, why: why() },
        LegState::Failed { at, why: why() },
        LegState::Skipped { at, why: why() },
    ];
    for state in states {
        let mut sent = report(&sample("region-report.json"));
        sent.release.legs[1].state = state;
        let detail = report_detail(&sent);
        let bare_text = Value::from(detail.to_string());
        let mut inner_text = detail.clone();
        inner_text["report"] = Value::from(detail["report"].to_string());
        for event in [detail.clone(), bare_text, inner_text, json!({ "detail-type": "Any", "detail": detail })] {
            assert_eq!(report(&event), sent, "{event}");
        }
    }
}

#[test]
fn a_report_that_is_none_says_what_is_wrong() {
    let with = |change: fn(&mut Value)| {
        let mut detail = sample("region-report.json")["detail"].take();
        change(&mut detail["report"]);
        detail
    };
    insta::assert_snapshot!(table(&[
        ("nothing", json!({ "nightshift": "report" })),
        ("a number", json!({ "nightshift": "report", "report": 7 })),
        ("a sentence", json!({ "nightshift": "report", "report": "all is well" })),
        ("no release", with(|report| report["release"] = json!(null))),
        ("no legs", with(|report| drop(report["release"].as_object_mut().unwrap().remove("legs")))),
        ("a state of next year", with(|report| report["release"]["legs"][0]["state"]["state"] = json!("resting"))),
        ("a time that cannot be read", with(|report| report["release"]["detected_at"] = json!("yesterday"))),
    ]));
}
