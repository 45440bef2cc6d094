//! The system that most tests run on: one ECS service with short cooldowns, a rule that grows it and one that shrinks it.

use std::time::Duration;

use jiff::Timestamp;
use nightshift_tests::{Deployment, FleetFile, LocalAws, Mode, Nightshift, wait_until};
use serde_json::{Value, json};

/// Neither rule wants anything at this load.
pub const CALM: f64 = 50.0;
/// The rule `busy` wants more.
pub const BUSY: f64 = 90.0;
/// The rule `quiet` wants fewer.
pub const QUIET: f64 = 10.0;

/// Alarms reach the function, and it acts, in a second or two; a machine that is busy with other tests takes longer.
pub const SOON: Duration = Duration::from_secs(20);
/// The local AWS looks every ten seconds for schedules that are due.
pub const AFTER_RECHECK: Duration = Duration::from_secs(40);

/// The fleet file, with more lines for the service if a test needs them.
pub fn fleet(more: &str) -> FleetFile {
    FleetFile::new(format!(
        "version: 1
system: shop
regions: [us-east-1]
services:
  api:
    runs_on: {{ ecs: {{ cluster: shop, service: shop-api }} }}
    bounds: {{ min: 2, max: 4 }}
    rules:
      - name: busy
        when: {{ metric: cpu, above: 70, for: 2m }}
        then: {{ add: 1 }}
      - name: quiet
        when: {{ metric: cpu, below: 30, for: 2m }}
        then: {{ remove: 1 }}
    cooldown: {{ grow: 5s, shrink: 5s }}
{more}"
    ))
}

/// The shop, with Nightshift looking after it.
pub struct Shop<'a> {
    pub aws: &'a LocalAws,
    pub fleet: FleetFile,
    pub nightshift: Nightshift<'a>,
}

impl<'a> Shop<'a> {
    /// With two tasks, and alarms that have no data yet.
    pub async fn build(aws: &'a LocalAws, fleet: FleetFile, mode: Mode) -> Self {
        aws.make_service("shop", "shop-api", 2).await;
        let nightshift = aws.deploy(&Deployment::of([fleet.clone()]).in_mode(mode)).await;
        nightshift.run(&["alarms", "sync", "--yes"]);
        Self { aws, fleet, nightshift }
    }

    /// With two tasks under a calm load.
    pub async fn open(aws: &'a LocalAws, fleet: FleetFile, mode: Mode) -> Self {
        let shop = Self::build(aws, fleet, mode).await;
        shop.load(CALM).await;
        shop.alarms_are("OK", "OK").await;
        // Both alarms have just told that they are OK. What comes of that has to be over before the test begins.
        shop.nightshift.heard(2).await;
        shop
    }

    pub async fn load(&self, value: f64) {
        self.aws.push(&self.fleet.load("api"), value).await;
    }

    pub async fn tasks(&self) -> i32 {
        self.aws.tasks("shop", "shop-api").await
    }

    /// Sets the number of tasks by hand.
    pub async fn set_tasks(&self, tasks: i32) {
        let update = self.aws.ecs.update_service().cluster("shop").service("shop-api").desired_count(tasks);
        update.send().await.expect("the service can be updated");
    }

    pub async fn tasks_become(&self, wanted: i32, within: Duration) {
        let look = async || match self.tasks().await {
            tasks if tasks == wanted => Ok(()),
            tasks => Err(format!("{tasks} tasks")),
        };
        wait_until(&format!("there are {wanted} tasks"), within, look).await;
    }

    pub async fn alarms_are(&self, busy: &str, quiet: &str) {
        let look = async || {
            let found = (self.alarm_state("busy").await, self.alarm_state("quiet").await);
            if found == (busy.to_owned(), quiet.to_owned()) { Ok(()) } else { Err(format!("{found:?}")) }
        };
        wait_until(&format!("busy is {busy} and quiet is {quiet}"), SOON, look).await;
    }

    pub async fn alarm_state(&self, rule: &str) -> String {
        self.aws.alarm_state(&self.fleet.alarm("api", rule)).await
    }

    /// Sets the load without the topic hearing of it: the alarm stands, and the test itself brings the event.
    pub async fn load_unheard(&self, value: f64) {
        self.aws.mute(self.nightshift.output("AlarmTopicArn")).await;
        self.load(value).await;
    }

    /// The event that EventBridge would send of a rule's alarm.
    pub fn event(&self, rule: &str, state: &str, at: Timestamp) -> Value {
        alarm_event(&self.fleet.alarm("api", rule), state, at)
    }

    /// Waits until something stands in the history that fits; the newest that does.
    pub async fn recorded(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            let history = self.nightshift.history("shop/api");
            let seen = || history.iter().map(|entry| entry["text"].to_string()).collect::<Vec<_>>();
            history.iter().find(|entry| is_it(entry)).cloned().ok_or_else(|| format!("{:?}", seen()))
        };
        wait_until(&format!("the history has {what}"), SOON, look).await
    }

    /// How many notices of a kind there are.
    pub fn told(&self, kind: &str) -> usize {
        self.nightshift.notices().iter().filter(|notice| notice.field("kind") == kind).count()
    }
}

/// A CloudWatch Alarm State Change as EventBridge sends it.
pub fn alarm_event(alarm: &str, state: &str, at: Timestamp) -> Value {
    let time = at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
    json!({
        "version": "0",
        "id": format!("event-{}", at.as_second()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": "000000000000",
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": "us-east-1",
        "resources": [format!("arn:aws:cloudwatch:us-east-1:000000000000:alarm:{alarm}")],
        "detail": {
            "alarmName": alarm,
            "state": { "value": state, "reason": "Threshold Crossed", "reasonData": "{\"version\":\"1.0\"}", "timestamp": time },
            "previousState": { "value": "OK", "reason": "fine", "timestamp": time },
            "configuration": { "metrics": [] },
        },
    })
}

/// The codes of what was withheld, in an answer or a history entry's outcome.
pub fn withheld(answer: &Value) -> Vec<&str> {
    let reasons = answer["withheld"].as_array().map(Vec::as_slice).unwrap_or_default();
    reasons.iter().filter_map(|reason| reason["code"].as_str()).collect()
}

/// `from` and `to` of the only step of an answer.
pub fn step(answer: &Value) -> (i64, i64) {
    let steps = answer["steps"].as_array().unwrap_or_else(|| panic!("no steps: {answer}"));
    assert_eq!(steps.len(), 1, "{answer}");
    let step = if steps[0].get("step").is_some() { &steps[0]["step"] } else { &steps[0] };
    (step["from"].as_i64().unwrap_or(-1), step["to"].as_i64().unwrap_or(-1))
}
