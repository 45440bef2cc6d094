//! Fleet files for the commands: read by the same rules as the functions read them, several paths together.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use nightshift_core::fleet::{FleetErrors, Fleets};
use nightshift_lambda::fleet_paths;

use crate::scope::Scope;
use crate::trouble::Usage;
use crate::world::World;

/// The folder that is looked into when none is named.
const USUAL_FOLDER: &str = "systems";

/// Fleet files that could be read, with the file of each system.
#[derive(Debug)]
pub struct ReadFleets {
    /// The systems.
    pub fleets: Fleets,
    /// The files, in the order of the systems.
    pub files: Vec<String>,
}

/// Why fleet files could not be had.
#[derive(Debug)]
pub enum Unread {
    /// Nothing there, or not readable; one sentence.
    Nothing(String),
    /// There, and wrong.
    Wrong(FleetErrors),
}

impl From<Unread> for anyhow::Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Nothing(sentence) => anyhow!(sentence),
            Unread::Wrong(errors) => anyhow!("{errors}\nnothing was done; correct them first"),
        }
    }
}

/// Reads all fleet files at these paths and checks them against each other.
pub fn read(paths: &[PathBuf]) -> Result<ReadFleets, Unread> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths {
        let found = files_at(path)?;
        files.extend(found.into_iter().filter(|file| !files.contains(file)).collect::<Vec<_>>());
    }
    let texts = files.iter().map(|file| text_of(file)).collect::<Result<Vec<_>, _>>()?;
    let names = texts.iter().map(|(name, _)| name.clone()).collect();
    let fleets = Fleets::from_files(texts).map_err(Unread::Wrong)?;
    Ok(ReadFleets { fleets, files: names })
}

fn files_at(path: &Path) -> Result<Vec<PathBuf>, Unread> {
    let remedy = "name a fleet file, or a folder with <system>/fleet.yaml in it";
    match fleet_paths(path) {
        Ok(files) if files.is_empty() => Err(Unread::Nothing(format!("there is no fleet file in {}; {remedy}", path.display()))),
        Ok(files) => Ok(files),
        Err(cause) => Err(Unread::Nothing(format!("{} cannot be read ({cause}); {remedy}", path.display()))),
    }
}

fn text_of(file: &Path) -> Result<(String, String), Unread> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((file.display().to_string(), text)),
        Err(cause) => Err(Unread::Nothing(format!("{} cannot be read ({cause}); a fleet file is UTF-8 text", file.display()))),
    }
}

/// Refuses a scope that the fleet files do not name. Without --fleet, files that are not there or wrong are no reason to
/// refuse: a pause has to be possible while somebody repairs them.
pub(crate) fn check_scope(scope: &Scope, fleet: Option<&Path>, world: &mut World<'_>) -> anyhow::Result<()> {
    let (path, is_named) = match fleet {
        Some(path) => (path, true),
        None => (Path::new(USUAL_FOLDER), false),
    };
    if *scope == Scope::All || (!is_named && !path.is_dir()) {
        return Ok(());
    }
    match read(&[path.to_owned()]) {
        Ok(read) => scope.check(&read.fleets).map_err(|sentence| anyhow!(Usage(sentence))),
        Err(unread) if is_named => Err(unread.into()),
        Err(_) => {
            world.complain(format!(
                "note: the fleet files in {USUAL_FOLDER} cannot be used (nightshift check says why), so the name {scope} was not checked"
            ));
            Ok(())
        }
    }
}

/// The fleet files, if they are there and right; [`check_scope`] has told what is wrong with them.
pub(crate) fn if_readable(fleet: Option<&Path>) -> Option<Fleets> {
    let path = fleet.unwrap_or(Path::new(USUAL_FOLDER));
    read(&[path.to_owned()]).ok().map(|read| read.fleets)
}
