//! What is read from files that are right.

use nightshift_core::fleet::{
    Action, Amount, Comparison, Condition, Cooldown, Direction, Fleet, FreezeTime, Limits, Metric, RunsOn, Seconds, Statistic,
};

use super::{WHOLE, changed, read, system_file};

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
    let RunsOn::TasksOnGroup { service, group, bounds, task_enis_per_instance } = &fleet.services["worker"].runs_on else {
        panic!("tasks on a group");
    };
    assert_eq!((service.service.as_str(), group.as_str(), bounds.max().get()), ("worker", "shop-workers", 5));
    assert_eq!(*task_enis_per_instance, Some(2));
    let lag = fleet.services["worker"].rules[1].metric().expect("a metric");
    assert_eq!((lag.evaluation_periods(), lag.statistic), (6, Statistic::Maximum));
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
fn the_figures_of_the_stateless_document_are_in_its_file() {
    let fleet = read(&system_file("stateless"));
    let web = &fleet.services["web"];
    assert_eq!(web.runs_on, RunsOn::Group("stateless-web".into()));
    assert_eq!((web.bounds.min().get(), web.bounds.max().get()), (2, 10));
    let figures: Vec<_> = web.rules.iter().map(|rule| (rule.metric().expect("a metric"), rule.then, rule.direction())).collect();
    assert_eq!((figures[0].0.threshold, figures[0].0.over, figures[0].1), (50.0, Seconds::new(120), Action::Add(Amount::Units(1))));
    assert_eq!((figures[1].0.threshold, figures[1].0.over, figures[1].1), (30.0, Seconds::new(300), Action::Remove(Amount::Units(1))));
    assert_eq!((figures[0].2, figures[1].2), (Direction::Grow, Direction::Shrink));
}

#[test]
fn the_figures_of_the_pizza_document_are_in_its_file() {
    let fleet = read(&system_file("pizza"));
    let api = &fleet.services["api"];
    assert!(matches!(&api.runs_on, RunsOn::Tasks(ecs) if ecs.cluster == "pizza" && ecs.service == "pizza-api"));
    assert_eq!((api.bounds.min().get(), api.bounds.max().get()), (2, 10));
    let busy = api.rules[0].metric().expect("a metric");
    assert_eq!((busy.threshold, busy.over, api.rules[0].then), (70.0, Seconds::new(300), Action::ToTarget(60.0)));
}

#[test]
fn both_files_name_the_schema_for_editors() {
    for system in ["stateless", "pizza"] {
        let text = system_file(system);
        assert_eq!(text.lines().next(), Some("# yaml-language-server: $schema=../schema.json"), "{system}");
    }
}

#[test]
fn the_example_of_the_reference_is_read() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-file.md");
    let reference = std::fs::read_to_string(path).expect("docs/fleet-file.md");
    let example = reference.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let fleet = read(example);
    assert_eq!((fleet.services.len(), fleet.services["web"].rules.len(), fleet.services["web"].calendar.len()), (2, 4, 2));
}
