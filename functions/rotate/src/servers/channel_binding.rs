//! `tls-server-end-point`: the hash of the server's certificate that SCRAM mixes into its proof (RFC 5929, section 4), so that
//! nobody in between can pass a login on, even with a certificate that we would trust.
//!
//! Reads of a certificate only which hash its signature uses. What it does not know has no binding; PostgreSQL then takes
//! SCRAM without.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// DER's tags (X.690).
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// Signature algorithms by their object identifiers' bytes (RFC 4055 and RFC 5758). MD5 and SHA-1 count as SHA-256.
const SHA_256: [&[u8]; 4] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
];
const SHA_384: [&[u8]; 2] = [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]];
const SHA_512: [&[u8]; 2] = [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d], &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04]];

/// The hash, if the certificate's signature has one of the usual algorithms.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = signature_algorithm(certificate)?;
    if SHA_256.contains(&algorithm) {
        Some(Sha256::digest(certificate).to_vec())
    } else if SHA_384.contains(&algorithm) {
        Some(Sha384::digest(certificate).to_vec())
    } else if SHA_512.contains(&algorithm) {
        Some(Sha512::digest(certificate).to_vec())
    } else {
        None
    }
}

/// A certificate is a sequence of what is signed, the signature's algorithm, and the signature (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (_, behind_signed) = element(whole, SEQUENCE)?;
    let (algorithm, _) = element(behind_signed, SEQUENCE)?;
    element(algorithm, OBJECT_IDENTIFIER).map(|(identifier, _)| identifier)
}

/// The content of the first element, which must have this tag, and what comes behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        short @ 0..0x80 => (usize::from(*short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().try_fold(0_usize, |length, digit| length.checked_mul(256)?.checked_add(usize::from(*digit)))?, rest)
        }
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_with_an_unknown_or_broken_signature_has_no_binding() {
        assert_eq!(server_end_point(&[]), None);
        assert_eq!(server_end_point(&[0x30, 0x82, 0xff]), None);
        // Ed25519 (RFC 8410) signs without a hash of its own.
        assert_eq!(server_end_point(&[0x30, 0x09, 0x30, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70]), None);
    }

    #[test]
    fn the_hash_is_the_one_of_the_signature() {
        for (oid, length) in [(SHA_256[1], 32), (SHA_384[1], 48), (SHA_512[1], 64)] {
            let mut certificate = vec![0x30, 14, 0x30, 0x00, 0x30, 10, 0x06, 8];
            certificate.extend_from_slice(oid);
            assert_eq!(server_end_point(&certificate).map(|hash| hash.len()), Some(length));
        }
    }
}
