//! What the function works with: configuration, fleet files, and the estate behind its ports.

use nightshift_aws::{AutoScalingGroups, CloudWatch, DynamoLedger, EcsServices, Keep, OneTimeSchedules, SnsTopics};
use nightshift_core::fleet::Fleets;
use nightshift_core::ports::{AlarmReader, GroupReader, GroupScaler, Ledger, Messenger, RecheckScheduler, TaskReader, TaskScaler};
use nightshift_lambda::{Config, Handler, HandlerError, Invocation, load_fleets};
use serde_json::Value;

/// The estate, port by port. One type in production, one fake in tests.
pub trait Estate {
    /// Alarms and metrics.
    type Alarms: AlarmReader;
    /// ECS services.
    type Tasks: TaskReader + TaskScaler;
    /// Auto Scaling groups.
    type Groups: GroupReader + GroupScaler;
    /// What was done before.
    type Memory: Ledger;
    /// Later calls.
    type Rechecks: RecheckScheduler;
    /// People and machines.
    type People: Messenger;

    /// Alarms and metrics.
    fn alarms(&self) -> &Self::Alarms;
    /// ECS services.
    fn tasks(&self) -> &Self::Tasks;
    /// Auto Scaling groups.
    fn groups(&self) -> &Self::Groups;
    /// What was done before.
    fn ledger(&self) -> &Self::Memory;
    /// Later calls.
    fn rechecks(&self) -> &Self::Rechecks;
    /// People and machines.
    fn people(&self) -> &Self::People;
}

/// Everything that outlives an invocation; built once.
pub struct Deps<E> {
    /// The function's name in logs and metrics.
    pub function: String,
    /// The environment.
    pub config: Config,
    /// What people wrote down.
    pub fleets: Fleets,
    /// The ports.
    pub estate: E,
}

impl<E: Estate> Deps<E> {
    pub(crate) fn estate(&self) -> &E {
        &self.estate
    }
}

impl<E: Estate> Handler for Deps<E> {
    async fn handle(&self, invocation: Invocation, event: Value) -> Result<Value, HandlerError> {
        nightshift_aws::within(invocation.time_for_calls(), crate::handle(&invocation, self, &event)).await
    }
}

/// The estate on AWS.
pub struct AwsEstate {
    cloudwatch: CloudWatch,
    ecs: EcsServices,
    autoscaling: AutoScalingGroups,
    ledger: DynamoLedger,
    scheduler: OneTimeSchedules,
    sns: SnsTopics,
}

impl Estate for AwsEstate {
    type Alarms = CloudWatch;
    type Tasks = EcsServices;
    type Groups = AutoScalingGroups;
    type Memory = DynamoLedger;
    type Rechecks = OneTimeSchedules;
    type People = SnsTopics;

    fn alarms(&self) -> &CloudWatch {
        &self.cloudwatch
    }
    fn tasks(&self) -> &EcsServices {
        &self.ecs
    }
    fn groups(&self) -> &AutoScalingGroups {
        &self.autoscaling
    }
    fn ledger(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn rechecks(&self) -> &OneTimeSchedules {
        &self.scheduler
    }
    fn people(&self) -> &SnsTopics {
        &self.sns
    }
}

/// Reads the environment and the fleet files and builds the clients; makes no call to AWS.
pub fn start(lookup: impl Fn(&str) -> Option<String>) -> Result<Deps<AwsEstate>, HandlerError> {
    let invalid = |code: &'static str, message: String| HandlerError::Configuration { code, message };
    let config = Config::from_lookup(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let fleets = load_fleets(&config.fleet).map_err(|error| invalid("fleet_invalid", error.to_string()))?;
    let sdk = nightshift_aws::sdk_config(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let estate = AwsEstate {
        cloudwatch: CloudWatch::new(&sdk),
        ecs: EcsServices::new(&sdk),
        autoscaling: AutoScalingGroups::new(&sdk),
        ledger: DynamoLedger::new(&sdk, &config.table, Keep::default()),
        scheduler: OneTimeSchedules::new(&sdk, &config.schedule_group, &config.schedule_role_arn),
        sns: SnsTopics::new(&sdk),
    };
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "scale".to_owned());
    Ok(Deps { function, config, fleets, estate })
}
