//! The arguments of `nightshift secrets …` and `nightshift secret put`.
//!
//! There is no argument that takes a secret's value: those are kept in the shell's history and seen by everybody on the machine.

use clap::{Args, Subcommand};
use nightshift_core::fleet::{SecretName, SystemName};

use super::LedgerArgs;

/// One secret of one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretKey {
    /// The system.
    pub system: SystemName,
    /// The secret's name in Secrets Manager.
    pub secret: SecretName,
}

impl std::fmt::Display for SecretKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.system, self.secret)
    }
}

/// Show the secrets of the fleet files: kind, age, next rotation, last outcome, readers, and whether one is stuck.
///
/// No value is read. What each state means, and what to do in it, stands in docs/cli.md.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  nightshift secrets\n  nightshift secrets shop --json\n  nightshift secrets unstick shop/shop/db"
)]
pub(crate) struct SecretsArgs {
    #[command(subcommand)]
    pub command: Option<SecretsCommand>,
    #[command(flatten)]
    pub list: SecretsListArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SecretsListArgs {
    /// Only this system
    #[arg(value_name = "SYSTEM", value_parser = system)]
    pub system: Option<SystemName>,
    /// Print JSON: an array with all that is known of each
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    Unstick(SecretsUnstickArgs),
    Sync(SecretsSyncArgs),
}

/// Explain a rotation that is half done, or a hand-over that has not ended, and have the function go on with it.
///
/// Says what is half done and what will be done, asks, then calls the function that rotates and waits for its answer. It moves
/// no label itself: only the function looks at where the database stands.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift secrets unstick shop/shop/db\n  nightshift secrets unstick shop/shop/db --yes")]
pub(crate) struct SecretsUnstickArgs {
    /// The secret: its system, and its name in Secrets Manager
    #[arg(value_name = "SYSTEM/SECRET", value_parser = secret_key)]
    pub secret: SecretKey,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub function: RotateFunctionArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Make the rotation schedules in Secrets Manager those of the fleet files: shows the difference, asks, then sets them.
///
/// Works in one region. Rotates nothing at once: Secrets Manager only tries the function's step testSecret. Running it again
/// changes nothing. A secret that another function rotates, and that has no schedule in its fleet file, is left alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift secrets sync --dry-run\n  nightshift secrets sync shop --yes")]
pub(crate) struct SecretsSyncArgs {
    /// Only this system
    #[arg(value_name = "SYSTEM", value_parser = system)]
    pub system: Option<SystemName>,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only show the difference
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub function: RotateFunctionArgs,
    #[command(flatten)]
    pub aws: super::AwsArgs,
}

/// A key that somebody else issues: take the new one.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    Put(SecretPutArgs),
}

/// Take the new key of a secret that is issued elsewhere: tries it, makes it current, and has its readers started anew.
///
/// The key is asked for and not shown while it is typed; where standard input is no terminal, it is read from there (one line).
/// It is never an argument: those are kept in the shell's history and seen by everybody on the machine.
#[derive(Debug, Args)]
#[command(
    override_usage = "nightshift secret put [OPTIONS] <SYSTEM/SECRET>",
    after_help = "Examples:\n  nightshift secret put shop/shop/mail-key\n  nightshift secret put shop/shop/mail-key < key.txt"
)]
pub(crate) struct SecretPutArgs {
    /// The secret: its system, and its name in Secrets Manager
    #[arg(value_name = "SYSTEM/SECRET", value_parser = secret_key)]
    pub secret: SecretKey,
    /// Taken only so that it can be refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = true)]
    pub refused: Vec<std::ffi::OsString>,
    #[command(flatten)]
    pub files: FilesArgs,
    #[command(flatten)]
    pub function: RotateFunctionArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    /// Fleet file or folder
    #[arg(long, value_name = "PATH", default_value = "systems")]
    pub fleet: std::path::PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RotateFunctionArgs {
    /// The function that rotates, by name or ARN: the stack's output RotateFunctionName [env: NIGHTSHIFT_ROTATE_FUNCTION]
    #[arg(long, value_name = "FUNCTION")]
    pub function: Option<String>,
}

fn system(text: &str) -> Result<SystemName, String> {
    SystemName::try_from(text.to_owned())
}

/// `system/secret`; a secret's name may have slashes itself.
pub(crate) fn secret_key(text: &str) -> Result<SecretKey, String> {
    let (system, secret) = text.split_once('/').ok_or("write it as <system>/<secret's name>, such as shop/shop/db")?;
    Ok(SecretKey { system: SystemName::try_from(system.to_owned())?, secret: SecretName::try_from(secret.to_owned())? })
}
