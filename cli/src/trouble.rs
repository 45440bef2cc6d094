//! What is said when something does not work: one sentence, with what to do.

use std::fmt;

use anyhow::anyhow;
use nightshift_core::ports::{PortError, PortErrorKind};

use crate::exit::Exit;
use crate::world::World;

/// The command line lacks something or contradicts the fleet files.
#[derive(Debug)]
pub(crate) struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Tells an error and how it ends.
pub(crate) fn tell(error: &anyhow::Error, world: &mut World<'_>) -> Exit {
    world.complain(format!("error: {error:#}"));
    match error.downcast_ref::<Usage>() {
        Some(_) => Exit::WrongUsage,
        None => Exit::Problems,
    }
}

/// A failed call to AWS, with what a person can do about it.
pub(crate) fn sentence(error: &PortError) -> String {
    let PortError { kind, operation, message } = error;
    let is_credential = ["Token", "Signature", "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId"];
    let remedy = match kind {
        PortErrorKind::Denied if is_credential.iter().any(|word| message.contains(word)) => {
            "the credentials are not accepted; get new ones with: eval \"$(aws configure export-credentials --format env)\"".to_owned()
        }
        PortErrorKind::Denied => format!("check the request, and that your credentials may call {operation} in this account and region"),
        PortErrorKind::NotFound => "check the name, the account and the region".to_owned(),
        PortErrorKind::Throttled => "AWS is asked too often at the moment; try again in a minute".to_owned(),
        PortErrorKind::Conflict => "somebody else was first; look again and repeat the command if it is still wanted".to_owned(),
        PortErrorKind::Unavailable => "check the network, AWS_REGION and AWS_ENDPOINT_URL, and try again".to_owned(),
    };
    format!("{operation}: {kind}: {message}; {remedy}")
}

/// A failed call on the ledger, where "not found" means one thing only.
pub(crate) fn ledger_failed(error: &PortError, table: &str) -> anyhow::Error {
    match error.kind {
        PortErrorKind::NotFound => anyhow!(
            "there is no table {table} in this account and region; give --table or NIGHTSHIFT_TABLE the stack's output LedgerTableName, \
             and AWS_REGION the stack's region"
        ),
        _ => anyhow!(sentence(error)),
    }
}
