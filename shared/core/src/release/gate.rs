//! What has to be passed before a region begins: the scan's gate and people's approval.
//!
//! Owns what counts as a finding and what an answer does. No stage is entered on a missing result, a question that was not
//! asked, or an answer to another release.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::desk::{AGAIN_LATER, AGAIN_SOON, Desk, later};
use super::intake::seconds;
use super::{
    Answer, Approval, EndKind, Finding, FindingCounts, Found, Gate, Hold, Image, LegState, Need, Release, ScanNow, StartedBy, Step, Verdict,
};
use crate::fleet::{AllowedFinding, ApproverName, FindingSeverity, ScanGate, StageName, WithoutResult};
use crate::notice::Severity;

impl Desk<'_> {
    /// Whether the image may go on; if not, why is held or the release has ended.
    pub(super) fn passes_gate(&mut self) -> bool {
        let Some(release) = self.book.active.as_ref() else { return false };
        let Some(image) = release.change.image().cloned() else { return true };
        let home = release.home().unwrap_or_default().to_owned();
        match release.gate.clone() {
            Gate::None | Gate::Passed { .. } => true,
            _ if home != self.policy.region => {
                self.hold(Hold::WaitingForRegion { regions: vec![home] }, AGAIN_LATER);
                false
            }
            Gate::Waiting { since } => match self.policy.path().and_then(|path| path.scan.as_ref()) {
                Some(gate) => self.judge_scan(&image, gate, since),
                // The gate was taken out of the fleet file meanwhile.
                None => self.open_gate("there is no scan gate any more".to_owned()),
            },
            Gate::Asking { why } => {
                let is_granted = self.is_approved(Gate::SCAN);
                is_granted && self.open_gate(format!("let in by people without a scan result ({why})"))
            }
        }
    }

    fn judge_scan(&mut self, image: &Image, gate: &ScanGate, since: Timestamp) -> bool {
        let need = Need::Scan { repository: image.repository.clone(), digest: image.digest.clone() };
        let found = self.find(need, |found| match found {
            Found::Scan(scan) => Some(scan),
            _ => None,
        });
        let late_at = later(since, seconds(gate.patience));
        match found.cloned() {
            None => false,
            Some(Ok(ScanNow::Complete { findings, .. })) => self.judge_findings(gate, &findings),
            Some(Ok(ScanNow::Pending { .. })) if self.now >= late_at => self.without_result(gate, "its scan is late"),
            Some(Ok(ScanNow::Pending { status })) => {
                self.hold_until(Hold::WaitingForScan { status }, late_at.min(later(self.now, AGAIN_SOON)));
                false
            }
            Some(Ok(ScanNow::Failed { why })) => self.without_result(gate, &why),
            Some(Err(error)) => {
                self.unreadable("the image's scan", &error);
                false
            }
        }
    }

    fn judge_findings(&mut self, gate: &ScanGate, findings: &[Finding]) -> bool {
        let is_allowed = |finding: &&Finding| gate.allow.iter().any(|known| known.covers(finding, self.now));
        let (allowed, counting): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(is_allowed);
        let counts = counts(&counting);
        let over: Vec<String> = gate
            .most
            .iter()
            .filter_map(|(severity, most)| {
                let count = counts.get(severity).copied().unwrap_or(0);
                (count > *most).then(|| format!("{count} {severity} (at most {most}): {}", names(&counting, *severity)))
            })
            .collect();
        if over.is_empty() {
            return self.open_gate(summary(&counts, allowed.len()));
        }
        self.end(EndKind::Refused, &format!("the scan found {}", over.join("; ")), None);
        false
    }

    fn open_gate(&mut self, summary: String) -> bool {
        let at = self.now;
        self.log(format!("scan gate passed: {summary}"));
        if let Some(release) = self.book.active.as_mut() {
            release.gate = Gate::Passed { at, summary };
        }
        self.has_changed();
        true
    }

    fn without_result(&mut self, gate: &ScanGate, why: &str) -> bool {
        let first = self.book.active.as_ref().and_then(|release| {
            let asked = release.legs.iter().find_map(|leg| release.approvals.get(&leg.stage));
            asked.map(|approval| approval.rule.clone())
        });
        match (gate.without_result, first) {
            (WithoutResult::Wait, _) => self.hold(Hold::WaitingForScan { status: why.to_owned() }, AGAIN_LATER),
            (WithoutResult::Ask, Some(rule)) => {
                let stage = StageName::try_from(Gate::SCAN.to_owned());
                if let (Some(release), Ok(stage)) = (self.book.active.as_mut(), stage) {
                    let expires_at = release.expires_at;
                    release.gate = Gate::Asking { why: why.to_owned() };
                    let asked = Approval { rule, asked_at: None, expires_at, answers: BTreeMap::new(), granted_at: None };
                    release.approvals.insert(stage, asked);
                }
                self.log(format!("there is no scan result ({why}); people are asked"));
                self.has_changed();
                self.is_approved(Gate::SCAN);
            }
            (WithoutResult::Refuse | WithoutResult::Ask, _) => {
                self.end(EndKind::Refused, &format!("there is no scan result: {why}"), None);
            }
        }
        false
    }

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
        let Some(release) = self.book.active.as_mut() else { return };
        let is_fixed = approval.expires_at < release.expires_at;
        let until = match is_fixed {
            true => approval.expires_at,
            false => later(self.now, seconds(approval.rule.expires)).min(release.expires_at),
        };
        if let Some(approval) = release.approvals.get_mut(stage) {
            approval.expires_at = until;
        }
        let digest = release.change.image().map(|image| image.digest.clone()).unwrap_or_default();
        let text = release.question(stage);
        let (id, rule) = (release.id.clone(), approval.rule.clone());
        self.take(Step::Ask { release: id, digest, stage: stage.to_owned(), rule, expires_at: until, text });
        // Should the messages not go out, they are tried again.
        self.look_at(later(self.now, AGAIN_SOON));
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

    /// What the mail and the page say: what is to be released, from what, what the scan found, what the stages before showed.
    pub fn question(&self, stage: &str) -> String {
        let mut lines = vec![format!("Release {} to {stage}?", self.name())];
        if let Some(image) = self.change.image() {
            lines.push(format!("Image: {}", image.pinned()));
            lines.push(format!("Pushed: {}", image.pushed_at.strftime("%Y-%m-%d %H:%M UTC")));
        }
        lines.push(format!("Started by: {}", self.started_by));
        lines.push(match &self.gate {
            Gate::None => "Scan: this path has no scan gate".to_owned(),
            Gate::Waiting { .. } => "Scan: no result yet".to_owned(),
            Gate::Asking { why } => format!("Scan: no result ({why}); you are asked to let the image in without one"),
            Gate::Passed { summary, .. } => format!("Scan: {summary}"),
        });
        for leg in self.legs.iter().filter(|leg| leg.state.is_past()) {
            lines.push(format!("{} {}: {}", leg.stage, leg.region, leg.state.in_words()));
        }
        let next: Vec<String> = self.legs.iter().filter(|leg| leg.stage.as_str() == stage).map(|leg| leg.region.clone()).collect();
        if !next.is_empty() {
            lines.push(format!("Then: {stage} in {}, one wave after the other", next.join(", ")));
        }
        lines.join("\n")
    }
}

impl LegState {
    /// The state with its figures.
    pub fn in_words(&self) -> String {
        let at = |at: &Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        match self {
            Self::Waiting => "waiting".to_owned(),
            Self::Preparing { since, .. } => format!("preparing since {}", at(since)),
            Self::Starting(moved) => format!("{} -> {}: about to roll", revision_name(&moved.from), revision_name(&moved.to)),
            Self::Rolling(moved) => {
                format!("{} -> {}: rolling since {}", revision_name(&moved.from), revision_name(&moved.to), at(&moved.since))
            }
            Self::Baking { moved, until } => format!("{} runs and is watched until {}", revision_name(&moved.to), at(until)),
            Self::Passed { moved, at: when } => {
                format!("{} -> {}: healthy, passed at {}", revision_name(&moved.from), revision_name(&moved.to), at(when))
            }
            Self::AlreadyThere { running, at: when } => format!("{} ran this image already at {}", revision_name(running), at(when)),
            Self::RollingBack { moved, why, .. } => format!("going back to {}: {why}", revision_name(&moved.to)),
            Self::RolledBack { moved, at: when, why } => format!("back on {} at {}: {why}", revision_name(&moved.to), at(when)),
            Self::Failed { at: when, why } => format!("failed at {}: {why}", at(when)),
            Self::Skipped { at: when, why } => format!("skipped at {}: {why}", at(when)),
        }
    }
}

/// `family:7` of a task definition's ARN; a launch template's version as it is.
pub fn revision_name(revision: &str) -> &str {
    revision.rsplit_once('/').map_or(revision, |(_, name)| name)
}

impl AllowedFinding {
    fn covers(&self, finding: &Finding, now: Timestamp) -> bool {
        self.cve.eq_ignore_ascii_case(&finding.name) && now < self.until
    }
}

fn counts(findings: &[&Finding]) -> FindingCounts {
    let mut counts = FindingCounts::new();
    for finding in findings {
        *counts.entry(finding.severity).or_insert(0) += 1;
    }
    counts
}

fn summary(counts: &FindingCounts, allowed: usize) -> String {
    let mut parts: Vec<String> = counts.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    if allowed > 0 {
        parts.push(format!("{allowed} allowed"));
    }
    format!("found {}", parts.join(", "))
}

fn names(findings: &[&Finding], severity: FindingSeverity) -> String {
    let names: Vec<&str> = findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.name.as_str()).collect();
    match names.get(..5) {
        Some(first) if names.len() > 5 => format!("{}, and {} more", first.join(", "), names.len() - 5),
        _ => names.join(", "),
    }
}
