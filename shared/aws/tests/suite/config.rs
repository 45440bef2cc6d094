use std::collections::BTreeMap;
use std::time::Duration;

use aws_types::SdkConfig;
use nightshift_aws::{ConfigError, sdk_config};

const USUAL: [(&str, &str); 3] = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "very-secret")];

fn configured(changes: &[(&'static str, &'static str)]) -> Result<SdkConfig, ConfigError> {
    let mut variables: BTreeMap<&str, &str> = USUAL.into_iter().collect();
    variables.extend(changes.iter().copied());
    sdk_config(|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn region(config: &SdkConfig) -> String {
    config.region().unwrap().to_string()
}

#[test]
fn the_region_is_aws_region_else_the_default_one() {
    assert_eq!(region(&configured(&[]).unwrap()), "eu-west-1");
    assert_eq!(region(&configured(&[("AWS_DEFAULT_REGION", "us-east-2")]).unwrap()), "eu-west-1");
    assert_eq!(region(&configured(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-east-2")]).unwrap()), "us-east-2");
    assert_eq!(configured(&[("AWS_REGION", "")]).unwrap_err(), ConfigError::NoRegion);
    assert_eq!(configured(&[("AWS_REGION", "EU (Ireland)")]).unwrap_err(), ConfigError::BadRegion("EU (Ireland)".into()));
}

#[test]
fn half_of_the_credentials_is_none_and_the_error_says_what_to_run() {
    for missing in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let error = configured(&[(missing, "")]).unwrap_err();
        assert_eq!(error, ConfigError::NoCredentials { missing });
        assert!(error.to_string().contains("aws configure export-credentials --format env"), "{error}");
    }
}

#[test]
fn an_empty_session_token_is_none() {
    use aws_credential_types::provider::ProvideCredentials;
    let token = |config: SdkConfig| {
        let provider = config.credentials_provider().unwrap();
        let credentials = super::recorded::wait(async { provider.provide_credentials().await.unwrap() });
        credentials.session_token().map(str::to_owned)
    };
    assert_eq!(token(configured(&[("AWS_SESSION_TOKEN", "")]).unwrap()), None);
    assert_eq!(token(configured(&[("AWS_SESSION_TOKEN", "t")]).unwrap()).as_deref(), Some("t"));
}

#[test]
fn endpoints_general_and_of_one_service() {
    let local = configured(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")]).unwrap();
    assert_eq!(local.endpoint_url(), Some("http://127.0.0.1:4566"));
    assert_eq!(configured(&[]).unwrap().endpoint_url(), None);
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_AUTO_SCALING", "AWS_ENDPOINT_URL_DYNAMODB"] {
        let error = configured(&[(variable, "localhost:4566")]).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{variable} is \"localhost:4566\", which is no URL")), "{error}");
    }
}

#[test]
fn the_certificates_are_read_only_where_tls_is_spoken() {
    let bundle = ("AWS_CA_BUNDLE", "/nowhere/roots.pem");
    assert!(configured(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"), bundle]).is_ok());
    let tls = [
        vec![bundle],
        vec![bundle, ("AWS_ENDPOINT_URL", "https://localhost")],
        vec![bundle, ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"), ("AWS_ENDPOINT_URL_SNS", "https://localhost")],
    ];
    for variables in tls {
        let error = configured(&variables).unwrap_err();
        assert!(matches!(error, ConfigError::CaBundle { .. }), "{error}");
    }
}

#[test]
fn every_call_has_limits_that_fit_thirty_seconds() {
    let config = configured(&[]).unwrap();
    let timeouts = config.timeout_config().unwrap();
    assert_eq!(timeouts.connect_timeout(), Some(Duration::from_secs(1)));
    assert!(timeouts.operation_attempt_timeout() < timeouts.operation_timeout());
    assert!(timeouts.operation_timeout().unwrap() * 3 < Duration::from_secs(30));
    assert_eq!(config.retry_config().unwrap().max_attempts(), 3);
    assert!(config.behavior_version().is_some());
}

#[test]
fn no_secret_is_in_what_is_printed() {
    let printed = format!("{:?}", configured(&[("AWS_SESSION_TOKEN", "very-secret-token")]).unwrap());
    assert!(!printed.contains("very-secret"), "{printed}");
}
