//! Auto Scaling groups as targets: which version of which launch template one is set to, and which instances run it.

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::TargetNow;

use super::{refreshes, templates};
use crate::call::services::AUTO_SCALING;
use crate::call::{AwsCaller, Form, Xml};

const DESCRIBE: &str = "autoscaling:DescribeAutoScalingGroups";

/// Where a group's launch template stands: its own, or that of its mixed instances policy.
const OWN_TEMPLATE: &str = "LaunchTemplate";
const MIXED_TEMPLATE: &str = "MixedInstancesPolicy/LaunchTemplate/LaunchTemplateSpecification";
const OVERRIDES: &str = "MixedInstancesPolicy/LaunchTemplate/Overrides/member";

/// What a group launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) id: String,
    /// A number, `$Default` or `$Latest`, as the group has it.
    pub(super) version: String,
}

impl Template {
    /// Whether the group is set to one version, whatever else is made.
    pub(super) fn is_numbered(&self) -> bool {
        self.version.chars().all(|letter| letter.is_ascii_digit())
    }

    /// Of a launch template's specification; a version that is not told is the default one (Auto Scaling API reference,
    /// LaunchTemplateSpecification).
    pub(super) fn specified(specification: &Xml) -> Option<Self> {
        let version = specification.text("Version").unwrap_or("$Default").to_owned();
        Some(Self { id: specification.text("LaunchTemplateId")?.to_owned(), version })
    }
}

/// The group as Auto Scaling describes it.
pub(super) async fn described(caller: &AwsCaller, group: &str) -> PortResult<Xml> {
    let form = Form::new().with_members("AutoScalingGroupNames", [group]);
    for page in caller.query_pages(&AUTO_SCALING, DESCRIBE, &form).await? {
        let groups = page.first("AutoScalingGroups").ok_or_else(|| unreadable("the answer has no AutoScalingGroups".into()))?;
        if let Some(found) = groups.all("member").into_iter().find(|found| found.text("AutoScalingGroupName") == Some(group)) {
            return Ok(found.clone());
        }
    }
    // Auto Scaling answers an unknown name with an empty list.
    Err(PortError::new(PortErrorKind::NotFound, DESCRIBE, format!("there is no Auto Scaling group {group}")))
}

pub(super) async fn target_now(caller: &AwsCaller, group: &str) -> PortResult<TargetNow> {
    let (found, newest) = tokio::join!(described(caller, group), refreshes::newest(caller, group));
    // First whether it is there: the other call refuses a group that is not, and less clearly.
    let found = found?;
    let revision = match template_of(&found) {
        Some(template) => templates::resolved(caller, &template).await?,
        None => String::new(),
    };
    let newest = newest?.map(|newest| newest.of(&revision));
    Ok(TargetNow { revision, desired: desired(&found)?, running: running(&found, |_| true), newest, unusable: unusable(&found) })
}

/// The template that the group launches; none if it has a launch configuration.
pub(super) fn template_of(group: &Xml) -> Option<Template> {
    [OWN_TEMPLATE, MIXED_TEMPLATE].into_iter().find_map(|path| group.first(path)).and_then(Template::specified)
}

/// What makes a roll-out by template version impossible or untrue.
pub(super) fn unusable(group: &Xml) -> Option<String> {
    if let Some(configuration) = group.text("LaunchConfigurationName") {
        return Some(format!(
            "it launches from the launch configuration {configuration}, which has no versions; give it a launch template"
        ));
    }
    let Some(template) = template_of(group) else {
        return Some("it names no launch template; give it one, with a version's number".into());
    };
    if template.version == "$Latest" {
        // The next instance that is launched for whatever reason would have the new version, before any stage or gate of it.
        return Some(format!(
            "it launches the $Latest version of {}, so a new version would run before it is rolled out; set the group to a \
             version's number (in CloudFormation: Version: !GetAtt <template>.LatestVersionNumber)",
            template.id
        ));
    }
    let foreign = group.all(OVERRIDES).into_iter().filter_map(|item| item.first("LaunchTemplateSpecification")).find_map(|other| {
        let other = Template::specified(other);
        other.filter(|other| *other != template)
    })?;
    Some(format!(
        "an override of its mixed instances policy launches {}:{}, which a new version of {} would not change; \
         let every override use the policy's own template",
        foreign.id, foreign.version, template.id
    ))
}

pub(super) fn desired(group: &Xml) -> PortResult<u32> {
    group.parsed("DesiredCapacity").ok_or_else(|| unreadable("the group has no DesiredCapacity".into()))
}

/// How much of the capacity is in service and healthy, of the instances that `is_wanted` accepts. Where instance types have
/// weights, the desired capacity counts those.
pub(super) fn running(group: &Xml, is_wanted: impl Fn(&Xml) -> bool) -> u32 {
    let is_up = |instance: &&Xml| {
        let is_healthy = instance.text("HealthStatus").is_some_and(|status| status.eq_ignore_ascii_case("healthy"));
        instance.text("LifecycleState") == Some("InService") && is_healthy
    };
    let instances = group.all("Instances/member").into_iter().filter(is_up).filter(|instance| is_wanted(instance));
    instances.map(|instance| instance.parsed("WeightedCapacity").unwrap_or(1)).fold(0, u32::saturating_add)
}

fn unreadable(message: String) -> PortError {
    PortError::new(PortErrorKind::Unavailable, DESCRIBE, message)
}
