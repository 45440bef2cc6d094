//! Roll-outs: ECS's events about deployments and services, Auto Scaling's about instance refreshes.
//!
//! Owns whose roll-out it is and the word for what happened. Never says how a roll-out stands: events repeat, overtake
//! one another and get lost, so whoever decides reads it.

use super::ignored::Ignored;
use super::lenient::text_field;
use super::told::{Told, resource_in_arn};
use super::{RefreshSignal, ServiceSignal, Signal};

/// How every detail-type of an instance refresh begins, in small letters.
pub(super) const REFRESH: &str = "ec2 auto scaling instance refresh ";

/// Letters of a refresh's word; the longest known, `rollback_succeeded`, has 18.
const LONGEST_WORD: usize = 40;

/// "ECS Deployment State Change" and "ECS Service Action": the service is only in `resources`, and only the latter
/// names the cluster (ECS developer guide, "Amazon ECS events").
pub(super) fn service(told: Told<'_>) -> Result<Signal, Ignored> {
    let in_service_arn = told.resources_of("ecs").find_map(|arn| {
        let rest = resource_in_arn(&arn)?.strip_prefix("service/")?;
        // Services from before the long format of ARNs (2018) have no cluster there.
        let (cluster, service) = rest.split_once('/').map_or((None, rest), |(cluster, service)| (Some(cluster), service));
        (!service.is_empty()).then(|| (cluster.map(str::to_owned), service.to_owned(), arn.clone()))
    });
    let (cluster, service, arn) = in_service_arn.ok_or_else(|| told.lacks("service's ARN in resources"))?;
    Ok(Signal::Service(ServiceSignal {
        region: told.region(Some(&arn)),
        cluster: text_field(told.body, "clusterArn").as_deref().and_then(cluster_named).or(cluster),
        service,
        event_name: told.needed("eventName")?,
        deployment: text_field(told.body, "deploymentId"),
        at: told.at(&["updatedAt", "createdAt"]),
    }))
}

/// "EC2 Auto Scaling Instance Refresh Started", "… Rollback Failed" (Auto Scaling user guide, "Instance refresh example
/// events and patterns"); `happened` is what follows the common beginning.
pub(super) fn refresh(told: Told<'_>, happened: &str) -> Result<Signal, Ignored> {
    let event_name = snake_case(happened);
    if event_name.is_empty() {
        return Err(told.is_foreign());
    }
    let arn = told.resources_of("autoscaling").next();
    let in_arn = arn.as_deref().and_then(|arn| arn.rsplit_once("autoScalingGroupName/")).map(|(_, name)| name.to_owned());
    let group = text_field(told.body, "AutoScalingGroupName").or(in_arn);
    Ok(Signal::Refresh(RefreshSignal {
        region: told.region(arn.as_deref()),
        group: group.ok_or_else(|| told.lacks("AutoScalingGroupName"))?,
        refresh: text_field(told.body, "InstanceRefreshId"),
        event_name,
        at: told.at(&[]),
    }))
}

/// `arn:aws:ecs:us-east-1:111122223333:cluster/shop`, or the name itself.
fn cluster_named(told: &str) -> Option<String> {
    match resource_in_arn(told) {
        Some(resource) => resource.strip_prefix("cluster/").filter(|name| !name.is_empty()).map(str::to_owned),
        None => (!told.starts_with("arn:")).then(|| told.to_owned()),
    }
}

/// `Rollback Started` and `RollbackStarted` are both `rollback_started`.
fn snake_case(words: &str) -> String {
    let mut word = String::new();
    let mut is_after_small = false;
    for letter in words.chars().take(LONGEST_WORD) {
        let is_new_word = !letter.is_ascii_alphanumeric() || (letter.is_ascii_uppercase() && is_after_small);
        if is_new_word && !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_lowercase());
        }
        is_after_small = letter.is_ascii_lowercase();
    }
    word.trim_end_matches('_').to_owned()
}
