//! A deployed Nightshift: calling it, asking it, and reading what it told people and wrote down.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::http::Answer;
use crate::local_aws::LocalAws;
use crate::project;
use crate::waiting::wait_until;

/// A deployed Nightshift.
pub struct Nightshift<'a> {
    aws: &'a LocalAws,
    region: String,
    checkout: PathBuf,
    outputs: BTreeMap<String, String>,
}

/// What people and machines were told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The subject.
    pub subject: String,
    /// What machines get.
    pub body: Value,
    /// The attributes to filter on.
    pub attributes: BTreeMap<String, String>,
}

/// What the command line answered.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Standard output and standard error.
    pub text: String,
}

impl Notice {
    /// A text field of the machine's body.
    pub fn field(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

impl<'a> Nightshift<'a> {
    pub(crate) fn new(aws: &'a LocalAws, region: &str, checkout: PathBuf, outputs: BTreeMap<String, String>) -> Self {
        Self { aws, region: region.to_owned(), checkout, outputs }
    }

    /// The local AWS that it is deployed on.
    pub fn aws(&self) -> &'a LocalAws {
        self.aws
    }

    /// The region that it is deployed in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// An output of the stack.
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("the stack has no output {name}: {:?}", self.outputs))
    }

    /// The folder that was deployed from.
    pub fn checkout(&self) -> &Path {
        &self.checkout
    }

    /// Calls the function and waits for its answer.
    pub fn invoke(&self, event: &Value) -> Answer {
        self.aws.http().invoke(self.output("ScaleFunctionName"), "RequestResponse", event)
    }

    /// Calls the function and panics if it fails; its answer.
    pub fn ask(&self, event: &Value) -> Value {
        let answer = self.invoke(event);
        assert!(answer.function_error.is_none(), "the function failed: {}", answer.body);
        answer.json()
    }

    /// Hands the function an event as AWS's own services do: nobody waits for the answer.
    pub fn send(&self, event: &Value) {
        self.aws.http().invoke(self.output("ScaleFunctionName"), "Event", event).expect_done("Invoke");
    }

    /// Runs the `nightshift` command in the folder that was deployed from.
    pub fn cli(&self, arguments: &[&str]) -> Said {
        self.cli_with(arguments, "")
    }

    /// The same with something on its standard input.
    pub fn cli_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut command = self.aws.command(&project::command_line());
        command.current_dir(&self.checkout).args(arguments);
        command.env("NIGHTSHIFT_TABLE", self.output("LedgerTableName"));
        command.env("NIGHTSHIFT_ALARM_TOPIC_ARN", self.output("AlarmTopicArn"));
        command.env("NIGHTSHIFT_DEPLOY_FUNCTION", self.output("DeployFunctionName"));
        command.env("NIGHTSHIFT_ROTATE_FUNCTION", self.output("RotateFunctionName"));
        command.env("NIGHTSHIFT_APPROVAL_KEY_ARN", self.output("ApprovalKeyArn"));
        command.env("AWS_REGION", &self.region).env("AWS_DEFAULT_REGION", &self.region).env("USER", "operator");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = command.spawn().expect("the command line can be started");
        // It may end without having read anything.
        let _ = running.stdin.take().expect("it has a standard input").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = running.wait_with_output().expect("the command line ends");
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        Said { code: status.code().unwrap_or(-1), text }
    }

    /// Runs the `nightshift` command and panics if it does not end well; what it said.
    pub fn run(&self, arguments: &[&str]) -> String {
        let said = self.cli(arguments);
        assert_eq!(said.code, 0, "nightshift {} ended with {}:\n{}", arguments.join(" "), said.code, said.text);
        said.text
    }

    /// The notices so far, oldest first.
    pub fn notices(&self) -> Vec<Notice> {
        self.aws.messages_in(&self.region, "notices").iter().filter_map(|body| notice(body)).collect()
    }

    /// Waits for a notice.
    pub async fn notice(&self, what: &str, is_it: impl Fn(&Notice) -> bool) -> Notice {
        let look = async || {
            let notices = self.notices();
            let seen = || notices.iter().map(|notice| notice.subject.clone()).collect::<Vec<_>>();
            notices.iter().find(|notice| is_it(notice)).cloned().ok_or_else(|| format!("{:?}", seen()))
        };
        wait_until(&format!("people are told {what}"), Duration::from_secs(30), look).await
    }

    /// The history of a service, newest first, as `nightshift history --json` prints it.
    pub fn history(&self, service: &str) -> Vec<Value> {
        let lines = self.run(&["history", service, "--json"]);
        lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The one-time schedules that have not run yet.
    pub async fn rechecks(&self) -> Vec<String> {
        self.aws.schedules(self.output("ScheduleGroupName")).await
    }

    /// Waits until so many invocations of the function are over.
    pub async fn heard(&self, invocations: usize) {
        let look = async || match self.log_lines().iter().filter(|line| line.starts_with("REPORT RequestId")).count() {
            seen if seen >= invocations => Ok(()),
            seen => Err(format!("{seen} invocations")),
        };
        wait_until(&format!("{invocations} invocations are over"), Duration::from_secs(30), look).await;
    }

    /// Waits until an invocation that ended with this reason is over: it tells people before it has noted that it did.
    pub async fn ended_with(&self, reason: &str) {
        let field = format!("\"reason\":\"{reason}\"");
        let look = async || match self.log_lines().iter().any(|line| line.contains(&field)) {
            true => Ok(()),
            false => Err("none did".to_owned()),
        };
        wait_until(&format!("an invocation has ended with {reason}"), Duration::from_secs(30), look).await;
    }

    /// What the function wrote to its log.
    pub fn log_lines(&self) -> Vec<String> {
        self.aws.log_lines(&format!("/aws/lambda/{}", self.output("ScaleFunctionName")))
    }

    /// What the `deploy` function wrote to its log.
    pub fn deploy_log_lines(&self) -> Vec<String> {
        self.aws.log_lines_in(&self.region, &format!("/aws/lambda/{}", self.output("DeployFunctionName")))
    }

    /// Adds an inline policy to the role of the function that an output names.
    pub fn add_policy(&self, function: &str, name: &str, policy: &Value) {
        let http = self.aws.http().in_region(&self.region);
        let configuration =
            http.get("lambda", &format!("/2015-03-31/functions/{}", self.output(function))).expect_done("GetFunction").json();
        let role = configuration["Configuration"]["Role"].as_str().and_then(|arn| arn.rsplit('/').next()).expect("a function has a role");
        let document = policy.to_string();
        let fields = [("Action", "PutRolePolicy"), ("RoleName", role), ("PolicyName", name), ("PolicyDocument", document.as_str())];
        http.query("iam", &fields).expect_done("PutRolePolicy");
    }
}

/// A notice from the envelope that SNS puts around it; none if the message is somebody else's.
fn notice(envelope: &str) -> Option<Notice> {
    let envelope: Value = serde_json::from_str(envelope).ok()?;
    let body: Value = serde_json::from_str(envelope["Message"].as_str()?).ok()?;
    body.get("nightshift")?;
    let attributes = envelope["MessageAttributes"].as_object().cloned().unwrap_or_default();
    let value = |attribute: &Value| attribute["Value"].as_str().unwrap_or_default().to_owned();
    Some(Notice {
        subject: envelope["Subject"].as_str().unwrap_or_default().to_owned(),
        attributes: attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect(),
        body,
    })
}
