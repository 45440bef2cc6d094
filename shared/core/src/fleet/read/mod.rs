//! Reading fleet files: strict, with every mistake told at once, each with its place and a remedy.
//!
//! Owns the way from text to `Fleet`: events to a tree with places, the tree through serde, then the checks over the whole.
//! Must never panic, whatever the text.

mod check;
mod deserialize;
mod error;
mod explain;
mod parse;
mod recover;
mod stand_in;
mod suggest;
mod tree;
mod trouble;

pub use error::{FleetError, FleetErrorCode, FleetErrors};
pub use suggest::nearest;

use error::{Report, Source};
use stand_in::is_stand_in_name;
use tree::{NodeId, Scalar, Tree};

use super::file::Fleet;

/// The version of the format that this Nightshift reads.
pub const FORMAT_VERSION: u64 = 1;

/// Reads one fleet file.
///
/// `file_name` is only shown in the errors.
pub fn fleet_from_yaml(file_name: &str, text: &str) -> Result<Fleet, FleetErrors> {
    let mut report = Report::new(Source::new(file_name, text));
    let read = read_one(text, &mut report);
    error::sorted(report.into_errors(), &[file_name])?;
    // Without a mistake there is a fleet; should a mistake have found no words, it is told here rather than lost.
    read.map(|(fleet, ..)| fleet).ok_or_else(|| FleetErrors::unexplained(file_name))
}

/// Reads several fleet files, each given as (name, text), and checks them against each other.
pub(super) fn fleets_from_yaml(files: &[(String, String)]) -> Result<Vec<Fleet>, FleetErrors> {
    let mut reports: Vec<Report<'_>> = files.iter().map(|(name, text)| Report::new(Source::new(name, text))).collect();
    let read: Vec<_> = files.iter().zip(&mut reports).map(|((_, text), report)| read_one(text, report)).collect();
    let scenes = files.iter().zip(&read).zip(&mut reports).filter_map(|(((name, _), read), report)| {
        let (fleet, tree, root) = read.as_ref()?;
        Some((name.as_str(), fleet, check::Scene { tree, root: *root, report }))
    });
    let mut scenes: Vec<_> = scenes.collect();
    check::check_files(&mut scenes);
    drop(scenes);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    error::sorted(reports.into_iter().flat_map(Report::into_errors).collect(), &names)?;
    let fleets =
        files.iter().zip(read).map(|((name, _), read)| read.map(|(fleet, ..)| fleet).ok_or_else(|| FleetErrors::unexplained(name)));
    fleets.collect()
}

/// What could be read of a file; the fleet is whole only if the report is empty.
fn read_one(text: &str, report: &mut Report<'_>) -> Option<(Fleet, Tree, NodeId)> {
    let (mut tree, root) = parse::tree_from_yaml(text, report)?;
    if !is_our_version(&tree, root, report) {
        return None;
    }
    let fleet = recover::read_all(&mut tree, root, report)?;
    check::check(&fleet, &tree, root, report);
    Some((fleet, tree, root))
}

/// Another version means other fields: nothing else that could be said would be true.
fn is_our_version(tree: &Tree, root: NodeId, report: &mut Report<'_>) -> bool {
    let written = tree.field(root, "version").and_then(|entry| tree.node(entry.value));
    match written.map(|node| (node.place, node.scalar())) {
        Some((place, Some(Scalar::Unsigned(version)))) if version != FORMAT_VERSION => {
            let ours = env!("CARGO_PKG_VERSION");
            let problem = format!("this file has version {version}; this Nightshift ({ours}) reads version {FORMAT_VERSION}");
            let help = match version > FORMAT_VERSION {
                true => {
                    "install a newer Nightshift, whose `nightshift check` reads it; or write version: 1 and the fields of docs/fleet-file.md"
                }
                false => "write version: 1",
            };
            report.add(FleetErrorCode::Version, place, problem, help);
            false
        }
        _ => true,
    }
}
