//! Nobody is talked to who is not who they should be, and TLS is what is spoken.

use nightshift_core::fleet::Tls;
use nightshift_core::ports::PortErrorKind::{Denied, Unavailable};
use nightshift_core::rotation::Credential;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::Authority;

use super::{credential, failed, first, plaintext, postgres_with, redis_with_app, trusting};

const USUAL: Trust = Trust { tls: Tls::Verify, ca: None };

#[tokio::test]
async fn postgresql_is_spoken_to_over_tls_unless_plaintext_is_asked_for() {
    let postgres = postgres_with(&[("app", ""), ("open_app", "")]);
    let (servers, port) = (Servers::new(), postgres.port());
    let trust = trusting(postgres.tls_ca_pem());
    assert_eq!(PostgresqlServer::login(&servers, &first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
    assert_eq!(PostgresqlServer::login(&servers, &first(port, "open_app"), &plaintext()).await, Ok(LoginAnswer::Accepted));
    let log = postgres.log();
    let authorized = |user: &str| log.lines().find(|line| line.contains(&format!("connection authorized: user={user} "))).unwrap();
    assert!(authorized("app").contains("SSL enabled (protocol=TLSv1.3"), "{log}");
    assert!(!authorized("open_app").contains("SSL enabled"), "{log}");
    // The server checks the channel binding when it is offered, so a login that went well has the right one.
    assert!(!log.contains("channel binding"), "{log}");
}

#[tokio::test]
async fn postgresql_that_cannot_prove_who_it_is_gets_no_password() {
    let postgres = postgres_with(&[("app", "")]);
    let (servers, app) = (Servers::new(), first(postgres.port(), "app"));
    let shown = ["first-of-app"];
    let login = async |whom: &Credential, trust: &Trust| PostgresqlServer::login(&servers, whom, trust).await;
    failed(login(&app, &USUAL).await, Denied, "nobody who is trusted has signed its certificate", &shown);
    failed(login(&app, &trusting(Authority::new().pem())).await, Denied, "put the certificate of its CA", &shown);
    let by_address = Credential { host: Some("127.0.0.1".into()), ..app.clone() };
    failed(login(&by_address, &trusting(postgres.tls_ca_pem())).await, Denied, "for another name", &shown);
    failed(login(&app, &trusting("no certificate")).await, Denied, "cannot be read", &shown);
    assert!(!postgres.log().contains("connection authorized: user=app"), "{}", postgres.log());
}

#[tokio::test]
async fn postgresql_without_tls_is_no_reason_to_do_without() {
    let postgres = postgres_with(&[("app", "")]);
    let (servers, trust, app) = (Servers::new(), trusting(postgres.tls_ca_pem()), first(postgres.port(), "app"));
    postgres.set("ssl", "off");
    failed(PostgresqlServer::login(&servers, &app, &trust).await, Denied, "does not speak TLS", &["first-of-app"]);
    postgres.set("ssl", "on");
    // As RDS with rds.force_ssl.
    postgres.allow_first("hostnossl all all all reject");
    failed(PostgresqlServer::login(&servers, &app, &plaintext()).await, Denied, "with RDS speak TLS", &["first-of-app"]);
    assert_eq!(PostgresqlServer::login(&servers, &app, &trust).await, Ok(LoginAnswer::Accepted));
}

#[tokio::test]
async fn redis_is_spoken_to_over_tls_unless_plaintext_is_asked_for() {
    let redis = redis_with_app();
    let (servers, trust, shown) = (Servers::new(), trusting(redis.ca_pem()), ["first-of-app"]);
    let [tls, open] = [redis.tls_port(), redis.port()].map(|port| first(port, "app"));
    let login = async |whom: &Credential, trust: &Trust| RedisServer::login(&servers, whom, trust).await;
    assert_eq!(login(&tls, &trust).await, Ok(LoginAnswer::Accepted));
    assert_eq!(login(&open, &plaintext()).await, Ok(LoginAnswer::Accepted));
    failed(login(&tls, &USUAL).await, Denied, "nobody who is trusted has signed its certificate", &shown);
    failed(login(&tls, &trusting(Authority::new().pem())).await, Denied, "nobody who is trusted", &shown);
    let by_address = Credential { host: Some("127.0.0.1".into()), ..tls.clone() };
    failed(login(&by_address, &trust).await, Denied, "for another name", &shown);
    // The wrong port for what is spoken, both ways.
    let hasty = Servers::new().within(std::time::Duration::from_millis(500));
    failed(RedisServer::login(&hasty, &open, &trust).await, Unavailable, "is it the right port", &shown);
    failed(login(&tls, &plaintext()).await, Unavailable, "", &shown);
}

#[tokio::test]
async fn a_proxy_that_answers_something_else_is_not_redis() {
    let postgres = postgres_with(&[]);
    let result = RedisServer::login(&Servers::new(), &credential(postgres.port(), "app", "first-of-app"), &plaintext()).await;
    failed(result, Unavailable, "", &["first-of-app"]);
}
