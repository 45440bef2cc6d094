//! The values that one invocation has read: the only place where they are, wiped with it.
//!
//! Turns values into credentials and into facts. Must never hand a value to anything but a port.

use nightshift_core::fleet::{ManagedSecret, Probe, SecretKind};
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::{Trust, VersionValue};
use nightshift_core::rotation::{
    Credential, CurrentNow, DocumentProblem, PendingNow, SecretText, Who, continues, credential, key_of, user_of,
};

/// A version's value, as far as it was read: not asked for, asked for in vain, there, or not there.
type Slot = Option<PortResult<Option<VersionValue>>>;

/// The values of one secret, and of its admin's.
#[derive(Default)]
pub(crate) struct Vault {
    pub pending: Slot,
    pub current: Slot,
    pub previous: Slot,
    pub admin: Slot,
}

impl Vault {
    pub(crate) fn slot(&mut self, who: Who) -> &mut Slot {
        match who {
            Who::Pending => &mut self.pending,
            Who::Current => &mut self.current,
            Who::Previous => &mut self.previous,
            Who::Admin => &mut self.admin,
        }
    }

    pub(crate) fn text(&self, who: Who) -> Option<&SecretText> {
        let slot = match who {
            Who::Pending => &self.pending,
            Who::Current => &self.current,
            Who::Previous => &self.previous,
            Who::Admin => &self.admin,
        };
        slot.as_ref()?.as_ref().ok()?.as_ref().map(|value| &value.text)
    }

    /// What the version that is being made is worth, against the current one.
    pub(crate) fn pending_now(&self, kind: &SecretKind) -> PortResult<PendingNow> {
        let pending = match &self.pending {
            Some(Err(error)) => return Err(error.clone()),
            None | Some(Ok(None)) => return Ok(PendingNow::Absent),
            Some(Ok(Some(value))) => &value.text,
        };
        let user = match user_of(kind, pending) {
            Ok(user) => user,
            Err(problem) => return Ok(PendingNow::Unreadable(problem)),
        };
        match &self.current {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(Some(current))) => Ok(match continues(kind, &current.text, pending) {
                Ok(()) => PendingNow::Good { user },
                Err(problem) => PendingNow::Differs(problem),
            }),
            // Nothing that it could follow on: a first value.
            None | Some(Ok(None)) => Ok(PendingNow::Good { user }),
        }
    }

    pub(crate) fn current_now(&self, kind: &SecretKind) -> PortResult<CurrentNow> {
        match &self.current {
            Some(Err(error)) => Err(error.clone()),
            None | Some(Ok(None)) => Ok(CurrentNow::Absent),
            Some(Ok(Some(value))) => Ok(match user_of(kind, &value.text) {
                Ok(user) => CurrentNow::Good { user, created_at: value.created_at },
                Err(problem) => CurrentNow::Unreadable(problem),
            }),
        }
    }

    /// Somebody's credential.
    pub(crate) fn credential(&self, who: Who, secret: &ManagedSecret) -> Result<Credential, DocumentProblem> {
        let text = self.text(who).ok_or(DocumentProblem::NoValue)?;
        match who {
            Who::Admin => {
                // The admin's own secret may name another database, or none: the server meant is the one of the user.
                let near = [Who::Current, Who::Pending].into_iter().find_map(|who| self.credential(who, secret).ok());
                credential(&secret.kind, text, near.as_ref())
            }
            Who::Pending | Who::Current | Who::Previous => credential(&secret.kind, text, None),
        }
    }

    /// The key of a secret that is issued elsewhere, and how it is tried.
    pub(crate) fn key<'s>(&self, who: Who, secret: &'s ManagedSecret) -> Option<(Result<SecretText, DocumentProblem>, &'s Probe)> {
        let SecretKind::Issued(issued) = &secret.kind else { return None };
        let probe = issued.probe.as_ref()?;
        let key = self.text(who).ok_or(DocumentProblem::NoValue).and_then(|text| key_of(issued, text));
        Some((key, probe))
    }
}

/// Whom a connection of this kind trusts.
pub(crate) fn trust(kind: &SecretKind) -> Trust {
    use nightshift_core::fleet::{Elasticache, Postgresql, Redis};
    match kind {
        SecretKind::Postgresql(Postgresql { tls, ca, .. })
        | SecretKind::Redis(Redis { tls, ca, .. })
        | SecretKind::Elasticache(Elasticache { tls, ca, .. }) => Trust { tls: *tls, ca: ca.clone() },
        SecretKind::Keys(_) | SecretKind::Issued(_) => Trust { tls: nightshift_core::fleet::Tls::Verify, ca: None },
    }
}
