//! Certificates as PEM (RFC 7468), as far as a text can be told to be some; whether they are good, the connection says.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::names::Wrong;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const HELP: &str = "write the certificates themselves: ca: | and under it, indented, each from BEGIN to END CERTIFICATE";

/// What is wrong with a text that should be one or more certificates.
pub(super) fn check_certificates(text: &str) -> Result<(), Wrong> {
    let wrong = |problem: &str, help: &str| Err((problem.to_owned(), help.to_owned()));
    if text.contains("PRIVATE KEY-----") {
        return wrong(
            "this is a private key, and everybody who reads this file has it now",
            "write the certificates alone, and make a new key",
        );
    }
    let mut blocks = text.split(BEGIN);
    if !blocks.next().is_some_and(is_explanation) || !text.contains(BEGIN) {
        return wrong("these are no certificates in PEM", HELP);
    }
    for block in blocks {
        let Some((inner, after)) = block.split_once(END) else {
            return wrong("a certificate that begins here has no end", HELP);
        };
        let packed: String = inner.split_whitespace().collect();
        // DER: a certificate is a sequence, whose tag is 0x30.
        let is_certificate = STANDARD.decode(packed).is_ok_and(|bytes| bytes.first() == Some(&0x30) && bytes.len() > 2);
        if !is_certificate || !is_explanation(after) {
            return wrong("one of these certificates is damaged", HELP);
        }
    }
    Ok(())
}

/// RFC 7468 allows text around the blocks, which `openssl` writes; but no other block.
fn is_explanation(text: &str) -> bool {
    !text.contains("-----")
}
