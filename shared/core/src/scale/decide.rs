//! The decision: a pure, total function of what woke us, what was seen, what people wrote down, and the time.
//!
//! Level-triggered: the event only says "look"; every rule of the service is judged by its alarm and metric as they are now.
//! So an event that comes twice, late or out of order leads to the same place as one that comes once and in time.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Direction, EcsService, GroupName, RunsOn, Seconds, TaskCount};
use crate::ledger::{LedgerView, ServiceRecord};
use crate::scale::observation::{Observation, TargetNow};
use crate::scale::placement::GroupVerdict;
use crate::scale::plan::{Decision, Plan, Step, StepTarget, Wake, WakeKind, Warning};
use crate::scale::policy::{EffectiveBounds, LEAST_WAIT, ROLLOUT_PATIENCE, SOON, ServicePolicy};
use crate::scale::reason::{HoldReason, StepReason};
use crate::scale::wish::{Verdict, Wish};

/// Everything that a decision looks at, with what follows from it at once.
pub(super) struct Situation<'a> {
    pub wake: &'a Wake,
    pub seen: &'a Observation,
    pub policy: &'a ServicePolicy<'a>,
    pub now: Timestamp,
    pub target: &'a TargetNow,
    pub desired: TaskCount,
    pub bounds: EffectiveBounds,
    /// What is remembered, with a dead invocation's intent judged; none while the ledger cannot be reached.
    pub record: Option<Cow<'a, ServiceRecord>>,
}

/// What comes of the tasks, or of the group that is the service.
type Main = Result<(Step, Option<TaskCount>, Vec<Warning>), HoldReason>;

/// Decides what is to be done with one service. Never fails: what cannot be done is a plan that says why.
pub fn decide(wake: &Wake, seen: &Observation, policy: &ServicePolicy<'_>, now: Timestamp) -> Plan {
    let empty = empty_plan(policy, seen);
    let target = match readable_target(seen) {
        Ok(target) => target,
        Err(reason) => return with_id(hold(empty, reason, now), wake, seen),
    };
    let gated = gate(wake, seen, policy, target, now);
    let view = seen.ledger.as_ref().ok();
    let set_by_hand = view.and_then(|view| view.bounds_override.as_ref());
    let situation = Situation {
        wake,
        seen,
        policy,
        now,
        target,
        desired: target.desired(),
        bounds: EffectiveBounds::resolve(policy, set_by_hand, target, now),
        record: view.map(|view| view.record.settled(|step| target.desired_of(step))),
    };
    let plan = match gated {
        None => situation.plan(empty),
        Some(reason) => hold(empty, situation.held_back(reason), now),
    };
    with_id(plan, wake, seen)
}

fn empty_plan(policy: &ServicePolicy<'_>, seen: &Observation) -> Plan {
    Plan {
        id: String::new(),
        key: policy.key.clone(),
        decision: Decision::Hold,
        seen: seen.target.as_ref().ok().map(TargetNow::desired),
        wish: None,
        steps: Vec::new(),
        withheld: Vec::new(),
        look_again_at: None,
        warnings: Vec::new(),
        needs_placement: false,
    }
}

fn readable_target(seen: &Observation) -> Result<&TargetNow, HoldReason> {
    let target = seen.target.as_ref().map_err(|error| match error.kind {
        crate::ports::PortErrorKind::NotFound => HoldReason::ServiceMissing,
        kind => HoldReason::Unreadable { what: "the service".into(), kind },
    })?;
    match target.tasks() {
        Some(tasks) if tasks.status != "ACTIVE" => Err(HoldReason::ServiceInactive { status: tasks.status.clone() }),
        _ => Ok(target),
    }
}

/// What stops everything, growing too.
fn gate(wake: &Wake, seen: &Observation, policy: &ServicePolicy<'_>, target: &TargetNow, now: Timestamp) -> Option<HoldReason> {
    if let Ok(LedgerView { record, pause, .. }) = &seen.ledger {
        if let Some(pause) = pause.as_ref().filter(|pause| pause.until > now) {
            return Some(HoldReason::Paused { by: pause.by.clone(), why: pause.why.clone(), until: pause.until });
        }
        if let Some(at) = record.handled_at(&wake.key) {
            return Some(HoldReason::AlreadyHandled { at });
        }
        if let Some(lease) = record.leased(now) {
            return Some(HoldReason::Busy { until: lease.until });
        }
    }
    if let Some(frozen) = &policy.frozen {
        return Some(HoldReason::Frozen { why: frozen.why.clone(), until: frozen.until });
    }
    let of_group = match target {
        TargetNow::Group(group) => group.other_scaler.as_ref(),
        TargetNow::Tasks(_) | TargetNow::TasksOnGroup(..) => None,
    };
    let other = seen.other_scaler.as_ref().ok().and_then(Option::as_ref).or(of_group);
    other.map(|other| HoldReason::OwnedElsewhere { owner: other.name.clone() })
}

impl<'a> Situation<'a> {
    fn plan(&self, mut plan: Plan) -> Plan {
        let verdicts = self.verdicts();
        let main = self.main_step(&verdicts);
        plan.withheld.extend(self.shrinks_that_yield(&verdicts));
        match main {
            Ok((step, wish, warnings)) => {
                plan.decision = if step.to > step.from { Decision::Grow } else { Decision::Shrink };
                plan.wish = wish;
                plan.look_again_at = self.after(self.wait_after(plan.decision));
                plan.steps.push(step);
                plan.warnings = warnings;
            }
            Err(reason) => {
                plan.look_again_at = look_again(&reason, self.now);
                plan.withheld.insert(0, reason);
            }
        }
        self.with_group(plan, &verdicts)
    }

    /// The reason of a gate; a pause or a freeze that holds nothing back is no reason to speak of.
    fn held_back(&self, reason: HoldReason) -> HoldReason {
        let bounds = self.bounds.bounds;
        let is_out_of_bounds = self.desired < bounds.min() || self.desired > bounds.max();
        match reason {
            HoldReason::Paused { .. } | HoldReason::Frozen { .. } if !is_out_of_bounds => {
                let verdicts = self.verdicts();
                let is_wanted = |verdict: &Verdict<'_>| verdict.in_alarm || matches!(verdict.wish, Err(HoldReason::Unreadable { .. }));
                if verdicts.iter().any(is_wanted) { reason } else { weightiest_reason(&verdicts) }
            }
            _ => reason,
        }
    }

    /// The one step on what the rules are about.
    fn main_step(&self, verdicts: &[Verdict<'_>]) -> Main {
        let (min, max) = (self.bounds.bounds.min(), self.bounds.bounds.max());
        if self.desired < min {
            let reason = StepReason::BelowMinimum { bounds: self.bounds.bounds, source: self.bounds.source.clone() };
            let wished = strongest(verdicts, Direction::Grow).map_or(min, |(_, wish)| wish.count.max(min));
            self.budget()?;
            return Ok((self.step(self.bounds.bounds.clamp(wished), reason), Some(wished), self.ledger_warning().collect()));
        }
        if let Some((verdict, wish)) = strongest(verdicts, Direction::Grow) {
            return self.grow(verdict, wish);
        }
        if self.desired > max {
            let reason = StepReason::AboveMaximum { bounds: self.bounds.bounds, source: self.bounds.source.clone() };
            return self.shrink(max, reason);
        }
        let grower = verdicts.iter().find(|verdict| verdict.direction == Direction::Grow && verdict.in_alarm);
        match (grower, gentlest_shrink(verdicts)) {
            (None, Some((verdict, wish))) => {
                self.every_grow_alarm_is_ok(verdicts)?;
                self.shrink(wish.count, rule_reason(verdict, wish))
            }
            _ => Err(weightiest_reason(verdicts)),
        }
    }

    fn grow(&self, verdict: &Verdict<'_>, wish: &Wish) -> Main {
        let size = self.allowed_size(Direction::Grow, wish.count)?;
        if let Err(error) = &self.seen.ledger {
            // Without memory, growing happens once: on the alarm's own transition, never on our own repeats.
            if !matches!(self.wake.kind, WakeKind::Alarm { .. }) {
                return Err(HoldReason::LedgerUnavailable { kind: error.kind });
            }
        }
        self.cooldown(Direction::Grow)?;
        self.budget()?;
        let rollout = self.rollout(wish.is_confirmed.then_some(()))?;
        let warnings = self.ledger_warning().chain(rollout).chain(wish.warning.clone()).collect();
        Ok((self.step(size, rule_reason(verdict, wish)), Some(wish.count), warnings))
    }

    fn shrink(&self, wish: TaskCount, reason: StepReason) -> Main {
        let size = self.allowed_size(Direction::Shrink, wish)?;
        self.certain_enough_to_shrink()?;
        self.cooldown(Direction::Shrink)?;
        self.budget()?;
        Ok((self.step(size, reason), Some(wish), Vec::new()))
    }

    fn step(&self, to: TaskCount, reason: StepReason) -> Step {
        let target = match &self.policy.service.runs_on {
            RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. } => StepTarget::Tasks(EcsService::clone(service)),
            RunsOn::Group(group) => StepTarget::Group(GroupName::clone(group)),
        };
        Step { target, from: self.desired, to, reason }
    }

    fn ledger_warning(&self) -> impl Iterator<Item = Warning> + use<> {
        self.seen.ledger.is_err().then_some(Warning::WithoutLedger).into_iter()
    }

    /// Rules that shrink and stand in ALARM while a rule that grows does too: growing wins.
    fn shrinks_that_yield(&self, verdicts: &[Verdict<'_>]) -> Option<HoldReason> {
        let grower = verdicts.iter().find(|verdict| verdict.direction == Direction::Grow && verdict.in_alarm)?;
        let yields = verdicts.iter().any(|verdict| verdict.direction == Direction::Shrink && verdict.in_alarm);
        yields.then(|| HoldReason::GrowingWins { rule: grower.rule.name.clone() })
    }

    fn every_grow_alarm_is_ok(&self, verdicts: &[Verdict<'_>]) -> Result<(), HoldReason> {
        let is_unknown = |verdict: &&Verdict<'_>| {
            let quiet = matches!(verdict.wish, Err(HoldReason::Quiet | HoldReason::AlarmCleared { .. }));
            verdict.direction == Direction::Grow && !quiet
        };
        match verdicts.iter().find(is_unknown) {
            None => Ok(()),
            // This one does not pass by itself: people are told what to run.
            Some(Verdict { wish: Err(missing @ HoldReason::AlarmMissing { .. }), .. }) => Err(missing.clone()),
            Some(unknown) => Err(HoldReason::GrowAlarmUnknown { rule: unknown.rule.name.clone() }),
        }
    }

    /// How long to wait before looking again after doing something.
    fn wait_after(&self, decision: Decision) -> SignedDuration {
        let cooldown = self.policy.service.cooldown;
        let seconds = |wait: Seconds| SignedDuration::from_secs(i64::from(wait.get()));
        match decision {
            Decision::Shrink => seconds(cooldown.shrink).max(LEAST_WAIT),
            Decision::Grow | Decision::Hold => seconds(cooldown.grow).max(LEAST_WAIT),
        }
    }

    /// Adds what the instances under the tasks need.
    fn with_group(&self, mut plan: Plan, verdicts: &[Verdict<'_>]) -> Plan {
        let tasks_wished = plan.main_step().map_or(self.desired, |step| step.to);
        match self.group_verdict(&plan, tasks_wished, verdicts) {
            GroupVerdict::NotNeeded => {}
            GroupVerdict::NeedsPlacement => plan.needs_placement = true,
            GroupVerdict::Withheld(reason) => plan.withheld.push(reason),
            GroupVerdict::Step(step, warning) => {
                if plan.decision == Decision::Hold {
                    plan.decision = if step.to > step.from { Decision::Grow } else { Decision::Shrink };
                    let soon = self.after(self.wait_after(plan.decision));
                    plan.look_again_at = plan.look_again_at.min(soon).or(soon);
                }
                plan.warnings.extend(warning);
                // Instances take minutes to come: they are asked for before the tasks that they will carry.
                plan.steps.insert(0, step);
            }
        }
        plan
    }
}

/// The rule that wishes for the most, and its wish.
fn strongest<'v, 'a>(verdicts: &'v [Verdict<'a>], direction: Direction) -> Option<(&'v Verdict<'a>, &'v Wish)> {
    wishes(verdicts, direction).max_by_key(|(_, wish)| wish.count)
}

/// Of the rules that shrink, the one that leaves the most.
fn gentlest_shrink<'v, 'a>(verdicts: &'v [Verdict<'a>]) -> Option<(&'v Verdict<'a>, &'v Wish)> {
    strongest(verdicts, Direction::Shrink)
}

fn wishes<'v, 'a>(verdicts: &'v [Verdict<'a>], direction: Direction) -> impl Iterator<Item = (&'v Verdict<'a>, &'v Wish)> {
    let wished = move |verdict: &'v Verdict<'a>| verdict.wish.as_ref().ok().map(|wish| (verdict, wish));
    verdicts.iter().filter(move |verdict| verdict.direction == direction).filter_map(wished)
}

fn weightiest_reason(verdicts: &[Verdict<'_>]) -> HoldReason {
    let reasons = verdicts.iter().filter_map(|verdict| verdict.wish.as_ref().err().map(|reason| (verdict, reason)));
    let weight = |(verdict, reason): &(&Verdict<'_>, &HoldReason)| {
        // What keeps growing back counts before what keeps shrinking back.
        (reason.weight(), verdict.direction == Direction::Grow)
    };
    reasons.max_by_key(weight).map_or(HoldReason::Quiet, |(_, reason)| reason.clone())
}

fn rule_reason(verdict: &Verdict<'_>, wish: &Wish) -> StepReason {
    let sentence = crate::alarms::condition_sentence(verdict.rule);
    StepReason::Rule { rule: verdict.rule.name.clone(), sentence, value: wish.value, wish: wish.count }
}

fn hold(plan: Plan, reason: HoldReason, now: Timestamp) -> Plan {
    let again = look_again(&reason, now);
    plan.held(reason, again)
}

/// When to look again if nothing was done for this reason; never, where only a new signal or a person can change it.
pub(super) fn look_again(reason: &HoldReason, now: Timestamp) -> Option<Timestamp> {
    let later = |wait: SignedDuration| now.checked_add(wait).ok();
    match reason {
        HoldReason::Paused { until, .. }
        | HoldReason::Frozen { until, .. }
        | HoldReason::InCooldown { until, .. }
        | HoldReason::BudgetSpent { until, .. } => Some((*until).max(later(LEAST_WAIT).unwrap_or(*until))),
        HoldReason::Busy { .. }
        | HoldReason::CapacityInFlight { .. }
        | HoldReason::LedgerUnavailable { .. }
        | HoldReason::MetricBack { .. }
        | HoldReason::MetricMissing { .. }
        | HoldReason::MetricOld { .. } => later(SOON),
        HoldReason::GrowAlarmUnknown { .. } | HoldReason::RolloutInProgress { .. } => later(ROLLOUT_PATIENCE),
        HoldReason::Unreadable { kind, .. } if kind.may_pass() => later(SOON),
        _ => None,
    }
}

/// The same wake on the same state with the same outcome has the same id; FNV-1a, since std's hasher may change.
fn with_id(mut plan: Plan, wake: &Wake, seen: &Observation) -> Plan {
    let version = seen.ledger.as_ref().map_or(0, |view| view.record.version);
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.add(plan.key.system.as_str()).add(plan.key.service.as_str()).add(&wake.key).number(version);
    for step in &plan.steps {
        let kind = if matches!(step.target, StepTarget::Tasks(_)) { 1 } else { 2 };
        hash.number(kind).number(step.from.get().into()).number(step.to.get().into());
    }
    hash.add(plan.reason_code());
    plan.id = format!("{:016x}", hash.0);
    plan
}

struct Fnv(u64);

impl Fnv {
    fn add(&mut self, text: &str) -> &mut Self {
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }
}
