//! Rotations that Secrets Manager does not go on with: the hourly sweep, or a person, carries them to their end.

use jiff::SignedDuration;
use serde_json::json;

use crate::rotations_world::{FIRST, database, house_of_one_user, local_aws};

#[tokio::test]
async fn the_sweep_and_unstick_carry_abandoned_rotations_to_their_end() {
    let (postgres, aws) = (database(), local_aws());
    let house = house_of_one_user(&aws, &postgres).await;
    let sweep = json!({ "nightshift": "secrets" });

    let first = house.nightshift.begin_rotation(house.secret);
    first.step("createSecret").unwrap();
    let answer = house.nightshift.ask_rotate(&sweep);
    assert_eq!(answer["reason"], "left_to_secrets_manager", "{answer}");
    assert_ne!(house.current(), first.version);
    house.nightshift.age_rotation("ecs-postgres", house.secret, SignedDuration::from_mins(11)).await;
    house.nightshift.ask_rotate(&sweep);
    assert_eq!(house.current(), first.version);
    let second = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app", &second) && !postgres.lets_in("app", FIRST));

    // The next one stops where it hurts most: the password is set, and the current version does not have it.
    let next = house.nightshift.begin_rotation(house.secret);
    for step in ["createSecret", "setSecret"] {
        next.step(step).unwrap();
    }
    assert!(!postgres.lets_in("app", &second), "what readers would get is refused");
    let said = house.nightshift.cli(&["secrets", "unstick", "ecs-postgres/ecs-postgres/database", "--yes"]);
    assert_eq!(house.current(), next.version, "{}", said.text);
    let third = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app", &third));
    house.readers_are_proven().await;
    house.nothing_leaked(&[FIRST, &second, &third]).await;
}
