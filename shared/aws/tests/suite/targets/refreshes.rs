use nightshift_core::fleet::{Replacement, Seconds};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{RolloutNow, RolloutStatus};

use super::super::recorded::{Recorded, kind_of, wait};
use super::groups::{NUMBERED, described_group, refresh, refreshes, version};
use super::{form, group, refused, targets, xml};

const GROUPS: &str = "DescribeAutoScalingGroups";
const REFRESHES: &str = "DescribeInstanceRefreshes";
const VERSIONS: &str = "DescribeLaunchTemplateVersions";
const START: &str = "StartInstanceRefresh";
const ROLL_BACK: &str = "RollbackInstanceRefresh";

fn rollout(status: &str, inside: &str) -> PortResult<RolloutNow> {
    let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(
        REFRESHES,
        200,
        refreshes(&refresh("r-1", status, inside)),
    );
    let now = wait(targets(&recorded).rollout(&group(), "r-1", "lt-1:4", jiff::Timestamp::UNIX_EPOCH));
    assert!(recorded.asked_for(REFRESHES)[0].body.contains("InstanceRefreshIds.member.1=r-1"));
    now
}

fn start(inside: &str, to: &str, image: &str, replacement: &Replacement) -> Vec<String> {
    let seen = if inside.contains("$Default") { "lt-1:4" } else { "lt-1:3" };
    let recorded = Recorded::default()
        .answer(GROUPS, 200, described_group(inside))
        .answer(VERSIONS, 200, version(4, &format!("<imageId>{image}</imageId>")))
        .answer(VERSIONS, 200, version(4, ""))
        .answer(START, 200, xml(START, "<InstanceRefreshId>r-9</InstanceRefreshId>"));
    let handle = wait(targets(&recorded).roll_out(&group(), seen, to, replacement)).unwrap();
    assert_eq!(handle.as_deref(), Some("r-9"));
    let sent = form(&recorded.asked_for(START)[0].body);
    let own = |name: &String| name.starts_with("Preferences") || name.starts_with("Desired") || name == "Strategy";
    sent.into_iter().filter(|(name, _)| own(name)).map(|(name, value)| format!("{name}={value}")).collect()
}

#[test]
fn every_state_of_a_refresh_has_its_meaning() {
    let table = [
        ("Pending", RolloutStatus::Moving),
        ("InProgress", RolloutStatus::Moving),
        ("Baking", RolloutStatus::Moving),
        ("Successful", RolloutStatus::Succeeded),
        ("Failed", RolloutStatus::Failed),
        ("RollbackFailed", RolloutStatus::Failed),
        ("RollbackInProgress", RolloutStatus::RollingBack),
        ("RollbackSuccessful", RolloutStatus::RolledBack),
        ("Cancelling", RolloutStatus::Replaced),
        ("Cancelled", RolloutStatus::Replaced),
    ];
    for (state, status) in table {
        assert_eq!(rollout(state, "").unwrap().status, status, "{state}");
    }
    assert_eq!(kind_of(rollout("SomethingNew", "")), PortErrorKind::Unavailable);
}

#[test]
fn a_refresh_is_told_with_its_progress_and_its_new_instances() {
    let inside = "<PercentageComplete>40</PercentageComplete><InstancesToUpdate>2</InstancesToUpdate>\
                  <StatusReason>Waiting for instances to warm up. For example: i-1.</StatusReason>\
                  <RollbackDetails><RollbackReason>Asked for</RollbackReason></RollbackDetails>";
    let expected = RolloutNow {
        status: RolloutStatus::Moving,
        words: "40 % replaced; 2 left; Waiting for instances to warm up. For example: i-1; Asked for".into(),
        desired: 4,
        running: 2,
        died: 0,
    };
    assert_eq!(rollout("InProgress", inside).unwrap(), expected);
}

#[test]
fn a_refresh_that_is_not_listed_is_not_found() {
    let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(REFRESHES, 200, refreshes(""));
    let error = wait(targets(&recorded).rollout(&group(), "r-1", "lt-1:4", jiff::Timestamp::UNIX_EPOCH)).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound);
    // Without a handle the newest that brings the version is meant.
    let desired = "<DesiredConfiguration><LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>4</Version></LaunchTemplate></DesiredConfiguration>";
    let members = refresh("r-3", "InProgress", "") + &refresh("r-2", "Successful", desired) + &refresh("r-1", "Failed", desired);
    let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(REFRESHES, 200, refreshes(&members));
    let now = wait(targets(&recorded).rollout(&group(), "", "lt-1:4", jiff::Timestamp::UNIX_EPOCH)).unwrap();
    assert_eq!(now.status, RolloutStatus::Succeeded);
    assert!(!recorded.asked_for(REFRESHES)[0].body.contains("InstanceRefreshIds"));
}

#[test]
fn a_refresh_brings_a_numbered_version_and_says_how() {
    let expected = [
        "DesiredConfiguration.LaunchTemplate.LaunchTemplateId=lt-1",
        "DesiredConfiguration.LaunchTemplate.Version=4",
        "Preferences.AutoRollback=true",
        "Preferences.MaxHealthyPercentage=110",
        "Preferences.MinHealthyPercentage=100",
        "Preferences.SkipMatching=true",
        "Strategy=Rolling",
    ];
    assert_eq!(start(NUMBERED, "lt-1:4", "ami-1", &Replacement::default()), expected);
    let careful = Replacement {
        minimum_healthy: 50,
        maximum_healthy: 150,
        warmup: Some(Seconds::new(90)),
        checkpoints: vec![20, 60],
        checkpoint_delay: Seconds::new(600),
    };
    let expected = [
        "DesiredConfiguration.LaunchTemplate.LaunchTemplateId=lt-1",
        "DesiredConfiguration.LaunchTemplate.Version=4",
        "Preferences.AutoRollback=true",
        "Preferences.CheckpointDelay=600",
        "Preferences.CheckpointPercentages.member.1=20",
        "Preferences.CheckpointPercentages.member.2=60",
        "Preferences.CheckpointPercentages.member.3=100",
        "Preferences.InstanceWarmup=90",
        "Preferences.MaxHealthyPercentage=150",
        "Preferences.MinHealthyPercentage=50",
        "Preferences.SkipMatching=true",
        "Strategy=Rolling",
    ];
    assert_eq!(start(NUMBERED, "lt-1:4", "ami-1", &careful), expected);
}

/// The version that the group has already: every instance is replaced, none of its settings changes, and there is nothing to roll
/// back to.
#[test]
fn a_restart_replaces_what_already_matches_and_changes_no_setting() {
    let careful = Replacement { minimum_healthy: 50, maximum_healthy: 150, ..Replacement::default() };
    let preferences = [
        "Preferences.AutoRollback=false",
        "Preferences.MaxHealthyPercentage=150",
        "Preferences.MinHealthyPercentage=50",
        "Preferences.SkipMatching=false",
        "Strategy=Rolling",
    ];
    let numbered = ["DesiredConfiguration.LaunchTemplate.LaunchTemplateId=lt-1", "DesiredConfiguration.LaunchTemplate.Version=3"];
    assert_eq!(start(NUMBERED, "lt-1:3", "ami-1", &careful), [numbered.as_slice(), &preferences].concat());
    // $Default is version 4 here; named as a number, the group would be set to the number.
    let by_default = NUMBERED.replace(">3<", ">$Default<");
    assert_eq!(start(&by_default, "lt-1:4", "ami-1", &careful), preferences);
    // Another version is a release.
    let other = start(&by_default, "lt-1:3", "ami-1", &careful);
    assert!(other.contains(&"Preferences.SkipMatching=true".to_owned()), "{other:?}");
    assert!(other.contains(&"DesiredConfiguration.LaunchTemplate.Version=3".to_owned()), "{other:?}");
}

#[test]
fn automatic_rollback_is_asked_for_only_where_auto_scaling_has_it() {
    let has = |inside: &str, image: &str| {
        start(inside, "lt-1:4", image, &Replacement::default()).contains(&"Preferences.AutoRollback=true".to_owned())
    };
    assert!(has(NUMBERED, "ami-1"));
    assert!(!has(NUMBERED, "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"));
    assert!(!has(&NUMBERED.replace(">3<", ">$Default<"), "ami-1"));
}

#[test]
fn a_mixed_group_keeps_its_policy_but_for_the_version() {
    let specification = "<LaunchTemplateSpecification><LaunchTemplateId>lt-1</LaunchTemplateId><LaunchTemplateName>web</LaunchTemplateName>\
                         <Version>3</Version></LaunchTemplateSpecification>";
    let mixed = format!(
        "<MixedInstancesPolicy><LaunchTemplate>{specification}<Overrides><member><InstanceType>t3.small</InstanceType><WeightedCapacity>1\
         </WeightedCapacity></member><member><InstanceType>t4g.small</InstanceType>{specification}</member></Overrides></LaunchTemplate>\
         <InstancesDistribution><OnDemandPercentageAboveBaseCapacity>20</OnDemandPercentageAboveBaseCapacity><SpotMaxPrice/>\
         <SpotAllocationStrategy>price-capacity-optimized</SpotAllocationStrategy></InstancesDistribution></MixedInstancesPolicy>"
    );
    let sent = start(&mixed, "lt-1:4", "ami-1", &Replacement::default());
    let desired: Vec<&str> = sent.iter().filter_map(|line| line.strip_prefix("DesiredConfiguration.MixedInstancesPolicy.")).collect();
    let expected = [
        "InstancesDistribution.OnDemandPercentageAboveBaseCapacity=20",
        "InstancesDistribution.SpotAllocationStrategy=price-capacity-optimized",
        "LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
        "LaunchTemplate.LaunchTemplateSpecification.Version=4",
        "LaunchTemplate.Overrides.member.1.InstanceType=t3.small",
        "LaunchTemplate.Overrides.member.1.WeightedCapacity=1",
        "LaunchTemplate.Overrides.member.2.InstanceType=t4g.small",
        "LaunchTemplate.Overrides.member.2.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
        "LaunchTemplate.Overrides.member.2.LaunchTemplateSpecification.Version=4",
    ];
    assert_eq!(desired, expected);
    assert!(!sent.iter().any(|line| line.starts_with("DesiredConfiguration.LaunchTemplate")));
}

#[test]
fn refusals_of_a_refresh_have_their_kinds() {
    let table = [
        ("InstanceRefreshInProgress", "An Instance Refresh is already in progress", PortErrorKind::Conflict),
        ("ResourceContention", "busy", PortErrorKind::Conflict),
        ("ValidationError", "You must use a valid fully-formed launch template.", PortErrorKind::Denied),
        ("AccessDenied", "no", PortErrorKind::Denied),
    ];
    for (code, message, kind) in table {
        // What AWS calls contention is tried again.
        let recorded = (0..3).fold(Recorded::default(), |recorded, _| recorded.answer(START, 400, refused(code, message)));
        let recorded = recorded.answer(GROUPS, 200, described_group(NUMBERED)).answer(VERSIONS, 200, version(4, ""));
        let begun = wait(targets(&recorded).roll_out(&group(), "lt-1:3", "lt-1:4", &Replacement::default()));
        assert_eq!(kind_of(begun), kind, "{code}");
    }
    assert_eq!(
        kind_of(wait(targets(&Recorded::default()).roll_out(&group(), "lt-1:3", "web:", &Replacement::default()))),
        PortErrorKind::Denied
    );
}

#[test]
fn a_group_that_was_changed_since_it_was_seen_is_not_refreshed() {
    let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(VERSIONS, 200, version(4, ""));
    let begun = wait(targets(&recorded).roll_out(&group(), "lt-1:2", "lt-1:4", &Replacement::default()));
    assert_eq!((kind_of(begun), recorded.asked_for(START).len()), (PortErrorKind::Conflict, 0));
}

#[test]
fn only_this_refresh_is_rolled_back() {
    let with = |members: &str| Recorded::default().answer(REFRESHES, 200, refreshes(members));
    let take_back = |recorded: &Recorded| wait(targets(recorded).take_back(&group(), "r-1"));
    let recorded =
        with(&refresh("r-1", "InProgress", "")).answer(ROLL_BACK, 200, xml(ROLL_BACK, "<InstanceRefreshId>r-1</InstanceRefreshId>"));
    take_back(&recorded).unwrap();
    assert!(recorded.asked_for(ROLL_BACK)[0].body.ends_with("&AutoScalingGroupName=shop-web"));
    for members in [refresh("r-2", "InProgress", "") + &refresh("r-1", "Successful", ""), refresh("r-1", "Failed", ""), String::new()] {
        let recorded = with(&members);
        assert_eq!(kind_of(take_back(&recorded)), PortErrorKind::Conflict, "{members}");
        assert!(recorded.asked_for(ROLL_BACK).is_empty());
    }
    let table = [
        ("ActiveInstanceRefreshNotFound", PortErrorKind::Conflict),
        ("IrreversibleInstanceRefresh", PortErrorKind::Conflict),
        ("ValidationError", PortErrorKind::Denied),
    ];
    for (code, kind) in table {
        let recorded = with(&refresh("r-1", "InProgress", "")).answer(ROLL_BACK, 400, refused(code, "no"));
        assert_eq!(kind_of(take_back(&recorded)), kind, "{code}");
    }
}
