//! The rounds of one look: decide, then read or do what was decided, until the look has ended.
//!
//! Owns how long is waited for what does not show yet, and that nothing is begun without the time to end it.

use std::time::Duration;

use jiff::Timestamp;
use nightshift_core::fleet::{Elasticache, SecretKind};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{CacheClusters, PostgresqlServer, ReaderWaker, RedisServer, SecretStages, TokenStrategy};
use nightshift_core::rotation::{Credential, Deed, Ending, Need, Request, Seen, Turn, Who, base_of, decide, draft, failed, failed_deed};
use nightshift_lambda::Invocation;

use crate::deps::{Deps, Estate};
use crate::vault::{Vault, trust};
use crate::wakes::Call;

/// Nothing is begun with less time than this: a server may take ten seconds, and the recording a few.
const TIME_FOR_A_ROUND: Duration = Duration::from_secs(14);
/// What was written a moment ago may not show yet; so often, and so long apart at first, it is read again.
const READ_AGAIN: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No look takes so many rounds; a look that does goes round in a circle.
const ROUNDS: usize = 64;

/// A look on its way.
pub(crate) struct Walk<'w, E> {
    pub invocation: &'w Invocation,
    pub deps: &'w Deps<E>,
    pub call: &'w Call<'w>,
    pub seen: Seen,
    pub vault: Vault,
    again: u32,
    pub troubles: Vec<PortError>,
}

/// A look that has ended. There is no value in it.
pub(crate) struct Walked {
    pub seen: Seen,
    pub ending: Ending,
    pub troubles: Vec<PortError>,
}

pub(crate) async fn all_the_way<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> Walked {
    let (seen, vault) = (Seen { is_patient: true, ..Seen::default() }, Vault::default());
    let mut walk = Walk { invocation, deps, call, seen, vault, again: 0, troubles: Vec::new() };
    let ending = walk.go().await;
    Walked { seen: walk.seen, ending, troubles: walk.troubles }
}

impl<E: Estate> Walk<'_, E> {
    async fn go(&mut self) -> Ending {
        for _ in 0..ROUNDS {
            let now = self.invocation.now();
            self.seen.is_patient = self.again < READ_AGAIN && self.has_time();
            let turn = decide(&self.call.request, &self.seen, &self.call.policy, now);
            match turn {
                Turn::End(ending) => return ending,
                _ if !self.has_time() => return self.out_of_time(),
                Turn::Read(needs) => self.read(&needs).await,
                Turn::Again(need) => self.read_again(need).await,
                Turn::Do(deed) => match self.act(&deed).await {
                    Ok(()) => self.has_done(deed),
                    Err(error) => match failed_deed(&deed, &self.call.request, &error, self.invocation.now()) {
                        None => self.has_done(deed),
                        Some(ending) => {
                            // An ending that is no failure would not tell of it.
                            self.troubles.extend(matches!(ending, Ending::Done { .. }).then_some(error));
                            return ending;
                        }
                    },
                },
            }
        }
        self.out_of_time()
    }

    fn has_time(&self) -> bool {
        self.invocation.time_left() > TIME_FOR_A_ROUND
    }

    fn out_of_time(&self) -> Ending {
        let words = "no time is left in this invocation; it goes on in the next";
        failed(&PortError::new(PortErrorKind::Unavailable, "rotate", words), self.invocation.now())
    }

    /// Once more, after a pause that doubles.
    async fn read_again(&mut self, need: Need) {
        tokio::time::sleep(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.again))).await;
        self.again += 1;
        match need {
            Need::Pending => self.vault.pending = None,
            Need::Current => self.vault.current = None,
            _ => {}
        }
        self.read(&[need]).await;
    }

    fn has_done(&mut self, deed: Deed) {
        match &deed {
            Deed::PutPending => self.vault.pending = None,
            Deed::MakeCurrent { .. } => self.vault = Vault { admin: self.vault.admin.take(), ..Vault::default() },
            _ => {}
        }
        self.seen.after(deed);
    }

    /// The version that is being made: the step's, or the one that is unfinished.
    pub(crate) fn token(&self) -> Option<String> {
        match (&self.call.request, &self.seen.secret) {
            (Request::Step(event), _) => Some(event.token.clone()),
            (Request::Carry { .. }, Some(Ok(secret))) => secret.unfinished().map(str::to_owned),
            (Request::Carry { .. }, _) => None,
        }
    }

    /// Since when the current version is current, as far as is remembered.
    pub(crate) fn hand_over_since(&self) -> Timestamp {
        let (Some(Ok(view)), Some(Ok(secret))) = (&self.seen.record, &self.seen.secret) else { return self.invocation.now() };
        let over = view.record.hand_over.as_ref().filter(|over| secret.current() == Some(over.version.as_str()));
        over.map_or_else(|| self.invocation.now(), |over| over.since)
    }

    // ---- act -------------------------------------------------------------------------------------------------------

    async fn act(&mut self, deed: &Deed) -> PortResult<()> {
        let (estate, call) = (&self.deps.estate, self.call);
        match deed {
            Deed::PutPending => self.put_pending().await,
            Deed::DropPending { version } => estate.secrets().drop_pending(&call.id, version).await,
            Deed::MakeCurrent { from, to } => estate.secrets().make_current(&call.id, from.as_deref(), to).await,
            Deed::WakeReaders => self.wake_readers().await,
            Deed::StartReadersAgain => match &self.seen.secret {
                Some(Ok(secret)) => estate.waker().start_readers_again(&secret.arn).await,
                _ => Ok(()),
            },
            Deed::SetPassword { via } => {
                let (via, new) = (self.credential(*via)?, self.credential(Who::Pending)?);
                let user = new.user.unwrap_or_default();
                estate.postgresql().set_password(&via, &trust(&call.secret.kind), &user, &new.password).await
            }
            Deed::SetTwin => {
                let (via, new) = (self.credential(Who::Admin)?, self.credential(Who::Pending)?);
                let user = new.user.unwrap_or_default();
                estate.postgresql().set_twin(&via, &trust(&call.secret.kind), base_of(&user), &user, &new.password).await
            }
            Deed::SetBoth { via } => {
                let (via, old, new) = (self.credential(*via)?, self.credential(Who::Current)?, self.credential(Who::Pending)?);
                let user = new.user.unwrap_or_else(default_user);
                estate.redis().set_passwords(&via, &trust(&call.secret.kind), &user, &[old.password, new.password]).await
            }
            Deed::KeepNew { via } => {
                let (via, kept) = (self.credential(*via)?, self.credential(Who::Current)?);
                let user = kept.user.unwrap_or_else(default_user);
                estate.redis().set_passwords(&via, &trust(&call.secret.kind), &user, &[kept.password]).await
            }
            Deed::ChangeCluster | Deed::SettleCluster => self.change_cluster(deed).await,
        }
    }

    async fn put_pending(&mut self) -> PortResult<()> {
        let call = self.call;
        let unfit = |words: String| PortError::new(PortErrorKind::Denied, "secretsmanager:PutSecretValue", words);
        let current = self.vault.text(Who::Current).ok_or_else(|| unfit("there is no current value to follow on".into()))?;
        let mut has_dice = true;
        let drafted = draft(&call.secret.kind, current, &mut |bytes| has_dice &= self.deps.estate.dice(bytes));
        let value = drafted.map_err(|problem| unfit(problem.to_string()))?;
        if !has_dice {
            return Err(PortError::new(PortErrorKind::Unavailable, "rotate", "the operating system gave no random bytes"));
        }
        let token = self.token().ok_or_else(|| unfit("no version is being made".into()))?;
        let rotation_token = call.step().and_then(|step| step.rotation_token.as_deref());
        self.deps.estate.secrets().put_pending(&call.id, &token, &value, rotation_token).await
    }

    async fn wake_readers(&self) -> PortResult<()> {
        let Some(Ok(secret)) = &self.seen.secret else { return Ok(()) };
        let version = secret.current().unwrap_or_default();
        self.deps.estate.waker().tell_readers(&secret.arn, version, self.invocation.now()).await
    }

    async fn change_cluster(&mut self, deed: &Deed) -> PortResult<()> {
        let SecretKind::Elasticache(Elasticache { replication_group, user_id, .. }) = &self.call.secret.kind else { return Ok(()) };
        let clusters = self.deps.estate.clusters();
        let current = self.credential(Who::Current)?.password;
        match (deed, user_id) {
            (Deed::ChangeCluster, None) => {
                let new = self.credential(Who::Pending)?.password;
                clusters.set_token(replication_group, &new, TokenStrategy::Rotate).await
            }
            (Deed::ChangeCluster, Some(user_id)) => {
                let new = self.credential(Who::Pending)?.password;
                clusters.set_user_passwords(user_id, &[current, new]).await
            }
            (_, None) => clusters.set_token(replication_group, &current, TokenStrategy::Set).await,
            (_, Some(user_id)) => clusters.set_user_passwords(user_id, &[current]).await,
        }
    }

    fn credential(&self, who: Who) -> PortResult<Credential> {
        let found = self.vault.credential(who, self.call.secret);
        found.map_err(|problem| PortError::new(PortErrorKind::Denied, "rotate", format!("the {} version: {problem}", who.word())))
    }
}

/// Redis's user of connections that name none.
fn default_user() -> String {
    "default".to_owned()
}
