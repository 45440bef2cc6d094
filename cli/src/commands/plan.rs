//! `nightshift plan`: what the function would do with a service now, seen and decided as it sees and decides.
//!
//! Must never act: the estate here has nobody who schedules or tells, and no step is ever taken.

use jiff::Timestamp;
use nightshift_aws::{AutoScalingGroups, CloudWatch, DynamoLedger, EcsServices, Keep};
use nightshift_core::fleet::{Fleet, RuleName, Service};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::scale::{Observation, Plan, ServicePolicy, TargetNow, Wake, WakeKind, decide};
use nightshift_scale::{Estate, checked, observe, placement};
use serde_json::json;

use crate::args::PlanArgs;
use crate::aws::{self, ONE_CALL, block_on};
use crate::commands::replay::run_replay;
use crate::exit::Exit;
use crate::fleet_files;
use crate::scope::known_service;
use crate::times::moment;
use crate::trouble::{Usage, ledger_failed, sentence};
use crate::world::World;

pub(crate) fn run(args: &PlanArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = fleet_files::read(std::slice::from_ref(&args.fleet))?;
    let key = &args.service;
    let found = read.fleets.service(key.system.as_str(), key.service.as_str());
    let (fleet, _, service) = match (found, known_service(key, &read.fleets)) {
        (Some(found), _) => found,
        (None, unknown) => return Err(Usage(unknown.err().unwrap_or_default()).into()),
    };
    match &args.replay {
        Some(file) => run_replay(file, key, service, world),
        None => run_now(args, fleet, service, world),
    }
}

fn run_now(args: &PlanArgs, fleet: &Fleet, service: &Service, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let table = aws::table(&args.ledger, world)?;
    let config = aws::sdk(&args.ledger.aws, ONE_CALL, world)?;
    let region = aws::region_of(&config);
    if !fleet.regions.contains(&region) {
        let regions = fleet.regions.join(", ");
        return Err(Usage(format!("{} does not run in {region}; give --region one of {regions}", fleet.system)).into());
    }
    let estate = Watched {
        cloudwatch: CloudWatch::new(&config),
        ecs: EcsServices::new(&config),
        groups: AutoScalingGroups::new(&config),
        ledger: DynamoLedger::new(&config, &table, Keep::default()),
        nobody: Nobody,
    };
    let planned = block_on(plan_now(&estate, &args.service, service, world.now))?;
    if let Some(error) = planned.seen.ledger.as_ref().err().filter(|error| error.kind == PortErrorKind::NotFound) {
        return Err(ledger_failed(error, &table));
    }
    match args.json {
        true => world.say(json!({ "plan": planned.plan, "wake": planned.wake, "observation": planned.seen }).to_string()),
        false => planned.show(&region, service, world),
    }
    Ok(planned.exit())
}

/// A plan and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What was taken as the signal: a tick, which asks for nothing by itself.
    pub wake: Wake,
    /// What was seen.
    pub seen: Observation,
}

/// Observes and decides, as the function does when the clock wakes it; with the room on the instances where the plan needs it.
pub async fn plan_now<E: Estate>(estate: &E, key: &ServiceKey, service: &Service, now: Timestamp) -> Planned {
    let wake = Wake { key: format!("plan/{}", now.as_second()), kind: WakeKind::Tick };
    let policy = ServicePolicy::at(key.clone(), service, now);
    let mut seen = observe(estate, &policy, now).await;
    let mut plan = checked(decide(&wake, &seen, &policy, now), &seen, &policy, now);
    if plan.needs_placement {
        seen.placement = Some(placement(estate, &service.runs_on, &seen).await);
        plan = checked(decide(&wake, &seen, &policy, now), &seen, &policy, now);
    }
    Planned { plan, wake, seen }
}

impl Planned {
    /// Shows it to a person.
    pub fn show(&self, region: &str, service: &Service, world: &mut World<'_>) {
        world.say(format!("{} in {region}, seen at {}", self.plan.key, moment(self.seen.at, &world.zone)));
        if let Ok(target) = &self.seen.target {
            world.say(format!("  {}", size(target)));
        }
        let bounds = service.bounds_at(self.seen.at);
        world.say(format!("  bounds {} ({})", bounds.bounds, bounds.because));
        if let Some(set) = self.seen.ledger.as_ref().ok().and_then(|view| view.bounds_override.as_ref()).filter(|set| set.until > world.now)
        {
            world.say(format!("  bounds {} set by {} until {} ({})", set.bounds, set.by, moment(set.until, &world.zone), set.why));
        }
        for rule in &service.rules {
            world.say(format!("  rule {}: {}", rule.name, self.judged_by(&rule.name)));
        }
        for (what, error) in self.unread() {
            world.complain(format!("  {what} could not be read: {}", sentence(error)));
        }
        world.say("");
        world.say(self.plan.to_string().trim_end());
        world.say("nothing was done: this is what the function would do if it woke now");
    }

    /// A plan on half an observation is shown, but scripts are told. Who else scales a service is not asked everywhere.
    pub fn exit(&self) -> Exit {
        let is_telling = self.unread().iter().any(|(what, _)| *what != OTHER_SCALER);
        if is_telling { Exit::Problems } else { Exit::Fine }
    }

    /// The state of a rule's alarm and the newest value of its metric.
    fn judged_by(&self, rule: &RuleName) -> String {
        let alarm = match self.seen.alarms.as_ref().map(|alarms| alarms.get(rule)) {
            Err(_) => "alarm not read".to_owned(),
            Ok(None) => "its alarm does not exist; run: nightshift alarms sync".to_owned(),
            Ok(Some(alarm)) => alarm.state.to_string(),
        };
        let value = self.seen.metrics.as_ref().ok().and_then(|metrics| metrics.get(rule));
        match value {
            Some(value) => format!("{alarm}, newest value {}", (value.value * 10_000.0).round() / 10_000.0),
            None => alarm,
        }
    }

    fn unread(&self) -> Vec<(&'static str, &PortError)> {
        let Observation { alarms, metrics, target, other_scaler, ledger, placement, .. } = &self.seen;
        let parts = [
            ("the alarms", alarms.as_ref().err()),
            ("the metrics", metrics.as_ref().err()),
            ("the service", target.as_ref().err()),
            (OTHER_SCALER, other_scaler.as_ref().err()),
            ("the ledger", ledger.as_ref().err()),
            ("the room on the instances", placement.as_ref().and_then(|placement| placement.as_ref().err())),
        ];
        parts.into_iter().filter_map(|(what, error)| Some((what, error?))).collect()
    }
}

const OTHER_SCALER: &str = "who else scales it";

fn size(target: &TargetNow) -> String {
    let tasks = target.tasks().map(|tasks| format!("{} tasks wished, {} running, {} pending", tasks.desired, tasks.running, tasks.pending));
    let group = target
        .group()
        .map(|group| format!("{} instances wished, {} in service ({}-{})", group.desired, group.in_service, group.min, group.max));
    let rollout = target.rollout().map(|rollout| format!("{rollout} in progress"));
    [tasks, group, rollout].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// The estate to look at.
struct Watched {
    cloudwatch: CloudWatch,
    ecs: EcsServices,
    groups: AutoScalingGroups,
    ledger: DynamoLedger,
    nobody: Nobody,
}

impl Estate for Watched {
    type Alarms = CloudWatch;
    type Tasks = EcsServices;
    type Groups = AutoScalingGroups;
    type Memory = DynamoLedger;
    type Rechecks = Nobody;
    type People = Nobody;

    fn alarms(&self) -> &CloudWatch {
        &self.cloudwatch
    }
    fn tasks(&self) -> &EcsServices {
        &self.ecs
    }
    fn groups(&self) -> &AutoScalingGroups {
        &self.groups
    }
    fn ledger(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn rechecks(&self) -> &Nobody {
        &self.nobody
    }
    fn people(&self) -> &Nobody {
        &self.nobody
    }
}

/// Whoever looks only, schedules nothing and tells nobody.
struct Nobody;

impl RecheckScheduler for Nobody {
    async fn schedule(&self, _: &RecheckRequest, _: &str) -> PortResult<()> {
        Err(PortError::new(PortErrorKind::Denied, "scheduler:CreateSchedule", "nightshift plan does nothing"))
    }
}

impl Messenger for Nobody {
    async fn publish(&self, _: &str, _: &Message) -> PortResult<()> {
        Err(PortError::new(PortErrorKind::Denied, "sns:Publish", "nightshift plan does nothing"))
    }
}
