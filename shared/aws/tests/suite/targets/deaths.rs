use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::RolloutNow;
use nightshift_core::release::ports::TargetReader;
use serde_json::{Value, json};

use super::super::recorded::{Recorded, kind_of, wait};
use super::{WEB_7, WEB_8, deployment, described, targets, tasks};

const SINCE: i64 = 1_795_176_000;

fn rollout(recorded: &Recorded) -> PortResult<RolloutNow> {
    let since = jiff::Timestamp::from_second(SINCE).unwrap();
    wait(targets(recorded).rollout(&tasks(), "ecs-svc/2", WEB_8, since))
}

/// A service that rolls web:8 out, without a history of deployments.
fn rolling() -> Recorded {
    let deployments =
        json!([deployment("2", "PRIMARY", WEB_8, "IN_PROGRESS", "", 1), deployment("1", "ACTIVE", WEB_7, "COMPLETED", "", 3)]);
    let now = described(json!({ "taskDefinition": WEB_8, "deployments": deployments }));
    Recorded::default().json("DescribeServices", now).json("ListServiceDeployments", json!({ "serviceDeployments": [] }))
}

fn with_tasks(tasks: &[Value]) -> Recorded {
    let arns: Vec<String> = (0..tasks.len()).map(|number| format!("task/{number}")).collect();
    rolling().json("ListTasks", json!({ "taskArns": arns })).json("DescribeTasks", json!({ "tasks": tasks, "failures": [] }))
}

/// A task of web:8 that had started and stopped a minute after the roll-out began.
fn task(code: &str, reason: &str) -> Value {
    json!({
        "taskDefinitionArn": WEB_8, "startedAt": SINCE + 10, "stoppedAt": SINCE as f64 + 60.5, "stopCode": code, "stoppedReason": reason,
        "containers": [{ "name": "web", "exitCode": 0 }],
    })
}

fn changed(mut task: Value, name: &str, value: Value) -> Value {
    task[name] = value;
    task
}

#[test]
fn deaths_are_told_from_what_deployments_and_people_stop() {
    let exited = || task("EssentialContainerExited", "Essential container in task exited");
    let table = [
        (exited(), 1),
        (task("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:x)"), 1),
        (task("ServiceSchedulerInitiated", "Task failed container health checks"), 1),
        (task("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/3)"), 0),
        (task("ServiceSchedulerInitiated", "Deployment completed"), 0),
        (task("UserInitiated", "Task stopped by user"), 0),
        (task("SpotInterruption", "Your Spot Task was interrupted."), 0),
        (task("TerminationNotice", "Host is going away"), 0),
        (task("InfrastructureHealth", "Hardware"), 0),
        (task("TaskFailedToStart", "CannotPullContainerError: no such image"), 0),
        (task("SomethingNew", "what is that"), 1),
        (changed(exited(), "stopCode", Value::Null), 1),
        (changed(task("x", "Scaling activity initiated by deployment"), "stopCode", Value::Null), 0),
        (changed(exited(), "startedAt", Value::Null), 0),
        (changed(exited(), "taskDefinitionArn", json!(WEB_7)), 0),
        (changed(exited(), "stoppedAt", json!(SINCE - 1)), 0),
        (changed(exited(), "stoppedAt", json!("at some time")), 0),
        // Still being cleaned up: it began to stop, but has no end.
        (changed(changed(exited(), "stoppedAt", Value::Null), "stoppingAt", json!(SINCE + 50)), 1),
    ];
    for (task, expected) in table {
        assert_eq!(rollout(&with_tasks(std::slice::from_ref(&task))).unwrap().died, expected, "{task}");
    }
}

#[test]
fn the_words_say_why_the_newest_died_and_what_could_not_start() {
    let died = |reason: &str, at: i64| changed(task("EssentialContainerExited", reason), "stoppedAt", json!(SINCE + at));
    let unstarted = task("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets");
    let crashed = json!([{ "name": "log", "exitCode": 0 }, { "name": "web", "exitCode": 137, "reason": "OutOfMemoryError: killed" }]);
    let tasks =
        [changed(died("Essential container in task exited", 70), "containers", crashed), died("older", 65), unstarted.clone(), unstarted];
    let now = rollout(&with_tasks(&tasks)).unwrap();
    let expected = "in progress; 1 of 4 tasks run; 2 died after they had started (Essential container in task exited; container web \
                    ended with exit code 137: OutOfMemoryError: killed); 2 could not be started (ResourceInitializationError: unable to \
                    pull secrets)";
    assert_eq!((now.died, now.words.as_str()), (2, expected));
}

#[test]
fn more_than_a_hundred_tasks_are_all_counted() {
    let arns = |numbers: std::ops::Range<usize>| numbers.map(|number| format!("task/{number}")).collect::<Vec<_>>();
    let described = |count: usize| {
        let tasks = vec![task("EssentialContainerExited", "exited"); count];
        json!({ "tasks": tasks, "failures": [] })
    };
    let recorded = rolling()
        .json("ListTasks", json!({ "taskArns": arns(0..100), "nextToken": "t" }))
        .json("ListTasks", json!({ "taskArns": arns(100..130) }))
        .json("DescribeTasks", described(100))
        .json("DescribeTasks", described(30));
    assert_eq!(rollout(&recorded).unwrap().died, 130);
    assert_eq!(recorded.asked_for("ListTasks")[1].json()["nextToken"], "t");
    let first = json!({ "cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED" });
    assert_eq!(recorded.asked_for("ListTasks")[0].json(), first);
    let batches: Vec<usize> =
        recorded.asked_for("DescribeTasks").iter().map(|asked| asked.json()["tasks"].as_array().unwrap().len()).collect();
    assert_eq!(batches, [100, 30]);
}

#[test]
fn no_stopped_tasks_are_described_by_no_call() {
    let recorded = rolling().json("ListTasks", json!({ "taskArns": [] }));
    assert_eq!(rollout(&recorded).unwrap().died, 0);
    assert!(recorded.asked_for("DescribeTasks").is_empty());
}

#[test]
fn a_task_that_ecs_forgot_is_no_failure_but_any_other_failed_item_is() {
    let answered = |reason: &str| {
        let failures = json!([{ "arn": "task/1", "reason": reason }]);
        let tasks = json!([task("EssentialContainerExited", "exited")]);
        let recorded = rolling().json("ListTasks", json!({ "taskArns": ["task/0", "task/1"] }));
        rollout(&recorded.json("DescribeTasks", json!({ "tasks": tasks, "failures": failures })))
    };
    assert_eq!(answered("MISSING").unwrap().died, 1);
    assert_eq!(kind_of(answered("INTERNAL")), PortErrorKind::Unavailable);
    let recorded = rolling().json("ListTasks", json!({}));
    assert_eq!(kind_of(rollout(&recorded)), PortErrorKind::Unavailable, "a list that is missing is not an empty one");
    let throttled = (0..3).fold(rolling(), |recorded, _| recorded.json_error("ListTasks", "ThrottlingException", "Rate exceeded"));
    assert_eq!(kind_of(rollout(&throttled)), PortErrorKind::Throttled);
}
