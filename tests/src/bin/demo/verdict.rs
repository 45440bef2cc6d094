//! What came of the hour, as a table, and whether it is what should have come of it.

use std::collections::BTreeMap;

use nightshift_tests::{LocalAws, Nightshift, Notice};
use serde_json::Value;

use crate::busy_hour::Tenant;
use crate::watch::steps;

/// One row for each service.
pub fn table(nightshift: &Nightshift<'_>, tenants: &[Tenant]) -> Vec<Vec<String>> {
    let head = ["service", "start", "peak", "end", "grown", "shrunk", "messages", "held, and why"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for tenant in tenants {
        let history = nightshift.history(tenant.hour.name);
        let held = count_by(&history, "reason", |entry| entry["decision"] == "hold");
        let held: Vec<String> = held.iter().map(|(reason, count)| format!("{count} x {reason}")).collect();
        rows.push(vec![
            tenant.hour.name.to_owned(),
            tenant.hour.start.to_string(),
            tenant.seen_peak.to_string(),
            tenant.seen_now.to_string(),
            acted(&history, "grow").to_string(),
            acted(&history, "shrink").to_string(),
            notices(nightshift, tenant).len().to_string(),
            held.join(", "),
        ]);
    }
    rows
}

/// Everything that is not as it should be.
pub async fn judge(aws: &LocalAws, nightshift: &Nightshift<'_>, tenants: &[Tenant]) -> Vec<String> {
    let mut problems = Vec::new();
    for tenant in tenants {
        judge_sizes(tenant, tenant.size_now(aws).await, &mut problems);
        judge_actions(nightshift, tenant, &mut problems);
    }
    let queue = nightshift.output("FailureQueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
    let kept = aws.messages(&queue).len();
    if kept > 0 {
        problems.push(format!("{kept} events are in the failure queue"));
    }
    let (mails, notices) = (aws.mails().len(), nightshift.notices().len());
    if mails != notices {
        problems.push(format!("{notices} notices, but {mails} mails"));
    }
    problems
}

fn judge_sizes(tenant: &Tenant, now: i32, problems: &mut Vec<String>) {
    let (name, unit) = (tenant.hour.name, tenant.unit());
    if tenant.seen_peak != tenant.hour.peak {
        problems.push(format!("{name} should have grown to {} {unit} and had {} at the most", tenant.hour.peak, tenant.seen_peak));
    }
    if now != tenant.hour.start {
        problems.push(format!("{name} should be back at {} {unit} and has {now}", tenant.hour.start));
    }
    if !tenant.is_over() {
        problems.push(format!("{name}: the hour did not come to its end"));
    }
}

fn judge_actions(nightshift: &Nightshift<'_>, tenant: &Tenant, problems: &mut Vec<String>) {
    let name = tenant.hour.name;
    let history = nightshift.history(name);
    let bounds = tenant.hour.fleet.service(tenant.hour.service).bounds;
    let allowed = i64::from(bounds.min().get())..=i64::from(bounds.max().get());
    for (from, to) in history.iter().flat_map(steps).filter(|(_, to)| !allowed.contains(to)) {
        problems.push(format!("{name} was sent from {from} to {to}, out of its bounds {bounds}"));
    }
    for entry in history.iter().filter(|entry| entry["outcome"]["ending"] == "unfinished" || entry["outcome"]["errors"][0].is_object()) {
        problems.push(format!("{name}: not everything went well: {}", entry["text"]));
    }
    // Each action sets off where the one before ended.
    let path: Vec<(i64, i64)> = history.iter().rev().filter(|entry| entry["outcome"]["ending"] == "acted").flat_map(steps).collect();
    if let Some(broken) = path.windows(2).find(|pair| matches!(pair, [one, next] if one.1 != next.0)) {
        problems.push(format!("{name}: steps that do not follow one another: {broken:?}"));
    }
    let notices = notices(nightshift, tenant);
    let of_actions = notices.iter().filter(|notice| notice.field("kind") == "acted").count();
    if of_actions != path.len() {
        problems.push(format!("{name}: {} actions, but {of_actions} messages about them", path.len()));
    }
    let at_most = notices.iter().filter(|notice| notice.field("reason") == "at_bound").count();
    let expected = usize::from(tenant.hour.is_the_most);
    if at_most != expected {
        problems.push(format!("{name}: people were told {at_most} times that it is at the most, instead of {expected}"));
    }
}

fn notices(nightshift: &Nightshift<'_>, tenant: &Tenant) -> Vec<Notice> {
    let is_its = |notice: &Notice| format!("{}/{}", notice.field("system"), notice.field("service")) == tenant.hour.name;
    nightshift.notices().into_iter().filter(is_its).collect()
}

fn acted(history: &[Value], decision: &str) -> usize {
    history.iter().filter(|entry| entry["decision"] == decision && entry["outcome"]["ending"] == "acted").count()
}

fn count_by(history: &[Value], field: &str, counts: impl Fn(&Value) -> bool) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for entry in history.iter().filter(|entry| counts(entry)) {
        *found.entry(entry[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    found
}
