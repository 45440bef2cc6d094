//! The contract with Secrets Manager: each kind's first and tenth rotation, each step repeated, resumed and out of place.

use jiff::SignedDuration;
use nightshift_core::ledger::Pause;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::StepName;
use serde_json::{Value, json};

use crate::aws::arn;
use crate::town::*;

const ROTATED: [&str; 6] = [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS];

/// A rotation and its hand-over, with what ElastiCache needs of looks in between.
pub async fn all_the_way(town: &mut FakeTown, name: &str) {
    let token = town.rotate(name).await.unwrap_or_else(|code| panic!("{name}: {code}"));
    town.check(name, name).await;
    assert!(town.memory().woken.contains(&(arn(name), token)), "{name}: the readers were not told");
    town.pass_minutes(2);
    assert_eq!(town.look(name).await.code(), "readers_not_ready", "{name}");
    town.readers_become(name, true);
    town.pass_minutes(2);
    assert_eq!(town.look(name).await.code(), "handed_over", "{name}");
    town.check(name, name).await;
}

#[tokio::test(start_paused = true)]
async fn every_kind_rotates_ten_times_and_hands_over_each_time() {
    for name in ROTATED {
        let mut town = FakeTown::new();
        let first = town.value(name, "AWSCURRENT").unwrap();
        town.held.insert(name.to_owned(), first.clone());
        let mut values = vec![first];
        for _ in 0..10 {
            all_the_way(&mut town, name).await;
            let value = town.value(name, "AWSCURRENT").unwrap();
            assert!(!values.contains(&value), "{name}: an old value came back");
            values.push(value);
            // The readers' next restart is days off, and nothing is to be done until then.
            town.pass_minutes(60 * 24 * 30);
            assert_eq!(town.look(name).await.code(), "quiet", "{name}");
        }
        let told = town.memory().told.len();
        assert_eq!(told, 10, "{name}: one message a rotation");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_old_dies_only_when_the_readers_do_without_it() {
    for name in [REDIS, TOKEN, USER] {
        let mut town = FakeTown::new();
        let old = town.value(name, "AWSCURRENT").unwrap();
        town.rotate(name).await.unwrap();
        assert!(town.is_good(name, &old).await, "{name}: both are good during the hand-over");
        for _ in 0..30 {
            town.pass_minutes(10);
            assert_eq!(town.look(name).await.code(), "readers_not_ready");
            assert!(town.is_good(name, &old).await, "{name}");
        }
        town.readers_become(name, true);
        town.look(name).await;
        assert!(!town.is_good(name, &old).await, "{name}: the old one is still good");
    }
}

#[tokio::test(start_paused = true)]
async fn alternating_users_keep_the_readers_user_as_it_is() {
    let mut town = FakeTown::new();
    let old = town.value(TURNS, "AWSCURRENT").unwrap();
    all_the_way(&mut town, TURNS).await;
    assert_eq!(town.current(TURNS)["username"], "turns_clone");
    assert!(town.is_good(TURNS, &old).await, "the first user keeps its password until the next rotation");
    all_the_way(&mut town, TURNS).await;
    assert_eq!(town.current(TURNS)["username"], "turns");
    assert!(!town.is_good(TURNS, &old).await);
}

#[tokio::test(start_paused = true)]
async fn the_other_fields_of_a_secret_stay() {
    let mut town = FakeTown::new();
    town.rotate(SINGLE).await.unwrap();
    let value = town.current(SINGLE);
    assert_eq!((&value["host"], &value["note"], &value["ssl"]), (&json!("db.example"), &json!(7), &json!(false)));
    assert_eq!(value["password"].as_str().map(str::len), Some(32));
}

/// Two readers of neighbouring versions accept what the other signs.
#[tokio::test(start_paused = true)]
async fn neighbouring_versions_of_keys_understand_each_other() {
    let mut town = FakeTown::new();
    let mut before = town.current(KEYS);
    let accepts = |reader: &Value, key: &Value| ["key", "next_key", "previous_key"].iter().any(|field| reader[field] == *key);
    for round in 0..6 {
        all_the_way(&mut town, KEYS).await;
        let after = town.current(KEYS);
        assert!(accepts(&after, &before["key"]), "{round}: a new reader refuses what an old one signs");
        assert!(accepts(&before, &after["key"]), "{round}: an old reader refuses what a new one signs");
        assert_eq!(after["key"] == before["key"], round == 0, "the first rotation only publishes the next key");
        before = after;
        town.pass_minutes(60);
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_may_be_repeated_at_any_time() {
    for name in ROTATED {
        let mut town = FakeTown::new();
        let token = town.begin(name).unwrap();
        for (number, step) in StepName::ALL.into_iter().enumerate() {
            for again in StepName::ALL.into_iter().take(number).chain([step, step, step]) {
                assert!(town.step(name, &token, again).await.is_done(), "{name}: {again} during {step}");
                town.check(name, name).await;
            }
        }
        let value = town.value(name, "AWSCURRENT");
        for step in StepName::ALL {
            assert!(town.step(name, &token, step).await.is_done(), "{name}: {step} after the end");
        }
        assert_eq!(town.value(name, "AWSCURRENT"), value, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_spellings_of_the_steps_are_read_and_the_rotation_token_is_passed_on() {
    let mut town = FakeTown::new();
    let token = town.begin(SINGLE).unwrap();
    for step in ["create_secret", "set_secret", "test_secret", "finish_secret"] {
        let event = json!({ "Step": step, "SecretId": arn(SINGLE), "ClientRequestToken": token, "RotationToken": "from-afar" });
        assert!(town.invoke(&event).await.is_done(), "{step}");
    }
    assert_eq!(town.memory().rotation_tokens, [Some("from-afar".to_owned())]);
    town.pass_minutes(5);
    town.readers_become(SINGLE, true);
    town.rotate(SINGLE).await.unwrap();
    assert_eq!(town.memory().rotation_tokens, [Some("from-afar".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_step_is_refused_and_never_taken_for_success() {
    let mut town = FakeTown::new();
    let token = town.begin(SINGLE).unwrap();
    let cases = [
        (json!({ "Step": "dropSecret", "SecretId": arn(SINGLE), "ClientRequestToken": token }), "step_unreadable"),
        (json!({ "Step": "setSecret", "SecretId": "", "ClientRequestToken": token }), "step_unreadable"),
        (json!({ "Step": "setSecret", "SecretId": arn(SINGLE) }), "step_unreadable"),
        (json!({ "Step": "setSecret", "SecretId": arn("shop/nobody"), "ClientRequestToken": token }), "secret_unknown"),
        (json!({ "Step": "setSecret", "SecretId": arn(SINGLE), "ClientRequestToken": "another" }), "version_unknown"),
    ];
    for (event, code) in cases {
        let came = town.invoke(&event).await;
        assert!(!came.is_done() && came.code() == code, "{event}: {came:?}");
    }
    let ignored = town.invoke(&json!({ "source": "aws.ecs" })).await;
    assert!(ignored.is_done() && ignored.code() == "not_for_rotate", "{ignored:?}");
    assert!(town.memory().secrets[SINGLE].versions[&token].value.is_none());
}

#[tokio::test(start_paused = true)]
async fn steps_for_a_version_that_is_not_being_made_are_refused() {
    let mut town = FakeTown::new();
    let token = town.begin(SINGLE).unwrap();
    town.memory().secrets.get_mut(SINGLE).unwrap().versions.get_mut(&token).unwrap().stages = ["OLD".to_owned()].into();
    assert_eq!(town.step(SINGLE, &token, StepName::Create).await.code(), "not_pending");
    let token = town.begin(SINGLE).unwrap();
    town.memory().secrets.get_mut(SINGLE).unwrap().enabled = false;
    assert_eq!(town.step(SINGLE, &token, StepName::Create).await.code(), "rotation_not_enabled");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_show_yet_is_read_again_within_the_time_that_is_left() {
    for lag in [1, 3, 5] {
        let mut town = FakeTown::new();
        town.memory().secrets.get_mut(SINGLE).unwrap().lag = lag;
        town.rotate(SINGLE).await.unwrap_or_else(|code| panic!("lag {lag}: {code}"));
    }
    let mut town = FakeTown::new();
    town.memory().secrets.get_mut(SINGLE).unwrap().lag = 1_000;
    assert_eq!(town.rotate(SINGLE).await, Err("value_not_readable".into()));
    assert!(town.memory().looks.iter().any(|(name, _)| name == SINGLE), "it comes back");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_rotation_is_carried_to_its_end_and_never_stuck() {
    for name in ROTATED {
        for steps in 0..4 {
            let mut town = FakeTown::new();
            let token = town.begin(name).unwrap();
            for step in StepName::ALL.into_iter().take(steps) {
                town.step(name, &token, step).await;
            }
            assert!(town.begin(name).is_err(), "as on AWS, no other can begin");
            // A rotation that began just now is Secrets Manager's.
            town.sweep().await;
            assert!(town.is_unfinished(name), "{name} after {steps} steps");
            town.pass_minutes(60);
            town.sweep().await;
            assert!(!town.is_unfinished(name), "{name} after {steps} steps: stuck");
            assert_eq!(town.memory().secrets[name].staged("AWSCURRENT").unwrap().0, &token, "{name}");
            town.check(name, name).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_that_cannot_be_used_is_given_up_deliberately() {
    let wrong = [
        "no json".to_owned(),
        json!({ "username": "single" }).to_string(),
        json!({ "host": "elsewhere.example", "username": "single", "password": "x", "dbname": "shop" }).to_string(),
    ];
    for value in wrong {
        let mut town = FakeTown::new();
        let token = town.begin(SINGLE).unwrap();
        town.memory().secrets.get_mut(SINGLE).unwrap().versions.get_mut(&token).unwrap().value = Some(value.clone());
        assert_eq!(town.step(SINGLE, &token, StepName::Create).await.code(), "pending_dropped", "{value}");
        assert!(!town.is_unfinished(SINGLE), "{value}");
        town.check(SINGLE, &value).await;
        town.rotate(SINGLE).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_current_version_changed_by_hand_while_another_was_made() {
    // A person set another password and stored it, between create and set.
    let mut town = FakeTown::new();
    let token = town.begin(SINGLE).unwrap();
    town.step(SINGLE, &token, StepName::Create).await;
    let by_hand = json!({ "host": "db.example", "username": "single", "password": "by-hand", "dbname": "shop" }).to_string();
    town.memory().secrets.get_mut(SINGLE).unwrap().versions.get_mut("v0").unwrap().value = Some(by_hand);
    town.deps.estate.postgresql.server.users.borrow_mut().insert("single".into(), "by-hand".into());
    for step in [StepName::Set, StepName::Test, StepName::Finish] {
        assert!(town.step(SINGLE, &token, step).await.is_done());
    }
    town.check(SINGLE, "by hand").await;
}

#[tokio::test(start_paused = true)]
async fn the_database_may_hold_the_pending_the_current_or_the_previous_password() {
    for held in ["AWSPENDING", "AWSCURRENT", "AWSPREVIOUS"] {
        let mut town = FakeTown::new();
        all_the_way(&mut town, SINGLE).await;
        let token = town.begin(SINGLE).unwrap();
        town.step(SINGLE, &token, StepName::Create).await;
        let value: Value = serde_json::from_str(&town.value(SINGLE, held).unwrap()).unwrap();
        let password = value["password"].as_str().unwrap().to_owned();
        town.deps.estate.postgresql.server.users.borrow_mut().insert("single".into(), password);
        for step in [StepName::Set, StepName::Test, StepName::Finish] {
            assert!(town.step(SINGLE, &token, step).await.is_done(), "{held}: {step}");
        }
        assert!(town.is_good(SINGLE, &town.value(SINGLE, "AWSCURRENT").unwrap()).await, "{held}");
    }
}

#[tokio::test(start_paused = true)]
async fn locked_out_a_person_is_told_once_and_mends_it_and_it_goes_on() {
    let mut town = FakeTown::new();
    town.deps.estate.postgresql.server.users.borrow_mut().insert("single".into(), "nobody knows".into());
    assert_eq!(town.rotate(SINGLE).await, Err("locked_out".into()));
    for _ in 0..5 {
        town.pass_minutes(60);
        town.sweep().await;
    }
    let told: Vec<String> = town.memory().told.iter().map(|message| message.subject.clone()).collect();
    assert_eq!(told, ["shop/single: LOCKED OUT: no password is good"]);
    let password = town.current(SINGLE)["password"].as_str().unwrap().to_owned();
    town.deps.estate.postgresql.server.users.borrow_mut().insert("single".into(), password);
    town.pass_minutes(60);
    town.sweep().await;
    assert!(!town.is_unfinished(SINGLE));
    assert!(town.is_good(SINGLE, &town.value(SINGLE, "AWSCURRENT").unwrap()).await);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_waits_for_the_readers_of_the_last_one() {
    for name in [TURNS, KEYS, REDIS] {
        let mut town = FakeTown::new();
        town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
        town.rotate(name).await.unwrap();
        let token = town.begin(name).unwrap();
        assert_eq!(town.step(name, &token, StepName::Create).await.code(), "readers_not_ready", "{name}");
        town.check(name, name).await;
        town.readers_become(name, true);
        town.pass_minutes(2);
        // Its own look goes on.
        town.look(name).await;
        assert!(!town.is_unfinished(name), "{name}");
        assert_eq!(town.memory().secrets[name].staged("AWSCURRENT").unwrap().0, &token, "{name}");
        town.check(name, name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn readers_that_never_get_healthy_keep_their_credential_and_are_told_of() {
    for name in [TURNS, REDIS, TOKEN] {
        let mut town = FakeTown::new();
        town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
        town.rotate(name).await.unwrap();
        town.readers_become(name, false);
        for _ in 0..30 {
            town.pass_minutes(60);
            assert_eq!(town.look(name).await.code(), "readers_not_ready");
            town.check(name, name).await;
        }
        assert_eq!(town.memory().told.len(), 1, "{name}: told once");
        let text = town.memory().told[0].body.clone();
        assert!(text.contains("The old credential still works"), "{text}");
        // A further rotation would shut them out: it is given up after a day, and nothing is stuck.
        let token = town.begin(name).unwrap();
        assert_eq!(town.step(name, &token, StepName::Create).await.code(), "readers_never_ready");
        assert!(!town.is_unfinished(name), "{name}");
        town.check(name, name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_twenty_minutes_is_waited_for_by_coming_back() {
    for name in [TOKEN, USER] {
        let mut town = FakeTown::new();
        town.memory().clusters.values_mut().for_each(|cluster| cluster.takes = 10);
        assert_eq!(town.rotate(name).await, Err("cluster_changing".into()), "{name}");
        let mut looks = 0;
        while town.is_unfinished(name) {
            town.pass_minutes(2);
            town.look(name).await;
            town.check(name, name).await;
            looks += 1;
            assert!(looks < 20, "{name}: it never ends");
        }
        assert!(looks >= 9, "{name}: {looks}");
        assert!(town.memory().told.is_empty(), "{name}: nobody is woken for it");
    }
}

#[tokio::test(start_paused = true)]
async fn in_observe_nothing_is_changed_and_no_step_counts_as_done() {
    let mut town = FakeTown::new();
    town.deps.config.mode = Mode::Observe;
    let before = town.value(SINGLE, "AWSCURRENT");
    assert_eq!(town.rotate(SINGLE).await, Err("observe".into()));
    town.pass_minutes(60);
    town.sweep().await;
    assert_eq!(town.value(SINGLE, "AWSCURRENT"), before);
    assert!(town.value(SINGLE, "AWSPENDING").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pause_keeps_rotations_from_beginning_and_lets_begun_ones_end() {
    let mut town = FakeTown::new();
    let begun = town.begin(SINGLE).unwrap();
    town.step(SINGLE, &begun, StepName::Create).await;
    let until = town.now() + SignedDuration::from_hours(2);
    town.memory().pause = Some(Pause { scope: "all".into(), by: "me".into(), why: "test".into(), until });
    for step in [StepName::Set, StepName::Test, StepName::Finish] {
        assert!(town.step(SINGLE, &begun, step).await.is_done());
    }
    let token = town.begin(TURNS).unwrap();
    assert_eq!(town.step(TURNS, &token, StepName::Create).await.code(), "paused");
    town.pass_minutes(121);
    town.look(TURNS).await;
    assert!(!town.is_unfinished(TURNS));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_issued_elsewhere_is_watched_and_handed_over() {
    let mut town = FakeTown::new();
    assert_eq!(town.look(ISSUED).await.code(), "adopted");
    assert_eq!(town.look(ISSUED).await.code(), "quiet");
    town.pass_minutes(60 * 24 * 77);
    assert_eq!(town.look(ISSUED).await.code(), "key_due");
    town.look(ISSUED).await;
    assert_eq!(town.memory().told.len(), 1, "told once");
    assert!(town.memory().told[0].body.contains("Ask the issuer."));
    town.pass_minutes(60 * 24 * 20);
    town.look(ISSUED).await;
    assert_eq!(town.memory().told.len(), 2, "and again when it is too old");
    // A wrong key is refused by its issuer and given up; the current one stays.
    for (key, code) in [("mistyped", "new_key_refused"), ("issued-second", "readers_not_ready")] {
        let token = town.begin(ISSUED).unwrap();
        let value = json!({ "KEY": key, "MODE": "production" }).to_string();
        town.memory().secrets.get_mut(ISSUED).unwrap().versions.get_mut(&token).unwrap().value = Some(value);
        town.memory().good_keys.insert("issued-second".into());
        assert_eq!(town.look(ISSUED).await.code(), code, "{key}");
        assert!(!town.is_unfinished(ISSUED), "{key}");
    }
    assert_eq!(town.current(ISSUED)["KEY"], "issued-second");
    town.readers_become(ISSUED, true);
    town.pass_minutes(2);
    assert_eq!(town.look(ISSUED).await.code(), "handed_over");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_an_issued_key_needs_a_person_and_is_not_stuck() {
    let mut town = FakeTown::new();
    assert_eq!(town.rotate(ISSUED).await, Err("needs_a_person".into()));
    assert!(!town.is_unfinished(ISSUED));
}

#[tokio::test(start_paused = true)]
async fn two_at_once_make_one_value() {
    for name in ROTATED {
        let mut town = FakeTown::new();
        let token = town.begin(name).unwrap();
        for step in StepName::ALL {
            let (one, other) = tokio::join!(town.step(name, &token, step), town.step(name, &token, step));
            assert!(one.is_done() || other.is_done(), "{name}: {step}: {one:?} {other:?}");
            town.check(name, name).await;
        }
        town.sweep().await;
        assert!(!town.is_unfinished(name), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_step_without_the_others_makes_nothing_current() {
    for name in ROTATED {
        let mut town = FakeTown::new();
        let token = town.begin(name).unwrap();
        for step in [StepName::Set, StepName::Test, StepName::Finish] {
            assert_eq!(town.step(name, &token, step).await.code(), "value_not_readable", "{name}: {step}");
        }
        assert!(town.is_unfinished(name), "{name}");
        town.check(name, name).await;
    }
}

/// Secrets Manager tries a schedule that does not begin at once with testSecret alone, on a version with the current value.
#[tokio::test(start_paused = true)]
async fn a_trial_with_the_current_value_passes_the_test_and_changes_nothing() {
    for name in ROTATED {
        let mut town = FakeTown::new();
        let token = town.begin(name).unwrap();
        let value = town.value(name, "AWSCURRENT");
        town.memory().secrets.get_mut(name).unwrap().versions.get_mut(&token).unwrap().value.clone_from(&value);
        let came = town.step(name, &token, StepName::Test).await;
        assert_eq!(came.code(), "tested", "{name}");
        assert_eq!(town.value(name, "AWSCURRENT"), value, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_ledger_no_rotation_begins_that_would_take_a_credential_away() {
    for name in [TURNS, REDIS, TOKEN, USER, KEYS] {
        let mut town = FakeTown::new();
        town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
        town.rotate(name).await.unwrap();
        town.gate().fail_named("ledger", PortErrorKind::Unavailable);
        assert_eq!(town.rotate(name).await, Err("unavailable".into()), "{name}");
        town.gate().heal();
        town.check(name, name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_may_have_failed_readers_started_once_more_and_nobody_else_does() {
    let mut town = FakeTown::new();
    town.rotate(TURNS).await.unwrap();
    town.readers_become(TURNS, false);
    let again = |town: &FakeTown| town.memory().woken.iter().filter(|(_, version)| version == "again").count();
    town.look(TURNS).await;
    town.sweep().await;
    assert_eq!(again(&town), 0);
    let asked = json!({ "nightshift": "rotation", "system": "shop", "secret": TURNS, "asked": true });
    assert_eq!(town.invoke(&asked).await.code(), "readers_not_ready");
    assert_eq!(again(&town), 1);
    town.readers_become(TURNS, true);
    assert_eq!(town.invoke(&asked).await.code(), "handed_over");
    assert_eq!(again(&town), 1);
}
