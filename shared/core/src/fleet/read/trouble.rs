//! What serde found wrong while it read the tree, kept as data: where, and which kind of complaint.
//!
//! Owns serde's error interface; the words for people are made in `explain`.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::tree::NodeId;

/// One complaint and where it was raised.
#[derive(Debug)]
pub(super) struct Trouble {
    pub spot: Option<Spot>,
    pub complaint: Complaint,
    /// The Rust name of the struct that was being read, where the complaint is about its fields.
    pub container: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Spot {
    /// A value.
    Value(NodeId),
    /// A name in a map: the map and the value that stands under the name.
    Key(NodeId, NodeId),
}

#[derive(Debug)]
pub(super) enum Complaint {
    UnknownField {
        field: String,
        known: &'static [&'static str],
    },
    UnknownChoice {
        choice: String,
        known: &'static [&'static str],
    },
    Missing(&'static str),
    WrongType {
        expected: String,
    },
    /// In the words of our own types: what is wrong; what to write.
    Said(String),
}

impl Trouble {
    pub(super) fn said(message: impl Into<String>) -> Self {
        Self::new(Complaint::Said(message.into()))
    }

    pub(super) fn wrong_type(expected: impl Into<String>) -> Self {
        Self::new(Complaint::WrongType { expected: expected.into() })
    }

    fn new(complaint: Complaint) -> Self {
        Self { spot: None, complaint, container: "" }
    }

    /// The innermost place that saw it is where it is.
    pub(super) fn or_at(mut self, spot: Spot) -> Self {
        self.spot.get_or_insert(spot);
        self
    }

    pub(super) fn or_in(mut self, container: &'static str) -> Self {
        if self.spot.is_none() {
            self.container = container;
        }
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.complaint)
    }
}

impl std::error::Error for Trouble {}

impl de::Error for Trouble {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::said(message.to_string())
    }

    fn invalid_type(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong_type(expected.to_string())
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::wrong_type(expected.to_string())
    }

    fn unknown_variant(choice: &str, known: &'static [&'static str]) -> Self {
        Self::new(Complaint::UnknownChoice { choice: choice.to_owned(), known })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Complaint::UnknownField { field: field.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Complaint::Missing(field))
    }
}
