use nightshift_aws::AutoScalingGroups;
use nightshift_core::fleet::TaskCount;
use nightshift_core::ports::{GroupReader, GroupScaler, PortErrorKind, PortResult};
use nightshift_core::scale::GroupNow;

use super::recorded::{Recorded, kind_of, wait};

const GROUPS: &str = "DescribeAutoScalingGroups";
const REFRESHES: &str = "DescribeInstanceRefreshes";
const POLICIES: &str = "DescribePolicies";

fn answer(operation: &str, inside: &str) -> String {
    format!("<{operation}Response><{operation}Result>{inside}</{operation}Result></{operation}Response>")
}

fn refused(code: &str, message: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>")
}

fn instance(lifecycle: &str, health: &str) -> String {
    format!("<member><InstanceId>i</InstanceId><LifecycleState>{lifecycle}</LifecycleState><HealthStatus>{health}</HealthStatus></member>")
}

fn group(inside: &str) -> String {
    let instances = [
        instance("InService", "Healthy"),
        instance("InService", "HEALTHY"),
        instance("InService", "Unhealthy"),
        instance("Terminating:Wait", "Healthy"),
        instance("Pending", "Healthy"),
        instance("Standby", "Healthy"),
    ];
    let member = format!(
        "<member><AutoScalingGroupName>web</AutoScalingGroupName><MinSize>2</MinSize><MaxSize>10</MaxSize>\
         <DesiredCapacity>4</DesiredCapacity><Instances>{}</Instances>{inside}</member>",
        instances.concat()
    );
    answer(GROUPS, &format!("<AutoScalingGroups>{member}</AutoScalingGroups>"))
}

fn refreshes(statuses: &[&str], next: &str) -> String {
    let member = |status: &&str| {
        format!(
            "<member><InstanceRefreshId>r-{status}</InstanceRefreshId><Status>{status}</Status><PercentageComplete>40</PercentageComplete></member>"
        )
    };
    answer(REFRESHES, &format!("<InstanceRefreshes>{}</InstanceRefreshes>{next}", statuses.iter().map(member).collect::<String>()))
}

fn policies(members: &str, next: &str) -> String {
    answer(POLICIES, &format!("<ScalingPolicies>{members}</ScalingPolicies>{next}"))
}

fn policy(name: &str, kind: &str, rest: &str) -> String {
    format!("<member><PolicyName>{name}</PolicyName><PolicyType>{kind}</PolicyType>{rest}</member>")
}

fn group_now(recorded: &Recorded) -> PortResult<GroupNow> {
    wait(AutoScalingGroups::new(&recorded.config()).group_now("web"))
}

fn count(number: u32) -> TaskCount {
    TaskCount::new(number).unwrap()
}

const NEXT: &str = "<NextToken>more</NextToken>";

#[test]
fn only_healthy_instances_in_service_are_counted() {
    let recorded = Recorded::default()
        .answer(GROUPS, 200, group(""))
        .answer(REFRESHES, 200, refreshes(&["Successful", "Cancelled", "RollbackFailed"], ""))
        .answer(POLICIES, 200, policies("", ""));
    let expected = GroupNow {
        name: "web".into(),
        desired: count(4),
        min: count(2),
        max: count(10),
        in_service: count(2),
        refresh: None,
        other_scaler: None,
    };
    assert_eq!(group_now(&recorded).unwrap(), expected);
    let operations = recorded.asked().into_iter().map(|asked| asked.operation).collect::<Vec<_>>();
    assert_eq!(operations, [GROUPS, REFRESHES, POLICIES]);
}

#[test]
fn an_active_refresh_is_seen_in_each_of_its_states_and_on_any_page() {
    for status in ["Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"] {
        let recorded = Recorded::default()
            .answer(GROUPS, 200, group(""))
            .answer(REFRESHES, 200, refreshes(&["Successful"], NEXT))
            .answer(REFRESHES, 200, refreshes(&["Failed", status], ""))
            .answer(POLICIES, 200, policies("", ""));
        let now = group_now(&recorded).unwrap();
        assert_eq!(now.refresh, Some(format!("instance refresh r-{status} ({status}, 40 %)")));
    }
}

#[test]
fn whoever_else_changes_the_capacity_is_named() {
    let predictive = |mode: &str| {
        policy("p", "PredictiveScaling", &format!("<PredictiveScalingConfiguration><Mode>{mode}</Mode></PredictiveScalingConfiguration>"))
    };
    let managed = "<Tags><member><Key>AmazonECSManaged</Key><Value></Value></member></Tags>";
    let table = [
        ("", policy("cpu50", "TargetTrackingScaling", "<Enabled>true</Enabled>"), Some("the scaling policy cpu50")),
        ("", policy("step", "StepScaling", ""), Some("the scaling policy step")),
        ("", policy("off", "SimpleScaling", "<Enabled>false</Enabled>"), None),
        ("", predictive("ForecastOnly"), None),
        ("", predictive("ForecastAndScale"), Some("the scaling policy p")),
        (managed, String::new(), None),
        (managed, policy("cpu50", "StepScaling", ""), Some("the scaling policy cpu50")),
    ];
    for (tags, policy, expected) in table {
        let recorded = Recorded::default()
            .answer(GROUPS, 200, group(tags))
            .answer(REFRESHES, 200, refreshes(&[], ""))
            .answer(POLICIES, 200, policies("", NEXT))
            .answer(POLICIES, 200, policies(&policy, ""));
        let other = group_now(&recorded).unwrap().other_scaler.map(|other| other.name);
        assert_eq!(other.as_deref(), expected, "{policy}");
    }
}

#[test]
fn a_group_that_is_not_there_is_not_found() {
    let missing = refused("ValidationError", "AutoScalingGroup name not found - null");
    let recorded = Recorded::default()
        .answer(GROUPS, 200, answer(GROUPS, "<AutoScalingGroups></AutoScalingGroups>"))
        .answer(REFRESHES, 400, missing.clone())
        .answer(POLICIES, 400, missing.clone());
    let error = group_now(&recorded).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound);
    assert_eq!(error.message, "there is no Auto Scaling group web");

    let recorded = Recorded::default().answer("SetDesiredCapacity", 400, missing);
    assert_eq!(kind_of(wait(AutoScalingGroups::new(&recorded.config()).set_group_capacity("web", count(3)))), PortErrorKind::NotFound);
}

#[test]
fn one_part_that_cannot_be_read_is_not_taken_for_nothing() {
    let throttled = refused("Throttling", "Rate exceeded");
    for part in [REFRESHES, POLICIES] {
        let mut recorded = Recorded::default().answer(GROUPS, 200, group(""));
        for _ in 0..3 {
            recorded = recorded.answer(part, 400, throttled.clone());
        }
        recorded = recorded.answer(REFRESHES, 200, refreshes(&[], "")).answer(POLICIES, 200, policies("", ""));
        let error = group_now(&recorded).unwrap_err();
        assert_eq!((error.kind, error.operation), (PortErrorKind::Throttled, format!("autoscaling:{part}")));
    }
}

#[test]
fn setting_the_capacity_does_not_wait_for_the_groups_cooldown() {
    let set = |status: u16, body: String| {
        let recorded = Recorded::default().answer("SetDesiredCapacity", status, body);
        let result = wait(AutoScalingGroups::new(&recorded.config()).set_group_capacity("web", count(3)));
        (result, recorded.asked()[0].body.clone())
    };
    let (result, body) = set(200, "<SetDesiredCapacityResponse></SetDesiredCapacityResponse>".into());
    result.unwrap();
    for part in ["AutoScalingGroupName=web", "DesiredCapacity=3", "HonorCooldown=false"] {
        assert!(body.contains(part), "{body}");
    }
    let (busy, _) = set(400, refused("ScalingActivityInProgress", "busy"));
    assert_eq!(kind_of(busy), PortErrorKind::Conflict);
    let (above, _) = set(400, refused("ValidationError", "New SetDesiredCapacity value 12 is above max value 10"));
    assert_eq!(kind_of(above), PortErrorKind::Denied);
}
