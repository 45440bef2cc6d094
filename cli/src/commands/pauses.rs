//! `nightshift pause`, `resume` and `pauses`: the kill switch and who holds it.

use nightshift_aws::DynamoLedger;
use nightshift_core::ledger::{BoundsOverride, Pause};
use nightshift_core::ports::PortResult;
use serde_json::json;

use crate::args::{PauseArgs, PausesArgs, ResumeArgs};
use crate::aws::{OpenLedger, ask_ledger, block_on};
use crate::books::{OverrideBook, PauseBook};
use crate::exit::Exit;
use crate::fleet_files::check_scope;
use crate::scope::Scope;
use crate::times::{after, moment};
use crate::trouble::Usage;
use crate::world::World;

pub(crate) fn run_pause(args: PauseArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let by = signature(args.by, world)?;
    check_scope(&args.scope, args.fleet.fleet.as_deref(), world)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let wished = Pause { scope: args.scope.to_string(), by, why: args.why, until: after(world.now, args.length) };
    block_on(pause(&ledger.dynamo, &wished, world))?.map_err(|error| ledger.failed(&error))
}

pub(crate) fn run_resume(args: ResumeArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    if let Err(refusal) = check_scope(&args.scope, args.fleet.fleet.as_deref(), world) {
        // A pause of something that has left the fleet files since then, or is not in these, can still be ended.
        let scope = args.scope.to_string();
        let is_kept =
            |dynamo: DynamoLedger| async move { dynamo.pauses().await.is_ok_and(|kept| kept.iter().any(|pause| pause.scope == scope)) };
        if !ask_ledger(&args.ledger, world, is_kept) {
            return Err(refusal);
        }
    }
    let ledger = OpenLedger::open(&args.ledger, world)?;
    block_on(resume(&ledger.dynamo, &args.scope, world))?.map_err(|error| ledger.failed(&error))
}

pub(crate) fn run_pauses(args: &PausesArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let ledger = OpenLedger::open(&args.ledger, world)?;
    block_on(pauses(&ledger.dynamo, args.json, world))?.map_err(|error| ledger.failed(&error))
}

/// Who sets a pause or bounds: people must be able to ask somebody.
pub(crate) fn signature(by: Option<String>, world: &World<'_>) -> anyhow::Result<String> {
    let from_system = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| world.variable(name));
    by.or_else(from_system).ok_or_else(|| Usage("$USER is not set; say who you are with --by NAME".to_owned()).into())
}

/// Sets a pause.
pub async fn pause(book: &impl PauseBook, pause: &Pause, world: &mut World<'_>) -> PortResult<Exit> {
    book.put_pause(pause).await?;
    let scope = &pause.scope;
    world.say(line(pause, world));
    world.say(format!("Nightshift goes on watching and recording. To end the pause sooner: nightshift resume {scope}"));
    Ok(Exit::Fine)
}

/// Ends a pause, and says if another one still holds.
pub async fn resume(book: &impl PauseBook, scope: &Scope, world: &mut World<'_>) -> PortResult<Exit> {
    let ended = book.remove_pause(&scope.to_string()).await?;
    let was_paused = ended.is_some_and(|pause| pause.until > world.now);
    let around = scope.with_surroundings();
    let holding = holding(book, world).await?;
    let still: Vec<&Pause> = holding.iter().filter(|pause| around.contains(&pause.scope)).collect();
    match (was_paused, still.is_empty()) {
        (true, true) => world.say(format!("{scope} is no longer paused")),
        (false, true) => world.say(format!("{scope} was not paused; nothing changed")),
        (true, false) => world.say(format!("the pause of {scope} is ended, but another one covers it:")),
        (false, false) => world.say(format!("{scope} has no pause of its own; another one covers it:")),
    }
    for pause in &still {
        world.say(format!("  {} (nightshift resume {})", line(pause, world), pause.scope));
    }
    Ok(if still.is_empty() { Exit::Fine } else { Exit::Problems })
}

/// Shows the pauses that hold, and the bounds that people set by hand.
pub async fn pauses(book: &(impl PauseBook + OverrideBook), as_json: bool, world: &mut World<'_>) -> PortResult<Exit> {
    let holding = holding(book, world).await?;
    let mut overrides = book.overrides().await?;
    overrides.retain(|(_, set)| set.until > world.now);
    if as_json {
        let overrides: Vec<_> = overrides.iter().map(|(key, set)| json!({ "service": key.to_string(), "override": set })).collect();
        world.say(json!({ "pauses": holding, "overrides": overrides }).to_string());
        return Ok(Exit::Fine);
    }
    if holding.is_empty() {
        world.say("nothing is paused");
    }
    for pause in &holding {
        world.say(line(pause, world));
    }
    for (key, BoundsOverride { bounds, by, why, until }) in &overrides {
        world.say(format!("{key} keeps to {bounds} until {}, by {by}: {why}", moment(*until, &world.zone)));
    }
    Ok(Exit::Fine)
}

/// DynamoDB deletes what is over only within days.
async fn holding(book: &impl PauseBook, world: &World<'_>) -> PortResult<Vec<Pause>> {
    let mut holding = book.pauses().await?;
    holding.retain(|pause| pause.until > world.now);
    holding.sort_by(|one, other| one.scope.cmp(&other.scope));
    Ok(holding)
}

fn line(pause: &Pause, world: &World<'_>) -> String {
    let Pause { scope, by, why, until } = pause;
    format!("{scope} is paused until {}, by {by}: {why}", moment(*until, &world.zone))
}
