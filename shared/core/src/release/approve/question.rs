//! A question in words: what is to be released, from what to what, what the scan found, what earlier stages showed, what
//! comes next. Page and mail show the same facts.
//!
//! Only what the book says; what it does not know is said to be unknown, never guessed.

use jiff::Timestamp;

use super::PipelineQuestion;
use crate::ledger::ServiceKey;
use crate::release::legs::revision_name;
use crate::release::{Book, Change, EndKind, Gate, Image, Leg, LegState, Release, StartedBy};

/// A question as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The system and the service or pipeline.
    pub subject: String,
    /// What is asked, in one line: `Release 1.4.2 to production`.
    pub headline: String,
    /// What yes does: `Release 1.4.2 to production`.
    pub approve: String,
    /// What no does: `Reject it: 1.4.2 ends here`.
    pub reject: String,
    /// What there is to know, in order.
    pub facts: Vec<Fact>,
}

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// The words, a line each.
    pub lines: Vec<String>,
    /// An address that the words are about; `https` only.
    pub link: Option<String>,
}

impl Question {
    /// Whether a release may enter a stage, or pass without a scan's result ([`Gate::SCAN`]).
    pub fn of(key: &ServiceKey, book: &Book, release: &Release, stage: &str) -> Self {
        let name = short_name(release);
        let (headline, approve) = match (stage, release.change.image()) {
            (Gate::SCAN, _) => (format!("Let {name} in without a scan result"), format!("Let {name} in without a scan result")),
            (_, Some(_)) => (format!("Release {name} to {stage}"), format!("Release {name} to {stage}")),
            (_, None) => (format!("Start {} anew in {stage}", key.service), format!("Start {} anew in {stage}", key.service)),
        };
        let facts = vec![
            fact("Service", vec![format!("{} of system {}", key.service, key.system)]),
            fact("Change", change(release)),
            fact("Runs now", runs_now(book, release, stage)),
            fact("Scan", vec![scan(&release.gate)]),
            fact("Stages before", stages_before(release, stage)),
            fact("After your yes", then(release, stage)),
            fact("Started by", vec![started_by(release)]),
        ];
        let subject = key.to_string();
        let reject = format!("Reject: {name} ends here");
        Self { subject, headline, approve, reject, facts: facts.into_iter().filter(|fact| !fact.lines.is_empty()).collect() }
    }

    /// Whether a pipeline may go on.
    pub fn of_pipeline(question: &PipelineQuestion) -> Self {
        let PipelineQuestion { system, pipeline, stage, action, .. } = question;
        let mut facts = vec![
            fact("Pipeline", vec![format!("{pipeline} of system {system}")]),
            fact("Waits at", vec![format!("action {action} of stage {stage}")]),
        ];
        if let Some(text) = &question.custom_data {
            facts.push(fact("Its author says", text.lines().map(str::to_owned).collect()));
        }
        if let Some(address) = &question.external_link {
            let link = is_safe_link(address).then(|| address.clone());
            facts.push(Fact { label: "To be looked at", lines: vec![address.clone()], link });
        }
        Self {
            subject: format!("{system}/{pipeline}"),
            headline: format!("Let pipeline {pipeline} go on after {stage}"),
            approve: format!("Let {pipeline} go on"),
            reject: format!("Reject: {pipeline} stops here"),
            facts,
        }
    }

    /// The facts as lines of a mail.
    pub fn text(&self) -> String {
        let lines = self.facts.iter().map(|fact| match fact.lines.as_slice() {
            [one] => format!("{}: {one}", fact.label),
            many => format!("{}:\n  {}", fact.label, many.join("\n  ")),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// A time as people read it, day included: questions stand for days.
pub fn day_and_time(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// Only https is made clickable: `javascript:` and its like are text.
fn is_safe_link(address: &str) -> bool {
    let rest = address.strip_prefix("https://");
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '<' | '>')))
}

fn fact(label: &'static str, lines: Vec<String>) -> Fact {
    Fact { label, lines, link: None }
}

/// What stands on buttons and in subjects: the tag, else the digest's beginning, else `the restart`.
fn short_name(release: &Release) -> String {
    release.change.image().map_or_else(|| "the restart".to_owned(), |image| image.name().to_owned())
}

fn change(release: &Release) -> Vec<String> {
    match &release.change {
        Change::Image(image) => {
            let mut lines = vec![format!("image {} of {}", image_name(image), image.repository)];
            if image.tags.len() > 1 {
                lines.push(format!("also tagged {}", image.tags.iter().skip(1).cloned().collect::<Vec<_>>().join(", ")));
            }
            lines.push(format!("pushed {}", day_and_time(image.pushed_at)));
            lines
        }
        Change::Restart { secrets, .. } => {
            let mut lines = vec!["the same image, started anew, because these secrets were rotated:".to_owned()];
            lines.extend(secrets.iter().cloned());
            lines
        }
    }
}

fn image_name(image: &Image) -> String {
    match image.tags.is_empty() {
        true => format!("sha256 {}", image.short_digest()),
        false => format!("{} (sha256 {})", image.name(), image.short_digest()),
    }
}

/// What the stage runs: the last release that got there, and the revision that was proven there.
fn runs_now(book: &Book, release: &Release, stage: &str) -> Vec<String> {
    let here = |leg: &&Leg| leg.stage.as_str() == stage;
    let before = book.ended.iter().find_map(|ended| {
        let image = ended.change.image().filter(|_| ended.id != release.id)?;
        let leg =
            ended.legs.iter().filter(here).find(|leg| matches!(leg.state, LegState::Passed { .. } | LegState::AlreadyThere { .. }))?;
        Some((image, leg))
    });
    let mut lines = Vec::new();
    if let Some((image, leg)) = before {
        let since = match &leg.state {
            LegState::Passed { at, .. } | LegState::AlreadyThere { at, .. } => format!(", since {}", day_and_time(*at)),
            _ => String::new(),
        };
        lines.push(format!("image {}{since}", image_name(image)));
    }
    let legs = release.legs.iter().filter(here);
    let mut seen = std::collections::BTreeSet::new();
    let running = release.approvals.get(stage).and_then(|approval| approval.running.as_ref());
    for leg in legs.filter(|leg| seen.insert(&leg.target)) {
        let proven = book.proven.get(&leg.target.to_string()).map(|proven| &proven.revision);
        if let Some(revision) = running.or(proven) {
            lines.push(format!("{}: revision {}", leg.target, revision_name(revision)));
        }
    }
    if lines.is_empty() && stage != Gate::SCAN {
        lines.push("not known here: no earlier release reached this stage".to_owned());
    }
    lines
}

fn scan(gate: &Gate) -> String {
    match gate {
        Gate::None => "this path has no scan gate".to_owned(),
        Gate::Waiting { .. } => "no result yet".to_owned(),
        Gate::Asking { why } => format!("no result: {why}"),
        Gate::Passed { at, summary } => format!("passed {}: {summary}", day_and_time(*at)),
    }
}

/// Every leg of the stages before this one, as it stands.
fn stages_before(release: &Release, stage: &str) -> Vec<String> {
    let before: Vec<&Leg> = release.legs.iter().take_while(|leg| leg.stage.as_str() != stage).collect();
    match (before.is_empty(), stage) {
        (_, Gate::SCAN) => Vec::new(),
        (true, _) => vec!["there is none: this is the first".to_owned()],
        (false, _) => before.into_iter().map(|leg| format!("{}, {}: {}", leg.stage, leg.region, state(leg))).collect(),
    }
}

fn state(leg: &Leg) -> String {
    match &leg.state {
        LegState::Passed { moved, at } => {
            let watched = match (leg.bake.get(), leg.alarms.is_empty()) {
                (0, _) => String::new(),
                (seconds, true) => format!(", watched for {}", length(seconds)),
                (seconds, false) => format!(", watched for {} with {} quiet", length(seconds), leg.alarms.join(", ")),
            };
            let (from, to) = (revision_name(&moved.from), revision_name(&moved.to));
            format!("passed {}, revision {from} \u{2192} {to}{watched}", day_and_time(*at))
        }
        LegState::AlreadyThere { running, at } => {
            format!("ran this image already, revision {} ({})", revision_name(running), day_and_time(*at))
        }
        LegState::Skipped { why, .. } => format!("skipped: {why}"),
        LegState::Failed { why, .. } => format!("failed: {why}"),
        other => other.word().to_owned(),
    }
}

/// The waves of the stage in order, each with the time that it is watched.
fn then(release: &Release, stage: &str) -> Vec<String> {
    if stage == Gate::SCAN {
        let first = release.legs.first().map(|leg| format!("the path begins: {} in {}", leg.stage, leg.region));
        return first.into_iter().collect();
    }
    let mut waves: Vec<(u32, Vec<&str>, u32)> = Vec::new();
    for leg in release.legs.iter().filter(|leg| leg.stage.as_str() == stage) {
        match waves.iter_mut().find(|(wave, ..)| *wave == leg.wave) {
            Some((_, regions, _)) => regions.push(&leg.region),
            None => waves.push((leg.wave, vec![&leg.region], leg.bake.get())),
        }
    }
    let line = |(place, (_, regions, bake)): (usize, (u32, Vec<&str>, u32))| {
        let watched = if bake == 0 { String::new() } else { format!(", watched for {}", length(bake)) };
        format!("{}{}{watched}", if place == 0 { "" } else { "then " }, regions.join(" and "))
    };
    waves.into_iter().enumerate().map(line).collect()
}

fn started_by(release: &Release) -> String {
    let at = day_and_time(release.detected_at);
    match &release.started_by {
        StartedBy::Hand { by } => format!("{by}, by hand, {at}"),
        other => format!("{other}, {at}"),
    }
}

fn length(seconds: u32) -> String {
    match seconds {
        whole if whole % 3_600 == 0 => format!("{} h", whole / 3_600),
        whole if whole % 60 == 0 => format!("{} min", whole / 60),
        other => format!("{other} s"),
    }
}

/// How a release ended, as a sentence's end.
pub(super) fn ended(kind: EndKind) -> &'static str {
    match kind {
        EndKind::Done => "has gone through the whole path",
        EndKind::Refused => "was refused",
        EndKind::RolledBack => "was rolled back",
        EndKind::Superseded => "was superseded by a newer one",
        EndKind::Expired => "has expired",
        EndKind::Failed => "has failed",
        EndKind::Aborted => "was aborted",
    }
}
