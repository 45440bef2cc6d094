//! `alarms sync` on a fake CloudWatch: what is shown, asked, done, and told when it fails.

use insta::assert_snapshot;
use nightshift_cli::{Consent, Exit, Place, sync};
use nightshift_core::alarms::{AlarmDefinition, alarm_definitions};
use nightshift_core::fleet::Fleets;

use crate::fakes::Alarms;
use crate::stage::{Played, Stage, good_fleets, wait};

const HERE: Place<'_> = Place { region: "us-east-1", topic_arn: "arn:aws:sns:us-east-1:111122223333:alarms" };

fn play(stage: &Stage, alarms: &Alarms, place: Place<'_>, consent: Consent) -> Played {
    stage.play(|world| wait(sync(alarms, &good_fleets(), place, consent, world)).unwrap())
}

/// One alarm as it should be, one with another threshold, one of a rule that is gone, one that is nobody's of ours.
fn half_right(fleets: &Fleets) -> Alarms {
    let wanted: Vec<AlarmDefinition> = fleets.iter().flat_map(|fleet| alarm_definitions(fleet, HERE.region, HERE.topic_arn)).collect();
    let named = |name: &str| wanted.iter().find(|alarm| alarm.name == name).unwrap().clone();
    let old = AlarmDefinition { threshold: 65.0, period_seconds: 300, ok_actions: Vec::new(), ..named("nightshift-shop-api-busy") };
    let busy = named("nightshift-web-front-busy");
    let description = busy.description.replace("web/front/busy", "web/front/slow");
    let gone = AlarmDefinition { name: "nightshift-web-front-slow".to_owned(), description, ..busy.clone() };
    let foreign = AlarmDefinition { name: "nightshift-web-front-mine".to_owned(), description: "made by hand".to_owned(), ..busy.clone() };
    Alarms { kept: vec![busy, old, gone, foreign].into(), ..Alarms::default() }
}

fn names(alarms: &Alarms) -> Vec<String> {
    let mut names: Vec<String> = alarms.kept.borrow().iter().map(|alarm| alarm.name.clone()).collect();
    names.sort();
    names
}

#[test]
fn the_difference_is_shown_and_put_right_and_then_there_is_none() {
    let alarms = half_right(&good_fleets());
    assert_snapshot!(play(&Stage::new(), &alarms, HERE, Consent::Given).whole());
    let there = ["api-busy", "api-quiet", "api-slow"].map(|name| format!("nightshift-shop-{name}"));
    let there = there.into_iter().chain(["nightshift-web-front-busy".to_owned(), "nightshift-web-front-mine".to_owned()]);
    assert_eq!(names(&alarms), there.collect::<Vec<_>>());

    alarms.journal.borrow_mut().clear();
    let again = play(&Stage::new(), &alarms, HERE, Consent::Given);
    assert_eq!(again.exit, Exit::Fine);
    assert_eq!(*alarms.journal.borrow(), ["find"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let alarms = half_right(&good_fleets());
    let played = play(&Stage::new(), &alarms, HERE, Consent::OnlyShow);
    assert_eq!(played.exit, Exit::Fine);
    assert!(played.out.ends_with("nothing changed: this was a dry run\n"), "{}", played.out);
    assert_eq!(*alarms.journal.borrow(), ["find"]);
}

#[test]
fn without_a_terminal_nobody_can_agree() {
    let alarms = half_right(&good_fleets());
    let played = play(&Stage::new(), &alarms, HERE, Consent::Ask);
    assert_eq!((played.exit, played.err.as_str()), (Exit::Problems, "nothing changed; run with --yes to make these changes\n"));
    assert!(played.out.contains("~ nightshift-shop-api-busy"), "{}", played.out);
    assert_eq!(*alarms.journal.borrow(), ["find"]);
}

#[test]
fn only_yes_is_yes() {
    for (typed, is_agreed) in [("y\n", true), ("Yes\n", true), ("n\n", false), ("\n", false), ("", false), ("yep\n", false)] {
        let alarms = half_right(&good_fleets());
        let played = play(&Stage::new().typing(typed), &alarms, HERE, Consent::Ask);
        assert_eq!(alarms.journal.borrow().len() > 1, is_agreed, "{typed:?}");
        assert_eq!(played.exit == Exit::Fine, is_agreed, "{typed:?}");
        assert!(played.out.contains("Make these changes? [y/N]"));
    }
}

#[test]
fn one_failure_hides_no_other_and_stops_no_other() {
    let refuses = vec!["put nightshift-shop-api-slow", "delete"];
    let alarms = Alarms { refuses, ..half_right(&good_fleets()) };
    let played = play(&Stage::new(), &alarms, HERE, Consent::Given);
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(format!("{}{}", played.out.lines().last().unwrap_or_default(), format!("\n{}", played.err)));
    assert!(names(&alarms).contains(&"nightshift-shop-api-quiet".to_owned()));
}

#[test]
fn alarms_that_cannot_be_read_are_no_missing_alarms() {
    let alarms = Alarms { refuses: vec!["find"], ..Alarms::default() };
    let played = Stage::new().play(|world| {
        let error = wait(sync(&alarms, &good_fleets(), HERE, Consent::Given, world)).unwrap_err();
        assert_eq!(error.operation, "cloudwatch:DescribeAlarms");
        Exit::Problems
    });
    assert_eq!((played.out.as_str(), alarms.journal.borrow().as_slice()), ("", ["find".to_owned()].as_slice()));
}

#[test]
fn a_system_that_does_not_run_here_is_skipped_except_for_what_it_left_behind() {
    let place = Place { region: "eu-central-1", topic_arn: "arn:aws:sns:eu-central-1:111122223333:alarms" };
    let empty = Alarms::default();
    let played = play(&Stage::new(), &empty, place, Consent::Given);
    assert!(played.out.starts_with("shop does not run in eu-central-1, only in us-east-1\n"), "{}", played.out);
    assert_eq!(*empty.journal.borrow(), ["find", "put nightshift-web-front-busy"]);

    let left_behind = half_right(&good_fleets());
    play(&Stage::new(), &left_behind, place, Consent::Given);
    assert_eq!(names(&left_behind), ["nightshift-web-front-busy", "nightshift-web-front-mine"]);
}
