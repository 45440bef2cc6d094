//! What is tried again, and what an error says.

use nightshift_aws::services::{SSM, STS};
use nightshift_core::ports::PortErrorKind::{Conflict, Denied, NotFound, Throttled, Unavailable};

use super::*;

fn repeated(times: usize, operation: &'static str, status: u16, body: &str) -> Recorded {
    (0..times).fold(Recorded::default(), |recorded, _| recorded.answer(operation, status, body))
}

#[test]
fn a_throttle_is_tried_again() {
    let recorded = Recorded::default()
        .json_error("DescribeServices", "ThrottlingException", "Rate exceeded")
        .json("DescribeServices", json!({ "services": [] }));
    assert_eq!(services(&recorded).unwrap(), json!({ "services": [] }));
    assert_eq!(recorded.asked().len(), 2);
    // Each attempt has its own signature's time and the same body.
    assert_eq!(recorded.asked()[0].body, recorded.asked()[1].body);
    assert!(recorded.asked()[1].header("amz-sdk-request").contains("attempt=2"));
}

#[test]
fn an_ec2_throttle_is_tried_again() {
    let refusal = "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error></Errors></Response>";
    let recorded = Recorded::default().answer("DescribeLaunchTemplates", 503, refusal).answer("DescribeLaunchTemplates", 200, NO_TEMPLATES);
    wait(caller(&recorded).query(&EC2, "ec2:DescribeLaunchTemplates", &Form::new())).unwrap();
    assert!(recorded.is_used_up());
}

#[test]
fn three_failures_are_enough_and_say_why() {
    let recorded = repeated(5, "DescribeServices", 500, r#"{"__type":"ServerException","message":"oops"}"#);
    let error = services(&recorded).unwrap_err();
    assert_eq!(error.to_string(), "ecs:DescribeServices: unavailable (ServerException: oops)");
    assert_eq!(recorded.asked().len(), 3);
    let recorded = repeated(5, "DescribeServices", 400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
    assert_eq!(services(&recorded).unwrap_err().kind, Throttled);
    assert_eq!(recorded.asked().len(), 3);
    let recorded = repeated(5, "DescribeServices", 502, "<html>Bad Gateway</html>");
    let error = services(&recorded).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Unavailable, "HTTP 502: <html>Bad Gateway</html>"));
}

#[test]
fn a_refusal_is_not_tried_again() {
    let recorded = repeated(3, "DescribeServices", 400, r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#);
    let error = services(&recorded).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Denied, "AccessDeniedException: not authorized"));
    assert_eq!(recorded.asked().len(), 1);
}

#[test]
fn what_is_no_answer_is_unavailable_and_says_what_came() {
    let table = [
        ("", "it is empty"),
        (
            "{\"services\":[",
            "it is no JSON (EOF while parsing a list at line 1 column 13); its 13 bytes begin with \"{\\\"services\\\":[\"",
        ),
        ("<html>log in</html>", "it is no JSON (expected value at line 1 column 1); its 19 bytes begin with \"<html>log in</html>\""),
        ("[]", "it is JSON but no object; its 2 bytes begin with \"[]\""),
    ];
    for (body, message) in table {
        let error = services(&repeated(3, "DescribeServices", 200, body)).unwrap_err();
        assert_eq!((error.kind, error.message), (Unavailable, format!("the answer cannot be read: {message}")));
    }
    for body in ["", &NO_TEMPLATES[..40], "{}", "<html><body>log in</body></html>"] {
        let recorded = repeated(3, "DescribeLaunchTemplates", 200, body);
        let error = wait(caller(&recorded).query(&EC2, "ec2:DescribeLaunchTemplates", &Form::new())).unwrap_err();
        assert_eq!((error.kind, recorded.asked().len()), (Unavailable, 3), "{body}");
    }
    // A long page is not repeated in full.
    let error = services(&repeated(3, "DescribeServices", 200, &"x".repeat(10_000))).unwrap_err();
    assert!(error.message.chars().count() <= 200, "{error}");
}

#[test]
fn an_answer_that_cannot_be_read_is_tried_again() {
    let recorded = Recorded::default().answer("DescribeServices", 200, "{\"serv").json("DescribeServices", json!({}));
    services(&recorded).unwrap();
    assert!(recorded.is_used_up());
}

#[test]
fn codes_come_from_header_body_and_xml() {
    let header: &[_] = &[("x-amzn-errortype", "ResourceNotFoundException:http://internal.amazon.com/coral/")];
    let invoke = || RestRequest::new("POST", &["2015-03-31", "functions", "f", "invocations"]);
    let recorded =
        Recorded::default().answer_with("POST /2015-03-31/functions/f/invocations", 404, header, r#"{"Type":"User","Message":"no f"}"#);
    let error = wait(caller(&recorded).rest(&LAMBDA, "lambda:InvokeFunction", invoke())).unwrap_err();
    assert_eq!(error.to_string(), "lambda:InvokeFunction: not found (ResourceNotFoundException: no f)");

    let xml = "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error><Type>Sender</Type>\
               <Code>NoSuchDistribution</Code><Message>gone</Message></Error><RequestId>1</RequestId></ErrorResponse>";
    let recorded = Recorded::default().answer("GET /2020-05-31/distribution/E1", 404, xml);
    let request = RestRequest::new("GET", &["2020-05-31", "distribution", "E1"]);
    let error = wait(caller(&recorded).rest(&CLOUDFRONT, "cloudfront:GetDistribution", request)).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (NotFound, "NoSuchDistribution: gone"));

    let xml = "<Response><Errors><Error><Code>InvalidLaunchTemplateName.NotFoundException</Code><Message>none</Message></Error></Errors></Response>";
    let recorded = Recorded::default().answer("DescribeLaunchTemplates", 400, xml);
    let error = wait(caller(&recorded).query(&EC2, "ec2:DescribeLaunchTemplates", &Form::new())).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (NotFound, "InvalidLaunchTemplateName.NotFoundException: none"));

    let recorded = Recorded::default().json_error(
        "RegisterTaskDefinition",
        "ClientException",
        "Too many concurrent attempts to create a new revision of the specified family.",
    );
    let error = wait(caller(&recorded).json(&ECS, "ecs:RegisterTaskDefinition", &json!({}))).unwrap_err();
    assert_eq!(error.kind, Conflict);
}

#[test]
fn no_secret_is_in_an_error() {
    let get = |recorded: &Recorded| wait(caller(recorded).json(&SECRETS_MANAGER, "secretsmanager:GetSecretValue", &json!({})));
    let bodies = [
        (200, r#"{"SecretString":"hunter2""#),
        (500, r#"{"SecretString":"hunter2"}"#),
        (400, r#"{"__type":"ValidationException","message":"Value 'hunter2' is too short"}"#),
        (502, "hunter2"),
    ];
    for (status, body) in bodies {
        let recorded = repeated(3, "GetSecretValue", status, body);
        let error = get(&recorded).unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.len() > 40, "{error}");
        let recorded = repeated(3, "GetParameter", status, body);
        let error = wait(caller(&recorded).json(&SSM, "ssm:GetParameter", &json!({}))).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let recorded = repeated(3, "AssumeRole", 200, "<a><SecretAccessKey>hunter2</SecretAccessKey>");
    let error = wait(caller(&recorded).query(&STS, "sts:AssumeRole", &Form::new())).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    // What a person needs to know is still told.
    let recorded = Recorded::default().json_error("GetSecretValue", "ResourceNotFoundException", "can't find the secret");
    let error = get(&recorded).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (NotFound, "ResourceNotFoundException: can't find the secret"));
}

#[test]
fn a_configuration_without_region_credentials_or_client_is_an_error_not_a_panic() {
    let config = Recorded::default().config();
    let call = |config: &aws_types::SdkConfig| wait(AwsCaller::new(config).json(&ECS, "ecs:ListClusters", &json!({}))).unwrap_err();
    let mut without_region = config.to_builder();
    without_region.set_region(None);
    assert_eq!(call(&without_region.build()).to_string(), "ecs:ListClusters: denied (the SDK's configuration has no region)");
    let mut without_client = config.to_builder();
    without_client.set_http_client(None);
    assert_eq!(call(&without_client.build()).to_string(), "ecs:ListClusters: denied (the SDK's configuration has no HTTP client)");
    let mut without_credentials = config.to_builder();
    without_credentials.set_credentials_provider(None);
    assert_eq!(call(&without_credentials.build()).kind, Denied);
}
