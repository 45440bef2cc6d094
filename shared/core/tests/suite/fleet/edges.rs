//! Both sides of every edge: what is just allowed, and what just is not. Each case is a rule, a name or a schedule in a small file.

use nightshift_core::alarms::condition_sentence;
use nightshift_core::fleet::{SecretName, Statistic, fleet_from_yaml};

use super::{WHOLE, changed};

fn file(rule: &str) -> String {
    format!(
        "
version: 1
system: shop
regions: [us-east-1]
services:
  api:
    runs_on: {{ ecs: {{ cluster: shop, service: api }} }}
    bounds: {{ min: 2, max: 10 }}
    rules:
      - {{ name: r, {rule} }}
"
    )
}

fn with_secret(secret: &str) -> String {
    file("when: { metric: cpu, above: 70, for: 2m }, then: { add: 1 }") + &format!("secrets:\n  {secret}\n")
}

fn with_path(tags: &str) -> String {
    let path =
        format!("paths:\n  p:\n    tags: {{ match: [{tags}] }}\n    stages: [{{ name: all, waves: [{{ regions: [us-east-1] }}] }}]\n");
    let deploy = "    deploy: { repository: shop/api, path: p }\n    rules:";
    file("when: { metric: cpu, above: 70, for: 2m }, then: { add: 1 }").replace("    rules:", deploy) + &path
}

/// Whether it is read, and what is said if it is not.
fn is_read(text: &str) -> Result<(), String> {
    fleet_from_yaml("fleet.yaml", text).map(|_| ()).map_err(|errors| errors.to_string())
}

fn all(cases: Vec<(String, bool)>) {
    for (text, is_good) in cases {
        let read = is_read(&text);
        assert_eq!(read.is_ok(), is_good, "{text}\n{read:?}");
    }
}

#[test]
fn targets_stay_on_the_right_side_of_their_threshold() {
    let rule = |when: &str, target: &str| file(&format!("when: {{ {when}, for: 2m }}, then: {{ to_target: {target} }}"));
    let requests =
        |comparison: &str, target: &str| rule(&format!("metric: {{ cloudwatch: {{ namespace: S, name: N }} }}, {comparison}: 100"), target);
    all(vec![
        (rule("metric: cpu, above: 70", "70"), true),
        (rule("metric: cpu, above: 70", "70.5"), false),
        (rule("metric: cpu, above: 70", "0.5"), true),
        (rule("metric: cpu, above: 70", "0"), false),
        (rule("metric: cpu, above: 70", "-1"), false),
        (requests("above", "100"), true),
        (requests("above", "101"), false),
        (requests("above", "50"), true),
        (requests("below", "100"), true),
        (requests("below", "99"), false),
        (requests("below", "150"), true),
        // A percentage ends at 100, wherever its threshold is.
        (rule("metric: cpu, above: 100", "100"), true),
        (rule("metric: cpu, below: 30", "100"), true),
        (rule("metric: cpu, below: 30", "100.5"), false),
    ]);
}

#[test]
fn what_aws_measures_is_load_and_what_you_measure_may_be_anything() {
    let rule =
        |metric: &str, way: &str, then: &str| file(&format!("when: {{ metric: {metric}, {way}: 10, for: 2m }}, then: {{ {then}: 1 }}"));
    let own = "{ cloudwatch: { namespace: Shop, name: FreeSeats } }";
    all(vec![
        (rule("cpu", "above", "add"), true),
        (rule("cpu", "below", "remove"), true),
        (rule("cpu", "below", "add"), false),
        (rule("cpu", "above", "remove"), false),
        (rule(own, "below", "add"), true),
        (rule(own, "above", "remove"), true),
    ]);
}

#[test]
fn queues_have_names_that_sqs_takes() {
    let rule = |queue: &str| {
        file(&format!("when: {{ metric: {{ queue_depth: {{ queue: \"{queue}\" }} }}, above: 10, for: 2m }}, then: {{ add: 1 }}"))
    };
    let (longest, too_long) = ("q".repeat(80), "q".repeat(81));
    all(vec![
        (rule("orders"), true),
        (rule("or-ders_9.fifo"), true),
        (rule(&longest), true),
        (rule(&too_long), false),
        (rule(".fifo"), false),
        (rule(""), false),
        (rule("or ders"), false),
        (rule("orders.std"), false),
    ]);
}

#[test]
fn tags_and_their_patterns() {
    let (longest, too_long) = ("t".repeat(128), "t".repeat(129));
    all(vec![
        (with_path("\"v*\""), true),
        (with_path(&format!("\"{longest}\"")), true),
        (with_path(&format!("\"*{longest}*\"")), true),
        (with_path(&format!("\"{too_long}\"")), false),
        (with_path("\"\""), false),
        (with_path("\"v/1\""), false),
    ]);
}

#[test]
fn rotation_schedules() {
    let every = |length: &str| with_secret(&format!("shop/a: {{ keys: {{}}, rotate: {{ every: {length} }} }}"));
    let at = |cron: &str| with_secret(&format!("shop/a: {{ keys: {{}}, rotate: {{ cron: \"{cron}\" }} }}"));
    let mut told = String::new();
    for (what, text) in ["4h", "3h", "999d", "1000d", "5h", "90m", "270m", "1d", "0d", "x"].map(|length| (length.to_owned(), every(length)))
    {
        told.push_str(&format!("every {what}: {}\n", first_line(is_read(&text))));
    }
    let crons = [
        "0 4 * * ? *",
        "0 0/4 * * ? *",
        "0 0/3 * * ? *",
        "0 /4 * * ? *",
        "0 */4 * * ? *",
        "0 22/4 * * ? *",
        "0 2/10 * * ? *",
        "0 24 * * ? *",
        "0 23 1 * ? *",
        "0 4 31 * ? *",
        "0 4 32 * ? *",
        "0 4 1/15 * ? *",
        "0 4 1/+5 * ? *",
        "0 4 5-1 * ? *",
        "0 4 1-5 * ? *",
        "0 4 L * ? *",
        "0 4 SUNL * ? *",
        "0 4 XYZL * ? *",
        "0 4 ? * MON *",
        "0 4 ? * MON#1 *",
        "0 4 ? * MON#6 *",
        "0 4 ? * 8 *",
        "0 4 ? * L *",
        "0 4 ? JAN,JUL L *",
        "5 4 * * ? *",
        "0 4 * * * *",
        "0 4 ? * ? *",
        "0 4 1 1/0 ? *",
        "0 4 1 1/13 ? *",
        "0 4 1 1/12 ? *",
    ];
    for (what, text) in crons.map(|cron| (cron, at(cron))) {
        told.push_str(&format!("{what}: {}\n", first_line(is_read(&text))));
    }
    insta::assert_snapshot!(told);
}

fn first_line(read: Result<(), String>) -> String {
    let text = read.err().unwrap_or_else(|| "good".into());
    text.lines().next().unwrap_or_default().to_owned()
}

/// Lengths in whole units, as sentences have them.
#[test]
fn lengths_in_sentences() {
    let mut told = String::new();
    for length in ["30s", "60s", "90s", "120s", "60m", "61m", "24h", "1d", "25h"] {
        let text = file(&format!(
            "when: {{ metric: cpu, above: 70, for: {length}, period: {} }}, then: {{ add: 1 }}",
            if length == "30s" || length == "90s" { "30s" } else { "1m" }
        ));
        let said = fleet_from_yaml("fleet.yaml", &text).map(|fleet| condition_sentence(&fleet.services["api"].rules[0]));
        told.push_str(&format!(
            "{length}: {}\n",
            said.unwrap_or_else(|errors| errors.to_string().lines().next().unwrap_or_default().to_owned())
        ));
    }
    insta::assert_snapshot!(told);
}

/// The file that uses every field, with one thing changed in it, and whether it is still read.
fn whole(cases: Vec<(&str, String, bool)>) {
    all(cases.into_iter().map(|(from, to, is_good)| (changed(WHOLE, from, &to), is_good)).collect());
}

#[test]
fn amounts_end_at_the_largest_count() {
    let step = |amount: &str| file(&format!("when: {{ metric: cpu, above: 70, for: 2m }}, then: {{ add: {amount} }}"));
    all(vec![(step("5000"), true), (step("5001"), false), (step("\"1000%\""), true), (step("\"1001%\""), false)]);
}

#[test]
fn periods_are_those_that_cloudwatch_evaluates() {
    let lasting = |length: &str, period: &str| {
        file(&format!("when: {{ metric: cpu, above: 70, for: {length}, period: {period} }}, then: {{ add: 1 }}"))
    };
    all(vec![
        (lasting("3m", "1m"), true),
        // A minute and a half is longer than a minute, and no whole number of them.
        (lasting("3m", "90s"), false),
        (lasting("1m", "0s"), false),
        (lasting("1d", "30m"), true),
        (lasting("1470m", "30m"), false),
        (lasting("7d", "1h"), true),
        (lasting("169h", "1h"), false),
    ]);
}

#[test]
fn an_existing_alarm_stands_alone() {
    let when = |more: &str| file(&format!("when: {{ alarm: {more} }}, then: {{ add: 1 }}"));
    all(vec![
        (when("busy"), true),
        (when("busy, above: 70"), false),
        (when("busy, below: 70"), false),
        (when("busy, for: 2m"), false),
        (when("busy, period: 1m"), false),
        (when("busy, statistic: sum"), false),
        (when("\" \""), false),
    ]);
}

#[test]
fn a_percentile_has_three_digits_and_one_decimal_at_most() {
    let read = |text: &str| Statistic::try_from(text.to_owned());
    for (text, tenths) in [("p0", 0), ("p0.1", 1), ("p5", 50), ("p095", 950), ("p99.9", 999), ("p100", 1_000), ("p100.0", 1_000)] {
        assert_eq!(read(text), Ok(Statistic::Percentile(tenths)), "{text}");
    }
    for text in ["p", "p.5", "p5.", "p+9", "p9.+", "p9.12", "p0095", "p100.1", "p9,5", "95"] {
        assert!(read(text).is_err(), "{text}");
    }
}

/// Sums over periods of different lengths are different numbers; means are not.
#[test]
fn rules_that_overlap_watch_the_same_number() {
    let pair = |statistic: &str, one: &str, other: &str| {
        let when = |way: &str, period: &str| {
            let metric = "{ cloudwatch: { namespace: S, name: N } }";
            format!("when: {{ metric: {metric}, {way}, statistic: {statistic}, for: 1h, period: {period} }}")
        };
        let grows = format!("{}, then: {{ add: 1 }} }}", when("above: 40", one));
        file(&format!("{grows}\n      - {{ name: s, {}, then: {{ remove: 1 }}", when("below: 50", other)))
    };
    all(vec![
        (pair("sum", "1m", "1m"), false),
        (pair("sum", "1m", "5m"), true),
        (pair("sample_count", "1m", "1m"), false),
        (pair("sample_count", "1m", "5m"), true),
        (pair("average", "1m", "1m"), false),
        (pair("average", "1m", "5m"), false),
    ]);
}

#[test]
fn metrics_of_your_own_are_named_as_cloudwatch_takes_them() {
    let named = |namespace: &str, name: &str, dimensions: &str| {
        let metric = format!("cloudwatch: {{ namespace: \"{namespace}\", name: \"{name}\", dimensions: {{ {dimensions} }} }}");
        file(&format!("when: {{ metric: {{ {metric} }}, above: 10, for: 2m }}, then: {{ add: 1 }}"))
    };
    let dimensions = |count: usize| (0..count).map(|number| format!("d{number}: v")).collect::<Vec<_>>().join(", ");
    let (longest, too_long) = ("n".repeat(255), "n".repeat(256));
    all(vec![
        (named("Shop", "Lag", "Stage: live"), true),
        (named(&longest, &longest, &dimensions(30)), true),
        (named(&too_long, "Lag", ""), false),
        (named("Shop", &too_long, ""), false),
        (named(" ", "Lag", ""), false),
        (named("Shop", "", ""), false),
        (named("Shop", "Lag", &dimensions(31)), false),
        (named("Shop", "Lag", "Stage: \"\""), false),
        (named("Shop", "Lag", "\" \": live"), false),
    ]);
}

#[test]
fn regions_are_words_a_direction_and_a_small_number() {
    let region = |region: &str| file("when: { metric: cpu, above: 70, for: 2m }, then: { add: 1 }").replace("us-east-1", region);
    all(vec![
        (region("us-gov-west-1"), true),
        (region("us-east-10"), true),
        (region("us-east-100"), false),
        (region("u-east-1"), false),
        (region("US-east-1"), false),
        (region("us-eaSt-1"), false),
    ]);
}

#[test]
fn names_that_aws_gives_end_where_aws_ends_them() {
    let topic = |arn: String| ("  topic: arn:aws:sns:eu-central-1:111122223333:people", format!("  topic: \"{arn}\""));
    let topic = |partition: &str, region: &str, name: &str| topic(format!("arn:{partition}:sns:{region}:111122223333:{name}"));
    let alarm = |name: &str| ("alarms: [orders-fail, nightshift-shop-web-slow]", format!("alarms: [{name}]"));
    let bucket = |name: &str| ("bucket: shop-site", format!("bucket: \"{name}\""));
    let database = |name: &str| ("database: orders", format!("database: {name}"));
    let cases = [
        (topic("aws-cn", "cn-north-1", "people"), true),
        (topic("gcp", "eu-central-1", "people"), false),
        (topic("aws", "nowhere", "people"), false),
        (topic("aws", "eu-central-1", &"t".repeat(256)), true),
        (topic("aws", "eu-central-1", &"t".repeat(257)), false),
        (topic("aws", "eu-central-1", "peo.ple"), false),
        (alarm(&"a".repeat(255)), true),
        (alarm(&"a".repeat(256)), false),
        (bucket("192.168.5.4"), false),
        (bucket("shop.site.eu.live"), true),
        (bucket("192168"), true),
        (bucket("192.168.5"), true),
        (database(&"d".repeat(63)), true),
        (database(&"d".repeat(64)), false),
    ];
    whole(cases.into_iter().map(|((from, to), is_good)| (from, to, is_good)).collect());
    let secret = |name: &str| SecretName::try_from(name.to_owned()).is_ok();
    let (longest, too_long) = ("s".repeat(512), "s".repeat(513));
    assert_eq!([secret("s"), secret(&longest), secret(&too_long), secret("")], [true, true, false, false]);
}

#[test]
fn times_shares_and_ports_at_their_limits() {
    let address = |port: &str| format!("https://api.mail.example{port}/v3/account");
    let url = "https://api.mail.example:8443/v3/account";
    let once = "to: 2026-12-27T06:00:00Z";
    let again = "timezone: UTC, for: 2h";
    let day = "bounds: { min: 4, max: 20 }";
    let shares = "minimum_healthy: 90, maximum_healthy: 150";
    whole(vec![
        ("shrink: 10m", "shrink: 1d".into(), true),
        ("shrink: 10m", "shrink: 86401s".into(), false),
        (once, "to: 2026-12-24T12:00:01Z".into(), true),
        (once, "to: 2026-12-24T12:00:00Z".into(), false),
        (again, "timezone: UTC, for: 60s".into(), true),
        (again, "timezone: UTC, for: 59s".into(), false),
        (day, "bounds: { min: 4, max: 200 }".into(), true),
        (day, "bounds: { min: 4, max: 201 }".into(), false),
        (shares, "minimum_healthy: 50, maximum_healthy: 150".into(), true),
        (shares, "minimum_healthy: 49, maximum_healthy: 150".into(), false),
        (url, address(""), true),
        (url, address(":1"), true),
        (url, address(":65535"), true),
        (url, address(":0"), false),
        (url, address(":65536"), false),
    ]);
}

#[test]
fn ten_people_may_have_to_agree_and_not_eleven() {
    let topic = "topic: arn:aws:sns:eu-central-1:111122223333:on-call }\n";
    let needing = |needed: usize| {
        let more: String =
            (3..needed).map(|n| format!("            - {{ name: a{n}, {}", topic.replace("on-call", &format!("a{n}")))).collect();
        (format!("{topic}          needed: 2\n"), format!("{topic}{more}          needed: {needed}\n"))
    };
    let ((ten, of_ten), (eleven, of_eleven)) = (needing(10), needing(11));
    whole(vec![(&ten, of_ten, true), (&eleven, of_eleven, false)]);
}
