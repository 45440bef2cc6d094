//! The estate of a test: AWS in memory, and servers, all behind the gate.

use std::cell::RefCell;
use std::rc::Rc;

use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_core::rotation::{Credential, SecretText};
use nightshift_rotate::Estate;

use crate::aws::Aws;
use crate::gate::Gate;

/// A server behind the gate.
pub struct Behind<S> {
    pub gate: Rc<Gate>,
    pub server: S,
}

impl<S: PostgresqlServer> PostgresqlServer for Behind<S> {
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer> {
        self.gate.pass("login", self.server.login(as_whom, trust)).await
    }
    async fn set_password(&self, via: &Credential, trust: &Trust, user: &str, password: &SecretText) -> PortResult<()> {
        self.gate.pass("set_password", self.server.set_password(via, trust, user, password)).await
    }
    async fn set_twin(&self, via: &Credential, trust: &Trust, base: &str, other: &str, password: &SecretText) -> PortResult<()> {
        self.gate.pass("set_twin", self.server.set_twin(via, trust, base, other, password)).await
    }
}

impl<S: RedisServer> RedisServer for Behind<S> {
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer> {
        self.gate.pass("login", self.server.login(as_whom, trust)).await
    }
    async fn set_passwords(&self, via: &Credential, trust: &Trust, user: &str, passwords: &[SecretText]) -> PortResult<()> {
        self.gate.pass("set_passwords", self.server.set_passwords(via, trust, user, passwords)).await
    }
}

/// The estate of a test.
pub struct TestEstate<P, R> {
    pub aws: Aws,
    pub postgresql: Behind<P>,
    pub redis: Behind<R>,
    pub dice: RefCell<u64>,
}

impl<P: PostgresqlServer, R: RedisServer> Estate for TestEstate<P, R> {
    type Secrets = Aws;
    type Postgresql = Behind<P>;
    type Redis = Behind<R>;
    type Clusters = Aws;
    type Issuers = Aws;
    type Memory = Aws;
    type Targets = Aws;
    type Waker = Aws;
    type Timer = Aws;
    type People = Aws;

    fn secrets(&self) -> &Aws {
        &self.aws
    }
    fn postgresql(&self) -> &Behind<P> {
        &self.postgresql
    }
    fn redis(&self) -> &Behind<R> {
        &self.redis
    }
    fn clusters(&self) -> &Aws {
        &self.aws
    }
    fn issuers(&self) -> &Aws {
        &self.aws
    }
    fn ledger(&self) -> &Aws {
        &self.aws
    }
    fn targets(&self) -> &Aws {
        &self.aws
    }
    fn waker(&self) -> &Aws {
        &self.aws
    }
    fn timer(&self) -> &Aws {
        &self.aws
    }
    fn people(&self) -> &Aws {
        &self.aws
    }
    fn dice(&self, bytes: &mut [u8]) -> bool {
        let mut state = self.dice.borrow_mut();
        for byte in bytes {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (*state >> 56) as u8;
        }
        true
    }
}
