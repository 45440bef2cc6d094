//! A small town for rotations: one secret with its versions, the server that its credentials log in to, its readers, its record.
//!
//! Looks at it are taken as the function takes them: what is wanted is read, what is decided is done, until the look ends. After
//! every deed somebody must still be able to log in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleet, SecretKind, fleet_from_yaml};
use nightshift_core::ledger::{Pause, ServiceKey};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortError;
use nightshift_core::rotation::ports::{ClusterNow, LoginAnswer};
use nightshift_core::rotation::{
    CurrentNow, Deed, DocumentProblem, Ending, HandOver, Need, PendingNow, PendingSeen, ReaderNow, ReaderState, Request, RotationView,
    SecretNow, SecretPolicy, Seen, StepEvent, StepName, Turn, Wait, Who, Why, decide, failed_deed,
};

const FLEET: &str = "
version: 1
system: shop
regions: [us-east-1]
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
secrets:
  shop/single: { postgresql: { users: single } }
  shop/rescued: { postgresql: { users: single, admin_secret: shop/admin } }
  shop/turns: { postgresql: { users: alternating, admin_secret: shop/admin } }
  shop/redis: { redis: {} }
  shop/governed: { redis: { admin_secret: shop/admin } }
  shop/cache: { elasticache: { replication_group: shop } }
  shop/keys: { keys: { field: key } }
  shop/issued: { issued: { field: KEY, max_age: 90d, warn_before: 14d, how: 'Ask the issuer.' } }
  shop/probed:
    issued:
      field: KEY
      max_age: 90d
      warn_before: 14d
      how: 'Ask the issuer.'
      probe: { url: 'https://issuer.example/me' }
";

/// The secrets whose rotation has a server or at least a value that we make.
pub const OURS: [&str; 7] = ["shop/single", "shop/rescued", "shop/turns", "shop/redis", "shop/governed", "shop/cache", "shop/keys"];

/// How a new value is worth something only for the version that it was made from.
#[derive(Clone, Debug)]
struct Value {
    follows: String,
}

#[derive(Clone, Debug)]
pub struct Town {
    pub now: Timestamp,
    fleet: Fleet,
    name: &'static str,
    pub mode: Mode,
    pub is_home: bool,
    pub secret: SecretNow,
    pub view: RotationView,
    values: BTreeMap<String, Value>,
    /// Versions whose credential the server takes.
    pub good: BTreeSet<String>,
    pub admin: Result<(), String>,
    pub cluster: ClusterNow,
    pub readers: Vec<ReaderNow>,
    /// What cannot be read.
    pub broken: BTreeMap<Need, PortError>,
    /// What cannot be done: the deed's words.
    pub refused: BTreeMap<&'static str, PortError>,
    /// Overrides what a version is worth.
    pub pending_is: Option<PendingNow>,
    pub current_is: Option<CurrentNow>,
    /// The new password is set and is not good all the same.
    pub is_deaf: bool,
    /// What is written does not show in this invocation.
    pub is_slow: bool,
    /// How readers are as soon as they are told.
    pub once_told: ReaderState,
    /// What happened in the last look, a line each.
    pub story: Vec<String>,
    pub ending: Option<Ending>,
}

pub fn labels(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|label| (*label).to_owned()).collect()
}

pub fn problem() -> DocumentProblem {
    DocumentProblem::Missing { field: "password".into() }
}

impl Town {
    /// Version `old` is current and handed over; Secrets Manager has just made the empty version `new`.
    pub fn new(name: &'static str) -> Self {
        let now: Timestamp = "2026-11-20T03:00:00Z".parse().unwrap();
        let long_ago = now - SignedDuration::from_hours(24 * 30);
        let secret = SecretNow {
            arn: format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{name}-AbCdEf"),
            name: name.into(),
            rotation_enabled: true,
            rotation_function: None,
            rotation_rule: None,
            last_rotated_at: None,
            next_rotation_at: None,
            created_at: Some(long_ago),
            is_replica: false,
            is_deleted: false,
            versions: [("new".into(), labels(&["AWSPENDING"])), ("old".into(), labels(&["AWSCURRENT"]))].into(),
        };
        let at = Some(long_ago);
        let mut view = RotationView::default();
        let over = HandOver { version: "old".into(), since: long_ago, set_at: at, told_readers_at: at, proven_at: at, retired_at: at };
        view.record.hand_over = Some(over);
        let mut town = Self {
            now,
            fleet: fleet_from_yaml("fleet.yaml", FLEET).unwrap_or_else(|errors| panic!("{errors}")),
            name,
            mode: Mode::Act,
            is_home: true,
            secret,
            view,
            values: [("old".to_owned(), Value { follows: "older".into() })].into(),
            good: labels(&["old"]),
            admin: Ok(()),
            cluster: ClusterNow { is_settled: true, status: "available".into(), endpoint: None },
            readers: Vec::new(),
            broken: BTreeMap::new(),
            refused: BTreeMap::new(),
            pending_is: None,
            current_is: None,
            is_deaf: false,
            is_slow: false,
            once_told: ReaderState::Restarting,
            story: Vec::new(),
            ending: None,
        };
        town.reader("web", ReaderState::Proven { at: long_ago });
        town
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn reader(&mut self, name: &str, state: ReaderState) {
        let key = ServiceKey { system: "shop".to_owned().try_into().unwrap(), service: name.to_owned().try_into().unwrap() };
        self.readers.retain(|reader| reader.key != key);
        self.readers.push(ReaderNow { key, state });
    }

    pub fn pass(&mut self, minutes: i64) {
        self.now = self.now.checked_add(SignedDuration::from_mins(minutes)).unwrap();
    }

    pub fn paused_for(&mut self, hours: i64) {
        let until = self.now + SignedDuration::from_hours(hours);
        self.view.pause = Some(Pause { scope: "shop".into(), by: "ann".into(), why: "a move".into(), until });
    }

    /// Gives the version that is being made a value, as if made before.
    pub fn value_was_made(&mut self) {
        self.values.insert("new".into(), Value { follows: "old".into() });
    }

    /// `new` was made current a moment ago by Secrets Manager's last step.
    pub fn is_finished(&mut self) {
        self.value_was_made();
        self.make_current("new");
        self.good.insert("new".into());
        self.view.record.pending = Some(PendingSeen { token: "new".into(), since: self.now, set_at: Some(self.now) });
        self.readers.iter_mut().for_each(|reader| reader.state = ReaderState::Waiting);
    }

    pub fn kind(&self) -> &SecretKind {
        &self.fleet.secrets[self.name].kind
    }

    fn make_current(&mut self, version: &str) {
        for stages in self.secret.versions.values_mut() {
            stages.remove("AWSPREVIOUS");
            if stages.remove("AWSCURRENT") {
                stages.insert("AWSPREVIOUS".into());
            }
        }
        self.secret.versions.entry(version.into()).or_default().insert("AWSCURRENT".into());
    }

    fn version(&self, who: Who) -> Option<String> {
        match who {
            Who::Pending => self.secret.unfinished().map(str::to_owned),
            Who::Current => self.secret.current().map(str::to_owned),
            Who::Previous => self.secret.versions.iter().find(|(_, labels)| labels.contains("AWSPREVIOUS")).map(|(name, _)| name.clone()),
            Who::Admin => None,
        }
    }

    fn login(&self, who: Who) -> LoginAnswer {
        let answer = match who {
            Who::Admin => self.admin.clone(),
            _ if self.version(who).is_some_and(|version| self.good.contains(&version)) => Ok(()),
            _ => Err(format!("{}: no such password", who.word())),
        };
        answer.map_or_else(|why| LoginAnswer::Refused { why }, |()| LoginAnswer::Accepted)
    }

    fn pending(&self) -> PendingNow {
        if let Some(pending) = &self.pending_is {
            return pending.clone();
        }
        let found = self.version(Who::Pending).and_then(|version| self.values.get(&version));
        match found {
            None => PendingNow::Absent,
            Some(value) if Some(value.follows.as_str()) == self.secret.current() => PendingNow::Good { user: Some("app".into()) },
            Some(_) => PendingNow::Differs(DocumentProblem::DoesNotFollow { why: "it is for another user" }),
        }
    }

    fn read(&self, need: Need, seen: &mut Seen) {
        if let Some(error) = self.broken.get(&need) {
            let error = error.clone();
            match need {
                Need::Secret => seen.secret = Some(Err(error)),
                Need::Record => seen.record = Some(Err(error)),
                Need::Pending => seen.pending = Some(Err(error)),
                Need::Current => seen.current = Some(Err(error)),
                Need::Login(who) => drop(seen.logins.insert(who, Err(error))),
                Need::Cluster => seen.cluster = Some(Err(error)),
                Need::Readers => seen.readers = Some(Err(error)),
            }
            return;
        }
        match need {
            Need::Secret => seen.secret = Some(Ok(self.secret.clone())),
            Need::Record => seen.record = Some(Ok(self.view.clone())),
            Need::Pending => seen.pending = Some(Ok(self.pending())),
            Need::Current => {
                let good = CurrentNow::Good { user: Some("app".into()), created_at: self.secret.created_at };
                seen.current = Some(Ok(self.current_is.clone().unwrap_or(good)));
            }
            Need::Login(who) => drop(seen.logins.insert(who, Ok(self.login(who)))),
            Need::Cluster => seen.cluster = Some(Ok(self.cluster.clone())),
            Need::Readers => seen.readers = Some(Ok(self.readers.clone())),
        }
    }

    fn perform(&mut self, deed: &Deed) -> Result<(), PortError> {
        if let Some(error) = self.refused.get(deed.word()) {
            return Err(error.clone());
        }
        let (pending, current) = (self.version(Who::Pending), self.version(Who::Current));
        match deed {
            Deed::PutPending if self.is_slow => {}
            Deed::PutPending => drop(self.values.insert(pending.unwrap(), Value { follows: current.unwrap() })),
            Deed::DropPending { version } => drop(self.secret.versions.remove(version)),
            Deed::SetPassword { .. } if !self.is_deaf => self.good = pending.into_iter().collect(),
            Deed::SetTwin | Deed::SetBoth { .. } | Deed::ChangeCluster if !self.is_deaf => {
                self.good = pending.into_iter().chain(current).collect()
            }
            Deed::SetPassword { .. } | Deed::SetTwin | Deed::SetBoth { .. } | Deed::ChangeCluster => {}
            Deed::MakeCurrent { .. } if self.is_slow => {}
            Deed::MakeCurrent { from, to } => {
                assert_eq!(*from, current, "the label is moved from the version that was seen");
                self.make_current(to);
                self.readers.iter_mut().for_each(|reader| reader.state = ReaderState::Waiting);
            }
            Deed::WakeReaders | Deed::StartReadersAgain => {
                self.readers.iter_mut().for_each(|reader| reader.state = self.once_told.clone());
            }
            Deed::KeepNew { .. } | Deed::SettleCluster => self.good = current.into_iter().collect(),
        }
        self.somebody_can_log_in(deed);
        Ok(())
    }

    /// The one rule above all of decide.rs. Keys and issued keys log in nowhere.
    fn somebody_can_log_in(&self, deed: &Deed) {
        if matches!(self.kind(), SecretKind::Keys(_) | SecretKind::Issued(_)) {
            return;
        }
        let can = [Who::Pending, Who::Current, Who::Previous].iter().any(|who| self.login(*who) == LoginAnswer::Accepted);
        assert!(can || matches!(deed, Deed::DropPending { .. } | Deed::PutPending), "after {deed:?} nobody can log in: {self:?}");
    }

    /// One look from beginning to end, as the function takes it; the record is kept as the function keeps it.
    pub fn look(&mut self, request: &Request) -> &Ending {
        let fleet = self.fleet.clone();
        let (name, secret) = fleet.secrets.get_key_value(self.name).unwrap();
        let mut seen = Seen { is_patient: true, ..Seen::default() };
        self.story = vec![match request {
            Request::Step(event) => event.step.to_string(),
            Request::Carry { why } => format!("look ({why:?})"),
        }];
        for _ in 0..40 {
            let policy = SecretPolicy { system: &fleet.system, name, secret, mode: self.mode, is_home: self.is_home };
            let turn = decide(request, &seen, &policy, self.now);
            assert_eq!(turn, decide(request, &seen, &policy, self.now), "the same facts give the same turn");
            match turn {
                Turn::Read(needs) => {
                    assert!(!needs.is_empty());
                    self.story.push(format!("  read {needs:?}"));
                    needs.iter().for_each(|need| self.read(*need, &mut seen));
                }
                Turn::Again(need) => {
                    self.story.push(format!("  again {need:?}"));
                    seen.is_patient = false;
                    self.read(need, &mut seen);
                }
                Turn::Do(deed) => {
                    assert_eq!(self.mode, Mode::Act, "{deed:?}");
                    self.story.push(format!("  do   {deed:?}"));
                    match self.perform(&deed) {
                        Ok(()) => seen.after(deed),
                        Err(error) => match failed_deed(&deed, request, &error, self.now) {
                            Some(ending) => return self.ends(&seen, ending),
                            None => seen.after(deed),
                        },
                    }
                }
                Turn::End(ending) => return self.ends(&seen, ending),
            }
        }
        panic!("the look does not end: {:#?}", self.story);
    }

    fn ends(&mut self, seen: &Seen, ending: Ending) -> &Ending {
        let again = ending.look_at().map(|at| format!("; again after {} s", at.duration_since(self.now).as_secs()));
        let late = if matches!(&ending, Ending::Wait { wait: Wait::ReadersNotReady { is_late: true, .. }, .. }) { " [late]" } else { "" };
        self.story.push(format!("  end  {}: {ending}{late}{}", ending.code(), again.unwrap_or_default()));
        self.view.record = self.view.record.after(seen, &ending, self.now);
        self.ending.insert(ending)
    }

    pub fn step(&mut self, step: StepName) -> &Ending {
        self.look(&Request::Step(StepEvent { step, secret: self.secret.arn.clone(), token: "new".into(), rotation_token: None }))
    }

    pub fn carry(&mut self, why: Why) -> &Ending {
        self.look(&Request::Carry { why })
    }

    /// What the record says of the rotation and of the hand-over, in a line.
    pub fn remembered(&self) -> String {
        let since = |at: Option<Timestamp>| at.map_or("-".to_owned(), |at| format!("{}m", self.now.duration_since(at).as_mins()));
        let record = &self.view.record;
        let pending = record
            .pending
            .as_ref()
            .map(|pending| format!("{} made {} ago, set {}", pending.token, since(Some(pending.since)), since(pending.set_at)));
        let over = record.hand_over.as_ref().map(|over| {
            let (set, told, proven, retired) =
                (since(over.set_at), since(over.told_readers_at), since(over.proven_at), since(over.retired_at));
            format!("{} current {}, set {set}, told {told}, proven {proven}, retired {retired}", over.version, since(Some(over.since)))
        });
        let last = record.last.as_ref().map(|last| last.code.clone());
        format!("  kept {pending:?} | {over:?} | last {last:?}, look {}", record.look_at.is_some())
    }
}
