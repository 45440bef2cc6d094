//! The estate of `rotate`.

use jiff::Timestamp;
use nightshift_core::fleet::{Probe, SecretName, SystemName};
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::{
    CacheClusters, ClusterNow, KeyProbe, LoginAnswer, PostgresqlServer, ReaderWaker, RedisServer, RotationLedger, RotationTimer,
    SecretReader, SecretStages, TokenStrategy, Trust, VersionRef, VersionValue,
};
use nightshift_core::rotation::{Credential, RotationRecord, RotationView, SecretNow, SecretText};

use super::Quiet;

impl SecretReader for Quiet {
    async fn secret_now(&self, _: &str) -> PortResult<SecretNow> {
        self.read()
    }
    async fn value(&self, _: &str, _: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
        self.read_none(None)
    }
}

impl SecretStages for Quiet {
    async fn put_pending(&self, _: &str, _: &str, _: &SecretText, _: Option<&str>) -> PortResult<()> {
        self.change("put_pending")
    }
    async fn make_current(&self, _: &str, _: Option<&str>, _: &str) -> PortResult<()> {
        self.change("make_current")
    }
    async fn drop_pending(&self, _: &str, _: &str) -> PortResult<()> {
        self.change("drop_pending")
    }
}

impl PostgresqlServer for Quiet {
    async fn login(&self, _: &Credential, _: &Trust) -> PortResult<LoginAnswer> {
        self.read()
    }
    async fn set_password(&self, _: &Credential, _: &Trust, _: &str, _: &SecretText) -> PortResult<()> {
        self.change("set_password")
    }
    async fn set_twin(&self, _: &Credential, _: &Trust, _: &str, _: &str, _: &SecretText) -> PortResult<()> {
        self.change("set_twin")
    }
}

impl RedisServer for Quiet {
    async fn login(&self, _: &Credential, _: &Trust) -> PortResult<LoginAnswer> {
        self.read()
    }
    async fn set_passwords(&self, _: &Credential, _: &Trust, _: &str, _: &[SecretText]) -> PortResult<()> {
        self.change("set_passwords")
    }
}

impl CacheClusters for Quiet {
    async fn cluster_now(&self, _: &str, _: Option<&str>) -> PortResult<ClusterNow> {
        self.read()
    }
    async fn set_token(&self, _: &str, _: &SecretText, _: TokenStrategy) -> PortResult<()> {
        self.change("set_token")
    }
    async fn set_user_passwords(&self, _: &str, _: &[SecretText]) -> PortResult<()> {
        self.change("set_user_passwords")
    }
}

impl KeyProbe for Quiet {
    async fn probe(&self, _: &Probe, _: &SecretText) -> PortResult<LoginAnswer> {
        self.read()
    }
}

impl RotationLedger for Quiet {
    async fn rotation(&self, _: &SystemName, _: &SecretName) -> PortResult<RotationView> {
        self.read_ledger(RotationView::default())
    }
    async fn store_rotation(&self, _: &SystemName, _: &SecretName, _: u64, _: &RotationRecord) -> PortResult<()> {
        self.note_in_ledger(())
    }
}

impl ReaderWaker for Quiet {
    async fn tell_readers(&self, _: &str, _: &str, _: Timestamp) -> PortResult<()> {
        self.change("tell_readers")
    }
    async fn start_readers_again(&self, _: &str) -> PortResult<()> {
        self.change("start_readers_again")
    }
}

impl RotationTimer for Quiet {
    async fn look_at_secret(&self, _: &SystemName, _: &SecretName, _: Timestamp, _: &str) -> PortResult<()> {
        self.note()
    }
}

impl nightshift_rotate::Estate for Quiet {
    type Secrets = Self;
    type Postgresql = Self;
    type Redis = Self;
    type Clusters = Self;
    type Issuers = Self;
    type Memory = Self;
    type Targets = Self;
    type Waker = Self;
    type Timer = Self;
    type People = Self;

    fn secrets(&self) -> &Self {
        self
    }
    fn postgresql(&self) -> &Self {
        self
    }
    fn redis(&self) -> &Self {
        self
    }
    fn clusters(&self) -> &Self {
        self
    }
    fn issuers(&self) -> &Self {
        self
    }
    fn ledger(&self) -> &Self {
        self
    }
    fn targets(&self) -> &Self {
        self
    }
    fn waker(&self) -> &Self {
        self
    }
    fn timer(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
    fn dice(&self, bytes: &mut [u8]) -> bool {
        // The same each time: what is found must be found again.
        bytes.iter_mut().zip(0_u8..).for_each(|(byte, count)| *byte = count.wrapping_mul(37));
        true
    }
}
