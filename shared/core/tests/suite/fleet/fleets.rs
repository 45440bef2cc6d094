//! Several files together.

use nightshift_core::fleet::{FleetErrors, Fleets};

use super::{SYSTEMS, WHOLE, changed, system_file};

fn fleets(files: &[(&str, &str)]) -> Result<Fleets, FleetErrors> {
    Fleets::from_files(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

/// The whole file as another system that drives other things.
fn other() -> String {
    let other = changed(WHOLE, "system: shop", "system: other");
    let other = other.replace("cluster: shop", "cluster: other").replace("group: shop-", "group: other-");
    let other = other.replace("bucket: shop-", "bucket: other-").replace("shop-Mobile", "other-Mobile");
    let (other, secrets) = other.split_once("\nsecrets:\n").expect("secrets at the end");
    format!("{other}\nsecrets:\n{}", secrets.replace("shop/", "other/").replace("shop-", "other-"))
}

#[test]
fn an_alarm_finds_its_rules() {
    let fleets = fleets(&[("shop.yaml", WHOLE), ("other.yaml", &other())]).expect("two systems");
    let found = |alarm: &str| -> Vec<String> {
        let rules = fleets.services_for_alarm(alarm);
        rules.iter().map(|(fleet, name, _, rule)| format!("{}/{name}/{}", fleet.system, rule.name)).collect()
    };
    assert_eq!(found("nightshift-shop-web-busy"), ["shop/web/busy"]);
    assert_eq!(found("nightshift-other-worker-backlog"), ["other/worker/backlog"]);
    assert_eq!(found("partner-campaign"), ["shop/web/partner", "other/web/partner"]);
    for foreign in ["nightshift-shop-web-partner", "nightshift-shop-web", "nightshift-shop-web-busy-2", "shop-web-busy", ""] {
        assert_eq!(found(foreign), Vec::<String>::new(), "{foreign}");
    }
}

#[test]
fn every_rule_is_found_by_the_name_of_its_alarm() {
    let files = SYSTEMS.map(|system| (system.to_owned(), system_file(system)));
    let files = files.into_iter().chain([("shop".to_owned(), WHOLE.to_owned())]).collect();
    let fleets = Fleets::from_files(files).expect("six systems that have nothing in common");
    let mut count = 0;
    for fleet in fleets.iter() {
        for (name, service) in &fleet.services {
            for rule in &service.rules {
                let alarm = nightshift_core::alarms::alarm_for_rule(&fleet.system, name, rule);
                assert_eq!(fleets.services_for_alarm(&alarm), [(fleet, name, service, rule)], "{alarm}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 31);
}

#[test]
fn a_service_is_found_by_name() {
    let fleets = fleets(&[("shop.yaml", WHOLE)]).expect("one system");
    assert_eq!((fleets.len(), fleets.is_empty()), (1, false));
    assert_eq!(fleets.service("shop", "web").map(|(_, name, service)| (name.as_str(), service.rules.len())), Some(("web", 5)));
    assert!(fleets.service("shop", "none").is_none() && fleets.service("none", "web").is_none());
    let none = Fleets::from_files(vec![]).expect("no system");
    assert_eq!((none.len(), none.is_empty()), (0, true));
}

#[test]
fn two_files_may_not_describe_the_same_thing() {
    let same_system = fleets(&[("a.yaml", WHOLE), ("b.yaml", WHOLE)]).expect_err("the same system");
    insta::assert_snapshot!("same_system", same_system);
    let same_group = other().replace("group: other-batch }", "group: shop-batch }");
    let same_resource = fleets(&[("a.yaml", WHOLE), ("b.yaml", &same_group)]).expect_err("the same group");
    insta::assert_snapshot!("same_resource", same_resource);
    let elsewhere = same_group.replace("eu-central-1", "us-east-1");
    fleets(&[("a.yaml", WHOLE), ("b.yaml", &elsewhere)]).expect("the same name in another region is another group");
}

#[test]
fn two_systems_may_not_share_an_alarm() {
    let small = |system: &str, service: &str, group: &str| {
        format!(
            "version: 1\nsystem: {system}\nregions: [us-east-1]\nservices:\n  {service}:\n    runs_on: {{ asg: {{ group: {group} }} }}\n    \
             bounds: {{ min: 1, max: 2 }}\n    rules:\n      - name: busy\n        when: {{ metric: cpu, above: 50, for: 1m }}\n        then: {{ add: 1 }}\n"
        )
    };
    let errors = fleets(&[("a.yaml", &small("shop", "web-api", "one")), ("b.yaml", &small("shop-web", "api", "two"))]);
    insta::assert_snapshot!("same_alarm", errors.expect_err("the same alarm"));
}

#[test]
fn the_mistakes_of_all_files_are_told_together() {
    let (one, two) = (changed(WHOLE, "grow: 90s", "grow: 90"), changed(&other(), "max: 20 }\n    load", "max: 1 }\n    load"));
    let errors = fleets(&[("a.yaml", &one), ("b.yaml", &two)]).expect_err("one mistake each");
    let told: Vec<&str> = errors.errors().iter().map(|error| error.file.as_str()).collect();
    assert_eq!(told, ["a.yaml", "b.yaml"], "{errors}");
}
