//! The names that people give to systems, services and rules.
//!
//! They become parts of alarm names, schedule names and ledger keys, so nothing but short plain names may pass.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")))]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                plain_name(&text).map(|()| Self(text))
            }
        }

        /// So that a map by name can be asked with plain text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a system: part of alarm names, ledger keys and notices.
    SystemName
);
name_type!(
    /// The name of a service within its system.
    ServiceName
);
name_type!(
    /// The name of a rule within its service.
    RuleName
);
name_type!(
    /// The name of a deploy path within its file.
    PathName
);
name_type!(
    /// The name of a stage within its path.
    StageName
);
name_type!(
    /// The name of an approver, as the ledger shows it.
    ApproverName
);
name_type!(
    /// The name of a front end within its system.
    FrontEndName
);

/// Names become parts of alarm names, schedule names and keys, so they are short and plain.
fn plain_name(text: &str) -> Result<(), String> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    let is_plain = text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    if starts_well && is_plain && text.len() <= 40 && !text.ends_with('-') {
        return Ok(());
    }
    Err(format!("\"{text}\" is no name; write 1 to 40 lower-case letters, digits and hyphens, beginning with a letter"))
}
