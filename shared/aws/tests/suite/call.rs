use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::StaticTimeSource;
use nightshift_aws::services::{AUTO_SCALING, CLOUDFRONT, EC2, ECR, ECS, EVENTS, IAM, LAMBDA, LOGS, SECRETS_MANAGER};
use nightshift_aws::{AwsCaller, Form, RestRequest};
use nightshift_core::ports::{PortErrorKind, PortResult};
use serde_json::{Value, json};

use super::recorded::{Recorded, wait};

mod endpoints;
mod refusals;
mod wire;

const NO_TEMPLATES: &str = "<DescribeLaunchTemplatesResponse><launchTemplates/></DescribeLaunchTemplatesResponse>";

fn caller(recorded: &Recorded) -> AwsCaller {
    AwsCaller::new(&recorded.config())
}

fn services(recorded: &Recorded) -> PortResult<Value> {
    wait(caller(recorded).json(&ECS, "ecs:DescribeServices", &json!({ "cluster": "c", "services": ["s"] })))
}

/// Region and service of a signature, as they stand in its credential.
fn signed_for(authorization: &str) -> (&str, &str) {
    let credential = authorization.split(['=', ',']).nth(1).unwrap();
    let parts: Vec<&str> = credential.split('/').collect();
    assert_eq!((parts[0], parts[4]), ("test", "aws4_request"), "{authorization}");
    (parts[2], parts[3])
}

#[test]
fn json_goes_out_signed_and_comes_back_whole() {
    // A member that no model knows must survive: this is what the caller is for.
    let answer = json!({ "services": [{ "desiredCount": 2, "somethingNew": { "a": [1, null, 2.5] } }] });
    let recorded = Recorded::default().json("DescribeServices", answer.clone());
    assert_eq!(services(&recorded).unwrap(), answer);
    let asked = &recorded.asked()[0];
    assert_eq!(asked.url, "https://ecs.us-east-1.amazonaws.com/");
    assert_eq!(asked.json(), json!({ "cluster": "c", "services": ["s"] }));
    assert_eq!(asked.header("x-amz-target"), "AmazonEC2ContainerServiceV20141113.DescribeServices");
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
    assert!(asked.header("authorization").starts_with("AWS4-HMAC-SHA256 "), "{asked:?}");
    assert_eq!(signed_for(asked.header("authorization")), ("us-east-1", "ecs"));
    assert!(asked.header("user-agent").contains("app/nightshift"), "{asked:?}");
}

#[test]
fn time_target_and_session_are_signed() {
    let recorded = Recorded::default().json("ListClusters", json!({}));
    let noon = StaticTimeSource::new(UNIX_EPOCH + Duration::from_secs(1_763_640_000));
    let session = Credentials::new("test", "secret", Some("token".to_owned()), None, "test");
    let config = recorded.config().to_builder().time_source(noon).credentials_provider(SharedCredentialsProvider::new(session));
    wait(AwsCaller::new(&config.build()).json(&ECS, "ecs:ListClusters", &json!({}))).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!((asked.header("x-amz-date"), asked.header("x-amz-security-token")), ("20251120T120000Z", "token"));
    let authorization = asked.header("authorization");
    for header in ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(authorization.contains(header), "{header}: {authorization}");
    }
}

#[test]
fn another_region_is_another_address_and_another_signature() {
    let recorded = Recorded::default().json("PutEvents", json!({ "FailedEntryCount": 0 }));
    let west = caller(&recorded).in_region("us-west-2");
    assert_eq!((west.region(), caller(&recorded).region()), (Some("us-west-2"), Some("us-east-1")));
    wait(west.json(&EVENTS, "events:PutEvents", &json!({ "Entries": [] }))).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!(asked.url, "https://events.us-west-2.amazonaws.com/");
    assert_eq!(signed_for(asked.header("authorization")), ("us-west-2", "events"));
}

#[test]
fn a_query_call_is_a_form_and_its_result_is_unwrapped() {
    let template = "<DescribeLaunchTemplatesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
                    <launchTemplates><item><launchTemplateId>lt-1</launchTemplateId></item></launchTemplates>\
                    </DescribeLaunchTemplatesResponse>";
    let refresh = "<StartInstanceRefreshResponse><StartInstanceRefreshResult><InstanceRefreshId>r-1</InstanceRefreshId>\
                   </StartInstanceRefreshResult><ResponseMetadata/></StartInstanceRefreshResponse>";
    let recorded = Recorded::default().answer("DescribeLaunchTemplates", 200, template).answer("StartInstanceRefresh", 200, refresh);
    let form = Form::new().with_list("LaunchTemplateName", ["web", "a b"]);
    let templates = wait(caller(&recorded).query(&EC2, "ec2:DescribeLaunchTemplates", &form)).unwrap();
    assert_eq!(templates.text("launchTemplates/item/launchTemplateId"), Some("lt-1"));
    let form = Form::new().with("AutoScalingGroupName", "g").with("Preferences.MinHealthyPercentage", 90);
    let started = wait(caller(&recorded).query(&AUTO_SCALING, "autoscaling:StartInstanceRefresh", &form)).unwrap();
    assert_eq!(started.text("InstanceRefreshId"), Some("r-1"));
    let asked = recorded.asked();
    assert_eq!(asked[0].body, "Action=DescribeLaunchTemplates&Version=2016-11-15&LaunchTemplateName.1=web&LaunchTemplateName.2=a%20b");
    assert_eq!(asked[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(signed_for(asked[1].header("authorization")), ("us-east-1", "autoscaling"));
}

#[test]
fn rest_calls_keep_status_headers_and_body() {
    let invalidation = "<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>";
    let recorded = Recorded::default()
        .answer_with("POST /2020-05-31/distribution/E1/invalidation", 201, &[("Location", "https://somewhere/I1")], invalidation)
        .answer_with("POST /2015-03-31/functions/f%3A1/invocations", 200, &[("X-Amz-Function-Error", "Unhandled")], "{\"a\":1}");
    let request = RestRequest::new("POST", &["2020-05-31", "distribution", "E1", "invalidation"]).with_xml("<InvalidationBatch/>");
    let answer = wait(caller(&recorded).rest(&CLOUDFRONT, "cloudfront:CreateInvalidation", request)).unwrap();
    assert_eq!((answer.status, answer.header("location")), (201, Some("https://somewhere/I1")));
    assert_eq!(answer.xml().unwrap().text("Status"), Some("InProgress"));
    assert_eq!(answer.json().unwrap_err().kind, PortErrorKind::Unavailable);
    let request = RestRequest::new("POST", &["2015-03-31", "functions", "f:1", "invocations"]).with_json(&json!({}));
    let answer = wait(caller(&recorded).rest(&LAMBDA, "lambda:InvokeFunction", request)).unwrap();
    assert_eq!((answer.header("x-amz-function-error"), answer.json().unwrap()), (Some("Unhandled"), json!({ "a": 1 })));
    assert_eq!(answer.xml().unwrap_err().operation, "lambda:InvokeFunction");
    // Invalidations are made in us-east-1, wherever we are.
    assert_eq!(signed_for(recorded.asked()[0].header("authorization")), ("us-east-1", "cloudfront"));
}

#[test]
fn every_json_page_is_read() {
    let recorded = Recorded::default()
        .json("ListTasks", json!({ "taskArns": ["a"], "nextToken": "t1" }))
        .json("ListTasks", json!({ "taskArns": ["b"], "nextToken": "t2" }))
        .json("ListTasks", json!({ "taskArns": ["c"], "nextToken": null }));
    let pages = wait(caller(&recorded).json_pages(&ECS, "ecs:ListTasks", &json!({ "cluster": "c" }))).unwrap();
    assert_eq!(pages.iter().map(|page| page["taskArns"][0].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let tokens: Vec<Value> = recorded.asked().iter().map(|asked| asked.json()["nextToken"].clone()).collect();
    assert_eq!(tokens, [Value::Null, json!("t1"), json!("t2")]);
    assert!(recorded.asked().iter().all(|asked| asked.json()["cluster"] == "c"));

    let recorded = Recorded::default().json("ListSecrets", json!({ "NextToken": "t" })).json("ListSecrets", json!({}));
    wait(caller(&recorded).json_pages(&SECRETS_MANAGER, "secretsmanager:ListSecrets", &json!({}))).unwrap();
    assert_eq!(recorded.asked()[1].json(), json!({ "NextToken": "t" }));
}

#[test]
fn every_query_page_is_read() {
    let ec2 = "<DescribeXResponse><nextToken>a+b</nextToken></DescribeXResponse>";
    let last = "<DescribeXResponse><nextToken/></DescribeXResponse>";
    let recorded = Recorded::default().answer("DescribeX", 200, ec2).answer("DescribeX", 200, last);
    let form = Form::new().with("MaxResults", 5);
    assert_eq!(wait(caller(&recorded).query_pages(&EC2, "ec2:DescribeX", &form)).unwrap().len(), 2);
    assert_eq!(recorded.asked()[1].body, "Action=DescribeX&Version=2016-11-15&MaxResults=5&NextToken=a%2Bb");

    let page = |marker: &str| format!("<ListRolesResponse><ListRolesResult>{marker}</ListRolesResult></ListRolesResponse>");
    let recorded = ["<Marker>1</Marker>", "<Marker>2</Marker>", ""]
        .into_iter()
        .fold(Recorded::default(), |recorded, marker| recorded.answer("ListRoles", 200, page(marker)));
    assert_eq!(wait(caller(&recorded).query_pages(&IAM, "iam:ListRoles", &Form::new())).unwrap().len(), 3);
    assert_eq!(recorded.asked()[2].body, "Action=ListRoles&Version=2010-05-08&Marker=2");
}

#[test]
fn a_token_that_comes_twice_ends_the_reading_with_an_error() {
    let page = json!({ "nextToken": "t" });
    let recorded = (0..4).fold(Recorded::default(), |recorded, _| recorded.json("ListImages", page.clone()));
    let error = wait(caller(&recorded).json_pages(&ECR, "ecr:ListImages", &json!({}))).unwrap_err();
    assert_eq!((error.kind, recorded.asked().len()), (PortErrorKind::Unavailable, 2));
    let page = "<DescribeXResponse><nextToken>t</nextToken></DescribeXResponse>";
    let recorded = (0..4).fold(Recorded::default(), |recorded, _| recorded.answer("DescribeX", 200, page));
    let error = wait(caller(&recorded).query_pages(&EC2, "ec2:DescribeX", &Form::new())).unwrap_err();
    assert_eq!((error.kind, recorded.asked().len()), (PortErrorKind::Unavailable, 2));
}

#[test]
fn an_operation_without_output_may_answer_nothing() {
    let recorded = Recorded::default().answer("PutRetentionPolicy", 200, "");
    wait(caller(&recorded).json_done(&LOGS, "logs:PutRetentionPolicy", &json!({ "retentionInDays": 7 }))).unwrap();
    assert_eq!(recorded.asked()[0].json()["retentionInDays"], 7);
}

/// A body that the signer cannot look into is signed by its hash: the same signature as if it could.
#[test]
fn a_hidden_body_is_signed_like_any_other() {
    let noon = || StaticTimeSource::new(UNIX_EPOCH + Duration::from_secs(1_763_640_000));
    let signature = |service: nightshift_aws::services::JsonService| {
        let recorded = Recorded::default().json("GetSecretValue", json!({}));
        let config = recorded.config().to_builder().time_source(noon()).build();
        wait(AwsCaller::new(&config).json(&service, "secretsmanager:GetSecretValue", &json!({ "SecretId": "a" }))).unwrap();
        recorded.asked()[0].header("authorization").to_owned()
    };
    let mut plain = SECRETS_MANAGER;
    plain.service.bodies = nightshift_aws::services::Bodies::Plain;
    assert_eq!(signature(SECRETS_MANAGER), signature(plain));
}
