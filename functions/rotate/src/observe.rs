//! The reads that a decision asks for, all of one round together; values go into the vault, facts into what is seen.
//!
//! What cannot be read says so in its place; nothing here fails, and nothing is decided here.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use nightshift_core::fleet::{DeployTarget, SecretKind, Service, ServiceName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{ReleaseLedger, TargetReader};
use nightshift_core::release::reads_secret;
use nightshift_core::rotation::ports::{
    CacheClusters, KeyProbe, LoginAnswer, PostgresqlServer, RedisServer, RotationLedger, SecretReader, VersionRef,
};
use nightshift_core::rotation::{Credential, Need, ReaderNow, ReaderState, Who, reader_state};

use crate::deps::Estate;
use crate::vault::trust;
use crate::walk::Walk;

impl<E: Estate> Walk<'_, E> {
    /// Reads what is asked for.
    pub(crate) async fn read(&mut self, needs: &[Need]) {
        if let [Need::Secret, Need::Record] | [Need::Record, Need::Secret] = needs {
            let (secret, record) = tokio::join!(
                self.deps.estate.secrets().secret_now(&self.call.id),
                self.deps.estate.ledger().rotation(self.call.policy.system, self.call.name)
            );
            (self.seen.secret, self.seen.record) = (Some(secret), Some(record));
            return;
        }
        self.read_values(needs).await;
        for need in needs {
            self.read_one(*need).await;
        }
    }

    /// The values that are wanted and not there yet, together.
    async fn read_values(&mut self, needs: &[Need]) {
        let mut wanted = BTreeSet::new();
        for need in needs {
            match need {
                Need::Pending => wanted.extend([Who::Pending, Who::Current]),
                Need::Current => drop(wanted.insert(Who::Current)),
                Need::Login(Who::Admin) => wanted.extend([Who::Admin, Who::Current]),
                Need::Login(who) => drop(wanted.insert(*who)),
                Need::Secret | Need::Record | Need::Cluster | Need::Readers => {}
            }
        }
        wanted.retain(|who| self.vault.slot(*who).is_none());
        let token = self.token();
        let (own, admin, secrets) = (self.call.id.as_str(), self.call.secret.kind.admin_secret(), self.deps.estate.secrets());
        let read = wanted.iter().map(|who| {
            let (secret, version) = match (who, &token, admin) {
                (Who::Pending, Some(token), _) => (own, Some(VersionRef::Pending(token))),
                (Who::Pending, None, _) | (Who::Admin, _, None) => (own, None),
                (Who::Current, ..) => (own, Some(VersionRef::Stage("AWSCURRENT"))),
                (Who::Previous, ..) => (own, Some(VersionRef::Stage("AWSPREVIOUS"))),
                (Who::Admin, _, Some(admin)) => (admin.as_str(), Some(VersionRef::Stage("AWSCURRENT"))),
            };
            async move {
                match version {
                    Some(version) => (*who, secrets.value(secret, version).await),
                    None => (*who, Ok(None)),
                }
            }
        });
        let found = join_all(read).await;
        for (who, value) in found {
            *self.vault.slot(who) = Some(value);
        }
    }

    async fn read_one(&mut self, need: Need) {
        let kind = &self.call.secret.kind;
        match need {
            Need::Secret => self.seen.secret = Some(self.deps.estate.secrets().secret_now(&self.call.id).await),
            Need::Record => self.seen.record = Some(self.deps.estate.ledger().rotation(self.call.policy.system, self.call.name).await),
            Need::Pending => self.seen.pending = Some(self.vault.pending_now(kind)),
            Need::Current => self.seen.current = Some(self.vault.current_now(kind)),
            Need::Cluster => self.read_cluster().await,
            Need::Login(who) => {
                let answer = self.login(who).await;
                self.seen.logins.insert(who, answer);
            }
            Need::Readers => self.seen.readers = Some(self.readers().await),
        }
    }

    async fn read_cluster(&mut self) {
        if let SecretKind::Elasticache(cluster) = &self.call.secret.kind {
            let now = self.deps.estate.clusters().cluster_now(&cluster.replication_group, cluster.user_id.as_deref()).await;
            self.seen.cluster = Some(now);
        }
    }

    /// Tries a credential. One that the secret does not hold is refused without asking anybody.
    async fn login(&mut self, who: Who) -> PortResult<LoginAnswer> {
        if let Some(Err(error)) = self.vault.slot(who) {
            return Err(error.clone());
        }
        let secret = self.call.secret;
        if let Some((key, probe)) = self.vault.key(who, secret) {
            return match key {
                Ok(key) => self.deps.estate.issuers().probe(probe, &key).await,
                Err(problem) => Ok(LoginAnswer::Refused { why: problem.to_string() }),
            };
        }
        if matches!(secret.kind, SecretKind::Elasticache(_)) && self.seen.cluster.is_none() {
            self.read_cluster().await;
        }
        let credential = match self.vault.credential(who, secret) {
            Ok(credential) => self.at_endpoint(credential)?,
            Err(problem) => return Ok(LoginAnswer::Refused { why: format!("the {} version: {problem}", who.word()) }),
        };
        let trust = trust(&secret.kind);
        match &secret.kind {
            SecretKind::Postgresql(_) => self.deps.estate.postgresql().login(&credential, &trust).await,
            SecretKind::Redis(_) | SecretKind::Elasticache(_) => self.deps.estate.redis().login(&credential, &trust).await,
            SecretKind::Keys(_) | SecretKind::Issued(_) => Ok(LoginAnswer::Accepted),
        }
    }

    /// ElastiCache tells where its cluster is; the others' secrets do.
    pub(crate) fn at_endpoint(&self, credential: Credential) -> PortResult<Credential> {
        match &self.seen.cluster {
            None => Ok(credential),
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(cluster)) => {
                let (host, port) = cluster.endpoint.clone().unzip();
                Ok(Credential { host: host.or(credential.host), port: port.or(credential.port), ..credential })
            }
        }
    }

    /// Who reads the secret here, and whether each runs with its current version.
    async fn readers(&self) -> PortResult<Vec<ReaderNow>> {
        let Some(Ok(secret)) = &self.seen.secret else { return Ok(Vec::new()) };
        let mut readers = Vec::new();
        for (name, service) in &self.call.fleet.services {
            // One after the other: each asks for two task definitions, of which ECS gives 50 and then 20 a second to the whole
            // account. All at once, 40 services were never read whole, and the hand-over never proven (docs/scale.md).
            if self.reads(name, service, &secret.arn).await? {
                readers.push((ServiceKey { system: self.call.fleet.system.clone(), service: name.clone() }, service));
            }
        }
        let states = join_all(readers.iter().map(|(key, service)| self.state(key, service, secret))).await;
        readers.into_iter().zip(states).map(|((key, _), state)| Ok(ReaderNow { key, state: state? })).collect()
    }

    /// Named in the fleet file, or in a task definition that one of its targets runs. A target that is not there reads nothing.
    async fn reads(&self, name: &ServiceName, service: &Service, secret: &str) -> PortResult<bool> {
        if self.call.secret.readers.contains(name) {
            return Ok(true);
        }
        for target in service.all_targets().iter().filter(|target| matches!(target, DeployTarget::Tasks(_))) {
            match self.deps.estate.targets().blueprint(target, None, None).await {
                Ok(blueprint) if reads_secret(&blueprint.running.body, secret) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind == PortErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    async fn state(&self, key: &ServiceKey, service: &Service, secret: &nightshift_core::rotation::SecretNow) -> PortResult<ReaderState> {
        let book = self.deps.estate.ledger().read_book(key).await?.book;
        let since = self.hand_over_since();
        Ok(reader_state(service, &book, &secret.arn, secret.current().unwrap_or_default(), since))
    }
}
