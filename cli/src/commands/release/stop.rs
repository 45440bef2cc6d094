//! `nightshift release abort` and `rollback`.
//!
//! Names the release in the command even where the person did not: a command that is delivered twice, or late, must not be
//! about another one by then.

use anyhow::anyhow;
use nightshift_aws::{AwsCaller, Functions};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::release::ports::ReleaseLedger;
use nightshift_core::release::{Book, LegState, Release, StopHow};
use nightshift_core::signal::ReleaseVerb;

use super::send::{Sent, function, send};
use super::{check_region, find};
use crate::args::ReleaseStopArgs;
use crate::aws::{self, FUNCTION_CALL, OpenLedger, block_on};
use crate::books::CommandTaker;
use crate::commands::pauses::signature;
use crate::exit::Exit;
use crate::fleet_files::{self, check_scope};
use crate::scope::Scope;
use crate::world::World;

pub(crate) fn run(args: ReleaseStopArgs, how: StopHow, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let key = &args.service;
    let by = signature(args.by, world)?;
    check_scope(&Scope::Service(key.clone()), args.fleet.fleet.as_deref(), world)?;
    let function = function(&args.function, world)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    check_region(key, fleet_files::if_readable(args.fleet.fleet.as_deref()).as_ref(), &ledger.region)?;
    let config = aws::sdk(&args.ledger.aws, FUNCTION_CALL, world)?;
    let functions = Functions::new(AwsCaller::new(&config));
    let wish = StopWish { key, named: args.release.as_deref(), how, by: &by, why: &args.why, function: &function };
    block_on(stop_release(&functions, &ledger.dynamo, &wish, world))?.map_err(|error| ledger.explained(error))
}

/// What is to be stopped.
#[derive(Clone, Copy, Debug)]
pub struct StopWish<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// Which release; none: the one in hand, or for the way back the last that changed something.
    pub named: Option<&'a str>,
    /// What becomes of what was changed already.
    pub how: StopHow,
    /// Who says so.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
    /// The function that deploys.
    pub function: &'a str,
}

/// Ends or undoes a release, and tells what became of that.
pub async fn stop_release(
    taker: &impl CommandTaker,
    ledger: &impl ReleaseLedger,
    wish: &StopWish<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let StopWish { key, named, how, by, why, function } = *wish;
    let view = ledger.read_book(key).await?;
    let meant = match how {
        StopHow::Abort => to_abort(&view.book, key, named),
        StopHow::RollBack => to_roll_back(&view.book, key, named),
    };
    let release = Some(meant.map_err(|refusal| anyhow!(refusal))?.id.to_string());
    let why = why.to_owned();
    let verb = match how {
        StopHow::Abort => ReleaseVerb::Abort { release, why },
        StopHow::RollBack => ReleaseVerb::Rollback { release, why },
    };
    let (exit, _) = send(taker, ledger, &Sent { key, by, verb: &verb, function }, world).await?;
    Ok(exit)
}

fn to_abort<'b>(book: &'b Book, key: &ServiceKey, named: Option<&str>) -> Result<&'b Release, String> {
    let meant = match named {
        Some(named) => find(book, key, named)?,
        None => match book.asking() {
            Some(active) => active,
            None => return Err(format!("no release of {key} is in hand, so that there is nothing to abort; {}", undo_instead(key))),
        },
    };
    match &meant.end {
        Some(end) => Err(format!("release {} is {} already; {}", meant.id, end.kind.word(), undo_instead(key))),
        None => Ok(meant),
    }
}

fn undo_instead(key: &ServiceKey) -> String {
    format!("to undo one that has ended: nightshift release rollback {key} --why TEXT")
}

fn to_roll_back<'b>(book: &'b Book, key: &ServiceKey, named: Option<&str>) -> Result<&'b Release, String> {
    let meant = named.map(|named| find(book, key, named)).transpose()?;
    if let Some(active) = book.asking() {
        return match meant {
            Some(other) if other.id != active.id => {
                let (meant, active) = (&other.id, &active.id);
                Err(format!(
                    "release {active} is in hand, so that {meant} cannot be undone; end that one first: nightshift release abort {key} --why TEXT"
                ))
            }
            _ => Ok(active),
        };
    }
    let Some(last) = book.last_to_undo() else {
        return Err(format!("no release of {key} that the ledger knows has changed anything that could go back"));
    };
    let gone_back = |release: &&Release| release.legs.iter().any(|leg| matches!(leg.state, LegState::RolledBack { .. }));
    let newer = book.ended.iter().take_while(|release| release.id != last.id).find(gone_back);
    match (meant, newer) {
        // Typed once too often, perhaps: nobody undoes two releases by that.
        (None, Some(newer)) => Err(format!(
            "release {} ({}) has gone back already; to undo the one before it, {} ({}), name it",
            newer.id,
            newer.name(),
            last.id,
            last.name()
        )),
        (Some(other), _) if other.id != last.id => Err(format!(
            "only the last release that changed something can be undone: {} ({}); to run an older image: nightshift deploy --service {key} --image TAG",
            last.id,
            last.name()
        )),
        _ => Ok(last),
    }
}
