//! Our own schedule inputs.

use nightshift_core::signal::{FrontEndSignal, Ignored, RecheckSignal, ReleaseCommand, ReleaseVerb, SecretSignal, Signal};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{only, reason_to_ignore, sample, table};

#[test]
fn what_we_schedule_is_what_we_read() {
    let recheck = RecheckSignal {
        system: "stateless".into(),
        service: "web".into(),
        attempt: 3,
        due: "2025-11-04T03:15:09.250Z".parse().ok(),
        because: Some("still in ALARM".into()),
    };
    let input = recheck.to_input();
    for event in [input.clone(), Value::from(input.to_string()), json!({ "detail-type": "Tick", "detail": input })] {
        assert_eq!(only(&event), Ok(Signal::Recheck(recheck.clone())), "{event}");
    }
    assert_eq!(only(&Signal::calendar_input()), Ok(Signal::CalendarTick));
}

#[test]
fn a_recheck_counts_from_one_and_says_what_it_lacks() {
    let attempt = |told: Value| match only(&json!({ "nightshift": "recheck", "system": "s", "service": "v", "attempt": told })) {
        Ok(Signal::Recheck(it)) => it.attempt,
        other => panic!("{other:?}"),
    };
    for (told, expected) in
        [(json!(4), 4), (json!("4"), 4), (json!(null), 1), (json!(-2), 1), (json!("soon"), 1), (json!(1e300), 1_000_000)]
    {
        assert_eq!(attempt(told.clone()), expected, "{told}");
    }
    assert_eq!(
        reason_to_ignore(&json!({ "nightshift": "recheck", "system": "stateless", "service": " " })),
        Ignored::IncompleteRecheck { missing: "service".into() }
    );
    assert_eq!(reason_to_ignore(&json!({ "nightshift": "dance" })), Ignored::UnknownInstruction { word: "dance".into() });
    assert_eq!(reason_to_ignore(&json!({ "nightshift": { "a": 1 } })).code(), "unknown_instruction");
}

#[test]
fn looks_are_told_apart_by_when_they_were_due() {
    let key = |told: Value| match only(&json!({ "nightshift": "recheck", "system": "s", "service": "v", "attempt": 1, "due": told })) {
        Ok(Signal::Recheck(it)) => it.key(),
        other => panic!("{other:?}"),
    };
    assert_eq!(key(json!("2025-11-04T03:15:09Z")), "recheck/s/v/2025-11-04T03:15:09.000Z");
    assert_eq!(key(json!("2025-11-04T03:15:09+0000")), key(json!("2025-11-04T03:15:09Z")));
    assert_ne!(key(json!("2025-11-04T03:15:09Z")), key(json!("2025-11-05T03:15:09Z")), "attempt 1 of two nights");
    assert_eq!(key(json!("soon")), "recheck/s/v/by-hand:1");
}

/// A text that says something: what is blank counts as left out.
fn any_text() -> impl Strategy<Value = String> {
    ".{0,20}[!-~é☃].{0,20}"
}

fn any_time() -> impl Strategy<Value = Option<jiff::Timestamp>> {
    // To the millisecond, between 2009 and 2100.
    let millisecond = 1_230_768_000_000_i64..4_102_444_800_000;
    prop::option::of(millisecond.prop_map(|at| jiff::Timestamp::from_millisecond(at).unwrap()))
}

fn any_verb() -> impl Strategy<Value = ReleaseVerb> {
    let ended = || (prop::option::of(any_text()), any_text());
    prop_oneof![
        (any_text(), any::<bool>(), any::<bool>()).prop_map(|(image, accepts_drift, only_here)| ReleaseVerb::Deploy {
            image,
            accepts_drift,
            only_here
        }),
        ended().prop_map(|(release, why)| ReleaseVerb::Abort { release, why }),
        ended().prop_map(|(release, why)| ReleaseVerb::Rollback { release, why }),
        Just(ReleaseVerb::Answered),
    ]
}

/// As a schedule's input, as text, as an event of a bus, as a stored signal.
fn every_way(input: &Value, signal: &Signal) -> [Signal; 4] {
    let event = json!({ "detail-type": "Nightshift", "source": "nightshift", "region": "us-west-2", "detail": input });
    let read = |event: &Value| only(event).unwrap_or_else(|ignored| panic!("{ignored} in {event}"));
    let stored = serde_json::to_string(signal).unwrap();
    [read(input), read(&Value::from(input.to_string())), read(&event), serde_json::from_str(&stored).unwrap()]
}

proptest! {
    #[test]
    fn any_command_is_read_as_it_was_sent(system in any_text(), service in any_text(), by in any_text(), at in any_time(), verb in any_verb()) {
        let sent = ReleaseCommand { system, service, by, at, verb };
        let signal = Signal::Release(sent.clone());
        for read in every_way(&sent.to_input(), &signal) {
            prop_assert_eq!(&read, &signal);
        }
    }

    #[test]
    fn any_look_at_a_front_end_is_read_as_it_was_arranged(system in any_text(), front_end in any_text(), due in any_time()) {
        let sent = FrontEndSignal { system, front_end, due };
        let signal = Signal::FrontEnd(sent.clone());
        for read in every_way(&sent.to_input(), &signal) {
            prop_assert_eq!(&read, &signal);
        }
    }

    #[test]
    fn any_rotation_is_read_as_it_was_told(
        name in any_text(), version in prop::option::of("[!-~]{32,64}"), at in any_time(), region in prop::option::of(Just("eu-west-1".to_owned()))
    ) {
        let sent = SecretSignal { region, secret: name, version, at };
        let signal = Signal::Secret(sent.clone());
        for read in every_way(&sent.to_input(), &signal) {
            prop_assert_eq!(&read, &signal);
        }
    }
}

#[test]
fn a_command_written_by_hand_may_leave_out_what_is_usual() {
    let deploy = json!({ "nightshift": "release", "system": "pizza", "service": "api", "by": "on-call", "verb": "deploy", "image": "v2",
        "accepts_drift": null, "note": "unknown fields do no harm" });
    let Ok(Signal::Release(found)) = only(&deploy) else { panic!("{deploy}") };
    assert_eq!((found.at, found.verb), (None, ReleaseVerb::Deploy { image: "v2".into(), accepts_drift: false, only_here: false }));
}

#[test]
fn our_own_inputs_say_what_they_lack() {
    let release = |name: &str, value: Value| {
        let mut input = sample("release-deploy.json");
        input[name] = value;
        input
    };
    let ended =
        |verb: &str| json!({ "nightshift": "release", "system": "pizza", "service": "api", "by": "on-call", "verb": verb, "release": 7 });
    insta::assert_snapshot!(table(&[
        ("nothing", json!({ "nightshift": "release" })),
        ("no service", release("service", json!(""))),
        ("nobody", release("by", json!(null))),
        ("no verb", release("verb", json!(null))),
        ("an unknown verb", release("verb", json!("explode"))),
        ("no image", release("image", json!(" "))),
        ("perhaps", release("only_here", json!("perhaps"))),
        ("an abort without a reason", ended("abort")),
        ("a roll back without a reason", ended("rollback")),
        ("an answer", ended("answered")),
        ("a front end without a name", json!({ "nightshift": "front_end", "system": "pizza" })),
        ("a re-check of nothing", json!({ "nightshift": "recheck" })),
        ("an unknown word", json!({ "nightshift": "dance" })),
    ]));
}
