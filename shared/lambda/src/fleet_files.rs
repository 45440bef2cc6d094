//! Where fleet files come from: a file, or a folder with one file per system.

use std::path::{Path, PathBuf};

use nightshift_core::fleet::{FleetErrors, Fleets};
use thiserror::Error;

/// Why the fleet files could not be had.
#[derive(Debug, Error)]
pub enum FleetSource {
    /// Nothing there, or not readable.
    #[error(
        "no fleet file could be read at {location}: {cause}; put <system>/fleet.yaml there (the fleet layer does), or point NIGHTSHIFT_FLEET at a file or folder"
    )]
    Missing {
        /// Where it was looked for.
        location: String,
        /// What the system said.
        cause: String,
    },
    /// A scheme that this version does not read.
    #[error("NIGHTSHIFT_FLEET is {location}, which this version does not read; use a file or a folder, such as /opt/fleet")]
    Unsupported {
        /// What was written.
        location: String,
    },
    /// The files are there and wrong.
    #[error("{0}")]
    Invalid(FleetErrors),
}

/// Reads every fleet file at a location: one `.yaml` file, or a folder in which they stand as `<system>.yaml` or `<system>/fleet.yaml`.
pub fn load_fleets(location: &str) -> Result<Fleets, FleetSource> {
    if location.starts_with("ssm:") || location.starts_with("s3:") {
        return Err(FleetSource::Unsupported { location: location.to_owned() });
    }
    let missing = |cause: String| FleetSource::Missing { location: location.to_owned(), cause };
    let paths = fleet_paths(Path::new(location)).map_err(|error| missing(error.to_string()))?;
    if paths.is_empty() {
        return Err(missing("there is no .yaml file".to_owned()));
    }
    let read = |path: PathBuf| std::fs::read_to_string(&path).map(|text| (path.display().to_string(), text));
    let files = paths.into_iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|error| missing(error.to_string()))?;
    Fleets::from_files(files).map_err(FleetSource::Invalid)
}

/// The fleet files at a location, by the same rules; a folder with a fleet.yaml of its own is one system.
pub fn fleet_paths(location: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !std::fs::metadata(location)?.is_dir() {
        return Ok(vec![location.to_owned()]);
    }
    let own = location.join("fleet.yaml");
    if own.is_file() {
        return Ok(vec![own]);
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(location)? {
        let path = entry?.path();
        let nested = path.join("fleet.yaml");
        if nested.is_file() {
            paths.push(nested);
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
