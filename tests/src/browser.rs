//! A real browser: Debian's Chromium, headless, driven by keys alone.
//!
//! Must never reach anything but the local AWS.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::local_aws::{LocalAws, REGION};
use crate::project;

/// Whether the person has a light or a dark screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// One visit of one page; see `tests/browser/drive.py` for its steps.
#[derive(Clone, Debug)]
pub struct Visit {
    url: String,
    viewport: [u32; 2],
    scheme: Scheme,
    steps: Vec<Value>,
}

impl Visit {
    /// To this address, on a desktop's screen in daylight.
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), viewport: [1280, 900], scheme: Scheme::Light, steps: Vec::new() }
    }

    /// On a small telephone.
    #[must_use]
    pub fn on_phone(self) -> Self {
        Self { viewport: [320, 640], ..self }
    }

    /// By night.
    #[must_use]
    pub fn in_scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// With one more step, such as `press` and `Tab`.
    #[must_use]
    pub fn then(mut self, what: &str, value: &str) -> Self {
        self.steps.push(json!({ what: value }));
        self
    }

    /// Makes the visit; one result for each step.
    pub fn go(&self) -> Vec<Value> {
        let shots = screenshots();
        let job = json!({
            "chromium": chromium(), "url": self.url, "viewport": self.viewport, "shots": shots,
            "scheme": if self.scheme == Scheme::Dark { "dark" } else { "light" }, "steps": self.steps,
        });
        let mut driver = Command::new(project::python_tool("python"));
        driver.arg(project::root().join("tests/browser/drive.py")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut driver = driver.spawn().expect("python can be started");
        driver.stdin.take().expect("it has a standard input").write_all(job.to_string().as_bytes()).expect("the driver reads its job");
        let done = driver.wait_with_output().expect("the driver ends");
        assert!(done.status.success(), "the browser's visit failed:\n{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&done.stdout)))
    }
}

/// The address at which a browser on this machine finds the page of a function URL (as mails and outputs name it). Chromium
/// takes every name that ends in `localhost` for this machine, and the local AWS knows the function by the name's beginning.
pub fn local_page(aws: &LocalAws, url: &str) -> String {
    let rest = url.trim_start_matches("https://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let id = host.split('.').next().unwrap_or_default();
    let port = aws.endpoint().rsplit(':').next().unwrap_or_default();
    format!("http://{id}.lambda-url.{REGION}.localhost:{port}/{path}")
}

/// Where screenshots are kept, for people to look at.
fn screenshots() -> PathBuf {
    let folder = project::root().join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("the build folder can be written");
    folder
}

/// Chromium, installed if need be.
fn chromium() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = Command::new(project::root().join("tests/tools/chromium.sh")).output().expect("bash can be started");
        assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
        String::from_utf8_lossy(&found.stdout).trim().to_owned()
    })
}
