//! `nightshift release` and `nightshift deploy`: what people see of releases, and what they say to them.
//!
//! Owns how a release is named at a terminal. Moves none itself: commands go to the function, answers to the ledger, each with
//! the same words and checks as from elsewhere.

pub(crate) mod answer;
pub(crate) mod deploy;
pub(crate) mod list;
pub(crate) mod send;
pub(crate) mod show;
pub(crate) mod stop;
pub(crate) mod watch;

use nightshift_core::fleet::Fleets;
use nightshift_core::ledger::ServiceKey;
use nightshift_core::release::{Book, Release, StopHow};

use crate::args::ReleaseCommandArgs;
use crate::exit::Exit;
use crate::trouble::Usage;
use crate::world::World;

pub(crate) fn run(command: ReleaseCommandArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    match command {
        ReleaseCommandArgs::List(args) => list::run(&args, world),
        ReleaseCommandArgs::Show(args) => show::run(&args, world),
        ReleaseCommandArgs::Approve(args) => answer::run(&args, world),
        ReleaseCommandArgs::Abort(args) => stop::run(args, StopHow::Abort, world),
        ReleaseCommandArgs::Rollback(args) => stop::run(args.stop, StopHow::RollBack, world),
    }
}

/// Fewer letters than these are no beginning of anything: too many things begin so.
const LEAST_LETTERS: usize = 6;

/// The release that is meant by an id, its beginning, a tag, or the beginning of a digest; or why none is.
fn find<'b>(book: &'b Book, key: &ServiceKey, named: &str) -> Result<&'b Release, String> {
    let all = || book.releases();
    if let Some(exactly) = all().find(|release| release.id.as_str() == named) {
        return Ok(exactly);
    }
    let meant: Vec<&Release> = all().filter(|release| is_meant(release, named)).collect();
    let listed = |releases: &[&Release]| {
        let one = |release: &&Release| format!("{} ({})", release.id, release.name());
        releases.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    match meant.as_slice() {
        [one] => Ok(*one),
        [] if book.foremost().is_none() => Err(format!("the ledger knows no release of {key} at all")),
        [] => Err(format!("the ledger knows no release {named} of {key}; it knows {}", listed(&all().collect::<Vec<_>>()))),
        several => Err(format!("{named} may be one of several releases of {key}; give the id of one: {}", listed(several))),
    }
}

fn is_meant(release: &Release, named: &str) -> bool {
    let is_beginning = |whole: &str| named.len() >= LEAST_LETTERS && whole.starts_with(named);
    let digits = named.strip_prefix("sha256:").unwrap_or(named);
    let is_image = release.change.image().is_some_and(|image| {
        let own = image.digest.strip_prefix("sha256:").unwrap_or(&image.digest);
        image.tags.iter().any(|tag| tag == named) || (digits.len() >= LEAST_LETTERS && own.starts_with(digits))
    });
    is_image || is_beginning(release.id.as_str())
}

/// Refuses a region in which the service's system does not run; without fleet files nobody knows.
fn check_region(key: &ServiceKey, fleets: Option<&Fleets>, region: &str) -> Result<(), Usage> {
    match fleets.and_then(|fleets| fleets.system(key.system.as_str())) {
        Some(fleet) if !fleet.regions.iter().any(|own| own == region) => {
            Err(Usage(format!("{} does not run in {region}; give --region one of {}", key.system, fleet.regions.join(", "))))
        }
        _ => Ok(()),
    }
}
