//! Looking before acting: whether everything is there that the new tasks or instances will need.
//!
//! Each thing is looked at on its own, all side by side; what could not be seen is told as such, never as present or absent.
//! Must never read a secret's value.

use futures_util::stream::{self, StreamExt};
use nightshift_core::fleet::DeployTarget;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{Check, CheckResult};
use serde_json::Value;

use super::{groups, services};
use crate::call::AwsCaller;
use crate::pages::SIDE_BY_SIDE;

mod log_groups;
mod roles;
mod secrets;
mod subjects;
mod target_groups;

use subjects::Subject;

/// Everything that `body` and the target name, in the order in which they name it; the image of a release is looked at before.
pub(super) async fn checks(caller: &AwsCaller, target: &DeployTarget, body: &Value) -> Vec<Check> {
    let named = subjects::of(target, body);
    let (looked_at, behind) = tokio::join!(all(caller, named), async {
        match target_groups_of(caller, target).await {
            Ok(subjects) => all(caller, subjects).await,
            Err(error) => vec![Check { what: format!("target groups of {target}"), result: CheckResult::Unreadable(error) }],
        }
    });
    looked_at.into_iter().chain(behind).collect()
}

async fn all(caller: &AwsCaller, subjects: Vec<Subject>) -> Vec<Check> {
    let looks = stream::iter(subjects).map(|subject| async move { look(caller, &subject).await });
    looks.buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await.concat()
}

async fn look(caller: &AwsCaller, subject: &Subject) -> Vec<Check> {
    let (what, seen) = match subject {
        Subject::Role { role, what } => (format!("{what} {}", roles::name(role)), roles::look(caller, role).await),
        Subject::InstanceProfile(profile) => {
            (format!("instance profile {}", roles::name(profile)), roles::look_at_profile(caller, profile).await)
        }
        Subject::Secret(reference) => (format!("secret {}", secrets::name(reference)), secrets::look(caller, reference).await),
        Subject::LogGroup { group, region } => (format!("log group {group}"), log_groups::look(caller, group, region.as_deref()).await),
        Subject::TargetGroup { arn, must_be_attached } => {
            (format!("target group {}", target_groups::name(arn)), target_groups::look(caller, arn, *must_be_attached).await)
        }
        Subject::Parameters { names, region } => return secrets::parameters(caller, names, region.as_deref()).await,
    };
    vec![check(what, seen)]
}

/// `Ok(None)` is fine, `Ok(Some(_))` what is wrong with it.
type Seen = PortResult<Option<String>>;

fn check(what: String, seen: Seen) -> Check {
    let result = match seen {
        Ok(None) => CheckResult::Fine,
        Ok(Some(problem)) => CheckResult::Wrong(problem),
        Err(error) => CheckResult::Unreadable(error),
    };
    Check { what, result }
}

/// Takes "not there" for what it is: the remedy instead of an error.
fn or_missing<T>(answer: PortResult<T>, remedy: impl FnOnce() -> String) -> Result<T, Seen> {
    answer.map_err(|error| match error.kind {
        PortErrorKind::NotFound => Ok(Some(remedy())),
        _ => Err(error),
    })
}

fn without(action: &'static str, what: &str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, action, format!("the answer has no {what}"))
}

async fn target_groups_of(caller: &AwsCaller, target: &DeployTarget) -> PortResult<Vec<Subject>> {
    match target {
        DeployTarget::Tasks(service) => Ok(subjects::target_groups_of_service(&services::described(caller, service).await?)),
        DeployTarget::Group(group) => Ok(subjects::target_groups_of_group(&groups::described(caller, group).await?)),
    }
}
