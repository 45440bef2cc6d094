//! What each kind of secret says of itself: where its server is, how its fields are called, how long its key is.
//!
//! Only shapes are checked; whether a server or a replication group exists, the estate says.

use super::names::{is_digits, is_made_of};
use super::part::Lengths;
use super::passwords::{Charset, check_password};
use super::pem::check_certificates;
use super::probe::check_probe;
use super::{Field, Part};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Missing, Value};
use crate::fleet::read::is_stand_in_name;
use crate::fleet::{ConnectionFields, Elasticache, Issued, Keys, Postgresql, PostgresqlUsers, Redis, Seconds, SecretKind, Tls};

/// A key that is to last a day at most has to be made by a machine.
const AGES: Lengths = Lengths { least: Seconds::new(86_400), most: Seconds::new(Seconds::MAX) };
/// NAMEDATALEN of PostgreSQL: identifiers have 63 bytes at most.
const LONGEST_DATABASE: usize = 63;

/// The part is what stands under the kind's name.
pub(super) fn check_kind(kind: &SecretKind, part: &mut Part<'_, '_, '_>) {
    match kind {
        SecretKind::Postgresql(postgresql) => check_postgresql(postgresql, part),
        SecretKind::Redis(redis) => check_redis(redis, part),
        SecretKind::Elasticache(elasticache) => check_elasticache(elasticache, part),
        SecretKind::Keys(keys) => check_keys(keys, part),
        SecretKind::Issued(issued) => check_issued(issued, part),
    }
}

fn check_postgresql(postgresql: &Postgresql, part: &mut Part<'_, '_, '_>) {
    let Postgresql { users, admin_secret, tls, ca, host, port, database, fields, password } = postgresql;
    if *users == PostgresqlUsers::Alternating && admin_secret.is_none() && !part.lost(&[], "admin_secret") {
        let help = "add admin_secret: and the name of its secret, or write users: single";
        part.complain(&[Field("users")], Missing, "alternating users need a user who may make and change them", help);
    }
    check_server(*tls, ca.as_deref(), host.as_deref(), *port, part);
    if let Some(name) = database.as_deref().filter(|name| name.is_empty() || name.len() > LONGEST_DATABASE) {
        let help = format!("write 1 to {LONGEST_DATABASE} bytes, or leave it out: then it is what the secret says, else postgres");
        part.complain(&[Field("database")], Value, format!("\"{name}\" is no database of PostgreSQL"), help);
    }
    check_fields(fields, part);
    check_password(password, &Charset::POSTGRESQL, &mut part.part(&[Field("password")]));
}

fn check_redis(redis: &Redis, part: &mut Part<'_, '_, '_>) {
    let Redis { admin_secret: _, tls, ca, host, port, fields, password } = redis;
    check_server(*tls, ca.as_deref(), host.as_deref(), *port, part);
    check_fields(fields, part);
    check_password(password, &Charset::REDIS, &mut part.part(&[Field("password")]));
}

fn check_elasticache(elasticache: &Elasticache, part: &mut Part<'_, '_, '_>) {
    let Elasticache { replication_group, user_id, tls, ca, fields, password } = elasticache;
    check_id(replication_group, "replication_group", "id of a replication group", part);
    if let Some(user) = user_id.as_deref() {
        check_id(user, "user_id", "id of an ElastiCache user", part);
        // ElastiCache user guide, "Role-Based Access Control": the user `default` cannot be modified.
        if user == "default" {
            let help = "name a user of your own, which you put in its place; or leave it out to rotate the AUTH token";
            part.complain(&[Field("user_id")], Conflict, "ElastiCache lets nobody change its user default", help);
        }
    }
    check_trust(*tls, ca.as_deref(), part);
    check_fields(fields, part);
    check_password(password, &Charset::ELASTICACHE, &mut part.part(&[Field("password")]));
}

/// ElastiCache CreateReplicationGroup and CreateUser: a letter, then letters, digits and single hyphens; kept in small letters.
fn check_id(id: &str, field: &str, what: &str, part: &mut Part<'_, '_, '_>) {
    let is_id = |id: &str| {
        let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        let starts_well = id.starts_with(|first: char| first.is_ascii_lowercase());
        starts_well && id.len() <= 40 && id.chars().all(is_plain) && !id.ends_with('-') && !id.contains("--")
    };
    if is_id(id) || is_stand_in_name(id) {
        return;
    }
    let end = id.rsplit(':').next().unwrap_or(id).to_ascii_lowercase();
    let help = match is_id(&end) {
        true => format!("write {end}"),
        false => "write it as ElastiCache shows it: 1 to 40 small letters, digits and single hyphens, beginning with a letter".to_owned(),
    };
    part.complain(&[Field(field)], Value, format!("\"{id}\" is no {what}"), help);
}

fn check_server(tls: Tls, ca: Option<&str>, host: Option<&str>, port: Option<u16>, part: &mut Part<'_, '_, '_>) {
    check_trust(tls, ca, part);
    if let Some(host) = host.filter(|host| !is_host(host)) {
        let help = match host.rsplit_once(':').filter(|(name, port)| is_host(name) && is_digits(port)) {
            Some((name, port)) => format!("write host: {name} and port: {port}"),
            None => "write its name or address alone, without scheme, user, port and path".to_owned(),
        };
        part.complain(&[Field("host")], Value, format!("\"{host}\" is no host"), help);
    }
    if port == Some(0) {
        part.complain(&[Field("port")], Value, "there is no port 0", "write 1 to 65535, or leave it out");
    }
}

fn check_trust(tls: Tls, ca: Option<&str>, part: &mut Part<'_, '_, '_>) {
    let Some(ca) = ca else { return };
    match check_certificates(ca) {
        Err((problem, help)) => part.complain(&[Field("ca")], Value, problem, help),
        Ok(()) if tls == Tls::Plaintext => {
            let help = "remove `ca`, or remove `tls: plaintext` so that they are looked at";
            part.complain(&[Field("ca")], Conflict, "without TLS no certificate is looked at", help);
        }
        Ok(()) => {}
    }
}

/// A name (RFC 1123: labels of letters, digits and hyphens; an underscore is seen in private zones) or an address.
pub(super) fn is_host(text: &str) -> bool {
    let is_label = |label: &str| is_made_of(label, "-_") && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = name.len() <= 253 && name.split('.').all(is_label);
    is_name || text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn check_fields(fields: &ConnectionFields, part: &mut Part<'_, '_, '_>) {
    let usual = ConnectionFields::default();
    let named = |fields: &ConnectionFields| {
        let ConnectionFields { host, port, username, password, database } = fields.clone();
        [("host", host), ("port", port), ("username", username), ("password", password), ("database", database)]
    };
    let (names, usual) = (named(fields), named(&usual));
    refuse_same_fields(&names, &usual, &mut part.part(&[Field("fields")]));
}

/// Each field has a name of its own; what is told is told of the one that is written.
fn refuse_same_fields(names: &[(&str, String)], usual: &[(&str, String)], part: &mut Part<'_, '_, '_>) {
    for (index, (field, name)) in names.iter().enumerate() {
        if name.trim().is_empty() {
            part.complain(&[Field(field)], Value, "a field without a name cannot be found", "write the field's name in the secret");
            continue;
        }
        let Some((first, _)) = names.iter().take(index).find(|(_, other)| other == name) else { continue };
        let is_usual = usual.get(index).is_some_and(|(_, usual)| usual == name);
        let (told, other) = if is_usual { (first, field) } else { (field, first) };
        let problem = format!("`{told}` and `{other}` would both be the secret's field \"{name}\"");
        part.complain(&[Field(told)], Duplicate, problem, "name a field of its own for each");
    }
}

fn check_keys(keys: &Keys, part: &mut Part<'_, '_, '_>) {
    let named = |keys: Keys| [("field", keys.field), ("next_field", keys.next_field), ("previous_field", keys.previous_field)];
    refuse_same_fields(&named(keys.clone()), &named(Keys::default()), part);
    if !(16..=128).contains(&keys.bytes) {
        // RFC 7518, 3.2: a key for HS256 has 256 bits at least; 48 bytes do for HS384 too.
        let problem =
            format!("a key of {} bytes is {}", keys.bytes, if keys.bytes < 16 { "guessed too easily" } else { "longer than any use" });
        part.complain(&[Field("bytes")], Value, problem, "write 16 to 128, usually 48");
    }
}

fn check_issued(issued: &Issued, part: &mut Part<'_, '_, '_>) {
    let Issued { field, max_age, warn_before, how, probe } = issued;
    if field.as_deref().is_some_and(|field| field.trim().is_empty()) {
        let help = "write the field's name, or leave it out where the whole secret is the key";
        part.complain(&[Field("field")], Value, "a field without a name cannot be found", help);
    }
    part.refuse_length("max_age", *max_age, &AGES, "a person makes the new key, and has to be told in time");
    if AGES.contains(*max_age) && warn_before >= max_age && !part.lost(&[], "max_age") {
        let problem = format!("a warning {warn_before} before the end comes as soon as the key is made, as it lasts {max_age}");
        part.complain(&[Field("warn_before")], Conflict, problem, format!("write warn_before: with less than {max_age}"));
    }
    if how.trim().is_empty() {
        let help = "write what a person has to do: where a new key is made, who may, and how the old one is revoked";
        part.complain(&[Field("how")], Value, "the notice would say that something is to be done, and not what", help);
    }
    if let Some(probe) = probe {
        check_probe(probe, &mut part.part(&[Field("probe")]));
    }
}
