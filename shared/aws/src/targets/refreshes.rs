//! Instance refreshes: begun with a desired configuration, followed by id, taken back.
//!
//! The group's own template changes only when the refresh succeeds, and Auto Scaling itself restores it when it rolls back. A
//! restart is a refresh that brings what the group has already: it replaces every instance, changes no setting, and has nothing
//! to roll back to.

use nightshift_core::fleet::Replacement;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{RolloutId, RolloutNow, RolloutStatus};

use super::groups::{self, Template};
use super::{templates, unchanged};
use crate::call::services::AUTO_SCALING;
use crate::call::{AwsCaller, Form, Xml};
use crate::error::shorten;

const DESCRIBE: &str = "autoscaling:DescribeInstanceRefreshes";
const START: &str = "autoscaling:StartInstanceRefresh";
const ROLL_BACK: &str = "autoscaling:RollbackInstanceRefresh";

async fn described(caller: &AwsCaller, form: Form) -> PortResult<Vec<Xml>> {
    let missing = || PortError::new(PortErrorKind::Unavailable, DESCRIBE, "the answer has no InstanceRefreshes");
    let mut refreshes = Vec::new();
    for page in caller.query_pages(&AUTO_SCALING, DESCRIBE, &form).await? {
        let list = page.first("InstanceRefreshes").ok_or_else(missing)?;
        refreshes.extend(list.all("member").into_iter().cloned());
    }
    Ok(refreshes)
}

/// The one that goes on, else the newest of the last six weeks: Auto Scaling lists the newest first.
pub(super) async fn newest(caller: &AwsCaller, group: &str) -> PortResult<Option<Newest>> {
    let refreshes = described(caller, Form::new().with("AutoScalingGroupName", group)).await?;
    let newest = refreshes.iter().find(|refresh| is_moving(refresh)).or(refreshes.first());
    Ok(newest.and_then(|refresh| {
        let id = RolloutId {
            handle: refresh.text("InstanceRefreshId")?.to_owned(),
            revision: desired(refresh),
            began_at: refresh.text("StartTime").and_then(|text| text.parse().ok()),
            is_moving: is_moving(refresh),
        };
        let skips = refresh.text("Preferences/SkipMatching") == Some("true");
        Some(Newest { brings_what_is_there: id.revision.is_none() && !skips, id })
    }))
}

/// The newest refresh of a group.
pub(super) struct Newest {
    id: RolloutId,
    /// It names no configuration and skips nothing: every instance is replaced with what the group is set to.
    brings_what_is_there: bool,
}

impl Newest {
    /// With the version that it brings, where the group is set to `own`.
    pub(super) fn of(self, own: &str) -> RolloutId {
        match self.brings_what_is_there && !own.is_empty() {
            true => RolloutId { revision: Some(own.to_owned()), ..self.id },
            false => self.id,
        }
    }
}

fn is_moving(refresh: &Xml) -> bool {
    let status = refresh.text("Status").unwrap_or_default();
    matches!(status, "Pending" | "InProgress" | "Cancelling" | "RollbackInProgress" | "Baking")
}

/// The template's version that it brings.
fn desired(refresh: &Xml) -> Option<String> {
    let paths =
        ["DesiredConfiguration/LaunchTemplate", "DesiredConfiguration/MixedInstancesPolicy/LaunchTemplate/LaunchTemplateSpecification"];
    let template = paths.into_iter().find_map(|path| refresh.first(path)).and_then(Template::specified)?;
    Some(format!("{}:{}", template.id, template.version))
}

pub(super) async fn rollout(caller: &AwsCaller, group: &str, handle: &str, to: &str) -> PortResult<RolloutNow> {
    // Without a handle it is the newest that brings the wanted version.
    let id = Some(handle).filter(|handle| !handle.is_empty());
    let form = Form::new().with("AutoScalingGroupName", group).with_members("InstanceRefreshIds", id);
    let (found, refreshes) = tokio::join!(groups::described(caller, group), described(caller, form));
    let (found, refreshes) = (found?, refreshes?);
    let missing = || {
        let message = format!("Auto Scaling group {group} has no instance refresh {handle} in the last six weeks");
        PortError::new(PortErrorKind::NotFound, DESCRIBE, message)
    };
    let is_ours = |refresh: &&Xml| match id {
        Some(id) => refresh.text("InstanceRefreshId") == Some(id),
        None => desired(refresh).as_deref() == Some(to),
    };
    let refresh = refreshes.iter().find(is_ours).ok_or_else(missing)?;
    let of_version = |instance: &Xml| {
        let template = instance.first("LaunchTemplate").and_then(Template::specified);
        template.is_some_and(|template| format!("{}:{}", template.id, template.version) == to)
    };
    Ok(RolloutNow {
        status: status(refresh)?,
        words: words(refresh),
        desired: groups::desired(&found)?,
        running: groups::running(&found, of_version),
        died: 0,
    })
}

fn status(refresh: &Xml) -> PortResult<RolloutStatus> {
    Ok(match refresh.text("Status").unwrap_or_default() {
        "Pending" | "InProgress" | "Baking" => RolloutStatus::Moving,
        "Successful" => RolloutStatus::Succeeded,
        "Failed" | "RollbackFailed" => RolloutStatus::Failed,
        "Cancelling" | "Cancelled" => RolloutStatus::Replaced,
        "RollbackInProgress" => RolloutStatus::RollingBack,
        "RollbackSuccessful" => RolloutStatus::RolledBack,
        other => {
            let message = format!("the instance refresh has the unknown status \"{other}\"");
            return Err(PortError::new(PortErrorKind::Unavailable, DESCRIBE, message));
        }
    })
}

fn words(refresh: &Xml) -> String {
    let percent = refresh.text("PercentageComplete").map(|percent| format!("{percent} % replaced"));
    let left = refresh.text("InstancesToUpdate").map(|left| format!("{left} left"));
    let told = ["StatusReason", "RollbackDetails/RollbackReason"].into_iter().filter_map(|path| refresh.text(path).map(shorten));
    let parts = percent.into_iter().chain(left).chain(told).map(|part| part.trim_end_matches('.').to_owned());
    parts.collect::<Vec<_>>().join("; ")
}

/// Begins a refresh that ends with the group set to `to`. With the version that it has already, all instances are replaced, and the
/// group stays set as it is, be it to a number or to the template's default version.
pub(super) async fn start(caller: &AwsCaller, group: &str, seen: &str, to: &str, replacement: &Replacement) -> PortResult<Option<String>> {
    let no_version = || PortError::new(PortErrorKind::Denied, START, format!("{to} is no version of a launch template"));
    let (id, number) = templates::parts(to).ok_or_else(no_version)?;
    let (found, version) = tokio::join!(groups::described(caller, group), templates::described(caller, id, number));
    let (found, version) = (found?, version?);
    let now = groups::template_of(&found);
    let own = match &now {
        Some(now) => templates::resolved(caller, now).await?,
        None => String::new(),
    };
    unchanged(START, &own, seen)?;
    let is_restart = own == to;
    // Neither an alias nor an AMI named by a parameter can be gone back to (Auto Scaling user guide, "Undo changes with a
    // rollback"); asked for nevertheless, the refresh would be refused. Rolling a restart back would only replace instances with
    // their like once more.
    let has_fixed_image = version.text("launchTemplateData/imageId").is_none_or(|image| !image.starts_with("resolve:ssm:"));
    let is_numbered = now.is_some_and(|now| now.is_numbered());
    let form = Form::new().with("AutoScalingGroupName", group).with("Strategy", "Rolling");
    // A group takes the version that is named here over as its own.
    let form = if is_restart && !is_numbered { form } else { with_template(form, &found, id, number) };
    let form = with_preferences(form, replacement).with("Preferences.SkipMatching", !is_restart);
    let form = form.with("Preferences.AutoRollback", has_fixed_image && is_numbered && !is_restart);
    // The call takes no token, and one that is over in the meantime would be followed by a second.
    let answer = caller.not_twice().query(&AUTO_SCALING, START, &form).await?;
    Ok(answer.text("InstanceRefreshId").map(str::to_owned))
}

fn with_preferences(form: Form, replacement: &Replacement) -> Form {
    let form = form
        .with("Preferences.MinHealthyPercentage", replacement.minimum_healthy)
        .with("Preferences.MaxHealthyPercentage", replacement.maximum_healthy)
        .with_some("Preferences.InstanceWarmup", replacement.warmup.map(|warmup| warmup.get()));
    let checkpoints = replacement.checkpoints_to_the_end();
    match checkpoints.is_empty() {
        true => form,
        false => form
            .with_members("Preferences.CheckpointPercentages", checkpoints)
            .with("Preferences.CheckpointDelay", replacement.checkpoint_delay.get()),
    }
}

/// The desired configuration: the template alone, or the group's mixed instances policy as it is with the template's new
/// version in it.
fn with_template(form: Form, group: &Xml, id: &str, number: &str) -> Form {
    match group.first("MixedInstancesPolicy") {
        None => form
            .with("DesiredConfiguration.LaunchTemplate.LaunchTemplateId", id)
            .with("DesiredConfiguration.LaunchTemplate.Version", number),
        Some(policy) => {
            let mut parameters = Vec::new();
            flattened("DesiredConfiguration.MixedInstancesPolicy", policy, (id, number), &mut parameters);
            parameters.into_iter().fold(form, |form, (name, value)| form.with(name, value))
        }
    }
}

/// A described structure as the parameters that set it. Of a template's name and id only one may be sent.
fn flattened(name: &str, element: &Xml, to: (&str, &str), out: &mut Vec<(String, String)>) {
    if element.children().is_empty() {
        if !element.own_text().is_empty() {
            out.push((name.to_owned(), element.own_text().to_owned()));
        }
        return;
    }
    if element.name() == "LaunchTemplateSpecification" {
        out.push((format!("{name}.LaunchTemplateId"), to.0.to_owned()));
        out.push((format!("{name}.Version"), to.1.to_owned()));
        return;
    }
    for (child, number) in element.children().iter().zip(1_usize..) {
        let step = if child.name() == "member" { format!("member.{number}") } else { child.name().to_owned() };
        flattened(&format!("{name}.{step}"), child, to, out);
    }
}

/// Has Auto Scaling roll back the refresh that is under way. The call names only the group, so it is looked first whether
/// that refresh is the one that is meant.
pub(super) async fn take_back(caller: &AwsCaller, group: &str, handle: &str) -> PortResult<()> {
    let nothing = |why: String| PortError::new(PortErrorKind::Conflict, ROLL_BACK, format!("there is nothing to roll back: {why}"));
    let newest = newest(caller, group).await?.map(|newest| newest.id).filter(|newest| newest.is_moving);
    match newest {
        Some(newest) if newest.handle == handle => {}
        Some(newest) => return Err(nothing(format!("instance refresh {} is under way, not {handle}", newest.handle))),
        None => return Err(nothing(format!("instance refresh {handle} is over"))),
    }
    let answer = caller.query(&AUTO_SCALING, ROLL_BACK, &Form::new().with("AutoScalingGroupName", group)).await;
    match answer {
        Ok(_) => Ok(()),
        // It came to its end since.
        Err(error) if error.message.starts_with("ActiveInstanceRefreshNotFound") => Err(nothing(error.message)),
        Err(error) => Err(error),
    }
}
