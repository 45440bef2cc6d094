//! Seeded schedules: events in any order and at once, a process that dies anywhere, calls that take their time.
//!
//! The same dice are thrown again with NIGHTSHIFT_SEED; NIGHTSHIFT_SCHEDULES multiplies how many there are.

mod concurrency;
mod crash;
mod deadline;
mod delivery;

use nightshift_deploy::handle;
use nightshift_lambda::{HandlerError, Invocation};
use nightshift_schedules::Schedule;
use serde_json::{Value, json};

use crate::town::*;

pub fn sweep() -> Value {
    json!({ "nightshift": "calendar" })
}

pub fn look() -> Value {
    json!({ "nightshift": "recheck", "system": "shop", "service": "web", "attempt": 1 })
}

pub fn answered(town: &Town) -> Value {
    json!({ "nightshift": "release", "system": "shop", "service": "web", "by": "lead", "verb": "answered", "at": town.now() })
}

/// What ECS tells of a deployment of shop/web.
pub fn deployment(word: &str) -> Value {
    json!({
        "version": "0", "id": "1", "source": "aws.ecs", "detail-type": "ECS Deployment State Change", "account": "111122223333",
        "region": EAST, "time": "2026-11-20T12:00:00Z", "resources": ["arn:aws:ecs:us-east-1:111122223333:service/shop/web"],
        "detail": { "eventType": "INFO", "eventName": format!("SERVICE_DEPLOYMENT_{word}"), "deploymentId": "ecs-svc/1", "reason": "" },
    })
}

pub fn scan_complete(digest: &str, tag: &str) -> Value {
    let mut event = push_event(EAST, "web", digest, tag);
    event["detail-type"] = json!("ECR Image Scan");
    event["detail"]["scan-status"] = json!("COMPLETE");
    event
}

/// These come in the same moment; what fails comes again a minute later, as Lambda does it.
pub fn at_once(town: &mut Town, schedule: &Schedule, events: &[Value]) -> Vec<Result<Value, HandlerError>> {
    let deps = &town.regions[EAST];
    let begins = |number: usize| ticking(&format!("at-once-{number}"), EAST, town.now(), TIMEOUT, schedule);
    let invocations: Vec<Invocation> = (0..events.len()).map(begins).collect();
    let calls = invocations.iter().zip(events).map(|(invocation, event)| handle(invocation, deps, event));
    let (answers, took) = schedule.block_on(async { (schedule.together(calls).await, schedule.elapsed()) });
    town.clock.set(town.now() + jiff::SignedDuration::from_secs(1 + took.as_secs() as i64));
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("nobody dies")).collect();
    for (event, _) in events.iter().zip(&answers).filter(|(_, answer)| answer.is_err()) {
        town.happens(minutes(1), EAST, event.clone());
    }
    answers
}
