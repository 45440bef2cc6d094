//! Secrets that rotate: what is known of one, what to do next, and how it is told.
//!
//! Decisions see facts about a secret's versions and never a value: values stay in [`SecretText`], which is masked and wiped,
//! and pass only through the functions of `document`. Nothing here reads a clock, rolls dice, or connects.

mod decide;
mod desk;
mod document;
mod ending;
mod hand_over;
mod notice;
mod observation;
mod plan;
pub mod ports;
mod readers;
mod record;
mod request;
mod steps;
mod text;

pub use decide::{decide, failed, failed_deed};
pub use document::{Credential, DocumentProblem, SecretDocument, base_of, continues, credential, draft, key_of, user_of, with_key};
pub use ending::{Done, Ending, Stop, Wait};
pub use notice::RotationNotice;
pub use observation::{CurrentNow, PendingNow, SecretNow, Seen, Who};
pub use plan::{Deed, Need, SecretPolicy, Turn};
pub use readers::{ReaderNow, ReaderState, reader_state};
pub use record::{HandOver, LastOutcome, PendingSeen, RotationRecord, RotationView};
pub use request::{Instruction, Request, StepEvent, StepName, StepProblem, Why};
pub use text::SecretText;
