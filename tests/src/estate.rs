//! The estate that Nightshift looks after: ECS services, Auto Scaling groups, and the load on their metrics.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_smithy_types::DateTime;
use nightshift_core::alarms::MetricQuery;
use serde_json::json;

use crate::local_aws::LocalAws;

impl LocalAws {
    /// Calls every service once. The local AWS loads each at its first call, which can take longer than the function waits.
    pub(crate) async fn warm_up(&self) {
        let (clusters, groups, alarms, tables, schedules, topics) = tokio::join!(
            self.ecs.list_clusters().send(),
            self.autoscaling.describe_auto_scaling_groups().send(),
            self.cloudwatch.describe_alarms().send(),
            self.dynamodb.list_tables().send(),
            self.scheduler.list_schedules().send(),
            self.sns.list_topics().send(),
        );
        let answered = [clusters.is_ok(), groups.is_ok(), alarms.is_ok(), tables.is_ok(), schedules.is_ok(), topics.is_ok()];
        assert_eq!(answered, [true; 6], "a service of the local AWS does not answer");
        let ecr = json!({});
        self.http().json("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", &ecr).expect_done("DescribeRepositories");
        self.http().json("logs", "Logs_20140328.DescribeLogGroups", &json!({})).expect_done("DescribeLogGroups");
        self.http().json("secretsmanager", "secretsmanager.ListSecrets", &json!({})).expect_done("ListSecrets");
        for (service, action) in
            [("ec2", "DescribeLaunchTemplates"), ("elasticloadbalancing", "DescribeTargetGroups"), ("iam", "ListRoles")]
        {
            self.http().query(service, &[("Action", action)]).expect_done(action);
        }
    }

    /// Makes a cluster and in it a service with so many tasks.
    pub async fn make_service(&self, cluster: &str, service: &str, tasks: i32) {
        let container = aws_sdk_ecs::types::ContainerDefinition::builder().name("app").image("app:1").build();
        let definition = self.ecs.register_task_definition().family(service).container_definitions(container);
        definition.cpu("512").memory("1024").send().await.expect("a task definition can be registered");
        self.ecs.create_cluster().cluster_name(cluster).send().await.expect("a cluster can be created");
        let create = self.ecs.create_service().cluster(cluster).service_name(service).task_definition(service);
        create.desired_count(tasks).send().await.expect("a service can be created");
    }

    /// The desired count of an ECS service. A local AWS starts its tasks a moment later, so the running count may lag.
    pub async fn tasks(&self, cluster: &str, service: &str) -> i32 {
        let found = self.ecs.describe_services().cluster(cluster).services(service).send().await.expect("services can be described");
        let found = found.services().first().unwrap_or_else(|| panic!("{cluster}/{service} does not exist"));
        found.desired_count()
    }

    /// Makes a group with so many instances.
    pub async fn make_group(&self, group: &str, min: i32, max: i32, instances: i32) {
        let create = self.autoscaling.create_auto_scaling_group().auto_scaling_group_name(group);
        let create = create.min_size(min).max_size(max).desired_capacity(instances).availability_zones("us-east-1a");
        create.send().await.expect("a group can be created");
        self.set_capacity(group, instances).await;
    }

    /// The desired capacity of a group, which here is in service at once.
    pub async fn capacity(&self, group: &str) -> i32 {
        let found = self.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(group).send().await;
        let found = found.expect("groups can be described");
        let found = found.auto_scaling_groups().first().unwrap_or_else(|| panic!("{group} does not exist"));
        found.desired_capacity().expect("a group has a desired capacity")
    }

    /// Sets the desired capacity of a group by hand.
    pub async fn set_capacity(&self, group: &str, instances: i32) {
        let set = self.autoscaling.set_desired_capacity().auto_scaling_group_name(group).desired_capacity(instances);
        set.send().await.expect("a capacity can be set");
    }

    /// Makes the metric stand at `value`, now and in the last whole minute, so that alarms turn at once.
    ///
    /// The local AWS judges an alarm by one average over its whole window. Each push is given a thousand times the weight
    /// of the one before, so that the newest is what counts and no test has to wait five real minutes.
    pub async fn push(&self, metric: &MetricQuery, value: f64) {
        let weight = 1_000_f64.powi(i32::try_from(self.pushes.fetch_add(1, Ordering::Relaxed)).expect("few pushes"));
        assert!(weight.is_finite(), "too many pushes on one local AWS");
        let now = SystemTime::now();
        let into_minute = now.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs() % 60;
        let last_minute = now - Duration::from_secs(into_minute + 1);
        let data = [last_minute, now].map(|at| {
            let dimensions = metric.dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
            let datum = MetricDatum::builder().metric_name(&metric.name).set_dimensions(Some(dimensions.collect()));
            datum.timestamp(DateTime::from(at)).values(value).counts(weight).build()
        });
        let put = self.cloudwatch.put_metric_data().namespace(&metric.namespace).set_metric_data(Some(data.to_vec()));
        put.send().await.expect("metrics can be put");
    }

    /// The present state of an alarm, in CloudWatch's word.
    pub async fn alarm_state(&self, alarm: &str) -> String {
        let found = self.cloudwatch.describe_alarms().alarm_names(alarm).send().await.expect("alarms can be described");
        let found = found.metric_alarms().first().unwrap_or_else(|| panic!("the alarm {alarm} does not exist"));
        found.state_value().expect("an alarm has a state").as_str().to_owned()
    }

    /// Ends all subscriptions of functions to a topic: from now on nobody is called when it gets a message.
    pub async fn mute(&self, topic: &str) {
        let found = self.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.expect("subscriptions can be listed");
        for subscription in found.subscriptions() {
            let arn = subscription.subscription_arn().unwrap_or_default();
            self.sns.unsubscribe().subscription_arn(arn).send().await.expect("a subscription can be ended");
        }
    }

    /// The names of the one-time schedules in a group that have not run yet.
    pub async fn schedules(&self, group: &str) -> Vec<String> {
        let found = self.scheduler.list_schedules().group_name(group).send().await.expect("schedules can be listed");
        let names = found.schedules().iter().filter_map(|schedule| schedule.name());
        names.filter(|name| !["calendar", "sweep", "secrets"].contains(name)).map(str::to_owned).collect()
    }
}
