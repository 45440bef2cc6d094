//! The scaling figures of all five systems' documents can be written, and become the right alarms.

use super::{definitions, diff};
use crate::fleet::read;

/// Desired 2, 2 to 10 in each of two regions; the document's own alarm figures (80 % for 10 minutes) start the growing.
const MULTI_REGION: &str = "
version: 1
system: multi-region
regions: [us-east-1, us-west-2]
services:
  app:
    runs_on: { ecs: { cluster: multi-region, service: app } }
    bounds: { min: 2, max: 10 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 80, for: 10m }, then: { add: 2 } }
      - { name: memory-high, when: { metric: memory, above: 80, for: 10m }, then: { add: 2 } }
      - { name: quiet, when: { metric: cpu, below: 30, for: 15m }, then: { remove: 1 } }
";

/// The same alarms of the load balancer (5xx over 10 in 5 minutes, response time over 1 s) for one of the regions.
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

/// Seven services on groups of instances, each with its own range.
const ECOMMERCE: &str = "
version: 1
system: ecommerce
regions: [ap-southeast-1]
services:
  user: { runs_on: { asg: { group: ecommerce-user } }, bounds: { min: 2, max: 10 }, rules: RULES }
  product: { runs_on: { asg: { group: ecommerce-product } }, bounds: { min: 2, max: 8 }, rules: RULES }
  order: { runs_on: { asg: { group: ecommerce-order } }, bounds: { min: 2, max: 8 }, rules: RULES }
  payment: { runs_on: { asg: { group: ecommerce-payment } }, bounds: { min: 2, max: 6 }, rules: RULES }
  notification: { runs_on: { asg: { group: ecommerce-notification } }, bounds: { min: 2, max: 4 }, rules: RULES }
  gateway: { runs_on: { asg: { group: ecommerce-gateway } }, bounds: { min: 2, max: 6 }, rules: RULES }
  frontend: { runs_on: { asg: { group: ecommerce-frontend } }, bounds: { min: 2, max: 6 }, rules: RULES }
";
const ECOMMERCE_RULES: &str = "[{ name: busy, when: { metric: cpu, above: 70, for: 3m }, then: { add: 1 } }, \
    { name: quiet, when: { metric: cpu, below: 25, for: 10m }, then: { remove: 1 } }]";

/// Tasks by CPU and memory, instances 2 to 10 under them, less on a calendar when traffic is low.
const ECS_POSTGRES: &str = "
version: 1
system: ecs-postgres
regions: [us-east-1]
services:
  app:
    runs_on:
      ecs: { cluster: ecs-postgres, service: app }
      # A t3.medium has three interfaces: its own and two for tasks in awsvpc mode.
      asg: { group: ecs-postgres, bounds: { min: 2, max: 10 }, task_enis_per_instance: 2 }
    bounds: { min: 2, max: 20 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 3m }, then: { to_target: 60 } }
      - { name: memory-high, when: { metric: memory, above: 80, for: 3m }, then: { to_target: 70 } }
      - { name: quiet, when: { metric: cpu, below: 30, for: 15m }, then: { remove: 1 } }
    calendar:
      - { name: day, cron: '0 7 * * *', timezone: America/New_York, bounds: { min: 4, max: 20 } }
      - { name: low-traffic, cron: '0 22 * * *', timezone: America/New_York, bounds: { min: 2, max: 6 } }
";

#[test]
fn the_figures_of_the_other_three_systems_become_alarms() {
    let ecommerce = ECOMMERCE.replace("RULES", ECOMMERCE_RULES);
    for (name, text) in [
        ("multi_region", MULTI_REGION),
        ("multi_region_east", MULTI_REGION_EAST),
        ("ecommerce", ecommerce.as_str()),
        ("ecs_postgres", ECS_POSTGRES),
    ] {
        let fleet = read(text);
        insta::assert_snapshot!(name, diff(&fleet.system, &definitions(&fleet), &[]));
    }
}

#[test]
fn each_region_of_a_system_has_the_same_alarms() {
    let fleet = read(MULTI_REGION);
    let in_region = |region: &str| nightshift_core::alarms::alarm_definitions(&fleet, region, super::TOPIC);
    assert_eq!(in_region("us-east-1"), in_region("us-west-2"));
    assert_eq!(in_region("us-east-1").len(), 3);
}

#[test]
fn the_ranges_of_the_seven_services_are_kept() {
    let fleet = read(&ECOMMERCE.replace("RULES", ECOMMERCE_RULES));
    let ranges: Vec<String> = fleet.services.iter().map(|(name, service)| format!("{name} {}", service.bounds)).collect();
    assert_eq!(ranges, ["frontend 2-6", "gateway 2-6", "notification 2-4", "order 2-8", "payment 2-6", "product 2-8", "user 2-10"]);
}
