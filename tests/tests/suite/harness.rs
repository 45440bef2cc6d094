//! The harness itself: whatever becomes of a test, nothing stays running.

use std::process::Command;
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
