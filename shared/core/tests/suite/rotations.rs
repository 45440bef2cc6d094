//! Rotations: what follows on a value, how events are read, and what people are told.

use jiff::Timestamp;
use nightshift_core::fleet::{Fleet, ManagedSecret, SecretKind, SecretName, fleet_from_yaml};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::{
    Deed, Done, Ending, Instruction, RotationNotice, SecretPolicy, SecretText, StepEvent, StepName, Stop, Wait, Who, continues, credential,
    draft, user_of, with_key,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const FLEET: &str = "
version: 1
system: shop
regions: [us-east-1]
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
secrets:
  shop/single: { postgresql: { users: single, password: { length: 40, characters: abcdefghijklmnop-_ } } }
  shop/turns: { postgresql: { users: alternating, admin_secret: shop/admin } }
  shop/redis: { redis: { fields: { password: token } } }
  shop/cache: { elasticache: { replication_group: shop } }
  shop/keys: { keys: { field: key, encoding: hex, bytes: 32 } }
  shop/issued: { issued: { field: KEY, max_age: 90d, how: 'Make a new key at the issuer; revoke the old one.' } }
";

fn fleet() -> Fleet {
    fleet_from_yaml("fleet.yaml", FLEET).unwrap()
}

fn kind(name: &str) -> SecretKind {
    fleet().secrets[name].kind.clone()
}

/// A value of each kind that rotates by itself, with a field that nobody here knows.
fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("shop/single", json!({ "host": "db", "username": "app", "password": "old", "port": "5433", "more": { "x": [1] } })),
        ("shop/turns", json!({ "host": "db", "username": "app", "password": "old", "dbname": "shop", "more": null })),
        ("shop/redis", json!({ "host": "cache", "token": "old", "more": true })),
        ("shop/cache", json!({ "password": "old", "more": 1 })),
        ("shop/keys", json!({ "key": "old", "more": "x" })),
    ]
}

fn text(value: &Value) -> SecretText {
    SecretText::new(value.to_string())
}

fn dice(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut state = seed;
    move |bytes| {
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = u8::try_from(state >> 56).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn each_draft_follows_on_the_value_before_and_on_no_other(seed in any::<u64>(), rounds in 1_usize..6) {
        for (name, first) in values() {
            let kind = kind(name);
            let mut dice = dice(seed);
            let mut current = text(&first);
            for _ in 0..rounds {
                let next = draft(&kind, &current, &mut dice).unwrap();
                prop_assert!(continues(&kind, &current, &next).is_ok(), "{name}");
                prop_assert!(continues(&kind, &next, &next).is_err(), "{name}: the same value is no next one");
                prop_assert!(user_of(&kind, &next).is_ok());
                let (old, new): (Value, Value) = (serde_json::from_str(current.reveal()).unwrap(), serde_json::from_str(next.reveal()).unwrap());
                prop_assert_eq!(&old["more"], &new["more"]);
                prop_assert_eq!(&old["host"], &new["host"]);
                current = next;
            }
        }
    }

    #[test]
    fn alternating_users_alternate_and_passwords_keep_to_their_rule(seed in any::<u64>()) {
        let mut dice = dice(seed);
        let mut current = text(&values()[1].1);
        for round in 0..4 {
            current = draft(&kind("shop/turns"), &current, &mut dice).unwrap();
            let user = user_of(&kind("shop/turns"), &current).unwrap();
            prop_assert_eq!(user.as_deref(), Some(if round % 2 == 0 { "app_clone" } else { "app" }));
        }
        let single = draft(&kind("shop/single"), &text(&values()[0].1), &mut dice).unwrap();
        let password = credential(&kind("shop/single"), &single, None).unwrap().password;
        prop_assert_eq!(password.reveal().len(), 40);
        prop_assert!(password.reveal().chars().all(|letter| "abcdefghijklmnop-_".contains(letter)));
    }

    /// Whatever stands in a secret: it is read or refused, and what is said of it has nothing of it.
    #[test]
    fn problems_name_fields_and_never_values(canary in "[A-Z]{12}", shape in 0_u8..7) {
        let value = match shape {
            0 => canary.clone(),
            1 => json!([canary]).to_string(),
            2 => json!({ "username": canary }).to_string(),
            3 => json!({ "host": "db", "username": "app", "password": { "x": canary } }).to_string(),
            4 => json!({ "host": "db", "username": "app", "password": "", "port": canary }).to_string(),
            5 => json!({ "host": "db", "username": "app", "password": canary, "port": 99_999 }).to_string(),
            _ => format!("{{\"password\":\"{canary}\""),
        };
        for name in ["shop/single", "shop/turns", "shop/redis", "shop/cache", "shop/keys", "shop/issued"] {
            let value = SecretText::new(value.clone());
            let mut said = format!("{value:?} {value}");
            said.push_str(&format!("{:?}", user_of(&kind(name), &value).map(|_| ())));
            said.push_str(&format!("{:?}", draft(&kind(name), &value, &mut dice(1))));
            said.push_str(&format!("{:?}", continues(&kind(name), &value, &value)));
            if let Err(problem) = credential(&kind(name), &value, None) {
                said.push_str(&format!("{problem} {problem:?}"));
            }
            prop_assert!(!said.contains(&canary), "{name}: {said}");
        }
    }

    #[test]
    fn any_event_is_a_step_or_is_not_and_nothing_panics(step in ".{0,20}", secret in ".{0,20}", token in ".{0,20}") {
        let event = json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token });
        if let Ok(read) = StepEvent::read(&event) {
            prop_assert!(!read.secret.is_empty() && !read.token.is_empty());
        }
        prop_assert!(Instruction::read(&event).is_none());
    }
}

#[test]
fn steps_are_read_in_both_spellings() {
    for step in StepName::ALL {
        let snake: String =
            step.as_str().chars().flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect();
        for name in [step.as_str(), &snake] {
            let event = json!({ "Step": name, "SecretId": "arn", "ClientRequestToken": "t", "RotationToken": "r", "new": 1 });
            let read = StepEvent::read(&event).unwrap();
            assert_eq!((read.step, read.rotation_token.as_deref()), (step, Some("r")), "{name}");
        }
    }
}

#[test]
fn instructions_are_read_as_they_are_written() {
    let look = |is_asked| Instruction::Look { system: "shop".into(), secret: "shop/a".into(), is_asked };
    for instruction in [Instruction::Sweep, look(false), look(true)] {
        assert_eq!(Instruction::read(&instruction.to_input()), Some(instruction));
    }
}

#[test]
fn a_key_handed_in_by_a_person_leaves_the_other_fields() {
    let SecretKind::Issued(issued) = kind("shop/issued") else { panic!("it is issued") };
    let value = with_key(&issued, &text(&json!({ "KEY": "old", "MODE": "production" })), &SecretText::new("new".into())).unwrap();
    assert_eq!(serde_json::from_str::<Value>(value.reveal()).unwrap(), json!({ "KEY": "new", "MODE": "production" }));
}

#[test]
fn people_read_what_happened_and_what_to_do() {
    let fleet = fleet();
    let at: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
    let error = PortError::new(PortErrorKind::Denied, "secretsmanager:GetSecretValue", "not authorized");
    let wait = Wait::ReadersNotReady { readers: "web not healthy (tasks stop)".into(), is_late: true };
    let cases = [
        ("shop/single", Ending::Done { done: Done::HandedOver { gap_seconds: Some(94) }, look_at: None }, vec![]),
        (
            "shop/redis",
            Ending::Done { done: Done::HandedOver { gap_seconds: None }, look_at: None },
            vec![Deed::KeepNew { via: Who::Admin }],
        ),
        ("shop/turns", Ending::Wait { wait: wait.clone(), look_at: at }, vec![]),
        ("shop/single", Ending::Wait { wait, look_at: at }, vec![]),
        ("shop/issued", Ending::Done { done: Done::KeyDue { due_at: "2026-12-01T00:00:00Z".parse().unwrap() }, look_at: None }, vec![]),
        ("shop/issued", Ending::Done { done: Done::HandedOver { gap_seconds: None }, look_at: None }, vec![]),
        ("shop/issued", Ending::Done { done: Done::KeyRefused { why: "HTTP 401".into() }, look_at: None }, vec![]),
        ("shop/single", Ending::Stop(Stop::LockedOut { tried: "pending, current, previous".into(), why: "28P01".into() }), vec![]),
        ("shop/keys", Ending::Stop(Stop::Denied { error }), vec![Deed::PutPending]),
    ];
    let mut told = String::new();
    for (name, ending, done) in &cases {
        let (name, secret): (&SecretName, &ManagedSecret) = fleet.secrets.get_key_value(*name).unwrap();
        let policy = SecretPolicy { system: &fleet.system, name, secret, mode: Mode::Act, is_home: true };
        let notice = RotationNotice { policy, region: "us-east-1", at, ending, done };
        assert!(notice.token().is_some(), "{ending:?}");
        assert!(notice.subject().len() <= 100 && notice.subject().is_ascii());
        told.push_str(&format!("[{:?}] {}\n{}\n\n", notice.severity(), notice.subject(), notice.text()));
    }
    insta::assert_snapshot!(told);
}
