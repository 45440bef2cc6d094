//! A release that waits for two people before production, and the links that they were sent.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{ApprovalRule, Approver, ApproverName, DeployTarget, EcsService, Seconds, StageName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::release::approve::{About, ApprovalKey, Claims};
use nightshift_core::release::{
    Answer, Approval, Book, Change, End, EndKind, Gate, Image, Leg, LegState, Move, Proven, Release, ReleaseId, StartedBy, Verdict,
};

pub const DIGEST: &str = "sha256:4f5c1a0be2d37788990011223344556677889900aabbccddeeff001122334455";
pub const OLD_DIGEST: &str = "sha256:0a1b2c3d4e5f7788990011223344556677889900aabbccddeeff001122334455";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Timestamp {
    at("2026-11-20T21:00:00Z")
}

pub fn until() -> Timestamp {
    at("2026-11-21T20:50:00Z")
}

pub fn key() -> ServiceKey {
    ServiceKey { system: "multi-region".to_owned().try_into().unwrap(), service: "web".to_owned().try_into().unwrap() }
}

pub fn name(text: &str) -> ApproverName {
    text.to_owned().try_into().unwrap()
}

pub fn stage(text: &str) -> StageName {
    text.to_owned().try_into().unwrap()
}

pub fn secret() -> ApprovalKey {
    ApprovalKey::new(b"a key of more than thirty-two bytes, for tests only").unwrap()
}

pub fn rule(needed: u32) -> ApprovalRule {
    let by = ["ann", "bob", "cid"].map(|person| Approver { name: name(person), topic: None });
    ApprovalRule { by: by.into(), needed, expires: Seconds::new(86_400) }
}

pub fn image(digest: &str, tag: &str, pushed_at: &str) -> Image {
    Image {
        repository: "multi-region/web".into(),
        digest: digest.into(),
        tags: vec![tag.into()],
        pushed_at: at(pushed_at),
        uri: "111122223333.dkr.ecr.us-east-1.amazonaws.com/multi-region/web".into(),
    }
}

fn leg(stage_name: &str, wave: u32, region: &str, state: LegState) -> Leg {
    let service = match stage_name {
        "staging" => "web-staging",
        _ => "web",
    };
    Leg {
        stage: stage(stage_name),
        wave,
        region: region.into(),
        target: DeployTarget::Tasks(EcsService { cluster: "multi-region".into(), service: service.into() }),
        bake: Seconds::new(300),
        alarms: if stage_name == "staging" { vec!["web-5xx".into()] } else { Vec::new() },
        state,
        revision: 3,
    }
}

fn moved(from: &str, to: &str) -> Move {
    let arn = |name: &str| format!("arn:aws:ecs:us-east-1:111122223333:task-definition/{name}");
    Move { from: arn(from), to: arn(to), handle: None, since: at("2026-11-20T20:35:00Z") }
}

pub fn release() -> Release {
    let approval = Approval {
        rule: rule(1),
        asked_at: Some(at("2026-11-20T20:50:00Z")),
        expires_at: until(),
        answers: BTreeMap::new(),
        running: None,
        granted_at: None,
    };
    let image = image(DIGEST, "1.4.2", "2026-11-20T20:30:00Z");
    Release {
        id: ReleaseId::new(image.pushed_at, DIGEST),
        started_by: StartedBy::Push,
        ordered_at: image.pushed_at,
        detected_at: at("2026-11-20T20:30:10Z"),
        expires_at: at("2026-11-27T20:30:10Z"),
        gate: Gate::Passed { at: at("2026-11-20T20:33:00Z"), summary: "found 2 medium, 1 allowed (CVE-2026-1111)".into() },
        approvals: [(stage("production"), approval)].into(),
        legs: vec![
            leg(
                "staging",
                0,
                "us-east-1",
                LegState::Passed { moved: moved("web-staging:41", "web-staging:42"), at: at("2026-11-20T20:49:00Z") },
            ),
            leg("production", 0, "us-east-1", LegState::Waiting),
            leg("production", 1, "us-west-2", LegState::Waiting),
        ],
        change: Change::Image(image),
        turn: None,
        unwind: None,
        end: None,
        accepts_drift: false,
        log: Vec::new(),
    }
}

/// The book: the release in hand, and the one before it, which went through.
pub fn book() -> Book {
    let old = image(OLD_DIGEST, "1.4.1", "2026-11-18T09:00:00Z");
    let mut ended = release();
    ended.id = ReleaseId::new(old.pushed_at, OLD_DIGEST);
    ended.change = Change::Image(old);
    ended.legs =
        vec![leg("production", 0, "us-east-1", LegState::Passed { moved: moved("web:16", "web:17"), at: at("2026-11-18T10:02:00Z") })];
    ended.end = Some(End { kind: EndKind::Done, why: "every stage has passed".into(), by: None, at: at("2026-11-18T10:20:00Z") });
    let proven = Proven { revision: moved("web:16", "web:17").to, release: ended.id.clone(), at: at("2026-11-18T10:02:00Z") };
    let target = ended.legs[0].target.to_string();
    Book { version: 7, active: Some(release()), ended: vec![ended], proven: [(target, proven)].into(), ..Book::default() }
}

pub fn claims(approver: &str) -> Claims {
    let about = About::Release { key: key(), release: release().id, digest: DIGEST.into(), stage: "production".into() };
    Claims::new(about, name(approver), until())
}

pub fn answer(verdict: Verdict) -> Answer {
    Answer { verdict, at: now() - SignedDuration::from_mins(2), via: "page".into() }
}
