use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::TargetReader;
use nightshift_core::release::{RolloutId, TargetNow};

use super::super::recorded::{Recorded, kind_of, wait};
use super::{ec2_refused, group, refused, targets, xml};

const GROUPS: &str = "DescribeAutoScalingGroups";
const REFRESHES: &str = "DescribeInstanceRefreshes";
const VERSIONS: &str = "DescribeLaunchTemplateVersions";

pub(super) const NUMBERED: &str = "<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId>\
     <LaunchTemplateName>web</LaunchTemplateName><Version>3</Version></LaunchTemplate>";

pub(super) fn described_group(inside: &str) -> String {
    let instance = |state: &str, health: &str, version: &str, rest: &str| {
        format!(
            "<member><InstanceId>i-1</InstanceId><LifecycleState>{state}</LifecycleState><HealthStatus>{health}</HealthStatus>\
             <LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId><Version>{version}</Version></LaunchTemplate>{rest}</member>"
        )
    };
    let instances = [
        instance("InService", "Healthy", "3", ""),
        instance("InService", "HEALTHY", "4", ""),
        instance("InService", "Healthy", "4", ""),
        instance("InService", "Unhealthy", "4", ""),
        instance("Pending", "Healthy", "4", ""),
        instance("Terminating:Wait", "Healthy", "3", ""),
    ];
    let member = format!(
        "<member><AutoScalingGroupName>shop-web</AutoScalingGroupName><DesiredCapacity>4</DesiredCapacity>\
         <Instances>{}</Instances>{inside}</member>",
        instances.concat()
    );
    xml(GROUPS, &format!("<AutoScalingGroups>{member}</AutoScalingGroups>"))
}

pub(super) fn refreshes(members: &str) -> String {
    xml(REFRESHES, &format!("<InstanceRefreshes>{members}</InstanceRefreshes>"))
}

pub(super) fn refresh(id: &str, status: &str, inside: &str) -> String {
    format!("<member><InstanceRefreshId>{id}</InstanceRefreshId><Status>{status}</Status>{inside}</member>")
}

/// One version of lt-1 as EC2 describes it.
pub(super) fn version(number: u32, data: &str) -> String {
    format!(
        "<{VERSIONS}Response><requestId>r</requestId><launchTemplateVersionSet><item><launchTemplateId>lt-1</launchTemplateId>\
         <versionNumber>{number}</versionNumber><defaultVersion>false</defaultVersion><launchTemplateData>{data}</launchTemplateData></item>\
         </launchTemplateVersionSet></{VERSIONS}Response>"
    )
}

fn target_now(recorded: &Recorded) -> PortResult<TargetNow> {
    wait(targets(recorded).target_now(&group()))
}

fn with(inside: &str) -> Recorded {
    Recorded::default().answer(GROUPS, 200, described_group(inside)).answer(REFRESHES, 200, refreshes(""))
}

#[test]
fn a_group_is_read_as_it_is() {
    let recorded = with(NUMBERED);
    let expected = TargetNow { revision: "lt-1:3".into(), desired: 4, running: 3, newest: None, unusable: None };
    assert_eq!(target_now(&recorded).unwrap(), expected);
    let operations: Vec<String> = recorded.asked().into_iter().map(|asked| asked.operation).collect();
    assert_eq!(operations, [GROUPS, REFRESHES], "a number needs no third call");
}

#[test]
fn a_group_whose_instances_have_weights_counts_those() {
    let weighted = described_group(NUMBERED)
        .replace("<Version>4</Version></LaunchTemplate>", "<Version>4</Version></LaunchTemplate><WeightedCapacity>2</WeightedCapacity>");
    let recorded = Recorded::default().answer(GROUPS, 200, weighted).answer(REFRESHES, 200, refreshes(""));
    assert_eq!(target_now(&recorded).unwrap().running, 5);
}

#[test]
fn the_template_of_a_mixed_group_and_its_default_version_are_resolved() {
    let mixed = "<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateId>lt-1</LaunchTemplateId>\
                 </LaunchTemplateSpecification><Overrides><member><InstanceType>t3.small</InstanceType></member></Overrides>\
                 </LaunchTemplate></MixedInstancesPolicy>";
    let recorded = with(mixed).answer(VERSIONS, 200, version(5, ""));
    let now = target_now(&recorded).unwrap();
    assert_eq!((now.revision.as_str(), now.unusable), ("lt-1:5", None));
    assert!(recorded.asked_for(VERSIONS)[0].body.ends_with("LaunchTemplateId=lt-1&LaunchTemplateVersion.1=%24Default"));
    let gone = with(mixed).answer(VERSIONS, 400, ec2_refused("InvalidLaunchTemplateId.NotFound"));
    assert_eq!(kind_of(target_now(&gone)), PortErrorKind::NotFound);
}

#[test]
fn groups_whose_versions_cannot_be_rolled_out_are_unusable() {
    let latest = NUMBERED.replace(">3<", ">$Latest<");
    let other = "<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateId>lt-1</LaunchTemplateId><Version>3</Version>\
                 </LaunchTemplateSpecification><Overrides><member><LaunchTemplateSpecification><LaunchTemplateId>lt-arm</LaunchTemplateId>\
                 <Version>1</Version></LaunchTemplateSpecification></member></Overrides></LaunchTemplate></MixedInstancesPolicy>";
    let table = [
        ("<LaunchConfigurationName>lc-1</LaunchConfigurationName>", "", "launch configuration lc-1"),
        ("", "", "no launch template"),
        (latest.as_str(), "lt-1:9", "$Latest"),
        (other, "lt-1:3", "lt-arm:1"),
        (&other.replace("lt-arm", "lt-1"), "lt-1:3", "lt-1:1"),
    ];
    for (inside, revision, words) in table {
        let now = target_now(&with(inside).answer(VERSIONS, 200, version(9, ""))).unwrap();
        assert_eq!(now.revision, revision);
        assert!(now.unusable.as_ref().is_some_and(|why| why.contains(words)), "{words}: {:?}", now.unusable);
    }
    let same = other.replace("lt-arm", "lt-1").replace(">1<", ">3<");
    assert_eq!(target_now(&with(&same)).unwrap().unusable, None, "an override that names the policy's own version");
}

#[test]
fn the_refresh_that_goes_on_is_the_newest_on_whatever_page() {
    let desired = "<StartTime>2026-11-20T12:00:00Z</StartTime><DesiredConfiguration><LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId>\
                   <Version>4</Version></LaunchTemplate></DesiredConfiguration>";
    for (status, is_moving) in [
        ("Pending", true),
        ("InProgress", true),
        ("Baking", true),
        ("Cancelling", true),
        ("RollbackInProgress", true),
        ("Cancelled", false),
    ] {
        let first =
            xml(REFRESHES, &format!("<InstanceRefreshes>{}</InstanceRefreshes><NextToken>t</NextToken>", refresh("r-2", "Failed", "")));
        let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(REFRESHES, 200, first).answer(
            REFRESHES,
            200,
            refreshes(&refresh("r-1", status, desired)),
        );
        let newest = target_now(&recorded).unwrap().newest.unwrap();
        let expected = match is_moving {
            true => RolloutId {
                handle: "r-1".into(),
                revision: Some("lt-1:4".into()),
                began_at: Some("2026-11-20T12:00:00Z".parse().unwrap()),
                is_moving,
            },
            false => RolloutId { handle: "r-2".into(), revision: Some("lt-1:3".into()), began_at: None, is_moving },
        };
        assert_eq!(newest, expected, "{status}");
    }
}

/// So that a restart is known again whose beginning was not noted.
#[test]
fn a_refresh_without_a_configuration_brings_what_the_group_is_set_to_unless_it_skips_that() {
    let revision = |inside: &str| {
        let recorded = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(
            REFRESHES,
            200,
            refreshes(&refresh("r-1", "InProgress", inside)),
        );
        target_now(&recorded).unwrap().newest.unwrap().revision
    };
    let preferences = |skips: &str| format!("<Preferences><SkipMatching>{skips}</SkipMatching></Preferences>");
    assert_eq!(revision(""), Some("lt-1:3".into()));
    assert_eq!(revision(&preferences("false")), Some("lt-1:3".into()));
    assert_eq!(revision(&preferences("true")), None);
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_not_told_is_no_answer() {
    let missing = Recorded::default().answer(GROUPS, 200, xml(GROUPS, "<AutoScalingGroups/>")).answer(
        REFRESHES,
        400,
        refused("ValidationError", "AutoScalingGroup name not found - null"),
    );
    let error = target_now(&missing).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (PortErrorKind::NotFound, "there is no Auto Scaling group shop-web"));
    let untold = Recorded::default().answer(GROUPS, 200, xml(GROUPS, "")).answer(REFRESHES, 200, refreshes(""));
    assert_eq!(kind_of(target_now(&untold)), PortErrorKind::Unavailable);
    let untold = Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)).answer(REFRESHES, 200, xml(REFRESHES, ""));
    assert_eq!(kind_of(target_now(&untold)), PortErrorKind::Unavailable);
    let throttled = (0..3).fold(Recorded::default().answer(GROUPS, 200, described_group(NUMBERED)), |recorded, _| {
        recorded.answer(REFRESHES, 400, refused("Throttling", "Rate exceeded"))
    });
    assert_eq!(kind_of(target_now(&throttled)), PortErrorKind::Throttled);
}
