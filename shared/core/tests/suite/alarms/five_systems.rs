//! The scaling figures of all five systems' documents can be written, and become the right alarms.

use super::{definitions, diff};
use crate::fleet::{read, system_file};

/// What the multi-region document says of the load balancer (5xx over 10 in 5 minutes, response time over 1 s): one region, since
/// its id belongs to one.
const MULTI_REGION_EAST: &str = "
version: 1
system: multi-region-east
regions: [us-east-1]
services:
  app:
    runs_on: { ecs: { cluster: multi-region, service: app } }
    bounds: { min: 2, max: 10 }
    load_balancer: { load_balancer: app/multi/0123456789abcdef, target_group: targetgroup/app/fedcba9876543210 }
    rules:
      - { name: errors, when: { metric: http_5xx, above: 10, for: 5m, period: 5m }, then: { add: 1 } }
      - { name: slow, when: { metric: response_time, above: 1, for: 3m }, then: { add: 1 } }
";

#[test]
fn the_figures_of_the_other_three_systems_become_alarms() {
    for (name, text) in [
        ("multi_region", system_file("multi-region")),
        ("multi_region_east", MULTI_REGION_EAST.to_owned()),
        ("ecommerce", system_file("ecommerce")),
        ("ecs_postgres", system_file("ecs-postgres")),
    ] {
        let fleet = read(&text);
        insta::assert_snapshot!(name, diff(&fleet.system, &definitions(&fleet), &[]));
    }
}

#[test]
fn each_region_of_a_system_has_the_same_alarms() {
    let fleet = read(&system_file("multi-region"));
    let in_region = |region: &str| nightshift_core::alarms::alarm_definitions(&fleet, region, super::TOPIC);
    assert_eq!(in_region("us-east-1"), in_region("us-west-2"));
    assert_eq!(in_region("us-east-1").len(), 3);
}

#[test]
fn the_ranges_of_the_seven_services_are_kept() {
    let fleet = read(&system_file("ecommerce"));
    let ranges: Vec<String> = fleet.services.iter().map(|(name, service)| format!("{name} {}", service.bounds)).collect();
    assert_eq!(ranges, ["frontend 2-6", "gateway 2-6", "notification 2-4", "order 2-8", "payment 2-6", "product 2-8", "user 2-10"]);
}
