//! CloudWatch: the state of alarms and the newest values of metrics; in `definitions`, for people, alarms themselves.
//!
//! Owns which period counts as whole, so that an unfinished one is never judged. Must never set an alarm's state.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::BuildError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AlarmType, CompositeAlarm, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StateValue,
    StatusCode,
};
use aws_types::SdkConfig;
use jiff::Timestamp;
use nightshift_core::alarms::{AlarmStatistic, MetricQuery};
use nightshift_core::ports::{AlarmReader, PortError, PortErrorKind, PortResult};
use nightshift_core::scale::{AlarmNow, MetricValue};
use nightshift_core::signal::AlarmState;

use crate::error::port_error;
use crate::pages::in_chunks;

mod definitions;

const DESCRIBE_ALARMS: &str = "cloudwatch:DescribeAlarms";
const GET_METRIC_DATA: &str = "cloudwatch:GetMetricData";

/// Names that one DescribeAlarms takes, and queries that one GetMetricData takes (CloudWatch API reference).
const NAMES_A_CALL: usize = 100;
const QUERIES_A_CALL: usize = 500;

/// How far back a metric's newest value is looked for, unless three of its periods are longer.
const LOOK_BACK_SECONDS: i64 = 900;

/// CloudWatch.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// The client.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    async fn states(&self, names: &[String]) -> PortResult<Vec<AlarmNow>> {
        let request = self.client.describe_alarms().set_alarm_names(Some(names.to_vec()));
        // Without the types, composite alarms are left out.
        let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        let mut pages = request.into_paginator().send();
        let mut alarms = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(DESCRIBE_ALARMS, error))?;
            if page.metric_alarms.is_none() && page.composite_alarms.is_none() {
                // CloudWatch lists nothing as an empty list: an answer without any says nothing about alarms.
                return Err(PortError::new(PortErrorKind::Unavailable, DESCRIBE_ALARMS, "the answer has no MetricAlarms"));
            }
            alarms.extend(page.metric_alarms().iter().map(metric_alarm_now));
            alarms.extend(page.composite_alarms().iter().map(composite_alarm_now));
        }
        Ok(alarms)
    }

    async fn newest_in(&self, batch: &Batch, queries: &[MetricQuery]) -> PortResult<Vec<(usize, MetricValue)>> {
        let asked = batch.indexes.iter().filter_map(|index| queries.get(*index).map(|query| metric_data_query(*index, query)));
        let asked = asked.collect::<Result<Vec<MetricDataQuery>, BuildError>>();
        let asked = asked.map_err(|error| PortError::new(PortErrorKind::Denied, GET_METRIC_DATA, error.to_string()))?;
        let request = self.client.get_metric_data().set_metric_data_queries(Some(asked));
        let request = request.start_time(DateTime::from_secs(batch.start)).end_time(DateTime::from_secs(batch.end));
        // Partial data comes with a token; the paginator follows it.
        let mut pages = request.scan_by(ScanBy::TimestampDescending).into_paginator().send();
        let mut newest = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error(GET_METRIC_DATA, error))?;
            for result in page.metric_data_results() {
                newest.extend(newest_value(result, batch)?);
            }
        }
        Ok(newest)
    }
}

impl AlarmReader for CloudWatch {
    async fn alarms_now(&self, names: &[String]) -> PortResult<Vec<AlarmNow>> {
        in_chunks(names, NAMES_A_CALL, |chunk| self.states(chunk)).await
    }

    async fn newest_values(&self, queries: &[MetricQuery], now: Timestamp) -> PortResult<Vec<Option<MetricValue>>> {
        let batches = batches(queries, now);
        let ask = |one: &'_ [Batch]| {
            let batch = one.first().cloned().unwrap_or_default();
            async move { self.newest_in(&batch, queries).await }
        };
        let mut newest: Vec<Option<MetricValue>> = vec![None; queries.len()];
        for (index, value) in in_chunks(&batches, 1, ask).await? {
            if let Some(slot) = newest.get_mut(index) {
                // A later page may hold older values of the same metric.
                if slot.is_none_or(|known| known.period_end < value.period_end) {
                    *slot = Some(value);
                }
            }
        }
        Ok(newest)
    }
}

fn metric_alarm_now(alarm: &MetricAlarm) -> AlarmNow {
    let since = alarm.state_transitioned_timestamp().or_else(|| alarm.state_updated_timestamp());
    AlarmNow {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        state: state(alarm.state_value()),
        since: since.and_then(timestamp),
        suppressed_by: None,
    }
}

fn composite_alarm_now(alarm: &CompositeAlarm) -> AlarmNow {
    let since = alarm.state_transitioned_timestamp().or_else(|| alarm.state_updated_timestamp());
    let suppressor = alarm.actions_suppressed_by().map(|by| match (by.as_str(), alarm.actions_suppressor()) {
        (by, Some(name)) => format!("{by} ({name})"),
        (by, None) => by.to_owned(),
    });
    AlarmNow {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        state: state(alarm.state_value()),
        since: since.and_then(timestamp),
        suppressed_by: suppressor,
    }
}

/// A state that CloudWatch may add one day says nothing to us either.
fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Alarm) => AlarmState::Alarm,
        Some(StateValue::Ok) => AlarmState::Ok,
        _ => AlarmState::InsufficientData,
    }
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).unwrap_or(0)).ok()
}

/// Queries of one period, asked for in one call: CloudWatch counts periods from the call's start time on, which therefore
/// has to be a multiple of the period.
#[derive(Clone, Debug, Default)]
struct Batch {
    period: i64,
    /// Both in epoch seconds and multiples of the period; the end is exclusive.
    start: i64,
    end: i64,
    /// Which queries, by their place.
    indexes: Vec<usize>,
}

fn batches(queries: &[MetricQuery], now: Timestamp) -> Vec<Batch> {
    let mut by_period: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (index, query) in queries.iter().enumerate() {
        by_period.entry(i64::from(query.period.get().max(1))).or_default().push(index);
    }
    let of_period = by_period.iter().flat_map(|(&period, indexes)| {
        let end = now.as_second() - now.as_second().rem_euclid(period);
        let periods = (LOOK_BACK_SECONDS + period - 1) / period;
        let start = end - periods.max(3) * period;
        indexes.chunks(QUERIES_A_CALL).map(move |chunk| Batch { period, start, end, indexes: chunk.to_vec() })
    });
    of_period.collect()
}

fn metric_data_query(index: usize, query: &MetricQuery) -> Result<MetricDataQuery, BuildError> {
    let metric = Metric::builder().namespace(&query.namespace).metric_name(&query.name);
    let metric = metric.set_dimensions(Some(dimensions(&query.dimensions))).build();
    let statistic = AlarmStatistic::from(query.statistic);
    let period = i32::try_from(query.period.get()).unwrap_or(i32::MAX);
    let metric = MetricStat::builder().metric(metric).stat(statistic.as_str()).period(period).build();
    Ok(MetricDataQuery::builder().id(format!("q{index}")).metric_stat(metric).return_data(true).build())
}

fn dimensions(named: &[(String, String)]) -> Vec<Dimension> {
    named.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect()
}

/// The newest value of one metric's part of a page, with the query's place.
fn newest_value(result: &MetricDataResult, batch: &Batch) -> PortResult<Option<(usize, MetricValue)>> {
    let failed = |kind: PortErrorKind, what: &str| {
        let which = result.label().or(result.id()).unwrap_or("a metric");
        Err(PortError::new(kind, GET_METRIC_DATA, format!("{which}: {what}")))
    };
    match result.status_code() {
        Some(StatusCode::InternalError) => return failed(PortErrorKind::Unavailable, "CloudWatch could not read it"),
        Some(StatusCode::Forbidden) => return failed(PortErrorKind::Denied, "reading it is forbidden"),
        _ => {}
    }
    let Some(index) = result.id().and_then(|id| id.strip_prefix('q')).and_then(|index| index.parse().ok()) else {
        return Ok(None);
    };
    let points = result.timestamps().iter().zip(result.values());
    let ended = points.map(|(start, value)| (start.secs() + batch.period, *value)).filter(|(end, _)| *end <= batch.end);
    let newest = ended.max_by_key(|(end, _)| *end);
    let value = newest.and_then(|(end, value)| Some(MetricValue { value, period_end: Timestamp::from_second(end).ok()? }));
    Ok(value.map(|value| (index, value)))
}
