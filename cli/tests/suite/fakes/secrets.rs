//! Secrets Manager, the ledger of rotations and the function that rotates, in memory: what each look finds, and what was done.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nightshift_aws::{FunctionAnswer, RotationSetup};
use nightshift_cli::{CommandTaker, RotationDesk, SecretBook};
use nightshift_core::fleet::{DeployTarget, SecretName, SystemName};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::TargetReader;
use nightshift_core::release::{Blueprint, BlueprintVersion, Check, RolloutNow, TargetNow};
use nightshift_core::rotation::ports::{RotationLedger, SecretReader, SecretStages, VersionRef, VersionValue};
use nightshift_core::rotation::{RotationRecord, RotationView, SecretNow, SecretText};
use serde_json::{Value, json};

/// One secret with its versions.
#[derive(Clone)]
pub struct Kept {
    pub now: SecretNow,
    pub setup: Option<RotationSetup>,
    pub made_at: BTreeMap<String, Timestamp>,
    pub values: BTreeMap<String, String>,
}

impl Kept {
    /// With one version, `v1`, that is current since then.
    pub fn new(name: &str, since: &str) -> Self {
        let since: Timestamp = since.parse().unwrap();
        let now = SecretNow {
            arn: format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-Ab12Cd"),
            name: name.to_owned(),
            rotation_enabled: false,
            rotation_function: None,
            rotation_rule: None,
            last_rotated_at: None,
            next_rotation_at: None,
            created_at: Some(since),
            is_replica: false,
            is_deleted: false,
            versions: BTreeMap::new(),
        };
        let (made_at, values) = (BTreeMap::from([("v1".to_owned(), since)]), BTreeMap::new());
        Self { now, setup: None, made_at, values }.labelled("v1", &["AWSCURRENT"])
    }

    pub fn labelled(mut self, version: &str, stages: &[&str]) -> Self {
        self.now.versions.insert(version.to_owned(), stages.iter().map(|stage| (*stage).to_owned()).collect::<BTreeSet<String>>());
        self
    }

    /// A version that is being made since then.
    pub fn making(mut self, version: &str, since: &str) -> Self {
        self.made_at.insert(version.to_owned(), since.parse().unwrap());
        self.labelled(version, &["AWSPENDING"])
    }

    pub fn valued(mut self, version: &str, value: &str) -> Self {
        self.values.insert(version.to_owned(), value.to_owned());
        self
    }

    pub fn scheduled(mut self, function: &str, schedule: &str, window: Option<&str>, next: &str) -> Self {
        let setup = RotationSetup { function: function.to_owned(), schedule: schedule.to_owned(), window: window.map(str::to_owned) };
        (self.setup, self.now.rotation_enabled) = (Some(setup), true);
        self.now.next_rotation_at = Some(next.parse().unwrap());
        self
    }
}

/// What somebody else does to the secrets.
pub type Happens = fn(&Vault);

/// The secrets of a region.
#[derive(Default)]
pub struct Vault {
    pub kept: RefCell<BTreeMap<String, Kept>>,
    pub journal: RefCell<Vec<String>>,
    /// Calls whose journal line begins so are refused.
    pub refuses: Vec<(&'static str, PortErrorKind)>,
    pub looks: Cell<usize>,
    /// What somebody else does before this look.
    pub meanwhile: Option<(usize, Happens)>,
}

impl Vault {
    pub fn of(kept: impl IntoIterator<Item = Kept>) -> Self {
        Self { kept: RefCell::new(kept.into_iter().map(|kept| (kept.now.name.clone(), kept)).collect()), ..Self::default() }
    }

    pub fn refusing(mut self, calls: &'static str, kind: PortErrorKind) -> Self {
        self.refuses.push((calls, kind));
        self
    }

    pub fn change(&self, name: &str, change: impl FnOnce(Kept) -> Kept) {
        let kept = self.kept.borrow_mut().remove(name).unwrap();
        self.kept.borrow_mut().insert(name.to_owned(), change(kept));
    }

    fn note(&self, line: String) -> PortResult<()> {
        let refused = self.refuses.iter().find(|(refused, _)| line.starts_with(refused)).map(|(_, kind)| *kind);
        let operation = format!("secretsmanager:{}", line.split(' ').next().unwrap());
        self.journal.borrow_mut().push(line);
        refused.map_or(Ok(()), |kind| Err(PortError::new(kind, operation, "as the test wishes")))
    }

    fn find(&self, name: &str) -> PortResult<Kept> {
        let missing = || PortError::new(PortErrorKind::NotFound, "secretsmanager:DescribeSecret", format!("there is no secret {name}"));
        self.kept.borrow().get(name).cloned().ok_or_else(missing)
    }

    /// What was changed, in order.
    pub fn changes(&self) -> Vec<String> {
        let is_change = |line: &&String| !["describe", "versions", "value"].iter().any(|read| line.starts_with(read));
        self.journal.borrow().iter().filter(is_change).cloned().collect()
    }
}

impl SecretBook for Vault {
    async fn secret_and_setup(&self, secret: &str) -> PortResult<(SecretNow, Option<RotationSetup>)> {
        self.looks.set(self.looks.get() + 1);
        if let Some((_, happens)) = self.meanwhile.filter(|(look, _)| *look == self.looks.get()) {
            happens(self);
        }
        self.note(format!("describe {secret}"))?;
        self.find(secret).map(|kept| (kept.now, kept.setup))
    }

    async fn versions_made_at(&self, secret: &str) -> PortResult<BTreeMap<String, Timestamp>> {
        self.note(format!("versions {secret}"))?;
        self.find(secret).map(|kept| kept.made_at)
    }
}

impl RotationDesk for Vault {
    async fn set_rotation(&self, secret: &str, setup: &RotationSetup, token: &str) -> PortResult<()> {
        let window = setup.window.clone().unwrap_or_default();
        self.note(format!("set {secret} {} {window} {} {token}", setup.schedule, setup.function))?;
        self.change(secret, |kept| Kept { setup: Some(setup.clone()), ..kept });
        Ok(())
    }

    async fn stop_rotation(&self, secret: &str) -> PortResult<()> {
        self.note(format!("stop {secret}"))?;
        self.change(secret, |kept| Kept { setup: None, ..kept });
        Ok(())
    }
}

impl SecretReader for Vault {
    async fn secret_now(&self, secret: &str) -> PortResult<SecretNow> {
        self.secret_and_setup(secret).await.map(|(now, _)| now)
    }

    async fn value(&self, secret: &str, version: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
        self.note(format!("value {secret}"))?;
        let kept = self.find(secret)?;
        let id = match version {
            VersionRef::Stage(stage) => kept.now.versions.iter().find(|(_, stages)| stages.contains(stage)).map(|(id, _)| id.clone()),
            VersionRef::Pending(id) => Some(id.to_owned()),
        };
        let value = id.and_then(|id| Some((kept.values.get(&id)?.clone(), id)));
        Ok(value.map(|(text, version)| VersionValue { version, text: SecretText::new(text), created_at: None }))
    }
}

impl SecretStages for Vault {
    async fn put_pending(&self, secret: &str, token: &str, value: &SecretText, rotation_token: Option<&str>) -> PortResult<()> {
        assert_eq!(rotation_token, None);
        self.note(format!("put {secret} {token}"))?;
        self.change(secret, |kept| kept.making(token, crate::stage::NOW).valued(token, value.reveal()));
        Ok(())
    }

    async fn make_current(&self, _: &str, _: Option<&str>, _: &str) -> PortResult<()> {
        panic!("the command line moves no label");
    }

    async fn drop_pending(&self, _: &str, _: &str) -> PortResult<()> {
        panic!("the command line moves no label");
    }
}

/// What the ledger remembers of rotations.
#[derive(Default)]
pub struct Rotations {
    pub views: BTreeMap<String, RotationView>,
    pub fails: Option<PortErrorKind>,
}

impl Rotations {
    pub fn of(records: impl IntoIterator<Item = (&'static str, RotationRecord)>) -> Self {
        let view = |(name, record): (&str, RotationRecord)| (name.to_owned(), RotationView { record, pause: None });
        Self { views: records.into_iter().map(view).collect(), fails: None }
    }
}

impl RotationLedger for Rotations {
    async fn rotation(&self, _: &SystemName, secret: &SecretName) -> PortResult<RotationView> {
        match self.fails {
            Some(kind) => Err(PortError::new(kind, "dynamodb:BatchGetItem", "as the test wishes")),
            None => Ok(self.views.get(secret.as_str()).cloned().unwrap_or_default()),
        }
    }

    async fn store_rotation(&self, _: &SystemName, _: &SecretName, _: u64, _: &RotationRecord) -> PortResult<()> {
        panic!("the command line writes no record");
    }
}

/// The task definitions, by the ECS service's name; others are not there.
#[derive(Default)]
pub struct TaskDefinitions(pub BTreeMap<&'static str, PortResult<Value>>);

impl TaskDefinitions {
    /// Services that read these secrets.
    pub fn reading(reads: &[(&'static str, &[&str])]) -> Self {
        let arn = |name: &&str| format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-Ab12Cd:password::");
        let secret = |name: &&str| json!({ "name": "PASSWORD", "valueFrom": arn(name) });
        let body = |names: &[&str]| json!({ "containerDefinitions": [{ "secrets": names.iter().map(secret).collect::<Vec<_>>() }] });
        Self(reads.iter().map(|(service, names)| (*service, Ok(body(names)))).collect())
    }
}

impl TargetReader for TaskDefinitions {
    async fn blueprint(&self, target: &DeployTarget, _: Option<&str>, _: Option<&str>) -> PortResult<Blueprint> {
        let DeployTarget::Tasks(service) = target else { panic!("only tasks name secrets") };
        let missing = || Err(PortError::new(PortErrorKind::NotFound, "ecs:DescribeServices", "no such service"));
        let body = self.0.get(service.service.as_str()).cloned().unwrap_or_else(missing)?;
        let version = BlueprintVersion { revision: "shop:1".to_owned(), body };
        Ok(Blueprint { running: version.clone(), latest: version, proven: None })
    }

    async fn target_now(&self, _: &DeployTarget) -> PortResult<TargetNow> {
        panic!("nobody asks for the target");
    }

    async fn rollout(&self, _: &DeployTarget, _: &str, _: &str, _: Timestamp) -> PortResult<RolloutNow> {
        panic!("nobody asks for a roll-out");
    }

    async fn checks(&self, _: &DeployTarget, _: &Value) -> Vec<Check> {
        panic!("nothing is checked");
    }
}

/// The function that rotates, and what it does with the vault.
pub struct Rotator<'a> {
    pub vault: &'a Vault,
    pub does: Happens,
    pub answer: PortResult<FunctionAnswer>,
    pub taken: RefCell<Vec<(String, Value)>>,
}

impl<'a> Rotator<'a> {
    pub fn answering(vault: &'a Vault, does: Happens, answer: Value) -> Self {
        Self { vault, does, answer: Ok(FunctionAnswer::Returned(answer)), taken: RefCell::default() }
    }

    pub fn failing(vault: &'a Vault, answer: PortResult<FunctionAnswer>) -> Self {
        Self { vault, does: |_| {}, answer, taken: RefCell::default() }
    }
}

impl CommandTaker for Rotator<'_> {
    async fn command(&self, function: &str, input: &Value) -> PortResult<FunctionAnswer> {
        self.taken.borrow_mut().push((function.to_owned(), input.clone()));
        (self.does)(self.vault);
        self.answer.clone()
    }
}
