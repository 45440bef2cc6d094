//! The harness itself: whatever becomes of a test, nothing stays running.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use nightshift_tests::{Deployment, LocalAws, wait_until};
use serde_json::json;

use crate::shop;

/// The processes that have this folder in their command line: the local AWS and the functions that it runs.
fn processes(folder: &str) -> Vec<String> {
    let listed = Command::new("ps").args(["-A", "-o", "args="]).output().expect("ps can be started");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    listed.lines().filter(|line| line.contains(folder)).map(str::to_owned).collect()
}

#[tokio::test]
async fn dropping_a_local_aws_ends_it_and_its_functions() {
    let aws = LocalAws::start();
    let folder = aws.folder().display().to_string();
    let nightshift = aws.deploy(&Deployment::of([shop::fleet("")]).packed()).await;
    nightshift.ask(&json!({ "nightshift": "calendar" }));
    assert_eq!(processes(&folder).len(), 2, "the local AWS and one function: {:?}", processes(&folder));
    drop(aws);
    assert_eq!(processes(&folder), Vec::<String>::new());
    assert!(!std::path::Path::new(&folder).exists(), "{folder} is still there");
}

#[tokio::test]
async fn a_local_aws_ends_when_its_starter_is_killed() {
    let own = std::env::current_exe().expect("a running test has a path");
    let died = Command::new(own).args(["--ignored", "--exact", "harness::start_and_die", "--nocapture"]).output();
    let died = died.expect("the test can be started again");
    assert!(!died.status.success(), "the starter should have been killed");
    let said = String::from_utf8_lossy(&died.stdout).into_owned();
    let folder = said.lines().find_map(|line| line.split_once("folder=")).expect("it says its folder").1.to_owned();
    let look = async || match (processes(&folder), std::path::Path::new(&folder).exists()) {
        (none, false) if none.is_empty() => Ok(()),
        (some, folder) => Err(format!("processes {some:?}, folder there: {folder}")),
    };
    wait_until("nothing is left of it", Duration::from_secs(10), look).await;
}

#[test]
#[ignore = "only for the test above, which starts it"]
fn start_and_die() {
    let aws = LocalAws::start();
    println!("folder={}", aws.folder().display());
    std::process::abort();
}

#[test]
fn a_value_is_found_however_it_is_written() {
    let (secret, hidden) = ("p4ss+word/of=app", LocalAws::spellings("p4ss+word/of=app"));
    let is_found = |text: &str| hidden.iter().any(|spelling| text.contains(spelling));
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "x", "xy"] {
            let around = base64(&format!("{before}{secret}{after}"));
            assert!(is_found(&around) && is_found(&around.replace('+', "-").replace('/', "_")), "{before}..{after}: {around}");
        }
    }
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [secret, "url?p=p4ss%2Bword%2Fof%3Dapp", &hex, &hex.to_uppercase()] {
        assert!(is_found(text), "{text}");
    }
    assert!(!is_found("p4ss word of app") && !is_found(&base64("another password altogether")));
}

fn base64(text: &str) -> String {
    let mut encoder =
        Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("base64 can be started");
    encoder.stdin.take().expect("it has a standard input").write_all(text.as_bytes()).expect("base64 reads");
    String::from_utf8(encoder.wait_with_output().expect("base64 ends").stdout).expect("base64 is text")
}
