//! A rule in plain words, for alarm descriptions and notices.

use crate::fleet::{Action, Comparison, Condition, Metric, Rule, Seconds};

/// The rule as a person would say it, without a full stop: "CPU above 50 % for 2 minutes: add 1".
pub fn rule_in_words(rule: &Rule) -> String {
    format!("{}: {}", condition_sentence(rule), action_in_words(rule))
}

/// What must hold for the rule to act, as a person would say it: "CPU above 50 % for 2 minutes".
pub fn condition_sentence(rule: &Rule) -> String {
    match &rule.when {
        Condition::ExistingAlarm(name) => format!("While alarm {name} is on"),
        Condition::Metric(metric) => {
            let side = match metric.comparison {
                Comparison::Above => "above",
                Comparison::Below => "below",
            };
            let (name, unit) = metric_in_words(&metric.metric);
            let statistic = match metric.statistic == metric.metric.usual_statistic() {
                true => String::new(),
                false => format!(" ({})", metric.statistic),
            };
            format!("{name}{statistic} {side} {}{unit} for {}", metric.threshold, length_in_words(metric.over))
        }
    }
}

fn metric_in_words(metric: &Metric) -> (String, &'static str) {
    match metric {
        Metric::Cpu => ("CPU".to_owned(), " %"),
        Metric::Memory => ("Memory".to_owned(), " %"),
        Metric::RequestCountPerTarget => ("Requests for each target".to_owned(), " a period"),
        Metric::ResponseTime => ("Response time".to_owned(), " s"),
        Metric::Http5xx => ("5xx answers".to_owned(), " a period"),
        Metric::QueueDepth { queue } => (format!("Messages waiting in {queue}"), ""),
        Metric::Cloudwatch { namespace, name, .. } => (format!("{namespace} {name}"), ""),
    }
}

fn action_in_words(rule: &Rule) -> String {
    match rule.then {
        Action::Add(amount) => format!("add {amount}"),
        Action::Remove(amount) => format!("remove {amount}"),
        Action::ToTarget(target) => {
            let unit = rule.metric().map_or("", |metric| metric_in_words(&metric.metric).1);
            format!("bring it to {target}{unit}")
        }
    }
}

fn length_in_words(length: Seconds) -> String {
    let seconds = length.get();
    let (count, unit) = match seconds {
        seconds if seconds > 0 && seconds % 86_400 == 0 => (seconds / 86_400, "day"),
        seconds if seconds > 0 && seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
        seconds if seconds > 0 && seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
