//! `nightshift secrets` and `nightshift secret put`: what people see of secrets, and what they have done with them.
//!
//! Owns words and refusals. Rotates nothing and moves no label of its own accord: the function does, when it is asked.

mod call;
pub(crate) mod facts;
pub(crate) mod put;
mod readers;
mod standing;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod unstick;

use anyhow::anyhow;
use aws_types::SdkConfig;
use nightshift_aws::{AwsCaller, Functions, ManagedSecrets, ReleaseTargets};
use nightshift_core::ports::PortErrorKind;

use crate::args::{SecretCommand, SecretPutArgs, SecretsArgs, SecretsCommand, SecretsListArgs, SecretsSyncArgs, SecretsUnstickArgs};
use crate::aws::{self, ONE_CALL, OpenLedger, ROTATION_CALL, block_on};
use crate::commands::alarms::Consent;
use crate::exit::Exit;
use crate::fleet_files;
use crate::trouble::{Usage, sentence};
use crate::world::World;
use call::function;
use facts::{entries, entry};
use put::{PutWish, put_secret};
use sync::{SchedulesWish, sync_schedules};
use table::{SecretsWish, list_secrets};
use unstick::{UnstickWish, unstick_secret};

pub(crate) fn run(args: SecretsArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    match args.command {
        None => run_list(&args.list, world),
        Some(SecretsCommand::Unstick(args)) => run_unstick(&args, world),
        Some(SecretsCommand::Sync(args)) => run_sync(&args, world),
    }
}

pub(crate) fn run_one(command: &SecretCommand, world: &mut World<'_>) -> anyhow::Result<Exit> {
    match command {
        SecretCommand::Put(args) => run_put(args, world),
    }
}

fn run_list(args: &SecretsListArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = fleet_files::read(std::slice::from_ref(&args.files.fleet))?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let entries = entries(&read.fleets, args.system.as_ref(), &ledger.region)?;
    let config = aws::sdk(&args.ledger.aws, ONE_CALL, world)?;
    let wish = SecretsWish { entries: &entries, as_json: args.json, region: &ledger.region };
    let (secrets, targets) = (secrets_of(&config), ReleaseTargets::new(&config));
    block_on(list_secrets(&secrets, &ledger.dynamo, &targets, &wish, world))?.map_err(|error| ledger.failed(&error))
}

fn run_unstick(args: &SecretsUnstickArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = fleet_files::read(std::slice::from_ref(&args.files.fleet))?;
    let function = function(&args.function, world)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let entry = entry(&read.fleets, &args.secret, &ledger.region)?;
    let secrets = secrets_of(&aws::sdk(&args.ledger.aws, ONE_CALL, world)?);
    let functions = Functions::new(AwsCaller::new(&aws::sdk(&args.ledger.aws, ROTATION_CALL, world)?));
    let wish = UnstickWish { entry: &entry, region: &ledger.region, function: &function, is_agreed: args.yes };
    block_on(unstick_secret(&secrets, &ledger.dynamo, &functions, &wish, world))?.map_err(|error| ledger.explained(error))
}

fn run_put(args: &SecretPutArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    if !args.refused.is_empty() {
        return Err(anyhow!(Usage(value_as_argument().to_owned())));
    }
    let read = fleet_files::read(std::slice::from_ref(&args.files.fleet))?;
    let function = function(&args.function, world)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let entry = entry(&read.fleets, &args.secret, &ledger.region)?;
    let secrets = secrets_of(&aws::sdk(&args.ledger.aws, ONE_CALL, world)?);
    let functions = Functions::new(AwsCaller::new(&aws::sdk(&args.ledger.aws, ROTATION_CALL, world)?));
    let wish = PutWish { entry: &entry, region: &ledger.region, function: &function };
    block_on(put_secret(&secrets, &ledger.dynamo, &functions, &wish, world))?.map_err(|error| ledger.explained(error))
}

/// Said of a command line with more words than it should have; they are not repeated, since one may be the key.
pub(crate) fn value_as_argument() -> &'static str {
    "a key is never an argument: those stay in the shell's history, and everybody on the machine sees them. If this was the key, have its \
     issuer make another one. Type it when you are asked, or hand it over on standard input: nightshift secret put SYSTEM/SECRET < key.txt"
}

fn run_sync(args: &SecretsSyncArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let function = function(&args.function, world)?;
    let read = fleet_files::read(std::slice::from_ref(&args.files.fleet))?;
    let config = aws::sdk(&args.aws, ONE_CALL, world)?;
    let region = aws::region_of(&config);
    let entries = entries(&read.fleets, args.system.as_ref(), &region)?;
    let consent = match (args.yes, args.dry_run) {
        (_, true) => Consent::OnlyShow,
        (true, false) => Consent::Given,
        (false, false) => Consent::Ask,
    };
    let done = async {
        let function_arn = function_arn(&function, &config, &region).await?;
        let wish = SchedulesWish { entries: &entries, region: &region, function_arn: &function_arn, consent };
        sync_schedules(&secrets_of(&config), &wish, world).await
    };
    block_on(done)?
}

/// Secrets Manager calls a function by its ARN, and only one of its own region.
async fn function_arn(function: &str, config: &SdkConfig, region: &str) -> anyhow::Result<String> {
    match function.split(':').collect::<Vec<_>>().as_slice() {
        ["arn", _, "lambda", own, ..] if *own == region => Ok(function.to_owned()),
        ["arn", _, "lambda", other, ..] => {
            let words =
                format!("the function is in {other} and the secrets are in {region}; give --region {other}, or the function of {region}");
            Err(anyhow!(Usage(words)))
        }
        _ => Functions::new(AwsCaller::new(config)).function_arn(function).await.map_err(|error| match error.kind {
            PortErrorKind::NotFound => anyhow!(
                "there is no function {function} in this account and region; give --function or NIGHTSHIFT_ROTATE_FUNCTION the stack's \
                 output RotateFunctionName, and AWS_REGION the stack's region"
            ),
            _ => anyhow!(sentence(&error)),
        }),
    }
}

fn secrets_of(config: &SdkConfig) -> ManagedSecrets {
    ManagedSecrets::new(AwsCaller::new(config))
}
