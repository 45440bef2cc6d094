//! Releases: from a pushed image, through scan, stages, approval and regions, to its end; and restarts for rotated secrets.
//!
//! Owns what a release is, which reads a decision needs, the decision, and its words. A leg is moved by its own region
//! alone; others hear of it by report. Never rolls out by tag, never decides from an event's words: events say where to look.

mod advance;
mod approval;
pub mod approve;
mod aside;
mod back;
mod begin;
mod blueprint;
mod decide;
mod desk;
pub mod front_end;
mod gate;
mod gates;
mod handed;
mod image;
mod intake;
mod leg;
mod legs;
mod notice;
mod observation;
mod outcome;
mod plan;
mod policy;
pub mod ports;
mod reads;
mod reason;
mod record;
mod reports;
mod restarts;
mod rotations;
mod stops;
mod words;

pub use aside::Aside;
pub use blueprint::{NoMatch, blueprint_differences, definition_with_image, reads_secret, same_blueprint, template_with_image};
pub use decide::{apply, decide};
pub use gates::{Answer, Approval, Finding, FindingCounts, Gate, ScanNow, Verdict};
pub use handed::{Handed, HandedState, Rotated};
pub use image::{Image, ImageRef, repository_of, short_digest};
pub use legs::{Leg, LegState, Move};
pub use notice::ReleaseNotice;
pub use observation::{
    Blueprint, BlueprintVersion, Check, CheckResult, Found, Known, Need, Observation, RolloutId, RolloutNow, RolloutStatus, StopHow,
    TargetNow, Wake,
};
pub use outcome::{Ending, ReleaseOutcome, StepOutcome, StepResult};
pub use plan::{Note, Plan, Step, StepDone};
pub use policy::ReleasePolicy;
pub use reason::Hold;
pub use record::{
    Book, BookView, Change, ENDED_KEPT, End, EndKind, LOG_KEPT, LogLine, Proven, Release, ReleaseId, Report, Scope, StartedBy, Turn, Unwind,
};
pub use words::{Progress, Shown};
