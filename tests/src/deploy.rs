//! Deploying: Nightshift's own template with `sam deploy`, as a person types it, and the systems' stacks.
//!
//! A deployment is a checkout in small: `template.yaml` and `samconfig.toml` unchanged, the built functions where the template
//! looks for them, and a `systems` folder with the fleet files of the test. Several regions have a stack each.

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
    rotated: Vec<String>,
    admins: Vec<String>,
    is_packed: bool,
    fleets: Vec<FleetFile>,
}

impl Deployment {
    /// With these fleet files, in mode `act`, and without the minutely look at the calendar, which would come at any moment.
    pub fn of(fleets: impl IntoIterator<Item = FleetFile>) -> Self {
        Self {
            mode: Mode::Act,
            calendar: false,
            more_topics: Vec::new(),
            rotated: Vec::new(),
            admins: Vec::new(),
            is_packed: false,
            fleets: fleets.into_iter().collect(),
        }
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

    /// With a secret (its ARN) that may be rotated.
    pub fn rotating(mut self, secret: &str) -> Self {
        self.rotated.push(secret.to_owned());
        self
    }

    /// With the secret (its ARN) of a user that may change others.
    pub fn with_admin(mut self, secret: &str) -> Self {
        self.admins.push(secret.to_owned());
        self
    }

    /// With the function `scale` itself in the zip, as for AWS. It is some 30 MB here, unoptimised, and costs seconds each
    /// time, so that everything else has a line of shell in its place, which runs the built function from where it lies.
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
        self.deploy_in(REGION, deployment).await
    }

    /// The same in some region.
    pub async fn deploy_in(&self, region: &str, deployment: &Deployment) -> Nightshift<'_> {
        let checkout = self.small_checkout(region, deployment);
        self.sam_deploy(region, &checkout, deployment);
        self.warm_up().await;
        let outputs = self.outputs_in(region, &stack_name(region));
        self.make_queue_in(region, "notices");
        self.subscribe_queue_in(region, &outputs["PeopleTopicArn"], "notices");
        let nightshift = Nightshift::new(self, region, checkout, outputs);
        nightshift.have_links_open_here();
        nightshift
    }

    fn small_checkout(&self, region: &str, deployment: &Deployment) -> PathBuf {
        let checkout = self.folder().join(format!("checkout-{region}"));
        let systems = checkout.join("systems");
        std::fs::create_dir_all(&systems).expect("the test's folder can be written");
        let copy = |from: &Path, to: &Path| {
            std::fs::copy(from, to).unwrap_or_else(|error| panic!("{} to {}: {error}", from.display(), to.display()));
        };
        for name in ["template.yaml", "samconfig.toml"] {
            copy(&project::root().join(name), &checkout.join(name));
        }
        let functions =
            [("scale", project::scale()), ("deploy", project::deploy()), ("approve", project::approve()), ("rotate", project::rotate())];
        for (name, built) in functions {
            let code = checkout.join("functions").join(name);
            std::fs::create_dir_all(&code).expect("the test's folder can be written");
            let bootstrap = code.join("bootstrap");
            if deployment.is_packed && name == "scale" {
                copy(&project::scale_stripped(), &bootstrap);
            } else {
                let line = format!("#!/bin/sh\nexec '{}'\n", built.display());
                std::fs::write(&bootstrap, line).expect("the test's folder can be written");
                std::fs::set_permissions(&bootstrap, Permissions::from_mode(0o755)).expect("a script can be made executable");
            }
        }
        for fleet in &deployment.fleets {
            fleet.write_into(&systems);
        }
        checkout
    }

    fn sam_deploy(&self, region: &str, checkout: &Path, deployment: &Deployment) {
        let mut sam = self.command(&project::python_tool("sam"));
        sam.env("AWS_REGION", region).env("AWS_DEFAULT_REGION", region);
        sam.current_dir(checkout).args(["deploy", "--stack-name", &stack_name(region)]).args([
            "--no-confirm-changeset",
            "--no-progressbar",
            "--parameter-overrides",
        ]);
        // A layer is recorded here but not unpacked, so the fleet files are read where they lie.
        sam.arg(format!("FleetLocation={}", checkout.join("systems").display()));
        sam.arg(format!("Mode={}", if deployment.mode == Mode::Act { "act" } else { "observe" }));
        sam.arg(format!("CalendarState={}", if deployment.calendar { "ENABLED" } else { "DISABLED" }));
        sam.args(["SweepState=DISABLED", "LedgerProtection=false", "PeopleMail=oncall@example.com"]);
        let lists = [
            ("MoreTopicArns", &deployment.more_topics),
            ("RotatedSecretArns", &deployment.rotated),
            ("AdminSecretArns", &deployment.admins),
        ];
        for (name, arns) in lists.into_iter().filter(|(_, arns)| !arns.is_empty()) {
            sam.arg(format!("{name}={}", arns.join(",")));
        }
        let done = sam.output().expect("sam can be started");
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "sam deploy failed:\n{out}\n{err}");
    }

    /// Creates the stack of one of the systems of this checkout, in the region where it is at home.
    pub async fn deploy_system(&self, name: &str) -> BTreeMap<String, String> {
        let region = if name == "ecommerce" { "ap-southeast-1" } else { REGION };
        self.deploy_system_in(region, name)
    }

    /// Creates the stack of one of the systems of this checkout.
    pub fn deploy_system_in(&self, region: &str, name: &str) -> BTreeMap<String, String> {
        let path = project::root().join("systems").join(name).join("stack.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut fields = vec![("Action".to_owned(), "CreateStack".to_owned()), ("StackName".to_owned(), name.to_owned())];
        fields.push(("TemplateBody".to_owned(), text));
        for (number, capability) in (1..).zip(["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]) {
            fields.push((format!("Capabilities.member.{number}"), capability.to_owned()));
        }
        for (number, (key, value)) in (1..).zip(local_parameters(region, name)) {
            fields.push((format!("Parameters.member.{number}.ParameterKey"), (*key).to_owned()));
            fields.push((format!("Parameters.member.{number}.ParameterValue"), (*value).to_owned()));
        }
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let http = self.http().in_region(region);
        http.query("cloudformation", &fields).expect_done("CreateStack");
        let outputs = self.outputs_in(region, name);
        // A group made by CloudFormation has no instances here until its size is set once.
        let groups = outputs.iter().filter(|(output, _)| output.ends_with("GroupName") && !output.ends_with("TargetGroupName"));
        for (_, group) in groups {
            let set = [("Action", "SetDesiredCapacity"), ("AutoScalingGroupName", group.as_str()), ("DesiredCapacity", "2")];
            http.query("autoscaling", &set).expect_done("SetDesiredCapacity");
        }
        outputs
    }

    /// The outputs of a stack that is complete; waits for it.
    fn outputs_in(&self, region: &str, stack: &str) -> BTreeMap<String, String> {
        let http = self.http().in_region(region);
        for _ in 0..100 {
            let answer = http.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", stack)]);
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
        self.make_queue_in(REGION, name);
    }

    fn make_queue_in(&self, region: &str, name: &str) {
        let sns =
            json!({ "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": "*" });
        let policy = json!({ "Version": "2012-10-17", "Statement": [sns] }).to_string();
        let queue = json!({ "QueueName": name, "Attributes": { "Policy": policy } });
        self.http().in_region(region).json("sqs", "AmazonSQS.CreateQueue", &queue).expect_done("CreateQueue");
    }

    /// Subscribes a queue to a topic.
    pub async fn subscribe_queue(&self, topic: &str, queue: &str) {
        self.subscribe_queue_in(REGION, topic, queue);
    }

    fn subscribe_queue_in(&self, region: &str, topic: &str, queue: &str) {
        let arn = format!("arn:aws:sqs:{region}:{ACCOUNT}:{queue}");
        let fields = [("Action", "Subscribe"), ("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", &arn)];
        self.http().in_region(region).query("sns", &fields).expect_done("Subscribe");
    }

    /// The bodies of the messages in a queue, oldest first; they stay there.
    pub fn messages(&self, queue: &str) -> Vec<String> {
        self.messages_in(REGION, queue)
    }

    pub(crate) fn messages_in(&self, region: &str, queue: &str) -> Vec<String> {
        let all = self.http().own("/_ministack/sqs/messages");
        let queues = all["messages"][ACCOUNT][region].as_object().cloned().unwrap_or_default();
        let found = queues.iter().find(|(url, _)| url.rsplit('/').next() == Some(queue));
        let messages = found.and_then(|(_, messages)| messages.as_array()).cloned().unwrap_or_default();
        messages.iter().filter_map(|message| message["Body"].as_str()).map(str::to_owned).collect()
    }
}

/// The stack's name. IAM has no regions, and the local AWS generates the names of roles from those of stacks alone, so that two
/// stacks of one name would share their roles.
fn stack_name(region: &str) -> String {
    if region == REGION { "nightshift".to_owned() } else { format!("nightshift-{region}") }
}

/// What the systems' stacks are told because the local AWS cannot attach a web ACL, has neither NAT gateways nor flow logs nor
/// capacity providers, and knows two machine images only.
fn local_parameters(region: &str, system: &str) -> &'static [(&'static str, &'static str)] {
    match (system, region) {
        ("stateless", _) => &[("AttachFirewall", "false")],
        ("multi-region", REGION) => &[("NatGateways", "false"), ("FlowLogs", "false")],
        ("multi-region", _) => &[("NatGateways", "false"), ("FlowLogs", "false"), ("VpcCidr", "10.1.0.0/16"), ("Staging", "false")],
        ("ecs-postgres", _) => {
            &[("CapacityProvider", "false"), ("MachineImage", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")]
        }
        _ => &[],
    }
}

fn outputs_of(body: &str) -> BTreeMap<String, String> {
    let keys = between(body, "<OutputKey>", "</OutputKey>");
    let values = between(body, "<OutputValue>", "</OutputValue>");
    keys.zip(values).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub(crate) fn between<'t>(text: &'t str, open: &'t str, close: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close)).map(|(inside, _)| inside)
}
