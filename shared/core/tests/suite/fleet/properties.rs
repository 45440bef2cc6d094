//! Whatever the text: a fleet or errors with a place in the file, never a panic.

use nightshift_core::fleet::{Cron, Zone, fleet_from_yaml};
use proptest::prelude::*;

use super::{SYSTEMS, WHOLE, read, system_file};

fn check(text: &str) {
    let Err(errors) = fleet_from_yaml("fleet.yaml", text) else { return };
    let lines = text.split(['\n', '\r']).count().max(1);
    assert!(!errors.errors().is_empty());
    for error in errors.errors() {
        assert!(error.line >= 1 && error.line <= lines, "line {} of {lines}: {error}", error.line);
        assert!(error.column >= 1 && error.column <= error.source_line.chars().count() + 1, "{error:?}");
        assert!(!error.help.is_empty() && !error.problem.is_empty());
    }
    assert!(!errors.to_string().is_empty());
}

/// A place between two characters.
fn cut(text: &str, at: prop::sample::Index) -> usize {
    let mut at = at.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

proptest! {
    // PROPTEST_CASES overrides the number.
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC*") {
        check(&text);
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in "([a-z]{1,3}|[:,#&*!|>'\"%@`{}\\[\\]?~-]|\\t|\\r|\\n|  | |[0-9]){0,60}") {
        check(&text);
    }

    #[test]
    fn a_cut_file_is_an_error_or_a_fleet(at in any::<prop::sample::Index>()) {
        check(&WHOLE[..cut(WHOLE, at)]);
        check(&WHOLE[cut(WHOLE, at)..]);
    }

    #[test]
    fn a_changed_character_is_an_error_or_a_fleet(at in any::<prop::sample::Index>(), with in "[ -~\\n\\t\\r\u{e9}\u{2028}\u{0}]{0,3}") {
        let at = cut(WHOLE, at);
        let rest = WHOLE[at..].chars().skip(1).collect::<String>();
        check(&format!("{}{with}{rest}", &WHOLE[..at]));
    }

    #[test]
    fn a_lost_line_is_an_error_or_a_fleet(lost in any::<prop::sample::Index>(), twice in any::<prop::sample::Index>()) {
        let lines: Vec<&str> = WHOLE.lines().collect();
        let (lost, twice) = (lost.index(lines.len()), twice.index(lines.len()));
        let mut kept: Vec<&str> = lines.clone();
        kept.insert(twice, lines[twice]);
        kept.remove(lost);
        check(&kept.join("\n"));
    }

    #[test]
    fn a_moved_value_is_an_error_or_a_fleet(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let words: Vec<&str> = WHOLE.split_inclusive([' ', '\n']).collect();
        let mut mixed = words.clone();
        mixed[to.index(words.len())] = words[from.index(words.len())];
        check(&mixed.concat());
    }

    #[test]
    fn a_cron_that_is_read_is_written_the_same(fields in "[0-9A-Z*/,L-]{0,9} [0-9*/,-]{0,9} [0-9L*/,-]{0,9} [0-9A-Z*/,-]{0,9} [0-9A-Z*/,-]{0,9}") {
        if let Ok(cron) = Cron::try_from(fields.clone()) {
            prop_assert_eq!((cron.as_str(), cron.to_string()), (fields.as_str(), fields.clone()));
        }
    }
}

proptest! {
    // Each unknown zone is compared with all six hundred.
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cron_and_zone_never_panic(text in "\\PC{0,40}") {
        prop_assert!(Cron::try_from(text.clone()).is_err() || text.split_ascii_whitespace().count() == 5);
        prop_assert!(Zone::try_from(text.clone()).is_err() || text.is_ascii());
    }
}

#[test]
fn deep_and_long_texts_end_soon() {
    for text in
        ["[".repeat(100_000), "{a: ".repeat(50_000), "- ".repeat(100_000), "a:\n ".repeat(20_000), "? ".repeat(50_000), "x".repeat(5 << 20)]
    {
        let started = std::time::Instant::now();
        check(&text);
        assert!(started.elapsed().as_secs() < 20, "{} characters of {:?}", text.len(), &text[..4]);
    }
}

/// What the file says is what the fleet says: written out again by serde and read again it is the same.
#[test]
fn every_system_reads_the_same_from_its_own_json() {
    let texts = SYSTEMS.map(system_file).into_iter().chain([WHOLE.to_owned()]);
    for fleet in texts.map(|text| read(&text)) {
        let system = &fleet.system;
        let json = serde_json::to_string_pretty(&fleet).expect("json");
        // JSON is YAML, so it goes through the whole reader.
        assert_eq!(read(&json), fleet, "{system}");
    }
}
