//! Keys tried at an HTTPS server.

use std::time::{Duration, Instant};

use nightshift_core::fleet::Probe;
use nightshift_core::ports::PortErrorKind::{Denied, Unavailable};
use nightshift_core::rotation::ports::{KeyProbe, LoginAnswer};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::{Authority, HttpsServer};

use super::{failed, refused, secret};

const KEY: &str = "sk-canary-0123456789";

/// An issuer on this machine, with what the fleet file says of it.
fn issuer(answer: &[&str]) -> (HttpsServer, Probe) {
    let authority = Authority::new();
    let server = HttpsServer::start(&authority.issue("localhost"), answer);
    let text = |text: &str| text.to_owned();
    let probe = Probe {
        url: format!("https://localhost:{}/v1/models?limit=1", server.port()),
        header: text("authorization"),
        value: text("Bearer {key}"),
        valid: vec![200],
        invalid: vec![401, 403],
        ca: Some(text(authority.pem())),
    };
    (server, probe)
}

#[tokio::test]
async fn a_key_is_good_bad_or_unknown_as_its_issuer_answers() {
    let servers = Servers::new();
    for (status, is_good) in [("HTTP/1.1 200 OK", true), ("HTTP/1.1 401 Unauthorized", false), ("HTTP/1.1 403 Forbidden", false)] {
        let (server, probe) = issuer(&[status]);
        let answer = servers.probe(&probe, &secret(KEY)).await;
        match is_good {
            true => assert_eq!(answer, Ok(LoginAnswer::Accepted)),
            false => assert!(refused(answer, &[KEY]).starts_with("localhost answers 40")),
        }
        let request = server.requests().concat();
        assert!(request.starts_with("GET /v1/models?limit=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nhost: localhost:{}\r\n", server.port())), "{request}");
        assert!(request.contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")), "{request}");
    }
    for status in ["HTTP/1.1 500 Internal Server Error", "HTTP/1.1 429 Too Many Requests", "HTTP/1.1 204 No Content"] {
        let (_server, probe) = issuer(&[status]);
        failed(servers.probe(&probe, &secret(KEY)).await, Unavailable, "says nothing about the key", &[KEY]);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let servers = Servers::new();
    let (elsewhere, _) = issuer(&["HTTP/1.1 200 OK"]);
    let location = format!("location: https://localhost:{}/", elsewhere.port());
    let (_server, probe) = issuer(&["HTTP/1.1 302 Found", &location]);
    failed(servers.probe(&probe, &secret(KEY)).await, Unavailable, "write the final address", &[KEY]);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn an_issuer_that_says_nothing_is_not_waited_for() {
    let (_server, probe) = issuer(&[]);
    let begun = Instant::now();
    let answer = Servers::new().within(Duration::from_millis(700)).probe(&probe, &secret(KEY)).await;
    failed(answer, Unavailable, "did not answer within 700 ms", &[KEY]);
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    let broken = Probe { url: probe.url.replace("https://localhost:", "https://localhost:1"), ..probe };
    assert!(Servers::new().probe(&broken, &secret(KEY)).await.is_err());
}

#[tokio::test]
async fn a_key_is_shown_to_nobody_else() {
    let servers = Servers::new();
    let (server, probe) = issuer(&["HTTP/1.1 200 OK"]);
    let public = Probe { ca: None, ..probe.clone() };
    failed(servers.probe(&public, &secret(KEY)).await, Denied, "nobody who is trusted has signed", &[KEY]);
    let renamed = Probe { url: probe.url.replace("localhost", "127.0.0.1"), ..probe.clone() };
    failed(servers.probe(&renamed, &secret(KEY)).await, Denied, "for another name", &[KEY]);
    let open = Probe { url: probe.url.replace("https", "http"), ..probe.clone() };
    failed(servers.probe(&open, &secret(KEY)).await, Denied, "not sent over anything else", &[KEY]);
    assert!(server.requests().iter().all(|request| !request.contains(KEY)));
    let broken_line = format!("{KEY}\n");
    refused(servers.probe(&probe, &secret(&broken_line)).await, &[KEY]);
}
