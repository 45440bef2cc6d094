//! Links and codes of approvals: what a link says, signed; and the code that a person types, made from the same words.
//!
//! Owns how both are written and checked. Nothing secret is stored: who holds the key makes the same link and the same code
//! again. A link proves what was asked of whom and nothing else: the ledger decides whether the question still stands.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

use crate::fleet::{ApproverName, SystemName};
use crate::ledger::ServiceKey;
use crate::release::ReleaseId;

/// The form of links; another form gets another word, so that neither is ever read as the other.
const FORM: &str = "ns1";
/// Different first bytes for link and code: a part of the one is never the other (domain separation).
const FOR_LINKS: &[u8] = b"nightshift approval link 1\0";
const FOR_CODES: &[u8] = b"nightshift approval code 1\0";
/// A link of ours has some 400 characters; much longer text is not worth hashing.
const LONGEST: usize = 2_048;
/// The least that a key must have: as many bytes as SHA-256 gives (RFC 2104, section 3).
const LEAST_KEY_BYTES: usize = 32;
/// 40 bits, eight characters: with five tries a guess succeeds once in 200,000,000,000.
const CODE_BYTES: usize = 5;
/// Crockford's base 32: no I, L, O and U, so that what is read is what is typed.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The key with which links are signed and codes are made. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub struct ApprovalKey {
    mac: Hmac<Sha256>,
}

/// The key is too short to be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the approval key has {bytes} bytes; store at least {LEAST_KEY_BYTES} random characters in its secret")]
pub struct WeakKey {
    /// How long it is.
    pub bytes: usize,
}

/// What a link says: who is asked what, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// What is asked.
    pub about: About,
    /// Who is asked.
    pub approver: ApproverName,
    /// Until when the link is good, in whole seconds.
    pub expires_at: Timestamp,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum About {
    /// Whether a release may enter a stage, or pass without a scan's result.
    #[serde(rename = "r")]
    Release {
        /// The service.
        #[serde(flatten)]
        key: ServiceKey,
        /// The release.
        #[serde(rename = "r")]
        release: ReleaseId,
        /// Its image's digest; empty for a restart.
        #[serde(rename = "d")]
        digest: String,
        /// The stage, or [`Gate::SCAN`](crate::release::Gate::SCAN).
        #[serde(rename = "s")]
        stage: String,
    },
    /// Whether a CodePipeline pipeline may go on.
    #[serde(rename = "p")]
    Pipeline {
        /// The system whose fleet file names the pipeline.
        #[serde(rename = "y")]
        system: SystemName,
        /// The pipeline.
        #[serde(rename = "p")]
        pipeline: String,
        /// Which of its questions: [`PipelineQuestion::id`](super::PipelineQuestion::id).
        #[serde(rename = "q")]
        question: String,
    },
}

/// Why a link is not good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Not a link of ours: cut off, or something else.
    #[error("the link is not complete")]
    Malformed,
    /// Not signed with this key: changed on its way, or signed before the key was replaced.
    #[error("the link's signature is not right")]
    Forged,
    /// Signed by us, and over.
    #[error("the link was good until {}", .0.expires_at)]
    Expired(Box<Claims>),
}

impl TokenError {
    /// The error as a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Expired(_) => "expired",
        }
    }
}

/// The signed words as they are written.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "q")]
    about: About,
    #[serde(rename = "a")]
    approver: ApproverName,
    #[serde(rename = "e")]
    expires_at: i64,
}

impl ApprovalKey {
    /// The key from a secret's bytes, whatever they are.
    pub fn new(secret: &[u8]) -> Result<Self, WeakKey> {
        let weak = WeakKey { bytes: secret.len() };
        if secret.len() < LEAST_KEY_BYTES {
            return Err(weak);
        }
        Hmac::new_from_slice(secret).map(|mac| Self { mac }).map_err(|_| weak)
    }

    /// The signed text that a link carries; the same claims give the same text.
    pub fn token(&self, claims: &Claims) -> String {
        let words = words(claims);
        let signature = self.signature(FOR_LINKS, words.as_bytes()).finalize().into_bytes();
        format!("{words}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a link says, if it is ours and still good. Compared in constant time.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed);
        }
        let (words, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let payload = words.strip_prefix(FORM).and_then(|rest| rest.strip_prefix('.')).ok_or(TokenError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        self.signature(FOR_LINKS, words.as_bytes()).verify_slice(&signature).map_err(|_| TokenError::Forged)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| TokenError::Malformed)?;
        let written: Written = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
        let expires_at = Timestamp::from_second(written.expires_at).map_err(|_| TokenError::Malformed)?;
        let claims = Claims { about: written.about, approver: written.approver, expires_at };
        if now >= expires_at { Err(TokenError::Expired(Box::new(claims))) } else { Ok(claims) }
    }

    /// The code that this approver types for this question: `ABCD-EFGH`.
    pub fn code(&self, claims: &Claims) -> String {
        let mac = self.signature(FOR_CODES, words(claims).as_bytes()).finalize().into_bytes();
        let bits = mac.iter().take(CODE_BYTES).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let letter = |place: u32| LETTERS.get((bits >> (5 * place) & 31) as usize).map_or('0', |letter| char::from(*letter));
        let half = |from: u32| (from - 4..from).rev().map(letter).collect::<String>();
        format!("{}-{}", half(8), half(4))
    }

    /// Whether this is the code, however it was typed: in small letters, with blanks, with O for 0 and I or L for 1. Compared
    /// in constant time.
    pub fn is_code(&self, claims: &Claims, typed: &str) -> bool {
        let Some(bits) = typed_bits(typed) else { return false };
        let bytes = bits.to_be_bytes();
        let Some(bytes) = bytes.get(bytes.len() - CODE_BYTES..) else { return false };
        self.signature(FOR_CODES, words(claims).as_bytes()).verify_truncated_left(bytes).is_ok()
    }

    /// Whether it could be a code at all. What could not (an empty field, the fillings of a scanner) is no guess, and need not
    /// be counted as one.
    pub fn looks_like_code(typed: &str) -> bool {
        typed_bits(typed).is_some()
    }

    fn signature(&self, label: &[u8], words: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(label).chain_update(words)
    }
}

impl fmt::Debug for ApprovalKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApprovalKey(***)")
    }
}

impl Claims {
    /// The claims with their time in whole seconds, as a link can carry it.
    pub fn new(about: About, approver: ApproverName, expires_at: Timestamp) -> Self {
        Self { about, approver, expires_at: Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at) }
    }
}

/// What is signed: form and claims. It is the text that is signed, so that no two texts say the same with one signature.
fn words(claims: &Claims) -> String {
    let Claims { about, approver, expires_at } = claims.clone();
    let written = Written { about, approver, expires_at: expires_at.as_second() };
    // Names, texts and a number: writing them as JSON cannot fail.
    let payload = serde_json::to_vec(&written).unwrap_or_default();
    format!("{FORM}.{}", URL_SAFE_NO_PAD.encode(payload))
}

/// The forty bits of a typed code; none if it is no code at all.
fn typed_bits(typed: &str) -> Option<u64> {
    let (mut bits, mut count) = (0_u64, 0);
    for letter in typed.chars().filter(|letter| !is_separator(*letter)) {
        let letter = match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let value = LETTERS.iter().position(|known| char::from(*known) == letter)?;
        bits = bits << 5 | value as u64;
        count += 1;
        if count > 8 {
            return None;
        }
    }
    (count == 8).then_some(bits)
}

/// Blanks, and the hyphens and dashes that telephones make of them.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}' | '\u{feff}')
}
