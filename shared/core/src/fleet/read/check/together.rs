//! What may not be said twice: by two services of a file, or by two files.
//!
//! Two hands on one resource would undo each other's work; two rules with one alarm name would share the alarm.

use std::collections::BTreeMap;

use super::{Field, Item, Scene, Step};
use crate::fleet::read::error::FleetErrorCode::Duplicate;
use crate::fleet::{Condition, Fleet, RunsOn, Service, alarm_name};

/// Something in AWS that one service drives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Resource<'f> {
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

impl Resource<'_> {
    fn field(&self) -> &'static str {
        match self {
            Self::Tasks(..) => "ecs",
            Self::Group(_) => "asg",
        }
    }
}

fn resources(service: &Service) -> Vec<Resource<'_>> {
    match &service.runs_on {
        RunsOn::Tasks(ecs) => vec![Resource::Tasks(&ecs.cluster, &ecs.service)],
        RunsOn::Group(group) => vec![Resource::Group(group)],
        RunsOn::TasksOnGroup { service: ecs, group, .. } => vec![Resource::Tasks(&ecs.cluster, &ecs.service), Resource::Group(group)],
    }
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
}

fn derived_alarms<'f>(fleet: &'f Fleet, service: &str) -> impl Iterator<Item = (usize, String, &'f str)> {
    let found = fleet.services.get_key_value(service);
    found.into_iter().flat_map(move |(name, service)| {
        let made = service.rules.iter().enumerate().filter(|(_, rule)| matches!(rule.when, Condition::Metric(_)));
        made.map(move |(index, rule)| (index, alarm_name(&fleet.system, name, &rule.name), rule.name.as_str()))
    })
}

/// Between files: each with its name, what could be read of it, and its scene. Told in the later file.
pub(in crate::fleet::read) fn check_files(files: &mut [(&str, &Fleet, Scene<'_, '_>)]) {
    let mut systems: BTreeMap<String, String> = BTreeMap::new();
    let mut drivers: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut alarms: BTreeMap<String, String> = BTreeMap::new();
    for (file, fleet, scene) in files {
        let file = (*file).to_owned();
        let mut refuse = |way: &[Step<'_>], problem: String, help: &str| scene.complain(way, Duplicate, problem, help);
        if let Some(first) = systems.insert(fleet.system.to_string(), file.clone()) {
            let problem = format!("the system `{}` is described in {first} already", fleet.system);
            refuse(&[Field("system")], problem, "give this system another name, or put all its services into one file");
            continue;
        }
        let (mut own_drivers, mut own_alarms) = (Vec::new(), Vec::new());
        for (name, service) in &fleet.services {
            for resource in resources(service) {
                let way = [Field("services"), Field(name.as_str()), Field("runs_on"), Field(resource.field())];
                let keys: Vec<_> = fleet.regions.iter().map(|region| (resource.to_string(), region.clone())).collect();
                if let Some((region, first)) = keys.iter().find_map(|key| Some((&key.1, drivers.get(key)?))) {
                    let problem = format!("{resource} in {region} is driven by {first} already");
                    refuse(&way, problem, "one resource, one service: keep it in one of the two files");
                }
                own_drivers.extend(keys.into_iter().map(|key| (key, format!("`{name}` in {file}"))));
            }
            for (index, alarm, rule) in derived_alarms(fleet, name.as_str()) {
                if let Some(first) = alarms.get(&alarm) {
                    let way = [Field("services"), Field(name.as_str()), Field("rules"), Item(index), Field("name")];
                    refuse(&way, format!("the alarm {alarm} belongs to {first} already"), "give the rule another name");
                }
                own_alarms.push((alarm, format!("the rule {name}/{rule} in {file}")));
            }
        }
        drivers.extend(own_drivers);
        alarms.extend(own_alarms);
    }
}
