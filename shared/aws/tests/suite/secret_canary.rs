//! A canary is sent and received through every call that carries a secret, with the SDK's traces at their loudest, and must
//! not be seen anywhere: not in traces, errors, nor anything that can be printed.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use nightshift_aws::{AwsCaller, CacheGroups, ManagedSecrets};
use nightshift_core::rotation::SecretText;
use nightshift_core::rotation::ports::{CacheClusters, SecretReader, SecretStages, TokenStrategy, VersionRef};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::recorded::{Recorded, wait};

const CANARY: &str = "Kanarienvogel+7f3e/9c\"&'<x>";
const OTHER: &str = "Zeisig-0a1b2c3d4e5f6a7b";

/// Everything that is traced, as text.
#[derive(Clone, Default)]
struct Loud(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Subscriber for Loud {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Fields(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        text.push('\n');
        event.record(&mut Fields(&mut text));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Any eight characters of a canary, as they stand, as bytes are printed, or encoded for a form or a JSON text.
fn find(text: &str) -> Option<String> {
    for canary in [CANARY, OTHER] {
        for window in canary.as_bytes().windows(8) {
            let raw = String::from_utf8(window.to_vec()).unwrap();
            let printed = window.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
            let form = raw.replace('+', "%2B").replace('/', "%2F").replace('"', "%22").replace('&', "%26");
            let escaped = raw.replace('"', "\\\\\\\"");
            let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
            if let Some(found) = [raw, printed, form, escaped, hex].into_iter().find(|form| text.contains(form.as_str())) {
                return Some(found);
            }
        }
    }
    None
}

fn canary() -> SecretText {
    SecretText::new(CANARY.to_owned())
}

/// Every call of every port, once: what they answer, as it can be printed.
fn everything(recorded: &Recorded) -> String {
    let caller = AwsCaller::new(&recorded.config());
    let (secrets, clusters) = (ManagedSecrets::new(caller.clone()), CacheGroups::new(caller.clone()));
    let other = SecretText::new(OTHER.to_owned());
    let mut said = format!("{caller:?} {secrets:?} {clusters:?}\n");
    let mut say = |what: &str, printed: String, shown: String| said.push_str(&format!("{what}: {printed} {shown}\n"));
    let shown = |error: Option<String>| error.unwrap_or_default();
    let got = wait(secrets.value("shop/db", VersionRef::Stage("AWSCURRENT")));
    say("value", format!("{got:?}"), shown(got.err().map(|error| error.to_string())));
    let put = wait(secrets.put_pending("shop/db", "v2", &canary(), Some(OTHER)));
    say("put", format!("{put:?}"), shown(put.err().map(|error| error.to_string())));
    let token = wait(clusters.set_token("shop", &canary(), TokenStrategy::Rotate));
    say("token", format!("{token:?}"), shown(token.err().map(|error| error.to_string())));
    let users = wait(clusters.set_user_passwords("app", &[canary(), other]));
    say("user", format!("{users:?}"), shown(users.err().map(|error| error.to_string())));
    said
}

/// What was traced and what was said, and what was sent.
fn overheard(recorded: &Recorded) -> (String, String) {
    let loud = Loud::default();
    let said = tracing::subscriber::with_default(loud.clone(), || everything(recorded));
    let traced = loud.0.lock().unwrap().clone();
    let sent = recorded.asked().iter().map(|asked| asked.body.clone()).collect();
    (format!("{traced}\n{said}"), sent)
}

const OPERATIONS: [&str; 4] = ["GetSecretValue", "PutSecretValue", "ModifyReplicationGroup", "ModifyUser"];

#[test]
fn a_secret_is_sent_and_seen_nowhere() {
    let value = json!({ "VersionId": "v1", "SecretString": CANARY, "VersionStages": ["AWSCURRENT"] });
    let recorded = Recorded::default()
        .unseen("GetSecretValue", 200, value.to_string())
        .json("PutSecretValue", json!({ "VersionId": "v2" }))
        .answer("ModifyReplicationGroup", 200, "<ModifyReplicationGroupResponse/>")
        .answer("ModifyUser", 200, "<ModifyUserResponse/>");
    let (overheard, sent) = overheard(&recorded);
    assert!(recorded.is_used_up() && sent.contains("Zeisig-0") && sent.contains("Kanarien"), "{sent}");
    assert!(overheard.contains("transmitting request"), "the traces are on, or this test cannot fail");
    assert_eq!(find(&overheard), None, "{overheard}");
}

#[test]
fn a_refusal_that_repeats_the_secret_is_not_repeated() {
    let bodies = [
        (400, json!({ "__type": "InvalidParameterException", "message": format!("bad value {CANARY}") }).to_string()),
        (400, json!({ "__type": "ValidationException", "Message": CANARY }).to_string()),
        (500, json!({ "message": CANARY, "SecretString": CANARY }).to_string()),
        (200, format!("{{\"SecretString\":\"{OTHER}")),
        (200, format!("<html>{OTHER}</html>")),
        (503, OTHER.to_owned()),
        (400, format!("<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>{OTHER}</Message></Error></ErrorResponse>")),
    ];
    for (status, body) in bodies {
        let answers = OPERATIONS.iter().flat_map(|operation| [*operation; 3]);
        let recorded = answers.fold(Recorded::default(), |recorded, operation| recorded.unseen(operation, status, body.clone()));
        let (overheard, _) = overheard(&recorded);
        assert_eq!(find(&overheard), None, "{status} {body}: {overheard}");
    }
}

#[test]
fn the_search_finds_what_it_should() {
    for text in [&CANARY[3..14], &format!("{:?}", CANARY.as_bytes()), "Kanarienvogel%2B7f3e%2F9c%22%26", "4b616e617269656e"] {
        assert!(find(text).is_some(), "{text}");
    }
    assert_eq!(find("nothing of the kind"), None);
}
