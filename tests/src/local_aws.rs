//! One local AWS (MiniStack) for as long as the value lives: its own port, folder and environment, nothing of the machine's.
//!
//! Must never leave anything running: the process ends when the value is dropped, and by itself when whoever started it
//! dies without dropping it (its standard input ends then).

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nightshift_aws::{CallLimits, sdk_config_with};
use serde_json::json;

use crate::http::Http;
use crate::project;

/// The region that is meant where none is named.
pub const REGION: &str = "us-east-1";
/// The account of the root key.
pub const ACCOUNT: &str = "000000000000";

const STARTS_WITHIN: Duration = Duration::from_secs(20);
const ENDS_WITHIN: Duration = Duration::from_secs(5);

/// Whether the local AWS asks IAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Everybody may do everything.
    Open,
    /// Policies are enforced; the root key may do everything.
    Enforced,
}

/// How often the local AWS looks for one-time schedules that are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Schedules {
    /// Every ten seconds, as it does by itself.
    Usual,
    /// Every second.
    Quick,
}

/// A running local AWS.
pub struct LocalAws {
    process: Child,
    folder: PathBuf,
    endpoint: String,
    http: Http,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Auto Scaling.
    pub autoscaling: aws_sdk_autoscaling::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// SNS.
    pub sns: aws_sdk_sns::Client,
    /// EventBridge Scheduler.
    pub scheduler: aws_sdk_scheduler::Client,
    pub(crate) pushes: AtomicU32,
}

impl LocalAws {
    /// Starts one in which everybody may do everything.
    pub fn start() -> Self {
        Self::start_with(Permissions::Open)
    }

    /// Starts one.
    pub fn start_with(permissions: Permissions) -> Self {
        Self::start_as(permissions, Schedules::Usual)
    }

    /// Starts one on which a release is quick: it has many later looks, and each waits for its schedule.
    pub fn start_quick(permissions: Permissions) -> Self {
        Self::start_as(permissions, Schedules::Quick)
    }

    fn start_as(permissions: Permissions, schedules: Schedules) -> Self {
        let python = project::python_tool("python");
        project::python_tool("ministack");
        let folder = own_folder();
        // Between choosing a free port and taking it somebody else may be faster.
        for _ in 0..3 {
            let port = free_port();
            let mut process = launch(&python, &folder, port, permissions, schedules);
            let endpoint = format!("http://127.0.0.1:{port}");
            let http = Http::new(endpoint.clone());
            if is_up(&http, &mut process) {
                return Self::connected(process, folder, endpoint, http);
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        panic!("the local AWS did not start; its log ends with:\n{}", log_tail(&folder));
    }

    fn connected(process: Child, folder: PathBuf, endpoint: String, http: Http) -> Self {
        let shell = shell(&folder, &endpoint);
        let lookup = |name: &str| shell.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        // A test's own calls may wait: the machine is busy with other tests.
        let (attempt, operation) = (Duration::from_secs(30), Duration::from_secs(60));
        let patient = CallLimits { connect: attempt, attempt, operation, ..CallLimits::default() };
        let sdk = sdk_config_with(lookup, patient).expect("the shell's environment configures the SDK");
        Self {
            ecs: aws_sdk_ecs::Client::new(&sdk),
            autoscaling: aws_sdk_autoscaling::Client::new(&sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            sns: aws_sdk_sns::Client::new(&sdk),
            scheduler: aws_sdk_scheduler::Client::new(&sdk),
            pushes: AtomicU32::new(0),
            process,
            folder,
            endpoint,
            http,
        }
    }

    /// What has no SDK client.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// A folder that goes with this value.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A program as a person would start it in a shell that is set up for this local AWS, with nothing else in it.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(shell(&self.folder, &self.endpoint)).current_dir(project::root());
        command
    }

    /// The mails that SNS has sent, oldest first, as (subject, text).
    pub fn mails(&self) -> Vec<(String, String)> {
        let written = std::fs::read_to_string(mailbox(&self.folder)).unwrap_or_default();
        let mails = written.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let text = |mail: &serde_json::Value, name: &str| mail.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        mails.map(|mail| (text(&mail, "subject"), text(&mail, "text"))).collect()
    }

    /// What the functions wrote to a log group, oldest first.
    pub fn log_lines(&self, group: &str) -> Vec<String> {
        self.log_lines_in(REGION, group)
    }

    pub(crate) fn log_lines_in(&self, region: &str, group: &str) -> Vec<String> {
        let answer =
            self.http.in_region(region).json("logs", "Logs_20140328.FilterLogEvents", &json!({ "logGroupName": group, "limit": 10_000 }));
        let Ok(body) = serde_json::from_str::<serde_json::Value>(&answer.body) else { return Vec::new() };
        let events = body["events"].as_array().cloned().unwrap_or_default();
        events.iter().filter_map(|event| event["message"].as_str()).map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for function in ["scale", "deploy", "approve", "rotate"] {
                let lines = self.log_lines(&format!("/aws/lambda/nightshift-{function}"));
                let newest = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
                eprintln!("the log of {function} ends with:\n{}", newest.join("\n"));
            }
            eprintln!("the local AWS's log ends with:\n{}", log_tail(&self.folder));
        }
        // The end of its standard input asks it to go; it takes the functions' processes with it.
        drop(self.process.stdin.take());
        let asked = Instant::now();
        while self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if asked.elapsed() > ENDS_WITHIN {
                let _ = self.process.kill();
                let _ = self.process.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn launch(python: &Path, folder: &Path, port: u16, permissions: Permissions, schedules: Schedules) -> Child {
    let log = File::create(folder.join("ministack.log")).expect("the test's folder can be written");
    let endpoint = format!("http://127.0.0.1:{port}");
    let mut command = Command::new(python);
    // The folder as an argument shows in `ps` whose process it is.
    command.arg(project::root().join("tests/src/launcher.py")).arg(folder).current_dir(folder);
    // The functions inherit this environment. The endpoint has to be in it, or they would call the real AWS.
    command.env_clear().envs(shell(folder, &endpoint));
    command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1").env("LOG_LEVEL", "INFO");
    command.env("AUTH", if permissions == Permissions::Enforced { "true" } else { "false" });
    command.env("NIGHTSHIFT_SWEEP_SECONDS", if schedules == Schedules::Quick { "1" } else { "10" });
    // With a Docker at hand it would run real containers.
    command.env("DOCKER_HOST", "unix:///nonexistent").env("NIGHTSHIFT_MAILBOX", mailbox(folder));
    let errors = log.try_clone().expect("a file can be opened twice");
    command.stdin(Stdio::piped()).stdout(log).stderr(errors).spawn().expect("python can be started")
}

/// The whole environment of a shell that uses this local AWS: no profile, no proxy, no certificates, no metadata service.
fn shell(folder: &Path, endpoint: &str) -> Vec<(String, String)> {
    let tools = project::root().join(".venv/bin");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let folder = folder.display().to_string();
    let pairs = [
        ("PATH", path.as_str()),
        ("HOME", &folder),
        ("TMPDIR", &folder),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("SAM_CLI_TELEMETRY", "0"),
        // Against a local AWS there is nothing to wait for; sam asks every five seconds otherwise.
        ("SAM_CLI_POLL_DELAY", "0.2"),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn mailbox(folder: &Path) -> PathBuf {
    folder.join("mail.jsonl")
}

fn own_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("nightshift-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound port has a number").port()
}

fn is_up(http: &Http, process: &mut Child) -> bool {
    let began = Instant::now();
    while began.elapsed() < STARTS_WITHIN && process.try_wait().is_ok_and(|ended| ended.is_none()) {
        if http.is_up() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn log_tail(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("ministack.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(25)..).unwrap_or_default().join("\n")
}
