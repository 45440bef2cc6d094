//! The estate on AWS, and how it is made from the environment.

use nightshift_aws::{
    AwsCaller, CacheGroups, DynamoLedger, Functions, Keep, ManagedSecrets, OneTimeSchedules, ReleaseReaders, ReleaseTargets, SnsTopics,
};
use nightshift_lambda::{Config, HandlerError, load_fleets};

use crate::deps::{Deps, Estate};
use crate::servers::Servers;

/// The estate on AWS.
pub struct AwsEstate {
    secrets: ManagedSecrets,
    servers: Servers,
    clusters: CacheGroups,
    ledger: DynamoLedger,
    targets: ReleaseTargets,
    waker: ReleaseReaders,
    scheduler: OneTimeSchedules,
    sns: SnsTopics,
}

impl Estate for AwsEstate {
    type Secrets = ManagedSecrets;
    type Postgresql = Servers;
    type Redis = Servers;
    type Clusters = CacheGroups;
    type Issuers = Servers;
    type Memory = DynamoLedger;
    type Targets = ReleaseTargets;
    type Waker = ReleaseReaders;
    type Timer = OneTimeSchedules;
    type People = SnsTopics;

    fn secrets(&self) -> &ManagedSecrets {
        &self.secrets
    }
    fn postgresql(&self) -> &Servers {
        &self.servers
    }
    fn redis(&self) -> &Servers {
        &self.servers
    }
    fn clusters(&self) -> &CacheGroups {
        &self.clusters
    }
    fn issuers(&self) -> &Servers {
        &self.servers
    }
    fn ledger(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn targets(&self) -> &ReleaseTargets {
        &self.targets
    }
    fn waker(&self) -> &ReleaseReaders {
        &self.waker
    }
    fn timer(&self) -> &OneTimeSchedules {
        &self.scheduler
    }
    fn people(&self) -> &SnsTopics {
        &self.sns
    }
    fn dice(&self, bytes: &mut [u8]) -> bool {
        rustls::crypto::ring::default_provider().secure_random.fill(bytes).is_ok()
    }
}

/// Reads the environment and the fleet files and builds the clients; makes no call to AWS.
pub fn start(lookup: impl Fn(&str) -> Option<String>) -> Result<Deps<AwsEstate>, HandlerError> {
    let invalid = |code: &'static str, message: String| HandlerError::Configuration { code, message };
    let configured = Config::with_more(&lookup, |variables| variables.needed("NIGHTSHIFT_DEPLOY_FUNCTION"));
    let (config, deploy_function) = configured.map_err(|error| invalid("config_invalid", error.to_string()))?;
    let fleets = load_fleets(&config.fleet).map_err(|error| invalid("fleet_invalid", error.to_string()))?;
    let sdk = nightshift_aws::sdk_config(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let caller = AwsCaller::new(&sdk);
    let estate = AwsEstate {
        secrets: ManagedSecrets::new(caller.clone()),
        servers: Servers::new(),
        clusters: CacheGroups::new(caller.clone()),
        ledger: DynamoLedger::new(&sdk, &config.table, Keep::default()),
        targets: ReleaseTargets::new(&sdk),
        waker: ReleaseReaders::new(Functions::new(caller), deploy_function),
        scheduler: OneTimeSchedules::new(&sdk, &config.schedule_group, &config.schedule_role_arn),
        sns: SnsTopics::new(&sdk),
    };
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "rotate".to_owned());
    Ok(Deps { function, config, fleets, estate })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::ENVIRONMENT;

    #[test]
    fn everything_that_is_wrong_with_the_environment_is_told_at_once() {
        let error = start(|_| None).map(|_| ()).unwrap_err().to_string();
        for name in ENVIRONMENT.iter().chain(&["NIGHTSHIFT_TABLE", "NIGHTSHIFT_MODE", "AWS_REGION"]) {
            assert!(error.contains(name), "{name} is missing from: {error}");
        }
    }
}
