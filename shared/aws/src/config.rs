//! The SDK's configuration, in one place: region, credentials, endpoint, retries, time limits, HTTP client.
//!
//! Owns which variables are read (through a look-up function) and what is said when one is missing. Must never touch the
//! network (no IMDS, no SSO), read profile files, or give anything that selects an account or a region a default.

use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use thiserror::Error;

use crate::transport::{Trust, http_client};

/// Every variable that is read, for the template's test and the documentation.
pub const VARIABLES: [&str; 7] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
];

/// The services whose endpoint can be set on its own, by the SDK's service id; the variable is `AWS_ENDPOINT_URL_` and the
/// id in capitals with underscores (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
const SERVICE_IDS: [&str; 20] = [
    "Application Auto Scaling",
    "Auto Scaling",
    "CloudFront",
    "CloudWatch",
    "CloudWatch Logs",
    "CodePipeline",
    "DynamoDB",
    "EC2",
    "ECR",
    "ECS",
    "ElastiCache",
    "Elastic Load Balancing v2",
    "EventBridge",
    "IAM",
    "Lambda",
    "SNS",
    "SSM",
    "STS",
    "Scheduler",
    "Secrets Manager",
];

/// Why the SDK cannot be configured.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// No region.
    #[error("no AWS region is set; set AWS_REGION, such as AWS_REGION=us-east-1 (Lambda sets it itself)")]
    NoRegion,
    /// Something that cannot be a region.
    #[error("\"{0}\" is no AWS region; set AWS_REGION to a code such as us-east-1")]
    BadRegion(String),
    /// No credentials, or half of them.
    #[error(
        "{missing} is not set; in a shell run: eval \"$(aws configure export-credentials --format env)\" \
         (profile files are not read; in Lambda the role's credentials are in the environment already)"
    )]
    NoCredentials {
        /// Which variable.
        missing: &'static str,
    },
    /// An endpoint that is no URL.
    #[error("{variable} is \"{value}\", which is no URL; write http://host:port or https://host, or unset it")]
    BadEndpoint {
        /// Which variable.
        variable: String,
        /// Its value.
        value: String,
    },
    /// The file that AWS_CA_BUNDLE names cannot be used.
    #[error(
        "AWS_CA_BUNDLE names {path}, which cannot be used: {problem}; point it at a readable PEM file, or unset it to trust \
         Amazon's own roots"
    )]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl ConfigError {
    /// The stable code, as in docs/operations.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRegion => "aws_region_missing",
            Self::BadRegion(_) => "aws_region_invalid",
            Self::NoCredentials { .. } => "aws_credentials_missing",
            Self::BadEndpoint { .. } => "aws_endpoint_invalid",
            Self::CaBundle { .. } => "aws_ca_bundle_unusable",
        }
    }
}

/// How long a call may take and how often it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// To open a connection, TLS included.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For all attempts of a call, back-off included.
    pub operation: Duration,
    /// How many attempts.
    pub attempts: u32,
    /// The longest first back-off; it doubles with each attempt and is drawn at random below that.
    pub first_backoff: Duration,
}

impl Default for CallLimits {
    /// For a function that has 30 seconds: three calls in a row may run into their limit and there is time to say so. The
    /// SDK's own figures (connect 3.1 s, back-off 1 s, attempts and operations without limit) are for longer lives.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            attempt: Duration::from_millis(2_500),
            operation: Duration::from_secs(6),
            attempts: 3,
            first_backoff: Duration::from_millis(250),
        }
    }
}

/// The configuration from the environment that `lookup` shows, with the usual limits.
pub fn sdk_config(lookup: impl Fn(&str) -> Option<String>) -> Result<SdkConfig, ConfigError> {
    sdk_config_with(lookup, CallLimits::default())
}

/// The configuration from the environment that `lookup` shows, with these limits.
pub fn sdk_config_with(lookup: impl Fn(&str) -> Option<String>, limits: CallLimits) -> Result<SdkConfig, ConfigError> {
    // A variable that is there but empty counts as absent: a local AWS gives functions an empty AWS_SESSION_TOKEN.
    let read = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
    let endpoints = Endpoints::from_env(read)?;
    let trust = match (endpoints.may_need_tls(), read("AWS_CA_BUNDLE")) {
        (false, _) => Trust::NoTls,
        (true, None) => Trust::Amazon,
        (true, Some(path)) => Trust::bundle(path.as_ref())?,
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .operation_attempt_timeout(limits.attempt)
        .operation_timeout(limits.operation);
    let retries = RetryConfig::standard().with_max_attempts(limits.attempts).with_initial_backoff(limits.first_backoff);

    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region(read)?)
        .credentials_provider(credentials(read)?)
        .http_client(http_client(trust, limits.connect))
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .retry_config(retries)
        .timeout_config(timeouts.build())
        // None of our calls streams: an attempt's limit holds for its whole answer.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    // CloudTrail shows it: which of our functions, or a person with the command line, has made a call.
    let name = read("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "nightshift".to_owned());
    config.set_app_name(AppName::new(name).ok());
    config.set_endpoint_url(endpoints.general.clone());
    config.set_service_config(Some(endpoints));
    Ok(config.build())
}

fn region(read: impl Fn(&str) -> Option<String>) -> Result<Region, ConfigError> {
    let region = read("AWS_REGION").or_else(|| read("AWS_DEFAULT_REGION")).ok_or(ConfigError::NoRegion)?;
    let is_plausible = region.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    match is_plausible {
        true => Ok(Region::new(region)),
        false => Err(ConfigError::BadRegion(region)),
    }
}

fn credentials(read: impl Fn(&str) -> Option<String>) -> Result<SharedCredentialsProvider, ConfigError> {
    let wanted = |missing: &'static str| read(missing).ok_or(ConfigError::NoCredentials { missing });
    let (key, secret) = (wanted("AWS_ACCESS_KEY_ID")?, wanted("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(key, secret, read("AWS_SESSION_TOKEN"), None, "Environment");
    Ok(SharedCredentialsProvider::new(credentials))
}

/// The endpoints that the environment sets.
#[derive(Debug)]
struct Endpoints {
    general: Option<String>,
    by_service: Vec<(&'static str, String)>,
}

impl Endpoints {
    fn from_env(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let url = |variable: String| match read(&variable) {
            Some(value) if !value.starts_with("http://") && !value.starts_with("https://") => {
                Err(ConfigError::BadEndpoint { variable, value })
            }
            value => Ok(value),
        };
        let mut by_service = Vec::new();
        for id in SERVICE_IDS {
            let own = url(format!("AWS_ENDPOINT_URL_{}", id.to_uppercase().replace(' ', "_")))?;
            by_service.extend(own.map(|own| (id, own)));
        }
        Ok(Self { general: url("AWS_ENDPOINT_URL".to_owned())?, by_service })
    }

    fn may_need_tls(&self) -> bool {
        let is_tls = |url: &String| url.starts_with("https://");
        self.general.as_ref().is_none_or(is_tls) || self.by_service.iter().any(|(_, url)| is_tls(url))
    }
}

impl LoadServiceConfig for Endpoints {
    /// The SDK asks each client's service for its own endpoint before it takes the general one.
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_asked = |(id, _): &&(&str, String)| key.env() == "AWS_ENDPOINT_URL" && *id == key.service_id();
        self.by_service.iter().find(is_asked).map(|(_, url)| url.clone())
    }
}
