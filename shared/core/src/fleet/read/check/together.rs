//! What two services of a file may not both say; what two files may not, `between` knows.
//!
//! Two hands on one resource would undo each other's work; two rules with one alarm name would share the alarm; two releases
//! of one resource would each take the other's for a change by hand.

use std::collections::BTreeMap;

use super::{Field, Item, Scene, Step};
use crate::fleet::read::error::FleetErrorCode::Duplicate;
use crate::fleet::{Condition, DeployTarget, EcsService, Fleet, RunsOn, Service, StageName, alarm_name};

/// Something in AWS that one service drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resource<'f> {
    Tasks(&'f str, &'f str),
    Group(&'f str),
}

impl std::fmt::Display for Resource<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tasks(cluster, service) => write!(out, "the ECS service {cluster}/{service}"),
            Self::Group(group) => write!(out, "the Auto Scaling group {group}"),
        }
    }
}

impl<'f> Resource<'f> {
    fn tasks(ecs: &'f EcsService) -> Self {
        Self::Tasks(&ecs.cluster, &ecs.service)
    }

    fn of_target(target: &'f DeployTarget) -> Self {
        match target {
            DeployTarget::Tasks(ecs) => Self::tasks(ecs),
            DeployTarget::Group(group) => Self::Group(group),
        }
    }

    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Tasks(..) => "ecs",
            Self::Group(_) => "asg",
        }
    }
}

/// What a service runs on, with what a release of it changes first.
pub(super) fn resources(service: &Service) -> Vec<Resource<'_>> {
    match &service.runs_on {
        RunsOn::Tasks(ecs) => vec![Resource::tasks(ecs)],
        RunsOn::Group(group) => vec![Resource::Group(group)],
        RunsOn::TasksOnGroup { service: ecs, group, .. } => vec![Resource::tasks(ecs), Resource::Group(group)],
    }
}

/// What one stage of a service's path deploys onto, in one region.
pub(super) struct Deployment<'f> {
    pub resource: Resource<'f>,
    pub region: &'f str,
    pub stage: &'f str,
    /// Whether it is written for the stage; otherwise it is what the service runs on.
    pub is_written: bool,
}

pub(super) fn deployments<'f>(fleet: &'f Fleet, service: &'f Service) -> Vec<Deployment<'f>> {
    let path = service.deploy.as_ref().and_then(|deploy| Some((deploy, fleet.paths.get(&deploy.path)?)));
    let Some((deploy, path)) = path else { return Vec::new() };
    let own = resources(service).into_iter().next();
    let of_stage = path.stages.iter().filter_map(|stage| {
        let written = deploy.targets.get(&stage.name).map(Resource::of_target);
        Some((stage, written.or(own)?, written.is_some()))
    });
    let in_regions = of_stage.flat_map(|(stage, resource, is_written)| {
        stage.regions().map(move |region| Deployment { resource, region, stage: stage.name.as_str(), is_written })
    });
    in_regions.collect()
}

/// Within one file.
pub(super) fn check_services(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    let mut drivers: BTreeMap<Resource<'_>, &str> = BTreeMap::new();
    let mut alarms: BTreeMap<String, String> = BTreeMap::new();
    for (name, service) in &fleet.services {
        let name = name.as_str();
        for resource in resources(service) {
            let way = [Field("services"), Field(name), Field("runs_on"), Field(resource.field())];
            if let Some(first) = drivers.get(&resource) {
                let problem = format!("{resource} is driven by `{first}` already");
                scene.complain(&way, Duplicate, problem, "name what this service runs on, or put the rules of both under one service");
            } else {
                drivers.insert(resource, name);
            }
        }
        for (index, alarm, rule) in derived_alarms(fleet, name) {
            let owner = format!("{name}/{rule}");
            match alarms.get(&alarm) {
                Some(first) if !first.starts_with(&format!("{name}/")) => {
                    let problem = format!("the rules {first} and {owner} would share the alarm {alarm}");
                    let way = [Field("services"), Field(name), Field("rules"), Item(index), Field("name")];
                    scene.complain(&way, Duplicate, problem, "give the rule another name");
                }
                _ => {
                    alarms.insert(alarm, owner);
                }
            }
        }
    }
    check_deployments(fleet, &drivers, scene);
}

/// One resource, one release at a time: no two services, and no two stages of one, deploy onto the same thing in one region.
fn check_deployments(fleet: &Fleet, drivers: &BTreeMap<Resource<'_>, &str>, scene: &mut Scene<'_, '_>) {
    let mut taken: BTreeMap<(Resource<'_>, &str), (&str, &str)> = BTreeMap::new();
    for (name, service) in &fleet.services {
        let name = name.as_str();
        let base = [Field("services"), Field(name)];
        let is_whole = is_whole(fleet, name, service, scene);
        let mut told = "";
        for Deployment { resource, region, stage, is_written } in deployments(fleet, service) {
            let (first, first_stage) = *taken.entry((resource, region)).or_insert((name, stage));
            let driver = drivers.get(&resource).copied().filter(|driver| is_written && *driver != name);
            let is_same = first == name;
            if told == stage || !is_whole || (is_same && first_stage == stage && driver.is_none()) {
                continue;
            }
            let (problem, help) = match (driver, is_same) {
                (Some(driver), _) => {
                    let help = format!("one resource, one release at a time: name something else, or let `{driver}` take the path");
                    (format!("{resource} is what `{driver}` runs on"), help)
                }
                (None, true) => {
                    let problem = format!("the stages `{first_stage}` and `{stage}` both deploy onto {resource} in {region}");
                    let help = "write what one of them deploys onto: targets: { <stage>: { ecs: { cluster: ..., service: ... } } }";
                    (problem, help.to_owned())
                }
                // Two services that run on the same thing: told there.
                (None, false) if !is_written => continue,
                (None, false) => {
                    let problem = format!("`{first}` deploys onto {resource} in {region} already (stage `{first_stage}`)");
                    (problem, "one resource, one release at a time: name something else".to_owned())
                }
            };
            told = stage;
            let rest: &[Step<'_>] =
                if is_written { &[Field("deploy"), Field("targets"), Field(stage)] } else { &[Field("deploy"), Field("path")] };
            scene.complain(&[&base[..], rest].concat(), Duplicate, problem, help);
        }
    }
}

/// Whether all that a service deploys onto could be read; otherwise what is wrong there is told already.
fn is_whole(fleet: &Fleet, name: &str, service: &Service, scene: &Scene<'_, '_>) -> bool {
    let base = [Field("services"), Field(name)];
    let way = |rest: &[Step<'static>]| [&base[..], rest].concat();
    let Some(deploy) = &service.deploy else { return true };
    let path = fleet.paths.get(&deploy.path);
    let has_stage = |stage: &StageName| path.is_some_and(|path| path.stages.iter().any(|known| known.name == *stage));
    scene.place(&way(&[Field("runs_on")])).is_some()
        && !scene.was_taken_out(&way(&[Field("deploy")]), "targets")
        && !scene.was_taken_out(&way(&[Field("deploy"), Field("targets")]), "")
        && deploy.targets.keys().all(has_stage)
}

pub(super) fn derived_alarms<'f>(fleet: &'f Fleet, service: &str) -> impl Iterator<Item = (usize, String, &'f str)> {
    let found = fleet.services.get_key_value(service);
    found.into_iter().flat_map(move |(name, service)| {
        let made = service.rules.iter().enumerate().filter(|(_, rule)| matches!(rule.when, Condition::Metric(_)));
        made.map(move |(index, rule)| (index, alarm_name(&fleet.system, name, &rule.name), rule.name.as_str()))
    })
}
