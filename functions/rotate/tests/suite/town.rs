//! One system with a secret of each kind, its readers, and Secrets Manager's part: it calls the four steps, one after another,
//! and delivers a step again that failed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleets, ManagedSecret};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::outcome::Mode;
use nightshift_core::release::{Handed, HandedState, ReleaseId};
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_core::rotation::{SecretText, StepName, credential};
use nightshift_lambda::{Config, HandlerError, Invocation};
use nightshift_rotate::{Deps, handle};
use serde_json::{Value, json};

use crate::aws::{Aws, Cluster, Memory, OneSecret, Version, arn};
use crate::estate::{Behind, TestEstate};
use crate::fakes::{FakePostgresql, FakeRedis};
use crate::gate::Gate;

/// Another town, other passwords.
static SEEDS: AtomicU64 = AtomicU64::new(7);

/// What came of an invocation.
#[derive(Debug)]
pub enum Came {
    Answered(Value),
    Failed(HandlerError),
    Died,
}

impl Came {
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Answered(_))
    }

    /// The code of what came.
    pub fn code(&self) -> String {
        match self {
            Self::Answered(answer) => answer["reason"].as_str().unwrap_or("?").to_owned(),
            Self::Failed(error) => error.code().to_owned(),
            Self::Died => "died".to_owned(),
        }
    }
}

/// The system.
pub struct Town<P, R> {
    pub deps: Deps<TestEstate<P, R>>,
    /// What the readers were started with, by secret.
    pub held: BTreeMap<String, String>,
    tokens: u32,
}

pub type FakeTown = Town<FakePostgresql, FakeRedis>;

pub const SINGLE: &str = "shop/single";
pub const TURNS: &str = "shop/turns";
pub const REDIS: &str = "shop/redis";
pub const TOKEN: &str = "shop/token";
pub const USER: &str = "shop/user";
pub const KEYS: &str = "shop/keys";
pub const ISSUED: &str = "shop/issued";
pub const ADMIN: &str = "shop/admin";

/// Kinds whose readers keep a good credential throughout.
pub const GAPLESS: [&str; 4] = [TURNS, REDIS, TOKEN, USER];

fn fleet(postgresql: &str, redis: &str) -> String {
    format!(
        "version: 1
system: shop
regions: [us-east-1]
services:
  web:
    runs_on: {{ ecs: {{ cluster: shop, service: web }} }}
    bounds: {{ min: 2, max: 4 }}
secrets:
  {SINGLE}: {{ postgresql: {{ users: single{postgresql} }} }}
  {TURNS}: {{ postgresql: {{ users: alternating, admin_secret: {ADMIN}{postgresql} }} }}
  {REDIS}: {{ redis: {{ admin_secret: shop/redis-admin{redis} }} }}
  {TOKEN}: {{ elasticache: {{ replication_group: shop }} }}
  {USER}: {{ elasticache: {{ replication_group: shop2, user_id: shop }} }}
  {KEYS}: {{ keys: {{ field: key }} }}
  {ISSUED}:
    issued: {{ field: KEY, max_age: 90d, how: 'Ask the issuer.', probe: {{ url: 'https://issuer.example/v1' }} }}
"
    )
}

/// Read once: a matrix has thousands of towns.
fn fleets(yaml: String) -> Fleets {
    thread_local! { static READ: RefCell<BTreeMap<String, Fleets>> = RefCell::default(); }
    READ.with_borrow_mut(|read| {
        read.entry(yaml).or_insert_with_key(|yaml| Fleets::from_files(vec![("fleet.yaml".into(), yaml.clone())]).unwrap()).clone()
    })
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl FakeTown {
    pub fn new() -> Self {
        let memory = Rc::new(RefCell::new(Memory::default()));
        let (postgresql, redis) = (FakePostgresql::default(), FakeRedis { memory: Rc::clone(&memory), ..FakeRedis::default() });
        let users = [("single", "single-first"), ("turns", "turns-first"), ("admin", "admin-pass")];
        postgresql.users.borrow_mut().extend(users.map(|(user, password)| (user.to_owned(), password.to_owned())));
        let users = [("app", "redis-first"), ("admin", "redis-admin")];
        let one = |password: &str| BTreeSet::from([password.to_owned()]);
        redis.users.borrow_mut().extend(users.map(|(user, password)| (user.to_owned(), one(password))));
        Self::with(postgresql, redis, memory, "", "", "db.example", "redis.example")
    }
}

impl<P: PostgresqlServer, R: RedisServer> Town<P, R> {
    /// A town with these servers, which know the first passwords already.
    pub fn with(postgresql: P, redis: R, memory: Rc<RefCell<Memory>>, pg_extra: &str, redis_extra: &str, db: &str, cache: &str) -> Self {
        let gate = Rc::new(Gate::default());
        let fleets = fleets(fleet(pg_extra, redis_extra));
        {
            let mut memory = memory.borrow_mut();
            memory.now = at("2026-11-20T03:00:00Z");
            let values = [
                (
                    SINGLE,
                    json!({ "host": db, "username": "single", "password": "single-first", "dbname": "shop", "ssl": false, "note": 7 }),
                ),
                (TURNS, json!({ "host": db, "username": "turns", "password": "turns-first", "dbname": "shop" })),
                (ADMIN, json!({ "username": "admin", "password": "admin-pass" })),
                (REDIS, json!({ "host": cache, "username": "app", "password": "redis-first" })),
                ("shop/redis-admin", json!({ "username": "admin", "password": "redis-admin" })),
                (TOKEN, json!({ "password": "token-first" })),
                (USER, json!({ "username": "shop", "password": "user-first" })),
                (KEYS, json!({ "key": "first-signing-key" })),
                (ISSUED, json!({ "KEY": "issued-first", "MODE": "production" })),
            ];
            for (name, value) in values {
                let stages = BTreeSet::from(["AWSCURRENT".to_owned()]);
                let version = Version { stages, value: Some(value.to_string()), created_at: Some(memory.now) };
                let secret = OneSecret {
                    name: name.into(),
                    enabled: true,
                    versions: BTreeMap::from([("v0".into(), version)]),
                    ..OneSecret::default()
                };
                memory.secrets.insert(name.into(), secret);
            }
            memory.good_keys = BTreeSet::from(["issued-first".to_owned()]);
            for (group, password) in [("shop", "token-first"), ("shop2", "user-first")] {
                memory.clusters.insert(group.into(), Cluster { good: vec![password.into()], ..Cluster::default() });
            }
            let names = [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS, ISSUED];
            memory.reads.insert("web".into(), names.map(str::to_owned).to_vec());
        }
        let aws = Aws { gate: Rc::clone(&gate), memory };
        let config = Config {
            fleet: String::new(),
            table: "ledger".into(),
            topic_arn: "topic".into(),
            mode: Mode::Act,
            schedule_group: "group".into(),
            schedule_role_arn: "role".into(),
            region: "us-east-1".into(),
        };
        let estate = TestEstate {
            aws,
            postgresql: Behind { gate: Rc::clone(&gate), server: postgresql },
            redis: Behind { gate, server: redis },
            dice: RefCell::new(SEEDS.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)),
        };
        Self { deps: Deps { function: "rotate".into(), config, fleets, estate }, held: BTreeMap::new(), tokens: 0 }
    }

    pub fn memory(&self) -> std::cell::RefMut<'_, Memory> {
        self.deps.estate.aws.memory.borrow_mut()
    }

    pub fn gate(&self) -> &Gate {
        &self.deps.estate.aws.gate
    }

    pub fn now(&self) -> Timestamp {
        self.memory().now
    }

    pub fn pass_minutes(&self, minutes: i64) {
        let mut memory = self.memory();
        memory.now = memory.now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    }

    pub async fn invoke(&self, event: &Value) -> Came {
        let now = self.now();
        let deadline = now.checked_add(SignedDuration::from_secs(120)).unwrap();
        let invocation =
            Invocation::new("request".into(), "arn:aws:lambda:us-east-1:111122223333:function:rotate".into(), deadline, move || now);
        tokio::select! {
            biased;
            came = handle(&invocation, &self.deps, event) => match came {
                Ok(answer) => Came::Answered(answer),
                Err(error) => Came::Failed(error),
            },
            () = self.gate().died() => Came::Died,
        }
    }

    pub async fn step(&self, name: &str, token: &str, step: StepName) -> Came {
        self.invoke(&json!({ "Step": step.as_str(), "SecretId": arn(name), "ClientRequestToken": token })).await
    }

    pub async fn look(&self, name: &str) -> Came {
        self.invoke(&json!({ "nightshift": "rotation", "system": "shop", "secret": name })).await
    }

    pub async fn sweep(&self) -> Came {
        self.invoke(&json!({ "nightshift": "secrets" })).await
    }

    /// Makes the empty version that RotateSecret makes; its token. Refuses where a rotation has not ended, as on AWS.
    pub fn begin(&mut self, name: &str) -> Result<String, String> {
        self.tokens += 1;
        let token = format!("00000000-0000-4000-8000-{:012}", self.tokens);
        let mut memory = self.memory();
        let secret = memory.secrets.get_mut(name).unwrap();
        let is_free = |version: &Version| !version.stages.contains("AWSPENDING") || version.stages.contains("AWSCURRENT");
        if !secret.versions.values().all(is_free) {
            return Err("A previous rotation isn't complete. That rotation will be reattempted.".into());
        }
        secret.move_stage("AWSPENDING", &token);
        Ok(token)
    }

    /// Secrets Manager's part of a rotation; the code of the first step that was not done.
    pub async fn rotate(&mut self, name: &str) -> Result<String, String> {
        let token = self.begin(name)?;
        for step in StepName::ALL {
            let came = self.step(name, &token, step).await;
            if !came.is_done() {
                return Err(came.code());
            }
        }
        Ok(token)
    }

    pub fn value(&self, name: &str, stage: &str) -> Option<String> {
        self.memory().secrets[name].value(stage)
    }

    pub fn current(&self, name: &str) -> Value {
        serde_json::from_str(&self.value(name, "AWSCURRENT").unwrap()).unwrap()
    }

    pub fn current_version(&self, name: &str) -> String {
        self.memory().secrets[name].staged("AWSCURRENT").unwrap().0.clone()
    }

    pub fn is_unfinished(&self, name: &str) -> bool {
        let secret = self.memory().secrets[name].clone();
        secret.staged("AWSPENDING").is_some_and(|(_, version)| !version.stages.contains("AWSCURRENT"))
    }

    /// The function that starts readers anew has done so, and they are healthy (or not) on what is current.
    pub fn readers_become(&mut self, name: &str, is_healthy: bool) {
        let value = self.value(name, "AWSCURRENT").unwrap();
        if is_healthy {
            self.held.insert(name.to_owned(), value);
        }
        let mut memory = self.memory();
        let (now, version) = (memory.now, memory.secrets[name].staged("AWSCURRENT").unwrap().0.clone());
        let release = ReleaseId::new(now, "restart");
        let state = match is_healthy {
            true => HandedState::Proven { at: now, release },
            false => HandedState::Failed { at: now, why: "tasks do not get healthy".into(), release },
        };
        let handed =
            Handed { version: Some(version), since: now, version_since: Some(now), state, left: BTreeSet::new(), began: Some(now) };
        let key = ServiceKey { system: "shop".to_owned().try_into().unwrap(), service: "web".to_owned().try_into().unwrap() };
        memory.books.entry(key).or_default().handed.insert(arn(name), handed);
    }

    pub fn secret(&self, name: &str) -> &ManagedSecret {
        self.deps.fleets.secret(name, "us-east-1").unwrap().2
    }

    /// Whether a value logs in, asked of the servers themselves.
    pub async fn is_good(&self, name: &str, value: &str) -> bool {
        use nightshift_core::fleet::SecretKind;
        let secret = self.secret(name);
        let Ok(credential) = credential(&secret.kind, &SecretText::new(value.to_owned()), None) else { return false };
        let (tls, ca) = match &secret.kind {
            SecretKind::Postgresql(kind) => (kind.tls, kind.ca.clone()),
            SecretKind::Redis(kind) => (kind.tls, kind.ca.clone()),
            SecretKind::Elasticache(kind) => (kind.tls, kind.ca.clone()),
            SecretKind::Keys(_) | SecretKind::Issued(_) => return true,
        };
        let trust = Trust { tls, ca };
        let answer = match &secret.kind {
            SecretKind::Postgresql(_) => self.deps.estate.postgresql.server.login(&credential, &trust).await,
            _ => self.deps.estate.redis.server.login(&credential, &trust).await,
        };
        matches!(answer, Ok(LoginAnswer::Accepted))
    }

    /// What must be true at every instant.
    pub async fn check(&self, name: &str, case: &str) {
        let mut good = Vec::new();
        for stage in ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"] {
            if let Some(value) = self.value(name, stage)
                && (matches!(name, KEYS | ISSUED) || self.is_good(name, &value).await)
            {
                good.push(stage);
            }
        }
        assert!(!good.is_empty(), "{case}: nobody can log in");
        if GAPLESS.contains(&name)
            && let Some(held) = self.held.get(name)
        {
            assert!(self.is_good(name, held).await, "{case}: the readers' credential is no good any more");
        }
    }
}
