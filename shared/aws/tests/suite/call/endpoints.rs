//! Which address a service is called at when the environment names one.

use nightshift_aws::sdk_config;
use nightshift_aws::services::{CODEPIPELINE, ELASTICACHE, ELBV2, JsonService, QueryService, RestService, SSM, STS, Service};

use super::*;

const JSON: [JsonService; 7] = [CODEPIPELINE, ECR, ECS, EVENTS, LOGS, SECRETS_MANAGER, SSM];
const QUERY: [QueryService; 6] = [AUTO_SCALING, EC2, ELASTICACHE, ELBV2, IAM, STS];
const REST: [RestService; 2] = [CLOUDFRONT, LAMBDA];

fn all() -> Vec<Service> {
    let json = JSON.iter().map(|service| service.service);
    json.chain(QUERY.iter().map(|service| service.service)).chain(REST.iter().map(|service| service.service)).collect()
}

/// Where a call of this service goes in an environment with these variables.
fn url(service: &Service, variables: &[(String, &str)]) -> String {
    let recorded = Recorded::default();
    let lookup = |name: &str| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => variables.iter().find(|(own, _)| own == name).map(|(_, value)| (*value).to_owned()),
    };
    let config = sdk_config(lookup).unwrap().to_builder().http_client(recorded.clone()).build();
    // Nothing is recorded, so the call fails; where it went is what counts.
    let request = RestRequest::new("GET", &["x"]);
    wait(AwsCaller::new(&config).rest(&RestService { service: *service }, "x:Y", request)).unwrap_err();
    recorded.asked()[0].url.clone()
}

#[test]
fn an_own_endpoint_wins_over_the_general_one_for_every_service() {
    for service in all() {
        let own = format!("AWS_ENDPOINT_URL_{}", service.sdk_id.to_uppercase().replace(' ', "_"));
        let general = ("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1");
        assert_eq!(url(&service, &[general.clone(), (own, "http://127.0.0.1:2/base")]), "http://127.0.0.1:2/base/x");
        assert_eq!(url(&service, &[general]), "http://127.0.0.1:1/x", "{}", service.sdk_id);
        assert!(url(&service, &[]).starts_with(&format!("https://{}.", service.host)), "{}", service.sdk_id);
    }
}

#[test]
fn a_general_endpoint_stays_in_another_region_and_the_signature_changes() {
    let recorded = Recorded::default().json("PutEvents", json!({}));
    let config = recorded.config().to_builder().endpoint_url("http://127.0.0.1:4566").build();
    wait(AwsCaller::new(&config).in_region("us-west-2").json(&EVENTS, "events:PutEvents", &json!({}))).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!(asked.url, "http://127.0.0.1:4566/");
    assert_eq!(signed_for(asked.header("authorization")), ("us-west-2", "events"));
}
