//! The arguments of `nightshift release …` and `nightshift deploy`.

use clap::{Args, Subcommand};
use nightshift_core::fleet::{ApproverName, Seconds};
use nightshift_core::ledger::ServiceKey;

use super::{FleetArgs, LedgerArgs, length, service_key, some_text};
use crate::scope::Scope;

/// Releases: where they are, who let them pass, and how to get back.
#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommandArgs {
    List(ReleaseListArgs),
    Show(ReleaseShowArgs),
    Approve(ReleaseApproveArgs),
    Abort(ReleaseStopArgs),
    Rollback(ReleaseRollbackArgs),
}

/// List the releases that are in hand, that wait for their turn, and that have ended lately.
///
/// As the ledger of one region knows them; other regions tell it what happens there.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nightshift release list\n  nightshift release list shop --since 30d\n  nightshift release list shop/web --json"
)]
pub(crate) struct ReleaseListArgs {
    /// Only this system, or this service
    #[arg(value_name = "SYSTEM[/SERVICE]", default_value = "all", hide_default_value = true)]
    pub scope: Scope,
    /// How far back ended releases are listed, such as 6h or 30d
    #[arg(long, value_name = "LENGTH", default_value = "7d", value_parser = length)]
    pub since: Seconds,
    /// Print JSON: an array with the whole of each release
    #[arg(long)]
    pub json: bool,
    /// Fleet file or folder: whose services are looked up
    #[arg(long, value_name = "PATH", default_value = "systems")]
    pub fleet: std::path::PathBuf,
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Show a release's whole path: gate, stages, approvals, regions, what is next, and what happened.
///
/// Marks: + passed, > now, . to come, x failed or refused, < back or going back, - left out.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift release show shop/web\n  nightshift release show shop/web v1.4.2 --watch")]
pub(crate) struct ReleaseShowArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// Which release: its id or its beginning, its image's tag, or the beginning of its digest; otherwise the one in hand, the one
    /// that waits, or the last one
    #[arg(value_parser = some_text)]
    pub release: Option<String>,
    /// Follow it, a line for each change, until it ends or waits for people
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// Answer the question whether a release may enter a stage, with the code from your mail.
///
/// The same answer as on the page that the other mail links to: it counts once, and five wrong codes lock the question for you.
/// The code is asked for; where there is no terminal it is read from standard input. It is never an argument: those are kept
/// in the shell's history and seen by everybody on the machine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift release approve shop/web --by lead\n  \
                        nightshift release approve shop/web --by lead --reject\n  \
                        nightshift release approve shop/web v1.4.2 --by lead --stage production < code.txt")]
pub(crate) struct ReleaseApproveArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// Which release; otherwise the one in hand
    #[arg(value_parser = some_text)]
    pub release: Option<String>,
    /// Who answers: your name as an approver in the fleet file
    #[arg(long, value_name = "APPROVER", value_parser = approver)]
    pub by: ApproverName,
    /// Say no; the release ends then
    #[arg(long)]
    pub reject: bool,
    /// Which question, by its stage (`scan` for a missing scan result); otherwise the one that is open
    #[arg(long, value_name = "STAGE", value_parser = some_text)]
    pub stage: Option<String>,
    /// The secret with the approval key: the stack's output ApprovalKeyArn [env: NIGHTSHIFT_APPROVAL_KEY_ARN]
    #[arg(long, value_name = "ARN")]
    pub key_arn: Option<String>,
    #[command(flatten)]
    pub function: FunctionArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// End a release: what is under way goes back, what has passed stays.
#[derive(Debug, Args)]
#[command(after_help = "Example: nightshift release abort shop/web --why \"wrong branch\"")]
pub(crate) struct ReleaseStopArgs {
    /// The service
    #[arg(value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// Which release; otherwise the one in hand
    #[arg(value_parser = some_text)]
    pub release: Option<String>,
    /// Why; people read it in notices and history
    #[arg(long, value_name = "TEXT", value_parser = some_text)]
    pub why: String,
    /// Who says so; otherwise the name in $USER
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    pub by: Option<String>,
    #[command(flatten)]
    pub function: FunctionArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

/// Undo a release, done or not: every region that it changed goes back to what was proven healthy before.
///
/// Of ended releases only the last one that changed something can go back; to run an older image, deploy it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: nightshift release rollback shop/web --why \"orders fail since 14:00\"",
    mut_arg("release", |arg| arg.help("Which release; otherwise the one in hand, or the last one that changed something").long_help(None))
)]
pub(crate) struct ReleaseRollbackArgs {
    #[command(flatten)]
    pub stop: ReleaseStopArgs,
}

/// Start a release by hand, of an image that is in the registry; it takes the same path as one that was pushed.
///
/// Has to be started in the first region of the service's path. The image is pinned to its digest as it is now.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nightshift deploy --service shop/web --image v1.4.2\n  \
                        nightshift deploy --service shop/web --image v1.4.1 --watch\n  \
                        nightshift deploy --service shop/web --image v1.4.2 --accept-drift\n  \
                        nightshift deploy --service shop/web --image v1.4.2 --only-here --region us-west-2")]
pub(crate) struct DeployArgs {
    /// The service
    #[arg(long, value_name = "SYSTEM/SERVICE", value_parser = service_key)]
    pub service: ServiceKey,
    /// The image: a tag, a digest (sha256:…), or a whole address
    #[arg(long, value_name = "TAG|DIGEST|URI", value_parser = image)]
    pub image: String,
    /// Take over what was changed in the task definition by hand since the last release
    #[arg(long)]
    pub accept_drift: bool,
    /// Leave the other regions of the path out
    #[arg(long)]
    pub only_here: bool,
    /// Who says so; otherwise the name in $USER
    #[arg(long, value_name = "NAME", value_parser = some_text)]
    pub by: Option<String>,
    /// Follow it, a line for each change, until it ends or waits for people
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    pub function: FunctionArgs,
    #[command(flatten)]
    pub ledger: LedgerArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FunctionArgs {
    /// The function that deploys, by name or ARN: the stack's output DeployFunctionName [env: NIGHTSHIFT_DEPLOY_FUNCTION]
    #[arg(long, value_name = "FUNCTION")]
    pub function: Option<String>,
}

fn approver(text: &str) -> Result<ApproverName, String> {
    ApproverName::try_from(text.to_owned())
}

/// A tag, a digest, or an address that ends with either. A digest that was cut off would be looked for as a tag.
fn image(text: &str) -> Result<String, String> {
    let text = text.trim();
    let digest = text.rsplit_once("sha256:").map(|(_, digits)| digits);
    let is_digest = |digits: &str| digits.len() == 64 && digits.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
    match digest {
        Some(digits) if is_digest(digits) => return Ok(text.to_owned()),
        Some(_) => return Err("a digest is sha256: and 64 hexadecimal digits; name the tag if you have only its beginning".to_owned()),
        None => {}
    }
    let (address, tag) = match text.rsplit_once(':') {
        Some((address, tag)) if !tag.contains('/') => (address, tag),
        _ if text.contains('/') => return Err("an address ends with :<tag> or @sha256:<digest>, so that one image is meant".to_owned()),
        _ => ("", text),
    };
    // ECR's rule for tags (Amazon ECR API reference, PutImage).
    let begins_well = tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    let is_tag = tag.len() <= 128 && tag.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    match begins_well && is_tag && !address.contains(char::is_whitespace) {
        true => Ok(text.to_owned()),
        false => {
            Err("write a tag such as v1.4.2, a digest such as sha256:<64 digits>, or a whole address that ends with either".to_owned())
        }
    }
}
