//! The hand-over: readers that get healthy or do not, and what becomes of the old credential; changes and keys that take their time.

use jiff::SignedDuration;
use nightshift_core::ledger::Pause;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::StepName;
use serde_json::{Value, json};

use crate::contract::all_the_way;
use crate::town::*;

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
