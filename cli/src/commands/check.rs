//! `nightshift check`: the fleet files' mistakes, or what the files mean and what would be better in them.

use nightshift_core::alarms::rule_in_words;
use nightshift_core::fleet::{Fleet, Issued, ManagedSecret, RunsOn, SecretKind, Service};

use crate::args::CheckArgs;
use crate::exit::Exit;
use crate::fleet_files::{self, Unread};
use crate::times::moment;
use crate::world::World;

pub(crate) fn run(args: &CheckArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = match fleet_files::read(&args.paths) {
        Ok(read) => read,
        Err(Unread::Wrong(errors)) => {
            world.complain(errors.to_string());
            return Ok(Exit::Problems);
        }
        Err(unread) => return Err(unread.into()),
    };
    for (fleet, file) in read.fleets.iter().zip(&read.files) {
        system(fleet, file, world);
    }
    let sum = |count: fn(&Fleet) -> usize| read.fleets.iter().map(count).sum::<usize>();
    let mut found = vec![counted(read.fleets.len(), "file"), counted(sum(|fleet| fleet.services.len()), "service")];
    found.extend(some(sum(|fleet| fleet.secrets.len()), "secret"));
    found.push("no mistakes".to_owned());
    found.extend(some(sum(|fleet| fleet.advice().len()), "recommendation"));
    world.say(found.join(", "));
    Ok(Exit::Fine)
}

fn system(fleet: &Fleet, file: &str, world: &mut World<'_>) {
    let services = counted(fleet.services.len(), "service");
    world.say(format!("{}: {services} in {} ({file})", fleet.system, fleet.regions.join(", ")));
    for (name, service) in &fleet.services {
        world.say(format!("  {name}, {}", ground(&service.runs_on)));
        for (label, text) in facts(service, world) {
            world.say(format!("    {label:<9} {text}"));
        }
    }
    for (name, secret) in &fleet.secrets {
        world.say(format!("  {name}, secret: {}", secret.kind.word()));
        for (label, text) in secret_facts(secret, fleet) {
            world.say(format!("    {label:<9} {text}"));
        }
    }
    let advice = fleet.advice();
    if !advice.is_empty() {
        world.say("  recommended");
    }
    for advice in advice {
        world.say(format!("    {advice}"));
    }
    world.say("");
}

fn secret_facts(secret: &ManagedSecret, fleet: &Fleet) -> Vec<(&'static str, String)> {
    let mut facts = match &secret.kind {
        SecretKind::Issued(Issued { max_age, warn_before, probe, .. }) => {
            let tried = probe.as_ref().map_or_else(|| "never: no probe is written".to_owned(), |probe| format!("at {}", probe.url));
            vec![("age", format!("{max_age} at most, a person is told {warn_before} before")), ("tried", tried)]
        }
        _ => vec![("rotated", secret.rotate.as_ref().map_or_else(|| "only when somebody asks for it".to_owned(), ToString::to_string))],
    };
    let named: Vec<&str> = secret.readers.iter().map(|reader| reader.as_str()).collect();
    let has_tasks = fleet.services.values().any(|service| !matches!(service.runs_on, RunsOn::Group(_)));
    let found = has_tasks.then_some("tasks whose definitions name it");
    let readers: Vec<&str> = named.into_iter().chain(found).collect();
    facts.push(("readers", if readers.is_empty() { "nobody".to_owned() } else { readers.join(", ") }));
    facts
}

fn ground(runs_on: &RunsOn) -> String {
    match runs_on {
        RunsOn::Tasks(ecs) => format!("tasks of ECS service {}/{}", ecs.cluster, ecs.service),
        RunsOn::Group(group) => format!("instances of Auto Scaling group {group}"),
        RunsOn::TasksOnGroup { service: ecs, group, bounds, .. } => {
            format!("tasks of ECS service {}/{} on {bounds} instances of Auto Scaling group {group}", ecs.cluster, ecs.service)
        }
    }
}

fn facts(service: &Service, world: &World<'_>) -> Vec<(&'static str, String)> {
    let now = service.bounds_at(world.now);
    let mut facts = vec![("bounds", format!("{} now ({})", now.bounds, now.because))];
    if let Some(at) = service.next_calendar_change(world.now) {
        facts.push(("", format!("{} from {} on", service.bounds_at(at).bounds, moment(at, &world.zone))));
    }
    facts.push(("rules", rule_count(service)));
    facts.extend(service.rules.iter().map(|rule| ("", format!("{}: {}", rule.name, rule_in_words(rule)))));
    let (cooldown, limits) = (&service.cooldown, &service.limits);
    facts.push(("cooldown", format!("{} after growing, {} before shrinking", cooldown.grow, cooldown.shrink)));
    facts.push((
        "limits",
        format!("{} an hour, at most {} at once", counted(limits.actions_per_hour as usize, "action"), limits.largest_step),
    ));
    if let Some(frozen) = service.frozen_at(world.now) {
        facts.push(("frozen", format!("until {}: {}", moment(frozen.until, &world.zone), frozen.why)));
    }
    facts
}

/// Rules on existing alarms make none, so the two numbers may differ.
fn rule_count(service: &Service) -> String {
    let rules = service.rules.len();
    let made = service.rules.iter().filter(|rule| rule.metric().is_some()).count();
    match rules - made {
        _ if rules == 0 => "none: only bounds and calendar set its size".to_owned(),
        0 => format!("{rules}, with {} to make", counted(made, "alarm")),
        existing => format!("{rules}, with {} to make and {} that exists already", counted(made, "alarm"), counted(existing, "alarm")),
    }
}

/// `2 secrets`; nothing where there is none.
fn some(count: usize, noun: &str) -> Option<String> {
    (count > 0).then(|| counted(count, noun))
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
