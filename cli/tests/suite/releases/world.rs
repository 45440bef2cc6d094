//! Releases of shop/web on their way through staging in us-east-1 to production in us-east-1 and us-west-2.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_core::fleet::{ApprovalRule, Approver, ApproverName, DeployTarget, EcsService, Seconds, StageName};
use nightshift_core::release::{
    Answer, Approval, Book, Change, End, EndKind, Gate, Image, Leg, LegState, LogLine, Move, Release, ReleaseId, Scope, StartedBy, Unwind,
    Verdict,
};

pub const WEB: &str = "shop/web";

pub fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}Z").parse().unwrap()
}

pub fn name(text: &str) -> ApproverName {
    text.to_owned().try_into().unwrap()
}

pub fn stage(text: &str) -> StageName {
    text.to_owned().try_into().unwrap()
}

pub fn image(tag: &str, number: u32, pushed_at: &str) -> Image {
    Image {
        repository: "shop/web".into(),
        digest: format!("sha256:{:0<64}", format!("4f5c{number:08}")),
        tags: vec![tag.into()],
        pushed_at: at(pushed_at),
        uri: "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web".into(),
    }
}

pub fn moved(from: &str, to: &str, since: &str) -> Move {
    let arn = |name: &str| format!("arn:aws:ecs:us-east-1:111122223333:task-definition/{name}");
    Move { from: arn(from), to: arn(to), handle: Some("ecs-svc/8031474471234567890".into()), since: at(since) }
}

pub fn passed(from: &str, to: &str, since: &str, until: &str) -> LegState {
    LegState::Passed { moved: moved(from, to, since), at: at(until) }
}

fn leg(stage_name: &str, wave: u32, region: &str, alarms: &[&str], bake: u32) -> Leg {
    let cluster = if stage_name == "staging" { "staging" } else { "shop" };
    Leg {
        stage: stage(stage_name),
        wave,
        region: region.into(),
        target: DeployTarget::Tasks(EcsService { cluster: cluster.into(), service: "web".into() }),
        bake: Seconds::new(bake),
        alarms: alarms.iter().map(|alarm| (*alarm).to_owned()).collect(),
        state: LegState::Waiting,
        revision: 0,
    }
}

pub fn line(time: &str, region: &str, text: &str) -> LogLine {
    LogLine { at: at(time), region: region.into(), text: text.into() }
}

pub fn approval(needed: u32) -> Approval {
    let by = ["lead", "owner", "ana"].map(|person| Approver { name: name(person), topic: None });
    let rule = ApprovalRule { by: by.into(), needed, expires: Seconds::new(6 * 3_600) };
    Approval { rule, asked_at: None, expires_at: at("23:00:00"), running: None, answers: BTreeMap::new(), granted_at: None }
}

pub fn answer(verdict: Verdict, time: &str, via: &str) -> Answer {
    Answer { verdict, at: at(time), via: via.into() }
}

/// Pushed at 16:00 and just detected; the scan's result is awaited.
pub fn detected() -> Release {
    let image = image("v1.4.2", 12, "16:00:00");
    Release {
        id: ReleaseId::new(image.pushed_at, &image.digest),
        change: Change::Image(image),
        started_by: StartedBy::Push,
        ordered_at: at("16:00:00"),
        detected_at: at("16:00:05"),
        expires_at: "2026-11-22T16:00:05Z".parse().unwrap(),
        gate: Gate::Waiting { since: at("16:00:05") },
        approvals: [(stage("production"), approval(2))].into(),
        legs: vec![
            leg("staging", 0, "us-east-1", &[], 120),
            leg("production", 0, "us-east-1", &["shop-errors"], 300),
            leg("production", 1, "us-west-2", &[], 300),
        ],
        turn: None,
        unwind: None,
        end: None,
        accepts_drift: false,
        log: vec![line("16:00:05", "us-east-1", "detected by a push")],
    }
}

/// Scanned and about to begin staging.
pub fn scanned() -> Release {
    let mut release = detected();
    release.gate = Gate::Passed { at: at("16:02:00"), summary: "found 2 medium, 1 allowed".into() };
    release.log.push(line("16:02:00", "us-east-1", "scan gate passed: found 2 medium, 1 allowed"));
    release
}

/// Through staging; lead and owner have been asked, and lead has agreed.
pub fn asked() -> Release {
    let mut release = scanned();
    release.legs[0].state = passed("web-staging:41", "web-staging:42", "16:02:10", "16:08:00");
    let asked = release.approvals.get_mut("production").unwrap();
    asked.asked_at = Some(at("16:08:05"));
    asked.answers.insert(name("lead"), answer(Verdict::Approve, "16:30:00", "page"));
    release.log.push(line("16:08:00", "us-east-1", "staging us-east-1: web-staging:42 passed"));
    release.log.push(line("16:08:05", "us-east-1", "lead, owner, ana asked to agree to production"));
    release.log.push(line("16:30:10", "us-east-1", "production approved by lead (page)"));
    release
}

/// Approved; the first region is watched, the second one waits.
pub fn baking() -> Release {
    let mut release = asked();
    let granted = release.approvals.get_mut("production").unwrap();
    granted.answers.insert(name("owner"), answer(Verdict::Approve, "17:50:00", "command line"));
    granted.granted_at = Some(at("17:50:05"));
    release.legs[1].state = LegState::Baking { moved: moved("web:16", "web:17", "17:50:10"), until: at("18:02:00") };
    release.log.push(line("17:50:05", "us-east-1", "production approved by owner (command line)"));
    release
}

/// Through the whole path.
pub fn done() -> Release {
    let mut release = baking();
    release.legs[1].state = passed("web:16", "web:17", "17:50:10", "17:57:00");
    release.legs[2].state =
        LegState::AlreadyThere { running: "arn:aws:ecs:us-west-2:111122223333:task-definition/web:9".into(), at: at("17:58:00") };
    release.end = Some(end(EndKind::Done, "through the whole path", None, "17:58:00"));
    release
}

/// Failed in the first region of production and gone back.
pub fn rolled_back() -> Release {
    let mut release = baking();
    let why = "alarm shop-errors went into ALARM";
    release.legs[1].state = LegState::RolledBack { moved: moved("web:17", "web:16", "17:52:00"), at: at("17:55:00"), why: why.into() };
    let scope = Scope::Leg { stage: stage("production"), region: "us-east-1".into() };
    release.unwind = Some(Unwind { why: why.into(), by: None, at: at("17:52:00"), scope });
    release.end = Some(end(EndKind::RolledBack, why, None, "17:55:00"));
    release
}

/// Started by a person, of another image.
pub fn by_hand(by: &str, tag: &str, time: &str) -> Release {
    let image = image(tag, 77, "09:00:00");
    let mut release = detected();
    release.id = ReleaseId::new(at(time), &image.digest);
    (release.change, release.started_by) = (Change::Image(image), StartedBy::Hand { by: by.into() });
    (release.ordered_at, release.detected_at) = (at(time), at(time));
    release.gate = Gate::Waiting { since: at(time) };
    release.log = vec![line(time, "us-east-1", &format!("detected by {by}"))];
    release
}

pub fn end(kind: EndKind, why: &str, by: Option<&str>, time: &str) -> End {
    End { kind, why: why.into(), by: by.map(str::to_owned), at: at(time) }
}

/// A book with this release in hand.
pub fn in_hand(release: Release) -> Book {
    Book { version: 7, active: Some(release), ..Book::default() }
}

/// A book with these ended ones, the newest first.
pub fn all_ended(releases: impl IntoIterator<Item = Release>) -> Book {
    Book { version: 9, ended: releases.into_iter().collect(), ..Book::default() }
}
