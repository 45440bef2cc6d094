//! The fake estate behind each port, and what may not be done to it.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use nightshift_core::alarms::MetricQuery;
use nightshift_core::fleet::{ApproverName, DeployTarget};
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::notice::Message;
use nightshift_core::ports::*;
use nightshift_core::release::approve::ApprovalKey;
use nightshift_core::release::approve::ports::KeyReader;
use nightshift_core::release::ports::*;
use nightshift_core::release::*;
use nightshift_core::scale::{AlarmNow, MetricValue};
use nightshift_deploy::Estate;
use serde_json::Value;

use super::*;

impl ReleaseLedger for FakeEstate {
    async fn read_book(&self, key: &ServiceKey) -> PortResult<BookView> {
        let now = self.now();
        self.call("read_book", |world| {
            let pause = world.pause.clone().filter(|pause| pause.until > now);
            Ok(BookView { book: world.books.get(key).cloned().unwrap_or_default(), pause })
        })
        .await
    }

    async fn store_book(&self, key: &ServiceKey, seen_version: u64, book: &Book) -> PortResult<()> {
        // As it goes through the ledger: what is not in the JSON is lost.
        let book: Book = serde_json::from_value(serde_json::to_value(book).unwrap()).unwrap();
        self.call("store_book", |world| {
            let stored = world.books.entry(key.clone()).or_default();
            if *stored == book {
                return Ok(());
            }
            if stored.version != seen_version {
                return Err(conflict("another version"));
            }
            assert_eq!(book.version, seen_version + 1);
            *stored = book;
            Ok(())
        })
        .await
    }

    async fn append_release(&self, key: &ServiceKey, entry: &HistoryEntry) -> PortResult<()> {
        assert!(!entry.outcome.to_string().contains("hunter2"), "a password is in the history");
        self.call("append_release", |world| {
            world.history.push((key.clone(), entry.clone()));
            Ok(())
        })
        .await
    }
}

impl AnswerDesk for FakeEstate {
    async fn answers(
        &self,
        _: &ServiceKey,
        release: &ReleaseId,
        stage: &str,
        approvers: &[ApproverName],
    ) -> PortResult<BTreeMap<ApproverName, Answer>> {
        self.call("answers", |world| {
            let mut answers = world.answers.get(&(release.to_string(), stage.to_owned())).cloned().unwrap_or_default();
            answers.retain(|name, _| approvers.contains(name));
            Ok(answers)
        })
        .await
    }

    async fn answer(&self, _: &ServiceKey, _: &ReleaseId, _: &str, _: &ApproverName, _: &Answer) -> PortResult<()> {
        unreachable!("deploy writes no answers")
    }

    async fn count_wrong_code(&self, _: &ServiceKey, _: &ReleaseId, _: &str, _: &ApproverName) -> PortResult<u32> {
        unreachable!("deploy sees no codes")
    }
}

impl ImageReader for FakeEstate {
    async fn image(&self, repository: &str, image: &ImageRef) -> PortResult<Option<Image>> {
        self.call("image", |world| {
            let is_it = |known: &&Image| match image {
                ImageRef::Digest(digest) => known.digest == *digest,
                ImageRef::Tag(tag) => known.tags.contains(tag),
            };
            Ok(world.images.iter().filter(|known| known.repository == repository).find(is_it).cloned())
        })
        .await
    }

    async fn newer_images(&self, repository: &str, after: Option<Timestamp>) -> PortResult<Vec<Image>> {
        self.call("newer_images", |world| {
            let is_newer = |image: &&Image| image.repository == repository && after.is_none_or(|after| image.pushed_at > after);
            Ok(world.images.iter().filter(is_newer).rev().cloned().collect())
        })
        .await
    }

    async fn scan(&self, _: &str, digest: &str) -> PortResult<ScanNow> {
        self.call("scan", |world| Ok(world.scans.get(digest).cloned().unwrap_or(ScanNow::Pending { status: "IN_PROGRESS".into() }))).await
    }
}

impl TargetReader for FakeEstate {
    async fn target_now(&self, target: &DeployTarget) -> PortResult<TargetNow> {
        let now = self.now();
        self.call("target_now", |world| {
            let found = world.target(target, now)?;
            let newest = found.rollouts.last().map(|newest| RolloutId {
                handle: newest.handle.clone(),
                revision: Some(newest.to.clone()),
                began_at: Some(newest.began),
                is_moving: matches!(found.status(newest, now), RolloutStatus::Moving | RolloutStatus::RollingBack),
            });
            Ok(TargetNow { revision: found.revision.clone(), desired: 2, running: 2, newest, unusable: None })
        })
        .await
    }

    async fn blueprint(&self, target: &DeployTarget, running: Option<&str>, proven: Option<&str>) -> PortResult<Blueprint> {
        let now = self.now();
        self.call("blueprint", |world| {
            let found = world.target(target, now)?;
            let running = found.body(running.unwrap_or(&found.revision)).cloned().ok_or_else(|| missing("revision"))?;
            let latest = found.versions.last().cloned().ok_or_else(|| missing("revision"))?;
            let proven = proven.filter(|proven| *proven != running.revision).and_then(|proven| found.body(proven).cloned());
            Ok(Blueprint { running, latest, proven })
        })
        .await
    }

    async fn rollout(&self, target: &DeployTarget, handle: &str, _: &str, _: Timestamp) -> PortResult<RolloutNow> {
        let now = self.now();
        self.call("rollout", |world| {
            let found = world.target(target, now)?;
            let rolling = found.rollouts.iter().find(|known| known.handle == handle).ok_or_else(|| missing("deployment"))?;
            let died = if rolling.fate == Some(Fate::Crashes) { 5 } else { 0 };
            Ok(RolloutNow { status: found.status(rolling, now), words: String::new(), desired: 2, running: 2, died })
        })
        .await
    }

    async fn checks(&self, _: &DeployTarget, _: &Value) -> Vec<Check> {
        let fine = Check { what: "task role web".into(), result: CheckResult::Fine };
        let answer = self.call("checks", |world| Ok(world.wrong.iter().cloned().chain([fine]).collect())).await;
        answer.unwrap_or_else(|error| vec![Check { what: "everything".into(), result: CheckResult::Unreadable(error) }])
    }
}

impl FakeEstate {
    /// Nothing is rolled out but what the stored book says is about to be, under a lease.
    fn is_written_down(&self, world: &World, target: &DeployTarget, to: &str) {
        let now = self.now();
        let is_this = |leg: &Leg| {
            let says = match &leg.state {
                LegState::Starting(moved) => moved.to == to,
                LegState::RollingBack { moved, is_begun, .. } => moved.to == to && !is_begun,
                _ => false,
            };
            leg.region == self.shared.region && leg.target == *target && says
        };
        let says = |book: &&Book| book.leased(now).is_some() && book.active.iter().flat_map(|release| &release.legs).any(is_this);
        assert!(world.books.values().any(|book| says(&book)), "{target} is rolled out to {to} and no book says so: {:#?}", world.books);
    }
}

impl TargetDeployer for FakeEstate {
    async fn make_revision(&self, target: &DeployTarget, from: &str, body: &Value, release: &ReleaseId) -> PortResult<String> {
        let now = self.now();
        self.call("make_revision", |world| {
            world.changes += 1;
            let made = world.revisions_made.entry((target.to_string(), release.to_string())).or_default();
            *made += 1;
            assert_eq!(*made, 1, "a surplus revision for {target} of {release}");
            let found = world.target(target, now)?;
            let name = from.rsplit_once(':').map_or(from, |(name, _)| name);
            let revision = format!("{name}:{}", found.versions.len() + 1);
            found.versions.push(BlueprintVersion { revision: revision.clone(), body: body.clone() });
            Ok(revision)
        })
        .await
    }

    async fn roll_out(&self, target: &DeployTarget, seen: &str, to: &str, replacement: &Replacement) -> PortResult<Option<String>> {
        let now = self.now();
        self.call("roll_out", |world| {
            self.is_written_down(world, target, to);
            world.changes += 1;
            world.roll_outs += 1;
            world.replacements.push(replacement.clone());
            let (number, bad) = (world.roll_outs, world.bad.clone());
            let found = world.target(target, now)?;
            assert_eq!(found.revision, seen, "{target} is not as it was seen");
            let fate = found.body(to).and_then(|version| digest_in(&version.body.to_string())).and_then(|digest| bad.get(&digest).copied());
            let handle = format!("ecs-svc/{number}");
            let from = std::mem::replace(&mut found.revision, to.to_owned());
            found.rollouts.push(Rolling { handle: handle.clone(), from, to: to.to_owned(), began: now, fate, taken_back: None });
            Ok(Some(handle))
        })
        .await
    }

    async fn take_back(&self, target: &DeployTarget, handle: &str) -> PortResult<()> {
        let now = self.now();
        self.call("take_back", |world| {
            if !world.takes_back {
                return Err(conflict("this deployment cannot be stopped"));
            }
            world.changes += 1;
            let found = world.target(target, now)?;
            let newest = found.rollouts.last_mut().filter(|newest| newest.handle == handle).ok_or_else(|| missing("deployment"))?;
            if newest.taken_back.is_none() {
                newest.taken_back = Some(now);
                found.revision.clone_from(&newest.from);
            }
            Ok(())
        })
        .await
    }
}

impl Neighbours for FakeEstate {
    async fn tell(&self, region: &str, report: &Report) -> PortResult<()> {
        let (outbox, dead) = (Rc::clone(&self.shared.outbox), Rc::clone(&self.shared.dead));
        self.call("tell", |_| {
            if dead.borrow().contains(region) {
                return Err(PortError::new(PortErrorKind::Unavailable, "events:PutEvents", "no answer"));
            }
            outbox.borrow_mut().push((region.to_owned(), report.clone()));
            Ok(())
        })
        .await
    }
}

impl AlarmReader for FakeEstate {
    async fn alarms_now(&self, names: &[String]) -> PortResult<Vec<AlarmNow>> {
        self.call("alarms_now", |world| {
            let now = |name: &String| {
                world.alarms.get(name).map(|state| AlarmNow { name: name.clone(), state: *state, since: None, suppressed_by: None })
            };
            Ok(names.iter().filter_map(now).collect())
        })
        .await
    }

    async fn newest_values(&self, _: &[MetricQuery], _: Timestamp) -> PortResult<Vec<Option<MetricValue>>> {
        unreachable!("deploy reads no metrics")
    }
}

impl RecheckScheduler for FakeEstate {
    async fn schedule(&self, request: &RecheckRequest, _: &str) -> PortResult<()> {
        let now = self.now();
        assert!(request.token.starts_with("deploy-"), "a token of its own");
        self.call("schedule", |world| {
            assert!(request.at > now, "a schedule in the past");
            if world.rechecks.iter().any(|known| known.key == request.key && known.token == request.token) {
                return Err(conflict("arranged already"));
            }
            world.rechecks.push(request.clone());
            Ok(())
        })
        .await
    }
}

impl Messenger for FakeEstate {
    async fn publish(&self, topic_arn: &str, message: &Message) -> PortResult<()> {
        assert!(message.subject.len() <= 100 && message.subject.is_ascii(), "{}", message.subject);
        assert!(!message.body.contains("hunter2"), "a password is in a message");
        let name = match attribute(message, "kind").starts_with("approval") {
            true => format!("publish approval to {topic_arn}"),
            false => "publish".to_owned(),
        };
        self.call(&name, |world| {
            world.told.push((topic_arn.to_owned(), message.clone()));
            Ok(())
        })
        .await
    }
}

impl KeyReader for FakeEstate {
    async fn approval_key(&self) -> PortResult<ApprovalKey> {
        self.call("approval_key", |_| Ok(ApprovalKey::new(&[7; 32]).unwrap())).await
    }
}

impl Estate for FakeEstate {
    type Alarms = Self;
    type Images = Self;
    type Targets = Self;
    type Memory = Self;
    type Regions = Self;
    type Rechecks = Self;
    type People = Self;
    type Keys = Self;

    fn alarms(&self) -> &Self {
        self
    }
    fn images(&self) -> &Self {
        self
    }
    fn targets(&self) -> &Self {
        self
    }
    fn ledger(&self) -> &Self {
        self
    }
    fn regions(&self) -> &Self {
        self
    }
    fn rechecks(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
    fn keys(&self) -> &Self {
        self
    }
}
