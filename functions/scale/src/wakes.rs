//! Which services an event concerns, and the one answer that comes of all of them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleet, Fleets, Service, ServiceName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::outcome::{Ending, Outcome};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::scale::{HoldReason, Wake, WakeKind};
use nightshift_core::signal::{AlarmSignal, Parsed, RecheckSignal, Signal};
use nightshift_lambda::{HandlerError, one_answer};
use serde_json::{Value, json};

/// A tick looks at services whose calendar spoke within this time: ticks may come late, or once not at all.
const CALENDAR_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Every service is looked at once in so many minutes, whatever happens: alarm events can be lost.
const SWEEP_MINUTES: i64 = 5;
/// Of events that wake another function, or none.
const AIM_BETTER: &str =
    "Narrow the EventBridge rule to detail-type \"CloudWatch Alarm State Change\", or call the function that it is for.";

/// One service to look at.
pub(crate) struct Call<'a> {
    pub key: ServiceKey,
    pub fleet: &'a Fleet,
    pub service: &'a Service,
    pub wake: Wake,
    /// How many looks in a row this is.
    pub attempt: u32,
    /// The SQS message that asked for it.
    pub message_id: Option<String>,
}

/// What an event asks for.
pub(crate) struct Wakes<'a> {
    calls: Vec<Call<'a>>,
    ignored: Vec<Value>,
    is_queue: bool,
}

impl<'a> Wakes<'a> {
    pub(crate) fn of(parsed: &Parsed, fleets: &'a Fleets, region: &str, now: Timestamp) -> Self {
        let mut wakes = Self { calls: Vec::new(), ignored: Vec::new(), is_queue: false };
        for record in &parsed.records {
            wakes.is_queue |= record.message_id.is_some();
            let before = wakes.calls.len();
            match &record.result {
                Err(ignored) if ignored.is_of_another_kind() => wakes.not_an_alarm(ignored),
                Err(ignored) => wakes.ignore(ignored.code(), format!("{ignored}. {}", ignored.remedy())),
                Ok(Signal::Alarm(alarm)) => wakes.alarm(alarm, fleets, region),
                Ok(Signal::Recheck(recheck)) => wakes.recheck(recheck, fleets),
                Ok(Signal::CalendarTick) => wakes.tick(fleets, region, now),
                Ok(
                    other @ (Signal::Image(_)
                    | Signal::Service(_)
                    | Signal::Refresh(_)
                    | Signal::Secret(_)
                    | Signal::Object(_)
                    | Signal::Report(_)
                    | Signal::Release(_)
                    | Signal::FrontEnd(_)
                    | Signal::Pipeline(_)),
                ) => wakes.not_an_alarm(other),
            }
            for call in wakes.calls.iter_mut().skip(before) {
                call.message_id.clone_from(&record.message_id);
            }
        }
        wakes
    }

    pub(crate) fn calls(&self) -> &[Call<'a>] {
        &self.calls
    }

    /// The answers of the records that concern no service.
    pub(crate) fn ignored(&self) -> &[Value] {
        &self.ignored
    }

    fn alarm(&mut self, alarm: &AlarmSignal, fleets: &'a Fleets, region: &str) {
        if let Some(other) = alarm.region.as_deref().filter(|other| *other != region) {
            return self.ignore("other_region", format!("alarm {} is of {other}, this is {region}", alarm.alarm_name));
        }
        let concerned = fleets.services_for_alarm(&alarm.alarm_name);
        let before = self.calls.len();
        for (fleet, name, service, rule) in concerned.into_iter().filter(|(fleet, ..)| runs_here(fleet, region)) {
            let key = ServiceKey { system: fleet.system.clone(), service: name.clone() };
            let known = self.calls.iter_mut().skip(before).find(|call| call.key == key);
            if let Some(WakeKind::Alarm { rules, .. }) = known.map(|call| &mut call.wake.kind) {
                rules.push(rule.name.clone());
                continue;
            }
            let kind = WakeKind::Alarm {
                rules: vec![rule.name.clone()],
                alarm: alarm.alarm_name.clone(),
                state: alarm.state,
                changed_at: alarm.state_changed_at,
            };
            self.calls.push(call(fleet, name, service, Wake { key: alarm.key(), kind }, 0));
        }
        if self.calls.len() == before {
            self.ignore("not_ours", format!("no rule of the fleet files stands on alarm {}", alarm.alarm_name));
        }
    }

    fn recheck(&mut self, recheck: &RecheckSignal, fleets: &'a Fleets) {
        let Some((fleet, name, service)) = fleets.service(&recheck.system, &recheck.service) else {
            return self.ignore("not_ours", format!("{}/{} is no longer in the fleet files", recheck.system, recheck.service));
        };
        let wake = Wake { key: recheck.key(), kind: WakeKind::Recheck { attempt: recheck.attempt } };
        self.calls.push(call(fleet, name, service, wake, recheck.attempt));
    }

    /// Services whose calendar spoke lately, and those whose turn it is to be swept.
    fn tick(&mut self, fleets: &'a Fleets, region: &str, now: Timestamp) {
        let minute = now.as_second().div_euclid(60);
        let since = now.checked_sub(CALENDAR_WINDOW).unwrap_or(Timestamp::MIN);
        let here = fleets.iter().filter(|fleet| runs_here(fleet, region));
        let services = here.flat_map(|fleet| fleet.services.iter().map(move |(name, service)| (fleet, name, service)));
        // Numbered across systems: counted from nought in each, the first services of all systems would have the same minute.
        for (index, (fleet, name, service)) in (0_i64..).zip(services) {
            let is_turn = minute.rem_euclid(SWEEP_MINUTES) == index.rem_euclid(SWEEP_MINUTES);
            if is_turn || service.calendar_changed_between(since, now) {
                let wake = Wake { key: format!("tick/{minute}"), kind: WakeKind::Tick };
                self.calls.push(call(fleet, name, service, wake, 0));
            }
        }
    }

    /// What wakes another function, or none: this one's rule is too wide.
    fn not_an_alarm(&mut self, what: impl fmt::Display) {
        self.ignore("not_an_alarm", format!("not for this function: {what}. {AIM_BETTER}"));
    }

    fn ignore(&mut self, reason: &str, text: String) {
        self.ignored.push(json!({ "decision": "hold", "reason": reason, "text": text, "steps": [], "plan_id": null }));
    }

    /// The function's answer: the first outcome's fields, all of them under `outcomes`, and for queues what is to be redelivered.
    pub(crate) fn answer(mut self, outcomes: Vec<(Option<String>, Outcome)>) -> Result<Value, HandlerError> {
        let failed = |outcome: &Outcome| failure(outcome).is_some();
        let mut answers: Vec<Value> = outcomes.iter().map(|(_, outcome)| outcome.to_answer()).collect();
        answers.append(&mut self.ignored);
        if self.is_queue {
            let redeliver = outcomes.iter().filter(|(_, outcome)| failed(outcome)).filter_map(|(id, _)| id.as_ref());
            let failures: Vec<Value> = redeliver.map(|id| json!({ "itemIdentifier": id })).collect();
            return Ok(one_answer(answers, "no service is concerned", json!({ "batchItemFailures": failures })));
        }
        let failures: Vec<&Outcome> = outcomes.iter().map(|(_, outcome)| outcome).filter(|outcome| failed(outcome)).collect();
        match failures.first().and_then(|first| failure(first)) {
            None => Ok(one_answer(answers, "no service is concerned", json!({}))),
            Some(error) => Err(named_after(error, &failures)),
        }
    }
}

fn call<'a>(fleet: &'a Fleet, name: &ServiceName, service: &'a Service, wake: Wake, attempt: u32) -> Call<'a> {
    let key = ServiceKey { system: fleet.system.clone(), service: name.clone() };
    Call { key, fleet, service, wake, attempt, message_id: None }
}

fn runs_here(fleet: &Fleet, region: &str) -> bool {
    fleet.regions.iter().any(|own| own == region)
}

/// An invocation fails where Lambda's own retry, or a person with the failure queue, has to take over: an action that AWS
/// refused for good, or one that is unfinished with no later look arranged.
pub(crate) fn failure(outcome: &Outcome) -> Option<HandlerError> {
    let services = outcome.plan.key.to_string();
    let cause = outcome.errors().next().map_or_else(|| outcome.sentence(), ToString::to_string);
    let is_refused = outcome.errors().any(|error| error.kind == PortErrorKind::Denied);
    let reads_are_refused = matches!(outcome.plan.withheld.first(), Some(HoldReason::Unreadable { kind, .. }) if !kind.may_pass());
    if is_refused || (reads_are_refused && outcome.ending() == Ending::Held) {
        return Some(HandlerError::Refused { services, cause });
    }
    let wants_another_look = outcome.plan.look_again_at.is_some() || outcome.ending() == Ending::Unfinished;
    let is_arranged = outcome.look_again_at.is_some();
    (wants_another_look && !is_arranged).then_some(HandlerError::NotArranged { services, cause })
}

fn named_after(error: HandlerError, failures: &[&Outcome]) -> HandlerError {
    let names = failures.iter().map(|outcome| outcome.plan.key.to_string()).collect::<Vec<_>>().join(", ");
    match error {
        HandlerError::Refused { cause, .. } => HandlerError::Refused { services: names, cause },
        HandlerError::NotArranged { cause, .. } => HandlerError::NotArranged { services: names, cause },
        other @ (HandlerError::Configuration { .. } | HandlerError::OutOfTime | HandlerError::Rotation { .. }) => other,
    }
}
