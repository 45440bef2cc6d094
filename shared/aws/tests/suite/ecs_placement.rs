use nightshift_aws::EcsServices;
use nightshift_core::ports::{PortErrorKind, PortResult, TaskReader};
use nightshift_core::scale::{InstanceRoom, TaskNeed};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const LIST: &str = "ListContainerInstances";
const DESCRIBE: &str = "DescribeContainerInstances";

fn task_need(definition: Value) -> TaskNeed {
    let recorded = Recorded::default().json("DescribeTaskDefinition", json!({ "taskDefinition": definition }));
    wait(EcsServices::new(&recorded.config()).task_need("api:8")).unwrap()
}

fn rooms(recorded: &Recorded) -> PortResult<Vec<InstanceRoom>> {
    let services = EcsServices::new(&recorded.config());
    let instances = wait(services.instances("pizza"))?;
    wait(services.instance_rooms("pizza", &instances))
}

#[test]
fn a_tasks_own_figures_go_before_its_containers() {
    let need = task_need(json!({
        "networkMode": "awsvpc", "cpu": "512", "memory": "1024",
        "containerDefinitions": [
            { "cpu": 256, "memory": 900, "memoryReservation": 300, "portMappings": [{ "containerPort": 3000, "hostPort": 3000 }] },
            { "cpu": 10, "memory": 64 },
        ],
    }));
    assert_eq!(need, TaskNeed { cpu: 512, memory: 1024, host_ports: vec![], has_own_interface: true });
}

#[test]
fn without_them_the_containers_are_added_up_by_what_is_reserved() {
    let need = task_need(json!({
        "containerDefinitions": [
            {
                "cpu": 256, "memory": 900, "memoryReservation": 300,
                "portMappings": [{ "containerPort": 80, "hostPort": 8080 }, { "containerPort": 81, "hostPort": 0 }, { "containerPort": 82 }],
            },
            { "cpu": 10, "memory": 64, "portMappings": [{ "containerPort": 53, "hostPort": 53, "protocol": "udp" }] },
        ],
    }));
    assert_eq!(need, TaskNeed { cpu: 266, memory: 364, host_ports: vec![53, 8080], has_own_interface: false });
}

#[test]
fn in_host_mode_a_containers_port_is_the_hosts() {
    let mappings = json!([{ "containerPort": 80 }, { "containerPort": 81, "hostPort": 81 }]);
    let need = task_need(json!({ "networkMode": "host", "containerDefinitions": [{ "portMappings": mappings }] }));
    assert_eq!(need.host_ports, [80, 81]);
}

fn instance(fields: Value) -> Value {
    let number = |name: &str, value: u32| json!({ "name": name, "type": "INTEGER", "integerValue": value });
    let ports = |name: &str, taken: Value| json!({ "name": name, "type": "STRINGSET", "stringSetValue": taken });
    let mut instance = json!({
        "agentConnected": true, "pendingTasksCount": 1, "runningTasksCount": 2, "status": "ACTIVE",
        "registeredResources": [number("CPU", 2048), number("MEMORY", 3886), ports("PORTS", json!(["22"]))],
        "remainingResources": [
            number("CPU", 512), number("MEMORY", 814), ports("PORTS", json!(["22", "8080"])), ports("PORTS_UDP", json!(["53"])),
        ],
        "attachments": [
            { "type": "ElasticNetworkInterface", "status": "ATTACHED" },
            { "type": "eni", "status": "ATTACHING" },
            { "type": "eni", "status": "DELETED" },
            { "type": "AmazonElasticBlockStorage", "status": "ATTACHED" },
        ],
    });
    for (name, value) in fields.as_object().unwrap() {
        instance[name] = value.clone();
    }
    instance
}

#[test]
fn room_is_what_remains_and_an_unreachable_instance_has_none() {
    let recorded = Recorded::default()
        .json(LIST, json!({ "containerInstanceArns": ["a", "b"] }))
        .json(DESCRIBE, json!({ "containerInstances": [instance(json!({})), instance(json!({ "agentConnected": false }))] }));
    let expected = InstanceRoom {
        cpu_left: 512,
        memory_left: 814,
        cpu_total: 2048,
        memory_total: 3886,
        ports_taken: vec![22, 53, 8080],
        interfaces_taken: 2,
        pending_tasks: 1,
        running_tasks: 2,
    };
    assert_eq!(rooms(&recorded).unwrap(), [expected]);
    assert_eq!(recorded.asked_for(LIST)[0].json(), json!({ "cluster": "pizza", "status": "ACTIVE" }));
}

#[test]
fn all_pages_are_read_and_described_a_hundred_at_a_time() {
    let arns = |from: usize, to: usize| (from..to).map(|number| format!("i{number}")).collect::<Vec<_>>();
    let described = |count: usize| json!({ "containerInstances": vec![instance(json!({})); count], "failures": [] });
    let recorded = Recorded::default()
        .json(LIST, json!({ "containerInstanceArns": arns(0, 100), "nextToken": "more" }))
        .json(LIST, json!({ "containerInstanceArns": arns(100, 130) }))
        .json(DESCRIBE, described(100))
        .json(DESCRIBE, described(30));
    assert_eq!(rooms(&recorded).unwrap().len(), 130);
    assert_eq!(recorded.asked_for(LIST)[1].json()["nextToken"], "more");
    let sizes =
        recorded.asked_for(DESCRIBE).iter().map(|asked| asked.json()["containerInstances"].as_array().unwrap().len()).collect::<Vec<_>>();
    assert_eq!(sizes, [100, 30]);
    assert!(recorded.is_used_up());
}

#[test]
fn an_instance_that_left_is_no_failure_but_one_that_cannot_be_read_is() {
    let answered = |reason: &str| {
        let failure = json!({ "arn": "b", "reason": reason });
        let recorded = Recorded::default()
            .json(LIST, json!({ "containerInstanceArns": ["a", "b"] }))
            .json(DESCRIBE, json!({ "containerInstances": [instance(json!({}))], "failures": [failure] }));
        rooms(&recorded)
    };
    assert_eq!(answered("MISSING").unwrap().len(), 1);
    assert_eq!(kind_of(answered("INTERNAL")), PortErrorKind::Unavailable);
}

#[test]
fn a_cluster_without_instances_is_not_described() {
    let recorded = Recorded::default().json(LIST, json!({ "containerInstanceArns": [] }));
    assert_eq!(rooms(&recorded).unwrap(), []);
    assert_eq!(recorded.asked().len(), 1);
}
