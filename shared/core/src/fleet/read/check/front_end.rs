//! Front ends: the names that S3 and CloudFront give, and what two of them may not share.
//!
//! Only shapes are checked; whether a bucket or a distribution exists, the estate says.

use std::collections::BTreeMap;

use super::names::is_digits;
use super::part::Lengths;
use super::{Field, Item, Part, Scene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Value};
use crate::fleet::{Fleet, FrontEnd, Seconds, matches_pattern};

/// Shorter, and one upload would be many invalidations; longer, and people would wonder why the site is old.
const SETTLE: Lengths = Lengths { least: Seconds::new(5), most: Seconds::new(600) };

pub(super) fn check_front_ends(fleet: &Fleet, scene: &mut Scene<'_, '_>) {
    let mut served: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (name, front_end) in &fleet.front_ends {
        let mut part = Part::new(scene, vec![Field("front_ends"), Field(name.as_str())]);
        check_front_end(front_end, &mut part);
        match served.get(&place_of(front_end)) {
            Some(first) => {
                let problem = format!("`{first}` has the same bucket and prefix already");
                part.complain(&[Field("bucket")], Duplicate, problem, "keep one of them, or write the prefix that each of them serves");
            }
            None => {
                served.insert(place_of(front_end), name.as_str());
            }
        }
    }
}

/// Which objects a front end consists of.
pub(super) fn place_of(front_end: &FrontEnd) -> (&str, &str) {
    (&front_end.bucket, front_end.prefix.trim_end_matches('/'))
}

fn check_front_end(front_end: &FrontEnd, part: &mut Part<'_, '_, '_>) {
    let FrontEnd { bucket, prefix, distribution, settle, hashed } = front_end;
    if !is_bucket(bucket) {
        let name = meant_bucket(bucket);
        let help = match is_bucket(name) {
            true => format!("write the bucket's name alone: {name}"),
            false => {
                "write its name: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or digit at both ends, and none of the \
                 beginnings and ends that S3 keeps for itself"
                    .to_owned()
            }
        };
        part.complain(&[Field("bucket")], Value, format!("\"{bucket}\" is no name of a bucket"), help);
    }
    // S3: an object's key has no slash at its beginning unless somebody put one there; CloudFront's origin path has.
    if let Some(rest) = prefix.strip_prefix('/') {
        let help = if rest.is_empty() { "remove it: without a prefix it is the whole bucket".to_owned() } else { format!("write {rest}") };
        part.complain(&[Field("prefix")], Value, format!("no object's key begins with the slash of \"{prefix}\""), help);
    }
    // CloudFront does not document the form; every id that it has given begins with E and has upper-case letters and digits.
    let is_id = |text: &str| text.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
    if !distribution.strip_prefix('E').is_some_and(|rest| !rest.is_empty() && is_id(rest)) {
        let help = "write its id, such as E2QWRUHAPOMQZL, not its domain name; `aws cloudfront list-distributions` shows it";
        part.complain(&[Field("distribution")], Value, format!("\"{distribution}\" is no id of a CloudFront distribution"), help);
    }
    part.refuse_length("settle", *settle, &SETTLE, "it is the quiet time after which an upload counts as complete");
    let mut list = part.part(&[Field("hashed")]);
    list.refuse_twice("", hashed.iter().map(String::as_str), "keep one of them");
    for (index, pattern) in hashed.iter().enumerate() {
        if pattern.trim().is_empty() {
            list.complain(&[Item(index)], Value, "an empty pattern matches no file", "write one such as assets/*, or remove it");
        } else if matches_pattern(pattern.trim_start_matches('/'), "index.html") {
            let problem = format!("\"{pattern}\" matches index.html, whose name never changes: viewers would keep the old one");
            list.complain(&[Item(index)], Conflict, problem, "name only files whose names change with their content, such as assets/*");
        }
    }
}

/// The name in an ARN (`arn:aws:s3:::site`), in a URI (`s3://site/www`), or in a domain name (`site.s3.us-east-1.amazonaws.com`).
fn meant_bucket(written: &str) -> &str {
    let after_arn = written.rsplit_once(":::").map_or(written, |(_, name)| name);
    let after_scheme = after_arn.split_once("://").map_or(after_arn, |(_, name)| name);
    let host = after_scheme.split('/').next().unwrap_or_default();
    host.split_once(".s3").map_or(host, |(name, _)| name)
}

/// Amazon S3, "General purpose bucket naming rules".
fn is_bucket(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_made_well = name.chars().all(|letter| is_plain(letter) || matches!(letter, '.' | '-'));
    let is_address = name.split('.').count() == 4 && name.split('.').all(is_digits);
    // Possible as a name, but never meant: a bucket's domain name.
    let is_domain = name.ends_with(".amazonaws.com");
    let is_reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end));
    (3..=63).contains(&name.len())
        && is_made_well
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && !name.contains("..")
        && !is_address
        && !is_domain
        && !is_reserved
}
