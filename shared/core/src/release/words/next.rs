//! What comes next for a release, and who or what is awaited until when.
//!
//! Says what the book shows and what people were told last. What only a look at the estate could tell is not guessed.

use super::drawing::{starter, watched};
use super::{Progress, Shown, is_decided, minute};
use crate::fleet::ApproverName;
use crate::release::legs::revision_name;
use crate::release::{Approval, Gate, Leg, LegState, Release};

impl Shown<'_> {
    /// What comes next, a line each; nothing once it has ended.
    pub fn next(&self) -> Vec<String> {
        let release = self.release;
        if release.end.is_some() {
            return Vec::new();
        }
        let mut lines: Vec<String> = self.holding().into_iter().collect();
        if let Some(active) = self.view.book.active.as_ref().filter(|_| self.waits_for_its_turn()) {
            let is_next = self.view.book.next.as_ref().is_some_and(|next| next.id == release.id);
            // What is put aside is asked about all the while.
            let why = if is_next { "" } else { ", which starts the readers of rotated secrets anew; then it goes on" };
            lines.push(format!("waits for the end of release {}{why}", active.id));
            if is_next {
                return lines;
            }
        }
        let progress = Progress::of(release);
        lines.extend(now(&progress, release));
        if !matches!(progress, Progress::GoingBack { .. }) {
            lines.extend(afterwards(&progress, release));
        }
        if let Some(at) = self.view.book.recheck_at.filter(|at| *at > self.now) {
            lines.push(format!("looked at again at {} at the latest", minute(at)));
        }
        lines
    }

    /// Whether another release is in hand.
    pub(super) fn waits_for_its_turn(&self) -> bool {
        self.view.book.is_waiting_for_its_turn(&self.release.id)
    }

    /// What keeps everything still: a pause, a freeze before a region begins, or what people were told last.
    fn holding(&self) -> Option<String> {
        if let Some(pause) = self.view.pause.as_ref().filter(|pause| pause.until > self.now) {
            let until = minute(pause.until);
            return Some(format!("paused by {} until {until} ({}): nothing is changed until then", pause.by, pause.why));
        }
        let is_beginning = matches!(Progress::of(self.release), Progress::Beginning(_));
        if let Some(frozen) = self.frozen.filter(|frozen| is_beginning && frozen.until > self.now) {
            return Some(format!("frozen until {} ({}): no region is begun until then", minute(frozen.until), frozen.why));
        }
        let is_in_hand = self.view.book.active.as_ref().is_some_and(|active| active.id == self.release.id);
        told(self.view.book.told.as_deref().filter(|_| is_in_hand)?)
    }
}

/// What people were told about why nothing is done, from the book's token.
fn told(token: &str) -> Option<String> {
    if let Some(step) = token.strip_prefix("would_have:") {
        let step = step_in_words(step.split(':').next().unwrap_or_default());
        return Some(format!("the function is in mode observe: it would {step}, and does not"));
    }
    if let Some(failed) = token.strip_prefix("once:").unwrap_or(token).strip_prefix("failed:") {
        let (step, error) = failed.split_once(':')?;
        let (operation, kind) = error.rsplit_once(':')?;
        let step = step_in_words(step);
        return Some(format!("held: it could not {step} ({operation}: {kind}), which is tried again by itself; the history says more"));
    }
    let words = match token {
        "alarm_before" => "held: one of the path's alarms is in ALARM before anything has begun",
        "other_rollout" => "held: somebody else's deployment is under way",
        "unreadable" => "held: something that is needed cannot be read; the history says what",
        _ => return None,
    };
    Some(words.to_owned())
}

fn step_in_words(code: &str) -> String {
    match code {
        "make_revision" => "make the new revision".to_owned(),
        "roll_out" => "roll out".to_owned(),
        "ask" => "ask people".to_owned(),
        "tell_regions" => "tell other regions".to_owned(),
        other => other.replace('_', " "),
    }
}

fn now(progress: &Progress<'_>, release: &Release) -> Vec<String> {
    match progress {
        Progress::Ended(_) => Vec::new(),
        Progress::GoingBack { legs, .. } if legs.is_empty() => vec!["everything is back; the end is about to be noted".to_owned()],
        Progress::GoingBack { legs, .. } | Progress::Moving(legs) => legs.iter().map(|leg| moving(leg)).collect(),
        Progress::WaitingForScan { since } => {
            vec![format!("the image's scan is awaited since {}; the path says what becomes of a late one", minute(*since))]
        }
        Progress::WaitingForApproval { stage, approval } => vec![question(release, stage, approval)],
        Progress::Beginning(legs) => {
            let turn = |leg: &&Leg| format!("{} in {} begins once its image and everything that it needs are there", leg.stage, leg.region);
            legs.iter().map(turn).collect()
        }
        Progress::Through => vec!["every region has passed; the end is about to be noted".to_owned()],
    }
}

fn moving(leg: &Leg) -> String {
    let place = format!("{} in {}", leg.stage, leg.region);
    match &leg.state {
        LegState::Baking { until, .. } => format!("{place} is watched until {}", minute(*until)),
        LegState::RollingBack { moved, .. } => format!("{place} goes back to {}", revision_name(&moved.to)),
        LegState::Passed { .. } => format!("{place} is about to go back"),
        other => format!("{place} is {}", other.word()),
    }
}

fn question(release: &Release, stage: &str, approval: &Approval) -> String {
    let starter = starter(release, approval);
    let counts = |name: &&ApproverName| !approval.answers.contains_key(*name) && starter != Some(name.as_str());
    let silent: Vec<&str> = approval.rule.by.iter().map(|approver| &approver.name).filter(counts).map(ApproverName::as_str).collect();
    let missing = (approval.rule.needed as usize).saturating_sub(release.agreed(approval));
    let what = match stage {
        Gate::SCAN => "to let it in without a scan result".to_owned(),
        stage => format!("to agree to {stage}"),
    };
    let who = some_of(missing, &silent);
    match approval.asked_at {
        None => format!("{who} {what}; {} is about to ask", release.owner_of(stage).unwrap_or_default()),
        Some(_) if is_decided(release, approval) => format!("the answers about {stage} are there; the next look takes them in"),
        Some(_) => format!("{who} {what} until {}, or it expires", minute(approval.expires_at)),
    }
}

/// `1 of ann, bob has`, or where nobody can be left out `ann and bob have`.
fn some_of(needed: usize, names: &[&str]) -> String {
    let have = if needed == 1 { "has" } else { "have" };
    match names.len() <= needed {
        true => format!("{} {have}", names.join(" and ")),
        false => format!("{needed} of {} {have}", names.join(", ")),
    }
}

/// The waves that come after those of now, each with the approval before it.
fn afterwards(progress: &Progress<'_>, release: &Release) -> Vec<String> {
    let is_now = |leg: &Leg| match progress {
        Progress::Moving(legs) | Progress::Beginning(legs) => legs.iter().any(|own| own.stage == leg.stage && own.wave == leg.wave),
        _ => false,
    };
    let mut waves: Vec<(&Leg, Vec<&str>)> = Vec::new();
    for leg in release.legs.iter().filter(|leg| matches!(leg.state, LegState::Waiting) && !is_now(leg)) {
        match waves.iter_mut().find(|(first, _)| first.stage == leg.stage && first.wave == leg.wave) {
            Some((_, regions)) => regions.push(&leg.region),
            None => waves.push((leg, vec![&leg.region])),
        }
    }
    let mut lines = Vec::new();
    for (leg, regions) in waves {
        let is_asked_now = matches!(progress, Progress::WaitingForApproval { stage, .. } if *stage == leg.stage.as_str());
        let approval = release.approvals.get(&leg.stage).filter(|approval| approval.granted_at.is_none() && leg.wave == 0);
        if let Some(approval) = approval.filter(|_| !is_asked_now) {
            let names: Vec<&str> = approval.rule.by.iter().map(|approver| approver.name.as_str()).collect();
            lines.push(format!("then {} to agree to {}", some_of(approval.rule.needed as usize, &names), leg.stage));
        }
        lines.push(format!("then {} in {}, {}", leg.stage, regions.join(" and "), watched(leg)));
    }
    lines
}
