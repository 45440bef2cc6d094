//! A secret's value as a document: what a credential is in it, what the next value is, and whether a value goes on from another.
//!
//! Everything here is a function of values that are handed in; nothing is kept, and problems name fields, never what is in them.

use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroize;

use super::text::SecretText;
use crate::fleet::{
    ConnectionFields, Elasticache, Issued, KeyEncoding, Keys, PasswordRule, Postgresql, PostgresqlUsers, Redis, SecretKind,
};

/// What is wrong with a secret's value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentProblem {
    /// There is none.
    #[error("there is no value; store one")]
    NoValue,
    /// It is no JSON object.
    #[error("the value is no JSON object; store an object such as {{\"username\":\"...\",\"password\":\"...\"}}")]
    NotAnObject,
    /// A field is missing.
    #[error("the field {field} is missing; add it to the secret, or name the right field in the fleet file")]
    Missing {
        /// Which.
        field: String,
    },
    /// A field is no text.
    #[error("the field {field} is not what it should be: {why}")]
    Wrong {
        /// Which.
        field: String,
        /// What it should be.
        why: &'static str,
    },
    /// A value that was to follow on another does not.
    #[error("{why}; the current version was perhaps changed while this one was made")]
    DoesNotFollow {
        /// How.
        why: &'static str,
    },
}

/// The field of a secret that is no document: the whole of it.
const WHOLE: &str = "the whole value";
/// What the second of two alternating users is called (Secrets Manager user guide, "Alternating users").
const TWIN_ENDING: &str = "_clone";
/// Names in PostgreSQL have 63 bytes at most.
const LONGEST_USER: usize = 63;

/// A secret's value that is a JSON object; wiped when it is dropped.
pub struct SecretDocument {
    fields: Map<String, Value>,
}

impl SecretDocument {
    /// Reads a value.
    pub fn parse(text: &SecretText) -> Result<Self, DocumentProblem> {
        // The reader's own words could repeat what it read.
        serde_json::from_str(text.reveal()).map(|fields| Self { fields }).map_err(|_| DocumentProblem::NotAnObject)
    }

    /// A field's text.
    pub fn text(&self, field: &str) -> Result<SecretText, DocumentProblem> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Err(DocumentProblem::Missing { field: field.to_owned() }),
            Some(Value::String(text)) if text.is_empty() => Err(wrong(field, "it is empty")),
            Some(Value::String(text)) => Ok(SecretText::new(text.clone())),
            Some(_) => Err(wrong(field, "it is no text")),
        }
    }

    /// A field that is no secret, if it is there.
    fn plain(&self, field: &str) -> Result<Option<String>, DocumentProblem> {
        match self.text(field) {
            Ok(text) => Ok(Some(text.reveal().to_owned())),
            Err(DocumentProblem::Missing { .. }) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    fn port(&self, field: &str) -> Result<Option<u16>, DocumentProblem> {
        let read = match self.fields.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        read.filter(|port| *port > 0).map(Some).ok_or_else(|| wrong(field, "it is no port"))
    }

    /// The same document with another text in a field.
    fn set(&mut self, field: &str, text: &SecretText) {
        if let Some(Value::String(old)) = self.fields.get_mut(field) {
            old.zeroize();
        }
        self.fields.insert(field.to_owned(), Value::String(text.reveal().to_owned()));
    }

    fn to_text(&self) -> SecretText {
        SecretText::new(serde_json::to_string(&self.fields).unwrap_or_default())
    }
}

impl Drop for SecretDocument {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn wrong(field: &str, why: &'static str) -> DocumentProblem {
    DocumentProblem::Wrong { field: field.to_owned(), why }
}

/// Where to log in, as whom, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The host; none where the cluster's own endpoint is meant.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The database.
    pub database: Option<String>,
    /// The user; none for an AUTH token, and for Redis's default user.
    pub user: Option<String>,
    /// The password.
    pub password: SecretText,
}

/// The credential that a value holds. `near` is the one whose server is meant where the value names none (an admin's).
pub fn credential(kind: &SecretKind, text: &SecretText, near: Option<&Credential>) -> Result<Credential, DocumentProblem> {
    let document = SecretDocument::parse(text)?;
    let default_fields = ConnectionFields::default();
    let (fields, host, port, database) = match kind {
        SecretKind::Postgresql(Postgresql { fields, host, port, database, .. }) => (fields, host.clone(), *port, database.clone()),
        SecretKind::Redis(Redis { fields, host, port, .. }) => (fields, host.clone(), *port, None),
        SecretKind::Elasticache(Elasticache { fields, .. }) => (fields, None, None, None),
        SecretKind::Keys(_) | SecretKind::Issued(_) => return Err(DocumentProblem::Missing { field: default_fields.password }),
    };
    let fields = if near.is_some() { &default_fields } else { fields };
    let (near_host, near_port) = near.map_or((None, None), |near| (near.host.clone(), near.port));
    let found = Credential {
        host: near_host.or(document.plain(&fields.host)?).or(host),
        port: near_port.or(document.port(&fields.port)?).or(port),
        database: near.and_then(|near| near.database.clone()).or(document.plain(&fields.database)?).or(database),
        user: document.plain(&fields.username)?,
        password: document.text(&fields.password)?,
    };
    let missing = |field: &str| Err(DocumentProblem::Missing { field: field.to_owned() });
    match kind {
        SecretKind::Postgresql(_) | SecretKind::Redis(_) if found.host.is_none() => missing(&fields.host),
        SecretKind::Postgresql(_) if found.user.is_none() => missing(&fields.username),
        SecretKind::Elasticache(Elasticache { user_id: Some(_), .. }) if found.user.is_none() => missing(&fields.username),
        _ => Ok(found),
    }
}

/// The user that a value logs in, where its kind has users; an error if it cannot be used at all.
pub fn user_of(kind: &SecretKind, text: &SecretText) -> Result<Option<String>, DocumentProblem> {
    match kind {
        SecretKind::Postgresql(_) | SecretKind::Redis(_) | SecretKind::Elasticache(_) => Ok(credential(kind, text, None)?.user),
        SecretKind::Keys(keys) => SecretDocument::parse(text)?.text(&keys.field).map(|_| None),
        SecretKind::Issued(issued) => key_of(issued, text).map(|_| None),
    }
}

/// The key in the value of a secret that is issued elsewhere.
pub fn key_of(issued: &Issued, text: &SecretText) -> Result<SecretText, DocumentProblem> {
    match &issued.field {
        Some(field) => SecretDocument::parse(text)?.text(field),
        None if text.reveal().trim().is_empty() => Err(wrong(WHOLE, "it is empty")),
        None => Ok(text.clone()),
    }
}

/// The value that follows on `current`. `dice` fills a slice with random bytes of the operating system. A key that is issued
/// elsewhere comes from a person through [`with_key`] and has no draft.
pub fn draft(kind: &SecretKind, current: &SecretText, dice: &mut dyn FnMut(&mut [u8])) -> Result<SecretText, DocumentProblem> {
    let mut document = SecretDocument::parse(current)?;
    match kind {
        SecretKind::Postgresql(Postgresql { users, fields, password, .. }) => {
            let user = credential(kind, current, None)?.user.unwrap_or_default();
            if *users == PostgresqlUsers::Alternating {
                document.set(&fields.username, &SecretText::new(twin_of(&user, &fields.username)?));
            }
            document.set(&fields.password, &new_password(password, dice));
        }
        SecretKind::Redis(Redis { fields, password, .. }) | SecretKind::Elasticache(Elasticache { fields, password, .. }) => {
            credential(kind, current, None)?;
            document.set(&fields.password, &new_password(password, dice));
        }
        SecretKind::Keys(keys) => {
            let signs = document.text(&keys.field)?;
            // A next key that nobody has published yet must not sign: the first rotation publishes one and changes nothing else.
            if let Ok(next) = document.text(&keys.next_field) {
                document.set(&keys.field, &next);
                document.set(&keys.previous_field, &signs);
            }
            document.set(&keys.next_field, &new_key(keys, dice));
        }
        SecretKind::Issued(Issued { field, .. }) => {
            return Err(wrong(field.as_deref().unwrap_or(WHOLE), "only its issuer can make a new one"));
        }
    }
    Ok(document.to_text())
}

/// Whether `pending` goes on from `current`: another password for the right user of the same server, or the next keys.
pub fn continues(kind: &SecretKind, current: &SecretText, pending: &SecretText) -> Result<(), DocumentProblem> {
    let breaks = |why: &'static str| Err(DocumentProblem::DoesNotFollow { why });
    match kind {
        SecretKind::Postgresql(_) | SecretKind::Redis(_) | SecretKind::Elasticache(_) => {
            let (old, new) = (credential(kind, current, None)?, credential(kind, pending, None)?);
            let place = |of: &Credential| (of.host.clone(), of.port, of.database.clone());
            if place(&old) != place(&new) {
                return breaks("it is for another server or database than the current version");
            }
            if old.password == new.password {
                return breaks("it has the current version's password");
            }
            let expected = match kind {
                SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Alternating, fields, .. }) => {
                    Some(twin_of(&old.user.unwrap_or_default(), &fields.username)?)
                }
                _ => old.user,
            };
            if new.user == expected { Ok(()) } else { breaks("it is for another user than the one whose turn it is") }
        }
        SecretKind::Keys(keys) => {
            let (old, new) = (SecretDocument::parse(current)?, SecretDocument::parse(pending)?);
            let (signs, signed) = (new.text(&keys.field)?, old.text(&keys.field)?);
            let is_next = old.text(&keys.next_field).map_or(signs == signed, |next| signs == next);
            let keeps_old = signs == signed || new.text(&keys.previous_field).is_ok_and(|previous| previous == signed);
            let has_next = new.text(&keys.next_field).is_ok_and(|next| next != signs);
            if is_next && keeps_old && has_next { Ok(()) } else { breaks("its keys do not follow on those of the current version") }
        }
        SecretKind::Issued(issued) => match key_of(issued, current).is_ok_and(|old| key_of(issued, pending).is_ok_and(|new| new == old)) {
            true => breaks("it is the key that is current already"),
            false => key_of(issued, pending).map(|_| ()),
        },
    }
}

/// The other one of two alternating users.
fn twin_of(user: &str, field: &str) -> Result<String, DocumentProblem> {
    match user.strip_suffix(TWIN_ENDING) {
        Some(base) if !base.is_empty() => Ok(base.to_owned()),
        _ if user.len() + TWIN_ENDING.len() > LONGEST_USER => Err(wrong(field, "with _clone behind it the name is longer than 63 bytes")),
        _ => Ok(format!("{user}{TWIN_ENDING}")),
    }
}

/// The one of two alternating users that the other is made like.
pub fn base_of(user: &str) -> &str {
    user.strip_suffix(TWIN_ENDING).filter(|base| !base.is_empty()).unwrap_or(user)
}

/// Each character equally likely: a byte that would favour the first ones is thrown away.
fn new_password(rule: &PasswordRule, dice: &mut dyn FnMut(&mut [u8])) -> SecretText {
    let letters: Vec<char> = rule.characters.chars().collect();
    let count = letters.len().clamp(1, 256);
    let fair = 256 - 256 % count;
    let mut password = String::with_capacity(usize::from(rule.length) * 4);
    let mut bytes = [0_u8; 64];
    let mut left = usize::from(rule.length);
    while left > 0 {
        dice(&mut bytes);
        for byte in bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair).take(left) {
            password.extend(letters.get(byte % count));
            left -= 1;
        }
    }
    bytes.zeroize();
    SecretText::new(password)
}

fn new_key(keys: &Keys, dice: &mut dyn FnMut(&mut [u8])) -> SecretText {
    use base64::Engine;
    let mut bytes = vec![0_u8; usize::from(keys.bytes)];
    dice(&mut bytes);
    let text = match keys.encoding {
        KeyEncoding::Base64url => base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes),
        KeyEncoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    bytes.zeroize();
    SecretText::new(text)
}

/// The value with another key in it, as a person hands it in; the other fields stay.
pub fn with_key(issued: &Issued, current: &SecretText, key: &SecretText) -> Result<SecretText, DocumentProblem> {
    match &issued.field {
        None => Ok(key.clone()),
        Some(field) => {
            let mut document = SecretDocument::parse(current)?;
            document.set(field, key);
            Ok(document.to_text())
        }
    }
}
