//! Releases in people's words: where one stands, what is awaited, and its whole path as a drawn list.
//!
//! Pure functions of what the book says. Decides nothing: `advance` brings a release forward, and this tells it in the same
//! order, so that both mean the same by "now".

mod drawing;
mod next;

use jiff::{SignedDuration, Timestamp};

use super::legs::revision_name;
use super::{Approval, Book, BookView, End, EndKind, Gate, Leg, LegState, Release, ReleaseId, Unwind, Verdict};
use crate::fleet::Frozen;
use crate::ledger::ServiceKey;

/// Where a release stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress<'a> {
    /// It has ended.
    Ended(&'a End),
    /// It goes back, or is about to.
    GoingBack {
        /// Why, and how much of it.
        unwind: &'a Unwind,
        /// What is not back yet; empty once everything is and only the end is to be noted.
        legs: Vec<&'a Leg>,
    },
    /// Regions are being changed or watched.
    Moving(Vec<&'a Leg>),
    /// The scan's result is awaited.
    WaitingForScan {
        /// Since when.
        since: Timestamp,
    },
    /// People are asked, or about to be.
    WaitingForApproval {
        /// The stage, or [`Gate::SCAN`].
        stage: &'a str,
        /// The question.
        approval: &'a Approval,
    },
    /// It is these regions' turn, and they have not begun.
    Beginning(Vec<&'a Leg>),
    /// Every region has passed; only the end is to be noted.
    Through,
}

impl<'a> Progress<'a> {
    /// Where this release stands.
    pub fn of(release: &'a Release) -> Self {
        if let Some(end) = &release.end {
            return Self::Ended(end);
        }
        if let Some(unwind) = &release.unwind {
            let is_to_go_back = |leg: &&Leg| leg.state.is_moving() || (unwind.scope.covers(leg) && leg.state.moved().is_some());
            return Self::GoingBack { unwind, legs: release.legs.iter().filter(is_to_go_back).collect() };
        }
        let moving: Vec<&Leg> = release.legs.iter().filter(|leg| leg.state.is_moving()).collect();
        if !moving.is_empty() {
            return Self::Moving(moving);
        }
        let Some(first) = release.legs.iter().find(|leg| !leg.state.is_past()) else { return Self::Through };
        let asked = |stage: &str| release.approvals.get_key_value(stage).filter(|(_, approval)| approval.granted_at.is_none());
        match &release.gate {
            Gate::Waiting { since } => return Self::WaitingForScan { since: *since },
            Gate::Asking { .. } => {
                if let Some((stage, approval)) = asked(Gate::SCAN) {
                    return Self::WaitingForApproval { stage: stage.as_str(), approval };
                }
            }
            Gate::None | Gate::Passed { .. } => {}
        }
        if let Some((stage, approval)) = asked(first.stage.as_str()) {
            return Self::WaitingForApproval { stage: stage.as_str(), approval };
        }
        let in_turn = |leg: &&Leg| leg.stage == first.stage && leg.wave == first.wave && !leg.state.is_past();
        Self::Beginning(release.legs.iter().filter(in_turn).collect())
    }

    /// The state in a word or two, for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ended(end) => end.kind.word(),
            Self::GoingBack { .. } => "going back",
            Self::Moving(legs) => legs.first().map_or("rolling", |leg| leg.state.word()),
            Self::WaitingForScan { .. } => "waiting for scan",
            Self::WaitingForApproval { .. } => "waiting for approval",
            Self::Beginning(_) => "about to begin",
            Self::Through => "through",
        }
    }

    /// The state as a stable code, for machines.
    pub fn code(&self) -> String {
        self.word().replace(' ', "_")
    }

    /// The state in one phrase: `waiting for approval of production`, `rolling in us-east-1 (production)`.
    pub fn phrase(&self, release: &Release) -> String {
        let word = self.word();
        match self {
            Self::Ended(End { by: Some(by), .. }) => format!("{word} by {by}"),
            Self::Ended(_) | Self::WaitingForScan { .. } | Self::Through => word.to_owned(),
            Self::WaitingForApproval { stage: Gate::SCAN, .. } => "waiting for approval, since there is no scan result".to_owned(),
            Self::WaitingForApproval { stage, .. } => format!("{word} of {stage}"),
            Self::GoingBack { .. } | Self::Moving(_) | Self::Beginning(_) => match self.place(release) {
                place if place.is_empty() => word.to_owned(),
                place => format!("{word}: {place}"),
            },
        }
    }

    /// Since when it is so, as far as the book knows.
    pub fn since(&self, release: &Release) -> Timestamp {
        let turn = || release.turn.as_ref().map_or(release.detected_at, |turn| turn.since);
        match self {
            Self::Ended(end) => end.at,
            Self::GoingBack { unwind, .. } => unwind.at,
            Self::Moving(legs) => legs.iter().filter_map(|leg| leg.moving_since()).min().unwrap_or_else(turn),
            Self::WaitingForScan { since } => *since,
            Self::WaitingForApproval { approval, .. } => approval.asked_at.unwrap_or_else(turn),
            Self::Beginning(_) | Self::Through => turn(),
        }
    }

    /// Where: the stage and its regions; empty where that says nothing.
    pub fn place(&self, release: &Release) -> String {
        match self {
            Self::Ended(end) => ended_in(release, end.kind),
            Self::GoingBack { legs, .. } | Self::Moving(legs) | Self::Beginning(legs) => places(legs),
            Self::WaitingForScan { .. } => release.home().unwrap_or_default().to_owned(),
            Self::WaitingForApproval { stage, .. } => {
                let owner = release.owner_of(stage).unwrap_or_default();
                format!("{stage} {owner}")
            }
            Self::Through => String::new(),
        }
    }

    /// Whether nothing more happens until people have answered: they are asked, and what they said so far decides nothing.
    pub fn waits_for_people(&self, release: &Release) -> bool {
        match self {
            Self::WaitingForApproval { approval, .. } => approval.asked_at.is_some() && !is_decided(release, approval),
            _ => false,
        }
    }
}

/// Whether the answers are enough for a yes or a no, which the release may not have taken in yet.
fn is_decided(release: &Release, approval: &Approval) -> bool {
    let is_rejected = approval.answers.values().any(|answer| answer.verdict == Verdict::Reject);
    is_rejected || release.agreed(approval) >= approval.rule.needed as usize
}

/// `staging us-east-1`, `production us-east-1, us-west-2`.
fn places(legs: &[&Leg]) -> String {
    let mut stages: Vec<(&str, Vec<&str>)> = Vec::new();
    for leg in legs {
        match stages.iter_mut().find(|(stage, _)| *stage == leg.stage.as_str()) {
            Some((_, regions)) if regions.contains(&leg.region.as_str()) => {}
            Some((_, regions)) => regions.push(&leg.region),
            None => stages.push((leg.stage.as_str(), vec![&leg.region])),
        }
    }
    stages.into_iter().map(|(stage, regions)| format!("{stage} {}", regions.join(", "))).collect::<Vec<_>>().join("; ")
}

fn ended_in(release: &Release, kind: EndKind) -> String {
    let is_there = |leg: &&Leg| match kind {
        EndKind::Done => false,
        EndKind::RolledBack => matches!(leg.state, LegState::RolledBack { .. }),
        EndKind::Failed => matches!(leg.state, LegState::Failed { .. }),
        EndKind::Refused | EndKind::Superseded | EndKind::Expired | EndKind::Aborted => false,
    };
    match kind {
        EndKind::Done => release.way(),
        _ if !release.gate.is_open() => "scan gate".to_owned(),
        _ => {
            let there: Vec<&Leg> = release.legs.iter().filter(is_there).collect();
            let standing = || release.legs.iter().find(|leg| !leg.state.is_past()).into_iter().collect::<Vec<_>>();
            places(&if there.is_empty() { standing() } else { there })
        }
    }
}

impl Leg {
    /// Since when it is in its present state of moving; none if it does not move.
    fn moving_since(&self) -> Option<Timestamp> {
        let bake = SignedDuration::from_secs(i64::from(self.bake.get()));
        match &self.state {
            LegState::Preparing { since, .. } => Some(*since),
            LegState::Starting(moved) | LegState::Rolling(moved) | LegState::RollingBack { moved, .. } => Some(moved.since),
            LegState::Baking { until, .. } => Some(until.checked_sub(bake).unwrap_or(*until)),
            _ => None,
        }
    }
}

impl Book {
    /// The release that a command means which names none: the one in hand, or put aside for a restart, else the one that waits,
    /// else the last one.
    pub fn foremost(&self) -> Option<&Release> {
        self.asking().or(self.next.as_ref()).or(self.ended.first())
    }

    /// The release that may ask people: the one in hand, or put aside for a restart.
    pub fn asking(&self) -> Option<&Release> {
        self.aside.as_ref().map(|aside| &aside.release).or(self.active.as_ref())
    }

    /// Whether a release waits for another one's end: as the next, or put aside for a restart.
    pub fn is_waiting_for_its_turn(&self, id: &ReleaseId) -> bool {
        let aside = self.aside.as_ref().map(|aside| &aside.release);
        aside.into_iter().chain(&self.next).any(|release| release.id == *id) && self.active.as_ref().is_none_or(|active| active.id != *id)
    }

    /// The ended release that could be undone: the last one that changed something.
    pub fn last_to_undo(&self) -> Option<&Release> {
        let has_changed = |release: &&Release| release.legs.iter().any(|leg| leg.state.moved().is_some());
        self.ended.iter().find(|release| release.change.image().is_some() && has_changed(release))
    }
}

/// A release with what is to be known to show it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// The release.
    pub release: &'a Release,
    /// The book that it stands in, and a pause.
    pub view: &'a BookView,
    /// A freeze that holds.
    pub frozen: Option<&'a Frozen>,
    /// Now.
    pub now: Timestamp,
}

/// To the minute, day included: releases last for days.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `web:41 -> web:42`.
fn from_to(from: &str, to: &str) -> String {
    match from == to {
        true => format!("{} anew", revision_name(to)),
        false => format!("{} -> {}", revision_name(from), revision_name(to)),
    }
}
