//! Which tags count as releases.

use nightshift_core::fleet::{TagFilter, matches_pattern};
use proptest::prelude::*;
use serde_json::{Value, json};

fn filter(filter: Value) -> TagFilter {
    serde_json::from_value(filter.clone()).unwrap_or_else(|error| panic!("{filter}: {error}"))
}

#[test]
fn tags_that_count_and_tags_that_do_not() {
    let every = json!({ "match": ["*"] });
    let releases = json!({ "match": ["release-*", "hotfix-?"] });
    let one_to_three = json!({ "semver": ">=1.4, <3" });
    let caret = json!({ "semver": "1.4" });
    let with_previews = json!({ "semver": ">=2.0.0-rc.1" });
    let either = json!({ "match": ["latest"], "semver": "^1" });
    #[rustfmt::skip]
    let cases: &[(&Value, &[&str], &[&str])] = &[
        (&every, &["latest", "1.4.2", "release-7", "sha-0f3c"], &[]),
        (&releases, &["release-7", "release-", "hotfix-1"], &["latest", "hotfix-", "hotfix-12", "my-release-7", "Release-7", "1.4.2"]),
        (&one_to_three, &["1.4.0", "v1.4.0", "1.5.9", "2.99.0"],
            // 1.4 may be any 1.4, 01 is no number, a build's hash is no version, and neither is what only begins like one.
            &["1.3.9", "3.0.0", "v3.0.0", "1.4", "v2", "01.4.0", "1.4.2.1", "V1.4.2", "vv1.4.2", "latest", "0f3c9a1", "1.4.2_1", "", "v"]),
        (&one_to_three, &[], &["1.5.0-rc.1", "v2.0.0-beta", "3.0.0-rc.1"]),
        (&caret, &["1.4.0", "1.9.0", "v1.4.7"], &["1.3.0", "2.0.0", "1.4.0-rc.1"]),
        // A pre-release counts where the range names one of the very same version, and nowhere else.
        (&with_previews, &["2.0.0-rc.1", "2.0.0-rc.2", "v2.0.0", "2.1.0", "9.0.0"], &["2.0.0-beta.9", "2.1.0-rc.1", "1.9.9"]),
        (&either, &["latest", "1.0.0", "v1.2.3"], &["2.0.0", "latest-1", "stable"]),
    ];
    for (written, counting, ignored) in cases {
        let filter = filter((*written).clone());
        for tag in *counting {
            assert!(filter.counts(tag), "{tag} counts in {written}");
        }
        for tag in *ignored {
            assert!(!filter.counts(tag), "{tag} does not count in {written}");
        }
    }
}

#[test]
fn a_filter_is_told_in_words_and_written_as_it_was_read() {
    for (written, words) in [
        (json!({ "match": ["release-*", "hotfix-?"] }), "release-*, hotfix-?"),
        (json!({ "semver": ">=1.4, <3" }), "versions >=1.4, <3"),
        (json!({ "match": ["latest"], "semver": "^1" }), "latest, or versions ^1"),
    ] {
        let filter = filter(written.clone());
        assert_eq!(filter.to_string(), words);
        assert_eq!(serde_json::to_value(&filter).expect("json"), written);
    }
}

/// The rule as a child would say it; slow, and plainly right.
fn reference(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some(('*', others)), rest) => reference(others, text) || rest.is_some_and(|(_, rest)| reference(pattern, rest)),
        (Some((wanted, others)), Some((letter, rest))) => (*wanted == '?' || wanted == letter) && reference(others, rest),
        (Some(_), None) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    // Few letters, so that most pairs nearly match.
    #[test]
    fn a_pattern_matches_what_the_rule_says(pattern in "[ab*?]{0,8}", text in "[ab\u{e9}]{0,10}") {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        prop_assert_eq!(matches_pattern(&pattern, &text), reference(&letters(&pattern), &letters(&text)));
    }

    #[test]
    fn a_text_matches_itself_with_parts_taken_for_stars(text in "[a-z.]{1,12}", from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        let pattern = format!("{}*{}", &text[..from], &text[to..]);
        prop_assert!(matches_pattern(&pattern, &text));
    }
}

/// Stars that all nearly match are the worst case; backtracking over all of them would not end in a lifetime.
#[test]
fn many_stars_end_soon() {
    let pattern = format!("{}b", "a*".repeat(60));
    let started = std::time::Instant::now();
    assert!(!matches_pattern(&pattern, &"a".repeat(5_000)));
    assert!(started.elapsed().as_secs() < 5);
}
