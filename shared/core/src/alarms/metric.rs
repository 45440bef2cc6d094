//! Which CloudWatch metric each metric of a rule is, for alarms and for whoever reads the metric itself.
//!
//! Names and dimensions are AWS's: "Amazon ECS CloudWatch metrics", "Amazon EC2 Auto Scaling metrics", "CloudWatch metrics for
//! your Application Load Balancer", "Available CloudWatch metrics for Amazon SQS", "Metrics collected by the CloudWatch agent".

use crate::fleet::{EcsService, LoadBalancer, Metric, Rule, RunsOn, Seconds, Service, Statistic};

/// A CloudWatch metric, and how to read it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricQuery {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Dimensions as (name, value); CloudWatch finds a metric only by all of them.
    pub dimensions: Vec<(String, String)>,
    /// How samples become one number.
    pub statistic: Statistic,
    /// The length of one period.
    pub period: Seconds,
}

/// The metric that a rule watches; None for a rule on an existing alarm, and for a load balancer's metric without one.
pub fn metric_query(service: &Service, rule: &Rule) -> Option<MetricQuery> {
    let condition = rule.metric()?;
    let (namespace, name, dimensions) = match &condition.metric {
        Metric::Cpu => cpu(&service.runs_on),
        Metric::Memory => memory(&service.runs_on),
        Metric::RequestCountPerTarget => {
            let balancer = service.load_balancer.as_ref()?;
            ("AWS/ApplicationELB", "RequestCountPerTarget", vec![("TargetGroup", balancer.target_group.as_str())])
        }
        Metric::ResponseTime => ("AWS/ApplicationELB", "TargetResponseTime", by_target_group(service.load_balancer.as_ref()?)),
        Metric::Http5xx => ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", by_target_group(service.load_balancer.as_ref()?)),
        Metric::QueueDepth { queue } => ("AWS/SQS", "ApproximateNumberOfMessagesVisible", vec![("QueueName", queue.as_str())]),
        Metric::Cloudwatch { namespace, name, dimensions } => {
            let dimensions = dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            (namespace.as_str(), name.as_str(), dimensions.collect())
        }
    };
    Some(MetricQuery {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        statistic: condition.statistic,
        period: condition.period,
    })
}

type Named<'s> = (&'static str, &'static str, Vec<(&'static str, &'s str)>);

/// Tasks are judged by their own CPU, even where Nightshift scales the instances under them too.
fn cpu(runs_on: &RunsOn) -> Named<'_> {
    match runs_on {
        RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. } => ("AWS/ECS", "CPUUtilization", by_service(service)),
        RunsOn::Group(group) => ("AWS/EC2", "CPUUtilization", vec![("AutoScalingGroupName", group)]),
    }
}

/// EC2 does not measure memory; the CloudWatch agent on the instances does, if it aggregates by group.
fn memory(runs_on: &RunsOn) -> Named<'_> {
    match runs_on {
        RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. } => ("AWS/ECS", "MemoryUtilization", by_service(service)),
        RunsOn::Group(group) => ("CWAgent", "mem_used_percent", vec![("AutoScalingGroupName", group)]),
    }
}

fn by_service(service: &EcsService) -> Vec<(&'static str, &str)> {
    vec![("ClusterName", &service.cluster), ("ServiceName", &service.service)]
}

fn by_target_group(balancer: &LoadBalancer) -> Vec<(&'static str, &str)> {
    vec![("LoadBalancer", &balancer.load_balancer), ("TargetGroup", &balancer.target_group)]
}
