//! Targets of releases on recorded answers: ECS services first, then Auto Scaling groups, then the looks before acting.

use nightshift_aws::ReleaseTargets;
use nightshift_core::fleet::{DeployTarget, EcsService};
use nightshift_core::release::ReleaseId;
use serde_json::{Value, json};

use super::recorded::Recorded;

mod checks;
mod deaths;
mod definitions;
mod deployments;
mod groups;
mod refreshes;
mod services;
mod templates;

const WEB_7: &str = "arn:aws:ecs:us-east-1:1:task-definition/web:7";
const WEB_8: &str = "arn:aws:ecs:us-east-1:1:task-definition/web:8";

fn tasks() -> DeployTarget {
    DeployTarget::Tasks(EcsService { cluster: "shop".into(), service: "web".into() })
}

fn group() -> DeployTarget {
    DeployTarget::Group("shop-web".into())
}

fn targets(recorded: &Recorded) -> ReleaseTargets {
    ReleaseTargets::new(&recorded.config())
}

fn release() -> ReleaseId {
    ReleaseId::from_text("20261120t120000z-abcdef012345")
}

/// The service with one complete deployment of web:7, and what `fields` say otherwise.
fn service(fields: Value) -> Value {
    let mut service = json!({
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 4, "runningCount": 3, "pendingCount": 1, "taskDefinition": WEB_7,
        "deployments": [deployment("1", "PRIMARY", WEB_7, "COMPLETED", "", 4)], "events": [],
    });
    for (name, value) in fields.as_object().unwrap() {
        service[name] = value.clone();
    }
    service
}

fn described(fields: Value) -> Value {
    json!({ "services": [service(fields)], "failures": [] })
}

fn deployment(number: &str, status: &str, definition: &str, state: &str, reason: &str, running: u32) -> Value {
    json!({
        "id": format!("ecs-svc/{number}"), "status": status, "taskDefinition": definition, "rolloutState": state,
        "rolloutStateReason": reason, "desiredCount": 4, "runningCount": running, "createdAt": 1795176000.5,
    })
}

/// A query service's answer.
fn xml(operation: &str, inside: &str) -> String {
    format!("<{operation}Response><{operation}Result>{inside}</{operation}Result></{operation}Response>")
}

fn refused(code: &str, message: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
}

/// EC2's refusals have another root.
fn ec2_refused(code: &str) -> String {
    format!("<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>")
}

/// The parameters of a form, decoded as far as these tests need it.
fn form(body: &str) -> std::collections::BTreeMap<String, String> {
    let decoded = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace("%3D", "=").replace("%20", " ").replace("%24", "$");
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decoded(name), decoded(value))).collect()
}
