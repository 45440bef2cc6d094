//! The adapters on real servers.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod postgresql;
mod probe;
mod redis;
mod tls;
mod twins;

use std::fmt::Debug;

use nightshift_core::fleet::Tls;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::ports::{LoginAnswer, Trust};
use nightshift_core::rotation::{Credential, SecretText};
use nightshift_test_servers::{Postgres, Redis};

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn trusting(pem: &str) -> Trust {
    Trust { tls: Tls::Verify, ca: Some(pem.to_owned()) }
}

fn plaintext() -> Trust {
    Trust { tls: Tls::Plaintext, ca: None }
}

fn credential(port: u16, user: &str, password: &str) -> Credential {
    Credential { host: Some("localhost".into()), port: Some(port), database: None, user: Some(user.into()), password: secret(password) }
}

/// A PostgreSQL server with these users, each with the password `first-of-<user>`.
fn postgres_with(users: &[(&str, &str)]) -> Postgres {
    let postgres = Postgres::start();
    for (user, attributes) in users {
        postgres.run_sql(&format!("CREATE ROLE {user} LOGIN PASSWORD 'first-of-{user}'; ALTER ROLE {user} {attributes}"));
    }
    postgres
}

fn first(port: u16, user: &str) -> Credential {
    credential(port, user, &format!("first-of-{user}"))
}

/// A Redis server with a user `app` whose password is `first-of-app`.
fn redis_with_app() -> Redis {
    let redis = Redis::start();
    redis.command(&["ACL", "SETUSER", "app", "on", ">first-of-app", "~*", "+get", "+ping"]);
    redis
}

/// The error of a call, after a look that nothing in it shows one of the secrets.
#[track_caller]
fn failed<T: Debug>(result: Result<T, PortError>, kind: PortErrorKind, words: &str, secrets: &[&str]) -> PortError {
    let error = result.expect_err("the call should have failed");
    hides(&error, secrets);
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    error
}

/// The server's words of a refusal, after the same look.
#[track_caller]
fn refused(result: Result<LoginAnswer, PortError>, secrets: &[&str]) -> String {
    hides(&result, secrets);
    match result {
        Ok(LoginAnswer::Refused { why }) => why,
        other => panic!("the login should have been refused: {other:?}"),
    }
}

#[track_caller]
fn hides(shown: &impl Debug, secrets: &[&str]) {
    let text = format!("{shown:?}");
    assert!(secrets.iter().all(|secret| !text.contains(secret)), "a secret is in {text}");
    assert!(!text.contains("SCRAM-SHA-256$"), "a verifier is in {text}");
}
