//! The alarms that fleet files mean, and what has to be done about those that exist.

// Clippy's "allow in tests" does not reach helper functions of integration tests.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod five_systems;

use nightshift_core::alarms::{
    AlarmComparison, AlarmDefinition, AlarmStatistic, MissingData, alarm_definitions, condition_sentence, diff, metric_query, rule_in_words,
};
use nightshift_core::fleet::{Direction, Fleet, SystemName};

use crate::fleet::{WHOLE, changed, read, system_file};

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:nightshift-alarms";

fn definitions(fleet: &Fleet) -> Vec<AlarmDefinition> {
    alarm_definitions(fleet, &fleet.regions[0], TOPIC)
}

fn system(name: &str) -> SystemName {
    name.to_owned().try_into().expect("a name")
}

#[test]
fn two_minutes_over_fifty_per_cent_becomes_exactly_that() {
    let fleet = read(&system_file("stateless"));
    let busy = &definitions(&fleet)[0];
    assert_eq!(busy.name, "nightshift-stateless-web-cpu-high");
    assert_eq!((busy.namespace.as_str(), busy.metric_name.as_str()), ("AWS/EC2", "CPUUtilization"));
    assert_eq!(busy.dimensions, [("AutoScalingGroupName".to_owned(), "stateless-web".to_owned())]);
    assert_eq!((busy.period_seconds, busy.evaluation_periods, busy.datapoints_to_alarm), (60, 2, 2));
    assert_eq!((busy.threshold, busy.comparison.clone()), (50.0, AlarmComparison::Greater));
    assert_eq!(
        (busy.statistic.clone(), busy.treat_missing_data.clone()),
        (AlarmStatistic::Standard("Average".into()), MissingData::Missing)
    );
}

#[test]
fn the_alarms_of_the_stateless_system() {
    insta::assert_json_snapshot!(definitions(&read(&system_file("stateless"))));
}

#[test]
fn the_alarms_of_the_pizza_system() {
    insta::assert_json_snapshot!(definitions(&read(&system_file("pizza"))));
}

#[test]
fn every_metric_has_its_alarm() {
    let fleet = read(WHOLE);
    insta::assert_snapshot!(diff(&fleet.system, &definitions(&fleet), &[]));
}

#[test]
fn an_existing_alarm_and_a_foreign_region_give_none() {
    let fleet = read(WHOLE);
    assert!(definitions(&fleet).iter().all(|alarm| !alarm.name.ends_with("partner")));
    assert_eq!(definitions(&fleet).len(), 6);
    assert_eq!(alarm_definitions(&fleet, "us-east-1", TOPIC), []);
}

#[test]
fn no_alarm_ever_fires_on_missing_data() {
    for fleet in [read(WHOLE), read(&system_file("pizza")), read(&system_file("stateless"))] {
        let rules = fleet.services.values().flat_map(|service| &service.rules).filter(|rule| rule.metric().is_some());
        for (alarm, rule) in definitions(&fleet).iter().zip(rules) {
            assert!(matches!(alarm.treat_missing_data, MissingData::Missing | MissingData::NotBreaching), "{}", alarm.name);
            assert_eq!(rule.direction() == Direction::Shrink, alarm.comparison == AlarmComparison::Less, "{}", alarm.name);
        }
    }
}

#[test]
fn traffic_counts_are_quiet_without_data() {
    let alarms = definitions(&read(WHOLE));
    let missing = |rule: &str| alarms.iter().find(|alarm| alarm.name.ends_with(rule)).map(|alarm| alarm.treat_missing_data.clone());
    assert_eq!(missing("-slow"), Some(MissingData::NotBreaching));
    assert_eq!(missing("-crowded"), Some(MissingData::NotBreaching));
    assert_eq!(missing("-backlog"), Some(MissingData::Missing));
    assert_eq!(missing("-lag"), Some(MissingData::Missing));
}

#[test]
fn memory_of_a_group_comes_from_the_agent() {
    let text = changed(&system_file("stateless"), "{ metric: cpu, above: 50, for: 2m }", "{ metric: memory, above: 50, for: 2m }");
    let fleet = read(&text);
    let query = metric_query(&fleet.services["web"], &fleet.services["web"].rules[0]).expect("a metric");
    assert_eq!((query.namespace.as_str(), query.name.as_str()), ("CWAgent", "mem_used_percent"));
    assert_eq!(query.dimensions, [("AutoScalingGroupName".to_owned(), "stateless-web".to_owned())]);
}

#[test]
fn rules_in_words() {
    let fleet = read(WHOLE);
    let rules = fleet.services.values().flat_map(|service| &service.rules);
    insta::assert_snapshot!(rules.map(rule_in_words).collect::<Vec<_>>().join("\n"));
    assert_eq!(condition_sentence(&fleet.services["web"].rules[0]), "CPU above 70 % for 5 minutes");
}

#[test]
fn what_is_as_wanted_stays() {
    let wanted = definitions(&read(&system_file("pizza")));
    let mut found = wanted.clone();
    found.reverse();
    for alarm in &mut found {
        // CloudWatch keeps no order of dimensions, and DescribeAlarms does not return tags.
        alarm.dimensions.reverse();
        alarm.tags.clear();
    }
    let diff = diff(&system("pizza"), &wanted, &found);
    assert!(diff.is_empty(), "{diff}");
    assert_eq!(diff.to_string(), "nothing to do: 2 alarms are as wanted");
}

#[test]
fn a_difference_is_shown_field_by_field() {
    let mut found = definitions(&read(&system_file("stateless")));
    let mut old = found[0].clone();
    old.name = "nightshift-stateless-web-old".into();
    old.description = old.description.replace("/cpu-high;", "/old;");
    found[0].threshold = 60.0;
    found[0].evaluation_periods = 5;
    found[0].alarm_actions.clear();
    found.push(old);
    found.remove(1);
    let wanted = definitions(&read(&system_file("stateless")));
    insta::assert_snapshot!(diff(&system("stateless"), &wanted, &found));
}

#[test]
fn only_what_name_and_mark_both_call_ours_is_removed() {
    let ours = definitions(&read(&system_file("stateless")));
    let removed = |change: fn(&mut AlarmDefinition), of: &str| {
        let mut alarm = ours[0].clone();
        change(&mut alarm);
        diff(&system(of), &[], &[alarm]).remove.len()
    };
    assert_eq!(removed(|_| {}, "stateless"), 1, "ours");
    assert_eq!(removed(|_| {}, "state"), 0, "another system's");
    assert_eq!(removed(|alarm| alarm.description.clear(), "stateless"), 0, "without the mark");
    assert_eq!(removed(|alarm| alarm.name = "cpu".into(), "stateless"), 0, "renamed: not ours any more");
    assert_eq!(removed(|alarm| alarm.description.push_str(" Do not touch!"), "stateless"), 0, "somebody wrote into it");
    // nightshift-a-b-c-d: of system a-b or of system a? The mark says it.
    let of_a_b = |alarm: &mut AlarmDefinition| {
        alarm.name = "nightshift-a-b-c-d".into();
        alarm.description = "Made by Nightshift from a-b/c/d; change the fleet file, not this alarm.".into();
    };
    assert_eq!((removed(of_a_b, "a-b"), removed(of_a_b, "a")), (1, 0));
}

#[test]
fn descriptions_fit_into_cloudwatch() {
    for fleet in [read(WHOLE), read(&system_file("pizza")), read(&system_file("stateless"))] {
        for alarm in definitions(&fleet) {
            assert!(alarm.description.len() <= 1_024 && alarm.name.len() <= 255, "{alarm:?}");
        }
    }
}
