//! A key that somebody else issues: handed in on the command line, tried with its issuer, taken up by its readers.

use nightshift_test_servers::{Authority, HttpsServer};
use serde_json::{Value, json};

use crate::rotations_world::{House, ca, has_no, local_aws};

const OLD: &str = "sk-the+old/key";
const NEW: &str = "sk-the+new/key=1";

fn value() -> Value {
    json!({ "OPENAI_API_KEY": OLD, "NODE_ENV": "production" })
}

/// An issuer with this answer to everything, and the fleet file's lines that name it.
fn issuer(answer: &str) -> (HttpsServer, String) {
    let authority = Authority::new();
    let server = HttpsServer::start(&authority.issue("localhost"), &[answer]);
    let lines = format!("url: https://localhost:{}/v1/models\n        {}", server.port(), ca(authority.pem(), 10));
    (server, lines)
}

#[tokio::test]
async fn a_key_is_tried_made_current_and_taken_up_by_its_readers() {
    let ((server, lines), aws) = (issuer("HTTP/1.1 200 OK"), local_aws());
    let house = House::build_pizza(&aws, &lines, &value()).await;
    let said = house.nightshift.cli_with(&["secret", "put", "pizza/pizza/api"], &format!("{NEW}\n"));
    assert_eq!(house.field("AWSCURRENT", "OPENAI_API_KEY"), NEW, "{}", said.text);
    assert_eq!(house.field("AWSCURRENT", "NODE_ENV"), "production", "the rest of the secret stays");
    assert!(server.requests().iter().any(|request| request.contains(&format!("authorization: Bearer {NEW}\r\n"))), "it was tried");
    let told = house.readers_are_proven().await;
    assert!(told.contains("healthy"), "{told}");
    assert_eq!(house.region.deployments("pizza", "pizza-api").len(), 1, "its reader was started anew once");
    has_no(NEW, &said.text, "what the command line said");
    house.nothing_leaked(&[OLD, NEW]).await;
}

#[tokio::test]
async fn a_key_that_its_issuer_refuses_does_not_become_current() {
    let ((_server, lines), aws) = (issuer("HTTP/1.1 401 Unauthorized"), local_aws());
    let house = House::build_pizza(&aws, &lines, &value()).await;
    let said = house.nightshift.cli_with(&["secret", "put", "pizza/pizza/api"], NEW);
    assert_ne!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("refuses the new key"), "{}", said.text);
    assert_eq!(house.field("AWSCURRENT", "OPENAI_API_KEY"), OLD);
    assert_eq!(house.region.version_of(house.secret, "AWSPENDING"), None, "another one can be handed in");
    assert!(house.region.deployments("pizza", "pizza-api").is_empty());
    has_no(NEW, &said.text, "what the command line said");
}
