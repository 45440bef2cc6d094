//! Deploying: Nightshift's own template with `sam deploy`, as a person types it, and the systems' stacks.
//!
//! A deployment is a checkout in small: `template.yaml` and `samconfig.toml` unchanged, the built function where the template
//! looks for it, and a `systems` folder with the fleet files of the test.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::fleet::FleetFile;
use crate::local_aws::{ACCOUNT, LocalAws, REGION};
use crate::nightshift::Nightshift;
use crate::project;

/// The template's parameter `Mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything but the act.
    Observe,
    /// Everything.
    Act,
}

/// How Nightshift is deployed.
#[derive(Clone, Debug)]
pub struct Deployment {
    mode: Mode,
    calendar: bool,
    more_topics: Vec<String>,
    is_packed: bool,
    fleets: Vec<FleetFile>,
}

impl Deployment {
    /// With these fleet files, in mode `act`, and without the minutely look at the calendar, which would come at any moment.
    pub fn of(fleets: impl IntoIterator<Item = FleetFile>) -> Self {
        Self { mode: Mode::Act, calendar: false, more_topics: Vec::new(), is_packed: false, fleets: fleets.into_iter().collect() }
    }

    /// With another mode.
    pub fn in_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// With a topic that fleet files may name.
    pub fn telling(mut self, topic: &str) -> Self {
        self.more_topics.push(topic.to_owned());
        self
    }

    /// With the function itself in the zip, as for AWS. It is some 30 MB here, unoptimised, and costs seconds each time, so
    /// that other deployments have a line of shell in its place, which runs the built function from where it lies.
    pub fn packed(self) -> Self {
        Self { is_packed: true, ..self }
    }

    /// With the minutely look at the calendar, as the template has it.
    pub fn with_calendar(self) -> Self {
        Self { calendar: true, ..self }
    }
}

impl LocalAws {
    /// Deploys `template.yaml` and subscribes a queue and a mail address to what people are told.
    pub async fn deploy(&self, deployment: &Deployment) -> Nightshift<'_> {
        let checkout = self.small_checkout(deployment);
        self.sam_deploy(&checkout, deployment);
        self.warm_up().await;
        let outputs = self.outputs("nightshift");
        self.make_queue("notices");
        self.subscribe_queue(&outputs["PeopleTopicArn"], "notices").await;
        Nightshift::new(self, checkout, outputs)
    }

    fn small_checkout(&self, deployment: &Deployment) -> PathBuf {
        let checkout = self.folder().join("checkout");
        let code = checkout.join("functions/scale");
        let systems = checkout.join("systems");
        for folder in [&code, &systems] {
            std::fs::create_dir_all(folder).expect("the test's folder can be written");
        }
        let copy = |from: &Path, to: &Path| {
            std::fs::copy(from, to).unwrap_or_else(|error| panic!("{} to {}: {error}", from.display(), to.display()));
        };
        for name in ["template.yaml", "samconfig.toml"] {
            copy(&project::root().join(name), &checkout.join(name));
        }
        let bootstrap = code.join("bootstrap");
        if deployment.is_packed {
            copy(&project::scale_stripped(), &bootstrap);
        } else {
            let line = format!("#!/bin/sh\nexec '{}'\n", project::scale().display());
            std::fs::write(&bootstrap, line).expect("the test's folder can be written");
            std::fs::set_permissions(&bootstrap, Permissions::from_mode(0o755)).expect("a script can be made executable");
        }
        for fleet in &deployment.fleets {
            fleet.write_into(&systems);
        }
        checkout
    }

    fn sam_deploy(&self, checkout: &Path, deployment: &Deployment) {
        let mut sam = self.command(&project::python_tool("sam"));
        sam.current_dir(checkout).args(["deploy", "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]);
        // A layer is recorded here but not unpacked, so the fleet files are read where they lie.
        sam.arg(format!("FleetLocation={}", checkout.join("systems").display()));
        sam.arg(format!("Mode={}", if deployment.mode == Mode::Act { "act" } else { "observe" }));
        sam.arg(format!("CalendarState={}", if deployment.calendar { "ENABLED" } else { "DISABLED" }));
        sam.args(["LedgerProtection=false", "PeopleMail=oncall@example.com"]);
        if !deployment.more_topics.is_empty() {
            sam.arg(format!("MoreTopicArns={}", deployment.more_topics.join(",")));
        }
        let done = sam.output().expect("sam can be started");
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "sam deploy failed:\n{out}\n{err}");
    }

    /// Creates the stack of one of the systems of this checkout.
    pub async fn deploy_system(&self, name: &str) -> BTreeMap<String, String> {
        let path = project::root().join("systems").join(name).join("stack.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut fields = vec![("Action", "CreateStack"), ("StackName", name), ("TemplateBody", &text)];
        fields.push(("Capabilities.member.1", "CAPABILITY_IAM"));
        if name == "stateless" {
            // The local AWS has no way to attach a web ACL.
            fields.extend([("Parameters.member.1.ParameterKey", "AttachFirewall"), ("Parameters.member.1.ParameterValue", "false")]);
        }
        self.http().query("cloudformation", &fields).expect_done("CreateStack");
        let outputs = self.outputs(name);
        if name == "stateless" {
            // A group made by CloudFormation has no instances here until its size is set once.
            self.set_capacity("stateless-web", 2).await;
        }
        outputs
    }

    /// The outputs of a stack that is complete; waits for it.
    fn outputs(&self, stack: &str) -> BTreeMap<String, String> {
        for _ in 0..100 {
            let answer = self.http().query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", stack)]);
            let body = answer.expect_done("DescribeStacks").body;
            match between(&body, "<StackStatus>", "</StackStatus>").next() {
                Some("CREATE_COMPLETE") => return outputs_of(&body),
                Some("CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS") => std::thread::sleep(std::time::Duration::from_millis(100)),
                other => panic!("the stack {stack} is {other:?}:\n{body}"),
            }
        }
        panic!("the stack {stack} was not complete in time");
    }

    /// Makes a queue that topics may write to.
    pub fn make_queue(&self, name: &str) {
        let sns =
            json!({ "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [sns] }).to_string();
        let queue = json!({ "QueueName": name, "Attributes": { "Policy": policy } });
        self.http().json("sqs", "AmazonSQS.CreateQueue", &queue).expect_done("CreateQueue");
    }

    /// Subscribes a queue to a topic.
    pub async fn subscribe_queue(&self, topic: &str, queue: &str) {
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}");
        self.sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(arn).send().await.expect("a queue can be subscribed");
    }

    /// The bodies of the messages in a queue, oldest first; they stay there.
    pub fn messages(&self, queue: &str) -> Vec<String> {
        let all = self.http().own("/_ministack/sqs/messages");
        let queues = all["messages"][ACCOUNT][REGION].as_object().cloned().unwrap_or_default();
        let found = queues.iter().find(|(url, _)| url.rsplit('/').next() == Some(queue));
        let messages = found.and_then(|(_, messages)| messages.as_array()).cloned().unwrap_or_default();
        messages.iter().filter_map(|message| message["Body"].as_str()).map(str::to_owned).collect()
    }
}

fn outputs_of(body: &str) -> BTreeMap<String, String> {
    let keys = between(body, "<OutputKey>", "</OutputKey>");
    let values = between(body, "<OutputValue>", "</OutputValue>");
    keys.zip(values).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn between<'t>(text: &'t str, open: &'t str, close: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close)).map(|(inside, _)| inside)
}
