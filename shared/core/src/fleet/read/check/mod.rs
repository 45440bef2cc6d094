//! The checks that need more than one field, over a fleet that could be read.
//!
//! Owns what may be written together; each value alone was checked by its type. A mistake that stands on something that was
//! told already (a stand-in) is not told.

mod approval;
mod between;
mod clock;
mod deploy;
mod front_end;
mod names;
mod part;
mod passwords;
mod paths;
mod pem;
mod probe;
mod rules;
mod secret_kinds;
mod secrets;
mod together;

pub(super) use between::check_files;

use part::Part;

use super::error::{FleetErrorCode, Report};
use super::tree::{NodeId, Place, Step, Tree};
use crate::fleet::{Fleet, RunsOn, Service};

use Step::{Field, Item};

/// Everything that is wrong with what a file says as a whole.
pub(super) fn check(fleet: &Fleet, tree: &Tree, root: NodeId, report: &mut Report<'_>) {
    let mut scene = Scene { tree, root, report };
    names::check_head(fleet, &mut scene);
    if fleet.services.is_empty() && !scene.lost(&[Field("services")], "") {
        let help = "add at least one: its name, and under it runs_on, bounds and rules";
        scene.complain(&[Field("services")], FleetErrorCode::Missing, "there is no service", help);
    }
    for (name, service) in &fleet.services {
        let mut place = ServiceScene { scene: &mut scene, name: name.as_str(), service };
        check_service(&mut place, fleet);
    }
    paths::check_paths(fleet, &mut scene);
    front_end::check_front_ends(fleet, &mut scene);
    approval::check_pipelines(fleet, &mut scene);
    secrets::check_secrets(fleet, &mut scene);
    together::check_services(fleet, &mut scene);
}

fn check_service(place: &mut ServiceScene<'_, '_, '_>, fleet: &Fleet) {
    names::check_runs_on(place);
    names::check_load_balancer(place);
    if place.service.bounds.max().get() == 0 {
        let help = "write the most that may run; a calendar entry may set 0 for a while";
        place.complain(&[Field("bounds"), Field("max")], FleetErrorCode::Value, "with max 0 the service never runs", help);
    }
    if let RunsOn::TasksOnGroup { bounds, .. } = &place.service.runs_on
        && bounds.max().get() == 0
    {
        let way = [Field("runs_on"), Field("asg"), Field("bounds"), Field("max")];
        place.complain(&way, FleetErrorCode::Value, "with max 0 no task ever finds an instance", "write the most instances that may run");
    }
    clock::check_cooldown(place);
    clock::check_limits(place);
    clock::check_calendar(place);
    rules::check_rules(place, fleet);
    deploy::check_deploy(place, fleet);
    deploy::check_rotated_secrets(place);
}

/// A file with the means to say what is wrong in it.
pub(super) struct Scene<'a, 's> {
    pub tree: &'a Tree,
    pub root: NodeId,
    pub report: &'a mut Report<'s>,
}

impl Scene<'_, '_> {
    /// The place at the end of a way, or of the last part of it that is written; None if a mistake there was told already.
    fn place(&self, way: &[Step<'_>]) -> Option<Place> {
        let shorter = (0..=way.len()).rev().filter_map(|length| way.get(..length));
        let mut written = shorter.filter(|part| self.tree.reaches(self.root, part));
        let found = written.next().and_then(|part| self.tree.find(self.root, part))?;
        Some(self.tree.place(found))
    }

    fn complain(&mut self, way: &[Step<'_>], code: FleetErrorCode, problem: impl Into<String>, help: impl Into<String>) {
        if let Some(place) = self.place(way) {
            self.report.add(code, place, problem, help);
        }
    }

    /// Whether a field was taken out of a map (with "", whether anything was taken out of a list or map): its absence is
    /// told already.
    fn lost(&self, way: &[Step<'_>], field: &str) -> bool {
        self.tree.find(self.root, way).is_none() || self.was_taken_out(way, field)
    }

    /// The same, but false where the list or map itself is not written.
    fn was_taken_out(&self, way: &[Step<'_>], field: &str) -> bool {
        let node = self.tree.find(self.root, way).and_then(|id| self.tree.node(id));
        node.is_some_and(|node| node.lost.iter().any(|lost| field.is_empty() || lost == field))
    }
}

/// One service of a file.
struct ServiceScene<'c, 'a, 's> {
    scene: &'c mut Scene<'a, 's>,
    name: &'c str,
    service: &'c Service,
}

impl<'a, 's> ServiceScene<'_, 'a, 's> {
    fn way<'w>(&'w self, rest: &[Step<'w>]) -> Vec<Step<'w>> {
        [&[Field("services"), Field(self.name)], rest].concat()
    }

    fn complain(&mut self, rest: &[Step<'_>], code: FleetErrorCode, problem: impl Into<String>, help: impl Into<String>) {
        let way = [&[Field("services"), Field(self.name)], rest].concat();
        self.scene.complain(&way, code, problem, help);
    }

    fn line(&self, rest: &[Step<'_>]) -> usize {
        self.scene.place(&self.way(rest)).map_or(0, |place| place.line)
    }

    fn lost(&self, rest: &[Step<'_>], field: &str) -> bool {
        self.scene.lost(&self.way(rest), field)
    }

    /// A part of the service.
    fn part<'p>(&'p mut self, rest: &[Step<'p>]) -> Part<'p, 'a, 's> {
        let way = [&[Field("services"), Field(self.name)], rest].concat();
        Part::new(self.scene, way)
    }

    /// The second of two items with the same name.
    fn refuse_same_names<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n str>) {
        self.part(&[Field(list)]).refuse_twice("name", names, "give one of them another name");
    }
}
