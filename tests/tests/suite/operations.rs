//! docs/operations.md has an entry for every stable code that the code can give, and none that it cannot.

use std::collections::BTreeSet;
use std::fs;

use nightshift_core::rotation::{Done, Stop, Wait};
use nightshift_tests::project::root;

/// Where codes are written: as `=> "code"` in a function named `code`, or as the first argument of what ignores or fails.
const SOURCES: &[&str] = &[
    "shared/core/src/scale/reason.rs",
    "shared/core/src/scale/plan.rs",
    "shared/core/src/signal/ignored.rs",
    "shared/lambda/src/error.rs",
    "functions/scale/src/wakes.rs",
    "functions/scale/src/deps.rs",
    "shared/core/src/release/reason.rs",
    "shared/core/src/release/desk.rs",
    "shared/core/src/release/advance.rs",
    "shared/core/src/release/approval.rs",
    "shared/core/src/release/intake.rs",
    "shared/core/src/release/leg.rs",
    "shared/core/src/release/approve/mail.rs",
    "shared/core/src/release/approve/standing.rs",
    "shared/core/src/release/approve/token.rs",
    "shared/core/src/release/outcome.rs",
    "functions/deploy/src/wakes.rs",
    "functions/approve/src/record.rs",
    "functions/approve/src/visit.rs",
    "functions/rotate/src/wakes.rs",
    "shared/core/src/rotation/ending.rs",
];

fn is_code(word: &str) -> bool {
    let plain = word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    plain && word.len() > 3
}

/// The codes in a source file: quoted words that stand right after `=> ` or an opening bracket.
fn codes_of(source: &str) -> BTreeSet<String> {
    let quoted = source.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        let starts = line.match_indices("=> \"").map(|(at, mark)| at + mark.len());
        let calls = line.match_indices("(\"").map(|(at, mark)| at + mark.len());
        starts.chain(calls).filter_map(|at| line.get(at..)?.split('"').next()).collect::<Vec<_>>()
    });
    quoted.filter(|word| is_code(word)).map(str::to_owned).collect()
}

#[test]
fn every_code_has_its_entry() {
    let document = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let mut codes = BTreeSet::new();
    for path in SOURCES {
        let source = fs::read_to_string(root().join(path)).unwrap();
        let before = codes.len();
        codes.extend(codes_of(&source));
        assert!(codes.len() > before, "no code was found in {path}: has its form changed?");
    }
    // Words of those files that are no codes: decisions, classes, severities of the same form.
    let others = [
        "grow",
        "shrink",
        "hold",
        "retry",
        "do_not_retry",
        "page_person",
        "outcomes",
        "scale",
        "quiet",
        "approve",
        "code",
        "reject",
        "shop",
        "verdict",
        "advance",
        "advanced",
        "continued",
        "notes",
        "observing",
        "unfinished",
        "wake",
        "would_have_done",
    ];
    let missing: Vec<_> =
        codes.iter().filter(|code| !others.contains(&code.as_str()) && !document.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/operations.md has no entry for {missing:?}");
    assert!(codes.len() > 45, "only {} codes were found", codes.len());
}

#[test]
fn every_entry_is_a_code() {
    let document = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let sources: String = SOURCES.iter().map(|path| fs::read_to_string(root().join(path)).unwrap()).collect();
    let first_cells = document.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let entries: Vec<String> =
        first_cells.flat_map(|cell| cell.split('`').filter(|word| is_code(word)).map(str::to_owned).collect::<Vec<_>>()).collect();
    let unknown: Vec<_> = entries.iter().filter(|entry| !sources.contains(&format!("\"{entry}\""))).collect();
    assert!(unknown.is_empty(), "docs/operations.md explains {unknown:?}, which no source gives");
    assert!(entries.len() > 45, "only {} entries were found", entries.len());
}

/// How rotations end has a chapter of its own: some of its codes mean something else of a release.
#[test]
fn every_ending_of_a_rotation_is_explained_among_the_rotations_and_nothing_else_is() {
    let document = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, chapter) = document.split_once("\n## Rotations\n").expect("there is a chapter about rotations");
    let chapter = chapter.split_once("\n## ").map_or(chapter, |(chapter, _)| chapter);
    for (heading, codes) in [
        ("### What comes of a look\n", Done::CODES.as_slice()),
        ("### What a rotation waits for\n", Wait::CODES.as_slice()),
        ("### What stops a rotation\n", Stop::CODES.as_slice()),
    ] {
        let (_, part) = chapter.split_once(heading).unwrap_or_else(|| panic!("there is no {heading}"));
        let part = part.split_once("\n### ").map_or(part, |(part, _)| part);
        let first_cells = part.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
        let explained: BTreeSet<&str> = first_cells.flat_map(|cell| cell.split('`').filter(|word| is_code(word))).collect();
        assert_eq!(explained, codes.iter().copied().collect(), "{heading}: left is the document, right is the code");
    }
    let wakes = fs::read_to_string(root().join("functions/rotate/src/wakes.rs")).unwrap();
    for code in ["not_for_rotate", "step_unreadable"] {
        assert!(wakes.contains(&format!("\"{code}\"")), "{code} is no longer given: take it out of the document");
        assert!(document.contains(&format!("`{code}`")), "docs/operations.md has no entry for {code}");
    }
}
