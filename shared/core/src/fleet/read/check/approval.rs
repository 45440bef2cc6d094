//! Who has to agree: that enough people can, and that nobody can answer for two.
//!
//! The same for the stages of a path and for pipelines. Four eyes stand on topics: who reads another's topic has that
//! person's link and code.

use super::names::{check_topic, is_made_of};
use super::part::Lengths;
use super::{Field, Item, Part, Scene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Missing, Value};
use crate::fleet::read::is_stand_in_name;
use crate::fleet::{ApprovalRule, Fleet, Notices, Seconds};

/// The most people who may have to agree; each of them can hold a release up.
const MOST_NEEDED: u32 = 10;
/// CodePipeline's quotas, "Maximum length of time for an approval action": 7 days, up to 60 days where the action says so.
const PIPELINE_MOST: Seconds = Seconds::new(60 * 86_400);
/// What is shorter expires before a mail is opened, a code typed, or an image scanned.
pub(super) const SHORTEST_WAIT: Seconds = Seconds::new(10);

pub(super) fn check_pipelines(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    for (name, pipeline) in &fleet.pipelines {
        let mut part = Part::new(scene, vec![Field("pipelines"), Field(name)]);
        // CodePipeline CreatePipeline: the pattern of a pipeline's name.
        if !is_made_of(name, ".@-_") || name.len() > 100 {
            let help = match name.rsplit(':').next().filter(|end| name.starts_with("arn:") && is_made_of(end, ".@-_")) {
                Some(end) => format!("write the pipeline's name alone: {end}"),
                None => "write its name as CodePipeline shows it: 1 to 100 letters, digits and . @ - _".to_owned(),
            };
            part.complain(&[], Value, format!("\"{name}\" is no name of a pipeline"), help);
        }
        let mut approval = part.part(&[Field("approval")]);
        check_approval(&pipeline.approval, &fleet.notices, &mut approval);
        let lengths = Lengths { least: SHORTEST_WAIT, most: PIPELINE_MOST };
        approval.refuse_length("expires", pipeline.approval.expires, &lengths, "CodePipeline waits 60 days at most");
    }
}

/// The part is the approval.
pub(super) fn check_approval(rule: &ApprovalRule, notices: &Notices, part: &mut Part<'_, '_, '_>) {
    part.part(&[Field("by")]).refuse_twice("name", rule.by.iter().map(|approver| approver.name.as_str()), "name each approver once");
    for (index, approver) in rule.by.iter().enumerate() {
        if let Some((problem, help)) = approver.topic.as_deref().and_then(|topic| check_topic(topic).err()) {
            part.complain(&[Field("by"), Item(index), Field("topic")], Value, problem, help);
        }
    }
    let named = u32::try_from(rule.by.len()).unwrap_or(u32::MAX);
    let knows_all = !part.lost(&[Field("by")], "");
    if rule.needed == 0 || rule.needed > MOST_NEEDED {
        let help = format!("write 1 to {MOST_NEEDED}; to let releases in without asking, remove `approval`");
        part.complain(&[Field("needed")], Value, format!("{} approvals are not possible", rule.needed), help);
    } else if named == 0 && knows_all {
        part.complain(&[Field("by")], Missing, "there is nobody who may agree", "name who: by: [{ name: ana }]");
    } else if rule.needed > named && knows_all {
        let who = if named == 1 { "1 approver is" } else { &format!("{named} approvers are") };
        let problem = format!("{} must agree, but {who} named", rule.needed);
        part.complain(&[Field("needed")], Conflict, problem, format!("name more approvers under `by`, or write {named} at most"));
    }
    if rule.needed >= 2 {
        check_own_topics(rule, notices, part);
    }
}

fn check_own_topics(rule: &ApprovalRule, notices: &Notices, part: &mut Part<'_, '_, '_>) {
    let needed = rule.needed;
    for (index, approver) in rule.by.iter().enumerate() {
        let way = [Field("by"), Item(index), Field("topic")];
        let name = approver.name.as_str();
        let who = if is_stand_in_name(name) { "this approver".to_owned() } else { format!("`{name}`") };
        let Some(topic) = &approver.topic else {
            if !part.lost(&[Field("by"), Item(index)], "topic") {
                let problem = format!("{who} has no topic of their own: with needed: {needed}, one person could answer for two");
                let help = "add topic: <ARN of an SNS topic that this approver alone reads>";
                part.complain(&[Field("by"), Item(index)], Missing, problem, help);
            }
            continue;
        };
        let shared_with = rule.by.iter().take(index).find(|other| other.topic.as_ref() == Some(topic));
        if let Some(other) = shared_with {
            let problem = format!("{who} reads the topic of `{}`: with needed: {needed}, one person could answer for two", other.name);
            part.complain(&way, Duplicate, problem, "give each approver a topic that they alone read");
        } else if [&notices.topic, &notices.chat_topic].contains(&&Some(topic.clone())) {
            let problem = format!("everybody reads this topic of `notices`: with needed: {needed}, one person could answer for two");
            part.complain(&way, Conflict, problem, "give each approver a topic that they alone read");
        }
    }
}
