//! The contract with Secrets Manager: each kind's first and tenth rotation, each step repeated, resumed and out of place.

use nightshift_core::outcome::Mode;
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
async fn the_other_fields_of_a_secret_stay() {
    let mut town = FakeTown::new();
    town.rotate(SINGLE).await.unwrap();
    let value = town.current(SINGLE);
    assert_eq!((&value["host"], &value["note"], &value["ssl"]), (&json!("db.example"), &json!(7), &json!(false)));
    assert_eq!(value["password"].as_str().map(str::len), Some(32));
}

/// Two readers of neighbouring versions accept what the other signs.
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

#[tokio::test(start_paused = true)]
async fn a_value_that_was_never_set_is_not_made_current() {
    for name in [SINGLE, TURNS, REDIS, TOKEN, USER] {
        let mut town = FakeTown::new();
        let (before, token) = (town.current_version(name), town.begin(name).unwrap());
        assert!(town.step(name, &token, StepName::Create).await.is_done(), "{name}");
        let came = town.step(name, &token, StepName::Finish).await;
        assert_eq!((came.is_done(), came.code().as_str()), (false, "credential_refused"), "{name}");
        assert_eq!((town.current_version(name), town.memory().woken.len()), (before, 0), "{name}");
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
