//! Which image tags count: patterns with `*` and `?`, and ranges of semantic versions.
//!
//! Owns the two notations. A leading `v` before a version is allowed, since most people push `v1.4.2`. Must never take a tag
//! for a version that is none in full: 1.4 alone may mean any 1.4.

use std::fmt;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

/// Which tags count: those that match any pattern, or lie in the version range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "TagFilterFile"))]
#[serde(try_from = "TagFilterFile", into = "TagFilterFile")]
pub struct TagFilter {
    patterns: Vec<String>,
    versions: Option<VersionReq>,
}

/// A tag filter as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TagFilterFile {
    /// Patterns: `*` is any text, `?` any one character, such as release-*; the whole tag must match.
    #[serde(default, rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(inner(regex(pattern = r"^[A-Za-z0-9._*?-]+$"))))]
    patterns: Vec<String>,
    /// A range of semantic versions, such as ">=1.4, <3"; the tag v1.4.2 counts as 1.4.2, and 1.4 as no version. Pre-releases
    /// count only where the range names one of the same version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    semver: Option<String>,
}

impl TagFilter {
    /// Whether an image with this tag is a release.
    pub fn counts(&self, tag: &str) -> bool {
        let version = || Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok();
        self.patterns.iter().any(|pattern| matches_pattern(pattern, tag))
            || self.versions.as_ref().is_some_and(|range| version().is_some_and(|version| range.matches(&version)))
    }
}

/// How the filter is told to people: the patterns, and the range.
impl fmt::Display for TagFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.patterns.join(", "))?;
        match &self.versions {
            Some(range) if self.patterns.is_empty() => write!(out, "versions {range}"),
            Some(range) => write!(out, ", or versions {range}"),
            None => Ok(()),
        }
    }
}

/// Whether the whole text matches: `*` is any text, `?` any one character.
///
/// Only the last star is ever gone back to, so that the work is at most the product of the two lengths.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read, mut retry) = (0, 0, None);
    while let Some(letter) = text.get(read) {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                at += 1;
                read += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    at = star + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == '*')
}

impl TryFrom<TagFilterFile> for TagFilter {
    type Error = String;
    fn try_from(file: TagFilterFile) -> Result<Self, String> {
        if file.patterns.is_empty() && file.semver.is_none() {
            return Err("no tag would count; write match: [\"release-*\"], or semver: \">=1.0\", or match: [\"*\"] for every tag".into());
        }
        file.patterns.iter().try_for_each(|pattern| possible_pattern(pattern))?;
        let range = |text: &String| {
            VersionReq::parse(text)
                .map_err(|error| format!("\"{text}\" is no range of semantic versions ({error}); write one such as \">=1.4, <3\""))
        };
        Ok(Self { versions: file.semver.as_ref().map(range).transpose()?, patterns: file.patterns })
    }
}

/// A tag has up to 128 letters, digits, dots, hyphens and underscores (OCI Distribution Specification, "Pulling manifests"):
/// what holds anything else is a pattern of another kind (a regular expression, an image's address) and would match nothing.
fn possible_pattern(pattern: &str) -> Result<(), String> {
    let is_possible = |letter: char| letter.is_ascii_alphanumeric() || "._-*?".contains(letter);
    match pattern.chars().find(|letter| !is_possible(*letter)) {
        Some(other) => Err(format!(
            "no tag holds {other:?}, so \"{pattern}\" matches none; write letters, digits, dots, hyphens and underscores, with * for any \
             text and ? for any one character"
        )),
        None if pattern.is_empty() => Err("an empty pattern matches no tag; write one such as \"release-*\"".into()),
        None if pattern.chars().filter(|letter| *letter != '*').count() > 128 => {
            Err("this pattern is longer than any tag (128 characters); shorten it with a *".into())
        }
        None => Ok(()),
    }
}

impl From<TagFilter> for TagFilterFile {
    fn from(filter: TagFilter) -> Self {
        Self { patterns: filter.patterns, semver: filter.versions.map(|range| range.to_string()) }
    }
}
