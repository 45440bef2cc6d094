//! Servers in memory: PostgreSQL users, Redis users, and the cluster of ElastiCache, whose passwords are in [`Memory`].

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_core::rotation::{Credential, SecretText};

use crate::aws::Memory;

/// A PostgreSQL server: one password a user.
#[derive(Clone, Default)]
pub struct FakePostgresql {
    pub users: Rc<RefCell<BTreeMap<String, String>>>,
}

/// A Redis server: any number of passwords a user; or the cluster, where there is one.
#[derive(Clone, Default)]
pub struct FakeRedis {
    pub users: Rc<RefCell<BTreeMap<String, BTreeSet<String>>>>,
    pub memory: Rc<RefCell<Memory>>,
}

fn answer(is_good: bool) -> LoginAnswer {
    if is_good { LoginAnswer::Accepted } else { LoginAnswer::Refused { why: "password authentication failed".into() } }
}

fn refused() -> PortError {
    PortError::new(PortErrorKind::Denied, "login", "the password is refused")
}

impl FakePostgresql {
    fn is_good(&self, credential: &Credential) -> bool {
        let user = credential.user.as_deref().unwrap_or_default();
        self.users.borrow().get(user).is_some_and(|password| password == credential.password.reveal())
    }
}

impl PostgresqlServer for FakePostgresql {
    async fn login(&self, as_whom: &Credential, _: &Trust) -> PortResult<LoginAnswer> {
        Ok(answer(self.is_good(as_whom)))
    }

    async fn set_password(&self, via: &Credential, _: &Trust, user: &str, password: &SecretText) -> PortResult<()> {
        let is_allowed = self.is_good(via);
        is_allowed.then(|| drop(self.users.borrow_mut().insert(user.into(), password.reveal().into()))).ok_or_else(refused)
    }

    async fn set_twin(&self, via: &Credential, trust: &Trust, _: &str, other: &str, password: &SecretText) -> PortResult<()> {
        self.set_password(via, trust, other, password).await
    }
}

impl FakeRedis {
    fn is_good(&self, credential: &Credential) -> bool {
        let (user, password) = (credential.user.as_deref().unwrap_or("default"), credential.password.reveal());
        let in_cluster = self.memory.borrow().clusters.values().any(|cluster| cluster.good.iter().any(|good| good == password));
        in_cluster || self.users.borrow().get(user).is_some_and(|passwords| passwords.contains(password))
    }
}

impl RedisServer for FakeRedis {
    async fn login(&self, as_whom: &Credential, _: &Trust) -> PortResult<LoginAnswer> {
        Ok(answer(self.is_good(as_whom)))
    }

    async fn set_passwords(&self, via: &Credential, _: &Trust, user: &str, passwords: &[SecretText]) -> PortResult<()> {
        if !self.is_good(via) {
            return Err(refused());
        }
        self.users.borrow_mut().insert(user.into(), passwords.iter().map(|password| password.reveal().to_owned()).collect());
        Ok(())
    }
}
