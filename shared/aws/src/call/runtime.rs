//! The SDK's runtime, put together as its generated clients put it together, for calls without one.
//!
//! Owns the endpoint, the signature, retries (the SDK's standard mode, by the same classifiers) and time limits of a call.
//! Bodies never get into the SDK's own traces.

use std::fmt;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{PayloadSigningOverride, SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError, SensitiveOutput};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{SharedRuntimePlugin, StaticRuntimePlugin};
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};

use super::AwsCaller;
use super::answer::refusal;
use super::request::RestRequest;
use super::services::{Bodies, Place, Service};
use crate::error::port_error;

/// Which failed calls are made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// What the SDK repeats: also calls whose answer was lost, which may have been carried out.
    WhatFailed,
    /// Only what AWS has refused by a code that says to come again.
    WhatWasRefused,
}

/// What all calls share, whatever the service and the region.
pub(super) fn common_plugin(config: &SdkConfig, repeats: Repeats) -> SharedRuntimePlugin {
    let mut layer = Layer::new("nightshift");
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(SensitiveOutput);
    layer.store_put(config.retry_config().cloned().unwrap_or_else(RetryConfig::standard));
    layer.store_put(config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled));
    layer.store_or_unset(config.app_name().cloned());
    layer.store_or_unset(config.stalled_stream_protection());

    let cache = config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build());
    let mut components = RuntimeComponentsBuilder::new("nightshift")
        .with_http_client(config.http_client())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source())
        .with_identity_cache(Some(cache))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
        .with_interceptor(SharedInterceptor::permanent(ConnectionPoisoningInterceptor::new()))
        .with_interceptor(ServiceClockSkewInterceptor::new())
        .with_interceptor(RequestInfoInterceptor::new())
        .with_interceptor(UserAgentInterceptor::new())
        .with_interceptor(InvocationIdInterceptor::new())
        .with_interceptor(SharedInterceptor::permanent(RecursionDetectionInterceptor::new()))
        .with_retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .with_retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new());
    if repeats == Repeats::WhatFailed {
        components = components
            .with_retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .with_retry_classifier(HttpStatusCodeClassifier::default());
    }
    if let Some(credentials) = config.credentials_provider() {
        components = components.with_identity_resolver(SCHEME_ID, credentials);
    }
    SharedRuntimePlugin::new(StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components))
}

/// One call with its retries. `read` makes the output from an answer of the two hundreds; what it cannot read is tried again,
/// as the SDK does with answers that its parsers refuse.
pub(super) async fn send<T: Send + Sync + 'static>(
    caller: &AwsCaller,
    service: &Service,
    action: &'static str,
    request: RestRequest,
    read: impl Fn(&HttpResponse) -> Result<T, BoxError> + Send + Sync + 'static,
) -> PortResult<T> {
    let unset = |what: &str| PortError::new(PortErrorKind::Denied, action, format!("the SDK's configuration has no {what}"));
    let config = &caller.config;
    let place = place(config, service).ok_or_else(|| unset("region"))?;
    if config.http_client().is_none() {
        return Err(unset("HTTP client"));
    }
    let bodies = service.bodies;
    let body_sha256 = (bodies == Bodies::Secret).then(|| request.body_sha256());
    let mut builder = Operation::builder()
        // Also the name of the bucket of retry tokens: a region that is down must not use up another one's.
        .service_name(format!("{}-{}", service.sdk_id, config.region().map_or("", Region::as_ref)))
        .operation_name(action)
        .endpoint_url(&place.url);
    if let Some(version) = config.behavior_version() {
        builder = builder.behavior_version(version);
    }
    let operation = builder
        .runtime_plugin(caller.common.clone())
        .runtime_plugin(signed_for(service, place, body_sha256))
        .serializer(move |request: RestRequest| request.into_http(bodies))
        .deserializer(move |answer: &HttpResponse| match answer.status().is_success() {
            true => read(answer).map(Masked).map_err(OrchestratorError::response),
            false => Err(OrchestratorError::operation(refusal(answer, bodies))),
        })
        .build();
    operation.invoke(request).await.map(|Masked(output)| output).map_err(|error| port_error(action, error))
}

/// Where the request goes: the endpoint of the service from the environment, the general one, or the public address.
fn place(config: &SdkConfig, service: &Service) -> Option<Place> {
    let key = ServiceConfigKey::builder().service_id(service.sdk_id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = key.ok().and_then(|key| config.service_config()?.load_config(key));
    let place = service.place(config.region()?.as_ref());
    match own.or_else(|| config.endpoint_url().map(str::to_owned)) {
        Some(url) => Some(Place { url, ..place }),
        None => Some(place),
    }
}

/// `body_sha256` is that of a body that the signer cannot look into: without it the body would not be signed.
fn signed_for(service: &Service, place: Place, body_sha256: Option<String>) -> StaticRuntimePlugin {
    let mut signing_options = SigningOptions::default();
    // As for every service but S3.
    signing_options.double_uri_encode = true;
    signing_options.normalize_uri_path = true;
    let signing = SigV4OperationSigningConfig {
        name: Some(SigningName::from_static(service.signing_name)),
        region: Some(SigningRegion::from(Region::new(place.signing_region))),
        signing_options,
        ..SigV4OperationSigningConfig::default()
    };
    let mut layer = Layer::new("nightshift service");
    layer.store_put(signing);
    layer.store_or_unset(body_sha256.map(PayloadSigningOverride::Precomputed));
    layer.store_put(ApiMetadata::new(service.signing_name, env!("CARGO_PKG_VERSION")));
    StaticRuntimePlugin::new().with_config(layer.freeze())
}

/// An output that the SDK's traces cannot print.
struct Masked<T>(T);

impl<T> fmt::Debug for Masked<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(an output)")
    }
}
