//! Our own schedule inputs.

use nightshift_core::signal::{Ignored, RecheckSignal, Signal};
use serde_json::{Value, json};

use super::{only, reason_to_ignore};

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
    for (told, expected) in [(json!(4), 4), (json!("4"), 4), (json!(null), 1), (json!(-2), 1), (json!("soon"), 1), (json!(1e300), u32::MAX)]
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
