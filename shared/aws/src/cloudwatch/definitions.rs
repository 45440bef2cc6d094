//! Metric alarms themselves, for `nightshift alarms sync`: put, find, delete.
//!
//! Owns the mapping to PutMetricAlarm and back, so that what was put is found as it was put. What to put or delete is
//! decided in `nightshift_core::alarms`.

use aws_sdk_cloudwatch::types::{AlarmType, ComparisonOperator, MetricAlarm, Statistic, Tag};
use nightshift_core::alarms::{AlarmDefinition, AlarmStatistic};
use nightshift_core::ports::PortResult;

use super::{CloudWatch, DESCRIBE_ALARMS, NAMES_A_CALL, dimensions};
use crate::error::port_error;
use crate::pages::in_chunks;

/// PutMetricAlarm's own value where the parameter is absent.
const USUAL_MISSING_DATA: &str = "missing";

impl CloudWatch {
    /// Creates the alarm, or makes the one of that name like it. CloudWatch takes the tags only of a new one.
    pub async fn put_alarm(&self, alarm: &AlarmDefinition) -> PortResult<()> {
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
        let request = self
            .client
            .put_metric_alarm()
            .alarm_name(&alarm.name)
            .alarm_description(&alarm.description)
            .namespace(&alarm.namespace)
            .metric_name(&alarm.metric_name)
            .set_dimensions(Some(dimensions(&alarm.dimensions)))
            .period(whole(alarm.period_seconds))
            .evaluation_periods(whole(alarm.evaluation_periods))
            .datapoints_to_alarm(whole(alarm.datapoints_to_alarm))
            .threshold(alarm.threshold)
            .comparison_operator(ComparisonOperator::from(alarm.comparison.as_str()))
            .treat_missing_data(alarm.treat_missing_data.as_str())
            .actions_enabled(true)
            .set_alarm_actions(Some(alarm.alarm_actions.clone()))
            .set_ok_actions(Some(alarm.ok_actions.clone()))
            .set_tags(Some(alarm.tags.iter().map(tag).collect()));
        let request = match &alarm.statistic {
            AlarmStatistic::Standard(word) => request.statistic(Statistic::from(word.as_str())),
            AlarmStatistic::Extended(word) => request.extended_statistic(word),
        };
        request.send().await.map(|_| ()).map_err(|error| port_error("cloudwatch:PutMetricAlarm", error))
    }

    /// Deletes these alarms, up to 100 in a call; one that is gone already is no error on AWS.
    pub async fn delete_alarms(&self, names: &[String]) -> PortResult<()> {
        let delete = async |chunk: &[String]| {
            let request = self.client.delete_alarms().set_alarm_names(Some(chunk.to_vec()));
            request.send().await.map(|_| Vec::<()>::new()).map_err(|error| port_error("cloudwatch:DeleteAlarms", error))
        };
        in_chunks(names, NAMES_A_CALL, delete).await.map(|_| ())
    }

    /// All metric alarms whose name begins so. An alarm on an expression has empty `namespace` and `metric_name`; `tags` are
    /// always empty, since DescribeAlarms does not return them.
    pub async fn find_alarms(&self, prefix: &str) -> PortResult<Vec<AlarmDefinition>> {
        let request = self.client.describe_alarms().alarm_name_prefix(prefix).alarm_types(AlarmType::MetricAlarm);
        let mut pages = request.into_paginator().send();
        let mut alarms = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(DESCRIBE_ALARMS, error))?;
            alarms.extend(page.metric_alarms().iter().map(definition));
        }
        Ok(alarms)
    }
}

fn definition(alarm: &MetricAlarm) -> AlarmDefinition {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let natural = |number: i32| u32::try_from(number).unwrap_or(0);
    let pair = |dimension: &aws_sdk_cloudwatch::types::Dimension| (text(dimension.name()), text(dimension.value()));
    let periods = natural(alarm.evaluation_periods().unwrap_or(0));
    AlarmDefinition {
        name: text(alarm.alarm_name()),
        description: text(alarm.alarm_description()),
        namespace: text(alarm.namespace()),
        metric_name: text(alarm.metric_name()),
        dimensions: alarm.dimensions().iter().map(pair).collect(),
        statistic: match alarm.extended_statistic() {
            Some(word) => AlarmStatistic::Extended(word.to_owned()),
            None => AlarmStatistic::Standard(text(alarm.statistic().map(Statistic::as_str))),
        },
        period_seconds: natural(alarm.period().unwrap_or(0)),
        evaluation_periods: periods,
        // Absent means all of them (CloudWatch API reference, MetricAlarm).
        datapoints_to_alarm: alarm.datapoints_to_alarm().map_or(periods, natural),
        threshold: alarm.threshold().unwrap_or_default(),
        comparison: text(alarm.comparison_operator().map(ComparisonOperator::as_str)).into(),
        treat_missing_data: alarm.treat_missing_data().unwrap_or(USUAL_MISSING_DATA).into(),
        alarm_actions: alarm.alarm_actions().to_vec(),
        ok_actions: alarm.ok_actions().to_vec(),
        tags: Vec::new(),
    }
}
