//! Rotations: what follows on a value, how events are read, and what people are told.

use jiff::Timestamp;
use nightshift_core::fleet::{Fleet, ManagedSecret, SecretKind, SecretName, fleet_from_yaml};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::{
    Deed, DocumentProblem, Done, Ending, Instruction, RotationNotice, SecretPolicy, SecretText, StepEvent, StepName, Stop, Wait, Who,
    base_of, continues, credential, draft, key_of, user_of, with_key,
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

fn every_ending() -> Vec<Ending> {
    let at: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
    let error = || PortError::new(PortErrorKind::Denied, "secretsmanager:GetSecretValue", "not authorized");
    let problem = || DocumentProblem::NotAnObject;
    let done = |done| Ending::Done { done, look_at: None };
    let wait = |wait| Ending::Wait { wait, look_at: at };
    let late = |is_late| Wait::ReadersNotReady { readers: "web waits".into(), is_late };
    let due = |days: i64| Done::KeyDue { due_at: at + jiff::SignedDuration::from_hours(24 * days) };
    vec![
        done(Done::AlreadyCurrent),
        done(Done::ValueMade),
        done(Done::ValueThere),
        done(Done::CredentialSet),
        done(Done::CredentialThere),
        done(Done::NothingToSet),
        done(Done::Tested),
        done(Done::Finished),
        done(Done::HandedOver { gap_seconds: None }),
        done(Done::HandedOver { gap_seconds: Some(94) }),
        done(Done::OldKept),
        done(Done::Adopted),
        done(Done::LeftToSecretsManager),
        done(due(3)),
        done(due(0)),
        done(due(-6)),
        done(due(-7)),
        done(due(-15)),
        done(Done::KeyRefused { why: "HTTP 401".into() }),
        done(Done::Replica),
        done(Done::Quiet),
        wait(Wait::Unavailable { error: error() }),
        wait(Wait::ValueNotReadable),
        wait(Wait::ClusterChanging { status: "modifying".into() }),
        wait(Wait::CredentialRefused { why: "28P01".into() }),
        wait(late(false)),
        wait(late(true)),
        wait(Wait::Paused { until: at }),
        Ending::Stop(Stop::Observe),
        Ending::Stop(Stop::SecretUnknown { secret: "shop/x".into() }),
        Ending::Stop(Stop::SecretMissing),
        Ending::Stop(Stop::SecretDeleted),
        Ending::Stop(Stop::RotationNotEnabled),
        Ending::Stop(Stop::VersionUnknown),
        Ending::Stop(Stop::NotPending),
        Ending::Stop(Stop::PendingDropped { problem: problem() }),
        Ending::Stop(Stop::CurrentUnusable { problem: problem() }),
        Ending::Stop(Stop::ReadersNeverReady { readers: "web waits".into() }),
        Ending::Stop(Stop::LockedOut { tried: "pending, current".into(), why: "28P01".into() }),
        Ending::Stop(Stop::AdminUnusable { why: "28P01".into() }),
        Ending::Stop(Stop::NoEffect { why: "28P01".into() }),
        Ending::Stop(Stop::NeedsAPerson),
        Ending::Stop(Stop::KeyRefused { why: "HTTP 401".into() }),
        Ending::Stop(Stop::Denied { error: error() }),
    ]
}

/// Every way in which a look can end: its code, whether and how it is told, and the words.
#[test]
fn every_ending_has_a_code_and_words() {
    let fleet = fleet();
    let at: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
    let mut text = String::new();
    let mut codes = std::collections::BTreeSet::new();
    for ending in &every_ending() {
        let (name, secret) = fleet.secrets.get_key_value("shop/issued").unwrap();
        let policy = SecretPolicy { system: &fleet.system, name, secret, mode: Mode::Act, is_home: true };
        let notice = RotationNotice { policy, region: "us-east-1", at, ending, done: &[] };
        codes.insert(ending.code());
        text.push_str(&format!("{} [{:?} {:?}] {}\n  {ending}\n", ending.code(), notice.severity(), notice.token(), notice.subject()));
    }
    let known: std::collections::BTreeSet<&str> = Done::CODES.into_iter().chain(Wait::CODES).chain(Stop::CODES).collect();
    assert_eq!(codes, known, "every code that is documented, and no other");
    insta::assert_snapshot!(text);
}

#[test]
fn machines_read_it_too() {
    let fleet = fleet();
    let at: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
    let (name, secret) = fleet.secrets.get_key_value("shop/issued").unwrap();
    let policy = SecretPolicy { system: &fleet.system, name, secret, mode: Mode::Act, is_home: true };
    let done = [Deed::DropPending { version: "new".into() }];
    let mut told = Vec::new();
    for ending in [Ending::Stop(Stop::KeyRefused { why: "HTTP 401".into() }), Ending::Done { done: Done::OldKept, look_at: Some(at) }] {
        let notice = RotationNotice { policy, region: "us-east-1", at, ending: &ending, done: &done };
        let (message, chat) = (notice.message(), notice.chat_message());
        assert!(message.is_per_protocol && !chat.is_per_protocol);
        assert_eq!((&message.subject, &message.attributes), (&chat.subject, &chat.attributes));
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let machine: Value = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
        assert_eq!(body["email"], notice.text().as_str());
        let attributes: std::collections::BTreeMap<_, _> = message.attributes.into_iter().collect();
        told.push(json!({ "machine": machine, "chat": serde_json::from_str::<Value>(&chat.body).unwrap(), "attributes": attributes }));
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&told).unwrap());
}

#[test]
fn every_deed_has_words_of_its_own() {
    let deeds = [
        Deed::PutPending,
        Deed::DropPending { version: "new".into() },
        Deed::SetPassword { via: Who::Current },
        Deed::SetTwin,
        Deed::SetBoth { via: Who::Admin },
        Deed::ChangeCluster,
        Deed::MakeCurrent { from: None, to: "new".into() },
        Deed::WakeReaders,
        Deed::StartReadersAgain,
        Deed::KeepNew { via: Who::Admin },
        Deed::SettleCluster,
    ];
    let words: std::collections::BTreeSet<&str> = deeds.iter().map(Deed::word).collect();
    assert_eq!(words.len(), deeds.len());
    assert!(words.iter().all(|word| word.split(' ').count() > 2), "{words:?}");
}

/// Wrong values, by kind: refused with the field's name, and what follows on what.
#[test]
fn values_that_cannot_be_used() {
    let mut text = String::new();
    let good = json!({ "host": "db", "username": "app", "password": "old", "port": 5432 });
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed[field] = value;
        changed
    };
    let long = "u".repeat(58);
    for (name, value) in [
        ("shop/single", good.clone()),
        ("shop/single", with("port", json!("5432"))),
        ("shop/single", with("port", json!(0))),
        ("shop/single", with("port", json!(70_000))),
        ("shop/single", with("port", json!([]))),
        ("shop/single", with("port", Value::Null)),
        ("shop/single", with("password", json!(""))),
        ("shop/single", with("password", json!(7))),
        ("shop/single", with("username", Value::Null)),
        ("shop/single", with("host", Value::Null)),
        ("shop/redis", json!({ "token": "old" })),
        ("shop/turns", with("username", json!("_clone"))),
        ("shop/turns", with("username", json!(long[..57]))),
        ("shop/turns", with("username", json!(long))),
        ("shop/keys", json!({ "other": "x" })),
        ("shop/issued", json!({ "KEY": "" })),
        ("shop/issued", json!("plain")),
    ] {
        let value = text_of(&value);
        let user = user_of(&kind(name), &value).map_err(|problem| problem.to_string());
        let next =
            draft(&kind(name), &value, &mut dice(1)).and_then(|next| user_of(&kind(name), &next)).map_err(|problem| problem.to_string());
        text.push_str(&format!("{name}: {user:?}; next {next:?}\n"));
    }
    let follows = |name: &str, old: &Value, new: &Value| {
        let answer = continues(&kind(name), &text_of(old), &text_of(new)).map_err(|problem| problem.to_string());
        format!("{name}: {answer:?}\n")
    };
    let next = with("password", json!("new"));
    for changed in [next.clone(), with("host", json!("other")), with("dbname", json!("other")), good.clone()] {
        text.push_str(&follows("shop/single", &good, &changed));
    }
    let mut other = next.clone();
    other["username"] = json!("somebody");
    text.push_str(&follows("shop/single", &good, &other));
    text.push_str(&follows("shop/turns", &good, &next));
    let keys = |signs: &str, next: &str, previous: &str| json!({ "key": signs, "next_key": next, "previous_key": previous });
    for changed in [keys("b", "c", "a"), keys("a", "c", "z"), keys("b", "b", "a"), keys("b", "c", "z"), keys("c", "d", "a")] {
        text.push_str(&follows("shop/keys", &keys("a", "b", "z"), &changed));
    }
    text.push_str(&follows("shop/issued", &json!({ "KEY": "a" }), &json!({ "KEY": "b" })));
    text.push_str(&follows("shop/issued", &json!({ "KEY": "a" }), &json!({ "KEY": "a" })));
    insta::assert_snapshot!(text);
}

/// A token needs no user; a user of a user group does.
#[test]
fn a_user_of_elasticache_has_to_be_named_where_the_fleet_file_names_one() {
    let SecretKind::Elasticache(token) = kind("shop/cache") else { panic!("it is a cluster's") };
    let user = nightshift_core::fleet::Elasticache { user_id: Some("shop-app".into()), ..token.clone() };
    let (token, user) = (SecretKind::Elasticache(token), SecretKind::Elasticache(user));
    let (bare, whole) = (json!({ "password": "old" }), json!({ "username": "app", "password": "old" }));
    let missing = DocumentProblem::Missing { field: "username".into() };
    for (kind, value, expected) in [
        (&token, &bare, Ok(None)),
        (&token, &whole, Ok(Some("app".to_owned()))),
        (&user, &bare, Err(missing)),
        (&user, &whole, Ok(Some("app".to_owned()))),
    ] {
        assert_eq!(user_of(kind, &text(value)), expected, "{value}");
    }
}

#[test]
fn a_key_that_is_the_whole_value_is_not_blank() {
    let SecretKind::Issued(named) = kind("shop/issued") else { panic!("it is issued") };
    let whole = nightshift_core::fleet::Issued { field: None, ..named };
    let key = |text: &str| key_of(&whole, &SecretText::new(text.into())).map(|key| key.reveal().to_owned());
    assert_eq!(key(" k1 ").as_deref(), Ok(" k1 "));
    for blank in ["", "  ", "\n"] {
        let why = "the field the whole value is not what it should be: it is empty";
        assert_eq!(key(blank).unwrap_err().to_string(), why, "{blank:?}");
    }
}

#[test]
fn the_second_of_two_alternating_users_is_made_like_the_first() {
    for (user, base) in [("app", "app"), ("app_clone", "app"), ("app_clone_clone", "app_clone"), ("_clone", "_clone"), ("clone", "clone")] {
        assert_eq!(base_of(user), base);
    }
}

/// 256 is no multiple of 18: the four bytes that are left over would make the first four characters likelier than the rest.
#[test]
fn bytes_that_would_favour_some_characters_are_thrown_away() {
    let mut bytes = [252, 0, 253, 1, 254, 251, 255, 17].into_iter().cycle();
    let mut dice = |wanted: &mut [u8]| wanted.iter_mut().for_each(|byte| *byte = bytes.next().unwrap());
    let single = draft(&kind("shop/single"), &text(&values()[0].1), &mut dice).unwrap();
    let password = credential(&kind("shop/single"), &single, None).unwrap().password;
    assert_eq!(password.reveal(), "ab__".repeat(10));
}

#[test]
fn a_value_is_shown_to_nobody() {
    let value = SecretText::new("hunter2".into());
    assert_eq!((value.to_string(), format!("{value:?}")), ("<secret>".to_owned(), "<secret>".to_owned()));
}

fn text_of(value: &Value) -> SecretText {
    text(value)
}
