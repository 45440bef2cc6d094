//! How a service is deployed: its repository, the path that it takes, what each stage deploys onto, rotated secrets.
//!
//! Whether two deployments would touch one resource is `together`'s.

use super::names::{check_ecs, check_group};
use super::part::Lengths;
use super::{Field, Part, ServiceScene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Unknown, Value};
use crate::fleet::read::{is_stand_in_name, nearest};
use crate::fleet::{DeployTarget, Fleet, Path, PathName, RunsOn, Seconds};

/// Several rotations in one restart are worth minutes; after an hour the old password may be gone.
const SETTLE: Lengths = Lengths { least: Seconds::new(0), most: Seconds::new(3_600) };

pub(super) fn check_rotated_secrets(place: &mut ServiceScene<'_, '_, '_>) {
    let settle = place.service.rotated_secrets.settle;
    place.part(&[Field("rotated_secrets")]).refuse_length("settle", settle, &SETTLE, "meanwhile the tasks hold the old secret");
}

pub(super) fn check_deploy(place: &mut ServiceScene<'_, '_, '_>, fleet: &Fleet) {
    let service = place.service;
    let Some(deploy) = &service.deploy else { return };
    let mut part = place.part(&[Field("deploy")]);
    check_repository(&deploy.repository, &mut part);
    let Some(path) = fleet.paths.get(&deploy.path) else { return refuse_unknown_path(&deploy.path, fleet, &mut part) };
    for (stage, target) in &deploy.targets {
        let way = [Field("targets"), Field(stage.as_str())];
        if !path.stages.iter().any(|known| known.name == *stage) {
            refuse_unknown_stage(stage.as_str(), deploy.path.as_str(), path, &mut part);
        }
        match target {
            DeployTarget::Tasks(ecs) => check_ecs(ecs, &mut part.part(&way)),
            DeployTarget::Group(group) => check_group(group, &mut part.part(&way)),
        }
        if let (DeployTarget::Group(group), RunsOn::TasksOnGroup { group: own, .. }) = (target, &service.runs_on)
            && group == own
        {
            let problem = format!("the instances of {group} only carry the service's tasks, and run no image themselves");
            part.complain(&way, Conflict, problem, "remove this target: a release then changes the tasks");
        }
    }
}

fn refuse_unknown_path(wanted: &PathName, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    let known: Vec<&str> = fleet.paths.keys().map(PathName::as_str).collect();
    let some_lost = part.was_taken_out(&[], "paths") || part.was_taken_out(&[Field("paths")], wanted.as_str());
    let help = match fleet.paths.is_empty() && !some_lost {
        true => format!("write it: paths: {{ {wanted}: {{ tags: {{ match: [\"*\"] }}, stages: [...] }} }}, beside services"),
        false => match meant(wanted.as_str(), &known, some_lost) {
            Some(help) => help,
            None => return,
        },
    };
    part.complain(&[Field("path")], Unknown, format!("there is no path `{wanted}` under `paths`"), help);
}

fn refuse_unknown_stage(stage: &str, name: &str, path: &Path, part: &mut Part<'_, '_, '_>) {
    let known: Vec<&str> = path.stages.iter().map(|known| known.name.as_str()).collect();
    let some_lost = part.was_taken_out(&[Field("paths"), Field(name), Field("stages")], "");
    if let Some(help) = meant(stage, &known, some_lost) {
        part.complain(&[Field("targets"), Field(stage)], Unknown, format!("the path `{name}` has no stage `{stage}`"), help);
    }
}

/// The remedy for a name that is none of the known ones; None where it may be one whose own mistake was told.
pub(super) fn meant(wanted: &str, known: &[&str], some_lost: bool) -> Option<String> {
    if let Some(meant) = nearest(wanted, known.iter().copied()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let is_told = some_lost || is_stand_in_name(wanted) || known.iter().any(|name| is_stand_in_name(name));
    (!is_told).then(|| format!("possible here: {}", known.join(", ")))
}

/// ECR CreateRepository: 2 to 256 characters, words of lower-case letters and digits with one separator between them.
fn check_repository(repository: &str, part: &mut Part<'_, '_, '_>) {
    if is_repository(repository) {
        return;
    }
    let help = match meant_repository(repository) {
        Some(meant) => format!("write the repository's name alone: {meant}"),
        None => {
            "write its name as ECR shows it, such as shop/web: lower-case letters and digits, with one of . _ - / between them".to_owned()
        }
    };
    part.complain(&[Field("repository")], Value, format!("\"{repository}\" is no name of an ECR repository"), help);
}

fn is_repository(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let between = |word: &str| {
        let mut separators = word.split(is_plain).filter(|text| !text.is_empty());
        separators.all(|text| matches!(text, "." | "_" | "__") || text.chars().all(|letter| letter == '-'))
    };
    let is_word = |word: &str| word.starts_with(is_plain) && word.ends_with(is_plain) && between(word);
    (2..=256).contains(&name.len()) && name.split('/').all(is_word)
}

/// The name in an ARN (`arn:aws:ecr:...:repository/shop/web`), in an image's address, or in capitals.
fn meant_repository(written: &str) -> Option<String> {
    let after_arn = written.split_once(":repository/").map(|(_, name)| name);
    let in_address = || written.split_once(".dkr.").and_then(|(_, rest)| rest.split_once('/')).map(|(_, name)| name);
    let name = after_arn.or_else(in_address).unwrap_or(written);
    let name = name.split([':', '@']).next().unwrap_or(name).to_ascii_lowercase();
    is_repository(&name).then_some(name)
}
