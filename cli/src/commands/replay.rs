//! `nightshift plan --replay`: decides again on what the function saw then, with the fleet file as it is now.

use std::path::Path;

use anyhow::{Context, anyhow};
use nightshift_core::fleet::Service;
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::outcome::StepOutcome;
use nightshift_core::scale::{Observation, Plan, ServicePolicy, Step, Wake, decide};
use nightshift_scale::checked;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::check::counted;
use crate::exit::Exit;
use crate::times::second;
use crate::trouble::Usage;
use crate::world::World;

pub(crate) fn run_replay(file: &Path, key: &ServiceKey, service: &Service, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let mut text = String::new();
    if file == Path::new("-") {
        world.input.read_to_string(&mut text).context("standard input could not be read")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("{} could not be read", file.display()))?;
    }
    replay(&text, key, service, world)
}

/// Decides again on every entry of the text, and says what would be different.
pub fn replay(text: &str, key: &ServiceKey, service: &Service, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let (of_releases, entries): (Vec<HistoryEntry>, Vec<HistoryEntry>) = entries(text)?.into_iter().partition(is_of_release);
    if !of_releases.is_empty() {
        world.complain(format!("{} on releases left out: only those on sizes are decided again", counted(of_releases.len(), "decision")));
    }
    let mut different = 0;
    let mut same = 0;
    for entry in &entries {
        let then = Decided::then(entry, key)?;
        let policy = ServicePolicy::at(key.clone(), service, then.seen.at);
        let plan = checked(decide(&then.wake, &then.seen, &policy, then.seen.at), &then.seen, &policy, then.seen.at);
        let at = second(entry.at);
        if then.is_same(&plan) {
            same += 1;
            world.say(format!("{at}  same       {}", in_short(&entry.decision, &entry.reason, &then.steps)));
        } else if then.was_held_while_acting(&plan) {
            world.say(format!("{at}  not known  {} came up while acting, after the decision", entry.reason));
        } else {
            different += 1;
            world.say(format!("{at}  different  {}", in_short(&entry.decision, &entry.reason, &then.steps)));
            world.say("  would now be");
            for line in plan.to_string().lines() {
                world.say(format!("    {line}"));
            }
        }
        if plan.needs_placement {
            world.say("  the room on the instances was not stored with this entry, so their part is left out");
        }
    }
    world.say(format!("{}, {same} of them the same now", counted(entries.len(), "decision")));
    Ok(if different == 0 { Exit::Fine } else { Exit::Problems })
}

/// A service's history has its releases, too; those keep what they waited for and no observation.
fn is_of_release(entry: &HistoryEntry) -> bool {
    entry.outcome.get("holds").is_some()
}

/// What was decided then, and on what.
struct Decided<'a> {
    entry: &'a HistoryEntry,
    wake: Wake,
    seen: Observation,
    steps: Vec<Step>,
}

impl<'a> Decided<'a> {
    fn then(entry: &'a HistoryEntry, key: &ServiceKey) -> anyhow::Result<Self> {
        let named = |name: &str| entry.outcome.get(name).and_then(Value::as_str).unwrap_or_default();
        let stored = format!("{}/{}", named("system"), named("service"));
        if stored != key.to_string() {
            return Err(Usage(format!("the entry of {} is one of {stored}, not of {key}", entry.at)).into());
        }
        let steps: Vec<StepOutcome> = part(entry, "steps")?;
        let steps = steps.into_iter().map(|outcome| outcome.step).collect();
        Ok(Self { entry, wake: part(entry, "wake")?, seen: part(entry, "observation")?, steps })
    }

    fn is_same(&self, plan: &Plan) -> bool {
        let are_same_steps = self.steps.len() == plan.steps.len()
            && self
                .steps
                .iter()
                .zip(&plan.steps)
                .all(|(one, other)| (&one.target, one.from, one.to) == (&other.target, other.from, other.to));
        are_same_steps && self.entry.decision == plan.decision.as_str() && self.entry.reason == plan.reason_code()
    }

    /// Somebody else had the lease, or the ledger failed between reading and writing: nothing that deciding knew.
    fn was_held_while_acting(&self, plan: &Plan) -> bool {
        let came_later = ["busy", "ledger_unavailable"].contains(&self.entry.reason.as_str());
        came_later && self.entry.reason != plan.reason_code()
    }
}

fn part<T: DeserializeOwned>(entry: &HistoryEntry, name: &str) -> anyhow::Result<T> {
    let stored = entry.outcome.get(name).cloned().unwrap_or(Value::Null);
    serde_json::from_value(stored).map_err(|error| {
        anyhow!("the entry of {} cannot be decided again: its {name} is not there or of another version ({error})", entry.at)
    })
}

/// One JSON object after the other, or arrays of them.
fn entries(text: &str) -> anyhow::Result<Vec<HistoryEntry>> {
    let expected = "this is no history; give what `nightshift history <system>/<service> --json` prints";
    let mut entries = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let found = match value.context(expected)? {
            Value::Array(several) => several,
            one => vec![one],
        };
        for entry in found {
            entries.push(serde_json::from_value(entry).context(expected)?);
        }
    }
    match entries.is_empty() {
        true => Err(anyhow!("there is no entry to decide again; {expected}")),
        false => Ok(entries),
    }
}

fn in_short(decision: &str, reason: &str, steps: &[Step]) -> String {
    let steps: String = steps.iter().map(|step| format!(", {} {} -> {}", step.target, step.from, step.to)).collect();
    format!("{decision} ({reason}){steps}")
}
