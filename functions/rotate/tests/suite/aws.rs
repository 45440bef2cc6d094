//! AWS in memory: Secrets Manager with its labels and its lag, ElastiCache with changes that take time, the ledger, schedules,
//! topics, and the function that starts readers anew.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use nightshift_core::fleet::{DeployTarget, Probe, SecretName, SystemName};
use nightshift_core::ledger::{HistoryEntry, Pause, ServiceKey};
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::{ReleaseLedger, TargetReader};
use nightshift_core::release::{Blueprint, BlueprintVersion, Book, BookView, Check, RolloutNow, TargetNow};
use nightshift_core::rotation::ports::*;
use nightshift_core::rotation::{RotationRecord, RotationView, SecretNow, SecretText};
use serde_json::{Value, json};

use crate::gate::Gate;

/// A version of a secret.
#[derive(Clone, Debug, Default)]
pub struct Version {
    pub stages: BTreeSet<String>,
    pub value: Option<String>,
    pub created_at: Option<Timestamp>,
}

/// A secret.
#[derive(Clone, Debug, Default)]
pub struct OneSecret {
    pub name: String,
    pub enabled: bool,
    pub is_replica: bool,
    pub versions: BTreeMap<String, Version>,
    /// How many readings of a value still do not show the newest version.
    pub lag: usize,
    pub lagging: usize,
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-Ab12Cd")
}

impl OneSecret {
    pub fn staged(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    pub fn value(&self, stage: &str) -> Option<String> {
        self.staged(stage).and_then(|(_, version)| version.value.clone())
    }

    pub fn move_stage(&mut self, stage: &str, to: &str) {
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        self.versions.entry(to.to_owned()).or_default().stages.insert(stage.to_owned());
    }
}

/// A user of ElastiCache, or an AUTH token's cluster: what is good now, and what is under way.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub good: Vec<String>,
    pub coming: Option<Vec<String>>,
    /// How many looks a change takes.
    pub takes: usize,
    pub left: usize,
}

/// Everything in memory that is not a server.
#[derive(Default)]
pub struct Memory {
    pub now: Timestamp,
    pub secrets: BTreeMap<String, OneSecret>,
    /// By replication group; that of a user stands under `shop2`.
    pub clusters: BTreeMap<String, Cluster>,
    pub records: BTreeMap<String, RotationRecord>,
    pub pause: Option<Pause>,
    pub books: BTreeMap<ServiceKey, Book>,
    /// What task definitions read, by ECS service.
    pub reads: BTreeMap<String, Vec<String>>,
    pub woken: Vec<(String, String)>,
    pub looks: Vec<(String, Timestamp)>,
    pub told: Vec<Message>,
    pub good_keys: BTreeSet<String>,
    pub rotation_tokens: Vec<Option<String>>,
}

/// All of it behind the gate.
#[derive(Clone)]
pub struct Aws {
    pub gate: Rc<Gate>,
    pub memory: Rc<RefCell<Memory>>,
}

fn not_found(operation: &str) -> PortError {
    PortError::new(PortErrorKind::NotFound, operation, "not there")
}

impl Memory {
    pub fn secret(&mut self, id: &str) -> Option<&mut OneSecret> {
        self.secrets.values_mut().find(|secret| secret.name == id || arn(&secret.name) == id)
    }
}

impl SecretReader for Aws {
    async fn secret_now(&self, secret: &str) -> PortResult<SecretNow> {
        let read = async {
            let mut memory = self.memory.borrow_mut();
            let secret = memory.secret(secret).ok_or_else(|| not_found("secretsmanager:DescribeSecret"))?;
            let staged = secret.versions.iter().filter(|(_, version)| !version.stages.is_empty());
            Ok(SecretNow {
                arn: arn(&secret.name),
                name: secret.name.clone(),
                rotation_enabled: secret.enabled,
                rotation_function: None,
                rotation_rule: None,
                last_rotated_at: None,
                next_rotation_at: None,
                created_at: None,
                is_replica: secret.is_replica,
                is_deleted: false,
                versions: staged.map(|(id, version)| (id.clone(), version.stages.clone())).collect(),
            })
        };
        self.gate.pass("describe", read).await
    }

    async fn value(&self, secret: &str, version: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
        let read = async {
            let mut memory = self.memory.borrow_mut();
            let secret = memory.secret(secret).ok_or_else(|| not_found("secretsmanager:GetSecretValue"))?;
            let (id, version) = match version {
                VersionRef::Stage(stage) => match secret.staged(stage) {
                    Some((id, version)) => (id.clone(), version.clone()),
                    None => return Ok(None),
                },
                VersionRef::Pending(token) => {
                    if secret.lagging > 0 {
                        secret.lagging -= 1;
                        return Ok(None);
                    }
                    match secret.versions.get(token).filter(|version| version.stages.contains("AWSPENDING")) {
                        Some(version) => (token.to_owned(), version.clone()),
                        None => return Ok(None),
                    }
                }
            };
            Ok(version.value.map(|text| VersionValue { version: id, text: SecretText::new(text), created_at: version.created_at }))
        };
        self.gate.pass("value", read).await
    }
}

impl SecretStages for Aws {
    async fn put_pending(&self, secret: &str, token: &str, value: &SecretText, rotation_token: Option<&str>) -> PortResult<()> {
        let put = async {
            let mut memory = self.memory.borrow_mut();
            let now = memory.now;
            memory.rotation_tokens.push(rotation_token.map(str::to_owned));
            let secret = memory.secret(secret).ok_or_else(|| not_found("secretsmanager:PutSecretValue"))?;
            secret.lagging = secret.lag;
            let version = secret.versions.entry(token.to_owned()).or_default();
            match &version.value {
                Some(old) if old != value.reveal() => {
                    return Err(PortError::new(PortErrorKind::Conflict, "secretsmanager:PutSecretValue", "it has another value"));
                }
                _ => {}
            }
            (version.value, version.created_at) = (Some(value.reveal().to_owned()), Some(now));
            secret.move_stage("AWSPENDING", token);
            Ok(())
        };
        self.gate.pass("put", put).await
    }

    async fn make_current(&self, secret: &str, from: Option<&str>, to: &str) -> PortResult<()> {
        let moved = async {
            let mut memory = self.memory.borrow_mut();
            let secret = memory.secret(secret).ok_or_else(|| not_found("secretsmanager:UpdateSecretVersionStage"))?;
            let current = secret.staged("AWSCURRENT").map(|(id, _)| id.clone());
            if current.as_deref() != from {
                return Err(PortError::new(PortErrorKind::Conflict, "secretsmanager:UpdateSecretVersionStage", "it moved"));
            }
            if let Some(old) = current {
                secret.move_stage("AWSPREVIOUS", &old);
            }
            secret.move_stage("AWSCURRENT", to);
            Ok(())
        };
        self.gate.pass("make_current", moved).await
    }

    async fn drop_pending(&self, secret: &str, version: &str) -> PortResult<()> {
        let dropped = async {
            let mut memory = self.memory.borrow_mut();
            let secret = memory.secret(secret).ok_or_else(|| not_found("secretsmanager:UpdateSecretVersionStage"))?;
            secret.versions.entry(version.to_owned()).or_default().stages.remove("AWSPENDING");
            Ok(())
        };
        self.gate.pass("drop_pending", dropped).await
    }
}

impl CacheClusters for Aws {
    async fn cluster_now(&self, group: &str, _: Option<&str>) -> PortResult<ClusterNow> {
        let read = async {
            let mut memory = self.memory.borrow_mut();
            let cluster = memory.clusters.get_mut(group).ok_or_else(|| not_found("elasticache:DescribeReplicationGroups"))?;
            cluster.left = cluster.left.saturating_sub(1);
            if cluster.left == 0
                && let Some(coming) = cluster.coming.take()
            {
                cluster.good = coming;
            }
            let is_settled = cluster.coming.is_none();
            let status = if is_settled { "available" } else { "modifying" };
            Ok(ClusterNow { is_settled, status: status.into(), endpoint: Some(("cache.example".into(), 6379)) })
        };
        self.gate.pass("cluster", read).await
    }

    async fn set_token(&self, group: &str, token: &SecretText, strategy: TokenStrategy) -> PortResult<()> {
        let set = async {
            let newest = self.memory.borrow().clusters[group].good.last().cloned();
            let coming = match strategy {
                TokenStrategy::Rotate => newest.into_iter().chain([token.reveal().to_owned()]).collect(),
                TokenStrategy::Set => vec![token.reveal().to_owned()],
            };
            self.begin(group, coming)
        };
        self.gate.pass("set_token", set).await
    }

    async fn set_user_passwords(&self, _: &str, passwords: &[SecretText]) -> PortResult<()> {
        assert!(passwords.len() <= 2, "ElastiCache takes two passwords");
        let set = async { self.begin("shop2", passwords.iter().map(|password| password.reveal().to_owned()).collect()) };
        self.gate.pass("set_user", set).await
    }
}

impl Aws {
    fn begin(&self, group: &str, coming: Vec<String>) -> PortResult<()> {
        let mut memory = self.memory.borrow_mut();
        let cluster = memory.clusters.get_mut(group).unwrap();
        if cluster.coming.is_some() {
            return Err(PortError::new(PortErrorKind::Conflict, "elasticache", "it is being modified"));
        }
        // The old ones stay good until the change is through.
        (cluster.coming, cluster.left) = (Some(coming), cluster.takes + 1);
        Ok(())
    }
}

impl KeyProbe for Aws {
    async fn probe(&self, _: &Probe, key: &SecretText) -> PortResult<LoginAnswer> {
        let read = async {
            Ok(match self.memory.borrow().good_keys.contains(key.reveal()) {
                true => LoginAnswer::Accepted,
                false => LoginAnswer::Refused { why: "HTTP 401".into() },
            })
        };
        self.gate.pass("probe", read).await
    }
}

impl RotationLedger for Aws {
    async fn rotation(&self, _: &SystemName, secret: &SecretName) -> PortResult<RotationView> {
        let read = async {
            let memory = self.memory.borrow();
            Ok(RotationView { record: memory.records.get(secret.as_str()).cloned().unwrap_or_default(), pause: memory.pause.clone() })
        };
        self.gate.pass("ledger", read).await
    }

    async fn store_rotation(&self, _: &SystemName, secret: &SecretName, seen_version: u64, record: &RotationRecord) -> PortResult<()> {
        let stored = async {
            let mut memory = self.memory.borrow_mut();
            let present = memory.records.get(secret.as_str()).map_or(0, |record| record.version);
            if present != seen_version {
                return Err(PortError::new(PortErrorKind::Conflict, "dynamodb:PutItem", "another version"));
            }
            memory.records.insert(secret.as_str().to_owned(), record.clone());
            Ok(())
        };
        self.gate.pass("store", stored).await
    }
}

impl ReleaseLedger for Aws {
    async fn read_book(&self, key: &ServiceKey) -> PortResult<BookView> {
        let read = async { Ok(BookView { book: self.memory.borrow().books.get(key).cloned().unwrap_or_default(), pause: None }) };
        self.gate.pass("book", read).await
    }

    async fn store_book(&self, _: &ServiceKey, _: u64, _: &Book) -> PortResult<()> {
        panic!("rotate writes no book")
    }

    async fn append_release(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        panic!("rotate writes no release")
    }
}

impl TargetReader for Aws {
    async fn target_now(&self, _: &DeployTarget) -> PortResult<TargetNow> {
        panic!("rotate does not look at targets")
    }

    async fn blueprint(&self, target: &DeployTarget, _: Option<&str>, _: Option<&str>) -> PortResult<Blueprint> {
        let read = async {
            let memory = self.memory.borrow();
            let DeployTarget::Tasks(service) = target else { panic!("rotate reads task definitions only") };
            let secrets = memory.reads.get(&service.service).ok_or_else(|| not_found("ecs:DescribeServices"))?;
            let secrets: Vec<Value> = secrets.iter().map(|name| json!({ "name": "X", "valueFrom": arn(name) })).collect();
            let body = json!({ "containerDefinitions": [{ "name": "web", "secrets": secrets }] });
            let version = BlueprintVersion { revision: "web:1".into(), body };
            Ok(Blueprint { running: version.clone(), latest: version, proven: None })
        };
        self.gate.pass("blueprint", read).await
    }

    async fn rollout(&self, _: &DeployTarget, _: &str, _: &str, _: Timestamp) -> PortResult<RolloutNow> {
        panic!("rotate does not look at roll-outs")
    }

    async fn checks(&self, _: &DeployTarget, _: &Value) -> Vec<Check> {
        panic!("rotate checks no definitions")
    }
}

impl ReaderWaker for Aws {
    async fn tell_readers(&self, secret: &str, version: &str, _: Timestamp) -> PortResult<()> {
        let told = async {
            self.memory.borrow_mut().woken.push((secret.to_owned(), version.to_owned()));
            Ok(())
        };
        self.gate.pass("wake", told).await
    }

    async fn start_readers_again(&self, secret: &str) -> PortResult<()> {
        let told = async {
            self.memory.borrow_mut().woken.push((secret.to_owned(), "again".to_owned()));
            Ok(())
        };
        self.gate.pass("wake_again", told).await
    }
}

impl RotationTimer for Aws {
    async fn look_at_secret(&self, _: &SystemName, secret: &SecretName, at: Timestamp, _: &str) -> PortResult<()> {
        let arranged = async {
            self.memory.borrow_mut().looks.push((secret.to_string(), at));
            Ok(())
        };
        self.gate.pass("schedule", arranged).await
    }
}

impl Messenger for Aws {
    async fn publish(&self, _: &str, message: &Message) -> PortResult<()> {
        let told = async {
            self.memory.borrow_mut().told.push(message.clone());
            Ok(())
        };
        self.gate.pass("publish", told).await
    }
}
