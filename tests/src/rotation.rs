//! Secrets of a deployed Nightshift: their versions and labels, rotations, and looks that need not be waited for.
//!
//! STANDS IN FOR SECRETS MANAGER: the local AWS never calls a rotation function. `Rotation` calls the deployed function as
//! Secrets Manager does (user guide, "Lambda rotation functions"): the four steps in their order, the secret's ARN and the
//! new version in each, no further step after one that failed, and all of them anew when it tries again.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::nightshift::Nightshift;
use crate::region::Region;
use crate::waiting::wait_until;

/// The steps of a rotation, in their order.
pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
const SOON: Duration = Duration::from_secs(30);

/// A rotation that was begun, in the place of Secrets Manager.
pub struct Rotation<'a> {
    nightshift: &'a Nightshift<'a>,
    arn: String,
    /// The version that is being made.
    pub version: String,
}

/// A step that the function did not do; Secrets Manager does not go on to the next one.
#[derive(Debug)]
pub struct StepFailed {
    /// The step.
    pub step: &'static str,
    /// The type of the function's error.
    pub error: String,
    /// Its words.
    pub message: String,
}

impl Rotation<'_> {
    /// One step; its answer.
    pub fn step(&self, step: &'static str) -> Result<Value, StepFailed> {
        let event = json!({ "Step": step, "SecretId": self.arn, "ClientRequestToken": self.version });
        let answer = self.nightshift.call_rotate(&event);
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match answer.function_error {
            Some(_) => Err(StepFailed { step, error: text("errorType"), message: text("errorMessage") }),
            None => Ok(body),
        }
    }

    /// All steps in their order up to the first that fails; called again, it tries again.
    pub fn go(&self) -> Result<(), StepFailed> {
        STEPS.into_iter().try_for_each(|step| self.step(step).map(drop))
    }
}

impl<'a> Nightshift<'a> {
    /// RotateSecret: a version with the label AWSPENDING and no value, and nothing called yet.
    pub fn begin_rotation(&'a self, secret: &str) -> Rotation<'a> {
        let begun = self.secrets().call("RotateSecret", &json!({ "SecretId": secret }));
        let text = |name: &str| begun[name].as_str().unwrap_or_else(|| panic!("RotateSecret answers {name}: {begun}")).to_owned();
        Rotation { nightshift: self, arn: text("ARN"), version: text("VersionId") }
    }

    /// RotateSecret and all four steps, which have to go well.
    pub fn rotate_secret(&'a self, secret: &str) -> Rotation<'a> {
        let rotation = self.begin_rotation(secret);
        rotation.go().unwrap_or_else(|failed| panic!("{secret}: {failed:?}"));
        rotation
    }

    /// Hands the `rotate` function an event and waits for its answer.
    pub fn call_rotate(&self, event: &Value) -> crate::http::Answer {
        self.secrets().http.invoke(self.output("RotateFunctionName"), "RequestResponse", event)
    }

    /// The same, and panics if the function fails.
    pub fn ask_rotate(&self, event: &Value) -> Value {
        let answer = self.call_rotate(event);
        assert!(answer.function_error.is_none(), "the function failed: {}", answer.body);
        answer.json()
    }

    /// What the `rotate` function wrote to its log.
    pub fn rotate_log_lines(&self) -> Vec<String> {
        self.aws().log_lines_in(self.region(), &format!("/aws/lambda/{}", self.output("RotateFunctionName")))
    }

    /// Has the looks that `rotate` arranges at a secret come at once, one after the other, until what is waited for is there. Only
    /// the time of each schedule is set; what it sends, and to whom, is the function's own.
    pub async fn hurry_looks<T>(&self, secret: &str, what: &str, mut is_there: impl AsyncFnMut() -> Result<T, String>) -> T {
        let look = async || {
            self.hurry_one(secret).await;
            is_there().await
        };
        wait_until(what, SOON, look).await
    }

    /// Has the look that `rotate` has arranged at a secret, if it has, come now.
    pub async fn hurry_one(&self, secret: &str) {
        let (group, http) = (self.output("ScheduleGroupName"), self.secrets().http);
        for name in self.rechecks().await {
            let found = http.get("scheduler", &format!("/schedules/{name}?groupName={group}"));
            // One that has run meanwhile is gone.
            let Ok(mut schedule) = serde_json::from_str::<Value>(&found.body) else { continue };
            let input: Value = serde_json::from_str(schedule["Target"]["Input"].as_str().unwrap_or_default()).unwrap_or_default();
            if input["nightshift"] == "rotation" && input["secret"] == secret {
                schedule["ScheduleExpression"] = json!(Timestamp::now().strftime("at(%Y-%m-%dT%H:%M:%S)").to_string());
                http.put("scheduler", &format!("/schedules/{name}"), &schedule.to_string());
            }
        }
    }

    /// Makes the rotation that is under way older than it is, in the ledger: abandoned ones are taken up after ten minutes.
    pub async fn age_rotation(&self, system: &str, secret: &str, by: SignedDuration) {
        let (dynamodb, table) = (&self.aws().dynamodb, self.output("LedgerTableName"));
        let key = [("pk", format!("rotation#{system}")), ("sk", secret.to_owned())];
        let mut get = dynamodb.get_item().table_name(table).consistent_read(true);
        for (name, value) in &key {
            get = get.key(*name, AttributeValue::S(value.clone()));
        }
        let found = get.send().await.expect("the ledger can be read").item.expect("the rotation is in the ledger");
        let text = found["record"].as_s().expect("a record is text");
        let mut record: Value = serde_json::from_str(text).expect("a record is JSON");
        let since: Timestamp = record["pending"]["since"].as_str().and_then(|at| at.parse().ok()).expect("a rotation is under way");
        record["pending"]["since"] = json!(since - by);
        let put = dynamodb.put_item().table_name(table).set_item(Some(found.clone()));
        put.item("record", AttributeValue::S(record.to_string())).send().await.expect("the ledger can be written");
    }

    /// Everything that Nightshift let out: logs of its functions, messages, mails, the whole ledger, with where each was found.
    pub async fn everything_told(&self) -> Vec<(String, String)> {
        let mut told = Vec::new();
        for function in ["Scale", "Deploy", "Approve", "Rotate"] {
            let group = format!("/aws/lambda/{}", self.output(&format!("{function}FunctionName")));
            told.push((format!("the log of {function}"), self.aws().log_lines_in(self.region(), &group).join("\n")));
        }
        told.push(("the messages".to_owned(), self.aws().messages_in(self.region(), "notices").join("\n")));
        told.push(("the mails".to_owned(), format!("{:?}", self.aws().mails())));
        let items = self.aws().dynamodb.scan().table_name(self.output("LedgerTableName")).send().await.expect("the ledger can be read");
        assert!(items.last_evaluated_key().is_none(), "the ledger has more than one page");
        told.push(("the ledger".to_owned(), format!("{:?}", items.items())));
        told
    }

    fn secrets(&self) -> Region {
        self.aws().region(self.region())
    }
}

impl LocalAws {
    /// What a secret could be written as: as it is, in base64 wherever it begins, in hexadecimal digits, and escaped for URLs.
    pub fn spellings(secret: &str) -> Vec<String> {
        let hex =
            |upper: bool| secret.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect::<String>();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
        let escape = |letter: char| letter.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let escaped = secret.chars().map(|letter| if is_plain(letter) { letter.to_string() } else { escape(letter) }).collect();
        let mut spellings = vec![secret.to_owned(), hex(false), hex(true), escaped];
        for before in 0..3 {
            let text = aws_smithy_types::base64::encode(format!("{}{secret}", "x".repeat(before)));
            // The first and the last group also say something of what stands beside.
            let whole = text.trim_end_matches('=');
            let inner = whole.get(if before == 0 { 0 } else { 4 }..whole.len().saturating_sub(4)).unwrap_or_default();
            spellings.extend([inner.to_owned(), inner.replace('+', "-").replace('/', "_")]);
        }
        spellings
    }
}

impl Region {
    fn call(&self, operation: &str, body: &Value) -> Value {
        self.http.json("secretsmanager", &format!("secretsmanager.{operation}"), body).expect_done(operation).json()
    }

    /// A new secret; its ARN.
    pub fn make_secret(&self, name: &str, value: &str) -> String {
        let made = self.call("CreateSecret", &json!({ "Name": name, "SecretString": value }));
        made["ARN"].as_str().expect("a secret has an ARN").to_owned()
    }

    /// A secret's ARN.
    pub fn secret_arn(&self, secret: &str) -> String {
        self.call("DescribeSecret", &json!({ "SecretId": secret }))["ARN"].as_str().expect("a secret has an ARN").to_owned()
    }

    /// The version of a secret that has this label.
    pub fn version_of(&self, secret: &str, label: &str) -> Option<String> {
        let found = self.call("DescribeSecret", &json!({ "SecretId": secret }));
        let versions = found["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
        let has_label = |labels: &Value| labels.as_array().is_some_and(|labels| labels.iter().any(|known| known == label));
        versions.into_iter().find(|(_, labels)| has_label(labels)).map(|(version, _)| version)
    }

    /// A field of the version of a secret that has this label.
    pub fn secret_field(&self, secret: &str, label: &str, field: &str) -> String {
        let found = self.call("GetSecretValue", &json!({ "SecretId": secret, "VersionStage": label }));
        let value: Value = serde_json::from_str(found["SecretString"].as_str().unwrap_or_default()).expect("the secret is JSON");
        value[field].as_str().unwrap_or_else(|| panic!("{secret} has no text {field}")).to_owned()
    }
}
