//! Whole command lines: what is refused, and with which words, before AWS is asked anything.

use insta::assert_snapshot;
use nightshift_cli::Exit;

use super::shop::FUNCTION;
use crate::stage::Stage;

fn equipped() -> Stage {
    Stage::new()
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ACCESS_KEY_ID", "AKIA")
        .with("AWS_SECRET_ACCESS_KEY", "x")
        .with("NIGHTSHIFT_TABLE", "ledger")
        .with("NIGHTSHIFT_ROTATE_FUNCTION", FUNCTION)
        // Nothing listens there: whatever does ask AWS fails, and is not refused.
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
}

fn refused(stage: &Stage, lines: &[&str]) -> String {
    let mut all = String::new();
    for line in lines {
        let played = stage.run(line);
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{line}: {}", played.err);
        let said = played.err.lines().take_while(|line| !line.starts_with("Usage:"));
        all.push_str(&format!("$ nightshift {line}\n{}\n\n", said.collect::<Vec<_>>().join("\n").trim_end()));
    }
    all
}

#[test]
fn what_the_environment_lacks_is_told_with_where_to_get_it() {
    let bare = Stage::new().with("AWS_REGION", "us-east-1");
    let fleet = "--fleet tests/fleets/secrets";
    let lines = [
        format!("secrets {fleet}"),
        format!("secrets unstick shop/shop/db {fleet}"),
        format!("secrets sync {fleet}"),
        format!("secret put shop/shop/mail-key {fleet}"),
    ];
    assert_snapshot!(refused(&bare, &lines.each_ref().map(String::as_str)));
}

#[test]
fn what_the_fleet_files_contradict_is_refused_before_aws_is_asked() {
    let fleet = "--fleet tests/fleets/secrets";
    let lines = [
        format!("secrets shopp {fleet}"),
        format!("secrets {fleet} --region eu-west-1"),
        "secrets --fleet tests/fleets/good".to_owned(),
        format!("secrets unstick shop/shop/dp {fleet}"),
        format!("secrets unstick shop {fleet}"),
        format!("secrets unstick shop/arn:aws:secretsmanager:us-east-1:1:secret:db {fleet}"),
        format!("secrets sync {fleet} --region us-west-2"),
        format!("secrets sync {fleet} --yes --dry-run"),
        format!("secret put shop/mail-key {fleet}"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_snapshot!(refused(&equipped(), &lines));
}

#[test]
fn a_key_that_was_typed_as_an_argument_is_refused_and_not_repeated() {
    let lines = [
        "secret put shop/shop/mail-key sk-Geheim7f3e9c",
        "secret put shop/shop/mail-key --key sk-Geheim7f3e9c",
        "secret put shop/shop/mail-key --key=sk-Geheim7f3e9c",
        "secret put shop/shop/mail-key --region=us-east-1 --yes=sk-Geheim7f3e9c",
        "secret put shop/shop/mail-key -k sk-Geheim7f3e9c --fleet tests/fleets/secrets",
        "secret put sk-Geheim7f3e9c",
        "secret put sk-Geheim7f3e9c/sk-Geheim7f3e9c! x",
        "secret set shop/shop/mail-key sk-Geheim7f3e9c",
        "secret sk-Geheim7f3e9c",
        "secrets put sk-Geheim7f3e9c",
        "secrets put shop/shop/mail-key --key=sk-Geheim7f3e9c",
    ];
    for line in lines {
        let played = equipped().run(line);
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{line}: {}", played.err);
        assert!(!played.err.contains("Geheim"), "{line}: {}", played.err);
        assert!(played.err.contains("a key is never an argument"), "{line}: {}", played.err);
    }
}

/// They get as far as the network: nothing of them is refused.
#[test]
fn good_command_lines_are_asked_of_aws() {
    for line in [
        "secrets",
        "secrets shop --json",
        "secrets unstick shop/shop/db --yes",
        "secrets unstick shop/shop/db --function nightshift-rotate",
        "secrets sync shop --dry-run",
        "secrets sync --function nightshift-rotate",
        "secret put shop/shop/mail-key",
        "secret put shop/shop/mail-key --region us-west-2",
    ] {
        let played = equipped().run(&format!("{line} --fleet tests/fleets/secrets"));
        assert_eq!(played.exit, Exit::Problems, "{line}: {}", played.err);
        assert!(played.err.contains("AWS cannot be reached"), "{line}: {}", played.err);
    }
}
