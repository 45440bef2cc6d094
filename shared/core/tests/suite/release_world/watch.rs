//! Takes the steps of plans, and watches that none of them breaks a promise.

use nightshift_core::fleet::DeployTarget;
use nightshift_core::ports::PortError;
use nightshift_core::release::{RolloutStatus, ScanNow, Step, StepDone, Verdict};

use super::{EAST, Fate, Rolling, World, digest_of, image_of};

impl World {
    /// Takes a step, and watches that nothing forbidden is done.
    pub(super) fn take(&mut self, region: &'static str, step: &Step) -> Result<StepDone, PortError> {
        match step {
            Step::MakeRevision { target, body, .. } => {
                let (now, family) = (self.target(region, target), "web");
                let is_surplus = now.versions.iter().any(|(_, known)| digest_of(known) == digest_of(body));
                assert!(!is_surplus, "a second revision for the same image: {}", image_of(body));
                assert_eq!(body["containerDefinitions"][1]["image"], "public.ecr.aws/logs/logs:1", "sidecars stay");
                assert!(image_of(body).contains(&format!(".dkr.ecr.{region}.")), "the region's own registry: {}", image_of(body));
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
        let is_restart = seen == to;
        if is_restart {
            self.watch_restart(region, target);
        }
        let restart = self.restart_in_hand(region).filter(|_| is_restart);
        let place = self.target(region, target);
        place.restarts.extend(restart);
        let fate = if goes_back && !is_restart { Fate::Succeeds } else { fate };
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
}
