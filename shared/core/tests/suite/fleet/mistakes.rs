//! What is said about mistakes. Each case changes the file that uses every field; the snapshots are what a person reads.

use std::fmt::Write;

use nightshift_core::fleet::FleetErrorCode;

use super::{WHOLE, changed, errors};

/// One change to the whole file: what it is, from, to.
pub type Case<'t> = (&'t str, &'t str, &'t str);

/// What is said about each case; each must find exactly one mistake, or a case hides that another says too much.
pub fn told(cases: &[Case<'_>]) -> String {
    let mut told = String::new();
    for (what, from, to) in cases {
        let errors = errors(&changed(WHOLE, from, to));
        assert_eq!(errors.errors().len(), 1, "{what}: one mistake, one error, not\n{errors}");
        writeln!(told, "## {what} [{}]\n{}\n", errors.errors()[0].code, errors.errors()[0]).expect("text");
    }
    told
}

#[test]
fn yaml_that_a_fleet_file_does_not_use() {
    let told = told(&[
        ("a tab as indentation", "  chat_topic:", "\tchat_topic:"),
        ("a colon in plain text", "system: shop", "system: shop: web"),
        ("a bracket left open", "regions: [eu-central-1]", "regions: [eu-central-1"),
        ("a reserved character", "system: shop", "system: @shop"),
        ("an anchor", "bounds: { min: 2, max: 20 }", "bounds: &usual { min: 2, max: 20 }"),
        ("a tag", "system: shop", "system: !!str shop"),
        ("a merge key", "cooldown: { grow: 90s, shrink: 10m }", "cooldown: { <<: x, grow: 90s, shrink: 10m }"),
        ("a key twice", "regions: [eu-central-1]", "regions: [eu-central-1]\nsystem: other"),
        ("a second document", "notices:", "---\nnotices:"),
        ("a template's braces", "bounds: { min: 2, max: 20 }", "bounds: { {{ min }}: 2, min: 2, max: 20 }"),
        ("too deep", "system: shop", "system: [[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn fields_that_are_missing_or_do_not_exist() {
    let told = told(&[
        ("another version", "version: 1", "version: 2"),
        ("no version", "version: 1\n", ""),
        ("a version that is no number", "version: 1", "version: one"),
        ("no system", "system: shop\n", ""),
        ("an unknown field at the top", "notices:", "owner: platform\nnotices:"),
        ("a typing error in a field", "cooldown:", "cooldwon:"),
        ("a field in the wrong place", "    cooldown:", "    min: 2\n    cooldown:"),
        ("no bounds", "    bounds: { min: 2, max: 20 }\n", ""),
        ("no max", "bounds: { min: 2, max: 20 }", "bounds: { min: 2 }"),
        ("nothing to run on", "    runs_on:\n      asg: { group: shop-batch }\n", ""),
        ("a rule without then", "        then: { remove: 1 }\n", ""),
        ("a rule without a name", "      - name: quiet\n        when:", "      - when:"),
        ("a calendar entry without time zone", ", timezone: Europe/Berlin, bounds: { min: 1,", ", bounds: { min: 1,"),
        ("a freeze without why", "{ why: Christmas, from", "{ from"),
        ("fields left empty", "runs_on:\n      asg: { group: shop-batch }", "runs_on:"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn values_that_cannot_be() {
    let told = told(&[
        ("bounds upside down", "{ min: 2, max: 20 }", "{ min: 20, max: 2 }"),
        ("a word for a number", "{ min: 2, max: 20 }", "{ min: two, max: 20 }"),
        ("a quoted number", "{ min: 2, max: 20 }", "{ min: \"2\", max: 20 }"),
        ("a negative number", "{ min: 2, max: 20 }", "{ min: -2, max: 20 }"),
        ("a number too large", "{ min: 2, max: 20 }", "{ min: 2, max: 6000 }"),
        ("bounds as a list", "bounds: { min: 2, max: 20 }", "bounds: [2, 20]"),
        ("a length without unit", "grow: 90s", "grow: 90"),
        ("a length that is none", "grow: 90s", "grow: soon"),
        ("a cooldown of days", "shrink: 10m", "shrink: 7d"),
        ("a name in capitals", "name: busy", "name: Busy Hours"),
        ("a system called all", "system: shop", "system: all"),
        ("a service's name", "  worker:\n", "  Worker_1:\n"),
        ("a threshold with a unit", "above: 70,", "above: 70%,"),
        ("adding nothing", "add: 2", "add: 0"),
        ("adding half", "add: 2", "add: 0.5"),
        ("a percentage that is none", "add: \"30%\"", "add: \"thirty %\""),
        ("a statistic that is none", "statistic: p95", "statistic: p101"),
        ("a metric that is none", "metric: response_time", "metric: latency"),
        ("a metric with a typing error", "metric: response_time", "metric: reponse_time"),
        ("a metric that needs more", "metric: { queue_depth: { queue: orders } }", "metric: queue_depth"),
        ("a metric with too much", "{ metric: cpu, below", "{ metric: { cpu: 1 }, below"),
        ("two actions", "then: { remove: 1 }", "then: { remove: 1, add: 1 }"),
        ("an action as a word", "then: { remove: 1 }", "then: remove"),
        ("a freeze time that is none", "from: 2026-12-24T12:00:00Z", "from: Christmas"),
        ("a list that is none", "regions: [eu-central-1]", "regions: eu-central-1"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn names_that_aws_would_not_know() {
    let told = told(&[
        ("no region", "regions: [eu-central-1]", "regions: []"),
        ("a zone for a region", "regions: [eu-central-1]", "regions: [eu-central-1a]"),
        ("a region mistyped", "regions: [eu-central-1]", "regions: [eu-centrl-1]"),
        ("a region by name", "regions: [eu-central-1]", "regions: [Frankfurt]"),
        ("a region twice", "regions: [eu-central-1]", "regions: [eu-central-1, eu-central-1]"),
        ("a topic by name", "  topic: arn:aws:sns:eu-central-1:111122223333:people", "  topic: people"),
        ("a queue for a topic", "  topic: arn:aws:sns:", "  topic: arn:aws:sqs:"),
        ("an account mistyped", "111122223333:people", "11112222333:people"),
        ("a FIFO topic", "111122223333:people", "111122223333:people.fifo"),
        (
            "a cluster's ARN",
            "{ cluster: shop, service: web }",
            "{ cluster: arn:aws:ecs:eu-central-1:111122223333:cluster/shop, service: web }",
        ),
        ("a group with a colon", "{ group: shop-batch }", "{ group: \"shop:batch\" }"),
        ("a load balancer by name", "app/shop/50dc6c495c0c9188", "shop"),
        (
            "a load balancer's whole ARN",
            "app/shop/50dc6c495c0c9188",
            "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188",
        ),
        ("a network load balancer", "app/shop/50dc6c495c0c9188", "net/shop/50dc6c495c0c9188"),
        ("a target group by name", "targetgroup/web/6d0ecf831eec9f09", "web"),
        ("a queue's URL", "{ queue: orders }", "{ queue: https://sqs.eu-central-1.amazonaws.com/111122223333/orders }"),
        ("an alarm of ours", "alarm: partner-campaign", "alarm: nightshift-shop-web-busy"),
        ("an alarm's ARN", "alarm: partner-campaign", "alarm: arn:aws:cloudwatch:eu-central-1:111122223333:alarm:partner"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn rules_that_make_no_sense() {
    let told = told(&[
        ("nothing to watch", "when: { metric: cpu, above: 70, for: 5m }", "when: { above: 70, for: 5m }"),
        ("both a metric and an alarm", "{ alarm: partner-campaign }", "{ alarm: partner-campaign, metric: cpu }"),
        ("above and below", "{ metric: cpu, above: 70, for: 5m }", "{ metric: cpu, above: 70, below: 90, for: 5m }"),
        ("for how long", "{ metric: cpu, above: 70, for: 5m }", "{ metric: cpu, above: 70 }"),
        ("not a whole number of periods", "for: 3m, period: 1m", "for: 3m, period: 2m"),
        ("a period that CloudWatch has not", "for: 3m, period: 1m", "for: 3m, period: 45s"),
        ("a short period of an AWS metric", "for: 3m, period: 1m", "for: 3m, period: 30s"),
        ("longer than a day", "for: 15m", "for: 2d"),
        ("no percentage", "above: 70,", "above: 700,"),
        ("never below nothing", "below: 30,", "below: 0,"),
        ("no number", "above: 1.5,", "above: .nan,"),
        ("a load balancer's metric without one", "metric: { queue_depth: { queue: orders } }", "metric: http_5xx"),
        ("requests by another statistic", "metric: request_count_per_target,", "metric: request_count_per_target, statistic: average,"),
        ("a target for an existing alarm", "then: { add: 4 }", "then: { to_target: 4 }"),
        ("a target of nothing", "to_target: 50", "to_target: 0"),
        ("a target above the threshold", "to_target: 60", "to_target: 80"),
        ("a target below the threshold", "then: { remove: 1 }", "then: { to_target: 20 }"),
        (
            "growing when quiet",
            "{ metric: cpu, above: 70, for: 5m }\n        then: { to_target: 60 }",
            "{ metric: memory, below: 20, for: 5m }\n        then: { add: 1 }",
        ),
        ("shrinking when busy", "above: 900, for: 2m }\n        then: { add: 2 }", "above: 900, for: 2m }\n        then: { remove: 2 }"),
        ("thresholds that overlap", "below: 30,", "below: 75,"),
        ("a target into the other rule", "then: { remove: 1 }", "then: { to_target: 70 }"),
        ("two rules of one name", "name: crowded", "name: slow"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn clocks_that_cannot_be() {
    let told = told(&[
        ("a cron of six fields", "0 22 * * *", "0 0 22 * * *"),
        ("EventBridge's cron", "0 22 * * *", "cron(0 22 * * ? *)"),
        ("an hour that is none", "0 22 * * *", "0 25 * * *"),
        ("a day that is none", "0 6 * * MON-FRI", "0 6 * * MON-FRY"),
        ("a range backwards", "0 22 * * *", "0 22-4 * * *"),
        ("a step of nothing", "0 22 * * *", "*/0 22 * * *"),
        ("a day that never comes", "0 22 * * *", "0 22 30 2 *"),
        ("a zone mistyped", "\"0 22 * * *\", timezone: Europe/Berlin", "\"0 22 * * *\", timezone: Europe/Berln"),
        ("a zone that is none", "\"0 22 * * *\", timezone: Europe/Berlin", "\"0 22 * * *\", timezone: CET-ish"),
        ("one entry alone", "      - { name: day, cron: \"0 6 * * MON-FRI\", timezone: Europe/Berlin, bounds: { min: 4, max: 20 } }\n", ""),
        ("two entries of one name", "name: night", "name: day"),
        ("a digit too many", "bounds: { min: 4, max: 20 }", "bounds: { min: 4, max: 2000 }"),
        ("too many actions", "actions_per_hour: 20", "actions_per_hour: 600"),
        ("a freeze upside down", "to: 2026-12-27T06:00:00Z", "to: 2026-12-23T06:00:00Z"),
        ("half a freeze", ", to: 2026-12-27T06:00:00Z", ""),
        ("a freeze that never ends", "\"0 3 * * SUN\", timezone: UTC, for: 2h", "\"0 3 * * *\", timezone: UTC, for: 24h"),
        ("a freeze without reason", "why: weekly backup", "why: \"\""),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_two_services_may_not_share() {
    let told = told(&[
        ("one ECS service", "{ cluster: shop, service: worker }", "{ cluster: shop, service: web }"),
        ("one group", "{ group: shop-batch }", "{ group: shop-workers }"),
    ]);
    insta::assert_snapshot!(told);
    // web + slow-start and web-slow + start would both be nightshift-shop-web-slow-start.
    let text = changed(WHOLE, "name: slow", "name: slow-start").replace("-web-slow]", "-web-slow-start]");
    let rules = "rules: [{ name: start, when: { metric: cpu, above: 50, for: 1m }, then: { add: 1 } }]";
    let text = changed(&text, "  batch:\n", &format!("  web-slow:\n    {rules}\n"));
    insta::assert_snapshot!("one_alarm_name", errors(&text));
}

#[test]
fn a_load_balancer_belongs_to_one_region() {
    let errors = errors(&changed(WHOLE, "regions: [eu-central-1]", "regions: [eu-central-1, us-east-1]"));
    assert_eq!(errors.errors().len(), 2, "both rules that it measures");
    insta::assert_snapshot!(errors);
}

#[test]
fn texts_that_are_no_fleet_file() {
    let mut told = String::new();
    for (what, text) in [
        ("nothing", ""),
        ("only a comment", "# fleet\n"),
        ("a word", "fleet"),
        ("a list", "- web\n- api\n"),
        ("JSON of something else", "{\"Records\": []}"),
        ("an alias", "version: 1\nsystem: *name\nregions: [us-east-1]\nservices: {}\n"),
        ("no service", "version: 1\nsystem: shop\nregions: [us-east-1]\nservices: {}\n"),
    ] {
        writeln!(told, "## {what}\n{}\n", errors(text)).expect("text");
    }
    insta::assert_snapshot!(told);
}

/// The point of it all: one reading tells everything, in the order of the file, and nothing that only follows.
#[test]
fn many_mistakes_are_all_told_at_once() {
    let text = include_str!("many_mistakes.yaml");
    let errors = errors(text);
    insta::assert_snapshot!(errors);
    let marked: Vec<usize> = (1..).zip(text.lines()).filter(|(_, line)| line.contains("# wrong")).map(|(number, _)| number).collect();
    let mut told: Vec<usize> = errors.errors().iter().map(|error| error.line).collect();
    told.dedup();
    assert_eq!(told, marked, "each line that is marked as wrong, and no other");
}

#[test]
fn every_error_says_where_what_and_what_instead() {
    for error in errors(include_str!("many_mistakes.yaml")).errors() {
        assert!(error.line >= 1 && error.column >= 1 && error.length >= 1, "{error:?}");
        assert!(error.column + error.length <= error.source_line.chars().count() + 2, "{error:?}");
        assert!(!error.problem.is_empty() && !error.help.is_empty() && error.code.as_str().starts_with("fleet-"), "{error:?}");
        assert!(error.to_string().starts_with(&format!("fleet.yaml:{}:{}: ", error.line, error.column)), "{error}");
    }
}

#[test]
fn a_hundred_mistakes_are_enough() {
    let extra: String = (0..500).map(|number| format!("unknown_{number}: 1\n")).collect();
    let errors = errors(&format!("{extra}{WHOLE}"));
    assert!((90..=110).contains(&errors.errors().len()), "{}", errors.errors().len());
}

#[test]
fn another_version_is_all_that_is_said() {
    let text = changed(WHOLE, "version: 1", "version: 7").replace("cooldown:", "pace:");
    let errors = errors(&text);
    assert_eq!(errors.errors().len(), 1);
    assert_eq!(errors.errors()[0].code, FleetErrorCode::Version);
}
