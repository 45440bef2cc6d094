//! Which paths of a distribution an upload makes stale, and the fewest with which CloudFront can be told.
//!
//! Owns recognising files whose names change with their content: taking one for such by mistake would leave viewers with old
//! content, so what is not plain is invalidated. Must never leave out a path that changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{FrontEnd, matches_pattern};

/// Everything that the distribution serves.
pub const EVERYTHING: &str = "/*";

/// With more paths than this below one folder, the folder as a whole is named.
const MOST_IN_FOLDER: usize = 15;
/// With more than this in all, whole folders are named, and in the end everything.
const MOST_PATHS: usize = 30;
/// CloudFront takes 15 paths with wildcards at a time (CloudFront quotas, "Invalidations"); this leaves room for people's own.
const MOST_WILDCARDS: usize = 10;

/// What a file's arrival means for viewers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The distribution does not serve it.
    NotServed,
    /// Its name changes with its content: nobody has an old version of it.
    Hashed,
    /// These paths are stale.
    Stale(Stale),
}

/// Paths that are stale, as CloudFront wants them written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The file's own path, and its folder's where the file is what the folder shows.
    pub paths: BTreeSet<String>,
    /// The same with the folder at the top in place of the file; still the file itself where it lies in no folder.
    pub coarse: BTreeSet<String>,
}

/// What the arrival (or the end) of the file at this key of the bucket makes stale.
pub fn arrival(front_end: &FrontEnd, key: &str) -> Arrival {
    let Some(file) = below(&front_end.prefix, key) else { return Arrival::NotServed };
    let name = file.rsplit('/').next().unwrap_or(file);
    let is_named = |pattern: &String| {
        let pattern = pattern.trim_start_matches('/');
        matches_pattern(pattern, file) || matches_pattern(pattern, name)
    };
    if front_end.hashed.iter().any(is_named) || looks_hashed(name) {
        return Arrival::Hashed;
    }
    let path = encoded(&format!("/{file}"));
    let mut paths = BTreeSet::from([path.clone()]);
    // Viewers of a folder get its index: by CloudFront's default root object, a website endpoint, or a function at the edge.
    if name == "index.html" {
        paths.insert(path.strip_suffix("index.html").unwrap_or(&path).to_owned());
    }
    let coarse = match path.match_indices('/').nth(1) {
        Some((slash, _)) => BTreeSet::from([format!("{}/*", path.get(..slash).unwrap_or_default())]),
        None => paths.clone(),
    };
    Arrival::Stale(Stale { paths, coarse })
}

/// The key without the origin path; none if it lies elsewhere. `site` and `site/` are the same, `site2/x` is not below it.
fn below<'k>(prefix: &str, key: &'k str) -> Option<&'k str> {
    match prefix.trim_matches('/') {
        "" => Some(key),
        prefix => key.strip_prefix(prefix)?.strip_prefix('/'),
    }
}

/// Non-ASCII characters and those that RFC 1738 calls unsafe are percent-encoded, and no others ("What you need to know when
/// invalidating paths", CloudFront). A `?` in a key is no query.
fn encoded(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'<' | b'>' | b'"' | b'#' | b'%' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'~' | b'[' | b']' | b'`' | b'?' => {
                text.push_str(&format!("%{byte:02X}"));
            }
            b'!'..=b'}' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Endings of files that bundlers write under hashed names; in those, also hashes that are no hexadecimal numbers are seen.
const BUNDLED: [&str; 9] = ["js", "mjs", "cjs", "css", "map", "wasm", "woff", "woff2", "ttf"];
/// Pages and documents keep their addresses, whatever their names look like.
const ADDRESSED: [&str; 8] = ["html", "htm", "xml", "txt", "md", "pdf", "webmanifest", "ico"];

/// Whether a file's name changes with its content, as main.3f2a1b9c.js, index-BfJz3K2p.css and chunk-5UKX7BVP.js do.
fn looks_hashed(name: &str) -> bool {
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let ending = ending.to_ascii_lowercase();
    if ADDRESSED.contains(&ending.as_str()) {
        return false;
    }
    let parts: Vec<&str> = stem.split(['.', '-', '_']).collect();
    if parts.windows(5).any(is_uuid) {
        // Names somebody's upload, which may be replaced under the same name.
        return false;
    }
    parts.iter().any(|part| is_hex_hash(part) || (BUNDLED.contains(&ending.as_str()) && is_letter_hash(part)))
}

fn is_uuid(parts: &[&str]) -> bool {
    let is_part = |(part, length): (&&str, usize)| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().zip([8, 4, 4, 4, 12]).all(is_part)
}

/// Digits alone are a date or a number, letters alone a word; `facade01` changes from one to the other only once.
fn is_hex_hash(part: &str) -> bool {
    let is_of = |range: fn(&u8) -> bool| part.bytes().all(|byte| byte.is_ascii_digit() || range(&byte));
    let is_hex = is_of(|byte| matches!(byte, b'a'..=b'f')) || is_of(|byte| matches!(byte, b'A'..=b'F'));
    let changes = runs(part).saturating_sub(1);
    (8..=64).contains(&part.len()) && is_hex && (changes >= 2 || (changes == 1 && part.len() >= 16))
}

/// Hashes in letters and digits change between them, and between capitals and small letters, far more often than names do.
fn is_letter_hash(part: &str) -> bool {
    let has = |test: fn(&u8) -> bool| part.bytes().any(|byte| test(&byte));
    let (capitals, small) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    if part.len() < 8 || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) || !has(u8::is_ascii_digit) {
        return false;
    }
    match (capitals, small) {
        (true, true) => runs(part) * 5 >= part.len() * 3,
        (false, true) => runs(part) * 3 >= part.len() * 2,
        // Eight digits of base 32, with one of them before a letter: SUMMER24 and INVOICE2 are names.
        (true, false) => {
            let digit = part.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(part.len());
            let is_base32 = part.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
            part.len() == 8 && is_base32 && part.bytes().skip(digit).any(|byte| byte.is_ascii_uppercase())
        }
        (false, false) => false,
    }
}

/// How many runs of digits, small letters and capitals there are; a capital begins the word that follows it (`Jz` is one run).
fn runs(part: &str) -> usize {
    let kind = |byte: u8| if byte.is_ascii_digit() { 0 } else { 1 + u8::from(byte.is_ascii_uppercase()) };
    let kinds: Vec<u8> = part.bytes().map(kind).collect();
    let begins = kinds.windows(2).filter(|pair| !matches!(pair, [2, 1]) && pair.first() != pair.last()).count();
    begins + usize::from(!kinds.is_empty())
}

/// The fewest paths that cover all of these: folders with many of them become `/folder/*`, in the end everything does.
pub fn fewest_paths(stale: &BTreeSet<String>) -> Vec<String> {
    let mut paths = without_covered(stale.clone());
    // The deepest first, so that no more is named than has to be.
    let folders: BTreeSet<String> = paths.iter().flat_map(|path| folders_of(path)).collect();
    let mut folders: Vec<String> = folders.into_iter().collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.matches('/').count()));
    for folder in &folders {
        if paths.iter().filter(|path| path.starts_with(folder.as_str())).count() > MOST_IN_FOLDER {
            collapse(&mut paths, folder);
        }
    }
    if is_too_much(&paths) {
        for folder in top_folders(&paths) {
            if is_too_much(&paths) {
                collapse(&mut paths, &folder);
            }
        }
    }
    if is_too_much(&paths) { vec![EVERYTHING.to_owned()] } else { paths.into_iter().collect() }
}

fn is_too_much(paths: &BTreeSet<String>) -> bool {
    paths.len() > MOST_PATHS || paths.iter().filter(|path| path.ends_with("/*")).count() > MOST_WILDCARDS
}

fn collapse(paths: &mut BTreeSet<String>, folder: &str) {
    paths.retain(|path| !path.starts_with(folder));
    paths.insert(format!("{folder}*"));
}

/// `/docs/` and `/docs/a/` of `/docs/a/b.html`; the root is none.
fn folders_of(path: &str) -> Vec<String> {
    let slashes = path.match_indices('/').skip(1);
    slashes.filter_map(|(slash, _)| path.get(..=slash)).map(str::to_owned).collect()
}

/// The folders at the top, those with most paths first.
fn top_folders(paths: &BTreeSet<String>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for folder in paths.iter().filter_map(|path| folders_of(path).into_iter().next()) {
        *counts.entry(folder).or_default() += 1;
    }
    let mut folders: Vec<(String, usize)> = counts.into_iter().collect();
    folders.sort_by_key(|(folder, count)| (std::cmp::Reverse(*count), folder.clone()));
    folders.into_iter().map(|(folder, _)| folder).collect()
}

fn without_covered(paths: BTreeSet<String>) -> BTreeSet<String> {
    let wildcards: Vec<String> = paths.iter().filter(|path| path.ends_with("/*")).cloned().collect();
    let is_covered = |path: &String| wildcards.iter().any(|wildcard| wildcard != path && covers(wildcard, path));
    paths.into_iter().filter(|path| !is_covered(path)).collect()
}

/// Whether an invalidation of `named` is also one of `path`.
pub fn covers(named: &str, path: &str) -> bool {
    named == path || named.strip_suffix('*').is_some_and(|begin| begin.ends_with('/') && path.starts_with(begin))
}
