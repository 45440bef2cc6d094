//! What the crates may depend on: the core on nothing but data, nobody on the SDK's old HTTP stack.

use std::process::Command;

use nightshift_tests::project;

/// The output of `cargo tree`, standard output and standard error apart.
fn tree(arguments: &[&str]) -> (String, String) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
    let done = cargo
        .current_dir(project::root())
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .output();
    let done = done.expect("cargo can be started");
    (String::from_utf8_lossy(&done.stdout).into_owned(), String::from_utf8_lossy(&done.stderr).into_owned())
}

fn packages(arguments: &[&str]) -> Vec<String> {
    let (out, err) = tree(arguments);
    let mut names: Vec<String> = out.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    assert!(!names.is_empty(), "cargo tree {arguments:?} names no package: {err}");
    names
}

#[test]
fn the_core_knows_no_runtime_no_network_and_no_aws() {
    let found = packages(&["--package", "nightshift-core", "--edges", "normal", "--all-features", "--target", "all"]);
    assert!(found.contains(&"jiff".to_owned()), "the list is not the core's: {found:?}");
    let is_barred = |name: &&String| {
        let starts = ["aws-", "tokio", "hyper", "lambda_runtime", "rustls", "reqwest", "ureq", "async-std", "smol"];
        starts.iter().any(|start| name.starts_with(start)) || name.as_str() == "rand" || name.as_str() == "http"
    };
    let barred: Vec<&String> = found.iter().filter(is_barred).collect();
    assert!(barred.is_empty(), "nightshift-core depends on {barred:?}");
}

#[test]
fn lambda_and_aws_do_not_know_each_other() {
    let of_lambda = packages(&["--package", "nightshift-lambda", "--edges", "normal"]);
    assert!(!of_lambda.contains(&"nightshift-aws".to_owned()), "nightshift-lambda depends on nightshift-aws");
    assert!(!of_lambda.iter().any(|name| name.starts_with("aws-sdk")), "nightshift-lambda depends on an SDK client: {of_lambda:?}");
    let of_aws = packages(&["--package", "nightshift-aws", "--edges", "normal"]);
    assert!(!of_aws.contains(&"nightshift-lambda".to_owned()), "nightshift-aws depends on nightshift-lambda");
    assert!(!of_aws.contains(&"lambda_runtime".to_owned()), "nightshift-aws depends on lambda_runtime");
}

#[test]
fn nobody_brings_the_old_http_stack() {
    for old in ["hyper@0.14", "rustls@0.21", "aws-lc-rs", "openssl"] {
        let (out, err) = tree(&["--workspace", "--invert", old, "--edges", "all", "--target", "all"]);
        assert!(out.is_empty() && err.contains("did not match any packages"), "{old} is in the tree:\n{out}{err}");
    }
    // That the question is asked rightly shows in one that has an answer.
    let (out, _) = tree(&["--workspace", "--invert", "hyper@1", "--edges", "normal"]);
    assert!(out.contains("nightshift-aws"), "the SDK's HTTP client should be hyper 1:\n{out}");
}

#[test]
fn the_functions_carry_no_client_that_none_of_them_uses() {
    let used = [
        "aws-sdk-applicationautoscaling",
        "aws-sdk-autoscaling",
        "aws-sdk-cloudwatch",
        "aws-sdk-dynamodb",
        "aws-sdk-ecs",
        "aws-sdk-scheduler",
        "aws-sdk-sns",
    ];
    for function in ["nightshift-scale", "nightshift-deploy", "nightshift-approve", "nightshift-rotate"] {
        let found = packages(&["--package", function, "--edges", "normal"]);
        let clients: Vec<&str> = found.iter().map(String::as_str).filter(|name| name.starts_with("aws-sdk-")).collect();
        assert_eq!(clients, used, "{function}");
        assert!(!found.contains(&"aws-config".to_owned()), "{function}: aws-config brings SSO, profiles and metadata calls");
    }
}

#[test]
fn servers_are_spoken_to_by_the_function_that_rotates_alone_and_no_test_server_reaches_a_function() {
    for package in ["nightshift-scale", "nightshift-deploy", "nightshift-approve", "nightshift-rotate", "nightshift-cli"] {
        let found = packages(&["--package", package, "--edges", "normal"]);
        let speaks = found.contains(&"tokio-postgres".to_owned());
        assert_eq!(speaks, package == "nightshift-rotate", "{package} depends on tokio-postgres: {speaks}");
        assert!(!found.contains(&"nightshift-test-servers".to_owned()), "{package} depends on the test servers");
    }
}
