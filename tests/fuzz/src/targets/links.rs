//! Links and codes of approvals.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use nightshift_core::release::approve::{ApprovalKey, TokenError};
use sha2::Sha256;

use super::text;
use crate::samples;

/// A link's text and, behind a line break, a typed code. Nothing that is not signed is ever taken.
pub(super) fn link(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (token, typed) = text.split_once('\n').unwrap_or((text, ""));
    let (key, now) = (samples::key(), samples::now());
    let [good, other] = samples::claims();
    match key.read(token, now) {
        Ok(claims) => {
            assert!(claims == good || claims == other, "a link that nobody signed: {token}");
            assert_eq!(key.token(&claims), token, "two texts with one signature");
        }
        Err(error) => assert!(!error.code().is_empty() && !error.to_string().is_empty()),
    }
    if key.is_code(&good, typed) {
        assert!(ApprovalKey::looks_like_code(typed));
        assert_eq!(plain(typed), plain(&key.code(&good)), "another code than the one in the mail");
    }
}

/// The letters of a code as the page reads them.
fn plain(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    letters
        .map(|letter| if letter == 'O' { '0' } else { letter })
        .map(|letter| if matches!(letter, 'I' | 'L') { '1' } else { letter })
        .collect()
}

/// Words that are signed as ours are, whatever they say: what is inside a link is read with the same care.
pub(super) fn signed(payload: &[u8]) {
    let words = format!("ns1.{}", URL_SAFE_NO_PAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(samples::KEY).expect("a key");
    mac.update(b"nightshift approval link 1\0");
    mac.update(words.as_bytes());
    let token = format!("{words}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    let key = samples::key();
    match key.read(&token, samples::now()) {
        Ok(claims) => {
            let again = key.read(&key.token(&claims), samples::now());
            assert_eq!(again.as_ref(), Ok(&claims), "what was read cannot be signed");
            assert!(key.is_code(&claims, &key.code(&claims)));
        }
        Err(TokenError::Expired(claims)) => assert!(claims.expires_at <= samples::now()),
        Err(TokenError::Malformed) => {}
        Err(TokenError::Forged) => assert!(token.len() > 2_048, "this target does not sign as Nightshift does any more"),
    }
}

/// Good links with right and wrong codes.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let key = samples::key();
    let mut seeds = vec![b"ns1..\n".to_vec(), b"ns1.e30.AAAA\nabcd-efgh".to_vec(), b"\nO0O0 ILil".to_vec()];
    for claims in samples::claims() {
        seeds.push(format!("{}\n{}", key.token(&claims), key.code(&claims)).into_bytes());
    }
    seeds
}

/// What stands inside good links.
pub(super) fn payload_seeds() -> Vec<Vec<u8>> {
    let of = |claims| {
        let token = samples::key().token(&claims);
        let payload = token.split('.').nth(1).expect("three parts").to_owned();
        URL_SAFE_NO_PAD.decode(payload).expect("its own encoding")
    };
    samples::claims().into_iter().map(of).collect()
}
