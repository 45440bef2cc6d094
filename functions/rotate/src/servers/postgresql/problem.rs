//! What PostgreSQL's errors mean: a credential that is refused, a server that cannot now, or something for a person.
//!
//! Sorts by SQLSTATE, which no language setting changes, and repeats the server's words only where they name roles and
//! databases. Never a statement: it has a verifier in it.

use std::error::Error;
use std::io;

use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::Credential;
use tokio_postgres::error::DbError;

use crate::servers::tls;
use crate::servers::words::repeatable;

/// What is being done, as whom, and what must not be repeated besides the password that it is done with.
pub(super) struct Context<'c> {
    pub operation: &'static str,
    pub via: &'c Credential,
    pub secrets: &'c [&'c str],
}

/// Why a session did not do its work.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server says that the credential is not good.
    Refused { why: String },
    /// Anything else.
    Failed(PortError),
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Failed(error)
    }
}

impl Trouble {
    /// Where the login was only the way to a change.
    pub fn of_a_change(self, context: &Context<'_>) -> PortError {
        match self {
            Self::Failed(error) => error,
            Self::Refused { why } => {
                let message = format!("{} cannot log in to make the change: {why}; correct its secret", context.user());
                PortError::new(PortErrorKind::Denied, context.operation, message)
            }
        }
    }
}

/// Sorts of SQLSTATEs (PostgreSQL documentation, appendix A).
mod state {
    pub const BAD_PASSWORD: &str = "28P01";
    pub const BAD_AUTHORIZATION: &str = "28000";
    pub const NO_SUCH_DATABASE: &str = "3D000";
    pub const NO_SUCH_ROLE: &str = "42704";
    pub const NOT_PERMITTED: &str = "42501";
    pub const READ_ONLY: &str = "25006";
    pub const LOCK_NOT_HAD: &str = "55P03";
    pub const CANCELLED: &str = "57014";
    pub const TOO_MANY_CONNECTIONS: &str = "53300";
    /// Connection, transaction order, resources, object in use, operator's hand, the system's and the server's own faults; and a
    /// role that somebody else made in the same moment.
    pub const MAY_PASS: [&str; 8] = ["08", "40", "53", "55", "57", "58", "XX", "42710"];
}

/// Where PostgreSQL's source raises "no pg_hba.conf entry" (auth.c), and finds that what both sides said is not the same or that
/// the channel binding is another (auth-scram.c): the only thing that tells these from a bad credential.
const ACCESS_RULES: &str = "ClientAuthentication";
const TAMPERED: [&str; 2] = ["read_client_first_message", "read_client_final_message"];

impl Context<'_> {
    pub fn user(&self) -> &str {
        self.via.user.as_deref().unwrap_or("the user")
    }

    pub fn host(&self) -> Result<&str, PortError> {
        let missing = || PortError::new(PortErrorKind::Denied, self.operation, "there is no host; add it to the secret or the fleet file");
        self.via.host.as_deref().ok_or_else(missing)
    }

    /// A result in our own words.
    pub fn told<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, Trouble> {
        result.map_err(|error| match error.as_db_error() {
            Some(said) => self.said(said),
            None => Trouble::Failed(self.not_said(&error)),
        })
    }

    fn said(&self, error: &DbError) -> Trouble {
        let code = error.code().code();
        let is_about_access = error.routine().is_some_and(|routine| routine == ACCESS_RULES || TAMPERED.contains(&routine));
        match code {
            state::BAD_PASSWORD => Trouble::Refused { why: self.words(error) },
            state::BAD_AUTHORIZATION if !is_about_access => Trouble::Refused { why: self.words(error) },
            _ => Trouble::Failed(PortError::new(kind(code), self.operation, self.explained(error))),
        }
    }

    fn explained(&self, error: &DbError) -> String {
        let (code, user) = (error.code().code(), self.user());
        match code {
            state::BAD_AUTHORIZATION if error.routine() != Some(ACCESS_RULES) => {
                format!("{}; something between us and the server reads along: find out what before you go on", self.words(error))
            }
            state::BAD_AUTHORIZATION => format!(
                "{}; the server's access rules (pg_hba.conf) do not let {user} in from here in this way: allow it, and with RDS speak TLS",
                self.words(error)
            ),
            state::NO_SUCH_DATABASE => format!("{}; correct the database in the secret or the fleet file", self.words(error)),
            state::NO_SUCH_ROLE => format!("{}; create the user first", self.words(error)),
            state::NOT_PERMITTED => format!(
                "{}; {user} needs CREATEROLE (on RDS: rds_superuser), from PostgreSQL 16 on also each role itself: GRANT <role> TO {user} \
                 WITH ADMIN OPTION; where rds.restrict_password_commands is on, also rds_password",
                self.words(error)
            ),
            state::READ_ONLY => "the database is read-only now (25006): a standby, a failover, or out of storage".to_owned(),
            state::LOCK_NOT_HAD => "another session holds the role (55P03): its transaction has to end first".to_owned(),
            state::CANCELLED => "the statement was cut off (57014): its time was over, or somebody cancelled it".to_owned(),
            state::TOO_MANY_CONNECTIONS => "the server, the database or the user has no connection left (53300)".to_owned(),
            _ => format!("{}; see the server's log", self.words(error)),
        }
    }

    /// The server's words on roles, databases and permissions; of anything else only the code, since they may quote a statement.
    fn words(&self, error: &DbError) -> String {
        let code = error.code().code();
        let names_things_only = ["28", "3D", "42501", "42704", "0L", "53", "57P"].iter().any(|begin| code.starts_with(begin));
        if !names_things_only {
            return format!("the server answered with the error {code}");
        }
        let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        let secrets: Vec<&str> = self.secrets.iter().copied().chain([self.via.password.reveal()]).collect();
        format!("{} ({code})", repeatable(&format!("{}{detail}", error.message()), &secrets))
    }

    /// The connection's own errors: not trusted, broken off, or never understood.
    fn not_said(&self, error: &tokio_postgres::Error) -> PortError {
        let new = |kind, message: String| PortError::new(kind, self.operation, message);
        let host = self.via.host.as_deref().unwrap_or_default();
        let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
        match (error.to_string().as_str(), io) {
            ("error encoding message to server", _) => {
                new(PortErrorKind::Denied, "a user, database or password with a zero byte cannot be sent; correct the secret".to_owned())
            }
            // A server that cannot prove that it knows the password, or wants it in a way that we do not have.
            ("authentication error", _) => {
                let message = format!("{host} and we do not agree on how to log in; it should use scram-sha-256, and be the right server");
                new(PortErrorKind::Denied, message)
            }
            (_, Some(io)) => tls::problem(self.operation, host, io),
            ("error performing TLS handshake", None) => {
                let message = format!("{host} does not speak TLS; turn it on there (ssl = on), or write tls: plaintext in the fleet file");
                new(PortErrorKind::Denied, message)
            }
            (what, None) => new(PortErrorKind::Unavailable, format!("{host}: {what}")),
        }
    }
}

fn kind(code: &str) -> PortErrorKind {
    match code == state::READ_ONLY || state::MAY_PASS.iter().any(|begin| code.starts_with(begin)) {
        true => PortErrorKind::Unavailable,
        false => PortErrorKind::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_unavailable_and_the_rest_is_for_a_person() {
        for code in ["25006", "55P03", "57014", "57P01", "57P03", "53300", "08006", "40001", "40P01", "XX000", "58030", "42710"] {
            assert_eq!(kind(code), PortErrorKind::Unavailable, "{code}");
        }
        for code in ["42501", "3D000", "42704", "28000", "42601", "0LP01", "22023"] {
            assert_eq!(kind(code), PortErrorKind::Denied, "{code}");
        }
    }
}
