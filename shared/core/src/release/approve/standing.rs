//! Whether a question still stands, for whom, and what an answer would do. Page and command line ask here before they write.
//!
//! Pure: the book and the answers in, a verdict with its words out. What is closed is never reopened by an old link.

use std::collections::BTreeMap;

use jiff::Timestamp;
use thiserror::Error;

use super::question::{day_and_time, ended};
use crate::fleet::ApproverName;
use crate::release::{Answer, Approval, Book, EndKind, Release, ReleaseId, StartedBy, Verdict};

/// Who wants to answer what.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The release.
    pub release: &'a ReleaseId,
    /// The digest that was asked about; none where the caller names the release alone.
    pub digest: Option<&'a str>,
    /// The stage, or [`Gate::SCAN`](crate::release::Gate::SCAN).
    pub stage: &'a str,
    /// Who.
    pub approver: &'a ApproverName,
    /// Until when the link is good that proves that the mail went out; none without a link.
    pub link_until: Option<Timestamp>,
}

/// A question that stands open for this approver.
#[derive(Clone, Debug, PartialEq)]
pub struct Open<'a> {
    /// The release.
    pub release: &'a Release,
    /// The question.
    pub approval: &'a Approval,
    /// The answers that count towards it so far.
    pub agreed: Vec<(ApproverName, Timestamp)>,
    /// Until when it stands.
    pub until: Timestamp,
    /// Whether this approver started the release by hand, so that with four eyes only a no counts.
    pub is_own: bool,
}

impl Open<'_> {
    /// How many more have to agree.
    pub fn missing(&self) -> usize {
        (self.approval.rule.needed as usize).saturating_sub(self.agreed.len())
    }
}

/// Why a question is not open to an approver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Closed {
    /// The ledger knows no such release any more.
    #[error("the ledger does not know this release any more")]
    Unknown,
    /// It is about another image.
    #[error("the question is about another image than this link")]
    OtherImage,
    /// It has ended.
    #[error("this release {} ({}): {why}", ended(*kind), day_and_time(*at))]
    Ended {
        /// How.
        kind: EndKind,
        /// Why.
        why: String,
        /// When.
        at: Timestamp,
    },
    /// A newer release takes its place, or it is being taken back.
    #[error("this release is being taken back: {why}")]
    GoingBack {
        /// Why.
        why: String,
    },
    /// Nobody is asked about this stage now.
    #[error("nobody is asked about {stage} yet")]
    NotAsked {
        /// Which.
        stage: String,
    },
    /// Others are asked, not this approver.
    #[error("{approver} is not among those who are asked")]
    NotAmongAsked {
        /// Who.
        approver: ApproverName,
    },
    /// This approver has answered.
    #[error("{approver} {} already ({})", said(answer.verdict), day_and_time(answer.at))]
    Answered {
        /// Who.
        approver: ApproverName,
        /// What.
        answer: Answer,
    },
    /// Somebody has said no.
    #[error("{by} has rejected it ({})", day_and_time(*at))]
    Rejected {
        /// Who.
        by: ApproverName,
        /// When.
        at: Timestamp,
    },
    /// Enough have agreed.
    #[error("enough people have agreed{}{by}", if by.is_empty() { "" } else { ": " })]
    Granted {
        /// Who.
        by: String,
    },
    /// Time is over.
    #[error("the question stood until {}", day_and_time(*at))]
    Expired {
        /// When it ended.
        at: Timestamp,
    },
}

impl Closed {
    /// The reason as a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_release",
            Self::OtherImage => "other_image",
            Self::Ended { kind: EndKind::Superseded, .. } => "superseded",
            Self::Ended { .. } => "ended",
            Self::GoingBack { .. } => "going_back",
            Self::NotAsked { .. } => "not_asked",
            Self::NotAmongAsked { .. } => "not_among_asked",
            Self::Answered { .. } => "already_answered",
            Self::Rejected { .. } => "already_rejected",
            Self::Granted { .. } => "already_granted",
            Self::Expired { .. } => "expired",
        }
    }
}

impl Closed {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unknown => "Look for it with: nightshift release list.",
            Self::OtherImage | Self::Ended { kind: EndKind::Superseded, .. } => {
                "Nothing is to be done: a newer release asks with a mail of its own."
            }
            Self::Ended { .. } => "What happened is shown by: nightshift release show. To try again, start it anew: nightshift deploy.",
            Self::GoingBack { .. } => "Nothing is to be done. What happens is shown by: nightshift release show.",
            Self::NotAsked { .. } => "If the mail came just now, try again in a minute.",
            Self::NotAmongAsked { .. } => "The fleet file names who is asked, under approval.",
            Self::Answered { .. } => "An answer stays as it was given. To stop the release after all: nightshift release abort.",
            Self::Rejected { .. } => "One no is enough. To try again, start it anew: nightshift deploy.",
            Self::Granted { .. } => "Nothing is to be done: the release goes on. To stop it: nightshift release abort.",
            Self::Expired { .. } => "Start the release anew, and it is asked again: nightshift deploy.",
        }
    }
}

/// Whether the question stands open for this approver; `answers` are those of the desk, which the book may not know yet.
pub fn standing<'a>(
    book: &'a Book,
    answers: &BTreeMap<ApproverName, Answer>,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Open<'a>, Closed> {
    let release = book.release(asked.release).ok_or(Closed::Unknown)?;
    if let Some(end) = &release.end {
        return Err(Closed::Ended { kind: end.kind, why: end.why.clone(), at: end.at });
    }
    if asked.digest.is_some_and(|digest| digest != release.change.image().map_or("", |image| image.digest.as_str())) {
        return Err(Closed::OtherImage);
    }
    if let Some(unwind) = &release.unwind {
        return Err(Closed::GoingBack { why: unwind.why.clone() });
    }
    let not_asked = || Closed::NotAsked { stage: asked.stage.to_owned() };
    let approval = release.approvals.get(asked.stage).ok_or_else(not_asked)?;
    // A release that waits for its turn asks nobody: only the one in hand does, or that was.
    let is_in_hand = book.asking().is_some_and(|asking| asking.id == release.id);
    // The mail goes out a moment before the ledger says so; its link says until when the question stands.
    let was_mailed = asked.link_until.is_some_and(|until| until.as_second() == approval.expires_at.as_second());
    if !is_in_hand || (approval.asked_at.is_none() && !was_mailed) {
        return Err(not_asked());
    }
    if !approval.rule.by.iter().any(|approver| approver.name == *asked.approver) {
        return Err(Closed::NotAmongAsked { approver: asked.approver.clone() });
    }
    let all: BTreeMap<&ApproverName, &Answer> = answers.iter().chain(&approval.answers).collect();
    if let Some(answer) = all.get(asked.approver) {
        return Err(Closed::Answered { approver: asked.approver.clone(), answer: (*answer).clone() });
    }
    if let Some((by, answer)) = all.iter().find(|(_, answer)| answer.verdict == Verdict::Reject) {
        return Err(Closed::Rejected { by: (*by).clone(), at: answer.at });
    }
    let agreed = agreed(release, approval, &all);
    if approval.granted_at.is_some() || agreed.len() >= approval.rule.needed as usize {
        return Err(Closed::Granted { by: agreed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ") });
    }
    let until = asked.link_until.map_or(approval.expires_at, |link| link.min(approval.expires_at));
    if now >= until {
        return Err(Closed::Expired { at: until });
    }
    Ok(Open { release, approval, agreed, until, is_own: starter(release, approval) == Some(asked.approver.as_str()) })
}

/// Those who have agreed and count; in the order of their names.
fn agreed(release: &Release, approval: &Approval, all: &BTreeMap<&ApproverName, &Answer>) -> Vec<(ApproverName, Timestamp)> {
    let starter = starter(release, approval);
    let counts = |(name, answer): &(&&ApproverName, &&Answer)| answer.verdict == Verdict::Approve && starter != Some(name.as_str());
    all.iter().filter(counts).map(|(name, answer)| ((*name).clone(), answer.at)).collect()
}

/// With four eyes, whoever started the release by hand is not one of them.
fn starter<'a>(release: &'a Release, approval: &Approval) -> Option<&'a str> {
    match &release.started_by {
        StartedBy::Hand { by } if approval.rule.needed > 1 => Some(by),
        _ => None,
    }
}

/// The verdict as a verb.
pub(super) fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approved",
        Verdict::Reject => "rejected",
    }
}
