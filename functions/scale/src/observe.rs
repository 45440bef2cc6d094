//! The reads that a decision needs, all issued together: one round trip.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_core::alarms::{MetricQuery, alarm_for_rule, metric_query};
use nightshift_core::fleet::{RuleName, RunsOn};
use nightshift_core::ports::{AlarmReader, GroupReader, Ledger, PortResult, TaskReader};
use nightshift_core::scale::{AlarmNow, MetricValue, Observation, OtherScaler, Placement, ServicePolicy, TargetNow};

use crate::deps::Estate;

/// The service as it is now. Parts that cannot be read say so in their place; nothing here fails.
pub async fn observe<E: Estate>(estate: &E, policy: &ServicePolicy<'_>, now: Timestamp) -> Observation {
    let (alarms, metrics, target, other_scaler, ledger, instances) = tokio::join!(
        alarms(estate, policy),
        metrics(estate, policy, now),
        target(estate, &policy.service.runs_on),
        other_scaler(estate, &policy.service.runs_on),
        estate.ledger().read(&policy.key),
        instances(estate, &policy.service.runs_on),
    );
    Observation { at: now, alarms, metrics, target, other_scaler, ledger, instances, placement: None }
}

async fn alarms<E: Estate>(estate: &E, policy: &ServicePolicy<'_>) -> PortResult<BTreeMap<RuleName, AlarmNow>> {
    let rules = &policy.service.rules;
    if rules.is_empty() {
        return Ok(BTreeMap::new());
    }
    let named = rules.iter().map(|rule| (alarm_for_rule(&policy.key.system, &policy.key.service, rule), rule));
    let named: Vec<_> = named.collect();
    let mut names: Vec<String> = named.iter().map(|(alarm, _)| alarm.clone()).collect();
    names.sort();
    names.dedup();
    let found = estate.alarms().alarms_now(&names).await?;
    let by_rule = named.into_iter().filter_map(|(alarm, rule)| {
        let now = found.iter().find(|now| now.name == alarm)?;
        Some((rule.name.clone(), now.clone()))
    });
    Ok(by_rule.collect())
}

async fn metrics<E: Estate>(estate: &E, policy: &ServicePolicy<'_>, now: Timestamp) -> PortResult<BTreeMap<RuleName, MetricValue>> {
    let mut queries: Vec<MetricQuery> = Vec::new();
    let mut asked: Vec<(&RuleName, usize)> = Vec::new();
    for rule in &policy.service.rules {
        let Some(query) = metric_query(policy.service, rule) else { continue };
        // Two rules on one metric, as most services have, ask for it once: each metric is paid for.
        let place = queries.iter().position(|known| *known == query).unwrap_or(queries.len());
        if place == queries.len() {
            queries.push(query);
        }
        asked.push((&rule.name, place));
    }
    if queries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let values = estate.alarms().newest_values(&queries, now).await?;
    let by_rule = asked.into_iter().filter_map(|(name, place)| Some((name.clone(), values.get(place).copied().flatten()?)));
    Ok(by_rule.collect())
}

/// What the service runs on; also the fresh look before a step.
pub(crate) async fn target<E: Estate>(estate: &E, runs_on: &RunsOn) -> PortResult<TargetNow> {
    match runs_on {
        RunsOn::Tasks(service) => estate.tasks().tasks_now(service).await.map(TargetNow::Tasks),
        RunsOn::Group(group) => estate.groups().group_now(group).await.map(TargetNow::Group),
        RunsOn::TasksOnGroup { service, group, .. } => {
            let (tasks, group) = tokio::join!(estate.tasks().tasks_now(service), estate.groups().group_now(group));
            Ok(TargetNow::TasksOnGroup(tasks?, group?))
        }
    }
}

async fn other_scaler<E: Estate>(estate: &E, runs_on: &RunsOn) -> PortResult<Option<OtherScaler>> {
    match runs_on {
        RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. } => estate.tasks().other_scaler(service).await,
        RunsOn::Group(_) => Ok(None),
    }
}

async fn instances<E: Estate>(estate: &E, runs_on: &RunsOn) -> PortResult<Vec<String>> {
    match runs_on {
        RunsOn::TasksOnGroup { service, .. } => estate.tasks().instances(&service.cluster).await,
        RunsOn::Tasks(_) | RunsOn::Group(_) => Ok(Vec::new()),
    }
}

/// The room on the instances that were listed, read only where a plan needs it.
pub async fn placement<E: Estate>(estate: &E, runs_on: &RunsOn, seen: &Observation) -> PortResult<Placement> {
    let tasks = seen.target.as_ref().ok().and_then(TargetNow::tasks);
    let (RunsOn::TasksOnGroup { service, .. }, Some(tasks)) = (runs_on, tasks) else {
        return Ok(Placement { need: Default::default(), rooms: Vec::new() });
    };
    let instances = seen.instances.as_ref().map_err(Clone::clone)?;
    let reader = estate.tasks();
    let (need, rooms) = tokio::join!(reader.task_need(&tasks.task_definition), reader.instance_rooms(&service.cluster, instances));
    Ok(Placement { need: need?, rooms: rooms? })
}
