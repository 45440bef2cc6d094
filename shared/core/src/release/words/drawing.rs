//! A release's path as a drawn list: gate, stages with their approvals, regions with what became of them, and the log.
//!
//! A mark stands before each part: `+` passed, `>` now, `.` to come, `x` failed or refused, `<` back or going back, `-` left out.

use std::fmt;

use super::{Progress, Shown, from_to, minute, second};
use crate::fleet::StageName;
use crate::release::legs::revision_name;
use crate::release::{Approval, Change, End, EndKind, Gate, Leg, LegState, Move, Release, Scope, StartedBy, Verdict};

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = Progress::of(self.release);
        let phrase = match self.waits_for_its_turn() {
            true => "waiting for its turn".to_owned(),
            false => progress.phrase(self.release),
        };
        writeln!(out, "{} {}: {phrase}\n", self.key, self.release.name())?;
        for (label, text) in self.facts() {
            writeln!(out, "  {label:<9} {text}")?;
        }
        writeln!(out)?;
        for line in self.path() {
            writeln!(out, "{}", format!("  {line}").trim_end())?;
        }
        for (title, lines) in [("next", self.next()), ("log", self.log())] {
            if !lines.is_empty() {
                writeln!(out, "\n{title}")?;
            }
            for line in lines {
                writeln!(out, "  {line}")?;
            }
        }
        Ok(())
    }
}

impl Shown<'_> {
    /// What the release is, apart from where it stands.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let release = self.release;
        let mut facts = vec![("release", release.id.to_string())];
        match &release.change {
            Change::Image(image) => {
                facts.push(("image", image.pinned()));
                if !image.tags.is_empty() {
                    facts.push(("tags", image.tags.join(", ")));
                }
                facts.push(("pushed", minute(image.pushed_at)));
            }
            Change::Restart { secrets, .. } => facts.push(("secrets", secrets.iter().cloned().collect::<Vec<_>>().join(", "))),
        }
        let by = match &release.started_by {
            StartedBy::Hand { by } => format!("{by}, by hand"),
            other => other.to_string(),
        };
        facts.push(("started", format!("{} by {by}", minute(release.detected_at))));
        if release.accepts_drift && release.change.image().is_some() {
            facts.push(("drift", "what was changed by hand is taken over".to_owned()));
        }
        if release.end.is_none() && release.unwind.is_none() {
            facts.push(("expires", format!("{} if it still waits then", minute(release.expires_at))));
        }
        facts
    }

    /// The path, a line each.
    pub fn path(&self) -> Vec<String> {
        let release = self.release;
        let mut lines = Vec::new();
        if let Some(gate) = gate_line(release) {
            lines.push(gate);
            lines.extend(approval_lines(release, Gate::SCAN).into_iter().map(|line| format!("|  {line}")));
            lines.push("|".to_owned());
        }
        let mut stages: Vec<&StageName> = Vec::new();
        for leg in &release.legs {
            if !stages.contains(&&leg.stage) {
                stages.push(&leg.stage);
            }
        }
        for stage in stages {
            let legs: Vec<&Leg> = release.legs.iter().filter(|leg| leg.stage == *stage).collect();
            lines.push(format!("{} {stage}", stage_mark(release, stage, &legs)));
            lines.extend(approval_lines(release, stage.as_str()).into_iter().map(|line| format!("|  {line}")));
            lines.extend(wave_lines(release, &legs).into_iter().map(|line| format!("|  {line}")));
            lines.push("|".to_owned());
        }
        lines.extend(end_lines(release));
        lines
    }

    /// What happened, a line each: time, region, text.
    pub fn log(&self) -> Vec<String> {
        let width = self.release.log.iter().map(|line| line.region.len()).max().unwrap_or(0);
        let line = |line: &crate::release::LogLine| format!("{}  {:<width$}  {}", second(line.at), line.region, line.text);
        self.release.log.iter().map(line).collect()
    }
}

fn gate_line(release: &Release) -> Option<String> {
    let is_over = release.end.is_some() || release.unwind.is_some();
    match &release.gate {
        Gate::None => None,
        Gate::Waiting { .. } if is_over => Some("x scan gate: not passed".to_owned()),
        Gate::Asking { why } if is_over => Some(format!("x scan gate: not passed, no result ({why})")),
        Gate::Waiting { since } => Some(format!("> scan gate: no result since {}", minute(*since))),
        Gate::Asking { why } => Some(format!("> scan gate: no result ({why}), so people are asked")),
        Gate::Passed { at, summary } => Some(format!("+ scan gate: passed at {}, {summary}", minute(*at))),
    }
}

fn stage_mark(release: &Release, stage: &StageName, legs: &[&Leg]) -> char {
    let has = |wanted: fn(&LegState) -> bool| legs.iter().any(|leg| wanted(&leg.state));
    let progress = Progress::of(release);
    let goes_back = legs.iter().any(|leg| is_to_go_back(release, leg));
    let is_here = match &progress {
        Progress::Moving(moving) | Progress::Beginning(moving) => moving.iter().any(|leg| leg.stage == *stage),
        Progress::WaitingForApproval { stage: asked, .. } => *asked == stage.as_str(),
        _ => false,
    };
    match () {
        () if has(|state| matches!(state, LegState::Failed { .. })) => 'x',
        () if goes_back || has(|state| matches!(state, LegState::RollingBack { .. } | LegState::RolledBack { .. })) => '<',
        () if legs.iter().all(|leg| leg.state.is_past()) => '+',
        () if release.approvals.get(stage.as_str()).is_some_and(is_rejected) => 'x',
        () if is_here => '>',
        () if release.end.is_some() => '-',
        () => '.',
    }
}

fn is_to_go_back(release: &Release, leg: &Leg) -> bool {
    matches!(Progress::of(release), Progress::GoingBack { legs, .. } if legs.contains(&leg))
}

fn leg_mark(release: &Release, leg: &Leg) -> char {
    match &leg.state {
        _ if is_to_go_back(release, leg) => '<',
        LegState::Passed { .. } | LegState::AlreadyThere { .. } => '+',
        LegState::RollingBack { .. } | LegState::RolledBack { .. } => '<',
        LegState::Failed { .. } => 'x',
        LegState::Skipped { .. } => '-',
        LegState::Waiting if release.end.is_some() || release.unwind.is_some() => '-',
        LegState::Waiting => match Progress::of(release) {
            Progress::Beginning(legs) if legs.contains(&leg) => '>',
            _ => '.',
        },
        _ => '>',
    }
}

fn is_rejected(approval: &Approval) -> bool {
    approval.answers.values().any(|answer| answer.verdict == Verdict::Reject)
}

fn approval_lines(release: &Release, stage: &str) -> Vec<String> {
    let Some(approval) = release.approvals.get(stage) else { return Vec::new() };
    let rule = &approval.rule;
    let agreed = format!("{} of {} needed agreed", release.agreed(approval), rule.needed);
    let state = match (approval.granted_at, approval.asked_at) {
        (Some(at), _) => format!("granted at {}", minute(at)),
        (None, Some(at)) if is_rejected(approval) => format!("asked at {}, rejected", minute(at)),
        (None, Some(at)) => format!("asked at {}, stands until {}, {agreed}", minute(at), minute(approval.expires_at)),
        (None, None) if release.end.is_some() => "never asked for".to_owned(),
        (None, None) => format!("not asked for yet, {} of {} have to agree", rule.needed, rule.by.len()),
    };
    let mut lines = vec![format!("approval: {state}")];
    let starter = starter(release, approval);
    for approver in &rule.by {
        let own = if starter == Some(approver.name.as_str()) { ", who started it, so that a yes does not count" } else { "" };
        let answer = match approval.answers.get(&approver.name) {
            Some(answer) if answer.verdict == Verdict::Approve => format!("agreed at {} ({})", minute(answer.at), answer.via),
            Some(answer) => format!("rejected it at {} ({})", minute(answer.at), answer.via),
            None if approval.asked_at.is_none() => continue,
            None => "no answer".to_owned(),
        };
        lines.push(format!("  {}{own}: {answer}", approver.name));
    }
    lines
}

/// With four eyes, whoever started the release by hand is not one of them.
pub(super) fn starter<'r>(release: &'r Release, approval: &Approval) -> Option<&'r str> {
    match &release.started_by {
        StartedBy::Hand { by } if approval.rule.needed > 1 => Some(by),
        _ => None,
    }
}

fn wave_lines(release: &Release, legs: &[&Leg]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut wave = legs.first().map(|leg| leg.wave);
    for leg in legs {
        if wave != Some(leg.wave) {
            wave = Some(leg.wave);
            lines.push("then".to_owned());
        }
        lines.push(format!("{} {}: {}", leg_mark(release, leg), leg.region, leg.target));
        lines.push(format!("  {}", detail(release, leg)));
    }
    lines
}

fn detail(release: &Release, leg: &Leg) -> String {
    let change = |moved: &Move| from_to(&moved.from, &moved.to);
    let handle = |moved: &Move| moved.handle.as_ref().map(|handle| format!(" ({handle})")).unwrap_or_default();
    match &leg.state {
        LegState::Waiting if release.end.is_some() || release.unwind.is_some() => "not reached".to_owned(),
        LegState::Waiting => format!("waiting; then {}", watched(leg)),
        LegState::Preparing { from, since } => {
            format!("{} runs; the new revision is being made since {}", revision_name(from), minute(*since))
        }
        LegState::Starting(moved) => format!("{}, about to roll", change(moved)),
        LegState::Rolling(moved) => format!("{}, rolling since {}{}", change(moved), minute(moved.since), handle(moved)),
        LegState::Baking { moved, until } => {
            format!("{}, begun at {}, {} until {}", change(moved), minute(moved.since), watched(leg), minute(*until))
        }
        LegState::Passed { moved, .. } if is_to_go_back(release, leg) => format!("{}, about to go back", change(moved)),
        LegState::Passed { moved, at } => format!("{}, begun at {}, passed at {}", change(moved), minute(moved.since), minute(*at)),
        LegState::AlreadyThere { running, at } => format!("{} ran this image already at {}", revision_name(running), minute(*at)),
        LegState::RollingBack { moved, why, .. } => {
            format!("{}, going back since {}{}: {why}", change(moved), minute(moved.since), handle(moved))
        }
        LegState::RolledBack { moved, at, why } => format!("{}, back at {}: {why}", change(moved), minute(*at)),
        LegState::Failed { at, why } => format!("failed at {}: {why}", minute(*at)),
        LegState::Skipped { at, why } => format!("left out at {}: {why}", minute(*at)),
    }
}

/// `watched for 5m with web-5xx quiet`.
pub(super) fn watched(leg: &Leg) -> String {
    match (leg.bake.get(), leg.alarms.is_empty()) {
        (0, _) => "not watched".to_owned(),
        (_, true) => format!("watched for {}", leg.bake),
        (_, false) => format!("watched for {} with {} quiet", leg.bake, leg.alarms.join(", ")),
    }
}

fn end_lines(release: &Release) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(unwind) = &release.unwind {
        let by = unwind.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let scope = match &unwind.scope {
            Scope::Leg { stage, region } => format!("{stage} in {region} goes back"),
            Scope::Stage { stage } => format!("all of {stage} goes back"),
            Scope::Everything => "everything goes back".to_owned(),
            Scope::Unfinished => "what is under way goes back".to_owned(),
        };
        lines.push(format!("< {scope}, decided at {}{by}: {}", minute(unwind.at), unwind.why));
    }
    lines.push(match &release.end {
        None => ". end".to_owned(),
        Some(End { kind, why, by, at }) => {
            let mark = match kind {
                EndKind::Done => '+',
                EndKind::RolledBack | EndKind::Aborted => '<',
                EndKind::Superseded => '-',
                EndKind::Refused | EndKind::Expired | EndKind::Failed => 'x',
            };
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{mark} {} at {}{by}: {why}", kind.word(), minute(*at))
        }
    });
    lines
}
