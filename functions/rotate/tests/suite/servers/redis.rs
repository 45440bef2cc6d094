//! Logins and passwords on a real Redis.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nightshift_core::ports::PortErrorKind::{Denied, Unavailable};
use nightshift_core::rotation::ports::{LoginAnswer, RedisServer};
use nightshift_core::rotation::{Credential, SecretText};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::{Keeps, Redis};

use super::{credential, failed, first, plaintext, redis_with_app, refused, secret, trusting};

const ADMIN_RULES: [&str; 4] = ["+acl|getuser", "+acl|setuser", "+acl|save", "+config|rewrite"];

/// A user `ops` that may do what the adapter needs, and nothing else.
fn ops(redis: &Redis) -> Credential {
    let mut words = vec!["ACL", "SETUSER", "ops", "on", ">first-of-ops"];
    words.extend(ADMIN_RULES);
    redis.command(&words);
    first(redis.tls_port(), "ops")
}

fn passwords(texts: &[&str]) -> Vec<SecretText> {
    texts.iter().map(|text| secret(text)).collect()
}

/// How many passwords the server keeps for a user.
fn count(redis: &Redis, user: &str) -> usize {
    let listed = redis.command(&["ACL", "LIST"]);
    let line = listed.lines().find(|line| line.contains(&format!("user {user} "))).unwrap().to_owned();
    line.split(' ').filter(|word| word.starts_with('#')).count()
}

#[tokio::test]
async fn a_login_is_accepted_or_refused_as_the_server_says() {
    let redis = redis_with_app();
    let (servers, trust, port) = (Servers::new(), trusting(redis.ca_pem()), redis.tls_port());
    assert_eq!(servers.login(&first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
    let why = refused(servers.login(&credential(port, "app", "Wr0ng+and-long"), &trust).await, &["Wr0ng+and-long"]);
    assert!(why.starts_with("WRONGPASS"), "{why}");
    refused(servers.login(&first(port, "nobody"), &trust).await, &["first-of-nobody"]);
    // A user that may not even PING has a good password all the same.
    redis.command(&["ACL", "SETUSER", "app", "-ping"]);
    assert_eq!(servers.login(&first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
    redis.command(&["ACL", "SETUSER", "app", "off"]);
    refused(servers.login(&first(port, "app"), &trust).await, &["first-of-app"]);
}

#[tokio::test]
async fn a_token_without_a_user_is_the_default_users_password() {
    let redis = redis_with_app();
    let (servers, trust) = (Servers::new(), trusting(redis.ca_pem()));
    let token = Credential { user: None, ..first(redis.tls_port(), "default") };
    redis.command(&["ACL", "SETUSER", "default", "on", ">first-of-default", "+ping"]);
    assert_eq!(servers.login(&token, &trust).await, Ok(LoginAnswer::Accepted));
    let wrong = Credential { password: secret("Wr0ng+and-long"), ..token.clone() };
    refused(servers.login(&wrong, &trust).await, &["Wr0ng+and-long"]);
    redis.command(&["ACL", "SETUSER", "default", "nopass"]);
    failed(servers.login(&token, &trust).await, Denied, "give it a password", &["first-of-default"]);
}

#[tokio::test]
async fn a_user_has_exactly_the_passwords_that_it_was_given() {
    let redis = redis_with_app();
    let (servers, trust, port, ops) = (Servers::new(), trusting(redis.ca_pem()), redis.tls_port(), ops(&redis));
    let mut old = "first-of-app".to_owned();
    for turn in 2..=10 {
        let new = format!("number-{turn}-and-long-enough");
        servers.set_passwords(&ops, &trust, "app", &passwords(&[&old, &new])).await.unwrap();
        for good in [&old, &new] {
            assert_eq!(servers.login(&credential(port, "app", good), &trust).await, Ok(LoginAnswer::Accepted));
        }
        assert_eq!(count(&redis, "app"), 2);
        servers.set_passwords(&ops, &trust, "app", &passwords(&[&new])).await.unwrap();
        servers.set_passwords(&ops, &trust, "app", &passwords(&[&new])).await.unwrap();
        refused(servers.login(&credential(port, "app", &old), &trust).await, &[&old]);
        assert_eq!(count(&redis, "app"), 1);
        old = new;
    }
    redis.command(&["ACL", "SETUSER", "app", "nopass"]);
    servers.set_passwords(&ops, &trust, "app", &passwords(&[&old])).await.unwrap();
    refused(servers.login(&credential(port, "app", "Wr0ng+and-long"), &trust).await, &["Wr0ng+and-long"]);
    let none = servers.set_passwords(&ops, &trust, "app", &[]).await;
    failed(none, Denied, "without any password", &["first-of-ops"]);
    assert_eq!(count(&redis, "app"), 1);
}

#[tokio::test]
async fn connections_that_are_logged_in_stay_and_rules_stay_too() {
    let redis = redis_with_app();
    redis.command(&["SET", "order", "1"]);
    let is_hash = |line: &str| line.len() == 64 && line.chars().all(|letter| letter.is_ascii_hexdigit());
    let rules = || {
        let said = redis.command(&["ACL", "GETUSER", "app"]);
        said.lines().filter(|line| !is_hash(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    let (servers, trust, ops, before) = (Servers::new(), trusting(redis.ca_pem()), ops(&redis), rules());
    let mut reader = BufReader::new(TcpStream::connect(("127.0.0.1", redis.port())).unwrap());
    let mut ask = |command: &str, replies: usize| {
        reader.get_mut().write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut said = String::new();
        for _ in 0..replies {
            reader.read_line(&mut said).unwrap();
        }
        said
    };
    assert_eq!(ask("AUTH app first-of-app", 1), "+OK\r\n");
    servers.set_passwords(&ops, &trust, "app", &passwords(&["second-and-long"])).await.unwrap();
    assert_eq!(ask("GET order", 2), "$1\r\n1\r\n");
    assert_eq!(rules(), before);
}

#[tokio::test]
async fn passwords_are_kept_over_a_restart_where_the_server_keeps_anything() {
    for keeps in [Keeps::InAclFile, Keeps::InConfigFile, Keeps::Nowhere] {
        let mut redis = Redis::start_with(keeps);
        redis.command(&["ACL", "SETUSER", "app", "on", ">first-of-app", "+ping"]);
        let (servers, trust, ops) = (Servers::new(), trusting(redis.ca_pem()), ops(&redis));
        servers.set_passwords(&ops, &trust, "app", &passwords(&["second-and-long"])).await.unwrap();
        let app = credential(redis.tls_port(), "app", "second-and-long");
        assert_eq!(servers.login(&app, &trust).await, Ok(LoginAnswer::Accepted), "{keeps:?}");
        if keeps != Keeps::Nowhere {
            redis.stop();
            redis.start_again();
            assert_eq!(servers.login(&app, &trust).await, Ok(LoginAnswer::Accepted), "{keeps:?}");
            assert!(!redis.kept(keeps).contains("second-and-long"));
        }
    }
}

#[tokio::test]
async fn who_may_not_or_is_not_there_is_told_what_to_do() {
    let redis = redis_with_app();
    let (servers, trust, port, ops) = (Servers::new(), trusting(redis.ca_pem()), redis.tls_port(), ops(&redis));
    let next = passwords(&["next-and-long-enough"]);
    let shown = ["next-and-long-enough", "first-of-app", "first-of-ops"];
    let by_app = servers.set_passwords(&first(port, "app"), &trust, "app", &next).await;
    failed(by_app, Denied, "app needs +acl|getuser +acl|setuser", &shown);
    failed(servers.set_passwords(&ops, &trust, "ghost", &next).await, Denied, "the user ghost is not there", &shown);
    assert!(!redis.command(&["ACL", "LIST"]).contains("user ghost"));
    let wrong = credential(port, "ops", "Wr0ng+and-long");
    failed(servers.set_passwords(&wrong, &trust, "app", &next).await, Denied, "ops cannot log in", &["Wr0ng+and-long"]);
    redis.command(&["ACL", "SETUSER", "ops", "-acl|save"]);
    let not_kept = servers.set_passwords(&ops, &trust, "app", &next).await;
    failed(not_kept, Denied, "a restart would bring the old ones back", &shown);
    let nowhere = Credential { host: None, ..ops };
    failed(servers.login(&nowhere, &trust).await, Denied, "there is no host", &shown);
}

#[tokio::test]
async fn a_server_that_does_not_answer_has_refused_nobody() {
    let mut redis = redis_with_app();
    let (trust, app, ops) = (trusting(redis.ca_pem()), first(redis.tls_port(), "app"), ops(&redis));
    let servers = Servers::new().within(Duration::from_millis(800));
    redis.freeze();
    let begun = Instant::now();
    failed(servers.login(&app, &trust).await, Unavailable, "no connection came about within 600 ms", &["first-of-app"]);
    let change = servers.set_passwords(&ops, &trust, "app", &passwords(&["next-and-long-enough"])).await;
    failed(change, Unavailable, "no connection came about within 600 ms", &["next-and-long-enough"]);
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    redis.thaw();
    assert_eq!(Servers::new().login(&app, &trust).await, Ok(LoginAnswer::Accepted));
    redis.stop();
    failed(servers.login(&app, &trust).await, Unavailable, "refused", &["first-of-app"]);
}

#[tokio::test]
async fn a_server_that_cannot_now_is_unavailable() {
    let redis = redis_with_app();
    let (servers, trust, ops) = (Servers::new(), trusting(redis.ca_pem()), ops(&redis));
    let next = passwords(&["next-and-long-enough"]);
    redis.command(&["CONFIG", "SET", "maxclients", "1"]);
    let held = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
    let shown = ["next-and-long-enough", "first-of-ops"];
    failed(servers.set_passwords(&ops, &trust, "app", &next).await, Unavailable, "localhost", &shown);
    let open = Credential { port: Some(redis.port()), ..ops };
    failed(servers.login(&open, &plaintext()).await, Unavailable, "the server cannot now: ERR max number of clients", &shown);
    drop(held);
}
