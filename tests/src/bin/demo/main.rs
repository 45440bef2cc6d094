//! `make demo`: a busy hour, compressed into a minute, on a local AWS with the template and two systems of this checkout; then a
//! release in two regions with its approval; then the rotation of a real PostgreSQL server's password.
//!
//! Shows what happens as it happens, and ends with a table and a verdict: exit code 0 only if every size, every action, every
//! message and every revision was right. Leaves nothing running.

#![allow(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "JSON is read by name; the demo ends by panicking")]

mod busy_hour;
mod release;
mod rotation;
mod story;
mod verdict;
mod watch;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use nightshift_tests::{Deployment, FleetFile, LocalAws, Nightshift, project};

use busy_hour::{Hour, Size, Tenant};
use story::Story;

/// Cooldowns are minutes in the fleet files; nobody wants to watch that.
const COOLDOWN_SECONDS: u32 = 5;
/// The second system's hour begins while the first one's peak stands.
const SECOND_BEGINS_AFTER: Duration = Duration::from_secs(15);
/// The whole hour takes about two minutes; a machine that is busy with other things may need longer.
const PATIENCE: Duration = Duration::from_secs(300);
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let story = Story::begin();
    if let Some(missing) = nightshift_test_servers::Postgres::missing() {
        story.tell("demo", &missing);
        return ExitCode::FAILURE;
    }
    story.tell("demo", "starting the local AWS (MiniStack), with nothing of this machine's AWS settings");
    let aws = LocalAws::start();
    story.tell("demo", &format!("it listens on {}; nothing leaves this machine", aws.endpoint()));

    let mut tenants = vec![stateless(), pizza()];
    story.tell("demo", &format!("the fleet files are those of systems/, with every cooldown set to {COOLDOWN_SECONDS} s"));
    let nightshift = deploy(&aws, &tenants, &story).await;
    busy_hours(&aws, &nightshift, &mut tenants, &story).await;

    let mut problems = verdict::judge(&aws, &nightshift, &tenants).await;
    story.blank();
    story.table(&verdict::table(&nightshift, &tenants));
    drop(aws);
    problems.extend(release::show(&story).await);
    problems.extend(rotation::show(&story).await);
    story.blank();
    story.tell("demo", "all three local AWSs and the database are stopped; nothing is left running");
    match problems.as_slice() {
        [] => {
            story.tell("demo", "everything was as it should be");
            ExitCode::SUCCESS
        }
        problems => {
            problems.iter().for_each(|problem| story.tell("WRONG", problem));
            ExitCode::FAILURE
        }
    }
}

/// The web tier: one instance more for every two minutes over 50 % CPU. At its peak six instances stand at 48 %.
fn stateless() -> Tenant {
    let fleet = FleetFile::of_system("stateless").with_cooldowns(COOLDOWN_SECONDS);
    let size = Size::Group { group: "stateless-web" };
    let (quiet_work, peak_work) = (24.0, 290.0);
    Tenant::new(Hour { name: "stateless/web", service: "web", fleet, size, quiet_work, peak_work, start: 2, peak: 6, is_the_most: false })
}

/// The pizza API: in proportion to 60 % CPU. At its peak, a thousand requests a minute, ten tasks stand at 75 %: the most.
fn pizza() -> Tenant {
    let fleet = FleetFile::of_system("pizza").with_cooldowns(COOLDOWN_SECONDS);
    let size = Size::Tasks { cluster: "pizza", service: "pizza-api" };
    let (quiet_work, peak_work) = (60.0, 750.0);
    Tenant::new(Hour { name: "pizza/api", service: "api", fleet, size, quiet_work, peak_work, start: 2, peak: 10, is_the_most: true })
}

async fn deploy<'a>(aws: &'a LocalAws, tenants: &[Tenant], story: &Story) -> Nightshift<'a> {
    for system in ["stateless", "pizza"] {
        story.tell(system, &format!("creating the system from systems/{system}/stack.yaml"));
        aws.deploy_system(system).await;
    }
    let size = project::scale_stripped().metadata().map_or(0, |found| found.len() / 1_000_000);
    story.tell("demo", &format!("sam deploy: template.yaml with the built function ({size} MB unoptimised), Mode=act"));
    let nightshift = aws.deploy(&Deployment::of(tenants.iter().map(|tenant| tenant.hour.fleet.clone())).with_calendar().packed()).await;
    story.tell("demo", "nightshift alarms sync --yes");
    story.indented(&nightshift.run(&["alarms", "sync", "--yes"]));
    nightshift
}

async fn busy_hours(aws: &LocalAws, nightshift: &Nightshift<'_>, tenants: &mut [Tenant], story: &Story) {
    let began = Instant::now();
    for tenant in tenants.iter_mut() {
        tenant.begin();
        tenant.tick(aws, story).await;
    }
    let mut watch = watch::Watch::new();
    while began.elapsed() < PATIENCE {
        watch.look(aws, nightshift, tenants, story).await;
        let count = if began.elapsed() < SECOND_BEGINS_AFTER { 1 } else { tenants.len() };
        for tenant in tenants.iter_mut().take(count) {
            tenant.tick(aws, story).await;
        }
        if tenants.iter().all(Tenant::is_over) {
            return;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    story.tell("demo", &format!("gave up after {} s", PATIENCE.as_secs()));
}
