//! Deploy paths: stages, waves and regions, how long each part may take, the scan gate, how instances are replaced.
//!
//! A path is looked at alone; who takes it, and what it touches there, `deploy` and `together` know.

use super::approval::{SHORTEST_WAIT, check_approval};
use super::clock::check_freeze;
use super::names::{check_alarm_name, check_region};
use super::part::Lengths;
use super::{Field, Item, Part, Scene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Missing, Unknown, Value};
use crate::fleet::read::{is_stand_in_name, nearest};
use crate::fleet::{
    ALARM_PREFIX, Condition, FindingSeverity, Fleet, Path, Replacement, Rule, ScanGate, Seconds, Stage, Wave, WithoutResult, alarm_name,
};

const DAY: Seconds = Seconds::new(86_400);
/// A roll-out has begun with a call that may itself take seconds; ECS waits for steady tasks, and what takes a day is not one.
const DEADLINE: Lengths = Lengths { least: Seconds::new(10), most: DAY };
/// The ledger keeps a release while it waits; after a season nobody knows what it was.
const EXPIRY: Lengths = Lengths { least: SHORTEST_WAIT, most: Seconds::new(90 * 86_400) };
/// EC2 Auto Scaling StartInstanceRefresh: CheckpointDelay is at most 172,800 s.
const CHECKPOINT_DELAY: Lengths = Lengths { least: Seconds::new(0), most: Seconds::new(172_800) };
/// Names that a release gives to questions and roll-outs which belong to no stage.
const TAKEN_NAMES: [&str; 2] = ["scan", "restart"];

pub(super) fn check_paths(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    for (name, path) in &fleet.paths {
        let mut part = Part::new(scene, vec![Field("paths"), Field(name.as_str())]);
        check_stages(path, fleet, &mut part);
        check_scan(path, &mut part);
        check_times(path, &mut part);
        check_replacement(path, &mut part);
        check_freeze(&path.freeze, &mut part.part(&[Field("freeze")]));
        if !(1..=100).contains(&path.crashes) {
            let problem = format!("a roll-out cannot fail after {} crashes", path.crashes);
            part.complain(&[Field("crashes")], Value, problem, "write 1 to 100; 3 is usual");
        }
    }
    refuse_unused(fleet, scene);
}

/// Most probably the service that should take it was forgotten: its pushes would be ignored.
fn refuse_unused(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    let taken: Vec<_> = fleet.services.values().filter_map(|service| service.deploy.as_ref().map(|deploy| &deploy.path)).collect();
    let all_known = taken.iter().all(|path| fleet.paths.contains_key(*path));
    let some_lost = fleet.services.keys().any(|name| scene.was_taken_out(&[Field("services"), Field(name.as_str())], "deploy"));
    if !all_known || some_lost || scene.was_taken_out(&[Field("services")], "") || scene.was_taken_out(&[], "services") {
        return;
    }
    for name in fleet.paths.keys().filter(|name| !taken.contains(name) && !is_stand_in_name(name.as_str())) {
        let help = format!("add deploy: {{ repository: ..., path: {name} }} to the service that is to take it, or remove the path");
        scene.complain(&[Field("paths"), Field(name.as_str())], Missing, format!("no service takes the path `{name}`"), help);
    }
}

fn check_stages(path: &Path, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    let mut stages = part.part(&[Field("stages")]);
    if path.stages.is_empty() && !stages.lost(&[], "") {
        let help = "add at least one: stages: [{ name: production, waves: [{ regions: [us-east-1] }] }]";
        stages.complain(&[], Missing, "a path without a stage leads nowhere", help);
    }
    stages.refuse_twice("name", path.stages.iter().map(|stage| stage.name.as_str()), "give one of them another name");
    for (index, stage) in path.stages.iter().enumerate() {
        let mut part = stages.part(&[Item(index)]);
        if TAKEN_NAMES.contains(&stage.name.as_str()) {
            let problem = format!("a stage cannot be called {}: a release calls something else so", stage.name);
            part.complain(&[Field("name")], Value, problem, "choose another name, such as staging");
        }
        check_waves(stage, fleet, &mut part);
        if let Some(rule) = &stage.approval {
            let mut approval = part.part(&[Field("approval")]);
            check_approval(rule, &fleet.notices, &mut approval);
            refuse_wait("expires", rule.expires, "nobody answers so fast", path, &mut approval);
        }
    }
}

/// A wait of a path that is too short for anything to come, or longer than the path waits at all.
fn refuse_wait(field: &str, length: Seconds, why_short: &str, path: &Path, part: &mut Part<'_, '_, '_>) {
    let own = path.expires;
    // Where the path's own length is wrong, that is the mistake.
    let most = if EXPIRY.contains(own) { own } else { EXPIRY.most };
    let why_long = format!("the path's own `expires` ends the release after {own}");
    let why = if length < SHORTEST_WAIT { why_short } else { &why_long };
    part.refuse_length(field, length, &Lengths { least: SHORTEST_WAIT, most }, why);
}

fn check_waves(stage: &Stage, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    let mut waves = part.part(&[Field("waves")]);
    if stage.waves.is_empty() && !waves.lost(&[], "") {
        let problem = format!("the stage `{}` has no wave: it goes nowhere", stage.name);
        waves.complain(&[], Missing, problem, "add at least one: waves: [{ regions: [us-east-1] }]");
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, wave) in stage.waves.iter().enumerate() {
        let mut part = waves.part(&[Item(index)]);
        check_regions(wave, fleet, &seen, &mut part);
        seen.extend(wave.regions.iter().map(String::as_str));
        part.refuse_length(
            "bake",
            wave.bake,
            &Lengths { least: Seconds::new(0), most: DAY },
            "nothing else of the service moves meanwhile",
        );
        let mut alarms = part.part(&[Field("alarms")]);
        alarms.refuse_twice("", wave.alarms.iter().map(String::as_str), "keep one of them");
        for (index, alarm) in wave.alarms.iter().enumerate() {
            check_watched(alarm, fleet, &mut alarms.part(&[Item(index)]));
        }
    }
}

fn check_regions(wave: &Wave, fleet: &Fleet, seen: &[&str], part: &mut Part<'_, '_, '_>) {
    let mut list = part.part(&[Field("regions")]);
    if wave.regions.is_empty() && !list.lost(&[], "") {
        list.complain(&[], Missing, "a wave without a region goes nowhere", "name at least one of the file's regions, or remove the wave");
    }
    // Where the file's own regions are wrong, that is the mistake.
    let all_known = fleet.regions.iter().all(|region| check_region(region).is_ok())
        && !fleet.regions.is_empty()
        && !list.was_taken_out(&[], "regions")
        && !list.was_taken_out(&[Field("regions")], "");
    for (index, region) in wave.regions.iter().enumerate() {
        let is_again = wave.regions.iter().take(index).map(String::as_str).chain(seen.iter().copied()).any(|other| other == region);
        if is_again {
            let problem = format!("the stage has {region} already; a release goes to a region once in a stage");
            list.complain(&[Item(index)], Duplicate, problem, "keep it in one of the waves");
        } else if let Err((problem, help)) = check_region(region) {
            list.complain(&[Item(index)], Value, problem, help);
        } else if all_known && !fleet.regions.contains(region) {
            let help = format!("write one of: {}; or add {region} to the file's `regions`", fleet.regions.join(", "));
            list.complain(&[Item(index)], Unknown, format!("{region} is none of the file's regions"), help);
        }
    }
}

/// An alarm that is watched may be anybody's, but one of ours in this system must be there.
fn check_watched(alarm: &str, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    if let Err((problem, help)) = check_alarm_name(alarm) {
        return part.complain(&[], Value, problem, help);
    }
    if !alarm.starts_with(&format!("{ALARM_PREFIX}{}-", fleet.system)) {
        return;
    }
    // A rule that could not be read may be the one that is meant.
    let is_ours = |rule: &&Rule| match &rule.when {
        Condition::Metric(_) => true,
        Condition::ExistingAlarm(name) => is_stand_in_name(name),
    };
    let made = fleet.services.iter().flat_map(|(name, service)| service.rules.iter().filter(is_ours).map(move |rule| (name, rule)));
    let known: Vec<String> = made.map(|(name, rule)| alarm_name(&fleet.system, name, &rule.name)).collect();
    let some_lost = part.was_taken_out(&[Field("services")], "")
        || fleet.services.keys().any(|name| {
            let service = [Field("services"), Field(name.as_str())];
            part.was_taken_out(&service, "rules") || part.was_taken_out(&[&service[..], &[Field("rules")]].concat(), "")
        });
    if !some_lost && !known.iter().any(|known| known == alarm) {
        let help = match nearest(alarm, known.iter().map(String::as_str)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "write nightshift-<system>-<service>-<rule>, as `nightshift alarms list` shows it".to_owned(),
        };
        part.complain(&[], Unknown, format!("no rule of this file makes the alarm {alarm}"), help);
    }
}

fn check_scan(path: &Path, part: &mut Part<'_, '_, '_>) {
    let Some(gate) = &path.scan else { return };
    let mut scan = part.part(&[Field("scan")]);
    check_most(gate, &mut scan);
    let mut allow = scan.part(&[Field("allow")]);
    allow.refuse_twice("cve", gate.allow.iter().map(|allowed| allowed.cve.as_str()), "keep one of them");
    for (index, allowed) in gate.allow.iter().enumerate() {
        if allowed.cve.is_empty() || allowed.cve.contains(char::is_whitespace) {
            let problem = format!("\"{}\" is no finding's name", allowed.cve);
            allow.complain(&[Item(index), Field("cve")], Value, problem, "write it as the scan reports it, such as CVE-2026-12345");
        }
        if allowed.why.trim().is_empty() {
            let help = "write why it does no harm here; it is shown with the release";
            allow.complain(&[Item(index), Field("why")], Value, "an allowed finding needs its reason", help);
        }
    }
    refuse_wait("patience", gate.patience, "no scan ends so fast", path, &mut scan);
    let nobody_to_ask = path.stages.iter().all(|stage| stage.approval.is_none());
    let all_known =
        !part.lost(&[Field("stages")], "") && (0..path.stages.len()).all(|index| !part.lost(&[Field("stages"), Item(index)], "approval"));
    if gate.without_result == WithoutResult::Ask && nobody_to_ask && all_known {
        let problem = "no stage of this path has an approval, so there is nobody to ask";
        let help = "write refuse or wait, or give a stage its approval: { by: [{ name: ana }] }";
        part.complain(&[Field("scan"), Field("without_result")], Conflict, problem, help);
    }
}

/// A gate that stops a slight finding and lets a grave one through is a mistake, not a wish.
fn check_most(gate: &ScanGate, scan: &mut Part<'_, '_, '_>) {
    if scan.lost(&[Field("most")], "") {
        return;
    }
    if gate.most.is_empty() {
        let help = "name the severities that count: most: { critical: 0, high: 0 }; or remove `scan`";
        return scan.complain(&[Field("most")], Missing, "this gate lets everything through", help);
    }
    let is_limited = |severity: &FindingSeverity| gate.most.contains_key(severity);
    let mildest = FindingSeverity::WORST_FIRST.iter().rposition(is_limited).unwrap_or(0);
    let worse: Vec<&str> = FindingSeverity::WORST_FIRST
        .iter()
        .take(mildest)
        .filter(|severity| !is_limited(severity))
        .map(|severity| severity.as_str())
        .collect();
    if !worse.is_empty() {
        let problem = format!("milder findings are limited, {} ones are not: any number of them would pass", worse.join(" and "));
        scan.complain(&[Field("most")], Conflict, problem, format!("add {}: 0, or the most that may pass", worse.join(": 0, ")));
    }
}

fn check_times(path: &Path, part: &mut Part<'_, '_, '_>) {
    part.refuse_length("deadline", path.deadline, &DEADLINE, "it is the longest that one region's roll-out may take");
    part.refuse_length("expires", path.expires, &EXPIRY, "it is the longest that a release may wait");
}

/// EC2 Auto Scaling, "RefreshPreferences": 0 to 100, 100 to 200, no more than 100 between them; checkpoints 1 to 100, ascending.
fn check_replacement(path: &Path, part: &mut Part<'_, '_, '_>) {
    let Replacement { minimum_healthy, maximum_healthy, warmup, checkpoints, checkpoint_delay } = &path.instances;
    let mut part = part.part(&[Field("instances")]);
    if *minimum_healthy > 100 {
        let problem = format!("{minimum_healthy} % is more than the whole group");
        part.complain(&[Field("minimum_healthy")], Value, problem, "write 0 to 100");
    } else if !(100..=200).contains(maximum_healthy) {
        let problem = format!("{maximum_healthy} % is not between the whole group and twice the group");
        part.complain(&[Field("maximum_healthy")], Value, problem, "write 100 to 200");
    } else if maximum_healthy - minimum_healthy > 100 {
        let problem =
            format!("Auto Scaling takes no more than 100 between minimum_healthy {minimum_healthy} and maximum_healthy {maximum_healthy}");
        let help =
            format!("write minimum_healthy: {} or more, or maximum_healthy: {} or less", maximum_healthy - 100, minimum_healthy + 100);
        part.complain(&[Field("maximum_healthy")], Conflict, problem, help);
    }
    let mut last = 0;
    for (index, percentage) in checkpoints.iter().enumerate() {
        let way = [Field("checkpoints"), Item(index)];
        if !(1..=100).contains(percentage) {
            part.complain(&way, Value, format!("{percentage} % is no share of a group"), "write 1 to 100");
        } else if *percentage <= last {
            part.complain(
                &way,
                Conflict,
                format!("{percentage} comes after {last}"),
                "write the checkpoints in ascending order, each once",
            );
        }
        last = *percentage;
    }
    part.refuse_length("checkpoint_delay", *checkpoint_delay, &CHECKPOINT_DELAY, "Auto Scaling stops for 2 days at most");
    let (stops, warms) = (path.instances.stops_for(), warmup.unwrap_or(Seconds::new(0)));
    let needed = Seconds::new(stops.get().saturating_add(warms.get()));
    let are_possible = DEADLINE.contains(path.deadline) && CHECKPOINT_DELAY.contains(*checkpoint_delay);
    if needed >= path.deadline && are_possible {
        let problem = format!("warmup and the stops at checkpoints take {needed}, and after {} the roll-out has failed", path.deadline);
        let way = if stops > warms { Field("checkpoints") } else { Field("warmup") };
        part.complain(&[way], Conflict, problem, "stop fewer times or for less time (checkpoint_delay), or write a longer deadline");
    }
}
