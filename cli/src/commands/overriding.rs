//! `nightshift override`: bounds that a person sets for a while.

use nightshift_aws::DynamoLedger;
use nightshift_core::fleet::Bounds;
use nightshift_core::ledger::{BoundsOverride, ServiceKey};
use nightshift_core::ports::PortResult;

use crate::args::OverrideArgs;
use crate::aws::{OpenLedger, ask_ledger, block_on};
use crate::books::OverrideBook;
use crate::commands::pauses::signature;
use crate::exit::Exit;
use crate::fleet_files::check_scope;
use crate::scope::Scope;
use crate::times::{after, moment};
use crate::trouble::Usage;
use crate::world::World;

pub(crate) fn run(args: OverrideArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let wish = wish(&args, world)?;
    if let Err(refusal) = check_scope(&Scope::Service(args.service.clone()), args.fleet.fleet.as_deref(), world) {
        // Bounds of a service that has left the fleet files since then can still be taken away.
        let key = args.service.clone();
        let is_kept =
            |dynamo: DynamoLedger| async move { dynamo.overrides().await.is_ok_and(|kept| kept.iter().any(|(other, _)| *other == key)) };
        if wish.is_some() || !ask_ledger(&args.ledger, world, is_kept) {
            return Err(refusal);
        }
    }
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let done = async {
        match &wish {
            Some(wish) => override_bounds(&ledger.dynamo, &args.service, wish, world).await,
            None => clear_override(&ledger.dynamo, &args.service, world).await,
        }
    };
    block_on(done)?.map_err(|error| ledger.failed(&error))
}

/// The bounds that are asked for; none if the override is to go. The arguments' own rules leave no other case.
fn wish(args: &OverrideArgs, world: &World<'_>) -> anyhow::Result<Option<BoundsOverride>> {
    let (Some(min), Some(max), Some(why)) = (args.min, args.max, args.why.clone()) else { return Ok(None) };
    let bounds = Bounds::new(min, max).map_err(Usage)?;
    let by = signature(args.by.clone(), world)?;
    Ok(Some(BoundsOverride { bounds, by, why, until: after(world.now, args.length) }))
}

/// Sets bounds for a while.
pub async fn override_bounds(book: &impl OverrideBook, key: &ServiceKey, wish: &BoundsOverride, world: &mut World<'_>) -> PortResult<Exit> {
    book.put_override(key, wish).await?;
    let BoundsOverride { bounds, by, why, until } = wish;
    world.say(format!("{key} keeps to {bounds} until {}, by {by}: {why}", moment(*until, &world.zone)));
    world.say(format!("Nightshift looks within five minutes. To end this sooner: nightshift override {key} --clear"));
    Ok(Exit::Fine)
}

/// Takes the bounds away that were set by hand.
pub async fn clear_override(book: &impl OverrideBook, key: &ServiceKey, world: &mut World<'_>) -> PortResult<Exit> {
    match book.remove_override(key).await?.filter(|set| set.until > world.now) {
        Some(set) => world.say(format!("{key} keeps to the bounds of fleet file and calendar again, no longer to {}", set.bounds)),
        None => world.say(format!("{key} had no override; nothing changed")),
    }
    Ok(Exit::Fine)
}
