//! Carries a plan out: takes the lease and writes the intent, looks once more, takes the steps.
//!
//! Lease, the fresh look and (where instances carry the tasks) the reading of their room go out together, so that from the
//! event to the first mutating call there are three round trips: observe, these, the step.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::ledger::{Lease, ServiceRecord};
use nightshift_core::outcome::{Mode, StepOutcome, StepResult};
use nightshift_core::ports::{GroupScaler, Ledger, PortError, PortErrorKind, RecheckRequest, RecheckScheduler, TaskScaler};
use nightshift_core::scale::{
    Decision, HoldReason, Observation, Placement, Plan, Reading, ServicePolicy, Step, StepTarget, TargetNow, decide,
};
use nightshift_lambda::Invocation;

use crate::deps::{Deps, Estate};
use crate::record::Remembered;
use crate::wakes::Call;
use crate::{Acted, checked, observe};

/// Steps are not begun with less time than this: one call with its retries, and the recording after it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(4);
/// A lease outlives the invocation by this, so that a step in flight at the deadline is not overtaken.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// When another invocation was first: it holds the lease until its own end, which is a minute off at most.
const BUSY_FOR: SignedDuration = SignedDuration::from_mins(1);

/// One look at one service: who looks, for whom, and what was seen.
pub(crate) struct Look<'l, E> {
    pub invocation: &'l Invocation,
    pub deps: &'l Deps<E>,
    pub call: &'l Call<'l>,
    pub seen: &'l Observation,
    pub policy: &'l ServicePolicy<'l>,
}

pub(crate) async fn carry_out<E: Estate>(look: &Look<'_, E>, plan: Plan) -> Acted {
    let seen = look.seen;
    if plan.steps.is_empty() && !plan.needs_placement {
        return nothing(plan, Remembered::unchanged(seen));
    }
    match &seen.ledger {
        Ok(view) => with_lease(look, plan, &view.record).await,
        // Nothing to claim: what only the room on instances could ask for waits for the ledger.
        Err(_) if plan.steps.is_empty() => nothing(plan, Remembered::Untouchable),
        Err(_) => without_ledger(look, plan).await,
    }
}

async fn with_lease<E: Estate>(look: &Look<'_, E>, plan: Plan, record: &ServiceRecord) -> Acted {
    let Look { invocation, deps, call, seen, .. } = *look;
    let now = invocation.now();
    let settled = record.settled(|target| seen.target.as_ref().ok().and_then(|seen| seen.desired_of(target)));
    let lease =
        Lease { owner: invocation.request_id.clone(), until: invocation.deadline.saturating_add(LEASE_MARGIN).unwrap_or(Timestamp::MAX) };
    let begun = match plan.main_step() {
        Some(step) => settled.begun(lease, &plan, step, now),
        None => settled.leased_by(lease),
    };
    let (stored, fresh, placement) = tokio::join!(
        deps.estate.ledger().store(&call.key, record.version, &begun),
        observe::target(&deps.estate, &call.service.runs_on),
        look.placement(&plan),
    );
    if let Err(error) = stored {
        return not_leased(plan, error, now);
    }
    let plan = look.with_room(plan, placement.as_ref());
    let steps = look.take_steps(&plan, fresh.as_ref()).await;
    Acted { plan, placement, steps, remembered: Remembered::Begun(begun), troubles: Vec::new() }
}

/// The lease was not to be had: somebody else was first, or the ledger failed between reading and writing.
fn not_leased(plan: Plan, error: PortError, now: Timestamp) -> Acted {
    let until = now.saturating_add(BUSY_FOR).unwrap_or(Timestamp::MAX);
    match error.kind {
        PortErrorKind::Conflict => nothing(plan.held(HoldReason::Busy { until }, Some(until)), Remembered::Contended),
        kind => {
            let held = plan.held(HoldReason::LedgerUnavailable { kind }, Some(until));
            Acted { troubles: vec![error], ..nothing(held, Remembered::Untouchable) }
        }
    }
}

/// Growing without memory: the arrangement of the next look, whose name only this alarm transition has, stands in for the
/// claim. If it is arranged already, this transition was acted on already.
async fn without_ledger<E: Estate>(look: &Look<'_, E>, plan: Plan) -> Acted {
    let Look { invocation, deps, call, seen, .. } = *look;
    let request = RecheckRequest {
        key: call.key.clone(),
        at: plan.look_again_at.unwrap_or(seen.at),
        attempt: call.attempt + 1,
        because: "without_ledger".to_owned(),
        token: call.wake.key.clone(),
    };
    let (claimed, fresh, placement) = tokio::join!(
        deps.estate.rechecks().schedule(&request, &invocation.function_arn),
        observe::target(&deps.estate, &call.service.runs_on),
        look.placement(&plan),
    );
    let kind = seen.ledger.as_ref().err().map_or(PortErrorKind::Unavailable, |error| error.kind);
    match claimed {
        Ok(()) => {
            let plan = look.with_room(plan, placement.as_ref());
            let steps = look.take_steps(&plan, fresh.as_ref()).await;
            // A ledger that was only out of breath still learns of it, so that cooldown and budget hold from now on.
            let late = deps.estate.ledger().read(&call.key).await.ok().map(|view| view.record);
            Acted { plan, placement, steps, remembered: Remembered::Arranged { at: request.at, late }, troubles: Vec::new() }
        }
        Err(error) if error.kind == PortErrorKind::Conflict => {
            let again = plan.look_again_at;
            nothing(plan.held(HoldReason::LedgerUnavailable { kind }, again), Remembered::Arranged { at: request.at, late: None })
        }
        Err(error) => {
            let again = plan.look_again_at;
            let held = plan.held(HoldReason::LedgerUnavailable { kind }, again);
            Acted { troubles: vec![error], ..nothing(held, Remembered::Untouchable) }
        }
    }
}

impl<E: Estate> Look<'_, E> {
    async fn placement(&self, plan: &Plan) -> Option<Reading<Placement>> {
        match plan.needs_placement {
            true => Some(observe::placement(&self.deps.estate, &self.call.service.runs_on, self.seen).await),
            false => None,
        }
    }

    /// The plan made again with the room on the instances; what it wishes for the tasks stays the same.
    fn with_room(&self, plan: Plan, placement: Option<&Reading<Placement>>) -> Plan {
        let Some(placement) = placement else { return plan };
        let seen = Observation { placement: Some(placement.clone()), ..self.seen.clone() };
        checked(decide(&self.call.wake, &seen, self.policy, seen.at), &seen, self.policy, seen.at)
    }

    /// Takes the steps in order. One that cannot be taken does not stop the next: tasks may be wished although their
    /// instances could not be, since they wait for room by themselves.
    async fn take_steps(&self, plan: &Plan, fresh: Result<&TargetNow, &PortError>) -> Vec<StepOutcome> {
        let mut outcomes = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let result = match guard(step, fresh) {
                Some(stopped) => stopped,
                None if self.invocation.time_left() < TIME_FOR_A_STEP => StepResult::OutOfTime,
                None if self.deps.config.mode == Mode::Observe => StepResult::WouldHaveDone,
                None => take(self.deps, step).await,
            };
            outcomes.push(StepOutcome { step: step.clone(), result });
        }
        outcomes
    }
}

/// The last look: a value other than the one that was planned on stops the step. A look that failed stops taking away only.
fn guard(step: &Step, fresh: Result<&TargetNow, &PortError>) -> Option<StepResult> {
    match fresh {
        Ok(target) => match target.desired_of(&step.target) {
            Some(now) if now == step.from => None,
            Some(now) => Some(StepResult::WorldMoved { now }),
            None => Some(StepResult::NotTried { why: "it is not there any more".to_owned() }),
        },
        Err(_) if step.to > step.from => None,
        Err(error) => Some(StepResult::Failed { error: error.clone() }),
    }
}

async fn take<E: Estate>(deps: &Deps<E>, step: &Step) -> StepResult {
    let taken = match &step.target {
        StepTarget::Tasks(service) => deps.estate.tasks().set_desired_tasks(service, step.to).await,
        StepTarget::Group(group) => deps.estate.groups().set_group_capacity(group, step.to).await,
    };
    match taken {
        Ok(()) => StepResult::Done,
        Err(error) => StepResult::Failed { error },
    }
}

fn nothing(plan: Plan, remembered: Remembered) -> Acted {
    debug_assert!(plan.decision == Decision::Hold || plan.steps.is_empty());
    Acted { plan, placement: None, steps: Vec::new(), remembered, troubles: Vec::new() }
}
