//! Front ends: files in a bucket behind a CloudFront distribution.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns the shape;
//! which files an invalidation names is the release's.

use serde::{Deserialize, Serialize};

use super::amount::Seconds;

/// A front end: files in a bucket behind a CloudFront distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FrontEnd {
    /// The bucket's name; its EventBridge notifications must be on.
    pub bucket: String,
    /// The part of the bucket that the distribution serves (its origin path), such as `site/`; without it the whole bucket.
    #[serde(default)]
    pub prefix: String,
    /// The CloudFront distribution's id, such as E2QWRUHAPOMQZL.
    pub distribution: String,
    /// How long the bucket must have been quiet before the upload counts as complete; 5 s to 10 min.
    #[serde(default = "usual_settle")]
    pub settle: Seconds,
    /// Patterns of files whose names change with their content (`*` is any text), besides those that Nightshift recognises
    /// itself, such as main.3f2a1b9c.js: they need no invalidation.
    #[serde(default)]
    pub hashed: Vec<String>,
}

/// An upload of a few hundred files takes seconds; half a minute without a file is its end.
fn usual_settle() -> Seconds {
    Seconds::new(30)
}
