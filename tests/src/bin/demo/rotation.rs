//! One rotation: the password of a real PostgreSQL server, from Secrets Manager's first step to readers that are healthy with it.
//!
//! The demo calls the steps in Secrets Manager's stead, because the local AWS does not. No password is ever printed.

use std::time::{Duration, Instant};

use nightshift_test_servers::Postgres;
use nightshift_tests::{Deployment, FleetFile, LocalAws, Nightshift, Permissions, REGION, Region, STEPS};
use serde_json::json;

use crate::story::Story;

const SYSTEM: &str = "ecs-postgres";
const SECRET: &str = "ecs-postgres/database";
const FIRST: &str = "the-first-password-of-app";
/// It takes a quarter of a minute; a machine that is busy with other things may need longer.
const PATIENCE: Duration = Duration::from_secs(90);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

struct Path<'a> {
    aws: &'a LocalAws,
    story: &'a Story,
    postgres: Postgres,
    region: Region,
    nightshift: Nightshift<'a>,
    timeline: Timeline<'a>,
    mails: usize,
    problems: Vec<String>,
}

/// What happened and why, from the moment that somebody asked for it.
struct Timeline<'a> {
    story: &'a Story,
    began: Instant,
    rows: Vec<Vec<String>>,
}

impl Timeline<'_> {
    fn note(&mut self, who: &str, what: &str, why: &str) {
        self.story.tell(who, &format!("{what}: {why}"));
        let after = format!("{:.1} s", self.began.elapsed().as_secs_f32());
        self.rows.push([after, format!("{who}: {what}"), why.to_owned()].to_vec());
    }
}

/// Shows a rotation from its first step to its end; what was not as it should be.
pub async fn show(story: &Story) -> Vec<String> {
    story.blank();
    story
        .tell("demo", "a rotation, on another local AWS and with a real PostgreSQL server; its reader is watched for seconds, not minutes");
    let aws = LocalAws::start_quick(Permissions::Open);
    let mut path = build(&aws, story).await;
    let revision = path.region.revision(SYSTEM, "api");
    path.timeline.began = Instant::now();
    path.timeline.note("operator", "asks for a rotation", "RotateSecret: the schedule in the fleet file would, once a month");
    path.take_steps();
    path.try_passwords();
    path.until_handed_over().await;
    path.judge(&revision);
    story.tell("operator", &format!("nightshift secrets {SYSTEM}"));
    let said = path.nightshift.cli(&["secrets", SYSTEM]);
    story.indented(&said.text);
    if said.code != 0 {
        path.problems.push(format!("nightshift secrets ended with {}", said.code));
    }
    story.blank();
    story.table(&path.timeline.rows);
    path.problems
}

async fn build<'a>(aws: &'a LocalAws, story: &'a Story) -> Path<'a> {
    let postgres = Postgres::start();
    postgres.run_sql(&format!("CREATE ROLE app LOGIN PASSWORD '{FIRST}'"));
    story.tell(SYSTEM, &format!("the system from systems/{SYSTEM}/stack.yaml; its database is PostgreSQL, TLS, port {}", postgres.port()));
    aws.deploy_system_in(REGION, SYSTEM);
    let region = aws.region(REGION);
    let value = json!({ "username": "app", "password": FIRST, "host": "localhost", "port": postgres.port(), "dbname": "postgres" });
    region.set_secret(SECRET, &value.to_string());
    let ca: Vec<String> = postgres.tls_ca_pem().lines().map(|line| format!("        {line}")).collect();
    let kind = format!("postgresql:\n      users: single\n      ca: |\n{}", ca.join("\n"));
    let fleet = FleetFile::of_system(SYSTEM).with_short_waits().with("postgresql: { users: single }", &kind);
    story.tell(SYSTEM, "Nightshift by sam deploy: rotate may read and change this secret, and no other");
    let nightshift = aws.deploy_in(REGION, &Deployment::of([fleet]).rotating(&region.secret_arn(SECRET))).await;
    story.tell("operator", "nightshift secrets sync --yes");
    story.indented(&nightshift.run(&["secrets", "sync", "--yes"]));
    let head = ["after", "what happened", "why"].map(str::to_owned).to_vec();
    let timeline = Timeline { story, began: Instant::now(), rows: vec![head] };
    Path { aws, story, postgres, region, nightshift, timeline, mails: 0, problems: Vec::new() }
}

impl Path<'_> {
    fn take_steps(&mut self) {
        let rotation = self.nightshift.begin_rotation(SECRET);
        self.story
            .tell("demo", &format!("version {} is AWSPENDING; the demo calls the steps in Secrets Manager's stead", rotation.version));
        for step in STEPS {
            match rotation.step(step) {
                Ok(answer) => self.timeline.note("rotate", step, answer["text"].as_str().unwrap_or_default()),
                Err(failed) => {
                    self.problems.push(format!("{step} failed: {} {}", failed.error, failed.message));
                    break;
                }
            }
        }
        if self.region.version_of(SECRET, "AWSCURRENT") != Some(rotation.version) {
            self.problems.push("the new version is not AWSCURRENT".to_owned());
        }
    }

    fn try_passwords(&mut self) {
        let new = self.region.secret_field(SECRET, "AWSCURRENT", "password");
        match (self.postgres.lets_in("app", &new), self.postgres.lets_in("app", FIRST)) {
            (true, false) => {
                self.timeline.note("PostgreSQL", "lets the new password in and refuses the old one", "one user has one password")
            }
            (new, old) => self.problems.push(format!("PostgreSQL lets the new password in: {new}, the old one: {old}")),
        }
    }

    async fn until_handed_over(&mut self) {
        let began = Instant::now();
        let (mut is_restarted, mut is_hurried) = (false, false);
        while began.elapsed() < PATIENCE {
            self.tell_mails();
            let kinds: Vec<String> = self.nightshift.notices().iter().map(|notice| notice.field("kind").to_owned()).collect();
            if kinds.iter().any(|kind| kind == "done") && !is_restarted {
                is_restarted = true;
                self.timeline.note(
                    "deploy",
                    "the tasks of ecs-postgres/api are new and healthy",
                    "they read the secret only as they start",
                );
            }
            if kinds.iter().any(|kind| kind == "handed_over") {
                return self.timeline.note("rotate", "the hand-over is over", "its look found every reader healthy on the new version");
            }
            if is_restarted {
                if !is_hurried {
                    is_hurried = true;
                    self.story.tell("demo", "the next look of rotate is some two minutes away; its schedule is brought forward to now");
                }
                self.nightshift.hurry_one(SECRET).await;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        self.problems.push("the hand-over did not come to its end".to_owned());
    }

    /// What rotate tells whole, everything else by its first line.
    fn tell_mails(&mut self) {
        let mails = self.aws.mails();
        for (subject, text) in mails.iter().skip(self.mails) {
            self.story.tell(SYSTEM, &format!("mail: {subject}"));
            if subject.starts_with(SECRET) {
                self.story.indented(text);
            }
        }
        self.mails = mails.len();
    }

    fn judge(&mut self, revision: &str) {
        let deployments = self.region.deployments(SYSTEM, "api").len();
        if deployments != 1 || self.region.revision(SYSTEM, "api") != revision {
            self.problems.push(format!("the reader should have been started anew once, on its own revision: {deployments} deployments"));
        }
        let new = self.region.secret_field(SECRET, "AWSCURRENT", "password");
        let told = self.aws.mails().iter().map(|(_, text)| text.clone()).chain(self.nightshift.rotate_log_lines()).collect::<String>();
        let is_told = [FIRST, &new].into_iter().flat_map(LocalAws::spellings).any(|spelling| told.contains(&spelling));
        if is_told {
            self.problems.push("a password is in a mail or in the log of rotate".to_owned());
        }
    }
}
