//! Through our own HTTP client, against sockets that misbehave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use nightshift_aws::{CallLimits, sdk_config_with};

use super::*;

/// Answers one connection after the other with these bytes, then with nothing at all.
fn serve(answers: &'static [&'static str]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
        }
        let silent: Vec<_> = listener.incoming().collect();
        drop(silent);
    });
    port
}

fn local(port: u16) -> AwsCaller {
    let lookup = |name: &str| match name {
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "AWS_ENDPOINT_URL" => Some(format!("http://127.0.0.1:{port}")),
        _ => None,
    };
    let limits = CallLimits {
        attempt: Duration::from_millis(200),
        operation: Duration::from_millis(500),
        first_backoff: Duration::from_millis(1),
        ..CallLimits::default()
    };
    AwsCaller::new(&sdk_config_with(lookup, limits).unwrap())
}

fn call(port: u16) -> PortResult<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(local(port).json(&ECS, "ecs:ListClusters", &json!({})))
}

/// The first connection breaks off after the request was read; what the second one brought is handed on.
fn overhear() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, heard) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"] {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !request.contains("}") {
                let mut piece = [0; 8192];
                let length = socket.read(&mut piece).unwrap();
                request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
            }
            send.send(request).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, heard)
}

#[test]
fn a_body_that_is_hidden_arrives_whole_signed_and_again() {
    let (port, heard) = overhear();
    let body = json!({ "SecretId": "a", "SecretString": "hunter2" });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(local(port).json(&SECRETS_MANAGER, "secretsmanager:PutSecretValue", &body)).unwrap();
    let requests: Vec<String> = heard.try_iter().collect();
    assert_eq!(requests.len(), 2, "a body that cannot be looked into can be sent again");
    for request in requests {
        let (head, sent) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), body);
        assert!(head.to_lowercase().contains(&format!("content-length: {}", sent.len())), "{head}");
        assert!(!head.contains("UNSIGNED-PAYLOAD") && head.contains("Signature="), "{head}");
    }
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"clusterArns\":[1]}";
const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\nconnection: close\r\n\r\n{\"cluster";
const NOT_HTTP: &str = "SSH-2.0-OpenSSH_9.2\r\n";

#[test]
fn a_cut_body_a_foreign_protocol_and_silence_are_tried_again() {
    assert_eq!(call(serve(&[CUT, WHOLE])).unwrap(), json!({ "clusterArns": [1] }));
    assert_eq!(call(serve(&[NOT_HTTP, WHOLE])).unwrap(), json!({ "clusterArns": [1] }));
    assert_eq!(call(serve(&["", WHOLE])).unwrap(), json!({ "clusterArns": [1] }));
}

#[test]
fn what_stays_broken_is_unavailable_within_the_time_limit() {
    let began = Instant::now();
    let cut = call(serve(&[CUT, CUT, CUT])).unwrap_err();
    assert_eq!(cut.kind, PortErrorKind::Unavailable, "{cut}");
    let silent = call(serve(&[])).unwrap_err();
    assert_eq!(silent.to_string(), "ecs:ListClusters: unavailable (no answer within the call's time limit)");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = call(nobody).unwrap_err();
    assert!(refused.message.contains("AWS cannot be reached"), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
