//! What is read from files that are right.

use nightshift_core::fleet::{
    Action, Amount, Comparison, Condition, Cooldown, DriftRule, Fleet, FreezeTime, Limits, Metric, OnFailure, Replacement, RotatedSecrets,
    RunsOn, Seconds, Statistic, WithoutResult,
};

use super::{WHOLE, changed, read};

#[test]
fn every_field_arrives_as_it_is_written() {
    let fleet = read(WHOLE);
    assert_eq!((fleet.version, fleet.system.as_str(), fleet.regions.as_slice()), (1, "shop", ["eu-central-1".to_owned()].as_slice()));
    let web = &fleet.services["web"];
    assert_eq!((web.bounds.min().get(), web.bounds.max().get()), (2, 20));
    assert_eq!(web.cooldown, Cooldown { grow: Seconds::new(90), shrink: Seconds::new(600) });
    assert_eq!((web.limits.actions_per_hour, web.limits.largest_step), (20, Amount::Percent(50)));
    assert!(matches!(web.limits.freeze[0].when, FreezeTime::Once { .. }));
    assert!(matches!(&web.limits.freeze[1].when, FreezeTime::Again { lasts, .. } if *lasts == Seconds::new(7_200)));
    let slow = web.rules[1].metric().expect("a metric");
    assert_eq!((&slow.metric, slow.statistic, slow.comparison), (&Metric::ResponseTime, Statistic::Percentile(950), Comparison::Above));
    assert_eq!((slow.threshold, slow.evaluation_periods()), (1.5, 3));
    assert_eq!(web.rules[3].when, Condition::ExistingAlarm("partner-campaign".into()));
    assert_eq!(web.rules[4].then, Action::Remove(Amount::Units(1)));
    assert_eq!(web.least_ever().get(), 1);
    assert_eq!((web.calendar[0].cron.as_str(), web.calendar[0].timezone.as_str()), ("0 6 * * MON-FRI", "Europe/Berlin"));
    let RunsOn::TasksOnGroup { service, group, bounds, task_enis_per_instance } = &fleet.services["worker"].runs_on else {
        panic!("tasks on a group");
    };
    assert_eq!((service.service.as_str(), group.as_str(), bounds.max().get()), ("worker", "shop-workers", 5));
    assert_eq!(*task_enis_per_instance, Some(2));
    let lag = fleet.services["worker"].rules[1].metric().expect("a metric");
    assert_eq!((lag.evaluation_periods(), lag.statistic), (6, Statistic::Maximum));
}

#[test]
fn every_field_of_a_deploy_path_arrives_as_it_is_written() {
    let fleet = read(WHOLE);
    let (web, path) = (&fleet.services["web"], &fleet.paths["careful"]);
    let deploy = web.deploy.as_ref().expect("a deploy path");
    assert_eq!((deploy.repository.as_str(), deploy.path.as_str()), ("shop/web", "careful"));
    assert_eq!(web.rotated_secrets, RotatedSecrets { restart: true, settle: Seconds::new(300) });
    assert_eq!(fleet.services["worker"].rotated_secrets, RotatedSecrets { restart: false, settle: Seconds::new(180) });

    assert!(path.tags.counts("release-7") && path.tags.counts("v1.4.0") && !path.tags.counts("latest"));
    let scan = path.scan.as_ref().expect("a scan gate");
    let most: Vec<_> = scan.most.iter().map(|(severity, most)| format!("{severity} {most}")).collect();
    assert_eq!(most, ["critical 0", "high 2", "medium 20", "undefined 0"]);
    assert_eq!((scan.allow[0].cve.as_str(), scan.allow[0].until.to_string().as_str()), ("CVE-2026-12345", "2026-12-31T00:00:00Z"));
    assert_eq!((scan.patience, scan.without_result), (Seconds::new(1_200), WithoutResult::Ask));

    let [staging, production] = path.stages.as_slice() else { panic!("two stages") };
    assert_eq!(web.deploy_target(&staging.name).to_string(), "ECS service shop-staging/web");
    assert_eq!(web.deploy_target(&production.name).to_string(), "ECS service shop/web");
    assert_eq!(fleet.services["batch"].deploy_target(&staging.name).to_string(), "Auto Scaling group shop-batch-staging");
    assert_eq!(fleet.services["worker"].own_target().to_string(), "ECS service shop/worker");
    assert_eq!((path.home_region(), staging.waves[0].bake), (Some("eu-central-1"), Seconds::new(900)));
    let approval = production.approval.as_ref().expect("an approval");
    assert_eq!((approval.needed, approval.by.len(), approval.expires), (2, 3, Seconds::new(172_800)));
    assert_eq!(approval.by[0].topic.as_deref(), Some("arn:aws:sns:eu-central-1:111122223333:ana"));
    assert_eq!(production.waves[0].alarms, ["orders-fail", "nightshift-shop-web-slow"]);

    let instances = Replacement {
        minimum_healthy: 90,
        maximum_healthy: 150,
        warmup: Some(Seconds::new(150)),
        checkpoints: vec![20, 50],
        checkpoint_delay: Seconds::new(300),
    };
    assert_eq!(path.instances, instances);
    assert_eq!((path.deadline, path.expires, path.crashes), (Seconds::new(2_700), Seconds::new(432_000), 6));
    assert_eq!((path.on_failure, path.drift), (OnFailure::RollBackStage, DriftRule::Accept));
    assert_eq!(path.freeze[0].why, "weekend");

    let site = &fleet.front_ends["site"];
    assert_eq!((site.bucket.as_str(), site.prefix.as_str(), site.distribution.as_str()), ("shop-site", "www/", "E2QWRUHAPOMQZL"));
    assert_eq!((site.settle, site.hashed.as_slice()), (Seconds::new(45), ["assets/*".to_owned()].as_slice()));
    assert_eq!(fleet.pipelines["shop-Mobile.App"].approval.expires, Seconds::new(604_800));
}

#[test]
fn what_is_not_written_of_a_path_has_the_documented_value() {
    let fleet = read(&changed(WHOLE, "    settle: 45s\n", ""));
    let path = &fleet.paths["direct"];
    assert_eq!((path.deadline, path.expires, path.crashes), (Seconds::new(1_800), Seconds::new(604_800), 3));
    assert_eq!((path.on_failure, path.drift), (OnFailure::RollBack, DriftRule::Refuse));
    assert_eq!(path.instances, Replacement::default());
    assert_eq!((path.instances.minimum_healthy, path.instances.maximum_healthy), (100, 110));
    assert_eq!((path.instances.warmup, path.instances.checkpoint_delay), (None, Seconds::new(3_600)));
    assert!(path.scan.is_none() && path.freeze.is_empty() && path.stages[0].approval.is_none());
    assert_eq!((path.stages[0].waves[0].bake, path.stages[0].waves[0].alarms.len()), (Seconds::new(300), 0));
    assert_eq!(fleet.services["batch"].rotated_secrets, RotatedSecrets { restart: true, settle: Seconds::new(180) });
    let approval = &fleet.pipelines["shop-Mobile.App"].approval;
    assert_eq!((approval.needed, approval.by[0].topic.as_deref()), (1, None));
    assert_eq!(fleet.front_ends["site"].settle, Seconds::new(30));
    let gate = read(&changed(WHOLE, "      patience: 20m\n      without_result: ask\n", "")).paths["careful"].scan.clone().expect("a gate");
    assert_eq!((gate.patience, gate.without_result), (Seconds::new(900), WithoutResult::Refuse));
    let asked = read(&changed(WHOLE, "          expires: 2d\n", "")).paths["careful"].stages[1].approval.clone().expect("an approval");
    assert_eq!(asked.expires, Seconds::new(86_400));
}

#[test]
fn what_is_not_written_has_the_documented_value() {
    let batch = &read(WHOLE).services["batch"];
    assert_eq!(batch.cooldown, Cooldown { grow: Seconds::new(120), shrink: Seconds::new(300) });
    assert_eq!(batch.limits, Limits { actions_per_hour: 12, largest_step: Amount::Percent(100), freeze: vec![] });
    assert!(batch.rules.is_empty() && batch.calendar.is_empty() && batch.load_balancer.is_none());
    let statistic = |metric: Metric| metric.usual_statistic();
    assert_eq!(statistic(Metric::Http5xx), Statistic::Sum);
    assert_eq!(statistic(Metric::QueueDepth { queue: "orders".into() }), Statistic::Maximum);
    assert_eq!(statistic(Metric::Cpu), Statistic::Average);
}

#[test]
fn a_part_of_cooldown_and_limits_may_be_written() {
    let fleet = read(&changed(WHOLE, "cooldown: { grow: 90s, shrink: 10m }", "cooldown: { grow: 0s }"));
    assert_eq!(fleet.services["web"].cooldown, Cooldown { grow: Seconds::new(0), shrink: Seconds::new(300) });
}

#[test]
fn a_fleet_survives_being_written_and_read_as_json() {
    let fleet = read(WHOLE);
    let json = serde_json::to_string(&fleet).expect("json");
    assert_eq!(serde_json::from_str::<Fleet>(&json).expect("the same fleet"), fleet);
}

#[test]
fn block_style_comments_quotes_and_line_ends_do_not_matter() {
    let plain = read(WHOLE);
    assert_eq!(read(&WHOLE.replace('\n', "\r\n")), plain);
    assert_eq!(read(&format!("\u{feff}# a comment\n---\n{WHOLE}...\n")), plain);
    assert_eq!(read(&changed(WHOLE, "system: shop", "'system': \"shop\"  # quoted")), plain);
    let block = changed(WHOLE, "bounds: { min: 2, max: 20 }", "bounds:\n      min: 2\n      max: 20");
    assert_eq!(read(&block), plain);
}

#[test]
fn the_example_of_the_reference_is_read() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-file.md");
    let reference = std::fs::read_to_string(path).expect("docs/fleet-file.md");
    let example = reference.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let fleet = read(example);
    assert_eq!((fleet.services.len(), fleet.services["web"].rules.len(), fleet.services["web"].calendar.len()), (2, 4, 2));
    assert_eq!((fleet.paths.len(), fleet.front_ends.len(), fleet.pipelines.len(), fleet.secrets.len()), (1, 1, 1, 1));
}

/// The smaller examples of the reference, put where their headings say that they belong.
#[test]
fn the_smaller_examples_of_the_reference_are_read() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-file.md");
    let reference = std::fs::read_to_string(path).expect("docs/fleet-file.md");
    let blocks: Vec<&str> = reference.split("```yaml\n").skip(2).filter_map(|rest| rest.split("```").next()).collect();
    let block = |field: &str, indent: usize| {
        let found = blocks.iter().find(|block| block.starts_with(&format!("{field}:"))).unwrap_or_else(|| panic!("an example of {field}"));
        found.lines().map(|line| format!("{}{line}\n", " ".repeat(indent))).collect::<String>()
    };
    let service = "  web:\n    runs_on: { ecs: { cluster: shop, service: web } }\n    bounds: { min: 1, max: 2 }\n";
    let stages = changed(&block("stages", 4), "        approval: { by: [{ name: operator }] }\n", &block("approval", 8));
    let text = format!(
        "version: 1\nsystem: shop\nregions: [us-east-1, us-west-2, eu-west-1]\nservices:\n{service}{}paths:\n  careful:\n    tags: {{ match: [\"*\"] }}\n{}{stages}{}{}",
        block("deploy", 4),
        block("scan", 4),
        block("front_ends", 0),
        block("secrets", 0),
    );
    let fleet = read(&text);
    let path = &fleet.paths["careful"];
    assert_eq!((path.stages.len(), path.scan.is_some(), fleet.front_ends.len()), (2, true, 1));
    assert_eq!(path.stages[1].approval.as_ref().map(|rule| (rule.needed, rule.by.len())), Some((2, 2)));
    let kinds: std::collections::BTreeSet<&str> = fleet.secrets.values().map(|secret| secret.kind.field()).collect();
    assert_eq!((fleet.secrets.len(), kinds.len()), (6, 5), "each kind once, and an admin");
    assert_eq!(blocks.len(), 6, "an example that no test reads");
}
