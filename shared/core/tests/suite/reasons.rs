//! Every reason, of scaling and of releases: its stable code, whether it is told, and its words.

use jiff::Timestamp;
use nightshift_core::fleet::Direction;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::Hold;
use nightshift_core::scale::{HoldReason, StepReason, Warning};

use crate::scale_world::count;

fn at() -> Timestamp {
    "2026-11-20T14:05:09Z".parse().unwrap()
}

#[test]
fn of_scaling() {
    let until = at();
    let rule = || "cpu-high".to_owned().try_into().unwrap();
    let bounds = nightshift_core::fleet::Bounds::new(count(2), count(10)).unwrap();
    let kind = PortErrorKind::Throttled;
    let reasons = vec![
        HoldReason::AlreadyHandled { at: until },
        HoldReason::AlarmCleared { alarm: "a".into(), since: Some(until) },
        HoldReason::AlarmCleared { alarm: "a".into(), since: None },
        HoldReason::AlarmHasNoData { alarm: "a".into() },
        HoldReason::AlarmSuppressed { alarm: "a".into(), by: "b".into() },
        HoldReason::AlarmMissing { alarm: "a".into() },
        HoldReason::Quiet,
        HoldReason::MetricMissing { rule: rule() },
        HoldReason::MetricOld { rule: rule(), period_end: until },
        HoldReason::MetricBack { rule: rule(), value: 60.0, threshold: 70.25 },
        HoldReason::Paused { by: "ann".into(), why: "a move".into(), until },
        HoldReason::Frozen { why: "stocktaking".into(), until },
        HoldReason::InCooldown { direction: Direction::Grow, until },
        HoldReason::InCooldown { direction: Direction::Shrink, until },
        HoldReason::AtBound { direction: Direction::Grow, bound: count(10), source: "the fleet file".into() },
        HoldReason::AtBound { direction: Direction::Shrink, bound: count(2), source: "the fleet file".into() },
        HoldReason::BudgetSpent { limit: 6, until },
        HoldReason::RolloutInProgress { rollout: "deployment 1".into() },
        HoldReason::CapacityInFlight { wished: count(4), in_service: count(2) },
        HoldReason::OwnedElsewhere { owner: "Application Auto Scaling".into() },
        HoldReason::ServiceMissing,
        HoldReason::ServiceInactive { status: "DRAINING".into() },
        HoldReason::Unreadable { what: "the service".into(), kind },
        HoldReason::Unreadable { what: "the service".into(), kind: PortErrorKind::Denied },
        HoldReason::LedgerUnavailable { kind },
        HoldReason::Busy { until },
        HoldReason::GrowingWins { rule: rule() },
        HoldReason::GrowAlarmUnknown { rule: rule() },
        HoldReason::GroupFollowsTasks,
        HoldReason::PlanRejected { violation: "a step to 11".into() },
    ];
    let mut text: String =
        reasons.iter().map(|reason| format!("{} (told {}): {reason}\n", reason.code(), reason.is_worth_telling())).collect();
    let steps = [
        StepReason::Rule { rule: rule(), sentence: "CPU above 70 %".into(), value: Some(91.5), wish: count(6) },
        StepReason::Rule { rule: rule(), sentence: "CPU above 70 %".into(), value: None, wish: count(6) },
        StepReason::BelowMinimum { bounds, source: "the fleet file".into() },
        StepReason::AboveMaximum { bounds, source: "the fleet file".into() },
        StepReason::NoRoomForTasks { tasks: 3, room: 1 },
        StepReason::RoomToSpare { instances_needed: 2 },
    ];
    text.extend(steps.iter().map(|reason| format!("{}: {reason}\n", reason.code())));
    let warnings = [
        Warning::WithoutLedger,
        Warning::DuringRollout { rollout: "deployment 1".into() },
        Warning::GroupAtBound { needed: count(7), bound: count(6) },
        Warning::WithoutMetric { rule: rule() },
        Warning::WithoutAlarm { rule: rule() },
    ];
    text.extend(warnings.iter().map(|warning| format!("{}: {warning}\n", warning.code())));
    insta::assert_snapshot!(text);
}

#[test]
fn of_releases() {
    let until = at();
    let text = |text: &str| text.to_owned();
    let unreadable = |kind| Hold::Unreadable { what: text("the target"), kind, message: text("as the test wants it") };
    let holds = vec![
        Hold::Quiet,
        Hold::Leased { until },
        Hold::Paused { by: text("ann"), why: text("a move"), until },
        Hold::Frozen { why: text("stocktaking"), until },
        Hold::TagDoesNotCount { tags: vec![] },
        Hold::TagDoesNotCount { tags: vec![text("latest"), text("x")] },
        Hold::NotNewer { image: text("v1"), pushed_at: until, newest: until },
        Hold::NoSuchImage { image: text("v1") },
        Hold::AnotherInHand { release: text("r1") },
        Hold::NotStoppable { why: text("it has ended") },
        Hold::OtherRegionBegins { region: text("us-west-2") },
        Hold::WaitingForScan { status: text("IN_PROGRESS") },
        Hold::WaitingForApproval { stage: text("production"), until },
        Hold::WaitingForImage,
        Hold::WaitingForRegion { regions: vec![text("us-east-1"), text("us-west-2")] },
        Hold::OtherRollout { handle: text("ecs-svc/7") },
        Hold::AlarmBefore { alarm: text("web-5xx") },
        Hold::Rolling { words: String::new() },
        Hold::Rolling { words: text("1 of 2") },
        Hold::Baking { until },
        Hold::RollingBack,
        Hold::Settling { until },
        unreadable(PortErrorKind::Throttled),
        unreadable(PortErrorKind::Denied),
    ];
    let told: String = holds.iter().map(|hold| format!("{} (told {}): {hold}\n", hold.code(), hold.is_worth_telling())).collect();
    insta::assert_snapshot!(told);
}
