//! Both sides of every edge: what is just allowed, and what just is not. Each case is a rule, a name or a schedule in a small file.

use nightshift_core::alarms::condition_sentence;
use nightshift_core::fleet::fleet_from_yaml;

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
