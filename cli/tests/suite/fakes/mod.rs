//! AWS played by hand: alarms and a ledger in memory, with a journal of what was asked, that can refuse.

mod estate;
mod releases;
mod secrets;

use std::cell::RefCell;

use jiff::Timestamp;
use nightshift_cli::{AlarmBook, HistoryBook, OverrideBook, PauseBook};
use nightshift_core::alarms::AlarmDefinition;
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};

pub use estate::Looked;
pub use releases::{Function, Kept, Keys, Releases};
pub use secrets::{Kept as KeptSecret, Rotations, Rotator, TaskDefinitions, Vault};

/// The alarms of an account.
#[derive(Default)]
pub struct Alarms {
    pub kept: RefCell<Vec<AlarmDefinition>>,
    pub journal: RefCell<Vec<String>>,
    /// Calls whose journal line begins so are refused.
    pub refuses: Vec<&'static str>,
}

impl Alarms {
    fn note(&self, line: String, operation: &str) -> PortResult<()> {
        let is_refused = self.refuses.iter().any(|refused| line.starts_with(refused));
        self.journal.borrow_mut().push(line);
        match is_refused {
            true => Err(PortError::new(PortErrorKind::Denied, operation, "AccessDenied: not authorized")),
            false => Ok(()),
        }
    }
}

impl AlarmBook for Alarms {
    async fn find(&self) -> PortResult<Vec<AlarmDefinition>> {
        self.note("find".to_owned(), "cloudwatch:DescribeAlarms")?;
        // As DescribeAlarms: without tags.
        Ok(self.kept.borrow().iter().map(|alarm| AlarmDefinition { tags: Vec::new(), ..alarm.clone() }).collect())
    }

    async fn put(&self, alarm: &AlarmDefinition) -> PortResult<()> {
        self.note(format!("put {}", alarm.name), "cloudwatch:PutMetricAlarm")?;
        let mut kept = self.kept.borrow_mut();
        kept.retain(|other| other.name != alarm.name);
        kept.push(alarm.clone());
        Ok(())
    }

    async fn delete(&self, names: &[String]) -> PortResult<()> {
        self.note(format!("delete {}", names.join(" ")), "cloudwatch:DeleteAlarms")?;
        self.kept.borrow_mut().retain(|alarm| !names.contains(&alarm.name));
        Ok(())
    }
}

/// The ledger.
#[derive(Default)]
pub struct Book {
    pub pauses: RefCell<Vec<Pause>>,
    pub overrides: RefCell<Vec<(ServiceKey, BoundsOverride)>>,
    pub entries: Vec<HistoryEntry>,
    pub is_gone: bool,
}

impl Book {
    fn open(&self) -> PortResult<()> {
        match self.is_gone {
            true => {
                Err(PortError::new(PortErrorKind::NotFound, "dynamodb:Query", "ResourceNotFoundException: Requested resource not found"))
            }
            false => Ok(()),
        }
    }
}

impl PauseBook for Book {
    async fn put_pause(&self, pause: &Pause) -> PortResult<()> {
        self.open()?;
        self.pauses.borrow_mut().retain(|other| other.scope != pause.scope);
        self.pauses.borrow_mut().push(pause.clone());
        Ok(())
    }

    async fn remove_pause(&self, scope: &str) -> PortResult<Option<Pause>> {
        self.open()?;
        let mut pauses = self.pauses.borrow_mut();
        let at = pauses.iter().position(|pause| pause.scope == scope);
        Ok(at.map(|at| pauses.remove(at)))
    }

    async fn pauses(&self) -> PortResult<Vec<Pause>> {
        self.open()?;
        Ok(self.pauses.borrow().clone())
    }
}

impl OverrideBook for Book {
    async fn put_override(&self, key: &ServiceKey, bounds: &BoundsOverride) -> PortResult<()> {
        self.open()?;
        self.overrides.borrow_mut().push((key.clone(), bounds.clone()));
        Ok(())
    }

    async fn remove_override(&self, key: &ServiceKey) -> PortResult<Option<BoundsOverride>> {
        self.open()?;
        let mut overrides = self.overrides.borrow_mut();
        let at = overrides.iter().position(|(other, _)| other == key);
        Ok(at.map(|at| overrides.remove(at).1))
    }

    async fn overrides(&self) -> PortResult<Vec<(ServiceKey, BoundsOverride)>> {
        self.open()?;
        Ok(self.overrides.borrow().clone())
    }
}

impl HistoryBook for Book {
    async fn entries(&self, _: &ServiceKey, since: Timestamp, most: usize) -> PortResult<Vec<HistoryEntry>> {
        self.open()?;
        Ok(self.entries.iter().filter(|entry| entry.at >= since).take(most).cloned().collect())
    }
}
