//! `nightshift release show`: one release, whole.

use jiff::Timestamp;
use nightshift_aws::DynamoLedger;
use nightshift_core::fleet::{ApproverName, Fleets, Frozen};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::PortResult;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, BookView, Progress, Release, ReleaseId, ReleasePolicy, Shown};
use serde_json::json;

use super::watch::{EVERY, watch_release};
use super::{check_region, find};
use crate::args::ReleaseShowArgs;
use crate::aws::{OpenLedger, ask_ledger, block_on};
use crate::exit::Exit;
use crate::fleet_files::{self, check_scope};
use crate::scope::Scope;
use crate::world::World;

pub(crate) fn run(args: &ReleaseShowArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let key = &args.service;
    if let Err(refusal) = check_scope(&Scope::Service(key.clone()), args.fleet.fleet.as_deref(), world) {
        // Releases of a service that has left the fleet files since then can still be looked at.
        let is_known = |dynamo: DynamoLedger| async move { dynamo.read_book(key).await.is_ok_and(|view| view.book.version > 0) };
        if !ask_ledger(&args.ledger, world, is_known) {
            return Err(refusal);
        }
    }
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let fleets = fleet_files::if_readable(args.fleet.fleet.as_deref());
    check_region(key, fleets.as_ref(), &ledger.region)?;
    let frozen = frozen(key, fleets.as_ref(), &ledger.region, world.now);
    let wish = ShowWish { key, named: args.release.as_deref(), frozen: frozen.as_ref(), as_json: args.json, region: &ledger.region };
    let done = async {
        let (exit, shown) = show_release(&ledger.dynamo, &wish, world).await?;
        match shown.filter(|_| args.watch) {
            Some(release) => watch_release(&ledger.dynamo, key, &release.id, Some(&release), EVERY, world).await,
            None => Ok(exit),
        }
    };
    block_on(done)?.map_err(|error| ledger.failed(&error))
}

/// The freeze that holds, as the fleet files say.
fn frozen(key: &ServiceKey, fleets: Option<&Fleets>, region: &str, now: Timestamp) -> Option<Frozen> {
    let (fleet, _, service) = fleets?.service(key.system.as_str(), key.service.as_str())?;
    ReleasePolicy::at(key.clone(), fleet, service, region, now).frozen
}

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct ShowWish<'a> {
    /// Of which service.
    pub key: &'a ServiceKey,
    /// Which release; none: the foremost.
    pub named: Option<&'a str>,
    /// A freeze that holds.
    pub frozen: Option<&'a Frozen>,
    /// Whether JSON is wanted.
    pub as_json: bool,
    /// The region whose ledger is read.
    pub region: &'a str,
}

/// Shows a release, and gives it back; none if it is not known.
pub async fn show_release(
    ledger: &(impl ReleaseLedger + AnswerDesk),
    wish: &ShowWish<'_>,
    world: &mut World<'_>,
) -> PortResult<(Exit, Option<Release>)> {
    let view = read(ledger, wish.key).await?;
    let found = match wish.named {
        Some(named) => find(&view.book, wish.key, named),
        None => view.book.foremost().ok_or_else(|| format!("the ledger knows no release of {} at all", wish.key)),
    };
    let release = match found {
        Ok(release) => release,
        Err(unknown) => {
            world.complain(format!("{unknown} (in {}; another region has a ledger of its own: --region)", wish.region));
            return Ok((Exit::Problems, None));
        }
    };
    match wish.as_json {
        true => say_json(release, &view, wish, world),
        false => say(release, &view, wish, world),
    }
    Ok((Exit::Fine, Some(release.clone())))
}

/// The book, with answers that are on the desk and that the release has not taken in yet.
pub(super) async fn read(ledger: &(impl ReleaseLedger + AnswerDesk), key: &ServiceKey) -> PortResult<BookView> {
    let mut view = ledger.read_book(key).await?;
    let Some(release) = view.book.active.as_mut() else { return Ok(view) };
    let Progress::WaitingForApproval { stage, approval } = Progress::of(release) else { return Ok(view) };
    let approvers: Vec<ApproverName> = approval.rule.by.iter().map(|approver| approver.name.clone()).collect();
    let (id, stage) = (release.id.clone(), stage.to_owned());
    let answers = ledger.answers(key, &id, &stage, &approvers).await?;
    if let Some(approval) = release.approvals.get_mut(stage.as_str()) {
        let is_in_time = |answer: &Answer| answer.at < approval.expires_at;
        let news = answers.into_iter().filter(|(name, answer)| !approval.answers.contains_key(name) && is_in_time(answer));
        let news: Vec<(ApproverName, Answer)> = news.collect();
        approval.answers.extend(news);
    }
    Ok(view)
}

fn say(release: &Release, view: &BookView, wish: &ShowWish<'_>, world: &mut World<'_>) {
    let shown = Shown { key: wish.key, release, view, frozen: wish.frozen, now: world.now };
    world.say(shown.to_string().trim_end());
    let has_other_regions = release.legs.iter().any(|leg| leg.region != wish.region);
    if has_other_regions {
        world.say(format!("\nthis is how {} knows it; what other regions do is told to it by them", wish.region));
    }
    if let Some(hint) = hint(wish.key, release, wish.region) {
        world.say(format!("\n{hint}"));
    }
}

/// What a person may do where people are awaited.
pub(super) fn hint(key: &ServiceKey, release: &Release, region: &str) -> Option<String> {
    let progress = Progress::of(release);
    let Progress::WaitingForApproval { stage, .. } = &progress else { return None };
    let owner = release.owner_of(stage).unwrap_or(region);
    let elsewhere = if owner == region { String::new() } else { format!(" --region {owner}") };
    progress.waits_for_people(release).then(|| format!("answer it: nightshift release approve {key} --by NAME{elsewhere}"))
}

/// How to look at it.
pub(super) fn how_to_follow(key: &ServiceKey, id: &ReleaseId) -> String {
    format!("follow it: nightshift release show {key} {id} --watch")
}

fn say_json(release: &Release, view: &BookView, wish: &ShowWish<'_>, world: &mut World<'_>) {
    let shown = Shown { key: wish.key, release, view, frozen: wish.frozen, now: world.now };
    let progress = Progress::of(release);
    world.say(
        json!({
            "service": wish.key.to_string(),
            "region": wish.region,
            "name": release.name(),
            "state": progress.code(),
            "since": progress.since(release),
            "where": progress.place(release),
            "waits_for_people": progress.waits_for_people(release),
            "next": shown.next(),
            "pause": view.pause.as_ref().filter(|pause| pause.until > world.now),
            "frozen": wish.frozen,
            "release": release,
        })
        .to_string(),
    );
}
