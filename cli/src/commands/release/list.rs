//! `nightshift release list`: what is in hand, what waits, what ended lately.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use nightshift_core::fleet::{Fleets, Seconds};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::ReleaseLedger;
use nightshift_core::release::{Book, BookView, Progress, Release};
use serde_json::{Value, json};

use crate::args::ReleaseListArgs;
use crate::aws::{OpenLedger, block_on};
use crate::exit::Exit;
use crate::fleet_files;
use crate::scope::Scope;
use crate::times::{before, minute, moment};
use crate::trouble::{Usage, sentence};
use crate::world::World;

/// So many books are read side by side: a fleet of a hundred services is read in a few seconds.
const SIDE_BY_SIDE: usize = 8;

pub(crate) fn run(args: &ReleaseListArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let read = fleet_files::read(std::slice::from_ref(&args.fleet))?;
    args.scope.check(&read.fleets).map_err(Usage)?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    let keys = services(&args.scope, &read.fleets, &ledger.region)?;
    let wish = ListWish { keys: &keys, since: args.since, as_json: args.json, region: &ledger.region };
    block_on(list_releases(&ledger.dynamo, &wish, world))?.map_err(|error| ledger.failed(&error))
}

/// The services of the scope that run in this region.
fn services(scope: &Scope, fleets: &Fleets, region: &str) -> Result<Vec<ServiceKey>, Usage> {
    let is_meant = |key: &ServiceKey| match scope {
        Scope::All => true,
        Scope::System(system) => key.system == *system,
        Scope::Service(service) => key == service,
    };
    let mut keys = Vec::new();
    let mut elsewhere = Vec::new();
    for fleet in fleets.iter() {
        let key = |service: &nightshift_core::fleet::ServiceName| ServiceKey { system: fleet.system.clone(), service: service.clone() };
        let meant = fleet.services.keys().map(key).filter(is_meant);
        match fleet.regions.iter().any(|own| own == region) {
            true => keys.extend(meant),
            false if meant.count() > 0 => elsewhere.extend(fleet.regions.iter().map(String::as_str)),
            false => {}
        }
    }
    if keys.is_empty() {
        elsewhere.sort_unstable();
        elsewhere.dedup();
        return Err(Usage(format!("none of these services runs in {region}; give --region one of {}", elsewhere.join(", "))));
    }
    Ok(keys)
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ListWish<'a> {
    /// Of which services.
    pub keys: &'a [ServiceKey],
    /// How far back ended releases are listed.
    pub since: Seconds,
    /// Whether JSON is wanted.
    pub as_json: bool,
    /// The region whose ledger is read.
    pub region: &'a str,
}

/// Lists releases. A service whose book cannot be read is told and hides no other; an error is a ledger that is not there.
pub async fn list_releases(ledger: &impl ReleaseLedger, wish: &ListWish<'_>, world: &mut World<'_>) -> PortResult<Exit> {
    let reads = wish.keys.iter().map(|key| async move { (key, ledger.read_book(key).await) });
    let read: Vec<(&ServiceKey, PortResult<BookView>)> = stream::iter(reads).buffered(SIDE_BY_SIDE).collect().await;
    if let Some(error) = read.iter().find_map(|(_, view)| view.as_ref().err().filter(|error| error.kind == PortErrorKind::NotFound)) {
        return Err(error.clone());
    }
    let since = before(world.now, wish.since);
    let books = read.iter().filter_map(|(key, view)| Some((*key, view.as_ref().ok()?)));
    let rows: Vec<Row<'_>> = books.clone().flat_map(|(key, view)| rows(key, &view.book, since)).collect();
    match wish.as_json {
        true => world.say(Value::Array(rows.iter().map(Row::to_json).collect()).to_string()),
        false => say_rows(&rows, wish, world),
    }
    let paused = books.filter_map(|(key, view)| Some((key, view.pause.as_ref().filter(|pause| pause.until > world.now)?)));
    for (key, pause) in paused.collect::<Vec<_>>() {
        world.complain(format!("{key} is paused by {} until {}: {}", pause.by, moment(pause.until, &world.zone), pause.why));
    }
    let unread: Vec<(&ServiceKey, &PortError)> = read.iter().filter_map(|(key, view)| Some((*key, view.as_ref().err()?))).collect();
    for (key, error) in &unread {
        world.complain(format!("{key} could not be read: {}", sentence(error)));
    }
    Ok(if unread.is_empty() { Exit::Fine } else { Exit::Problems })
}

/// Why a row is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    InHand,
    Waiting,
    Settling,
    Ended,
}

impl Place {
    fn code(self) -> &'static str {
        match self {
            Self::InHand => "in_hand",
            Self::Waiting => "waiting",
            Self::Settling => "settling",
            Self::Ended => "ended",
        }
    }
}

struct Row<'a> {
    key: &'a ServiceKey,
    place: Place,
    release: Option<&'a Release>,
    name: String,
    state: String,
    since: Timestamp,
    location: String,
}

impl<'a> Row<'a> {
    fn of(key: &'a ServiceKey, place: Place, release: &'a Release) -> Self {
        let progress = Progress::of(release);
        let (state, since, location) = match place {
            Place::Waiting => ("waiting for its turn".to_owned(), release.detected_at, String::new()),
            _ => (progress.word().to_owned(), progress.since(release), progress.place(release)),
        };
        Self { key, place, release: Some(release), name: release.name(), state, since, location }
    }

    fn to_json(&self) -> Value {
        json!({
            "service": self.key.to_string(),
            "place": self.place.code(),
            "id": self.release.map(|release| &release.id),
            "name": self.name,
            "state": self.state.replace(' ', "_"),
            "since": self.since,
            "where": self.location,
            "release": self.release,
        })
    }

    fn cells(&self) -> [String; 6] {
        let id = self.release.map_or_else(|| "-".to_owned(), |release| release.id.to_string());
        [self.key.to_string(), id, self.name.clone(), self.state.clone(), minute(self.since), self.location.clone()]
    }
}

fn rows<'a>(key: &'a ServiceKey, book: &'a Book, since: Timestamp) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = book.active.iter().map(|release| Row::of(key, Place::InHand, release)).collect();
    rows.extend(book.aside.iter().map(|aside| Row::of(key, Place::Waiting, &aside.release)));
    rows.extend(book.next.iter().map(|release| Row::of(key, Place::Waiting, release)));
    if let Some(rotated) = &book.rotated {
        let secrets = rotated.secrets.len();
        let name = format!("restart for {secrets} rotated secret{}", if secrets == 1 { "" } else { "s" });
        let (state, location) = ("waiting for more rotations".to_owned(), String::new());
        rows.push(Row { key, place: Place::Settling, release: None, name, state, since: rotated.since, location });
    }
    let is_late = |release: &&Release| release.end.as_ref().is_some_and(|end| end.at >= since);
    rows.extend(book.ended.iter().filter(is_late).map(|release| Row::of(key, Place::Ended, release)));
    rows
}

fn say_rows(rows: &[Row<'_>], wish: &ListWish<'_>, world: &mut World<'_>) {
    if rows.is_empty() {
        world.complain(format!(
            "no release is in hand, and none has ended in the last {}, in {}; look further back with --since 30d, or elsewhere with --region",
            wish.since, wish.region
        ));
        return;
    }
    let titles = ["SERVICE", "RELEASE", "IMAGE", "STATE", "SINCE", "WHERE"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(titles).chain(rows.iter().map(Row::cells)).collect();
    let mut widths = [0_usize; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        world.say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
