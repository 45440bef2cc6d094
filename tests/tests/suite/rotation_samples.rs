//! The samples in events/rotate: each is what events/README.md says, and about a secret of the fleet files here.

use nightshift_core::rotation::{Instruction, StepEvent};
use nightshift_tests::project::root;
use serde_json::Value;

/// What the function takes a sample for, as the table in events/README.md says it.
fn in_short(event: &Value) -> String {
    match (Instruction::read(event), StepEvent::read(event)) {
        (Some(Instruction::Sweep), _) => "sweep".to_owned(),
        (Some(Instruction::Look { system, secret, .. }), _) => format!("look at {system}/{secret}"),
        (None, Ok(step)) => format!("{} of {}", step.step, step.secret),
        (None, Err(problem)) => format!("nothing: {problem}"),
    }
}

#[test]
fn the_samples_are_what_the_table_promises() {
    let folder = root().join("events/rotate");
    let names = std::fs::read_dir(&folder).expect("events/rotate is there").map(|entry| entry.expect("a file").path());
    let mut found: Vec<String> = names
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a sample can be read");
            let event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            format!("{} | {}", path.file_name().unwrap_or_default().to_string_lossy(), in_short(&event))
        })
        .collect();
    found.sort();
    let readme = std::fs::read_to_string(root().join("events/README.md")).expect("events/README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| rotate/"));
    let promised: Vec<String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            format!("{} | {}", cells[0], cells[2].trim_matches('`'))
        })
        .collect();
    assert_eq!(promised, found, "left is events/README.md, right are the files");
}

#[test]
fn their_secret_is_one_that_a_fleet_file_has() {
    let fleets = nightshift_lambda::load_fleets(&root().join("systems").to_string_lossy()).expect("the fleet files are right");
    for name in ["step-1-create.json", "step-2-set.json", "step-3-test.json", "step-4-finish.json"] {
        let text = std::fs::read_to_string(root().join("events/rotate").join(name)).expect("a sample can be read");
        let step = StepEvent::read(&serde_json::from_str(&text).expect("JSON")).expect("a step");
        assert!(fleets.secret(&step.secret, "us-east-1").is_some(), "{name}: no fleet file has {}", step.secret);
    }
}
