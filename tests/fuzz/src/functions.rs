//! The four functions on a [`Quiet`] estate, called with the same event one after the other.

use jiff::SignedDuration;
use nightshift_approve::ApproveConfig;
use nightshift_core::fleet::Fleets;
use nightshift_core::outcome::Mode;
use nightshift_lambda::{Config, HandlerError, Invocation};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::estate::{Calls, Mood, Quiet};
use crate::samples;

/// The functions' names, in the order in which they are called.
pub const NAMES: [&str; 4] = ["scale", "deploy", "approve", "rotate"];

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:people";

/// The four functions.
pub struct Functions {
    /// `scale`.
    pub scale: nightshift_scale::Deps<Quiet>,
    /// `deploy`.
    pub deploy: nightshift_deploy::Deps<Quiet>,
    /// `approve`.
    pub approve: nightshift_approve::Deps<Quiet>,
    /// `rotate`.
    pub rotate: nightshift_rotate::Deps<Quiet>,
    runtime: Runtime,
}

/// What one function made of an event.
#[derive(Debug)]
pub struct Handled {
    /// Which function.
    pub function: &'static str,
    /// Its answer, or the error that Lambda gets.
    pub answer: Result<Value, HandlerError>,
    /// What it called.
    pub calls: Calls,
}

/// A configuration that acts.
fn config() -> Config {
    Config {
        fleet: "/opt/fleet".to_owned(),
        table: "nightshift-ledger".to_owned(),
        topic_arn: TOPIC.to_owned(),
        mode: Mode::Act,
        schedule_group: "nightshift".to_owned(),
        schedule_role_arn: "arn:aws:iam::111122223333:role/nightshift-scheduler".to_owned(),
        region: "us-east-1".to_owned(),
    }
}

fn approve_config() -> ApproveConfig {
    ApproveConfig {
        fleet: "/opt/fleet".to_owned(),
        table: "nightshift-ledger".to_owned(),
        topic_arn: TOPIC.to_owned(),
        key_arn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:nightshift/approval-key-a1b2c3".to_owned(),
        deploy_function: "nightshift-deploy".to_owned(),
        page_url: None,
    }
}

impl Functions {
    /// The functions with these fleet files, on an estate in this mood, in act mode.
    pub fn new(fleets: &Fleets, mood: Mood) -> Self {
        let fleets = || fleets.clone();
        let estate = || Quiet::new(mood);
        let rotate = nightshift_rotate::Deps { function: "rotate".to_owned(), config: config(), fleets: fleets(), estate: estate() };
        Self {
            scale: nightshift_scale::Deps { function: "scale".to_owned(), config: config(), fleets: fleets(), estate: estate() },
            deploy: nightshift_deploy::Deps {
                function: "deploy".to_owned(),
                config: config(),
                approval_url: "https://page.example/".to_owned(),
                fleets: fleets(),
                estate: estate(),
            },
            approve: nightshift_approve::Deps {
                function: "approve".to_owned(),
                config: approve_config(),
                fleets: fleets(),
                estate: estate(),
            },
            rotate,
            // Paused: what waits for another invocation does not wait here.
            runtime: Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime"),
        }
    }

    /// The page alone.
    pub fn page(&self, event: &Value) -> Handled {
        let answer = self.runtime.block_on(nightshift_approve::handle(&invocation("approve"), &self.approve, event));
        Handled { function: "approve", answer, calls: self.approve.estate.take_calls() }
    }

    /// All four.
    pub fn handle(&self, event: &Value) -> [Handled; 4] {
        let run = &self.runtime;
        let scale = run.block_on(nightshift_scale::handle(&invocation("scale"), &self.scale, event));
        let deploy = run.block_on(Box::pin(nightshift_deploy::handle(&invocation("deploy"), &self.deploy, event)));
        let rotate = run.block_on(Box::pin(nightshift_rotate::handle(&invocation("rotate"), &self.rotate, event)));
        [
            Handled { function: "scale", answer: scale, calls: self.scale.estate.take_calls() },
            Handled { function: "deploy", answer: deploy, calls: self.deploy.estate.take_calls() },
            self.page(event),
            Handled { function: "rotate", answer: rotate, calls: self.rotate.estate.take_calls() },
        ]
    }
}

fn invocation(function: &str) -> Invocation {
    let now = samples::now();
    let arn = format!("arn:aws:lambda:us-east-1:111122223333:function:nightshift-{function}");
    Invocation::new("5b1e9a5e-0000-4000-8000-000000000001".to_owned(), arn, now + SignedDuration::from_secs(30), move || now)
}
