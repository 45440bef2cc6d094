//! The scan's gate: what an image's scan may find before any stage is entered.
//!
//! Owns what counts as a finding, and what is done without a result. A scan that could not be read is no missing result.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::desk::{AGAIN_LATER, AGAIN_SOON, Desk, later};
use super::intake::seconds;
use super::{Approval, EndKind, Finding, FindingCounts, Found, Gate, Hold, Image, Need, ScanNow};
use crate::fleet::{AllowedFinding, FindingSeverity, ScanGate, StageName, WithoutResult};

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
            return self.open_gate(summary(&counts, gate, &allowed));
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
                    let asked = Approval { rule, asked_at: None, expires_at, running: None, answers: BTreeMap::new(), granted_at: None };
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

fn summary(counts: &FindingCounts, gate: &ScanGate, allowed: &[&Finding]) -> String {
    let mut parts: Vec<String> = counts.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    for known in gate.allow.iter().filter(|known| allowed.iter().any(|finding| known.cve.eq_ignore_ascii_case(&finding.name))) {
        parts.push(format!("{} allowed until {} ({})", known.cve, known.until.strftime("%Y-%m-%d"), known.why));
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
