//! `nightshift deploy`: a release by hand.

use anyhow::anyhow;
use nightshift_aws::{AwsCaller, Functions};
use nightshift_core::fleet::Fleets;
use nightshift_core::release::repository_of;
use nightshift_core::signal::ReleaseVerb;

use super::check_region;
use super::send::{Sent, function, send};
use super::watch::{EVERY, watch_release};
use crate::args::DeployArgs;
use crate::aws::{self, FUNCTION_CALL, OpenLedger, block_on};
use crate::commands::pauses::signature;
use crate::exit::Exit;
use crate::fleet_files::{self, check_scope};
use crate::scope::Scope;
use crate::trouble::Usage;
use crate::world::World;

pub(crate) fn run(args: DeployArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let key = &args.service;
    let by = signature(args.by.clone(), world)?;
    check_scope(&Scope::Service(key.clone()), args.fleet.fleet.as_deref(), world)?;
    let function = function(&args.function, world)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    check(&args, fleet_files::if_readable(args.fleet.fleet.as_deref()).as_ref(), &ledger.region)?;
    let config = aws::sdk(&args.ledger.aws, FUNCTION_CALL, world)?;
    let functions = Functions::new(AwsCaller::new(&config));
    let verb = ReleaseVerb::Deploy { image: args.image.clone(), accepts_drift: args.accept_drift, only_here: args.only_here };
    let sent = Sent { key, by: &by, verb: &verb, function: &function };
    let done = async {
        match send(&functions, &ledger.dynamo, &sent, world).await? {
            (Exit::Fine, Some(id)) if args.watch => {
                let watched = watch_release(&ledger.dynamo, key, &id, None, EVERY, world).await;
                watched.map_err(|error| ledger.failed(&error))
            }
            (exit, _) => Ok(exit),
        }
    };
    block_on(done)?
}

/// What the function would only say after the fact: no path, another region's turn, another service's image.
fn check(args: &DeployArgs, fleets: Option<&Fleets>, region: &str) -> anyhow::Result<()> {
    let key = &args.service;
    check_region(key, fleets, region)?;
    let Some((fleet, _, service)) = fleets.and_then(|fleets| fleets.service(key.system.as_str(), key.service.as_str())) else {
        return Ok(());
    };
    let Some(deploy) = &service.deploy else {
        return Err(anyhow!(Usage(format!("{key} has no deploy path; write `deploy` for it in its fleet file"))));
    };
    if let Some((repository, _)) = repository_of(&args.image).filter(|(repository, _)| *repository != deploy.repository) {
        let own = &deploy.repository;
        return Err(anyhow!(Usage(format!("{key} is deployed from the repository {own}, and this image is one of {repository}"))));
    }
    let Some(path) = fleet.paths.get(&deploy.path) else { return Ok(()) };
    let home = path.home_region().unwrap_or(region);
    let is_on_path = path.stages.iter().any(|stage| stage.regions().any(|own| own == region));
    match args.only_here {
        true if !is_on_path => {
            Err(anyhow!(Usage(format!("the path of {key} does not lead through {region}, so that nothing is to be done only there"))))
        }
        false if home != region => Err(anyhow!(Usage(format!(
            "releases of {key} begin in {home}; give --region {home} with the table and the function of that region's stack, or --only-here to \
             change {region} alone"
        )))),
        _ => Ok(()),
    }
}
