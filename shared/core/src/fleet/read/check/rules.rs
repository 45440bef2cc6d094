//! Whether rules make sense: alone, against the metric they watch, and against each other.

use super::names::check_alarm_name;
use super::{Field, Item, ServiceScene, Step};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Missing, Value};
use crate::fleet::{ALARM_PREFIX, Action, Comparison, Condition, Direction, Fleet, Metric, MetricCondition, Rule, Statistic};

pub(super) fn check_rules(place: &mut ServiceScene<'_, '_, '_>, fleet: &Fleet) {
    let rules = &place.service.rules;
    place.refuse_same_names("rules", rules.iter().map(|rule| rule.name.as_str()));
    for (index, rule) in rules.iter().enumerate() {
        let mut at = RuleScene { place: &mut *place, index };
        match &rule.when {
            Condition::ExistingAlarm(name) => check_existing(name, rule, &mut at),
            Condition::Metric(metric) => {
                check_metric(metric, &mut at);
                check_load_balancer(metric, fleet, &mut at);
                check_numbers(metric, &mut at);
                check_action(metric, rule, &mut at);
            }
        }
    }
    check_pairs(place);
}

struct RuleScene<'r, 'c, 'a, 's> {
    place: &'r mut ServiceScene<'c, 'a, 's>,
    index: usize,
}

impl RuleScene<'_, '_, '_, '_> {
    fn complain(&mut self, rest: &[Step<'_>], code: super::FleetErrorCode, problem: impl Into<String>, help: impl Into<String>) {
        let way = [&[Field("rules"), Item(self.index)], rest].concat();
        self.place.complain(&way, code, problem, help);
    }
}

fn check_existing(name: &str, rule: &Rule, at: &mut RuleScene<'_, '_, '_, '_>) {
    let way = [Field("when"), Field("alarm")];
    if name.starts_with(ALARM_PREFIX) {
        let help = "write the metric and its threshold instead: Nightshift makes the alarm";
        at.complain(&way, Conflict, format!("alarms that begin with {ALARM_PREFIX} are made by Nightshift from rules"), help);
    } else if let Err((problem, help)) = check_alarm_name(name) {
        at.complain(&way, Value, problem, help);
    }
    if let Action::ToTarget(target) = rule.then
        && at.place.line(&[Field("rules"), Item(at.index), Field("when")]) > 0
    {
        let problem = format!("to_target: {target} needs a metric, and an existing alarm has none that Nightshift reads");
        let help = "write metric, above and for instead of alarm; or add: 1 instead of to_target";
        at.complain(&[Field("then"), Field("to_target")], Conflict, problem, help);
    }
}

fn check_metric(metric: &MetricCondition, at: &mut RuleScene<'_, '_, '_, '_>) {
    let way = [Field("when"), Field("metric")];
    match &metric.metric {
        Metric::QueueDepth { queue } if !is_queue(queue) => {
            let name = queue.rsplit(['/', ':']).next().unwrap_or_default();
            let help = if is_queue(name) { format!("write the queue's name alone: {name}") } else { "write the queue's name".to_owned() };
            at.complain(
                &[&way[..], &[Field("queue_depth"), Field("queue")]].concat(),
                Value,
                format!("\"{queue}\" is no name of an SQS queue"),
                help,
            );
        }
        Metric::Cloudwatch { namespace, name, dimensions } => {
            for (field, text) in [("namespace", namespace), ("name", name)] {
                if text.trim().is_empty() || text.len() > 255 {
                    let problem = format!("\"{text}\" is no metric's {field}");
                    at.complain(
                        &[&way[..], &[Field("cloudwatch"), Field(field)]].concat(),
                        Value,
                        problem,
                        "write it as CloudWatch shows it, such as AWS/SQS",
                    );
                }
            }
            let has_empty = dimensions.iter().any(|(name, value)| name.trim().is_empty() || value.trim().is_empty());
            if has_empty || dimensions.len() > 30 {
                let problem = "a metric has at most 30 dimensions, each with a name and a value";
                at.complain(
                    &[&way[..], &[Field("cloudwatch"), Field("dimensions")]].concat(),
                    Value,
                    problem,
                    "write exactly those that CloudWatch shows for the metric",
                );
            }
        }
        _ => {}
    }
    if metric.metric == Metric::RequestCountPerTarget && metric.statistic != Statistic::Sum {
        // "The only valid statistic is Sum. This represents the average not the sum": Elastic Load Balancing's metric list.
        let problem = format!("CloudWatch knows request_count_per_target only as sum, not as {}", metric.statistic);
        at.complain(
            &[Field("when"), Field("statistic")],
            Value,
            problem,
            "remove the statistic; the sum is already the mean of the targets",
        );
    }
    let is_measured_by_aws = match &metric.metric {
        Metric::Cloudwatch { namespace, .. } => namespace.starts_with("AWS/"),
        _ => true,
    };
    if metric.period.get() < 60 && is_measured_by_aws {
        let problem = format!("AWS measures this once a minute, a period of {} finds nothing", metric.period);
        at.complain(&[Field("when"), Field("period")], Value, problem, "write period: 1m, or remove it");
    }
}

/// SQS CreateQueue: up to 80 letters, digits, hyphens and underscores, perhaps with .fifo.
fn is_queue(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    !stem.is_empty() && name.len() <= 80 && stem.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

fn check_load_balancer(metric: &MetricCondition, fleet: &Fleet, at: &mut RuleScene<'_, '_, '_, '_>) {
    if !metric.metric.needs_load_balancer() {
        return;
    }
    let way = [Field("when"), Field("metric")];
    if at.place.service.load_balancer.is_none() && !at.place.lost(&[], "load_balancer") {
        let problem = format!("the service `{}` has no load_balancer, which measures this", at.place.name);
        let help = "add load_balancer: { load_balancer: app/<name>/<id>, target_group: targetgroup/<name>/<id> } to the service";
        at.complain(&way, Missing, problem, help);
    }
    let first = fleet.regions.first();
    if fleet.regions.iter().any(|region| Some(region) != first) {
        let problem = "a load balancer's id belongs to one region, this file has several; elsewhere the alarm would watch nothing";
        let help = "write one file for each region (system names such as shop-east and shop-west), or use cpu or a cloudwatch metric here";
        at.complain(&way, Conflict, problem, help);
    }
}

fn check_numbers(metric: &MetricCondition, at: &mut RuleScene<'_, '_, '_, '_>) {
    let field = if metric.comparison == Comparison::Above { "above" } else { "below" };
    let way = [Field("when"), Field(field)];
    let (threshold, is_ours) = (metric.threshold, !matches!(metric.metric, Metric::Cloudwatch { .. }));
    if !threshold.is_finite() {
        at.complain(&way, Value, format!("{threshold} is no threshold"), "write a finite number such as 70");
    } else if is_percentage(&metric.metric) && !(0.0..=100.0).contains(&threshold) {
        at.complain(&way, Value, format!("{threshold} is no percentage"), "write a number from 0 to 100");
    } else if is_ours && threshold < 0.0 {
        at.complain(&way, Value, format!("{threshold} is never crossed from above; this metric is never negative"), "write 0 or more");
    } else if is_ours && threshold == 0.0 && metric.comparison == Comparison::Below {
        at.complain(&way, Value, "this metric is never below 0", "write the smallest value that is still busy enough");
    }
}

fn is_percentage(metric: &Metric) -> bool {
    matches!(metric, Metric::Cpu | Metric::Memory)
}

fn check_action(metric: &MetricCondition, rule: &Rule, at: &mut RuleScene<'_, '_, '_, '_>) {
    let is_load = !matches!(metric.metric, Metric::Cloudwatch { .. });
    match (rule.then, metric.comparison) {
        (Action::Add(_), Comparison::Below) if is_load => {
            let help = "write remove here, or above instead of below";
            at.complain(&[Field("then")], Conflict, "this adds when there is little to do", help);
        }
        (Action::Remove(_), Comparison::Above) if is_load => {
            let help = "write add here, or below instead of above";
            at.complain(&[Field("then")], Conflict, "this removes when there is much to do, and makes it worse", help);
        }
        (Action::ToTarget(target), comparison) => check_target(target, comparison, metric, at),
        _ => {}
    }
}

fn check_target(target: f64, comparison: Comparison, metric: &MetricCondition, at: &mut RuleScene<'_, '_, '_, '_>) {
    let way = [Field("then"), Field("to_target")];
    let threshold = metric.threshold;
    if !target.is_finite() || target <= 0.0 {
        at.complain(&way, Value, format!("{target} is no target; the metric is divided by it"), "write a number above 0, such as 60");
    } else if is_percentage(&metric.metric) && target > 100.0 {
        at.complain(&way, Value, format!("{target} is no percentage"), "write a number above 0, at most 100");
    } else if comparison == Comparison::Above && target > threshold {
        let problem = format!("to_target: {target} is above the threshold {threshold}: the rule would shrink what it should grow");
        at.complain(&way, Conflict, problem, format!("write a target of at most {threshold}, such as {}", 0.85 * threshold));
    } else if comparison == Comparison::Below && target < threshold {
        let problem = format!("to_target: {target} is below the threshold {threshold}: the rule would grow what it should shrink");
        at.complain(&way, Conflict, problem, format!("write a target of at least {threshold}"));
    }
}

/// A growing and a shrinking rule on the same number must leave room between them, or the service goes up and down for ever.
fn check_pairs(place: &mut ServiceScene<'_, '_, '_>) {
    let rules = &place.service.rules;
    let with = |direction| {
        let numbered = rules.iter().enumerate().filter(move |(_, rule)| rule.direction() == direction);
        numbered.filter_map(|(index, rule)| Some((index, rule, rule.metric()?)))
    };
    for (shrink_index, shrink, low) in with(Direction::Shrink) {
        for (grow_index, grow, high) in with(Direction::Grow) {
            if is_same_number(low, high) && low.comparison == Comparison::Below && high.comparison == Comparison::Above {
                check_pair(&Pair { shrink_index, shrink, low, grow_index, grow, high }, place);
            }
        }
    }
}

/// Sums over periods of different lengths are different numbers.
fn is_same_number(one: &MetricCondition, other: &MetricCondition) -> bool {
    let is_total = matches!(one.statistic, Statistic::Sum | Statistic::SampleCount);
    one.metric == other.metric && one.statistic == other.statistic && (!is_total || one.period == other.period)
}

struct Pair<'p> {
    shrink_index: usize,
    shrink: &'p Rule,
    low: &'p MetricCondition,
    grow_index: usize,
    grow: &'p Rule,
    high: &'p MetricCondition,
}

fn check_pair(pair: &Pair<'_>, place: &mut ServiceScene<'_, '_, '_>) {
    let Pair { shrink, low, grow, high, .. } = pair;
    let (floor, ceiling) = (low.threshold, high.threshold);
    let mut refuse = |index: usize, way: [Step<'_>; 2], problem: String, help: String| {
        place.complain(&[&[Field("rules"), Item(index)], &way[..]].concat(), Conflict, problem, help);
    };
    if floor >= ceiling {
        let problem =
            format!("`{}` shrinks below {floor} and `{}` grows above {ceiling}: between them the service flaps", shrink.name, grow.name);
        refuse(
            pair.shrink_index,
            [Field("when"), Field("below")],
            problem,
            format!("write a value well under {ceiling}, such as {}", ceiling / 2.0),
        );
        return;
    }
    if let Action::ToTarget(target) = shrink.then
        && target >= ceiling
    {
        let problem = format!("`{}` shrinks until {target}, where `{}` grows again (above {ceiling})", shrink.name, grow.name);
        refuse(pair.shrink_index, [Field("then"), Field("to_target")], problem, format!("write a target under {ceiling}"));
    }
    if let Action::ToTarget(target) = grow.then
        && target <= floor
    {
        let problem = format!("`{}` grows until {target}, where `{}` shrinks again (below {floor})", grow.name, shrink.name);
        refuse(pair.grow_index, [Field("then"), Field("to_target")], problem, format!("write a target above {floor}"));
    }
}
