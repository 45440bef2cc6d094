//! `nightshift alarms list` and `sync`: the alarms that the fleet files mean, and making those in AWS the same.
//!
//! What differs is the core's to say; here it is shown, agreed to and carried out, one failure not hiding another.

use futures_util::stream::{self, StreamExt};
use nightshift_core::alarms::{AlarmDefinition, AlarmDiff, alarm_definitions, diff};
use nightshift_core::fleet::{Fleet, Fleets, Rule};
use nightshift_core::ports::{PortError, PortResult};
use serde_json::json;

use crate::args::{AlarmsCommand, AlarmsListArgs, AlarmsSyncArgs};
use crate::aws::{self, MANY_CALLS, block_on};
use crate::books::AlarmBook;
use crate::commands::check::counted;
use crate::exit::Exit;
use crate::fleet_files;
use crate::trouble::{self, Usage};
use crate::world::World;

/// How many alarms are put at a time; CloudWatch takes three a second, more would only be throttled.
const SIDE_BY_SIDE: usize = 3;

pub(crate) fn run(command: AlarmsCommand, world: &mut World<'_>) -> anyhow::Result<Exit> {
    match command {
        AlarmsCommand::List(args) => list(&args, world),
        AlarmsCommand::Sync(args) => run_sync(&args, world),
    }
}

fn list(args: &AlarmsListArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = fleet_files::read(&args.paths)?;
    let mut machine = Vec::new();
    let is_anywhere = |region: &String| read.fleets.iter().any(|fleet| fleet.regions.contains(region));
    if let Some(region) = args.region.as_ref().filter(|region| !is_anywhere(region)) {
        world.complain(format!("no system of these files runs in {region}"));
    }
    for fleet in read.fleets.iter() {
        let is_asked = |region: &&String| args.region.as_ref().is_none_or(|asked| asked == *region);
        for region in fleet.regions.iter().filter(is_asked) {
            let alarms = alarm_definitions(fleet, region, "");
            match args.json {
                true => machine.push(json!({ "system": fleet.system, "region": region, "alarms": without_topic(&alarms) })),
                false => list_one(fleet, region, &alarms, world),
            }
        }
    }
    if args.json {
        world.say(serde_json::to_string_pretty(&machine)?);
    }
    Ok(Exit::Fine)
}

/// Which topic they send to is known only to `sync`.
fn without_topic(alarms: &[AlarmDefinition]) -> Vec<AlarmDefinition> {
    let without = |alarm: &AlarmDefinition| AlarmDefinition { alarm_actions: Vec::new(), ok_actions: Vec::new(), ..alarm.clone() };
    alarms.iter().map(without).collect()
}

fn list_one(fleet: &Fleet, region: &str, alarms: &[AlarmDefinition], world: &mut World<'_>) {
    world.say(format!("{} in {region}: {}", fleet.system, counted(alarms.len(), "alarm")));
    for alarm in alarms {
        let AlarmDefinition { name, namespace, metric_name, period_seconds, evaluation_periods, threshold, .. } = alarm;
        let dimensions = alarm.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ");
        let (statistic, comparison, missing) = (alarm.statistic.as_str(), alarm.comparison.as_str(), alarm.treat_missing_data.as_str());
        world.say(format!("  {name}"));
        world.say(format!("    {}", alarm.description));
        world.say(format!("    {namespace} {metric_name} [{dimensions}]"));
        world.say(format!(
            "    {statistic} {comparison} {threshold} for {evaluation_periods} x {period_seconds} s, missing data: {missing}"
        ));
    }
    for (service, rule) in fleet.services.iter().flat_map(|(name, service)| service.rules.iter().map(move |rule| (name, rule))) {
        if rule.metric().is_none() {
            world.say(format!("  {}, which exists already, for {service}/{}", existing_alarm(fleet, service, rule), rule.name));
        }
    }
    world.say("");
}

fn existing_alarm(fleet: &Fleet, service: &nightshift_core::fleet::ServiceName, rule: &Rule) -> String {
    nightshift_core::alarms::alarm_for_rule(&fleet.system, service, rule)
}

/// Whether changes may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Ask, if somebody can be asked.
    Ask,
    /// `--yes`.
    Given,
    /// `--dry-run`.
    OnlyShow,
}

fn run_sync(args: &AlarmsSyncArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let topic = args.topic_arn.clone().or_else(|| world.variable("NIGHTSHIFT_ALARM_TOPIC_ARN"));
    let missing = "where are alarms to send their state? give --topic-arn or NIGHTSHIFT_ALARM_TOPIC_ARN the output AlarmTopicArn of Nightshift's stack";
    let topic = topic.ok_or_else(|| Usage(missing.to_owned()))?;
    let read = fleet_files::read(&args.paths)?;
    let config = aws::sdk(&args.aws, MANY_CALLS, world)?;
    let region = aws::region_of(&config);
    check_topic(&topic, &region)?;
    let consent = match (args.yes, args.dry_run) {
        (_, true) => Consent::OnlyShow,
        (true, false) => Consent::Given,
        (false, false) => Consent::Ask,
    };
    let place = Place { region: &region, topic_arn: &topic };
    let done = block_on(sync(&aws::alarm_book(&config), &read.fleets, place, consent, world))?;
    done.map_err(|error| anyhow::anyhow!("the alarms of {region} could not be read, so nothing changed: {}", trouble::sentence(&error)))
}

/// CloudWatch refuses an action in another region; said here, once, instead of once an alarm.
fn check_topic(topic: &str, region: &str) -> anyhow::Result<()> {
    let parts: Vec<&str> = topic.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", of_topic, _, _] if *of_topic == region => Ok(()),
        ["arn", _, "sns", of_topic, _, _] => Err(Usage(format!(
            "the topic is in {of_topic} and the alarms are in {region}; give --region {of_topic}, or the topic of {region}"
        ))
        .into()),
        _ => Err(Usage(format!("\"{topic}\" is no ARN of an SNS topic; take the output AlarmTopicArn of Nightshift's stack")).into()),
    }
}

/// Where alarms are made and what they call.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The region.
    pub region: &'a str,
    /// The topic for both transitions.
    pub topic_arn: &'a str,
}

/// Shows what differs and, with consent, puts it right. An error is one of reading: nothing was changed then.
pub async fn sync(book: &impl AlarmBook, fleets: &Fleets, place: Place<'_>, consent: Consent, world: &mut World<'_>) -> PortResult<Exit> {
    let found = book.find().await?;
    let mut whole = AlarmDiff::default();
    for fleet in fleets.iter() {
        let wanted = alarm_definitions(fleet, place.region, place.topic_arn);
        let one = diff(&fleet.system, &wanted, &found);
        show(fleet, place.region, &one, world);
        whole.create.extend(one.create);
        whole.change.extend(one.change);
        whole.remove.extend(one.remove);
    }
    if whole.is_empty() {
        return Ok(Exit::Fine);
    }
    match consent {
        Consent::OnlyShow => world.say("nothing changed: this was a dry run"),
        Consent::Ask if !world.is_terminal => {
            world.complain("nothing changed; run with --yes to make these changes");
            return Ok(Exit::Problems);
        }
        Consent::Ask if !world.is_agreed("Make these changes?") => {
            world.say("nothing changed");
            return Ok(Exit::Problems);
        }
        Consent::Ask | Consent::Given => return Ok(carry_out(book, &whole, world).await),
    }
    Ok(Exit::Fine)
}

/// A system that does not run in this region can only have alarms left behind there.
fn show(fleet: &Fleet, region: &str, diff: &AlarmDiff, world: &mut World<'_>) {
    let runs_here = fleet.regions.iter().any(|own| own == region);
    match (runs_here, diff.is_empty()) {
        (false, true) => world.say(format!("{} does not run in {region}, only in {}", fleet.system, fleet.regions.join(", "))),
        _ => world.say(format!("{} in {region}:\n{diff}", fleet.system)),
    }
    world.say("");
}

async fn carry_out(book: &impl AlarmBook, diff: &AlarmDiff, world: &mut World<'_>) -> Exit {
    let changed = diff.change.iter().map(|change| &change.wanted);
    let put = diff.create.iter().chain(changed).map(|alarm| async move { (alarm, book.put(alarm).await) });
    let put: Vec<(&AlarmDefinition, PortResult<()>)> = stream::iter(put).buffered(SIDE_BY_SIDE).collect().await;
    let failed_to_put = put.iter().filter_map(|(alarm, result)| result.as_ref().err().map(|error| (alarm.name.as_str(), error)));
    let mut failures: Vec<(&str, &PortError)> = failed_to_put.collect();
    let is_done = |alarm: &AlarmDefinition| put.iter().any(|(other, result)| other.name == alarm.name && result.is_ok());
    let created = diff.create.iter().filter(|alarm| is_done(alarm)).count();
    let changed = diff.change.iter().filter(|change| is_done(&change.wanted)).count();

    let names: Vec<String> = diff.remove.iter().map(|alarm| alarm.name.clone()).collect();
    let removed = if names.is_empty() { Ok(()) } else { book.delete(&names).await };
    if let Err(error) = &removed {
        failures.extend(names.iter().map(|name| (name.as_str(), error)));
    }
    let removed = if removed.is_ok() { names.len() } else { 0 };

    world.say(format!("{created} created, {changed} changed, {removed} removed"));
    for (name, error) in &failures {
        world.complain(format!("{name} was not done: {}", trouble::sentence(error)));
    }
    if failures.is_empty() {
        return Exit::Fine;
    }
    world.complain(format!("{} not done; run the command again, what is done already stays", counted(failures.len(), "alarm")));
    Exit::Problems
}
