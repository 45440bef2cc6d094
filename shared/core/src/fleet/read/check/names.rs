//! Names that AWS gives: regions, topics, clusters, groups, load balancers, queues.
//!
//! Only shapes are checked; whether a thing exists, the estate says.

use super::{Field, Item, Part, Scene, ServiceScene, Step};
use crate::fleet::read::error::FleetErrorCode::{Duplicate, Missing, Value};
use crate::fleet::{EcsService, Fleet, LoadBalancer, RunsOn};

/// Where regions lie, as their names say it.
const DIRECTIONS: &[&str] = &["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

pub(super) fn check_head(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    if fleet.system.as_str() == "all" {
        let help = "choose another name: nightshift pause all means every system";
        scene.complain(&[Field("system")], Value, "a system cannot be called all", help);
    }
    if fleet.regions.is_empty() && !scene.lost(&[Field("regions")], "") {
        scene.complain(
            &[Field("regions")],
            Missing,
            "there is no region",
            "name the regions that the services run in: regions: [us-east-1]",
        );
    }
    for (index, region) in fleet.regions.iter().enumerate() {
        let way = [Field("regions"), Item(index)];
        if let Err((problem, help)) = check_region(region) {
            scene.complain(&way, Value, problem, help);
        } else if fleet.regions.iter().take(index).any(|other| other == region) {
            scene.complain(&way, Duplicate, format!("the region {region} stands here twice"), "keep one of them");
        }
    }
    let topics = [("topic", &fleet.notices.topic), ("chat_topic", &fleet.notices.chat_topic)];
    for (field, topic) in topics {
        if let Some((problem, help)) = topic.as_deref().and_then(|topic| check_topic(topic).err()) {
            scene.complain(&[Field("notices"), Field(field)], Value, problem, help);
        }
    }
}

/// What is wrong, and what to write instead.
pub(super) type Wrong = (String, String);

fn wrong(problem: impl Into<String>, help: impl Into<String>) -> Result<(), Wrong> {
    Err((problem.into(), help.into()))
}

/// Such as us-east-1, us-gov-west-1, ap-southeast-2.
pub(super) fn check_region(region: &str) -> Result<(), Wrong> {
    let parts: Vec<&str> = region.split('-').collect();
    let no_region = format!("\"{region}\" is no AWS region");
    let (Some((number, places)), true) = (parts.split_last(), parts.len() >= 3) else {
        return wrong(no_region, "write a region's code, such as us-east-1");
    };
    let digits = number.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    if digits.len() < number.len() && !digits.is_empty() && is_digits(digits) {
        let zone_of = region.get(..region.len() - (number.len() - digits.len())).unwrap_or(region);
        return wrong(format!("\"{region}\" is an availability zone"), format!("write its region: {zone_of}"));
    }
    let is_plain = places.iter().all(|part| part.len() >= 2 && part.chars().all(|letter| letter.is_ascii_lowercase()));
    let direction = places.last().copied().unwrap_or_default();
    if !is_plain || !is_digits(number) || number.len() > 2 {
        return wrong(no_region, "write a region's code, such as us-east-1");
    }
    if DIRECTIONS.contains(&direction) {
        return Ok(());
    }
    let help = match crate::fleet::read::nearest(direction, DIRECTIONS.iter().copied()) {
        Some(meant) => format!("did you mean {}?", region.replace(direction, meant)),
        None => "write a region's code, such as us-east-1".to_owned(),
    };
    wrong(no_region, help)
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit())
}

pub(super) fn is_made_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || others.contains(letter))
}

/// SNS CreateTopic: names of up to 256 letters, digits, hyphens and underscores.
pub(super) fn check_topic(topic: &str) -> Result<(), Wrong> {
    let parts: Vec<&str> = topic.split(':').collect();
    let help = "write it as arn:aws:sns:<region>:<account>:<name>; `aws sns list-topics` shows them";
    let ["arn", partition, service, region, account, name] = parts.as_slice() else {
        return wrong(format!("\"{topic}\" is no ARN of an SNS topic"), help);
    };
    if *service != "sns" {
        return wrong(format!("this is an ARN of {service}, not of SNS"), help);
    }
    if name.ends_with(".fifo") {
        return wrong("a FIFO topic can send no mail and no chat message", "name a standard topic");
    }
    if !partition.starts_with("aws") || check_region(region).is_err() {
        return wrong(format!("\"{topic}\" names no AWS region"), help);
    }
    if account.len() != 12 || !is_digits(account) {
        return wrong(format!("\"{account}\" is no AWS account"), "an account has twelve digits");
    }
    match is_made_of(name, "-_") && name.len() <= 256 {
        true => Ok(()),
        false => wrong(format!("\"{name}\" is no topic's name"), help),
    }
}

/// CloudWatch PutMetricAlarm: names of 1 to 255 characters, no ASCII control characters.
pub(super) fn check_alarm_name(name: &str) -> Result<(), Wrong> {
    if name.starts_with("arn:") {
        let name = name.rsplit(':').next().unwrap_or_default();
        return wrong("this is an alarm's ARN", format!("write its name alone: {name}"));
    }
    match name.trim().is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
        true => wrong("no alarm can be named like this", "write the name of the alarm, 1 to 255 characters"),
        false => Ok(()),
    }
}

pub(super) fn check_runs_on(place: &mut ServiceScene<'_, '_, '_>) {
    let service = place.service;
    let mut part = place.part(&[Field("runs_on")]);
    match &service.runs_on {
        RunsOn::Tasks(ecs) => check_ecs(ecs, &mut part),
        RunsOn::Group(group) => check_group(group, &mut part),
        RunsOn::TasksOnGroup { service: ecs, group, task_enis_per_instance, .. } => {
            check_ecs(ecs, &mut part);
            check_group(group, &mut part);
            // The largest instance types take 120 task network interfaces with trunking (ECS, "ENI trunking considerations").
            if task_enis_per_instance.is_some_and(|most| !(1..=120).contains(&most)) {
                let way = [Field("asg"), Field("task_enis_per_instance")];
                part.complain(&way, Value, "no instance takes so many tasks", "write 1 to 120; a t3.medium takes 2, or leave it out");
            }
        }
    }
}

/// ECS CreateCluster and CreateService: up to 255 letters, digits, hyphens and underscores. Written as `ecs` in the part.
pub(super) fn check_ecs(ecs: &EcsService, part: &mut Part<'_, '_, '_>) {
    for (field, name) in [("cluster", &ecs.cluster), ("service", &ecs.service)] {
        check_plain(name, is_made_of(name, "-_"), &format!("name of an ECS {field}"), &[Field("ecs"), Field(field)], part);
    }
}

/// Auto Scaling CreateAutoScalingGroup: up to 255 printable characters, no colon. Written as `asg` in the part.
pub(super) fn check_group(group: &str, part: &mut Part<'_, '_, '_>) {
    let is_possible = !group.trim().is_empty() && !group.contains(':') && group.chars().all(|letter| matches!(letter, ' '..='~'));
    check_plain(group, is_possible, "name of an Auto Scaling group", &[Field("asg"), Field("group")], part);
}

fn check_plain(name: &str, is_possible: bool, what: &str, way: &[Step<'_>], part: &mut Part<'_, '_, '_>) {
    if is_possible && name.len() <= 255 {
        return;
    }
    let help = match (name.starts_with("arn:"), name.rsplit(['/', ':']).next()) {
        (true, Some(end)) if !end.is_empty() => format!("write the name alone, not the ARN: {end}"),
        _ => "write the name as the AWS console shows it".to_owned(),
    };
    part.complain(way, Value, format!("\"{name}\" is no {what}"), help);
}

pub(super) fn check_load_balancer(place: &mut ServiceScene<'_, '_, '_>) {
    let Some(LoadBalancer { load_balancer, target_group }) = &place.service.load_balancer else { return };
    let suffixes = [
        ("load_balancer", load_balancer, "app", "loadbalancer/", "aws elbv2 describe-load-balancers --names"),
        ("target_group", target_group, "targetgroup", "", "aws elbv2 describe-target-groups --names"),
    ];
    for (field, suffix, kind, before, command) in suffixes {
        if is_suffix(suffix, kind) {
            continue;
        }
        let in_arn = suffix.find(&format!("{before}{kind}/")).and_then(|at| suffix.get(at + before.len()..));
        let help = match in_arn.filter(|end| suffix.starts_with("arn:") && is_suffix(end, kind)) {
            Some(end) => format!("write only the end of the ARN: {end}"),
            None if suffix.contains("net/") || suffix.contains("gwy/") => {
                "only an Application Load Balancer counts requests, response times and errors by target; its name begins with app/"
                    .to_owned()
            }
            None => format!("write {kind}/<name>/<id>, the end of the ARN, which `{command} {suffix}` shows"),
        };
        let problem = format!("\"{suffix}\" is not the form that CloudWatch knows it by");
        place.complain(&[Field("load_balancer"), Field(field)], Value, problem, help);
    }
}

/// `<kind>/<name>/<id>`, as in the dimensions of AWS/ApplicationELB ("CloudWatch metrics for your Application Load Balancer").
fn is_suffix(text: &str, kind: &str) -> bool {
    match text.split('/').collect::<Vec<&str>>().as_slice() {
        [first, name, id] => *first == kind && is_made_of(name, "-") && is_made_of(id, ""),
        _ => false,
    }
}
