//! What Secrets Manager means when it refuses, and what a person can do about it.
//!
//! Owns reading its words, as far as one code stands for several things. Never repeats more of them than they are sure to be
//! free of values: those of other codes do not come this far (`call/answer.rs`).

use nightshift_core::ports::{PortError, PortErrorKind};

/// Whether the code is this one; services give it with and without its ending.
fn has_code(error: &PortError, code: &str) -> bool {
    error.message.strip_prefix(code).is_some_and(|rest| rest.starts_with("Exception") || rest.starts_with([':', ' ']) || rest.is_empty())
}

/// Whether the secret is there and the version is not, has no value, or is not the one with the label. GetSecretValue names
/// the staging label or the version id after "secret value", and says so in an InvalidRequestException where both were asked
/// for and do not belong together.
pub(super) fn is_of_version(error: &PortError) -> bool {
    let says = |words: &str| error.message.contains(words);
    match error.kind {
        PortErrorKind::NotFound => says("specified secret value") || says("specified secret version"),
        _ => has_code(error, "InvalidRequest") && says("not associated"),
    }
}

/// Whether a label could not be moved because it, or the version, is not where it was seen. InvalidParameterException has
/// words that are not shown; of what we send, nothing else can be wrong.
pub(super) fn is_of_labels(error: &PortError) -> bool {
    error.kind == PortErrorKind::NotFound || has_code(error, "InvalidParameter")
}

/// The error with a remedy, where its words are known.
pub(super) fn explained(error: PortError, secret: &str) -> PortError {
    let says = |words: &str| error.message.contains(words);
    let (kind, words) = if error.kind == PortErrorKind::NotFound {
        let words = format!("there is no secret {secret} in this account and region; create it, or correct its name");
        (PortErrorKind::NotFound, words)
    } else if has_code(&error, "InvalidRequest") && (says("marked for deletion") || says("was deleted")) {
        let restore = "restore it with aws secretsmanager restore-secret, or take it out of the fleet file";
        (PortErrorKind::Denied, format!("{secret} is about to be deleted; {restore}"))
    } else if has_code(&error, "InvalidRequest") && says("previous rotation") {
        let words = format!("a rotation of {secret} has not ended; see to it with nightshift secrets unstick, then try again");
        (PortErrorKind::Conflict, words)
    } else if is_of_key(&error) {
        let allow = "let the key's policy and the caller's policy allow kms:Decrypt and kms:GenerateDataKey on it";
        (PortErrorKind::Denied, format!("the KMS key of {secret} cannot be used ({}); {allow}", error.message))
    } else {
        return error;
    };
    PortError { kind, message: words, ..error }
}

fn is_of_key(error: &PortError) -> bool {
    let is_denied = error.kind == PortErrorKind::Denied;
    let names_key = error.message.contains("KMS") || error.message.contains("kms:");
    has_code(error, "DecryptionFailure") || has_code(error, "EncryptionFailure") || (is_denied && names_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use PortErrorKind::{Conflict, Denied, NotFound, Throttled};

    fn refused(kind: PortErrorKind, message: &str) -> PortError {
        PortError::new(kind, "secretsmanager:GetSecretValue", message)
    }

    #[test]
    fn each_refusal_has_its_kind_and_remedy() {
        let table = [
            (NotFound, "ResourceNotFoundException: Secrets Manager can't find the specified secret.", NotFound, "create it"),
            (
                Denied,
                "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
                Denied,
                "restore",
            ),
            (
                Denied,
                "InvalidRequestException: A previous rotation isn't complete. That rotation will be reattempted.",
                Conflict,
                "unstick",
            ),
            (Denied, "DecryptionFailure (HTTP 400)", Denied, "key's policy"),
            (Denied, "AccessDeniedException: Access to KMS is not allowed", Denied, "key's policy"),
            (Denied, "AccessDeniedException: User is not authorized to perform: secretsmanager:GetSecretValue", Denied, "not authorized"),
            (Throttled, "ThrottlingException: Rate exceeded", Throttled, "Rate exceeded"),
        ];
        for (kind, message, expected, words) in table {
            let explained = explained(refused(kind, message), "shop/db");
            assert!(explained.kind == expected && explained.message.contains(words), "{message}: {explained}");
        }
    }

    #[test]
    fn a_version_that_is_not_there_is_told_from_a_secret() {
        let is = |kind, message: &str| is_of_version(&refused(kind, message));
        let begin = "ResourceNotFoundException: Secrets Manager can't find the specified secret";
        assert!(is(NotFound, &format!("{begin} value for staging label: AWSPENDING")));
        assert!(is(NotFound, &format!("{begin} value for VersionId: 0f3c")));
        assert!(is(NotFound, &format!("{begin} version: 0f3c.")));
        assert!(!is(NotFound, &format!("{begin}.")));
        assert!(is(Denied, "InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId."));
        assert!(!is(Denied, "InvalidRequestException: it was marked for deletion"));
        assert!(!is(Denied, "AccessDeniedException: is not associated"));
    }

    #[test]
    fn codes_are_whole_words() {
        assert!(has_code(&refused(Denied, "InvalidParameterException (HTTP 400)"), "InvalidParameter"));
        assert!(has_code(&refused(Denied, "DecryptionFailure: no"), "DecryptionFailure"));
        assert!(!has_code(&refused(Denied, "InvalidParameterValue (HTTP 400)"), "InvalidParameter"));
    }
}
