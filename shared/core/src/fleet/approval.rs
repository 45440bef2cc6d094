//! Approval: who has to agree, how many of them, and how long they have.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes;
//! must never decide whether an answer counts.

use serde::{Deserialize, Serialize};

use super::amount::Seconds;
use super::names::ApproverName;

/// Who has to agree before a stage is entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// The people who may agree, each named once.
    pub by: Vec<Approver>,
    /// How many of them must; 2 for four eyes, and each of them needs a topic of their own then. One alone can refuse.
    #[serde(default = "one")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10)))]
    pub needed: u32,
    /// How long the question stands, at least 10 s; the release expires with it.
    #[serde(default = "usual_answer_time")]
    pub expires: Seconds,
}

fn one() -> u32 {
    1
}

/// A working day later somebody has looked, or the change is no longer what they would agree to.
fn usual_answer_time() -> Seconds {
    Seconds::new(86_400)
}

/// A person, or a role that one person holds at a time, who may agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// What the approver is called in the ledger.
    pub name: ApproverName,
    /// ARN of the SNS topic by which this approver alone gets link and code; without it the fleet's topic for people.
    #[serde(default)]
    pub topic: Option<String>,
}

/// A CodePipeline pipeline whose manual approvals people answer on Nightshift's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Who has to agree. CodePipeline ends a question itself, after seven days unless the pipeline sets another time (up to 60
    /// days).
    pub approval: ApprovalRule,
}
