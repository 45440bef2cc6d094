//! A small estate for releases: two regions with their ledgers, registries, targets and event buses, on one clock.

mod invocation;
mod secrets;
mod watch;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{ApproverName, DeployTarget, FindingSeverity, Fleets};
use nightshift_core::ledger::{Pause, ServiceKey};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{
    Answer, Blueprint, BlueprintVersion, Book, Check, CheckResult, Finding, Found, Image, ImageRef, Need, ReleaseOutcome, Report,
    RolloutId, RolloutNow, RolloutStatus, ScanNow, StopHow, TargetNow, Verdict, Wake,
};
use nightshift_core::scale::AlarmNow;
use nightshift_core::signal::AlarmState;
use serde_json::{Value, json};

pub use invocation::Fortune;
pub use secrets::SECRETS;

pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";

pub const FLEET: &str = r#"
version: 1
system: shop
regions: [us-east-1, us-west-2]
paths:
  careful:
    tags: { match: ["v*"] }
    scan: { most: { critical: 0 }, patience: 10m, without_result: refuse }
    stages:
      - name: staging
        waves:
          - { regions: [us-east-1], bake: 2m }
      - name: production
        approval: { by: [{ name: lead }], expires: 6h }
        waves:
          - { regions: [us-east-1], bake: 5m }
          - { regions: [us-west-2], bake: 5m }
    deadline: 20m
    expires: 2d
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
    deploy:
      repository: shop/web
      path: careful
      targets:
        staging: { ecs: { cluster: staging, service: web } }
secrets:
  shop/db: { postgresql: { users: single } }
  shop/signing: { keys: {} }
  shop/session: { keys: {} }
"#;

/// What the next roll-out of a target comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Succeeds,
    Fails,
    TakenBack,
    Hangs,
    Crashes,
}

#[derive(Clone, Debug)]
struct Rolling {
    handle: String,
    from: String,
    to: String,
    began: Timestamp,
    fate: Fate,
}

#[derive(Clone, Debug, Default)]
struct Target {
    revision: String,
    versions: Vec<(String, Value)>,
    rolling: Option<Rolling>,
    /// Roll-outs that are over.
    past: Vec<(Rolling, RolloutStatus)>,
    /// When all that runs was started, at the earliest.
    started: Timestamp,
    /// Restarts that were begun.
    restarts: Vec<secrets::Restart>,
}

#[derive(Clone, Debug, Default)]
pub struct Region {
    pub book: Book,
    targets: BTreeMap<DeployTarget, Target>,
    pub inbox: VecDeque<Report>,
    pub answers: BTreeMap<(String, String), BTreeMap<ApproverName, Answer>>,
    asked: BTreeSet<(String, String, String)>,
    pub look_at: Option<Timestamp>,
    pub notes: Vec<String>,
    /// The whole texts of the notes.
    pub texts: Vec<String>,
    /// The versions of each secret, each with when it became current.
    pub versions: BTreeMap<&'static str, Vec<(String, Timestamp)>>,
    /// Events about them that are on their way.
    pub news: VecDeque<Wake>,
    /// What came of each invocation that came to its end.
    pub outcomes: Vec<ReleaseOutcome>,
}

/// Which needs cannot be read.
pub type Unreadable = fn(&Need) -> bool;

pub struct World {
    pub now: Timestamp,
    fleets: Rc<Fleets>,
    pub regions: BTreeMap<&'static str, Region>,
    pub images: Vec<Image>,
    pub scans: BTreeMap<String, ScanNow>,
    pub fate: Fate,
    counter: u32,
    /// Digests that ran in staging until it called them successful.
    proven_in_staging: BTreeSet<String>,
    pub dead: BTreeSet<&'static str>,
    pub pause: Option<Pause>,
    /// Alarms in ALARM.
    pub alarms: BTreeSet<String>,
    /// Secrets that no task definition names.
    pub unnamed: BTreeSet<&'static str>,
    pub mode: Mode,
    /// A step that fails, by its code.
    pub broken: Option<(&'static str, PortErrorKind)>,
    /// What the look before a release finds beside the target.
    pub checks: Vec<Check>,
    /// Why no target can be used.
    pub unusable: Option<String>,
    /// Needs of this kind cannot be read.
    pub unreadable: Option<(Unreadable, PortErrorKind)>,
}

fn image_of(body: &Value) -> &str {
    body["containerDefinitions"][0]["image"].as_str().unwrap()
}

fn digest_of(body: &Value) -> &str {
    image_of(body).split_once('@').map_or("none", |(_, digest)| digest)
}

impl World {
    pub fn new() -> Self {
        Self::with(FLEET)
    }

    pub fn with(fleet: &str) -> Self {
        let fleets = Fleets::from_files(vec![("fleet.yaml".into(), fleet.into())]).unwrap_or_else(|errors| panic!("{errors}"));
        let fleets = Rc::new(fleets);
        let regions = [EAST, WEST].into_iter().map(|name| (name, Region::default())).collect();
        Self {
            // Events tell whole seconds.
            now: "2026-11-20T12:00:00.4Z".parse().unwrap(),
            fleets,
            regions,
            images: Vec::new(),
            scans: BTreeMap::new(),
            fate: Fate::Succeeds,
            counter: 0,
            proven_in_staging: BTreeSet::new(),
            dead: BTreeSet::new(),
            pause: None,
            alarms: BTreeSet::new(),
            unnamed: BTreeSet::new(),
            mode: Mode::Act,
            broken: None,
            checks: Vec::new(),
            unusable: None,
            unreadable: None,
        }
    }

    pub fn key() -> ServiceKey {
        ServiceKey { system: "shop".to_owned().try_into().unwrap(), service: "web".to_owned().try_into().unwrap() }
    }

    pub fn push(&mut self, tag: &str) -> Image {
        self.counter += 1;
        let digest = format!("sha256:{:0<64}", format!("{:012x}", 0xabc0_0000_0000_u64 + u64::from(self.counter)));
        let uri = format!("111122223333.dkr.ecr.{EAST}.amazonaws.com/shop/web");
        let image = Image { repository: "shop/web".into(), digest, tags: vec![tag.into()], pushed_at: self.now, uri };
        self.images.push(image.clone());
        image
    }

    pub fn scan_is(&mut self, image: &Image, critical: u32) {
        let findings = (0..critical).map(|n| Finding { name: format!("CVE-2026-{n}"), severity: FindingSeverity::Critical }).collect();
        self.scans.insert(image.digest.clone(), ScanNow::Complete { at: None, findings });
    }

    pub fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap();
        self.settle_roll_outs();
    }

    fn target(&mut self, region: &'static str, target: &DeployTarget) -> &mut Target {
        self.regions.get_mut(region).unwrap().targets.entry(target.clone()).or_insert_with(|| {
            let image = format!("111122223333.dkr.ecr.{region}.amazonaws.com/shop/web:old");
            let body = json!({ "family": "web", "containerDefinitions": [{ "name": "web", "image": image }, { "name": "logs", "image": "public.ecr.aws/logs/logs:1" }] });
            Target { revision: "web:1".into(), versions: vec![("web:1".into(), body)], ..Target::default() }
        })
    }

    /// Three minutes after it began a roll-out has come to what it comes to; one that hangs never does.
    fn settle_roll_outs(&mut self) {
        let now = self.now;
        for region in self.regions.values_mut() {
            for (name, target) in &mut region.targets {
                let is_over = |rolling: &mut Rolling| {
                    now.duration_since(rolling.began) >= SignedDuration::from_mins(3) && rolling.fate != Fate::Hangs
                };
                let Some(rolling) = target.rolling.take_if(is_over) else { continue };
                let status = match rolling.fate {
                    Fate::Fails => RolloutStatus::Failed,
                    Fate::TakenBack => {
                        target.revision.clone_from(&rolling.from);
                        RolloutStatus::RolledBack
                    }
                    Fate::Succeeds | Fate::Crashes | Fate::Hangs => RolloutStatus::Succeeded,
                };
                if status == RolloutStatus::Succeeded {
                    target.started = rolling.began;
                }
                if status == RolloutStatus::Succeeded && rolling.fate == Fate::Succeeds && name.to_string().contains("staging") {
                    let body = target.versions.iter().find(|(revision, _)| *revision == rolling.to).map(|(_, body)| body).unwrap();
                    self.proven_in_staging.insert(digest_of(body).to_owned());
                }
                target.past.push((rolling, status));
            }
        }
    }

    fn candidates(&self, wake: &Wake) -> Vec<Image> {
        match wake {
            Wake::Pushed { image: ImageRef::Digest(digest), .. } | Wake::Deploy { image: ImageRef::Digest(digest), .. } => {
                self.images.iter().filter(|image| image.digest == *digest).cloned().collect()
            }
            Wake::Sweep => self.images.clone(),
            _ => Vec::new(),
        }
    }

    fn read(&mut self, region: &'static str, need: &Need) -> Found {
        if let Some((_, kind)) = self.unreadable.filter(|(is_it, _)| is_it(need)) {
            return cannot_be_read(need, PortError::new(kind, "test:Read", "as the test wants it"));
        }
        match need {
            Need::Image { digest, .. } => Found::Image(Ok(self.images.iter().find(|image| image.digest == *digest).cloned())),
            Need::Scan { digest, .. } => {
                let scan = self.scans.get(digest).cloned();
                Found::Scan(Ok(scan.unwrap_or(ScanNow::Pending { status: "IN_PROGRESS".into() })))
            }
            Need::Answers { release, stage, .. } => {
                let answers = self.regions[region].answers.get(&(release.to_string(), stage.clone()));
                Found::Answers(Ok(answers.cloned().unwrap_or_default()))
            }
            Need::Target(target) => Found::Target(Ok(self.target_now(region, target))),
            Need::Blueprint { target, proven, .. } => Found::Blueprint(Ok(self.blueprint(region, target, proven.as_deref()))),
            Need::Checks { .. } => Found::Checks(self.checks.clone()),
            Need::Rollout { target, handle, .. } => Found::Rollout(self.rollout(region, target, handle)),
            Need::Alarms(names) => {
                let now = |name: &String| {
                    let state = if self.alarms.contains(name) { AlarmState::Alarm } else { AlarmState::Ok };
                    AlarmNow { name: name.clone(), state, since: None, suppressed_by: None }
                };
                Found::Alarms(Ok(names.iter().map(now).collect()))
            }
            Need::Readers { targets, secrets } => {
                let is_named = |secret: &String| !self.unnamed.iter().any(|unnamed| secret.contains(unnamed));
                let readers = if secrets.iter().any(is_named) { targets.clone() } else { Vec::new() };
                Found::Readers(Ok(readers))
            }
        }
    }

    fn target_now(&mut self, region: &'static str, target: &DeployTarget) -> TargetNow {
        let unusable = self.unusable.clone();
        let now = self.target(region, target);
        let of = |rolling: &Rolling, is_moving| RolloutId {
            handle: rolling.handle.clone(),
            revision: Some(rolling.to.clone()),
            began_at: Some(rolling.began),
            is_moving,
        };
        let newest = now.rolling.as_ref().map(|rolling| of(rolling, true));
        let newest = newest.or_else(|| now.past.last().map(|(rolling, _)| of(rolling, false)));
        TargetNow { revision: now.revision.clone(), desired: 2, running: 2, newest, unusable }
    }

    fn blueprint(&mut self, region: &'static str, target: &DeployTarget, proven: Option<&str>) -> Blueprint {
        let now = self.target(region, target);
        let version = |wanted: &str| {
            let (revision, body) = now.versions.iter().find(|(revision, _)| revision == wanted)?;
            Some(BlueprintVersion { revision: revision.clone(), body: body.clone() })
        };
        let latest = now.versions.last().map(|(revision, _)| revision.clone()).unwrap();
        let proven = proven.filter(|proven| **proven != now.revision).and_then(version);
        Blueprint { running: version(&now.revision).unwrap(), latest: version(&latest).unwrap(), proven }
    }

    fn rollout(&mut self, region: &'static str, target: &DeployTarget, handle: &str) -> Result<RolloutNow, PortError> {
        let now = self.target(region, target);
        let past = now.past.iter().rev().find(|(rolling, _)| rolling.handle == handle);
        let found = match (&now.rolling, past) {
            (Some(rolling), _) if rolling.handle == handle => (RolloutStatus::Moving, rolling.fate),
            (_, Some((rolling, status))) => (*status, rolling.fate),
            _ => return Err(PortError::new(PortErrorKind::NotFound, "ecs:DescribeServiceDeployments", handle)),
        };
        let died = if found == (RolloutStatus::Succeeded, Fate::Crashes) { 5 } else { 0 };
        Ok(RolloutNow { status: found.0, words: String::new(), desired: 2, running: 2, died })
    }

    /// A person's command about the release in hand, else about the last one.
    pub fn stop(&self, region: &'static str, how: StopHow) -> Wake {
        let book = &self.regions[region].book;
        let release = book.asking().or(book.ended.first()).map(|release| release.id.to_string());
        Wake::Stop { release, how, by: "lead".into(), why: "a mistake".into() }
    }

    /// The question that stands in a region, if any.
    pub fn question(&self, region: &'static str) -> Option<(String, String)> {
        let release = self.regions[region].book.asking()?;
        let open = release.approvals.iter().find(|(_, approval)| approval.asked_at.is_some() && approval.granted_at.is_none());
        open.map(|(stage, _)| (release.id.to_string(), stage.to_string()))
    }

    pub fn answer(&mut self, region: &'static str, verdict: Verdict) {
        let Some(question) = self.question(region) else { return };
        let answer = Answer { verdict, at: self.now, via: "page".into() };
        let desk = self.regions.get_mut(region).unwrap().answers.entry(question).or_default();
        desk.entry("lead".to_owned().try_into().unwrap()).or_insert(answer);
    }

    /// Delivers the oldest report, or the newest.
    pub fn deliver(&mut self, region: &'static str, is_newest_first: bool, stays: bool, fortune: Fortune) {
        let inbox = &mut self.regions.get_mut(region).unwrap().inbox;
        let report = if is_newest_first { inbox.pop_back() } else { inbox.pop_front() };
        let Some(report) = report else { return };
        if stays {
            self.regions.get_mut(region).unwrap().inbox.push_back(report.clone());
        }
        self.invoke(region, Wake::Reported { report: Box::new(report) }, fortune);
    }

    /// Everything that is on its way arrives, arranged looks and sweeps come, for so long.
    pub fn run_on(&mut self, time: SignedDuration) {
        let end = self.now.checked_add(time).unwrap();
        while self.now < end {
            let living = || self.regions.iter().filter(|(name, _)| !self.dead.contains(*name)).map(|(_, region)| region);
            let is_idle = |region: &Region| {
                let book = &region.book;
                let is_quiet = region.inbox.is_empty() && region.news.is_empty() && book.unheard.is_empty();
                is_quiet && book.releases().all(|release| book.ended.contains(release)) && book.rotated.is_none()
            };
            if living().all(is_idle) {
                return;
            }
            let is_waiting = living().all(|region| region.book.active.as_ref().is_none_or(|release| release.is_waiting()));
            for region in [EAST, WEST] {
                for _ in 0..self.regions[region].inbox.len() {
                    self.deliver(region, false, false, Fortune::default());
                }
                for _ in 0..self.regions[region].news.len() {
                    self.hear(region, 0, false, Fortune::default());
                }
                self.invoke(region, Wake::Sweep, Fortune::default());
            }
            self.pass(if is_waiting { SignedDuration::from_mins(20) } else { SignedDuration::from_mins(2) });
        }
    }

    pub fn running(&mut self, region: &'static str, cluster: &str) -> String {
        let target: DeployTarget = serde_json::from_value(json!({ "ecs": { "cluster": cluster, "service": "web" } })).unwrap();
        let target = self.target(region, &target);
        let body = target.versions.iter().find(|(revision, _)| *revision == target.revision).map(|(_, body)| body).unwrap();
        digest_of(body).to_owned()
    }

    /// Somebody makes a revision by hand and has the target run it.
    pub fn changed_by_hand(&mut self, region: &'static str, cluster: &str) {
        let name: DeployTarget = serde_json::from_value(json!({ "ecs": { "cluster": cluster, "service": "web" } })).unwrap();
        let target = self.target(region, &name);
        let (_, mut body) = target.versions.last().cloned().unwrap();
        body["cpu"] = json!("512");
        target.revision = format!("web:{}", target.versions.len() + 1);
        target.versions.push((target.revision.clone(), body));
    }

    pub fn revisions(&mut self, region: &'static str, cluster: &str) -> usize {
        let target: DeployTarget = serde_json::from_value(json!({ "ecs": { "cluster": cluster, "service": "web" } })).unwrap();
        self.target(region, &target).versions.len()
    }

    pub fn ending(&self, region: &'static str, image: &Image) -> Option<&'static str> {
        let ended = &self.regions[region].book.ended;
        let release = ended.iter().find(|release| release.change.image().is_some_and(|own| own.digest == image.digest))?;
        release.end.as_ref().map(|end| end.kind.word())
    }
}

fn cannot_be_read(need: &Need, error: PortError) -> Found {
    match need {
        Need::Image { .. } => Found::Image(Err(error)),
        Need::Scan { .. } => Found::Scan(Err(error)),
        Need::Answers { .. } => Found::Answers(Err(error)),
        Need::Target(_) => Found::Target(Err(error)),
        Need::Blueprint { .. } => Found::Blueprint(Err(error)),
        Need::Checks { .. } => Found::Checks(vec![Check { what: "the role".into(), result: CheckResult::Unreadable(error) }]),
        Need::Rollout { .. } => Found::Rollout(Err(error)),
        Need::Alarms(_) => Found::Alarms(Err(error)),
        Need::Readers { .. } => Found::Readers(Err(error)),
    }
}

pub fn pushed(image: &Image) -> Wake {
    Wake::Pushed { image: ImageRef::Digest(image.digest.clone()), tag: image.tags.first().cloned() }
}

pub fn look() -> Wake {
    Wake::Look { because: "event".into() }
}
