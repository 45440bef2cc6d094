//! `check`, `schema` and `alarms list`: what is said of fleet files without AWS.

use insta::assert_snapshot;
use nightshift_cli::Exit;

use crate::stage::Stage;

#[test]
fn good_files_are_summed_up_with_what_holds_now() {
    let played = Stage::new().in_zone("Europe/Berlin").run("check tests/fleets/good");
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn what_would_be_better_is_recommended_and_is_no_problem() {
    let played = Stage::new().run("check tests/fleets/advised");
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn every_mistake_of_all_files_is_told_at_once() {
    let played = Stage::new().run("check tests/fleets/bad");
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn a_file_a_folder_and_the_same_file_twice_are_all_read_once() {
    let whole = Stage::new().run("check tests/fleets/good").out;
    let twice = Stage::new().run("check tests/fleets/good/shop tests/fleets/good tests/fleets/good/web.yaml");
    assert_eq!((twice.exit, twice.out), (Exit::Fine, whole));
}

#[test]
fn the_usual_folder_is_looked_for_when_none_is_named() {
    let played = Stage::new().run("check");
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn a_folder_without_fleet_files_is_told() {
    let played = Stage::new().run("check tests/suite");
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn the_schema_is_json_and_speaks_of_services() {
    let played = Stage::new().run("schema");
    assert_eq!(played.exit, Exit::Fine);
    let schema: serde_json::Value = serde_json::from_str(&played.out).unwrap();
    assert!(schema.pointer("/properties/services").is_some(), "{schema}");
}

#[test]
fn alarms_are_listed_for_each_region() {
    assert_snapshot!(Stage::new().run("alarms list tests/fleets/good").whole());
}

#[test]
fn alarms_are_listed_for_one_region_or_told_to_be_nowhere() {
    let one = Stage::new().run("alarms list tests/fleets/good --region eu-central-1");
    assert_eq!(one.exit, Exit::Fine);
    assert!(one.out.starts_with("web in eu-central-1: 1 alarm\n") && !one.out.contains("shop"), "{}", one.out);
    let none = Stage::new().run("alarms list tests/fleets/good --region ap-south-1");
    assert_eq!((none.exit, none.out.as_str(), none.err.as_str()), (Exit::Fine, "", "no system of these files runs in ap-south-1\n"));
}

#[test]
fn alarms_as_json_are_those_that_aws_would_get() {
    let played = Stage::new().run("alarms list tests/fleets/good --region us-east-1 --json");
    let listed: serde_json::Value = serde_json::from_str(&played.out).unwrap();
    let names = listed.as_array().unwrap().iter().flat_map(|system| system["alarms"].as_array().unwrap());
    let names: Vec<&str> = names.map(|alarm| alarm["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["nightshift-shop-api-busy", "nightshift-shop-api-slow", "nightshift-shop-api-quiet", "nightshift-web-front-busy"]);
    assert!(listed[0]["alarms"][0]["alarm_actions"].as_array().unwrap().is_empty());
}

#[test]
fn mistakes_stop_every_command_that_reads_fleet_files() {
    for line in
        ["alarms list tests/fleets/bad", "plan pizza/api --fleet tests/fleets/bad", "pause pizza --why x --by ana --fleet tests/fleets/bad"]
    {
        let played = Stage::new().run(line);
        assert_eq!((played.exit, played.out.as_str()), (Exit::Problems, ""), "{line}");
        assert!(played.err.contains("4 mistakes in the fleet files\nnothing was done; correct them first"), "{line}: {}", played.err);
    }
}
