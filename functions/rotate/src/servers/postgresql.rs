//! PostgreSQL: tries logins and changes passwords.
//!
//! The server sees a new password's SCRAM verifier only, never the password: statements are logged, copied into
//! `pg_stat_statements` and shown to other sessions. One connection per call, and none is kept.

mod problem;
mod session;
mod twin;

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, Trust};
use nightshift_core::rotation::{Credential, SecretText};
use postgres_protocol::escape::{escape_identifier, escape_literal};
use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;
use zeroize::Zeroizing;

use super::Servers;
use problem::{Context, Trouble};

const LOGIN: &str = "postgresql:login";
const SET_PASSWORD: &str = "postgresql:set_password";
const SET_TWIN: &str = "postgresql:set_twin";

impl PostgresqlServer for Servers {
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer> {
        let context = Context { operation: LOGIN, via: as_whom, secrets: &[] };
        let asked = self.in_session(&context, trust, async |client, begin| client.batch_execute(&format!("{begin}SELECT 1")).await);
        match asked.await {
            Ok(()) => Ok(LoginAnswer::Accepted),
            Err(Trouble::Refused { why }) => Ok(LoginAnswer::Refused { why }),
            Err(Trouble::Failed(error)) => Err(error),
        }
    }

    async fn set_password(&self, via: &Credential, trust: &Trust, user: &str, password: &SecretText) -> PortResult<()> {
        let verifier = verifier(password);
        let context = Context { operation: SET_PASSWORD, via, secrets: &[password.reveal(), &verifier] };
        // A user may change its own password while it is itself; its settings may have made it another (ALTER ROLE ... SET role).
        let own = if via.user.as_deref() == Some(user) { "SET ROLE NONE; " } else { "" };
        let statement = Zeroizing::new(format!("{own}ALTER ROLE {} PASSWORD {}", escape_identifier(user), escape_literal(&verifier)));
        let changed = self.in_session(&context, trust, async |client, begin| {
            client.batch_execute(begin).await?;
            client.batch_execute(&statement).await
        });
        changed.await.map_err(|trouble| trouble.of_a_change(&context))
    }

    async fn set_twin(&self, via: &Credential, trust: &Trust, base: &str, other: &str, password: &SecretText) -> PortResult<()> {
        let verifier = verifier(password);
        let context = Context { operation: SET_TWIN, via, secrets: &[password.reveal(), &verifier] };
        let changed = self.in_session(&context, trust, async |client, begin| {
            client.batch_execute(begin).await?;
            change_twin(client, base, other, &verifier).await
        });
        match changed.await.map_err(|trouble| trouble.of_a_change(&context))? {
            Some(problem) => Err(PortError::new(PortErrorKind::Denied, SET_TWIN, problem)),
            None => Ok(()),
        }
    }
}

/// All of it or nothing. What comes back is what stands in the way, for a person.
async fn change_twin(client: &Client, base: &str, other: &str, verifier: &str) -> Result<Option<String>, tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    let facts = twin::read(client, base, other).await?;
    match facts.statements(base, other, verifier) {
        Ok(statements) => {
            for statement in &statements {
                client.batch_execute(statement).await?;
            }
            client.batch_execute("COMMIT").await?;
            Ok(None)
        }
        Err(problem) => Ok(Some(problem)),
    }
}

/// What PostgreSQL keeps of a password, made here with a salt of its own, so that the password never leaves us in a statement.
fn verifier(password: &SecretText) -> Zeroizing<String> {
    Zeroizing::new(scram_sha_256(password.reveal().as_bytes()))
}
