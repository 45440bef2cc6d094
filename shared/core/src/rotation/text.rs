//! Text that must not be seen: masked wherever it could be shown, wiped when it is dropped.
//!
//! Owns no meaning. There is no `Serialize`: a value cannot get into a record, an answer or a log line by accident.

use std::fmt;

use zeroize::Zeroize;

/// A secret's value, or a part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text; the caller keeps no copy.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<secret>")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<secret>")
    }
}
