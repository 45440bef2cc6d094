//! One caller for every AWS service that is called seldom: the SDK's own runtime (signatures, retries with back-off, time
//! limits, clock skew, our HTTP client) with JSON and XML instead of typed clients.
//!
//! Owns protocols, addresses and how errors are read. Must never know what an operation means, leave a page out, or show a
//! body. A typed client would drop the members that it does not know, which a copied task definition must keep.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_plugin::SharedRuntimePlugin;
use aws_types::SdkConfig;
use aws_types::region::Region;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use serde_json::Value;

mod answer;
mod hidden;
mod request;
mod runtime;
pub mod services;
mod xml;

pub(crate) use hidden::SecretJson;
pub use request::{Form, RestAnswer, RestRequest};
pub use xml::Xml;

use runtime::Repeats;
use services::{JsonService, QueryService, RestService};

/// Where an answer says that there is another page, and where the next request says so: EC2, most others, ELBv2, IAM.
const QUERY_PAGES: [(&str, &str); 4] =
    [("nextToken", "NextToken"), ("NextToken", "NextToken"), ("NextMarker", "Marker"), ("Marker", "Marker")];

/// Calls any operation of the services in [`services`]. An `action` is the IAM action, such as `ecs:DescribeServices`: what
/// stands behind the colon is the operation, the whole is what errors name. Clones share connections and clock skew.
#[derive(Clone, Debug)]
pub struct AwsCaller {
    config: SdkConfig,
    common: SharedRuntimePlugin,
    not_twice: SharedRuntimePlugin,
}

impl AwsCaller {
    /// With everything that `config` says; nothing is called.
    pub fn new(config: &SdkConfig) -> Self {
        let common = runtime::common_plugin(config, Repeats::WhatFailed);
        Self { config: config.clone(), common, not_twice: runtime::common_plugin(config, Repeats::WhatWasRefused) }
    }

    /// The same for another region; endpoints that the environment sets stay.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        Self { config, ..self.clone() }
    }

    /// The same for calls that would do a second thing if they were carried out twice, and take no token: repeated is only what
    /// AWS says that it has not done (throttled). After any other failure the caller looks first.
    #[must_use]
    pub fn not_twice(&self) -> Self {
        Self { common: self.not_twice.clone(), ..self.clone() }
    }

    /// The region that is called, if one is set.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// A call with an answer, which is always an object.
    pub async fn json(&self, service: &JsonService, action: &'static str, body: &Value) -> PortResult<Value> {
        let bodies = service.service.bodies;
        self.send_json(service, action, body, move |answer| answer::json(answer, bodies)).await
    }

    /// A call of an operation that has no output, such as `logs:PutRetentionPolicy`: whatever body comes is not looked at.
    pub async fn json_done(&self, service: &JsonService, action: &'static str, body: &Value) -> PortResult<()> {
        self.send_json(service, action, body, |_| Ok(())).await
    }

    /// Every page of a call that pages by `nextToken` or `NextToken`, in order; never empty.
    pub async fn json_pages(&self, service: &JsonService, action: &'static str, body: &Value) -> PortResult<Vec<Value>> {
        let mut body = body.clone();
        let mut pages = Vec::new();
        loop {
            let page = self.json(service, action, &body).await?;
            let token = ["nextToken", "NextToken"].into_iter().find_map(|name| Some((name, page.get(name)?.as_str()?.to_owned())));
            pages.push(page);
            let Some((name, token)) = token.filter(|(_, token)| !token.is_empty()) else {
                return Ok(pages);
            };
            turn_page(action, body.get(name).and_then(Value::as_str), &token)?;
            if let Value::Object(members) = &mut body {
                members.insert(name.to_owned(), Value::String(token));
            }
        }
    }

    /// A query call; the answer is the element `<operation>Result` where there is one (Auto Scaling, ELBv2, IAM, STS), else
    /// the root (EC2).
    pub async fn query(&self, service: &QueryService, action: &'static str, form: &Form) -> PortResult<Xml> {
        let bodies = service.service.bodies;
        let body = form.encoded(operation(action), service.service.api_version);
        let request = RestRequest::new("POST", &[]).with_body("application/x-www-form-urlencoded", body);
        runtime::send(self, &service.service, action, request, move |answer| answer::xml(answer, bodies)).await
    }

    /// Every page of a query call that pages by a token or a marker, in order; never empty.
    pub async fn query_pages(&self, service: &QueryService, action: &'static str, form: &Form) -> PortResult<Vec<Xml>> {
        let mut pages = Vec::new();
        let mut seen: Option<String> = None;
        let mut next = form.clone();
        loop {
            let page = self.query(service, action, &next).await?;
            let token = QUERY_PAGES.into_iter().find_map(|(told, asked)| Some((asked, page.text(told)?.to_owned())));
            pages.push(page);
            let Some((asked, token)) = token else {
                return Ok(pages);
            };
            turn_page(action, seen.as_deref(), &token)?;
            next = form.clone().with(asked, &token);
            seen = Some(token);
        }
    }

    /// A REST call; the answer is as it came.
    pub async fn rest(&self, service: &RestService, action: &'static str, request: RestRequest) -> PortResult<RestAnswer> {
        runtime::send(self, &service.service, action, request, move |answer| Ok(answer::raw(action, answer))).await
    }

    async fn send_json<T: Send + Sync + 'static>(
        &self,
        service: &JsonService,
        action: &'static str,
        body: &Value,
        read: impl Fn(&HttpResponse) -> Result<T, BoxError> + Send + Sync + 'static,
    ) -> PortResult<T> {
        let target = format!("{}.{}", service.target_prefix, operation(action));
        let request = RestRequest::new("POST", &[]).with_body("application/x-amz-json-1.1", hidden::json(body));
        runtime::send(self, &service.service, action, request.with_header("x-amz-target", target), read).await
    }
}

/// What stands behind the colon of an IAM action.
fn operation(action: &str) -> &str {
    action.split_once(':').map_or(action, |(_, operation)| operation)
}

/// A token that comes twice would be asked for without end.
fn turn_page(action: &'static str, last: Option<&str>, next: &str) -> PortResult<()> {
    match last == Some(next) {
        true => Err(PortError::new(PortErrorKind::Unavailable, action, "the same page token came twice")),
        false => Ok(()),
    }
}
