//! What the function works with: configuration, fleet files, and the estate behind its ports.

use nightshift_aws::{
    ApprovalSecret, AwsCaller, CloudFrontEdges, CloudWatch, DynamoLedger, EcrImages, Keep, OneTimeSchedules, RegionBuses, ReleaseTargets,
    SnsTopics,
};
use nightshift_core::fleet::Fleets;
use nightshift_core::ports::{AlarmReader, Messenger, RecheckScheduler};
use nightshift_core::release::approve::ports::KeyReader;
use nightshift_core::release::ports::{AnswerDesk, ImageReader, Neighbours, ReleaseLedger, TargetDeployer, TargetReader};
use nightshift_lambda::{Config, Handler, HandlerError, Invocation, load_fleets};
use serde_json::Value;

use crate::front_end::FrontEndEstate;

/// The environment variables that this function reads besides those of every function.
pub const ENVIRONMENT: &[&str] = &["NIGHTSHIFT_APPROVAL_KEY_ARN", "NIGHTSHIFT_APPROVAL_URL"];

/// The estate, port by port. One type in production, one fake in tests.
pub trait Estate {
    /// Alarms.
    type Alarms: AlarmReader;
    /// Registries.
    type Images: ImageReader;
    /// ECS services and Auto Scaling groups.
    type Targets: TargetReader + TargetDeployer;
    /// The book of each service, and the answers to questions.
    type Memory: ReleaseLedger + AnswerDesk;
    /// Other regions.
    type Regions: Neighbours;
    /// Later calls.
    type Rechecks: RecheckScheduler;
    /// People and machines.
    type People: Messenger;
    /// The key that signs links and makes codes.
    type Keys: KeyReader;

    /// Alarms.
    fn alarms(&self) -> &Self::Alarms;
    /// Registries.
    fn images(&self) -> &Self::Images;
    /// ECS services and Auto Scaling groups.
    fn targets(&self) -> &Self::Targets;
    /// The book of each service, and the answers to questions.
    fn ledger(&self) -> &Self::Memory;
    /// Other regions.
    fn regions(&self) -> &Self::Regions;
    /// Later calls.
    fn rechecks(&self) -> &Self::Rechecks;
    /// People and machines.
    fn people(&self) -> &Self::People;
    /// The key that signs links and makes codes.
    fn keys(&self) -> &Self::Keys;
}

/// Everything that outlives an invocation; built once.
pub struct Deps<E> {
    /// The function's name in logs and metrics.
    pub function: String,
    /// The environment.
    pub config: Config,
    /// The address of the approval page.
    pub approval_url: String,
    /// What people wrote down.
    pub fleets: Fleets,
    /// The ports.
    pub estate: E,
}

impl<E: Estate + FrontEndEstate> Handler for Deps<E> {
    async fn handle(&self, invocation: Invocation, event: Value) -> Result<Value, HandlerError> {
        nightshift_aws::within(invocation.time_for_calls(), crate::handle(&invocation, self, &event)).await
    }
}

/// The estate on AWS.
pub struct AwsEstate {
    cloudwatch: CloudWatch,
    ecr: EcrImages,
    targets: ReleaseTargets,
    ledger: DynamoLedger,
    buses: RegionBuses,
    scheduler: OneTimeSchedules,
    sns: SnsTopics,
    key: ApprovalSecret,
    cloudfront: CloudFrontEdges,
}

impl Estate for AwsEstate {
    type Alarms = CloudWatch;
    type Images = EcrImages;
    type Targets = ReleaseTargets;
    type Memory = DynamoLedger;
    type Regions = RegionBuses;
    type Rechecks = OneTimeSchedules;
    type People = SnsTopics;
    type Keys = ApprovalSecret;

    fn alarms(&self) -> &CloudWatch {
        &self.cloudwatch
    }
    fn images(&self) -> &EcrImages {
        &self.ecr
    }
    fn targets(&self) -> &ReleaseTargets {
        &self.targets
    }
    fn ledger(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn regions(&self) -> &RegionBuses {
        &self.buses
    }
    fn rechecks(&self) -> &OneTimeSchedules {
        &self.scheduler
    }
    fn people(&self) -> &SnsTopics {
        &self.sns
    }
    fn keys(&self) -> &ApprovalSecret {
        &self.key
    }
}

impl FrontEndEstate for AwsEstate {
    type FrontEnds = DynamoLedger;
    type Timer = OneTimeSchedules;
    type Edges = CloudFrontEdges;
    type Told = SnsTopics;

    fn front_ends(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn front_end_timer(&self) -> &OneTimeSchedules {
        &self.scheduler
    }
    fn edges(&self) -> &CloudFrontEdges {
        &self.cloudfront
    }
    fn front_end_people(&self) -> &SnsTopics {
        &self.sns
    }
}

/// Reads the environment and the fleet files and builds the clients; makes no call to AWS.
pub fn start(lookup: impl Fn(&str) -> Option<String>) -> Result<Deps<AwsEstate>, HandlerError> {
    let invalid = |code: &'static str, message: String| HandlerError::Configuration { code, message };
    let configured = Config::with_more(&lookup, |variables| Approval {
        key_arn: variables.needed("NIGHTSHIFT_APPROVAL_KEY_ARN"),
        url: variables.needed("NIGHTSHIFT_APPROVAL_URL"),
    });
    let (config, approval) = configured.map_err(|error| invalid("config_invalid", error.to_string()))?;
    let fleets = load_fleets(&config.fleet).map_err(|error| invalid("fleet_invalid", error.to_string()))?;
    let sdk = nightshift_aws::sdk_config(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let caller = AwsCaller::new(&sdk);
    let estate = AwsEstate {
        cloudwatch: CloudWatch::new(&sdk),
        ecr: EcrImages::new(caller.clone()),
        targets: ReleaseTargets::new(&sdk),
        ledger: DynamoLedger::new(&sdk, &config.table, Keep::default()),
        buses: RegionBuses::new(caller.clone()),
        scheduler: OneTimeSchedules::new(&sdk, &config.schedule_group, &config.schedule_role_arn),
        sns: SnsTopics::new(&sdk),
        key: ApprovalSecret::new(caller.clone(), approval.key_arn),
        cloudfront: CloudFrontEdges::new(caller),
    };
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "deploy".to_owned());
    Ok(Deps { function, config, approval_url: approval.url, fleets, estate })
}

struct Approval {
    key_arn: String,
    url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_with_the_environment_is_told_at_once() {
        let error = start(|_| None).map(|_| ()).unwrap_err().to_string();
        for name in ENVIRONMENT.iter().chain(&["NIGHTSHIFT_TABLE", "NIGHTSHIFT_MODE", "AWS_REGION"]) {
            assert!(error.contains(name), "{name} is missing from: {error}");
        }
    }
}
