//! Approvals as people meet them: the question in words, the mails, link and code, and whether a question still stands.
//!
//! Pure. Page, command line and `deploy` all judge and word a question here, so that none of them says something else.

mod mail;
mod pipeline;
pub mod ports;
mod question;
mod standing;
mod token;

pub use mail::question_mails;
pub use pipeline::{PipelineAnswer, PipelineClosed, PipelineQuestion, PipelineToken, Told, WRONG_CODES};
pub use question::{Fact, Question, day_and_time};
pub use standing::{Asked, Closed, Open, standing};
pub use token::{About, ApprovalKey, Claims, TokenError, WeakKey};
