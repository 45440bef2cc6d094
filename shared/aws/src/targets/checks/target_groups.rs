//! Whether a target group exists and some load balancer forwards to it.

use super::{Seen, or_missing, without};
use crate::call::services::ELBV2;
use crate::call::{AwsCaller, Form};

const DESCRIBE: &str = "elasticloadbalancing:DescribeTargetGroups";

/// `arn:…:targetgroup/<name>/<id>`.
pub(super) fn name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// Asked for one by one: of several, one that is missing would hide the others.
pub(super) async fn look(caller: &AwsCaller, arn: &str, must_be_attached: bool) -> Seen {
    let missing = || "there is no such target group; deploy the stack that owns it, or take it out of the service".to_owned();
    let answer = caller.query(&ELBV2, DESCRIBE, &Form::new().with_members("TargetGroupArns", [arn])).await;
    let answer = match or_missing(answer, missing) {
        Ok(answer) => answer,
        Err(seen) => return seen,
    };
    let groups = answer.first("TargetGroups").ok_or_else(|| without(DESCRIBE, "TargetGroups"))?;
    let Some(group) = groups.first("member") else { return Ok(Some(missing())) };
    let is_attached = !group.all("LoadBalancerArns/member").is_empty();
    let problem = "no load balancer forwards to it, so its targets are never healthy; add a listener rule that does";
    Ok((must_be_attached && !is_attached).then(|| problem.to_owned()))
}
