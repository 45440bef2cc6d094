//! Container images: a pushed image, how one is named, and where an image's name stands in text and definitions.
//!
//! A release is pinned to a digest. Tags only say which pushes count; nothing is ever rolled out by tag.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image in a repository of ECR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The repository's name, such as shop/web.
    pub repository: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Its tags by now, in the order that ECR tells them.
    pub tags: Vec<String>,
    /// When it was pushed (ECR's `imagePushedAt`): the order of releases.
    pub pushed_at: Timestamp,
    /// The repository's address without tag: `<account>.dkr.ecr.<region>.amazonaws.com/<repository>`.
    pub uri: String,
}

impl Image {
    /// The image as a task definition names it, by digest.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.uri, self.digest)
    }

    /// The first twelve digits of the digest: enough for people.
    pub fn short_digest(&self) -> &str {
        short_digest(&self.digest)
    }

    /// What people call it: its first tag, else its digest.
    pub fn name(&self) -> &str {
        self.tags.first().map_or_else(|| self.short_digest(), String::as_str)
    }
}

/// The first twelve digits of a digest.
pub fn short_digest(digest: &str) -> &str {
    let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
    digits.get(..12).unwrap_or(digits)
}

/// Which image of a repository is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageRef {
    /// By digest.
    Digest(String),
    /// By tag, as it stands at the time of reading.
    Tag(String),
}

impl ImageRef {
    /// `sha256:…` is a digest, anything else a tag; a whole address is taken apart.
    pub fn parse(text: &str) -> Self {
        if let Some(at) = text.rfind("sha256:") {
            return Self::Digest(text.get(at..).unwrap_or_default().to_owned());
        }
        match text.rsplit_once(':') {
            Some((_, tag)) if !tag.contains('/') => Self::Tag(tag.to_owned()),
            _ => Self::Tag(text.to_owned()),
        }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest(digest) => out.write_str(short_digest(digest)),
            Self::Tag(tag) => out.write_str(tag),
        }
    }
}

/// The repository's name in an image's address, and its digest if it is pinned: `…amazonaws.com/shop/web:v1` is `shop/web`.
pub fn repository_of(address: &str) -> Option<(&str, Option<&str>)> {
    let (path, digest) = match address.split_once('@') {
        Some((path, digest)) => (path, Some(digest)),
        None => (address, None),
    };
    let (host, rest) = path.split_once('/')?;
    // Without a dot or a port the first part is no host: `library/redis` of Docker Hub.
    if !host.contains('.') && !host.contains(':') {
        return None;
    }
    let repository = rest.split_once(':').map_or(rest, |(repository, _)| repository);
    (!repository.is_empty()).then_some((repository, digest))
}
