//! The deploy path: which images count, what they have to pass, and through which stages and regions they go.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns
//! shapes and single values; what must fit together is checked in `read/check`.

use serde::{Deserialize, Serialize};

use super::amount::Seconds;
use super::approval::ApprovalRule;
use super::limits::FreezeWindow;
use super::names::StageName;
use super::scan_gate::ScanGate;
use super::tags::TagFilter;

/// The way of an image from its push to the last region; several services may share one path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Which tags count; an image that is pushed under none of them is no release.
    pub tags: TagFilter,
    /// What the image's scan may find; without it there is no scan gate.
    #[serde(default)]
    pub scan: Option<ScanGate>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// How instances are replaced, where a stage runs on an Auto Scaling group.
    #[serde(default)]
    pub instances: Replacement,
    /// Times in which no region is begun; what has begun is brought to its end.
    #[serde(default)]
    pub freeze: Vec<FreezeWindow>,
    /// The longest that one region's roll-out may take; it has failed after that. 10 s to 1 day.
    #[serde(default = "usual_deadline")]
    pub deadline: Seconds,
    /// The longest that a release may wait, all waiting taken together; it has expired after that. Up to 90 days, and at least
    /// as long as the scan's patience and every approval.
    #[serde(default = "usual_expiry")]
    pub expires: Seconds,
    /// How many tasks of the new revision may die after they had started, in one region, before its roll-out has failed. 1 to 100.
    #[serde(default = "usual_crashes")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub crashes: u32,
    /// What becomes of a stage that fails.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What becomes of a release where the task definition was changed by hand since the last one.
    #[serde(default)]
    pub drift: DriftRule,
}

/// Half an hour: a slow but healthy roll-out of a few dozen tasks with draining takes 10 to 15 minutes.
fn usual_deadline() -> Seconds {
    Seconds::new(30 * 60)
}

fn usual_expiry() -> Seconds {
    Seconds::new(7 * 86_400)
}

/// One may be bad luck (a spot host that went away); three of the same revision are not.
fn usual_crashes() -> u32 {
    3
}

/// What becomes of a stage that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The region that failed goes back to the revision that it had; regions that have passed keep the new one.
    #[default]
    RollBack,
    /// Every region of the stage goes back.
    RollBackStage,
    /// Everything stays as it is, for a person to look at.
    Stop,
}

/// What becomes of a release where the task definition was changed by hand since the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DriftRule {
    /// It is refused, and the differences are shown; `nightshift deploy --accept-drift` takes them over.
    #[default]
    Refuse,
    /// The change is taken over, and told.
    Accept,
}

impl Path {
    /// The region in which a push is noticed and a release begins: the first of the first wave of the first stage.
    pub fn home_region(&self) -> Option<&str> {
        self.stages.first().and_then(|stage| stage.regions().next())
    }
}

/// One stage: an environment, entered once the stages before it have passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What the stage is called, such as staging; unique in its path.
    pub name: StageName,
    /// Who has to agree before the stage is entered; without it nobody.
    #[serde(default)]
    pub approval: Option<ApprovalRule>,
    /// The waves of regions, in order; the regions of one wave go side by side. Pushes are noticed in the first region of the
    /// path's first wave.
    pub waves: Vec<Wave>,
}

impl Stage {
    /// The regions of all its waves, in order.
    pub fn regions(&self) -> impl Iterator<Item = &str> {
        self.waves.iter().flat_map(|wave| &wave.regions).map(String::as_str)
    }
}

/// Regions that go side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// The regions, all of the fleet file's.
    pub regions: Vec<String>,
    /// How long the new revision is watched once it runs, before the next wave; up to 1 day.
    #[serde(default = "usual_bake")]
    pub bake: Seconds,
    /// Names of alarms that must not be in ALARM while it rolls and bakes; those of the service's own rules are not among them
    /// unless they are named here.
    #[serde(default)]
    pub alarms: Vec<String>,
}

/// Five minutes: as long as the usual alarm needs to see five bad minutes.
fn usual_bake() -> Seconds {
    Seconds::new(300)
}

/// How instances are replaced (an instance refresh of EC2 Auto Scaling).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Replacement {
    /// The share of the group that stays healthy throughout, in per cent; 0 to 100.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub minimum_healthy: u32,
    /// How large the group may get meanwhile, in per cent; 100 to 200, at most 100 more than `minimum_healthy`.
    #[cfg_attr(feature = "schema", schemars(range(min = 100, max = 200)))]
    pub maximum_healthy: u32,
    /// How long a new instance needs before it counts; without it the group's own figure.
    pub warmup: Option<Seconds>,
    /// Percentages of replaced instances at which it stops for `checkpoint_delay`; 1 to 100, ascending. It goes on to 100
    /// whether that is written or not.
    #[cfg_attr(feature = "schema", schemars(inner(range(min = 1, max = 100))))]
    pub checkpoints: Vec<u32>,
    /// How long it stops at each checkpoint; up to 2 days.
    pub checkpoint_delay: Seconds,
}

impl Default for Replacement {
    /// 100 % healthy and up to 110 %: a new machine first, then an old one goes. (Auto Scaling's own default is 90 to 100 %: an
    /// old one goes first.) An hour at a checkpoint is Auto Scaling's own default.
    fn default() -> Self {
        Self { minimum_healthy: 100, maximum_healthy: 110, warmup: None, checkpoints: Vec::new(), checkpoint_delay: Seconds::new(3_600) }
    }
}

impl Replacement {
    /// The checkpoints as an instance refresh needs them: it would end at the last one, the rest of the group left old, so
    /// the last one is 100. Empty without any.
    pub fn checkpoints_to_the_end(&self) -> Vec<u32> {
        let mut percentages = self.checkpoints.clone();
        if percentages.last().is_some_and(|last| *last < 100) {
            percentages.push(100);
        }
        percentages
    }

    /// How long the refresh stops at its checkpoints, all of them together; it does not stop when all instances are new.
    pub fn stops_for(&self) -> Seconds {
        let stops = self.checkpoints.iter().filter(|percentage| **percentage < 100).count();
        Seconds::new(u32::try_from(stops).unwrap_or(u32::MAX).saturating_mul(self.checkpoint_delay.get()))
    }
}
