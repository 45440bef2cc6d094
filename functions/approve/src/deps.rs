//! What the function works with: configuration, fleet files, and the estate behind its ports.

use nightshift_aws::{ApprovalSecret, AwsCaller, DynamoLedger, Functions, Keep, Pipelines, SnsTopics};
use nightshift_core::fleet::Fleets;
use nightshift_core::ports::Messenger;
use nightshift_core::release::approve::ports::{FunctionCaller, KeyReader, PageAddress, PipelineAnswerer, PipelineDesk};
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_lambda::{ConfigError, Handler, HandlerError, Invocation, Variables, load_fleets};
use serde_json::Value;

/// The environment variables that the function reads, as `template.yaml` must set them.
pub const ENVIRONMENT: &[&str] =
    &["NIGHTSHIFT_FLEET", "NIGHTSHIFT_TABLE", "NIGHTSHIFT_TOPIC_ARN", "NIGHTSHIFT_APPROVAL_KEY_ARN", "NIGHTSHIFT_DEPLOY_FUNCTION"];

/// The function's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveConfig {
    /// Where the fleet files are.
    pub fleet: String,
    /// The ledger's table.
    pub table: String,
    /// The topic for people.
    pub topic_arn: String,
    /// The secret with the key that signs links.
    pub key_arn: String,
    /// The function that is told of answers: its name or ARN.
    pub deploy_function: String,
    /// Where the page is; none: Lambda is asked, since a template cannot give a function its own URL.
    pub page_url: Option<String>,
}

impl ApproveConfig {
    /// The configuration, from a look-up of environment variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables::new(lookup);
        let config = Self {
            fleet: variables.fleet(),
            table: variables.needed("NIGHTSHIFT_TABLE"),
            topic_arn: variables.needed("NIGHTSHIFT_TOPIC_ARN"),
            key_arn: variables.needed("NIGHTSHIFT_APPROVAL_KEY_ARN"),
            deploy_function: variables.needed("NIGHTSHIFT_DEPLOY_FUNCTION"),
            page_url: variables.optional("NIGHTSHIFT_APPROVAL_URL"),
        };
        variables.checked(config)
    }
}

/// The estate, port by port. One type in production, one fake in tests.
pub trait Estate {
    /// Releases, answers, and pipelines' questions.
    type Memory: ReleaseLedger + AnswerDesk + PipelineDesk;
    /// The key that signs links.
    type Keys: KeyReader;
    /// Other functions, and this one's address.
    type Functions: FunctionCaller + PageAddress;
    /// CodePipeline.
    type Pipelines: PipelineAnswerer;
    /// People and machines.
    type People: Messenger;

    /// Releases, answers, and pipelines' questions.
    fn ledger(&self) -> &Self::Memory;
    /// The key that signs links.
    fn keys(&self) -> &Self::Keys;
    /// Other functions, and this one's address.
    fn functions(&self) -> &Self::Functions;
    /// CodePipeline.
    fn pipelines(&self) -> &Self::Pipelines;
    /// People and machines.
    fn people(&self) -> &Self::People;
}

/// Everything that outlives an invocation; built once.
pub struct Deps<E> {
    /// The function's name in logs and metrics.
    pub function: String,
    /// The environment.
    pub config: ApproveConfig,
    /// What people wrote down.
    pub fleets: Fleets,
    /// The ports.
    pub estate: E,
}

impl<E: Estate> Handler for Deps<E> {
    async fn handle(&self, invocation: Invocation, event: Value) -> Result<Value, HandlerError> {
        nightshift_aws::within(invocation.time_for_calls(), crate::handle(&invocation, self, &event)).await
    }
}

/// The estate on AWS.
pub struct AwsEstate {
    ledger: DynamoLedger,
    keys: ApprovalSecret,
    functions: Functions,
    pipelines: Pipelines,
    sns: SnsTopics,
}

impl Estate for AwsEstate {
    type Memory = DynamoLedger;
    type Keys = ApprovalSecret;
    type Functions = Functions;
    type Pipelines = Pipelines;
    type People = SnsTopics;

    fn ledger(&self) -> &DynamoLedger {
        &self.ledger
    }
    fn keys(&self) -> &ApprovalSecret {
        &self.keys
    }
    fn functions(&self) -> &Functions {
        &self.functions
    }
    fn pipelines(&self) -> &Pipelines {
        &self.pipelines
    }
    fn people(&self) -> &SnsTopics {
        &self.sns
    }
}

/// Reads the environment and the fleet files and builds the clients; makes no call to AWS.
pub fn start(lookup: impl Fn(&str) -> Option<String>) -> Result<Deps<AwsEstate>, HandlerError> {
    let invalid = |code: &'static str, message: String| HandlerError::Configuration { code, message };
    let config = ApproveConfig::from_lookup(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let fleets = load_fleets(&config.fleet).map_err(|error| invalid("fleet_invalid", error.to_string()))?;
    let sdk = nightshift_aws::sdk_config(&lookup).map_err(|error| invalid("config_invalid", error.to_string()))?;
    let caller = AwsCaller::new(&sdk);
    let estate = AwsEstate {
        ledger: DynamoLedger::new(&sdk, &config.table, Keep::default()),
        keys: ApprovalSecret::new(caller.clone(), &config.key_arn),
        functions: Functions::new(caller.clone()),
        pipelines: Pipelines::new(caller),
        sns: SnsTopics::new(&sdk),
    };
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "approve".to_owned());
    Ok(Deps { function, config, fleets, estate })
}
