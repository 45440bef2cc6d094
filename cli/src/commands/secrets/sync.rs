//! `nightshift secrets sync`: makes the rotation schedules in Secrets Manager those of the fleet files.
//!
//! Begins no rotation. Leaves alone what another function rotates and no fleet file schedules; one failure hides no other.

use futures_util::{StreamExt, stream};
use nightshift_aws::RotationSetup;
use nightshift_core::fleet::{ManagedSecret, SecretKind};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::SecretNow;

use super::facts::{Described, Entry};
use crate::args::SecretKey;
use crate::books::{RotationDesk, SecretBook};
use crate::commands::alarms::Consent;
use crate::commands::check::counted;
use crate::exit::Exit;
use crate::trouble::sentence;
use crate::world::World;

/// How many secrets are read or set at a time: Secrets Manager takes 50 changes a second (AWS Secrets Manager quotas).
const SIDE_BY_SIDE: usize = 4;

/// What is to be made the same.
#[derive(Clone, Copy, Debug)]
pub struct SchedulesWish<'a> {
    /// Which secrets.
    pub entries: &'a [Entry<'a>],
    /// The region.
    pub region: &'a str,
    /// The ARN of the function that rotates.
    pub function_arn: &'a str,
    /// Whether changes may be made.
    pub consent: Consent,
}

/// What one secret's schedule needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// Nothing.
    None,
    /// Nothing that we could or should do; why.
    LeftAlone(String),
    /// It cannot be had before a person has done something; what.
    Blocked(String),
    /// It does not rotate and should.
    Set(RotationSetup),
    /// It rotates otherwise than it should; what differs, field by field.
    Alter(RotationSetup, Vec<String>),
    /// It rotates by us and should not.
    Stop(RotationSetup),
}

/// Shows what differs and, with consent, puts it right.
pub async fn sync_schedules(
    desk: &(impl SecretBook + RotationDesk),
    wish: &SchedulesWish<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let reads = wish.entries.iter().map(|entry| async move { (entry, desk.secret_and_setup(entry.key.secret.as_str()).await) });
    let read: Vec<(&Entry<'_>, Described)> = stream::iter(reads).buffered(SIDE_BY_SIDE).collect().await;
    let mut changes = Vec::new();
    let mut is_whole = true;
    for (entry, found) in &read {
        let change = match found {
            Ok((secret, setup)) => change(entry.secret, secret, setup.as_ref(), wish.function_arn),
            Err(error) => missing(entry, error, wish.region),
        };
        is_whole &= !matches!(change, Change::Blocked(_));
        show(&entry.key, &change, world);
        changes.push((&entry.key, change));
    }
    let is_to_do = |change: &Change| matches!(change, Change::Set(_) | Change::Alter(..) | Change::Stop(_));
    changes.retain(|(_, change)| is_to_do(change));
    let otherwise = if is_whole { Exit::Fine } else { Exit::Problems };
    if changes.is_empty() {
        world.say("nothing to change");
        return Ok(otherwise);
    }
    match wish.consent {
        Consent::OnlyShow => {
            world.say("nothing changed: this was a dry run");
            Ok(otherwise)
        }
        Consent::Ask if !world.is_terminal => {
            world.complain("nothing changed; run with --yes to make these changes");
            Ok(Exit::Problems)
        }
        Consent::Ask if !world.is_agreed("Make these changes?") => {
            world.say("nothing changed");
            Ok(Exit::Problems)
        }
        Consent::Ask | Consent::Given => Ok(match carry_out(desk, &changes, world).await {
            Exit::Fine => otherwise,
            other => other,
        }),
    }
}

fn change(wanted: &ManagedSecret, secret: &SecretNow, found: Option<&RotationSetup>, function_arn: &str) -> Change {
    if secret.is_deleted {
        return Change::Blocked("it is about to be deleted; restore it, or take it out of the fleet file".to_owned());
    }
    if secret.is_replica {
        return Change::LeftAlone("it is a copy of another region's secret, which is rotated there".to_owned());
    }
    // Only its issuer can make a new key: a schedule would only ever fail.
    let schedule = wanted.rotate.as_ref().filter(|_| !matches!(wanted.kind, SecretKind::Issued(_)));
    let wanted = schedule.map(|schedule| RotationSetup {
        function: function_arn.to_owned(),
        schedule: schedule.expression(),
        window: schedule.duration(),
    });
    let change = match (wanted, found) {
        (None, None) => Change::None,
        (None, Some(found)) if found.function == function_arn => Change::Stop(found.clone()),
        (None, Some(found)) => Change::LeftAlone(format!("{} rotates it, which is not Nightshift's", other(&found.function))),
        (Some(wanted), None) => Change::Set(wanted),
        (Some(wanted), Some(found)) => match differences(found, &wanted) {
            same if same.is_empty() => Change::None,
            different => Change::Alter(wanted, different),
        },
    };
    match (&change, secret.current()) {
        (Change::Set(_), None) => Change::Blocked("it has no value; store a first one, from which every rotation goes on".to_owned()),
        (Change::Set(_) | Change::Alter(..), _) if secret.unfinished().is_some() => Change::Blocked(
            "a rotation is half done, and Secrets Manager takes no schedule meanwhile; see nightshift secrets unstick".to_owned(),
        ),
        _ => change,
    }
}

fn other(function: &str) -> &str {
    if function.is_empty() { "Secrets Manager itself" } else { function }
}

fn differences(found: &RotationSetup, wanted: &RotationSetup) -> Vec<String> {
    let window = |setup: &RotationSetup| setup.window.clone().unwrap_or_else(|| "as AWS sees fit".to_owned());
    let fields = [
        ("function", other(&found.function).to_owned(), wanted.function.clone()),
        ("schedule", found.schedule.clone(), wanted.schedule.clone()),
        ("window", window(found), window(wanted)),
    ];
    fields.into_iter().filter(|(_, from, to)| from != to).map(|(name, from, to)| format!("{name}: {from} -> {to}")).collect()
}

fn missing(entry: &Entry<'_>, error: &PortError, region: &str) -> Change {
    let home = entry.fleet.regions.first().map_or("", String::as_str);
    match error.kind {
        PortErrorKind::NotFound if home != region => Change::LeftAlone(format!("{} has it in {home}", entry.key.system)),
        PortErrorKind::NotFound => {
            Change::Blocked("Secrets Manager has no such secret here; create it, or correct the fleet file".to_owned())
        }
        _ => Change::Blocked(format!("it could not be read: {}", sentence(error))),
    }
}

fn show(key: &SecretKey, change: &Change, world: &mut World<'_>) {
    let within = |setup: &RotationSetup| setup.window.as_ref().map(|window| format!(" within {window}")).unwrap_or_default();
    match change {
        Change::None => {}
        Change::LeftAlone(why) => world.say(format!("  {key}: left alone, {why}")),
        Change::Blocked(why) => world.complain(format!("{key} was not done: {why}")),
        Change::Set(setup) => world.say(format!("+ {key}: {}{} by {}", setup.schedule, within(setup), setup.function)),
        Change::Alter(_, differences) => {
            world.say(format!("~ {key}"));
            differences.iter().for_each(|difference| world.say(format!("    {difference}")));
        }
        Change::Stop(setup) => world.say(format!("- {key}: {}{}; its fleet file has no schedule", setup.schedule, within(setup))),
    }
}

async fn carry_out(desk: &impl RotationDesk, changes: &[(&SecretKey, Change)], world: &mut World<'_>) -> Exit {
    // One new id each: it names the version that Secrets Manager makes for its trial.
    let with_ids: Vec<(&SecretKey, &Change, String)> = changes.iter().map(|(key, change)| (*key, change, (world.new_id)())).collect();
    let made = with_ids.iter().map(|(key, change, id)| async move {
        let name = key.secret.as_str();
        let result = match change {
            Change::Set(setup) | Change::Alter(setup, _) => desk.set_rotation(name, setup, id).await,
            Change::Stop(_) => desk.stop_rotation(name).await,
            Change::None | Change::LeftAlone(_) | Change::Blocked(_) => Ok(()),
        };
        (*key, result)
    });
    let made: Vec<(&SecretKey, PortResult<()>)> = stream::iter(made).buffered(SIDE_BY_SIDE).collect().await;
    let failures: Vec<(&SecretKey, &PortError)> = made.iter().filter_map(|(key, result)| Some((*key, result.as_ref().err()?))).collect();
    world.say(format!("{} set", counted(made.len() - failures.len(), "schedule")));
    for (key, error) in &failures {
        world.complain(format!("{key} was not done: {}", sentence(error)));
    }
    if failures.is_empty() {
        return Exit::Fine;
    }
    world.complain(format!("{} not done; run the command again, what is done already stays", counted(failures.len(), "schedule")));
    Exit::Problems
}
