//! Secrets as a whole: who reads them, when they are rotated, whose user changes them, and what two of them may not share.
//!
//! What each kind says of itself is `secret_kinds`'.

use std::collections::{BTreeMap, BTreeSet};

use super::deploy::meant;
use super::secret_kinds::check_kind;
use super::{Field, Item, Part, Scene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Unknown};
use crate::fleet::{Elasticache, Fleet, ManagedSecret, RotationTime, SecretKind, SecretName, ServiceName};

pub(super) fn check_secrets(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    let mut changed: BTreeMap<String, &SecretName> = BTreeMap::new();
    for (name, secret) in &fleet.secrets {
        let mut part = Part::new(scene, vec![Field("secrets"), Field(name.as_str())]);
        check_kind(&secret.kind, &mut part.part(&[Field(secret.kind.field())]));
        check_rotation(secret, &mut part);
        check_readers(secret, fleet, &mut part);
        check_admin(name, secret, fleet, &mut part);
        let Some(resource) = resource(&secret.kind) else { continue };
        if let Some(first) = changed.get(&resource) {
            let problem = format!("{resource} is changed by the secret `{first}` already");
            part.complain(&[Field("elasticache")], Duplicate, problem, "two secrets would undo each other's password: keep one of them");
        } else {
            changed.insert(resource, name);
        }
    }
}

/// What a secret's rotation changes, as far as the file names it; the same text is the same thing.
pub(super) fn resource(kind: &SecretKind) -> Option<String> {
    let SecretKind::Elasticache(Elasticache { replication_group, user_id, .. }) = kind else { return None };
    if crate::fleet::read::is_stand_in_name(replication_group) {
        return None;
    }
    Some(match user_id {
        Some(user) => format!("the ElastiCache user {user}"),
        None => format!("the AUTH token of {replication_group}"),
    })
}

fn check_rotation(secret: &ManagedSecret, part: &mut Part<'_, '_, '_>) {
    let Some(schedule) = &secret.rotate else { return };
    if matches!(secret.kind, SecretKind::Issued(_)) {
        let help = "remove `rotate`: `max_age` and `warn_before` say when a person is told, and `nightshift secret put` takes the new key";
        part.complain(&[Field("rotate")], Conflict, "only its issuer can make a new key", help);
        return;
    }
    let longest = schedule.longest_window();
    if let Some(window) = schedule.window.filter(|window| window.hours() > longest) {
        let problem = format!("a window of {}h runs into the next day (UTC) or into the next rotation", window.hours());
        let earlier = if matches!(schedule.begins, RotationTime::Cron(_)) { ", or begin earlier" } else { "" };
        part.complain(&[Field("rotate"), Field("window")], Conflict, problem, format!("write 1h to {longest}h{earlier}"));
    }
}

fn check_readers(secret: &ManagedSecret, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    let readers = || secret.readers.iter().map(ServiceName::as_str);
    part.part(&[Field("readers")]).refuse_twice("", readers(), "name each reader once");
    let known: Vec<&str> = fleet.services.keys().map(ServiceName::as_str).collect();
    let some_lost = part.was_taken_out(&[], "services") || part.was_taken_out(&[Field("services")], "");
    for (index, reader) in readers().enumerate().filter(|(_, reader)| !known.contains(reader)) {
        // Without a service in the file, that is the mistake.
        let help = meant(reader, &known, some_lost || known.is_empty());
        if let Some(help) = help {
            part.complain(&[Field("readers"), Item(index)], Unknown, format!("this file has no service `{reader}`"), help);
        }
    }
}

fn check_admin(name: &SecretName, secret: &ManagedSecret, fleet: &Fleet, part: &mut Part<'_, '_, '_>) {
    let Some(admin) = secret.kind.admin_secret() else { return };
    let way = [Field(secret.kind.field()), Field("admin_secret")];
    if admin == name {
        let help = "name the secret of another user, one that may change roles; or remove it, and the user changes itself";
        return part.complain(&way, Conflict, "a secret cannot be its own admin: half-way it would log in with neither password", help);
    }
    let Some(managed) = fleet.secrets.get(admin) else { return };
    if managed.kind.field() != secret.kind.field() {
        let problem = format!("`{admin}` is of the kind {}, and cannot log in to what this secret is for", managed.kind.field());
        return part.complain(&way, Conflict, problem, format!("name a secret of the kind {}", secret.kind.field()));
    }
    // Told once, at the secret whose name comes first.
    if let Some(circle) = circle_of(name, fleet).filter(|circle| circle.first() == Some(&name)) {
        let names: Vec<&str> = circle.iter().map(|name| name.as_str()).collect();
        let problem = format!("each of these needs the next one to be changed, in a circle: {}", names.join(", "));
        part.complain(&way, Conflict, problem, "let one of them do without: write users: single there, and no admin_secret");
    }
}

/// The secrets that are each other's admins around this one, the first by name first.
fn circle_of<'f>(name: &'f SecretName, fleet: &'f Fleet) -> Option<Vec<&'f SecretName>> {
    let admin_of = |name: &SecretName| fleet.secrets.get(name).and_then(|secret| secret.kind.admin_secret());
    let mut seen: BTreeSet<&SecretName> = BTreeSet::new();
    let mut at = name;
    let mut way = Vec::new();
    while seen.insert(at) {
        way.push(at);
        at = admin_of(at)?;
    }
    let start = way.iter().enumerate().min_by_key(|(_, name)| **name).map(|(index, _)| index).unwrap_or_default();
    way.rotate_left(start);
    (at == name).then_some(way)
}
