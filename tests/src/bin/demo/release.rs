//! One release: a push, staging, a question, a person who answers it on the page, and production in two regions.
//!
//! On a local AWS of its own, where everything is quiet: the local AWS's alarms look at a metric whatever service it is of.

use std::time::{Duration, Instant};

use nightshift_tests::{Deployment, FleetFile, LocalAws, Nightshift, Permissions, Question, Region};
use serde_json::Value;

use crate::story::Story;

const APP: &str = "multi-region/app";
const TAG: &str = "1.4.2";
const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];
/// It takes half a minute; a machine that is busy with other things may need longer.
const PATIENCE: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Where the release goes: which region, its cluster, and the family of its task definitions.
const TARGETS: [(usize, &str, &str); 3] = [
    (0, "multi-region-staging", "multi-region-app-staging"),
    (0, "multi-region", "multi-region-app"),
    (1, "multi-region", "multi-region-app"),
];

/// What a target has that a release may, or may not, change.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    image: String,
    desired_count: Value,
    revisions: usize,
}

struct Path<'a> {
    aws: &'a LocalAws,
    story: &'a Story,
    regions: Vec<Region>,
    nightshifts: Vec<Nightshift<'a>>,
    mails: usize,
    problems: Vec<String>,
}

/// Shows a release from its push to its end; what was not as it should be.
pub async fn show(story: &Story) -> Vec<String> {
    story.blank();
    story.tell("demo", "a release in two regions, on another local AWS; what is watched for minutes in the fleet file is for seconds here");
    let aws = LocalAws::start_quick(Permissions::Open);
    let mut path = build(&aws, story).await;
    let before = path.targets();
    let digest = path.push();
    let Some(question) = path.until_asked(&digest).await else { return path.problems };
    path.expect("staging alone runs the image when people are asked", [true, false, false], &digest);
    path.answer(&question);
    path.until_done().await;
    story.tell("operator", &format!("nightshift release show {APP}"));
    story.indented(&path.nightshifts[0].run(&["release", "show", APP]));
    path.expect("all three run the image in the end", [true; 3], &digest);
    path.judge(&before);
    path.problems
}

async fn build<'a>(aws: &'a LocalAws, story: &'a Story) -> Path<'a> {
    let deployment = Deployment::of([FleetFile::of_system("multi-region").with_short_waits()]);
    let mut nightshifts = Vec::new();
    for region in REGIONS {
        story.tell("multi-region", &format!("{region}: the system from systems/multi-region/stack.yaml, and Nightshift by sam deploy"));
        aws.deploy_system_in(region, "multi-region");
        nightshifts.push(aws.deploy_in(region, &deployment).await);
    }
    Path { aws, story, regions: REGIONS.map(|region| aws.region(region)).to_vec(), nightshifts, mails: 0, problems: Vec::new() }
}

impl Path<'_> {
    fn targets(&self) -> Vec<Target> {
        let target = |(region, cluster, family): &(usize, &str, &str)| {
            let region = &self.regions[*region];
            let service = region.service(cluster, "app");
            Target {
                image: region.image(cluster, "app", "app"),
                desired_count: service["desiredCount"].clone(),
                revisions: region.revisions(family).len(),
            }
        };
        TARGETS.iter().map(target).collect()
    }

    /// The registry copies images to the other region; here both are pushed.
    fn push(&self) -> String {
        self.regions[1].push(APP, TAG);
        let digest = self.regions[0].push(APP, TAG);
        self.story.tell("pipeline", &format!("docker push {APP}:{TAG} ({})", digest.get(..19).unwrap_or(&digest)));
        digest
    }

    async fn until_asked(&mut self, digest: &str) -> Option<Question> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let found = self.nightshifts[0].questions().into_iter().find(|question| question.asked.field("digest") == digest);
            self.tell_mails();
            if found.is_some() {
                return found;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        self.problems.push("nobody was asked".to_owned());
        None
    }

    fn answer(&mut self, question: &Question) {
        let page = self.nightshifts[0].open(question);
        let heading = page.body.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>")).map_or("", |(heading, _)| heading);
        self.story.tell("operator", &format!("opens the link; the page asks: {heading}"));
        let waits = self.nightshifts[0].release(APP, TAG)["waits_for_people"] == true;
        if page.status != 200 || !waits {
            self.problems.push(format!("opening the page should show the question and change nothing: {}", page.status));
        }
        let answered = self.nightshifts[0].answer(question, "approve");
        self.story.tell("operator", "types the code of the other mail and presses the button");
        if answered.status != 200 || !answered.body.contains("You have approved it") {
            self.problems.push(format!("the page did not take the answer: {} {}", answered.status, answered.body));
        }
    }

    async fn until_done(&mut self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.tell_mails();
            let states: Vec<Value> = self.nightshifts.iter().map(|nightshift| nightshift.release(APP, TAG)["state"].clone()).collect();
            if states.iter().all(|state| state == "done") {
                return self.tell_mails();
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        self.problems.push("the release did not come to its end in both regions".to_owned());
    }

    /// Questions whole, everything else by its first line.
    fn tell_mails(&mut self) {
        let mails = self.aws.mails();
        for (subject, text) in mails.iter().skip(self.mails) {
            let is_question = subject.ends_with('?') || subject.starts_with("Code for");
            self.story.tell("multi-region", &format!("mail: {subject}"));
            if is_question {
                self.story.indented(text);
            }
        }
        self.mails = mails.len();
    }

    fn expect(&mut self, what: &str, wanted: [bool; 3], digest: &str) {
        let found: Vec<bool> = self.targets().iter().map(|target| target.image.ends_with(&format!("@{digest}"))).collect();
        if found != wanted {
            self.problems.push(format!("{what}: expected {wanted:?} for staging and both regions, found {found:?}"));
        }
    }

    fn judge(&mut self, before: &[Target]) {
        for ((before, after), (region, cluster, _)) in before.iter().zip(self.targets()).zip(TARGETS) {
            let place = format!("{cluster} in {}", REGIONS[region]);
            if after.desired_count != before.desired_count {
                self.problems.push(format!("{place}: a release set the desired count to {}", after.desired_count));
            }
            if after.revisions != before.revisions + 1 {
                self.problems.push(format!("{place}: {} revisions instead of {}", after.revisions, before.revisions + 1));
            }
        }
        let notices: usize = self.nightshifts.iter().map(|nightshift| nightshift.notices().len()).sum();
        if self.mails != notices {
            self.problems.push(format!("{notices} notices of the release, but {} mails", self.mails));
        }
        let ends: usize = self.nightshifts.iter().flat_map(Nightshift::notices).filter(|notice| notice.field("kind") == "done").count();
        if ends != 1 {
            self.problems.push(format!("people were told {ends} times that the release is done"));
        }
        for nightshift in &self.nightshifts {
            let lines = nightshift.deploy_log_lines();
            let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let errors = lines.flat_map(|line| line["errors"].as_array().cloned().unwrap_or_default());
            self.problems.extend(errors.map(|error| format!("{}: {error}", nightshift.region())));
        }
    }
}
