//! Help texts, and what is refused before anything is looked at.

use insta::assert_snapshot;
use nightshift_cli::Exit;

use crate::stage::Stage;

#[test]
fn every_command_explains_itself() {
    let before =
        ["", "check", "schema", "alarms", "alarms list", "alarms sync", "pause", "resume", "pauses", "override", "history", "plan"];
    let releases = ["release", "release list", "release show", "release approve", "release abort", "release rollback", "deploy"];
    let secrets = ["secrets", "secrets unstick", "secrets sync", "secret", "secret put"];
    let commands = before.into_iter().chain(releases).chain(secrets);
    for command in commands {
        let played = Stage::new().run(&format!("{command} --help"));
        assert_eq!(played.exit, Exit::Fine, "{command}");
        let name = if command.is_empty() { "nightshift".to_owned() } else { command.replace(' ', "_") };
        assert_snapshot!(format!("help_{name}"), played.out);
        let is_leaf = !matches!(command, "" | "alarms" | "release" | "secret");
        assert!(!is_leaf || played.out.contains("Example"), "{command} has no example");
    }
}

#[test]
fn the_version_is_an_answer() {
    let played = Stage::new().run("--version");
    assert_eq!((played.exit, played.out.trim()), (Exit::Fine, concat!("nightshift ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn wrong_words_are_refused_with_a_remedy() {
    let lines = [
        "",
        "chek",
        "pause",
        "pause shop/api",
        "pause Shop/api --why x --by ana",
        "pause shop/api --why x --for 2",
        "pause shop/api --why x --for 0h",
        "pause shop/api --why x --for 2000d",
        "override shop --min 1 --max 2 --why x",
        "override shop/api",
        "override shop/api --min 1 --why x",
        "override shop/api --max 2",
        "override shop/api --min 1 --max 2",
        "override shop/api --min 1 --max 2 --why x --clear",
        "override shop/api --min few --max 2 --why x",
        "override shop/api --min 1 --max 50000 --why x",
        "override shop/api --min 3 --max 2 --why x --by ana",
        "history shop/api --limit 0",
        "history shop/api --json --why",
        "plan shop/api --replay - --json",
        "alarms sync --yes --dry-run",
    ];
    let mut all = String::new();
    for line in lines {
        let played = Stage::new().run(line);
        assert_eq!(played.exit, Exit::WrongUsage, "{line}: {}", played.err);
        assert_eq!(played.out, "", "{line}");
        let said = played.err.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("Looks after"));
        all.push_str(&format!("$ nightshift {line}\n{}\n\n", said.collect::<Vec<_>>().join("\n").trim_end()));
    }
    assert_snapshot!(all);
}

#[test]
fn what_the_environment_lacks_is_told_with_where_to_get_it() {
    let complete = || Stage::new().with("USER", "ana").with("NIGHTSHIFT_TABLE", "ledger").with("AWS_REGION", "us-east-1");
    let topic = "arn:aws:sns:us-east-1:111122223333:alarms";
    let sync = format!("alarms sync tests/fleets/good --topic-arn {topic}");
    let plays = [
        ("no user", Stage::new(), "pause all --why x", Exit::WrongUsage),
        ("no table", Stage::new().with("USER", "ana"), "pause all --why x", Exit::WrongUsage),
        ("an empty table", Stage::new().with("NIGHTSHIFT_TABLE", " "), "pauses", Exit::WrongUsage),
        ("no region", Stage::new().with("NIGHTSHIFT_TABLE", "ledger"), "pauses", Exit::Problems),
        ("a wrong region", complete(), "pauses --region Ireland", Exit::Problems),
        ("no credentials", complete(), "history shop/api", Exit::Problems),
        (
            "half of the credentials",
            complete().with("AWS_ACCESS_KEY_ID", "AKIA"),
            "plan shop/api --fleet tests/fleets/good",
            Exit::Problems,
        ),
        ("no topic", complete(), "alarms sync tests/fleets/good", Exit::WrongUsage),
        ("no region for alarms", Stage::new(), &sync, Exit::Problems),
    ];
    let mut all = String::new();
    for (name, stage, line, exit) in plays {
        let played = stage.run(line);
        assert_eq!((played.exit, played.out.as_str()), (exit, ""), "{name}: {}", played.err);
        all.push_str(&format!("{name} ({}): {}", exit.code(), played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn a_topic_has_to_be_one_and_in_the_region_of_its_alarms() {
    let stage = Stage::new().with("AWS_REGION", "us-east-1").with("AWS_ACCESS_KEY_ID", "AKIA").with("AWS_SECRET_ACCESS_KEY", "x");
    for topic in ["alarms", "arn:aws:sqs:us-east-1:111122223333:alarms", "arn:aws:sns:eu-west-1:111122223333:alarms"] {
        let played = stage.run(&format!("alarms sync tests/fleets/good --yes --topic-arn {topic}"));
        assert_eq!((played.exit, played.out.as_str()), (Exit::WrongUsage, ""), "{topic}");
        assert!(played.err.contains("AlarmTopicArn") || played.err.contains("give --region eu-west-1"), "{}", played.err);
    }
}
