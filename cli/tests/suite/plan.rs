//! `plan` on a fake estate that nobody may touch, and `--replay` of what was recorded.

use insta::assert_snapshot;
use jiff::SignedDuration;
use nightshift_cli::{Exit, Planned, plan_now, replay};
use nightshift_core::fleet::{Fleets, TaskCount};
use nightshift_core::ledger::{HistoryEntry, LedgerView, Mark, Pause, ServiceRecord};
use nightshift_core::outcome::{Mode, Outcome, StepOutcome, StepResult};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::scale::InstanceRoom;

use crate::fakes::Looked;
use crate::stage::{Played, Stage, good_fleets, key, now, wait};

fn planned(estate: &Looked, service: &str, fleets: &Fleets) -> Planned {
    let key = key(service);
    let (_, _, service) = fleets.service(key.system.as_str(), key.service.as_str()).unwrap();
    wait(plan_now(estate, &key, service, now()))
}

fn shown(estate: &Looked, service: &str) -> Played {
    let fleets = good_fleets();
    let planned = planned(estate, service, &fleets);
    let key = key(service);
    let (_, _, service) = fleets.service(key.system.as_str(), key.service.as_str()).unwrap();
    Stage::new().play(|world| {
        planned.show("us-east-1", service, world);
        planned.exit()
    })
}

fn busy() -> Looked {
    Looked { in_alarm: vec!["nightshift-shop-api-busy"], value: 90.0, ..Looked::quiet() }
}

/// As the function records it.
pub fn recorded(estate: &Looked, mode: Mode, result: StepResult) -> HistoryEntry {
    let Planned { plan, wake, seen } = planned(estate, "shop/api", &good_fleets());
    let steps = plan.steps.iter().map(|step| StepOutcome { step: step.clone(), result: result.clone() }).collect();
    let look_again_at = plan.look_again_at;
    Outcome { at: now(), mode, wake, plan, steps, look_again_at, troubles: Vec::new() }.to_history(&seen)
}

#[test]
fn a_busy_service_would_grow() {
    let played = shown(&busy(), "shop/api");
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn a_paused_service_is_held_and_one_in_cooldown_too() {
    let until = now().checked_add(SignedDuration::from_hours(2)).unwrap();
    let pause = Pause { scope: "shop".to_owned(), by: "ana".to_owned(), why: "load test".to_owned(), until };
    let paused = Looked { ledger: LedgerView { pause: Some(pause), ..LedgerView::default() }, ..busy() };
    let mark = Mark { at: now(), from: TaskCount::saturating(1), to: TaskCount::saturating(2) };
    let record = ServiceRecord { version: 3, last_grow: Some(mark), ..ServiceRecord::default() };
    let cooling = Looked { ledger: LedgerView { record, ..LedgerView::default() }, ..busy() };
    assert_snapshot!([shown(&paused, "shop/api").whole(), shown(&cooling, "shop/api").whole()].join("\n"));
}

#[test]
fn what_could_not_be_read_is_told_and_is_a_problem() {
    let broken = vec![("cloudwatch:GetMetricData", PortErrorKind::Denied), ("dynamodb:BatchGetItem", PortErrorKind::Throttled)];
    let played = shown(&Looked { broken, ..busy() }, "shop/api");
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
    let elsewhere = vec![("application-autoscaling:DescribeScalableTargets", PortErrorKind::NotFound)];
    assert_eq!(shown(&Looked { broken: elsewhere, ..busy() }, "shop/api").exit, Exit::Fine);
}

#[test]
fn a_frozen_service_and_instances_in_the_middle_of_it() {
    assert_snapshot!(shown(&Looked::quiet(), "shop/worker").whole());
}

#[test]
fn the_room_on_the_instances_is_read_where_the_plan_needs_it() {
    let fleets = Fleets::from_files(vec![("worker.yaml".to_owned(), WORKER.to_owned())]).unwrap();
    let full =
        InstanceRoom { cpu_left: 0, memory_left: 0, cpu_total: 1024, memory_total: 1024, running_tasks: 2, ..InstanceRoom::default() };
    let estate = Looked { in_alarm: vec!["nightshift-shop-worker-busy"], value: 90.0, rooms: vec![full], ..Looked::quiet() };
    let planned = planned(&estate, "shop/worker", &fleets);
    assert!(planned.seen.placement.is_some());
    assert_snapshot!(planned.plan.to_string());
}

const WORKER: &str = "
version: 1
system: shop
regions: [us-east-1]
services:
  worker:
    runs_on:
      ecs: { cluster: shop, service: shop-worker }
      asg: { group: shop-instances, bounds: { min: 1, max: 3 } }
    bounds: { min: 1, max: 6 }
    rules:
      - { name: busy, when: { metric: cpu, above: 70, for: 5m }, then: { add: 1 } }
";

fn replayed(text: &str, fleets: &Fleets) -> Played {
    let key = key("shop/api");
    let (_, _, service) = fleets.service("shop", "api").unwrap();
    Stage::new().play(|world| match replay(text, &key, service, world) {
        Ok(exit) => exit,
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::Problems
        }
    })
}

fn as_text(entries: &[HistoryEntry]) -> String {
    entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
}

#[test]
fn deciding_again_on_the_same_gives_the_same() {
    let entries = [recorded(&busy(), Mode::Act, StepResult::Done), recorded(&Looked::quiet(), Mode::Act, StepResult::Done)];
    let lines = replayed(&as_text(&entries), &good_fleets());
    assert_eq!(lines.exit, Exit::Fine);
    assert_snapshot!(lines.whole());
    let array = replayed(&serde_json::to_string_pretty(&entries).unwrap(), &good_fleets());
    assert_eq!((array.exit, array.out), (Exit::Fine, lines.out));
}

#[test]
fn another_fleet_file_decides_otherwise_and_says_what() {
    let text = std::fs::read_to_string("tests/fleets/good/shop/fleet.yaml").unwrap().replace("to_target: 60", "add: 5");
    let fleets = Fleets::from_files(vec![("shop.yaml".to_owned(), text)]).unwrap();
    let played = replayed(&as_text(&[recorded(&busy(), Mode::Act, StepResult::Done)]), &fleets);
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn what_came_up_while_acting_is_no_difference() {
    let mut entry = recorded(&busy(), Mode::Act, StepResult::Done);
    (entry.decision, entry.reason) = ("hold".to_owned(), "busy".to_owned());
    entry.outcome["steps"] = serde_json::json!([]);
    let played = replayed(&as_text(&[entry]), &good_fleets());
    assert_eq!(played.exit, Exit::Fine);
    assert!(played.out.contains("not known  busy came up while acting"), "{}", played.out);
}

#[test]
fn what_is_no_history_is_refused_with_what_to_give() {
    let mut other = recorded(&busy(), Mode::Act, StepResult::Done);
    other.outcome["service"] = "web".into();
    let mut without = recorded(&busy(), Mode::Act, StepResult::Done);
    without.outcome.as_object_mut().unwrap().remove("observation");
    let texts = [String::new(), "{]".to_owned(), "{\"a\": 1}".to_owned(), as_text(&[other]), as_text(&[without])];
    let played = texts.map(|text| replayed(&text, &good_fleets()));
    assert!(played.iter().all(|played| played.exit == Exit::Problems && played.out.is_empty()));
    assert_snapshot!(played.map(|played| played.err).concat());
}

#[test]
fn the_whole_command_reads_a_file_or_standard_input() {
    let text = as_text(&[recorded(&busy(), Mode::Act, StepResult::Done)]);
    let stage = Stage::new().typing(&text);
    let piped = stage.run("plan shop/api --fleet tests/fleets/good --replay -");
    assert_eq!(piped.exit, Exit::Fine, "{}", piped.err);
    let file = std::env::temp_dir().join(format!("nightshift-replay-{}.json", std::process::id()));
    std::fs::write(&file, &text).unwrap();
    let from_file = stage.run(&format!("plan shop/api --fleet tests/fleets/good --replay {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!((from_file.exit, from_file.out), (Exit::Fine, piped.out));
    let missing = stage.run("plan shop/api --fleet tests/fleets/good --replay tests/no-such-file");
    assert!(missing.exit == Exit::Problems && missing.err.contains("tests/no-such-file could not be read"), "{}", missing.err);
}

#[test]
fn a_service_that_no_fleet_file_names_and_a_region_it_does_not_run_in_are_refused() {
    let stage = Stage::new().with("NIGHTSHIFT_TABLE", "ledger").with("AWS_ACCESS_KEY_ID", "AKIA").with("AWS_SECRET_ACCESS_KEY", "x");
    let unknown = stage.run("plan shop/ap --fleet tests/fleets/good");
    assert_eq!(
        (unknown.exit, unknown.err.as_str()),
        (Exit::WrongUsage, "error: no fleet file names the service shop/ap; did you mean shop/api?\n")
    );
    let elsewhere = stage.run("plan shop/api --fleet tests/fleets/good --region eu-west-1");
    assert_eq!(
        (elsewhere.exit, elsewhere.err.as_str()),
        (Exit::WrongUsage, "error: shop does not run in eu-west-1; give --region one of us-east-1\n")
    );
}
