//! People's approval of a stage: asked once, answered by each approver once, granted, refused or expired.
//!
//! Owns what an answer does. No stage is entered on a question that was not asked, an answer that came too late, or an answer
//! to another release.

use std::collections::BTreeMap;

use super::desk::{AGAIN_LATER, AGAIN_SOON, Desk, later};
use super::intake::seconds;
use super::{Answer, Approval, EndKind, Found, Hold, Need, Release, StartedBy, Step, Verdict};
use crate::fleet::ApproverName;
use crate::notice::Severity;

impl Desk<'_> {
    /// Whether people have agreed to a stage, asking them where that is this region's part.
    pub(super) fn is_approved(&mut self, stage: &str) -> bool {
        let Some(release) = self.book.active.as_ref() else { return false };
        let Some(approval) = release.approvals.get(stage).cloned() else { return true };
        if approval.granted_at.is_some() {
            return true;
        }
        let owner = release.owner_of(stage).unwrap_or_default().to_owned();
        if owner != self.policy.region {
            self.hold(Hold::WaitingForRegion { regions: vec![owner] }, AGAIN_LATER);
            return false;
        }
        match approval.asked_at {
            None => self.ask(stage, &approval),
            Some(_) => return self.hear(stage, approval),
        }
        false
    }

    fn ask(&mut self, stage: &str, approval: &Approval) {
        let Some(running) = self.running_in(stage) else { return };
        let Some(release) = self.book.active.as_mut() else { return };
        let is_fixed = approval.expires_at < release.expires_at;
        let until = match is_fixed {
            true => approval.expires_at,
            false => later(self.now, seconds(approval.rule.expires)).min(release.expires_at),
        };
        if let Some(approval) = release.approvals.get_mut(stage) {
            approval.expires_at = until;
            approval.running = running;
        }
        let digest = release.change.image().map(|image| image.digest.clone()).unwrap_or_default();
        let (id, rule) = (release.id.clone(), approval.rule.clone());
        self.take(Step::Ask { release: id, digest, stage: stage.to_owned(), rule, expires_at: until });
        // Should the messages not go out, they are tried again.
        self.look_at(later(self.now, AGAIN_SOON));
    }

    /// What runs where the stage begins, for the question to say from what it goes. What cannot be read keeps nobody from asking.
    fn running_in(&mut self, stage: &str) -> Option<Option<String>> {
        let release = self.book.active.as_ref()?;
        let first = release.legs.iter().find(|leg| leg.stage.as_str() == stage && leg.region == self.policy.region);
        let Some(target) = first.map(|leg| leg.target.clone()) else { return Some(None) };
        let found = self.find(Need::Target(target), |found| match found {
            Found::Target(target) => Some(target),
            _ => None,
        })?;
        Some(found.as_ref().ok().map(|target| target.revision.clone()))
    }

    fn hear(&mut self, stage: &str, mut approval: Approval) -> bool {
        let Some(release) = self.book.active.as_ref() else { return false };
        let approvers: Vec<ApproverName> = approval.rule.by.iter().map(|approver| approver.name.clone()).collect();
        let need = Need::Answers { release: release.id.clone(), stage: stage.to_owned(), approvers };
        let found = self.find(need, |found| match found {
            Found::Answers(answers) => Some(answers),
            _ => None,
        });
        match found.cloned() {
            None => return false,
            Some(Err(error)) => self.unreadable("the answers", &error),
            Some(Ok(answers)) => self.take_answers(stage, &mut approval, answers),
        }
        if self.book.active.as_ref().is_none_or(|release| release.end.is_some()) {
            return false;
        }
        if approval.granted_at.is_some() {
            return true;
        }
        if self.now >= approval.expires_at {
            self.end(EndKind::Expired, &format!("nobody who had to agree to {stage} did so in time"), None);
            return false;
        }
        let until = approval.expires_at;
        self.hold_until(Hold::WaitingForApproval { stage: stage.to_owned(), until }, until.min(later(self.now, AGAIN_LATER)));
        false
    }

    /// Answers given after the question had expired do not count.
    fn take_answers(&mut self, stage: &str, approval: &mut Approval, answers: BTreeMap<ApproverName, Answer>) {
        let is_news = |name: &ApproverName| !approval.answers.contains_key(name);
        let in_time = |answer: &Answer| answer.at < approval.expires_at;
        let news: BTreeMap<_, _> = answers.into_iter().filter(|(name, answer)| is_news(name) && in_time(answer)).collect();
        if news.is_empty() {
            return;
        }
        for (name, answer) in &news {
            let word = if answer.verdict == Verdict::Approve { "approved" } else { "rejected" };
            self.log(format!("{stage} {word} by {name} ({})", answer.via));
        }
        approval.answers.extend(news);
        let rejected_by = approval.answers.iter().find(|(_, answer)| answer.verdict == Verdict::Reject).map(|(name, _)| name.to_string());
        let agreed = self.book.active.as_ref().map_or(0, |release| release.agreed(approval));
        if rejected_by.is_none() && agreed >= approval.rule.needed as usize {
            approval.granted_at = Some(self.now);
        }
        if let Some(place) = self.book.active.as_mut().and_then(|release| release.approvals.get_mut(stage)) {
            place.clone_from(approval);
        }
        self.has_changed();
        if let Some(name) = rejected_by {
            self.end(EndKind::Refused, &format!("{name} did not agree to {stage}"), Some(name));
        } else if approval.granted_at.is_some() {
            let by = approval.answers.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let headline = format!("{} approved for {stage} by {by}", self.release_name());
            self.note("approved", Severity::Info, headline, format!("{by} agreed to {stage}."));
        }
    }

    pub(super) fn was_asked(&mut self, id: &super::ReleaseId, stage: &str) {
        let now = self.now;
        let Some(release) = self.book.active.as_mut().filter(|release| release.id == *id) else { return };
        let Some(approval) = release.approvals.get_mut(stage) else { return };
        approval.asked_at = Some(now);
        let people = approval.rule.by.iter().map(|approver| approver.name.to_string()).collect::<Vec<_>>().join(", ");
        self.log(format!("{people} asked to agree to {stage}"));
        self.has_changed();
    }
}

impl Release {
    /// How many have agreed; with four eyes whoever started the release by hand is not one of them.
    pub fn agreed(&self, approval: &Approval) -> usize {
        let starter = match &self.started_by {
            StartedBy::Hand { by } if approval.rule.needed > 1 => Some(by.as_str()),
            _ => None,
        };
        let agrees = |(name, answer): &(&ApproverName, &Answer)| answer.verdict == Verdict::Approve && Some(name.as_str()) != starter;
        approval.answers.iter().filter(agrees).count()
    }
}
