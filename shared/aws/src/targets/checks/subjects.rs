//! What a task definition, a launch template, a service and a group name that has to be there.

use nightshift_core::fleet::DeployTarget;
use serde_json::Value;

use super::secrets;
use crate::call::Xml;
use crate::targets::answers::{items, text};

/// Parameters that one GetParameters takes (Systems Manager API reference).
const PARAMETERS_A_CALL: usize = 10;

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A role that tasks run with.
    Role {
        /// Its ARN or name.
        role: String,
        /// What it is for.
        what: &'static str,
    },
    /// The profile that instances run with, by ARN or name.
    InstanceProfile(String),
    /// A secret of Secrets Manager, as a task definition names it, but for the key in it.
    Secret(String),
    /// Parameters of one region, by ARN or name.
    Parameters {
        /// At most as many as one call takes.
        names: Vec<String>,
        /// The region, if the names tell.
        region: Option<String>,
    },
    /// A group that must exist before the first line is logged.
    LogGroup {
        /// Its name.
        group: String,
        /// Its region, if it is named.
        region: Option<String>,
    },
    /// A target group.
    TargetGroup {
        /// Its ARN.
        arn: String,
        /// Whether a load balancer must forward to it now.
        must_be_attached: bool,
    },
}

pub(super) fn of(target: &DeployTarget, body: &Value) -> Vec<Subject> {
    let mut subjects = match target {
        DeployTarget::Tasks(_) => of_definition(body),
        DeployTarget::Group(_) => of_template(body),
    };
    subjects.sort();
    subjects.dedup();
    subjects
}

fn of_template(body: &Value) -> Vec<Subject> {
    let profile = body.get("IamInstanceProfile").and_then(|profile| text(profile, "Arn").or_else(|| text(profile, "Name")));
    profile.map(|profile| Subject::InstanceProfile(profile.to_owned())).into_iter().collect()
}

fn of_definition(body: &Value) -> Vec<Subject> {
    let roles = [("executionRoleArn", "execution role"), ("taskRoleArn", "task role")];
    let roles = roles.into_iter().filter_map(|(member, what)| Some(Subject::Role { role: text(body, member)?.to_owned(), what }));
    let containers = items(body, "containerDefinitions");
    let log_groups = containers.iter().filter_map(log_group);
    let mut references = Vec::new();
    collect_references(body, &mut references);
    let (kept, parameters): (Vec<&str>, Vec<&str>) = references.into_iter().partition(|reference| reference.contains(":secretsmanager:"));
    let secrets = kept.into_iter().map(|secret| Subject::Secret(secrets::without_key(secret)));
    roles.chain(log_groups).chain(secrets).chain(of_parameters(parameters)).collect()
}

/// Everything that is read when a task starts: containers' secrets, secret log options, registry and volume credentials.
fn collect_references<'a>(body: &'a Value, out: &mut Vec<&'a str>) {
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(reference) if matches!(name.as_str(), "valueFrom" | "credentialsParameter") => out.push(reference),
                    other => collect_references(other, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, out)),
        _ => {}
    }
}

/// By region, in calls; a parameter of another region is always named by its ARN (ECS API reference, Secret).
fn of_parameters(mut names: Vec<&str>) -> Vec<Subject> {
    names.sort_unstable_by_key(|name| (region_of(name), *name));
    names.dedup();
    let in_regions = names.chunk_by(|one, other| region_of(one) == region_of(other));
    let calls = in_regions.flat_map(|some| some.chunks(PARAMETERS_A_CALL));
    let subject = |some: &[&str]| Subject::Parameters {
        names: some.iter().map(|name| (*name).to_owned()).collect(),
        region: some.first().and_then(|name| region_of(name)).map(str::to_owned),
    };
    calls.map(subject).collect()
}

/// The region in an ARN.
pub(super) fn region_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten().filter(|region| !region.is_empty())
}

/// The group of the awslogs driver, unless the driver creates it itself.
fn log_group(container: &Value) -> Option<Subject> {
    let logging = container.get("logConfiguration").filter(|logging| text(logging, "logDriver") == Some("awslogs"))?;
    let options = logging.get("options")?;
    let creates_it = text(options, "awslogs-create-group").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let group = text(options, "awslogs-group").filter(|_| !creates_it)?;
    Some(Subject::LogGroup { group: group.to_owned(), region: text(options, "awslogs-region").map(str::to_owned) })
}

/// The service's target groups. The second one of a blue/green deployment gets its traffic only during it, so that it is
/// there is enough.
pub(super) fn target_groups_of_service(service: &Value) -> Vec<Subject> {
    let mut groups = Vec::new();
    for balancer in items(service, "loadBalancers") {
        let main = text(balancer, "targetGroupArn").map(|arn| (arn, true));
        let other = balancer.get("advancedConfiguration").and_then(|part| text(part, "alternateTargetGroupArn"));
        for (arn, must_be_attached) in main.into_iter().chain(other.map(|arn| (arn, false))) {
            groups.push(Subject::TargetGroup { arn: arn.to_owned(), must_be_attached });
        }
    }
    groups
}

/// The group's target groups, also where they are told as traffic sources only (VPC Lattice's are other ones).
pub(super) fn target_groups_of_group(group: &Xml) -> Vec<Subject> {
    let sources = group.all("TrafficSources/member").into_iter().filter_map(|source| source.text("Identifier"));
    let sources = sources.filter(|identifier| identifier.contains(":elasticloadbalancing:") && identifier.contains(":targetgroup/"));
    let mut arns: Vec<&str> = group.texts("TargetGroupARNs/member").into_iter().chain(sources).collect();
    arns.sort_unstable();
    arns.dedup();
    arns.into_iter().map(|arn| Subject::TargetGroup { arn: arn.to_owned(), must_be_attached: true }).collect()
}
