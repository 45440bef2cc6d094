//! What is possible and not advisable: said by `nightshift check` beside a file without mistakes.
//!
//! Owns the reasons. Advice never keeps a file from being read; what must not be is a mistake, and told in `read/check`.

use std::fmt;

use super::file::Fleet;
use super::names::ServiceName;
use super::runs_on::RunsOn;
use super::secret::{ManagedSecret, Postgresql, PostgresqlUsers, SecretKind, SecretName, Tls};

/// One piece of advice: about which secret, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice<'f> {
    /// The secret.
    pub secret: &'f SecretName,
    /// What would be better.
    pub reason: AdviceReason<'f>,
}

/// What would be better, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdviceReason<'f> {
    /// One PostgreSQL user, whose old password ends at once.
    SingleUser,
    /// No TLS: what crosses the network can be read there.
    Plaintext {
        /// The field of the secret's kind.
        kind: &'static str,
    },
    /// No service that could read it: nobody is started anew.
    NobodyReads,
    /// A reader that is not started anew.
    NotRestarted {
        /// The reader.
        service: &'f ServiceName,
    },
}

impl Fleet {
    /// What would be better in this file, in the order of its secrets.
    pub fn advice(&self) -> Vec<Advice<'_>> {
        self.secrets.iter().flat_map(|(name, secret)| self.advice_on(name, secret)).collect()
    }

    fn advice_on<'f>(&'f self, name: &'f SecretName, secret: &'f ManagedSecret) -> impl Iterator<Item = Advice<'f>> {
        // An admin's secret is read as others are rotated, and nobody keeps a connection open with it.
        let is_admin = self.secrets.values().any(|other| other.kind.admin_secret() == Some(name)) && secret.readers.is_empty();
        let is_single = matches!(&secret.kind, SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }));
        let single = (is_single && !is_admin).then_some(AdviceReason::SingleUser);
        let is_plain = secret.kind.tls() == Some(Tls::Plaintext);
        let plaintext = is_plain.then(|| AdviceReason::Plaintext { kind: secret.kind.field() });
        // The readers that a file does not name are found in the task definitions of its ECS services.
        let has_tasks = self.services.values().any(|service| !matches!(service.runs_on, RunsOn::Group(_)));
        let nobody = (secret.readers.is_empty() && !has_tasks && !is_admin).then_some(AdviceReason::NobodyReads);
        let is_left = |reader: &&ServiceName| self.services.get(*reader).is_some_and(|service| !service.rotated_secrets.restart);
        let left = secret.readers.iter().filter(is_left).map(|service| AdviceReason::NotRestarted { service });
        let reasons: Vec<_> = single.into_iter().chain(plaintext).chain(nobody).chain(left).collect();
        reasons.into_iter().map(move |reason| Advice { secret: name, reason })
    }
}

/// One sentence without its full stop.
impl fmt::Display for AdviceReason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SingleUser => out.write_str(
                "let two users take turns (users: alternating): with one user, readers that still have the old password cannot open \
                 connections until they were started anew",
            ),
            // PostgreSQL's login sends no password, but who saw a verifier being set and then a login has what a login needs.
            Self::Plaintext { kind: "postgresql" } => out.write_str(
                "remove tls: plaintext: user names, queries, their results and each new password's verifier cross the network readable, \
                 and nothing proves that the server is the right one",
            ),
            Self::Plaintext { .. } => {
                out.write_str("remove tls: plaintext: the password itself crosses the network readable, at each login and at each rotation")
            }
            Self::NobodyReads => {
                out.write_str("name its readers (readers: [...]): no service of this file has tasks to look at, so nobody is started anew")
            }
            Self::NotRestarted { service } => write!(
                out,
                "let `{service}` be started anew (rotated_secrets: {{ restart: true }}): as it is, it has to take up new values by itself"
            ),
        }
    }
}

impl fmt::Display for Advice<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.secret, self.reason)
    }
}
