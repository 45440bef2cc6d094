//! The request that tries a key: that it can be made, carries the key nowhere but in its header, and can tell good from bad.

use super::names::{is_digits, is_made_of};
use super::pem::check_certificates;
use super::secret_kinds::is_host;
use super::{Field, Item, Part};
use crate::fleet::Probe;
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Missing, Value};

const PLACE: &str = "{key}";
/// Headers that say how the request itself is made (RFC 9110 and 9112); a key in one of them breaks it.
const OF_THE_REQUEST: &[&str] =
    &["connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

pub(super) fn check_probe(probe: &Probe, part: &mut Part<'_, '_, '_>) {
    let Probe { url, header, value, valid, invalid, ca } = probe;
    if let Err((problem, help)) = check_url(url) {
        part.complain(&[Field("url")], Value, problem, help);
    }
    // RFC 9110, 5.6.2: a header's name is a token.
    let is_token = is_made_of(header, "!#$%&'*+-.^_`|~");
    if !is_token || OF_THE_REQUEST.contains(&header.to_ascii_lowercase().as_str()) {
        let help = "write the name alone, such as authorization or x-api-key";
        part.complain(&[Field("header")], Value, format!("\"{header}\" is no header that carries a key"), help);
    }
    check_value(value, part);
    check_statuses(valid, "valid", part);
    check_statuses(invalid, "invalid", part);
    for (index, status) in invalid.iter().enumerate() {
        let way = [Field("invalid"), Item(index)];
        if valid.contains(status) {
            part.complain(&way, Conflict, format!("{status} would mean both that the key is valid and that it is not"), "keep one of them");
        } else if *status == 429 || (500..=599).contains(status) {
            let problem = format!("{status} says that the server has too much to do or is in trouble, and nothing about the key");
            part.complain(&way, Conflict, problem, "remove it: a status that is in neither list is asked again later");
        }
    }
    if let Some((problem, help)) = ca.as_deref().and_then(|ca| check_certificates(ca).err()) {
        part.complain(&[Field("ca")], Value, problem, help);
    }
}

fn check_url(url: &str) -> Result<(), (String, String)> {
    let wrong = |problem: &str, help: &str| Err((problem.to_owned(), help.to_owned()));
    if url.contains(PLACE) || url.contains("%7Bkey%7D") {
        return wrong(
            "a key in an address ends up in the logs of everybody on the way",
            "put {key} into `value`, which goes into a header",
        );
    }
    let Some(rest) = url.strip_prefix("https://") else {
        return wrong(&format!("\"{url}\" would send the key unprotected"), "write an address that begins with https://");
    };
    if !rest.chars().all(|letter| matches!(letter, '!'..='~')) {
        return wrong("an address has no spaces and no letters beyond ASCII", "write them percent-encoded, such as %20");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return wrong("a user or password in an address ends up in logs", "remove what stands before the @; the key goes into a header");
    }
    if rest.contains('#') {
        return wrong("what follows a # is never sent", "remove it");
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port.strip_prefix(':')),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_port = |port: &str| is_digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0);
    match is_host(host) && port.is_none_or(is_port) {
        true => Ok(()),
        false => wrong(&format!("\"{url}\" names no host"), "write https://<host>/<path>, such as https://api.example.com/v1/models"),
    }
}

fn check_value(value: &str, part: &mut Part<'_, '_, '_>) {
    let way = [Field("value")];
    match value.matches(PLACE).count() {
        1 if value.chars().all(|letter| matches!(letter, ' '..='~')) => {}
        1 => part.complain(&way, Value, "a header's value is printable ASCII in one line", "write such as \"Bearer {key}\""),
        0 => part.complain(&way, Missing, "the key has no place in it", "write {key} where it stands, such as \"Bearer {key}\""),
        _ => part.complain(&way, Duplicate, "the key has more than one place in it", "write {key} once, such as \"Bearer {key}\""),
    }
}

fn check_statuses(statuses: &[u16], field: &str, part: &mut Part<'_, '_, '_>) {
    if statuses.is_empty() && !part.lost(&[Field(field)], "") {
        let (what, example) = if field == "valid" { ("is valid", 200) } else { ("is not valid", 401) };
        part.complain(&[Field(field)], Missing, format!("no answer would say that the key {what}"), format!("write {field}: [{example}]"));
    }
    let texts: Vec<String> = statuses.iter().map(u16::to_string).collect();
    part.part(&[Field(field)]).refuse_twice("", texts.iter().map(String::as_str), "keep one of them");
    for (index, status) in statuses.iter().enumerate().filter(|(_, status)| !(200..=599).contains(*status)) {
        let problem = format!("{status} is no status that a request ends with");
        part.complain(&[Field(field), Item(index)], Value, problem, "write 200 to 599");
    }
}
