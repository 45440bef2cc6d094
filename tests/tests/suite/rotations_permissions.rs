//! IAM enforced: the template's own policies are enough for a whole rotation.

use nightshift_tests::{LocalAws, Permissions};

use crate::rotations_world::{FIRST, OPS, database, house_of_two_users};

#[tokio::test]
async fn the_templates_policies_are_enough_from_the_first_step_to_healthy_readers() {
    let (postgres, aws) = (database(), LocalAws::start_quick(Permissions::Enforced));
    let house = house_of_two_users(&aws, &postgres).await;
    house.allow_local_differences();
    house.nightshift.rotate_secret(house.secret);
    let new = house.field("AWSCURRENT", "password");
    assert!(postgres.lets_in("app_clone", &new), "the admin's secret could be read");
    house.readers_are_proven().await;
    house.nothing_leaked(&[FIRST, OPS, &new]).await;
}
