//! Whole command lines: what is refused, and with which words, before AWS is asked anything.

use insta::assert_snapshot;
use nightshift_cli::{Exit, Shown, Wish, history, replay};
use nightshift_core::fleet::Seconds;
use nightshift_core::ledger::HistoryEntry;
use nightshift_core::outcome::{Mode, StepResult};
use nightshift_core::release::{Book, ReleaseOutcome, Wake};

use super::world::*;
use crate::fakes::{Book as Ledger, Looked};
use crate::plan::recorded;
use crate::stage::{Stage, good_fleets, key, now, wait};

fn equipped() -> Stage {
    Stage::new()
        .with("USER", "ana")
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ACCESS_KEY_ID", "AKIA")
        .with("AWS_SECRET_ACCESS_KEY", "x")
        .with("NIGHTSHIFT_TABLE", "ledger")
        .with("NIGHTSHIFT_DEPLOY_FUNCTION", "deploy")
        .with("NIGHTSHIFT_APPROVAL_KEY_ARN", "arn:aws:secretsmanager:us-east-1:111122223333:secret:key-Ab12Cd")
        // Nothing listens there: whatever does ask AWS fails, and is not refused.
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
}

#[test]
fn what_the_environment_lacks_is_told_with_where_to_get_it() {
    let bare = || Stage::new().with("USER", "ana").with("AWS_REGION", "us-east-1");
    let tabled = || bare().with("NIGHTSHIFT_TABLE", "ledger");
    let fleet = "--fleet tests/fleets/releases";
    let plays = [
        ("no table to list from", bare(), "release list"),
        ("no table to show from", bare(), "release show shop/web"),
        ("no key", tabled(), "release approve shop/web --by lead"),
        ("no function to abort with", tabled(), "release abort shop/web --why x"),
        ("no function to roll back with", tabled(), "release rollback shop/web --why x"),
        ("no function to deploy with", tabled(), "deploy --service shop/web --image v1"),
        ("nobody says so", Stage::new(), "deploy --service shop/web --image v1"),
    ];
    let mut all = String::new();
    for (what, stage, line) in plays {
        let played = stage.run(&format!("{line} {fleet}"));
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{what}: {}", played.err);
        all.push_str(&format!("{what}: {}", played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn what_the_fleet_files_contradict_is_refused_before_aws_is_asked() {
    let lines = [
        "release list shopp",
        "release list shop/wep",
        "release list shop --region eu-west-1",
        "release abort shop/wep --why x",
        "release rollback shop/web --why x --region eu-west-1",
        "release approve shop/wep --by lead",
        "deploy --service shop/wep --image v1",
        "deploy --service shop/worker --image v1",
        "deploy --service shop/web --image v1 --region us-west-2",
        "deploy --service shop/web --image v1 --region eu-west-1",
        "deploy --service shop/web --image 111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/wep:v1",
    ];
    let mut all = String::new();
    for line in lines {
        let played = equipped().run(&format!("{line} --fleet tests/fleets/releases"));
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{line}: {}", played.err);
        all.push_str(&format!("$ nightshift {line}\n{}\n", played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn a_code_is_never_an_argument_and_images_are_looked_at() {
    let lines = [
        "release approve shop/web",
        "release approve shop/web --by Lead",
        "release approve shop/web --by lead --code ABCD-EFGH",
        "release abort shop/web",
        "release rollback shop/web --why \u{a0}",
        "release show shop",
        "release show shop/web --watch --json",
        "release list --since 0h",
        "release",
        "deploy --service shop/web",
        "deploy --image v1",
        "deploy --service shop/web --image sha256:4f5c",
        "deploy --service shop/web --image 111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web",
        "deploy --service shop/web --image :v1!",
    ];
    let mut all = String::new();
    for line in lines {
        let played = Stage::new().run(line);
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{line}: {}", played.err);
        let said = played.err.lines().take_while(|line| !line.starts_with("Usage:"));
        all.push_str(&format!("$ nightshift {line}\n{}\n\n", said.collect::<Vec<_>>().join("\n").trim_end()));
    }
    assert_snapshot!(all);
}

/// They get as far as the network: nothing of them is refused.
#[test]
fn good_command_lines_are_asked_of_aws() {
    let digest = "a".repeat(64);
    let address = "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web";
    let lines = [
        "release show shop/web v1.4.2".to_owned(),
        "release list shop/web --json".to_owned(),
        "release abort shop/web --why x".to_owned(),
        "release approve shop/web --by lead --reject".to_owned(),
        format!("deploy --service shop/web --image sha256:{digest} --accept-drift"),
        format!("deploy --service shop/web --image {address}:v1"),
        format!("deploy --service shop/web --image {address}@sha256:{digest}"),
        "deploy --service shop/web --image v1 --region us-west-2 --only-here".to_owned(),
    ];
    for line in lines {
        let played = equipped().run(&format!("{line} --fleet tests/fleets/releases"));
        assert_eq!(played.exit, Exit::Problems, "{line}: {}", played.err);
        assert!(played.err.contains("AWS cannot be reached"), "{line}: {}", played.err);
    }
}

/// As the function writes it.
fn of_a_release() -> HistoryEntry {
    let outcome = ReleaseOutcome {
        at: now(),
        mode: Mode::Act,
        key: key("shop/api"),
        region: "us-east-1".into(),
        wake: Wake::Look { because: "recheck".into() },
        plan_id: "0000000000000000".into(),
        steps: Vec::new(),
        holds: Vec::new(),
        notes: Vec::new(),
        before: Book::default(),
        after: all_ended([done()]),
        wants_look_at: None,
        look_again_at: None,
        is_lost: false,
        untold: Vec::new(),
        troubles: Vec::new(),
    };
    outcome.to_history()
}

#[test]
fn releases_stand_in_the_history_among_the_rest_and_a_replay_leaves_them_out() {
    let of_a_size =
        recorded(&Looked { in_alarm: vec!["nightshift-shop-api-busy"], value: 90.0, ..Looked::quiet() }, Mode::Act, StepResult::Done);
    let entries = vec![of_a_release(), of_a_size];
    let text = entries.iter().map(|entry| serde_json::to_string(entry).unwrap()).collect::<Vec<_>>().join("\n");
    let (ledger, service) = (Ledger { entries, ..Ledger::default() }, key("shop/api"));
    let wish = Wish { key: &service, since: Seconds::new(3_600), limit: 10, shown: Shown::Lines };
    let listed = Stage::new().play(|world| wait(history(&ledger, &wish, world)).unwrap());
    let fleets = good_fleets();
    let (_, _, api) = fleets.service("shop", "api").unwrap();
    let replayed = Stage::new().play(|world| replay(&text, &service, api, world).unwrap());
    assert_eq!(replayed.exit, Exit::Fine);
    assert_snapshot!(format!("{}\n{}", listed.whole(), replayed.whole()));
}
