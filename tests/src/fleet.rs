//! Fleet files for tests and the demo: written into a folder, read back as the functions read them.

use std::path::{Path, PathBuf};

use nightshift_core::alarms::{MetricQuery, alarm_for_rule, metric_query};
use nightshift_core::fleet::{Fleet, Rule, Service, fleet_from_yaml};

use crate::project;

/// A fleet file: its text, and what it says.
#[derive(Clone, Debug)]
pub struct FleetFile {
    /// What is written.
    pub text: String,
    /// What was read from it.
    pub fleet: Fleet,
}

impl FleetFile {
    /// The file with this text; panics with the file's own errors where it is none.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let fleet = fleet_from_yaml("fleet.yaml", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        Self { text, fleet }
    }

    /// The file of one of the systems of this checkout.
    pub fn of_system(name: &str) -> Self {
        let path = project::root().join("systems").join(name).join("fleet.yaml");
        Self::new(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    /// The same file with other cooldowns: every line that sets one is replaced, nothing else.
    pub fn with_cooldowns(&self, seconds: u32) -> Self {
        let mut lines = Vec::new();
        let mut block = None;
        for line in self.text.lines() {
            let indent = line.len() - line.trim_start().len();
            if block.is_some_and(|outer| indent > outer || line.trim().is_empty()) {
                continue;
            }
            block = None;
            if line.trim_start().starts_with("cooldown:") {
                lines.push(format!("{}cooldown: {{ grow: {seconds}s, shrink: {seconds}s }}", " ".repeat(indent)));
                block = Some(indent);
            } else {
                lines.push(line.to_owned());
            }
        }
        let changed = Self::new(lines.join("\n") + "\n");
        let is_changed = |service: &Service| service.cooldown.grow.get() == seconds && service.cooldown.shrink.get() == seconds;
        assert!(changed.fleet.services.values().all(is_changed), "a service without a cooldown of its own:\n{}", changed.text);
        changed
    }

    /// The same file with short waits for releases: each is watched for two seconds, and what is to settle settles for five.
    pub fn with_short_waits(&self) -> Self {
        let mut text = self.text.clone();
        for (name, seconds) in [("bake: ", "2s"), ("settle: ", "5s")] {
            let mut parts = text.split(name);
            let mut changed = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let rest = part.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric());
                assert!(rest.len() < part.len(), "no length after {name}in {}", self.fleet.system);
                changed.extend([name, seconds, rest]);
            }
            text = changed;
        }
        assert!(text != self.text, "{} has nothing to wait for", self.fleet.system);
        Self::new(text)
    }

    /// The same file with something else in the place of what stands there.
    pub fn with(&self, old: &str, new: &str) -> Self {
        assert!(self.text.contains(old), "{} has no {old}", self.fleet.system);
        Self::new(self.text.replace(old, new))
    }

    /// The system's name.
    pub fn system(&self) -> String {
        self.fleet.system.to_string()
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> &Service {
        let found = self.fleet.services.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, service)| service).unwrap_or_else(|| panic!("{} has no service {name}", self.fleet.system))
    }

    /// The rule of this name.
    pub fn rule(&self, service: &str, rule: &str) -> &Rule {
        let found = self.service(service).rules.iter().find(|known| known.name.as_str() == rule);
        found.unwrap_or_else(|| panic!("{service} has no rule {rule}"))
    }

    /// The metric that the service's first rule watches: its load.
    pub fn load(&self, service: &str) -> MetricQuery {
        let service = self.service(service);
        let first = service.rules.first().expect("a service has rules");
        metric_query(service, first).expect("the first rule watches a metric")
    }

    /// The name of the alarm that a rule stands on.
    pub fn alarm(&self, service: &str, rule: &str) -> String {
        let (name, _) = self.fleet.services.iter().find(|(known, _)| known.as_str() == service).expect("the service is in the file");
        alarm_for_rule(&self.fleet.system, name, self.rule(service, rule))
    }

    /// Writes the file as `<folder>/<system>/fleet.yaml`.
    pub fn write_into(&self, folder: &Path) -> PathBuf {
        let own = folder.join(self.system());
        std::fs::create_dir_all(&own).expect("the test's folder can be written");
        let path = own.join("fleet.yaml");
        std::fs::write(&path, &self.text).expect("the test's folder can be written");
        path
    }
}
