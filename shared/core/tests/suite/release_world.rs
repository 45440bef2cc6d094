//! A small estate for releases: two regions with their ledgers, registries, targets and event buses, on one clock. It takes
//! the steps of real plans, watches that no promise is broken, and can kill an invocation before or after any call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{ApproverName, DeployTarget, FindingSeverity, Fleets};
use nightshift_core::ledger::{Lease, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{
    Answer, Blueprint, BlueprintVersion, Book, BookView, Finding, Found, Image, ImageRef, Known, Need, Observation, ReleasePolicy, Report,
    RolloutId, RolloutNow, RolloutStatus, ScanNow, Step, StepDone, StopHow, TargetNow, Verdict, Wake, apply, decide,
};
use serde_json::{Value, json};

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
}

/// When an invocation dies, and whom it meets on its way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fortune {
    /// Dies before this call.
    pub dies_before: Option<usize>,
    /// Dies after this call took effect.
    pub dies_after: Option<usize>,
    /// Before this call another invocation for the same service runs from beginning to end.
    pub meets_at: Option<usize>,
}

struct Died;

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
            now: "2026-11-20T12:00:00Z".parse().unwrap(),
            fleets,
            regions,
            images: Vec::new(),
            scans: BTreeMap::new(),
            fate: Fate::Succeeds,
            counter: 0,
            proven_in_staging: BTreeSet::new(),
            dead: BTreeSet::new(),
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
                if status == RolloutStatus::Succeeded && rolling.fate == Fate::Succeeds && name.to_string().contains("staging") {
                    let body = target.versions.iter().find(|(revision, _)| *revision == rolling.to).map(|(_, body)| body).unwrap();
                    self.proven_in_staging.insert(digest_of(body).to_owned());
                }
                target.past.push((rolling, status));
            }
        }
    }

    /// One invocation of the function in a region, as the function does it.
    pub fn invoke(&mut self, region: &'static str, wake: Wake, fortune: Fortune) {
        if self.dead.contains(region) {
            return;
        }
        let mut calls = 0;
        // An invocation that dies leaves what it has done; nothing else is known of it.
        let _ = self.run(region, wake, fortune, &mut calls);
    }

    fn call<T>(
        &mut self,
        region: &'static str,
        fortune: Fortune,
        calls: &mut usize,
        effect: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, Died> {
        *calls += 1;
        if fortune.meets_at == Some(*calls) {
            self.invoke(region, Wake::Look { because: "another".into() }, Fortune::default());
        }
        if fortune.dies_before == Some(*calls) {
            return Err(Died);
        }
        let answer = effect(self);
        if fortune.dies_after == Some(*calls) {
            return Err(Died);
        }
        Ok(answer)
    }

    fn run(&mut self, region: &'static str, wake: Wake, fortune: Fortune, calls: &mut usize) -> Result<(), Died> {
        let fleets = Rc::clone(&self.fleets);
        let (fleet, _, service) = fleets.service("shop", "web").unwrap();
        let stored = self.call(region, fortune, calls, |world| world.regions[region].book.clone())?;
        let candidates = self.candidates(&wake);
        let (mut seen_version, mut wake) = (stored.version, wake);
        let mut in_memory = stored;
        let mut seen = Observation {
            at: self.now,
            book: Ok(BookView { book: in_memory.clone(), pause: None }),
            candidates: Ok(candidates),
            known: Vec::new(),
        };
        for _ in 0..40 {
            let policy = ReleasePolicy::at(Self::key(), fleet, service, region, self.now);
            let plan = decide(&wake, &seen, &policy, self.now);
            assert_eq!(plan, decide(&wake, &seen, &policy, self.now), "the same look gives the same plan");
            if !plan.wants.is_empty() {
                assert!(plan.step.is_none());
                for need in plan.wants {
                    let found = self.call(region, fortune, calls, |world| world.read(region, &need))?;
                    seen.known.push(Known { need, found });
                }
                continue;
            }
            let mut next = plan.book.clone().unwrap_or_else(|| in_memory.clone());
            let notes = plan.notes.iter().map(|note| format!("{}: {}", note.kind, note.headline));
            let notes: Vec<String> = notes.collect();
            match plan.step {
                None => {
                    let has_changed = plan.book.is_some() || in_memory.lease.is_some() || seen_version != in_memory.version;
                    self.regions.get_mut(region).unwrap().look_at = plan.look_again_at;
                    if has_changed || plan.book.is_some() || self.regions[region].book.lease.is_some() {
                        next.lease = None;
                        self.store(region, fortune, calls, seen_version, next)?;
                    }
                    self.regions.get_mut(region).unwrap().notes.extend(notes);
                    return Ok(());
                }
                Some(step) => {
                    let until = self.now.checked_add(SignedDuration::from_secs(60)).unwrap();
                    let mut leased = next.clone();
                    leased.lease = Some(Lease { owner: "me".into(), until });
                    seen_version = self.store(region, fortune, calls, seen_version, leased)?;
                    self.regions.get_mut(region).unwrap().notes.extend(notes);
                    let taken = self.call(region, fortune, calls, |world| world.take(region, &step))?;
                    next.version = seen_version;
                    in_memory = match taken {
                        Ok(done) => {
                            let (book, notes) = apply(&next, &step, &done, &policy, self.now);
                            let notes = notes.iter().map(|note| format!("{}: {}", note.kind, note.headline));
                            self.regions.get_mut(region).unwrap().notes.extend(notes);
                            book
                        }
                        Err(error) => {
                            assert!(error.kind.may_pass(), "{error}");
                            next.lease = None;
                            self.store(region, fortune, calls, seen_version, next)?;
                            self.regions.get_mut(region).unwrap().look_at = self.now.checked_add(SignedDuration::from_mins(1)).ok();
                            return Ok(());
                        }
                    };
                }
            }
            wake = Wake::Look { because: "continued".into() };
            seen = Observation {
                at: self.now,
                book: Ok(BookView { book: in_memory.clone(), pause: None }),
                candidates: Ok(Vec::new()),
                known: Vec::new(),
            };
        }
        panic!("the invocation does not come to an end");
    }

    fn store(&mut self, region: &'static str, fortune: Fortune, calls: &mut usize, seen: u64, mut book: Book) -> Result<u64, Died> {
        let version = seen + 1;
        book.version = version;
        // As it goes through the ledger: what is not in the JSON is lost.
        let book: Book = serde_json::from_str(&serde_json::to_string(&book).unwrap()).unwrap();
        let is_stored = self.call(region, fortune, calls, |world| {
            let place = &mut world.regions.get_mut(region).unwrap().book;
            let is_unchanged = place.version == seen;
            if is_unchanged {
                *place = book;
            }
            is_unchanged
        })?;
        if is_stored { Ok(version) } else { Err(Died) }
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
            Need::Blueprint { target, proven } => Found::Blueprint(Ok(self.blueprint(region, target, proven.as_deref()))),
            Need::Checks { .. } => Found::Checks(Vec::new()),
            Need::Rollout { target, handle, .. } => Found::Rollout(self.rollout(region, target, handle)),
            Need::Alarms(_) => Found::Alarms(Ok(Vec::new())),
            Need::Readers { targets, .. } => Found::Readers(Ok(targets.clone())),
        }
    }

    fn target_now(&mut self, region: &'static str, target: &DeployTarget) -> TargetNow {
        let now = self.target(region, target);
        let of = |rolling: &Rolling, is_moving| RolloutId {
            handle: rolling.handle.clone(),
            revision: Some(rolling.to.clone()),
            began_at: Some(rolling.began),
            is_moving,
        };
        let newest = now.rolling.as_ref().map(|rolling| of(rolling, true));
        let newest = newest.or_else(|| now.past.last().map(|(rolling, _)| of(rolling, false)));
        TargetNow { revision: now.revision.clone(), desired: 2, running: 2, newest, unusable: None }
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

    /// Takes a step, and watches that nothing forbidden is done.
    fn take(&mut self, region: &'static str, step: &Step) -> Result<StepDone, PortError> {
        match step {
            Step::MakeRevision { target, body, .. } => {
                let (now, family) = (self.target(region, target), "web");
                let is_surplus = now.versions.iter().any(|(_, known)| digest_of(known) == digest_of(body));
                assert!(!is_surplus, "a second revision for the same image: {}", image_of(body));
                assert_eq!(body["containerDefinitions"][1]["image"], "public.ecr.aws/logs/logs:1", "sidecars stay");
                let revision = format!("{family}:{}", now.versions.len() + 1);
                now.versions.push((revision.clone(), body.clone()));
                Ok(StepDone::Made { revision })
            }
            Step::RollOut { target, to, seen, .. } => self.roll_out(region, target, seen, to),
            Step::TakeBack { target, handle, .. } => {
                let now = self.target(region, target);
                match now.rolling.take_if(|rolling| rolling.handle == *handle) {
                    Some(rolling) => {
                        now.revision.clone_from(&rolling.from);
                        now.past.push((rolling, RolloutStatus::RolledBack));
                        Ok(StepDone::Begun { handle: None })
                    }
                    None => Ok(StepDone::NotPossible),
                }
            }
            Step::Ask { release, stage, digest, .. } => {
                let asked = (release.to_string(), stage.clone(), digest.clone());
                self.regions.get_mut(region).unwrap().asked.insert(asked);
                Ok(StepDone::Asked)
            }
            Step::Tell { regions, report } => {
                for other in regions {
                    if let Some(region) = self.regions.get_mut(other.as_str()) {
                        region.inbox.push_back((**report).clone());
                    }
                }
                Ok(StepDone::Told { regions: regions.clone() })
            }
        }
    }

    fn roll_out(&mut self, region: &'static str, target: &DeployTarget, seen: &str, to: &str) -> Result<StepDone, PortError> {
        let (now, fate) = (self.now, self.fate);
        self.counter += 1;
        let handle = format!("roll-{}", self.counter);
        let goes_back = {
            let target = self.target(region, target);
            assert!(target.rolling.as_ref().is_none_or(|rolling| rolling.to != to), "the same roll-out twice");
            assert_eq!(target.revision, seen, "guarded by the value seen");
            target.past.iter().any(|(past, _)| past.to == to) || to == "web:1"
        };
        let body = self.target(region, target).versions.iter().find(|(revision, _)| revision == to).map(|(_, body)| body.clone()).unwrap();
        let digest = digest_of(&body).to_owned();
        if target.to_string().contains("shop/") && !goes_back {
            self.watch_production(region, &digest);
        }
        let place = self.target(region, target);
        let fate = if goes_back { Fate::Succeeds } else { fate };
        if let Some(replaced) = place.rolling.take() {
            place.past.push((replaced, RolloutStatus::Replaced));
        }
        let from = std::mem::replace(&mut place.revision, to.to_owned());
        place.rolling = Some(Rolling { handle: handle.clone(), from, to: to.to_owned(), began: now, fate });
        Ok(StepDone::Begun { handle: Some(handle) })
    }

    /// Production only after gate, staging and approval of this very digest.
    fn watch_production(&self, region: &'static str, digest: &str) {
        match self.scans.get(digest) {
            Some(ScanNow::Complete { findings, .. }) => assert!(findings.is_empty(), "production in {region} with critical findings"),
            other => panic!("production in {region} without a scan result: {other:?}"),
        }
        assert!(self.proven_in_staging.contains(digest), "production in {region} before staging");
        let asked = self.regions[EAST].asked.iter().find(|(_, stage, asked)| stage == "production" && asked == digest);
        let (release, stage, _) = asked.unwrap_or_else(|| panic!("production in {region} unasked"));
        let answers = self.regions[EAST].answers.get(&(release.clone(), stage.clone()));
        let agreed = answers.into_iter().flatten().any(|(_, answer)| answer.verdict == Verdict::Approve);
        assert!(agreed, "production in {region} without approval");
        let book = &self.regions[region].book;
        let release = book.active.as_ref().unwrap();
        assert!(release.end.is_none(), "an ended release acts: {:?}", release.end);
        assert_eq!(release.change.image().unwrap().digest, digest, "another release acts");
    }

    /// A person's command about the release in hand, else about the last one.
    pub fn stop(&self, region: &'static str, how: StopHow) -> Wake {
        let book = &self.regions[region].book;
        let release = book.active.as_ref().or(book.ended.first()).map(|release| release.id.to_string());
        Wake::Stop { release, how, by: "lead".into(), why: "a mistake".into() }
    }

    /// The question that stands in a region, if any.
    pub fn question(&self, region: &'static str) -> Option<(String, String)> {
        let release = self.regions[region].book.active.as_ref()?;
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
                book.active.is_none() && book.next.is_none() && region.inbox.is_empty() && book.unheard.is_empty() && book.rotated.is_none()
            };
            if living().all(is_idle) {
                return;
            }
            let is_waiting = living().all(|region| region.book.active.as_ref().is_none_or(|release| release.is_waiting()));
            for region in [EAST, WEST] {
                for _ in 0..self.regions[region].inbox.len() {
                    self.deliver(region, false, false, Fortune::default());
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

pub fn pushed(image: &Image) -> Wake {
    Wake::Pushed { image: ImageRef::Digest(image.digest.clone()), tag: image.tags.first().cloned() }
}

pub fn look() -> Wake {
    Wake::Look { because: "event".into() }
}
