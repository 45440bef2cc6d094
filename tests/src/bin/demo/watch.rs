//! Looks again and again at alarms, decisions and mail, and tells what is new.

use std::collections::{BTreeMap, BTreeSet};

use nightshift_tests::{LocalAws, Nightshift};
use serde_json::Value;

use crate::busy_hour::Tenant;
use crate::story::Story;

/// What was told already.
pub struct Watch {
    alarms: BTreeMap<String, String>,
    decisions: BTreeSet<String>,
    mails: usize,
}

impl Watch {
    pub fn new() -> Self {
        Self { alarms: BTreeMap::new(), decisions: BTreeSet::new(), mails: 0 }
    }

    /// Tells what is new since the last look.
    pub async fn look(&mut self, aws: &LocalAws, nightshift: &Nightshift<'_>, tenants: &[Tenant], story: &Story) {
        for tenant in tenants {
            self.alarms(aws, tenant, story).await;
            self.decisions(nightshift, tenant, story);
        }
        let mails = aws.mails();
        for (_, text) in mails.iter().skip(self.mails) {
            let who = text.split([' ', ':']).next().unwrap_or_default();
            story.tell(who, "people are told:");
            story.indented(text);
        }
        self.mails = mails.len();
    }

    async fn alarms(&mut self, aws: &LocalAws, tenant: &Tenant, story: &Story) {
        for rule in &tenant.hour.fleet.service(tenant.hour.service).rules {
            let alarm = tenant.hour.fleet.alarm(tenant.hour.service, rule.name.as_str());
            let state = aws.alarm_state(&alarm).await;
            let before = self.alarms.insert(alarm, state.clone());
            if before.as_ref() != Some(&state) {
                story.tell(tenant.hour.name, &format!("alarm {}: {} -> {state}", rule.name, before.as_deref().unwrap_or("new")));
            }
        }
    }

    fn decisions(&mut self, nightshift: &Nightshift<'_>, tenant: &Tenant, story: &Story) {
        // The history is newest first; a story goes the other way.
        for entry in nightshift.history(tenant.hour.name).iter().rev() {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            if self.decisions.insert(format!("{} {}", text("at"), text("plan_id"))) {
                story.tell(tenant.hour.name, &format!("{} ({}): {}", text("decision"), text("reason"), text("text")));
            }
        }
    }
}

/// The steps of a history entry, as (from, to).
pub fn steps(entry: &Value) -> Vec<(i64, i64)> {
    let steps = entry["outcome"]["steps"].as_array().cloned().unwrap_or_default();
    let number = |step: &Value, name: &str| step["step"][name].as_i64().unwrap_or(-1);
    steps.iter().map(|step| (number(step, "from"), number(step, "to"))).collect()
}
