use nightshift_aws::SnsTopics;
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortErrorKind, PortResult};

use super::recorded::{Recorded, kind_of, wait};

const PUBLISHED: &str = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";

fn message() -> Message {
    Message {
        subject: "pizza/api: 2 -> 6 tasks".into(),
        body: "{\"default\":\"grew\",\"sqs\":\"{}\"}".into(),
        is_per_protocol: true,
        attributes: vec![("system", "pizza".into()), ("kind", "acted".into()), ("empty", String::new())],
    }
}

fn publish(recorded: &Recorded, message: &Message) -> PortResult<()> {
    wait(SnsTopics::new(&recorded.config()).publish("arn:aws:sns:us-east-1:1:people", message))
}

#[test]
fn subject_body_structure_and_attributes_are_sent() {
    let recorded = Recorded::default().answer("Publish", 200, PUBLISHED);
    publish(&recorded, &message()).unwrap();
    let body = &recorded.asked()[0].body;
    let parts = [
        "TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A1%3Apeople",
        "Subject=pizza%2Fapi%3A%202%20-%3E%206%20tasks",
        "MessageStructure=json",
        "Message=%7B%22default%22%3A%22grew%22",
        "StringValue=pizza",
        "StringValue=acted",
        "DataType=String",
    ];
    for part in parts {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert!(!body.contains("empty"), "{body}");
}

#[test]
fn a_message_for_chats_has_no_structure() {
    let recorded = Recorded::default().answer("Publish", 200, PUBLISHED);
    publish(&recorded, &Message { is_per_protocol: false, ..message() }).unwrap();
    assert!(!recorded.asked()[0].body.contains("MessageStructure"));
}

#[test]
fn refusals_have_their_kinds() {
    let table = [
        (404, "NotFound", PortErrorKind::NotFound, 1),
        (403, "AuthorizationError", PortErrorKind::Denied, 1),
        (400, "InvalidParameter", PortErrorKind::Denied, 1),
        // The SDK does not count this word of SNS among the throttles that it tries again.
        (429, "Throttled", PortErrorKind::Throttled, 1),
        (500, "InternalError", PortErrorKind::Unavailable, 3),
    ];
    for (status, code, kind, tries) in table {
        let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>");
        let recorded = (0..3).fold(Recorded::default(), |recorded, _| recorded.answer("Publish", status, body.clone()));
        assert_eq!(kind_of(publish(&recorded, &message())), kind, "{code}");
        assert_eq!(recorded.asked().len(), tries, "{code}");
    }
}
