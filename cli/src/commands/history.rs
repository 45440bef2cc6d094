//! `nightshift history`: what was done with a service, what was not, and why.

use jiff::Timestamp;
use nightshift_core::fleet::Seconds;
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::outcome::StepOutcome;
use nightshift_core::ports::{PortError, PortResult};
use nightshift_core::scale::{HoldReason, StepTarget, Warning};
use serde::de::DeserializeOwned;

use crate::args::HistoryArgs;
use crate::aws::{OpenLedger, block_on};
use crate::books::HistoryBook;
use crate::exit::Exit;
use crate::times::{before, moment, second};
use crate::world::World;

/// How the history is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A line each.
    Lines,
    /// A line each, and what is behind it.
    Why,
    /// A JSON object each.
    Json,
}

pub(crate) fn run(args: &HistoryArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let shown = match (args.json, args.why) {
        (true, _) => Shown::Json,
        (false, true) => Shown::Why,
        (false, false) => Shown::Lines,
    };
    let wish = Wish { key: &args.service, since: args.since, limit: args.limit, shown };
    block_on(history(&ledger.dynamo, &wish, world))?.map_err(|error| ledger.failed(&error))
}

/// What is asked of the history.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Of which service.
    pub key: &'a ServiceKey,
    /// How far back.
    pub since: Seconds,
    /// The most entries.
    pub limit: u32,
    /// How.
    pub shown: Shown,
}

/// Shows the history of a service, newest first.
pub async fn history(book: &impl HistoryBook, wish: &Wish<'_>, world: &mut World<'_>) -> PortResult<Exit> {
    let entries = book.entries(wish.key, before(world.now, wish.since), wish.limit as usize).await?;
    if entries.is_empty() {
        let (key, since) = (wish.key, wish.since);
        world.complain(format!("nothing is recorded of {key} in the last {since}; look further back with --since 7d, or check the name"));
    }
    let width = entries.iter().map(|entry| entry.decision.len()).max().unwrap_or_default().max(SCALE_DECISION);
    for entry in &entries {
        match wish.shown {
            Shown::Json => world.say(serde_json::json!(entry).to_string()),
            Shown::Lines => world.say(line(entry, width)),
            Shown::Why => {
                world.say(line(entry, width));
                for detail in details(entry, world) {
                    world.say(format!("    {detail}"));
                }
            }
        }
    }
    if entries.len() == wish.limit as usize && wish.shown != Shown::Json {
        world.complain(format!("{} entries are shown; see more with --limit", entries.len()));
    }
    Ok(Exit::Fine)
}

/// The longest decision on a size, `shrink`; those on releases are longer.
const SCALE_DECISION: usize = 6;

/// Time, decision, from -> to, reason.
fn line(entry: &HistoryEntry, width: usize) -> String {
    let steps: Vec<StepOutcome> = part(entry, "steps");
    let change = steps.iter().find(|step| matches!(step.step.target, StepTarget::Tasks(_))).or_else(|| steps.first());
    let change = change.map(|StepOutcome { step, .. }| format!("{} -> {}", step.from, step.to)).unwrap_or_else(|| "-".to_owned());
    // The stored sentence begins with the steps, which stand here already; what became of them is news only if they failed.
    let is_unfinished = part::<String>(entry, "ending") == "unfinished";
    let text = Some(part::<String>(entry, "text")).filter(|text| !text.is_empty() && !is_unfinished);
    let (text, mode) = (text.as_ref().unwrap_or(&entry.text), if entry.mode == "observe" { " (observe)" } else { "" });
    format!("{}  {:<width$} {change:<10} {}: {text}{mode}", second(entry.at), entry.decision, entry.reason)
}

/// What is behind a decision.
fn details(entry: &HistoryEntry, world: &World<'_>) -> Vec<String> {
    let steps: Vec<String> = part::<Vec<StepOutcome>>(entry, "steps").iter().map(StepOutcome::sentence).collect();
    let withheld = part::<Vec<HoldReason>>(entry, "withheld");
    let warnings = part::<Vec<Warning>>(entry, "warnings");
    // The error of a step stands in the step's own sentence.
    let errors = part::<Vec<PortError>>(entry, "errors").iter().map(PortError::to_string).collect::<Vec<_>>();
    let beside = errors.iter().filter(|error| !steps.iter().any(|step| step.contains(*error)));

    let mut details: Vec<String> = steps.iter().map(|step| format!("step      {step}")).collect();
    details.extend(withheld.iter().map(|reason| format!("withheld  {}: {reason}", reason.code())));
    details.extend(warnings.iter().map(|warning| format!("warning   {}: {warning}", warning.code())));
    details.extend(beside.map(|error| format!("error     {error}")));
    if let Some(at) = part::<Option<Timestamp>>(entry, "look_again_at") {
        details.push(format!("next look {}", moment(at, &world.zone)));
    }
    details.push(format!("plan      {} ({})", entry.plan_id, entry.mode));
    details
}

/// A part of the stored outcome; empty where an older version stored something else.
fn part<T: DeserializeOwned + Default>(entry: &HistoryEntry, name: &str) -> T {
    entry.outcome.get(name).and_then(|part| serde_json::from_value(part.clone()).ok()).unwrap_or_default()
}
