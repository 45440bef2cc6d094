//! The command line: every command, option and word of help.
//!
//! Owns the form of what people type and what is refused before anything is looked at.

mod release;
mod secrets;

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};
use nightshift_core::fleet::{Seconds, ServiceName, SystemName, TaskCount};
use nightshift_core::ledger::ServiceKey;

use crate::scope::Scope;

pub(crate) use release::{
    DeployArgs, FunctionArgs, ReleaseApproveArgs, ReleaseCommandArgs, ReleaseListArgs, ReleaseShowArgs, ReleaseStopArgs,
};
pub use secrets::SecretKey;
pub(crate) use secrets::{
    RotateFunctionArgs, SecretCommand, SecretPutArgs, SecretsArgs, SecretsCommand, SecretsListArgs, SecretsSyncArgs, SecretsUnstickArgs,
};

/// Looks after the fleet files, the alarms that follow from them, releases, secrets, and what Nightshift may do and has done.
#[derive(Debug, Parser)]
#[command(
    name = "nightshift",
    version,
    term_width = 100,
    after_help = "Exit codes: 0 fine; 1 something is wrong, or not everything was done; 2 the command line is wrong or lacks something.\n\
                  Credentials and region come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(CheckArgs),
    /// Print the JSON schema of the fleet file, for editors.
    ///
    /// Put `# yaml-language-server: $schema=../schema.json` on the first line of a fleet file, and editors complete and check it.
    #[command(after_help = "Example: nightshift schema > systems/schema.json")]
    Schema,
    #[command(subcommand)]
    Alarms(AlarmsCommand),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Pauses(PausesArgs),
    Override(OverrideArgs),
    History(HistoryArgs),
    Plan(PlanArgs),
    #[command(subcommand)]
    Release(ReleaseCommandArgs),
    Deploy(DeployArgs),
    Secrets(SecretsArgs),
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// Check fleet files: every mistake with its place and a remedy, or a summary of what they mean.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift check\n  nightshift check systems/pizza/fleet.yaml")]
pub(crate) struct CheckArgs {
    /// Fleet files, or folders with <system>/fleet.yaml or <system>.yaml in them
    #[arg(value_name = "PATH", default_value = "systems")]
    pub paths: Vec<PathBuf>,
}

/// The CloudWatch alarms that the fleet files mean: list them, or make those in AWS match.
#[derive(Debug, Subcommand)]
pub(crate) enum AlarmsCommand {
    List(AlarmsListArgs),
    Sync(AlarmsSyncArgs),
}

/// List the alarms that follow from the fleet files; AWS is not asked.
#[derive(Debug, Args)]
#[command(after_help = "Example: nightshift alarms list --region us-east-1")]
pub(crate) struct AlarmsListArgs {
    /// Fleet files or folders
    #[arg(value_name = "PATH", default_value = "systems")]
    pub paths: Vec<PathBuf>,
    /// Only this region; otherwise all that the fleet files name
    #[arg(long)]
    pub region: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Make the alarms in AWS those that the fleet files mean: shows the difference, asks, then creates, changes and removes.
///
/// Works in one region. Removes only alarms that Nightshift made for one of these systems; running it again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift alarms sync --topic-arn arn:aws:sns:us-east-1:111122223333:alarms --dry-run\n  \
                        nightshift alarms sync --yes     (with NIGHTSHIFT_ALARM_TOPIC_ARN set; the stack's output AlarmTopicArn)")]
pub(crate) struct AlarmsSyncArgs {
    /// Fleet files or folders
    #[arg(value_name = "PATH", default_value = "systems")]
    pub paths: Vec<PathBuf>,
    /// The topic that alarms send their state to: the stack's output AlarmTopicArn [env: NIGHTSHIFT_ALARM_TOPIC_ARN]
    #[arg(long, value_name = "ARN")]
    pub topic_arn: Option<String>,
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only show the difference
    #[arg(long)]
    pub dry_run: bool,
}

/// Stop Nightshift from acting on everything, a system or a service, for a while.
///
/// It keeps watching and recording; only acting stops. A pause always ends by itself.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nightshift pause pizza/api --for 2h --why \"load test\"\n  nightshift pause all --why \"provider outage\""
)]
pub(crate) struct PauseArgs {
    /// all, <system> or <system>/<service>
    pub scope: Scope,
    /// For how long, such as 30m, 2h or 1d
    #[arg(long = "for", value_name = "LENGTH", default_value = "8h", value_parser = length)]
    pub length: Seconds,
    /// Why; people read it when something is not done
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    pub why: String,
    /// Who says so; otherwise the name in $USER
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    pub by: Option<String>,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// End a pause.
#[derive(Debug, Args)]
#[command(after_help = "Example: nightshift resume pizza/api")]
pub(crate) struct ResumeArgs {
    /// The scope that was paused: all, <system> or <system>/<service>
    pub scope: Scope,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// Show the pauses that hold now, and the bounds that people set by hand.
#[derive(Debug, Args)]
#[command(after_help = "Example: nightshift pauses")]
pub(crate) struct PausesArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Set other bounds for a service for a while, over those of fleet file and calendar.
#[derive(Debug, Args)]
#[command(
    override_usage = "nightshift override [OPTIONS] --min <N> --max <N> --why <TEXT> <SYSTEM/SERVICE>\n       \
                      nightshift override [OPTIONS] --clear <SYSTEM/SERVICE>",
    group(ArgGroup::new("what").required(true).multiple(true).args(["min", "clear"])),
    after_help = "Examples:\n  nightshift override pizza/api --min 6 --max 20 --for 4h --why \"launch day\"\n  nightshift override pizza/api --clear"
)]
pub(crate) struct OverrideArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// Never fewer than this many tasks or instances
    #[arg(long, value_name = "N", value_parser = task_count, requires_all = ["max", "why"])]
    pub min: Option<TaskCount>,
    /// Never more than this many
    #[arg(long, value_name = "N", value_parser = task_count, requires = "min")]
    pub max: Option<TaskCount>,
    /// For how long, such as 30m, 4h or 1d
    #[arg(long = "for", value_name = "LENGTH", default_value = "8h", value_parser = length)]
    pub length: Seconds,
    /// Why; people read it in notices and history
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    pub why: Option<String>,
    /// Who says so; otherwise the name in $USER
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    pub by: Option<String>,
    /// Take the override away
    #[arg(long, conflicts_with_all = ["min", "max", "why", "by"])]
    pub clear: bool,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// Show what Nightshift did, or did not do, with a service, and why; newest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift history pizza/api --since 7d --why\n  \
                        nightshift history pizza/api --limit 1 --json | nightshift plan pizza/api --replay -")]
pub(crate) struct HistoryArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// How far back, such as 6h or 7d
    #[arg(long, value_name = "LENGTH", default_value = "24h", value_parser = length)]
    pub since: Seconds,
    /// The most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// Print one JSON object a line: the stored outcome with the observation it rests on
    #[arg(long, conflicts_with = "why")]
    pub json: bool,
    /// Show more of each decision: what was withheld, warnings, what went wrong, the next look
    #[arg(long)]
    pub why: bool,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Show what Nightshift would do with a service now; does nothing.
///
/// Looks at the real estate and decides exactly as the function does. With --replay it decides again on what the function
/// saw then, with the fleet file as it is now, and says whether that would be the same (exit code 1 if it would not).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nightshift plan pizza/api\n  nightshift history pizza/api --json > seen.json; nightshift plan pizza/api --replay seen.json"
)]
pub(crate) struct PlanArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// Fleet file or folder
    #[arg(long, value_name = "PATH", default_value = "systems")]
    pub fleet: PathBuf,
    /// Decide again on entries of `nightshift history --json`; - reads them from standard input
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Print JSON: the plan and the observation it rests on
    #[arg(long, conflicts_with = "replay")]
    pub json: bool,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AwsArgs {
    /// The AWS region [env: AWS_REGION]
    #[arg(long)]
    pub region: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// The ledger's table: the stack's output LedgerTableName [env: NIGHTSHIFT_TABLE]
    #[arg(long)]
    pub table: Option<String>,
    #[command(flatten)]
    pub aws: AwsArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// Fleet file or folder in which the name must occur [default: systems, if it is there]
    #[arg(long, value_name = "PATH")]
    pub fleet: Option<PathBuf>,
}

fn length(text: &str) -> Result<Seconds, String> {
    let length = Seconds::try_from(text.to_owned())?;
    match length.get() {
        0 => Err("nothing lasts 0 seconds; write a length such as 30m, 2h or 7d".to_owned()),
        _ => Ok(length),
    }
}

fn some_text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("write a few words".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn task_count(text: &str) -> Result<TaskCount, String> {
    let number = text.parse::<u32>().map_err(|_| "write a whole number, such as 4".to_owned())?;
    TaskCount::new(number)
}

/// `system/service`.
pub(crate) fn service_key(text: &str) -> Result<ServiceKey, String> {
    let (system, service) = text.split_once('/').ok_or("write it as <system>/<service>, such as pizza/api")?;
    let system = SystemName::try_from(system.to_owned())?;
    let service = ServiceName::try_from(service.to_owned())?;
    Ok(ServiceKey { system, service })
}
