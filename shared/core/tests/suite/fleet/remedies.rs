//! What a person is told to write instead, where it is told, and what is left untold because it only follows.

use nightshift_core::fleet::FleetErrorCode;
use nightshift_core::fleet::read::nearest;

use super::{WHOLE, changed, errors, read};

const HEAD: &str = "version: 1\nsystem: shop\nregions: [us-east-1]\n";
const SERVICE: &str = "services:\n  api:\n    runs_on: { asg: { group: shop } }\n    bounds: { min: 1, max: 2 }\n";
const DEPLOY: &str = "    deploy: { repository: shop/api, path: usual }\n";
const PATH: &str = "paths:\n  usual: { tags: { match: [\"*\"] }, stages: [{ name: all, waves: [{ regions: [us-east-1] }] }] }\n";

/// What is wrong and what helps, of each mistake.
fn told(text: &str) -> Vec<(String, String)> {
    errors(text).into_errors().into_iter().map(|error| (error.problem, error.help)).collect()
}

fn problems(text: &str) -> Vec<String> {
    told(text).into_iter().map(|(problem, _)| problem).collect()
}

fn only_help(text: &str) -> String {
    let mut told = told(text);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0).1
}

#[test]
fn an_example_shows_what_is_missing() {
    let path = format!("{HEAD}{SERVICE}{DEPLOY}{PATH}");
    let night = "name: night, cron: \"0 22 * * *\", timezone";
    for (text, help) in [
        (changed(WHOLE, "asg: { group: shop-batch }", "asg: {}"), "add group: and the name of the Auto Scaling group"),
        (changed(WHOLE, "{ asg: { group: shop-batch-staging } }", "{ asg: {} }"), "add group: and the name of the Auto Scaling group"),
        (changed(WHOLE, "{ cluster: shop, service: worker }", "{ cluster: shop }"), "add service: and the name of the ECS service"),
        (
            changed(WHOLE, "      target_group: targetgroup/web/6d0ecf831eec9f09\n", ""),
            "add target_group: targetgroup/<name>/<id>, the end of the target group's ARN",
        ),
        (changed(WHOLE, night, "name: night, timezone"), "add cron: \"0 20 * * MON-FRI\""),
        (
            changed(&path, ", stages: [{ name: all, waves: [{ regions: [us-east-1] }] }]", ""),
            "add stages: [{ name: production, waves: [{ regions: [us-east-1] }] }]",
        ),
    ] {
        assert_eq!(only_help(&text), help);
    }
}

#[test]
fn what_stands_beside_something_missing_is_still_looked_at() {
    let cases = [
        ("version: 1\nsystem: shop\nregions: [nowhere]\n".to_owned(), ["the file has no `services`", "\"nowhere\" is no AWS region"]),
        (
            format!("{HEAD}services:\n  api:\n    bounds: {{ min: 1, max: 2 }}\n    cooldown: {{ grow: 7d }}\n"),
            ["`api` has no `runs_on`", "a cooldown of 7d is longer than a day"],
        ),
        (
            format!("{HEAD}{SERVICE}    deploy:\n      repository: Shop\n"),
            ["`deploy` has no `path`", "\"Shop\" is no name of an ECR repository"],
        ),
        (
            format!("{HEAD}{SERVICE}front_ends:\n  site:\n    distribution: d1\n"),
            ["`site` has no `bucket`", "\"d1\" is no id of a CloudFront distribution"],
        ),
        (
            format!("{HEAD}{SERVICE}secrets:\n  key:\n    issued:\n      how: \"\"\n"),
            ["`issued` has no `max_age`", "the notice would say that something is to be done, and not what"],
        ),
    ];
    for (text, expected) in cases {
        let mut told = problems(&text);
        told.sort_by_key(|problem| !problem.contains("has no"));
        assert_eq!(told, expected, "{text}");
    }
}

/// Each of these has one mistake, and other things that would be wrong without it.
#[test]
fn what_only_follows_from_a_mistake_is_not_told() {
    let targets = "      targets:\n        staging: { asg: { group: shop-batch-staging } }\n";
    let nowhere = changed(WHOLE, "    runs_on:\n      asg: { group: shop-batch }\n", "");
    for (what, text, problem) in [
        ("no paths that could be read", format!("{HEAD}{SERVICE}{DEPLOY}paths: 7\n"), "`paths` needs"),
        ("its own path could not be read", format!("{HEAD}{SERVICE}{DEPLOY}paths: {{ usual: 7 }}\n"), "`usual` needs fields, not 7"),
        ("no targets that could be read", changed(WHOLE, targets, "      targets: 7\n"), "`targets` needs"),
        ("two stages on what is not written", changed(&nowhere, targets, ""), "`batch` has no `runs_on`"),
        ("an action that is none", changed(WHOLE, "{ remove: 1 }", "{ halve: 1 }"), "there is no `halve` in `then`"),
        ("a metric that is none", changed(WHOLE, "metric: response_time", "metric: { delay: 1 }"), "there is no `delay` in `metric`"),
        (
            "no severity that is one",
            changed(WHOLE, "most: { critical: 0, high: 2, medium: 20, undefined: 0 }", "most: { grave: 0 }"),
            "there is no `grave` in `most`",
        ),
    ] {
        let told = problems(&text);
        assert_eq!(told.len(), 1, "{what}: {told:?}");
        assert!(told[0].starts_with(problem), "{what}: {told:?}");
    }
}

#[test]
fn a_path_that_nobody_wrote_is_shown() {
    let help = only_help(&format!("{HEAD}{SERVICE}{DEPLOY}"));
    assert_eq!(help, "write it: paths: { usual: { tags: { match: [\"*\"] }, stages: [...] } }, beside services");
}

#[test]
fn values_of_the_wrong_type_are_answered_in_words() {
    let grow = |value: &str| told(&changed(WHOLE, "grow: 90s", &format!("grow: {value}")));
    let length = "a length of time such as 90s, 2m, 1h or 7d";
    for (value, found) in [("[90]", "a list"), ("-90", "-90"), ("true", "true"), ("{ s: 90 }", "fields")] {
        assert_eq!(grow(value), [(format!("`grow` needs {length}, not {found}"), format!("write {length}"))], "{value}");
    }
    for (value, problem) in [(".inf", "inf is no threshold"), ("-.INF", "-inf is no threshold"), (".NaN", "NaN is no threshold")] {
        let told = told(&changed(WHOLE, "above: 1.5,", &format!("above: {value},")));
        assert_eq!(told, [(problem.to_owned(), "write a finite number such as 70".to_owned())], "{value}");
    }
    let every = |length: &str| only_help(&changed(WHOLE, "every: 12h", &format!("every: {length}")));
    assert_eq!(every("1530m"), "write whole hours or days, such as 12h or 30d", "a day and a half hour");
    assert_eq!(every("1000d"), "write 4h to 999d");
}

/// The end of an ARN is only shown as the name where it is one.
#[test]
fn a_name_is_taken_from_an_arn_only_where_it_is_one() {
    let pipeline = |name: &str| only_help(&changed(WHOLE, "  shop-Mobile.App:", &format!("  \"{name}\":")));
    let usual = "write its name as CodePipeline shows it: 1 to 100 letters, digits and . @ - _";
    assert_eq!(pipeline("arn:aws:codepipeline:eu-central-1:111122223333:app"), "write the pipeline's name alone: app");
    assert_eq!(pipeline("arn:aws:codepipeline:eu-central-1:111122223333:my app"), usual);
    assert_eq!(pipeline(&"p".repeat(101)), usual);

    let cluster =
        |name: &str| only_help(&changed(WHOLE, "{ cluster: shop, service: web }", &format!("{{ cluster: \"{name}\", service: web }}")));
    let arn = "arn:aws:ecs:eu-central-1:111122223333:cluster/";
    assert_eq!(cluster(&format!("{arn}shop")), "write the name alone, not the ARN: shop");
    assert_eq!(cluster(arn), "write the name as the AWS console shows it");

    let balancer = |name: &str| only_help(&changed(WHOLE, "app/shop/50dc6c495c0c9188", name));
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop";
    assert_eq!(balancer(&format!("{arn}/50dc6c495c0c9188")), "write only the end of the ARN: app/shop/50dc6c495c0c9188");
    assert!(balancer(arn).starts_with("write app/<name>/<id>, "), "half of an ARN");
}

#[test]
fn what_outlasts_the_deadline_is_pointed_at() {
    let times = |delay: &str, warmup: &str| {
        let text = changed(WHOLE, "checkpoint_delay: 5m", &format!("checkpoint_delay: {delay}"));
        let errors = errors(&changed(&text, "warmup: 150s", &format!("warmup: {warmup}")));
        assert_eq!(errors.errors().len(), 1, "{errors}");
        let error = &errors.errors()[0];
        error.source_line.chars().skip(error.column - 1).take(error.length).collect::<String>()
    };
    // Two checkpoints, so two stops; the deadline is 45 minutes.
    assert_eq!(times("20m", "30m"), "[20, 50]");
    assert_eq!(times("10m", "30m"), "30m");
    assert_eq!(times("15m", "30m"), "30m", "as long as each other");
}

#[test]
fn what_ends_too_early_is_pointed_at_behind_the_last_line() {
    for end in ["", "\n"] {
        let errors = errors(&format!("version: 1\nregions: [us-east-1{end}"));
        let error = &errors.errors()[0];
        assert_eq!((error.line, error.column, error.length), (2, 20, 1), "{errors}");
        assert_eq!(error.source_line, "regions: [us-east-1");
    }
}

#[test]
fn a_file_has_four_mebibytes_at_most() {
    let padded = |bytes: usize| format!("{WHOLE}#{}", "x".repeat(bytes - WHOLE.len() - 1));
    assert_eq!(read(&padded(4 << 20)), read(WHOLE));
    let errors = errors(&padded((4 << 20) + 1));
    let [error] = errors.errors() else { panic!("{errors}") };
    assert_eq!((error.code, error.problem.as_str()), (FleetErrorCode::Syntax, "the file has 4194305 bytes, the most is 4194304"));
}

#[test]
fn a_word_is_near_when_few_of_its_letters_are_wrong() {
    for (word, known, is_near) in [
        // A third of the letters may be wrong; two that are swapped count as one.
        ("prodcutoin", "production", true),
        ("abxdexghi", "abcdefghi", true),
        ("abxdexghx", "abcdefghi", true),
        ("abxdexgxx", "abcdefghi", false),
        ("ipzza", "pizza", true),
        ("ipzzo", "pizza", false),
        ("pizz", "pizza", true),
        ("pixxa", "pizza", false),
        // One word may be the beginning of the other, from three letters on.
        ("pro", "production", true),
        ("production", "pro", true),
        ("pr", "production", false),
        ("production", "pr", false),
    ] {
        assert_eq!(nearest(word, [known]), is_near.then_some(known), "{word} for {known}");
    }
    assert_eq!(nearest("stagin", ["aging", "staging", "string"]), Some("staging"), "the nearest of several");
}
