//! A question of CodePipeline: what it asks, who has answered, and what CodePipeline is told.
//!
//! Pure. The token with which CodePipeline takes the answer is kept here and in the ledger's item, and shown to nobody.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::question::day_and_time;
use super::standing::said;
use crate::fleet::{ApprovalRule, ApproverName, SystemName};
use crate::release::{Answer, Verdict};
use crate::signal::PipelineSignal;

/// After so many wrong codes an approver's link is locked.
pub const WRONG_CODES: u32 = 5;
/// CodePipeline fails a manual approval that nobody has answered after seven days (its user guide, "Manage approval actions").
const CODEPIPELINE_WAITS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One question of one pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PipelineQuestion {
    /// Counts writes; 0 is "never written".
    pub version: u64,
    /// The system whose fleet file names the pipeline.
    pub system: SystemName,
    /// The pipeline.
    pub pipeline: String,
    /// The stage that the action stands in.
    pub stage: String,
    /// The action.
    pub action: String,
    /// What CodePipeline wants to see with the answer.
    pub token: PipelineToken,
    /// The pipeline's region, if it was told.
    #[serde(default)]
    pub region: Option<String>,
    /// What its author wrote.
    #[serde(default)]
    pub custom_data: Option<String>,
    /// What is to be looked at.
    #[serde(default)]
    pub external_link: Option<String>,
    /// Who has to agree.
    pub rule: ApprovalRule,
    /// When it came.
    pub came_at: Timestamp,
    /// When the mails had gone out.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// Until when it stands.
    pub expires_at: Timestamp,
    /// The answers.
    #[serde(default)]
    pub answers: BTreeMap<ApproverName, Answer>,
    /// Wrong codes by approver.
    #[serde(default)]
    pub wrong_codes: BTreeMap<ApproverName, u32>,
    /// When CodePipeline took the answer, or said that it wants none any more.
    #[serde(default)]
    pub told: Option<Told>,
}

/// What became of telling CodePipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// Whether it took the answer; else it was over there already.
    pub is_taken: bool,
}

/// CodePipeline's token; its `Debug` is a mask.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PipelineToken(String);

impl PipelineToken {
    /// The token as CodePipeline sent it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The token, for the request that hands it back.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PipelineToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PipelineToken(***)")
    }
}

/// What CodePipeline is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineAnswer {
    /// Yes or no.
    pub verdict: Verdict,
    /// Who said so; CodePipeline shows it. At most 512 characters (its API reference, ApprovalResult).
    pub summary: String,
}

/// Why a pipeline's question is not open to an approver.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PipelineClosed {
    /// Others are asked.
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
    /// It was decided.
    #[error("it was decided already: {summary}")]
    Decided {
        /// By whom.
        summary: String,
    },
    /// CodePipeline says that it waits for nothing.
    #[error("CodePipeline waits for no answer any more: it has one, or the pipeline has gone on without it")]
    Over,
    /// Too many wrong codes.
    #[error("too many wrong codes were typed with this link")]
    Locked,
    /// Time is over.
    #[error("the question stood until {}", day_and_time(*at))]
    Expired {
        /// When it ended.
        at: Timestamp,
    },
}

impl PipelineClosed {
    /// The reason as a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAmongAsked { .. } => "not_among_asked",
            Self::Answered { .. } => "already_answered",
            Self::Decided { .. } => "already_decided",
            Self::Over => "over_in_codepipeline",
            Self::Locked => "locked",
            Self::Expired { .. } => "expired",
        }
    }
}

impl PipelineClosed {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotAmongAsked { .. } => "The fleet file names who is asked, under pipelines.",
            Self::Answered { .. } | Self::Decided { .. } => "Nothing is to be done: an answer stays as it was given.",
            Self::Over => "What happened is shown in CodePipeline's console.",
            Self::Locked => "Another approver can still answer; or answer in CodePipeline's console.",
            Self::Expired { .. } => "Answer in CodePipeline's console while it still waits, or start the pipeline again.",
        }
    }
}

impl PipelineQuestion {
    /// The question that a signal brings.
    pub fn new(signal: &PipelineSignal, system: &SystemName, rule: &ApprovalRule, now: Timestamp) -> Self {
        let wait = SignedDuration::from_secs(i64::from(rule.expires.get())).min(CODEPIPELINE_WAITS);
        let ours = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        Self {
            version: 0,
            system: system.clone(),
            pipeline: signal.pipeline.clone(),
            stage: signal.stage.clone(),
            action: signal.action.clone(),
            token: PipelineToken::new(signal.token.clone()),
            region: signal.region.clone(),
            custom_data: signal.custom_data.clone(),
            external_link: signal.external_link.clone(),
            rule: rule.clone(),
            came_at: now,
            asked_at: None,
            expires_at: signal.expires.map_or(ours, |theirs| theirs.min(ours)),
            answers: BTreeMap::new(),
            wrong_codes: BTreeMap::new(),
            told: None,
        }
    }

    /// Which of the pipeline's questions this is: a digest of its token, from which the token cannot be had.
    pub fn id(&self) -> String {
        question_id(&self.token)
    }

    /// Whether it stands open for this approver.
    pub fn standing(&self, approver: &ApproverName, now: Timestamp) -> Result<(), PipelineClosed> {
        if !self.rule.by.iter().any(|asked| asked.name == *approver) {
            return Err(PipelineClosed::NotAmongAsked { approver: approver.clone() });
        }
        if self.told.as_ref().is_some_and(|told| !told.is_taken) {
            return Err(PipelineClosed::Over);
        }
        if let Some(answer) = self.answers.get(approver) {
            return Err(PipelineClosed::Answered { approver: approver.clone(), answer: answer.clone() });
        }
        if let Some(answer) = self.outcome() {
            return Err(PipelineClosed::Decided { summary: answer.summary });
        }
        if now >= self.expires_at {
            return Err(PipelineClosed::Expired { at: self.expires_at });
        }
        if self.wrong_codes.get(approver).is_some_and(|count| *count >= WRONG_CODES) {
            return Err(PipelineClosed::Locked);
        }
        Ok(())
    }

    /// What CodePipeline is to be told: yes once enough agree, no as soon as one says so.
    pub fn outcome(&self) -> Option<PipelineAnswer> {
        let of = |verdict: Verdict| self.answers.iter().filter(move |(_, answer)| answer.verdict == verdict);
        let names = |verdict: Verdict| of(verdict).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let summary = |word: &str, verdict| format!("{word} on Nightshift's page by {}", names(verdict)).chars().take(512).collect();
        if of(Verdict::Reject).next().is_some() {
            return Some(PipelineAnswer { verdict: Verdict::Reject, summary: summary("Rejected", Verdict::Reject) });
        }
        let is_enough = of(Verdict::Approve).count() >= self.rule.needed as usize;
        is_enough.then(|| PipelineAnswer { verdict: Verdict::Approve, summary: summary("Approved", Verdict::Approve) })
    }

    /// Whether CodePipeline is still to be told.
    pub fn is_to_be_told(&self) -> bool {
        self.told.is_none() && self.outcome().is_some()
    }

    /// With an answer.
    #[must_use]
    pub fn answered(mut self, approver: &ApproverName, answer: Answer) -> Self {
        self.answers.entry(approver.clone()).or_insert(answer);
        self
    }

    /// With one more wrong code.
    #[must_use]
    pub fn wrongly_typed(mut self, approver: &ApproverName) -> Self {
        let count = self.wrong_codes.entry(approver.clone()).or_insert(0);
        *count = count.saturating_add(1);
        self
    }
}

/// The first half of SHA-256, in hexadecimal digits.
fn question_id(token: &PipelineToken) -> String {
    let digest = Sha256::new().chain_update(b"nightshift pipeline question 1\0").chain_update(token.expose()).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
