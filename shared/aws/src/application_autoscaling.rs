//! Application Auto Scaling: whether it, too, sets the desired count of an ECS service.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::operation::describe_scalable_targets::DescribeScalableTargetsError;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::scale::OtherScaler;

use crate::error::port_error;

const DESCRIBE: &str = "application-autoscaling:DescribeScalableTargets";

/// The scalable target of this service, unless its dynamic scaling is suspended in both directions.
///
/// One resource and one dimension have at most one scalable target (RegisterScalableTarget), so there is one page.
pub(crate) async fn scalable_target(client: &Client, service: &EcsService) -> PortResult<Option<OtherScaler>> {
    let request = client
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .resource_ids(format!("service/{}/{}", service.cluster, service.service))
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    let answer = request.send().await.map_err(|error| match is_not_served_here(&error) {
        true => PortError::new(PortErrorKind::NotFound, DESCRIBE, "this AWS does not have Application Auto Scaling"),
        false => port_error(DESCRIBE, error),
    })?;
    Ok(answer.scalable_targets().iter().find(|target| scales(target)).map(|target| OtherScaler {
        name: format!("Application Auto Scaling ({}-{} tasks)", target.min_capacity(), target.max_capacity()),
    }))
}

fn scales(target: &ScalableTarget) -> bool {
    let suspended = target.suspended_state();
    let is_suspended = |of: Option<bool>| of.unwrap_or(false);
    !suspended
        .is_some_and(|state| is_suspended(state.dynamic_scaling_in_suspended()) && is_suspended(state.dynamic_scaling_out_suspended()))
}

/// A local AWS (MiniStack) answers so for a service that it lacks: HTTP 400 without any code, and these words in the body.
/// AWS itself always sends a code.
fn is_not_served_here(error: &SdkError<DescribeScalableTargetsError, HttpResponse>) -> bool {
    let SdkError::ServiceError(answer) = error else { return false };
    let body = answer.raw().body().bytes().unwrap_or_default();
    answer.err().code().is_none()
        && answer.raw().status().as_u16() == 400
        && String::from_utf8_lossy(body).contains("\"Unsupported service: application-autoscaling\"")
}
