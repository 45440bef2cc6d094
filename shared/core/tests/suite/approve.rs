//! Approvals: links and codes, the words of a question, and whether it still stands.

mod mails;
mod pipelines;
mod standings;
mod tokens;
mod world;
