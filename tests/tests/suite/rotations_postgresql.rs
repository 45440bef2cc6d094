//! Passwords of a real PostgreSQL server, rotated by the built functions, up to readers that are healthy with the new ones.

use nightshift_tests::{Fate, Notice};

use crate::rotations_world::{FIRST, OPS, database, has_no, house_of_one_user, house_of_two_users, local_aws};

#[tokio::test]
async fn a_single_user_gets_a_new_password_and_the_reader_is_proven_with_it() {
    let (postgres, aws) = (database(), local_aws());
    let house = house_of_one_user(&aws, &postgres).await;
    let (revision, before) = (house.region.revision("ecs-postgres", "api"), house.current());
    assert!(postgres.lets_in("app", FIRST));

    let rotation = house.nightshift.rotate_secret(house.secret);
    let new = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app", &new), "the new password logs in");
    assert!(!postgres.lets_in("app", FIRST), "the old one does not");
    assert_eq!(house.current(), rotation.version);
    assert_eq!(house.region.version_of(house.secret, "AWSPREVIOUS"), Some(before));

    let told = house.readers_are_proven().await;
    let gap = told.split_once("current version, ").and_then(|(_, rest)| rest.split_once(" s after the old credential was refused"));
    let gap: u64 = gap.and_then(|(seconds, _)| seconds.parse().ok()).unwrap_or_else(|| panic!("no measured gap: {told}"));
    assert!((1..120).contains(&gap), "{told}");
    assert_eq!(house.region.revision("ecs-postgres", "api"), revision, "the same revision");
    let deployments = house.region.deployments("ecs-postgres", "api");
    assert_eq!(deployments.len(), 1, "started anew once: {deployments:?}");
    assert_eq!(deployments[0]["status"], "SUCCESSFUL");
    house.nothing_leaked(&[FIRST, &new]).await;
    has_no(&new, &postgres.log(), "the server's log: it should see a verifier only");
}

#[tokio::test]
async fn two_users_take_turns_and_a_second_rotation_waits_for_the_readers() {
    let (postgres, aws) = (database(), local_aws());
    let house = house_of_two_users(&aws, &postgres).await;

    house.nightshift.rotate_secret(house.secret);
    assert_eq!(house.field("AWSCURRENT", "username"), "app_clone");
    let second = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app_clone", &second) && postgres.lets_in("app", FIRST), "both log in while readers move on");

    let next = house.nightshift.begin_rotation(house.secret);
    let failed = next.go().unwrap_err();
    assert_eq!((failed.step, failed.error.as_str()), ("createSecret", "Nightshift.readers_not_ready"), "{}", failed.message);
    assert!(postgres.lets_in("app", FIRST), "nothing was taken from those who still have the old one");

    // Nobody calls the steps again: the function goes on by its own look once the readers are proven.
    house.nightshift.told(house.reader, "done").await;
    let has_gone_on = async || if house.current() == next.version { Ok(()) } else { Err("the version is not current".to_owned()) };
    house.nightshift.hurry_looks(house.secret, "the second rotation goes on by itself", has_gone_on).await;
    assert_eq!(house.field("AWSCURRENT", "username"), "app");
    let third = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app", &third) && postgres.lets_in("app_clone", &second));
    assert!(!postgres.lets_in("app", FIRST));
    house.nothing_leaked(&[FIRST, OPS, &second, &third]).await;
}

#[tokio::test]
async fn readers_that_do_not_get_healthy_keep_the_old_user_and_people_are_told() {
    let (postgres, aws) = (database(), local_aws());
    let house = house_of_two_users(&aws, &postgres).await;
    house.region.fate("ecs-postgres", "api", Fate::Fail);
    house.nightshift.rotate_secret(house.secret);
    let new = house.field("AWSCURRENT", "password");
    let is_it = |notice: &&Notice| notice.field("kind") == "readers_not_ready" && notice.field("secret") == house.secret;
    let told = async || house.nightshift.notices().iter().find(is_it).cloned().ok_or_else(|| format!("{:?}", house.nightshift.subjects()));
    let told = house.nightshift.hurry_looks(house.secret, "people are told that the readers are not healthy", told).await;
    assert!(told.field("text").contains("api not healthy (the roll-out failed"), "{}", told.field("text"));
    assert!(postgres.lets_in("app_clone", &new) && postgres.lets_in("app", FIRST), "both log in");
    let next = house.nightshift.begin_rotation(house.secret);
    assert_eq!(next.go().unwrap_err().error, "Nightshift.readers_not_ready");
    assert!(postgres.lets_in("app", FIRST), "readers that still have the old user are not shut out");
    house.nothing_leaked(&[FIRST, OPS, &new]).await;
}
