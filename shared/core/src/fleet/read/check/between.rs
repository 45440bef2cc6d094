//! What two fleet files may not both say: a system, a resource in one region, an alarm, a front end, a pipeline, a
//! secret.
//!
//! Told in the later file, with the name of the earlier one.

use std::collections::BTreeMap;

use super::front_end::place_of;
use super::secrets::resource;
use super::together::{Deployment, deployments, derived_alarms, resources};
use super::{Field, Item, Scene, Step};
use crate::fleet::Fleet;
use crate::fleet::read::error::FleetErrorCode::Duplicate;
use crate::fleet::read::is_stand_in_name;

/// One thing that a file lays claim to.
struct Claim<'f> {
    /// Things that may be claimed once; the same text is the same thing.
    keys: Vec<String>,
    way: Vec<Step<'f>>,
    /// Who claims it, as the other file is told: "is driven by `web`".
    owner: String,
    help: &'static str,
}

/// Each file with its name, what could be read of it, and its scene.
pub(in crate::fleet::read) fn check_files(files: &mut [(&str, &Fleet, Scene<'_, '_>)]) {
    let mut systems: BTreeMap<&str, &str> = BTreeMap::new();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for (file, fleet, scene) in files {
        let (file, fleet) = (*file, *fleet);
        if let Some(first) = systems.insert(fleet.system.as_str(), file) {
            let problem = format!("the system `{}` is described in {first} already", fleet.system);
            scene.complain(&[Field("system")], Duplicate, problem, "give this system another name, or put all its services into one file");
            continue;
        }
        // What one file says twice was told when it was read.
        let mut own = Vec::new();
        for Claim { keys, way, owner, help } in claims(fleet) {
            if let Some((key, first)) = keys.iter().find_map(|key| Some((key, owners.get(key)?))) {
                scene.complain(&way, Duplicate, format!("{key} {first} already"), help);
            }
            own.extend(keys.into_iter().map(|key| (key, format!("{owner} in {file}"))));
        }
        owners.extend(own);
    }
}

fn claims(fleet: &Fleet) -> Vec<Claim<'_>> {
    let mut claims = Vec::new();
    for name in fleet.services.keys() {
        claims.extend(claims_of_service(fleet, name.as_str()));
    }
    for (name, front_end) in &fleet.front_ends {
        let (bucket, prefix) = place_of(front_end);
        claims.push(Claim {
            keys: vec![format!("the bucket {bucket} (prefix \"{prefix}\")")],
            way: vec![Field("front_ends"), Field(name.as_str()), Field("bucket")],
            owner: format!("is the front end `{name}`"),
            help: "keep it in one of the two files, or write the prefix that each of them serves",
        });
    }
    for name in fleet.pipelines.keys() {
        claims.push(Claim {
            keys: fleet.regions.iter().map(|region| format!("the pipeline {name} in {region}")).collect(),
            way: vec![Field("pipelines"), Field(name)],
            owner: "is".to_owned(),
            help: "keep it in one of the two files",
        });
    }
    claims.extend(claims_of_secrets(fleet));
    claims
}

/// What a secret's rotation changes is claimed with it: one mistake is told once.
fn claims_of_secrets(fleet: &Fleet) -> impl Iterator<Item = Claim<'_>> {
    let readable = fleet.secrets.iter().filter(|(name, _)| !is_stand_in_name(name.as_str()));
    readable.map(|(name, secret)| {
        let claimed: Vec<String> = [format!("the secret {name}")].into_iter().chain(resource(&secret.kind)).collect();
        let in_regions = |what: &String| fleet.regions.iter().map(|region| format!("{what} in {region}")).collect::<Vec<_>>();
        Claim {
            keys: claimed.iter().flat_map(in_regions).collect(),
            way: vec![Field("secrets"), Field(name.as_str())],
            owner: "is managed".to_owned(),
            help: "keep it in one of the two files: two rotations of one password would undo each other",
        }
    })
}

fn claims_of_service<'f>(fleet: &'f Fleet, name: &'f str) -> Vec<Claim<'f>> {
    let Some(service) = fleet.services.get(name) else { return Vec::new() };
    let mut claims = Vec::new();
    for resource in resources(service) {
        claims.push(Claim {
            keys: fleet.regions.iter().map(|region| format!("{resource} in {region}")).collect(),
            way: vec![Field("services"), Field(name), Field("runs_on"), Field(resource.field())],
            owner: format!("is driven by `{name}`"),
            help: "one resource, one service: keep it in one of the two files",
        });
    }
    let mut told = "";
    for Deployment { resource, region, stage, .. } in deployments(fleet, service).into_iter().filter(|found| found.is_written) {
        let key = format!("{resource} in {region}");
        match claims.last_mut().filter(|_| told == stage) {
            Some(claim) => claim.keys.push(key),
            None => claims.push(Claim {
                keys: vec![key],
                way: vec![Field("services"), Field(name), Field("deploy"), Field("targets"), Field(stage)],
                owner: format!("is deployed onto by `{name}` (stage `{stage}`)"),
                help: "one resource, one release at a time: keep it in one of the two files",
            }),
        }
        told = stage;
    }
    for (index, alarm, rule) in derived_alarms(fleet, name) {
        claims.push(Claim {
            keys: vec![format!("the alarm {alarm}")],
            way: vec![Field("services"), Field(name), Field("rules"), Item(index), Field("name")],
            owner: format!("belongs to the rule {name}/{rule}"),
            help: "give the rule another name",
        });
    }
    claims
}
