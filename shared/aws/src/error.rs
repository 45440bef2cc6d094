//! SDK errors to the five kinds of [`PortError`], here and nowhere else.
//!
//! Owns which AWS error code means what. Messages are one short line: AWS's later lines can repeat the signed request, and
//! with it a session token.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use nightshift_core::ports::{PortError, PortErrorKind};

/// How many characters of a message are kept.
const MESSAGE_LENGTH: usize = 200;

/// Codes without their ending `Exception` or `Fault`; services of the query protocols leave it out themselves. Whatever is
/// in none of the lists is judged by its HTTP status. All that end in `NotFound` or begin with `NoSuch` are not found.
const NOT_FOUND: [&str; 4] = ["DoesNotExist", "InvocationDoesNotExist", "ServiceNotActive", "DaemonNotActive"];
/// All that end in `AlreadyExists` or begin with `Duplicate` are conflicts, too.
const CONFLICT: [&str; 38] = [
    "ApprovalAlreadyCompleted",
    "ConditionalCheckFailed",
    "Conflict",
    "ConcurrentModification",
    "ConcurrentUpdate",
    "DeleteConflict",
    "DependencyViolation",
    "DurableExecutionAlreadyStarted",
    "EntityTemporarilyUnmodifiable",
    "IncorrectInstanceState",
    "IncorrectState",
    "InstanceRefreshInProgress",
    "InvalidApprovalToken",
    "InvalidCacheClusterState",
    "InvalidIfMatchVersion",
    "InvalidReplicationGroupState",
    "InvalidUserGroupState",
    "InvalidUserState",
    "IrreversibleInstanceRefresh",
    "NotLatestPipelineExecution",
    "OperationAborted",
    "PipelineExecutionNotStoppable",
    "PreconditionFailed",
    "PriorityInUse",
    "ResourceConflict",
    "ResourceContention",
    "ResourceExists",
    "ResourceInUse",
    "ResourceNotReady",
    "ResourcePolicyConflict",
    "ScalingActivityInProgress",
    "SnapStartNotReady",
    "StageNotRetryable",
    "TooManyUpdates",
    "TransactionConflict",
    "TransactionInProgress",
    "TrustStoreNotReady",
    "UpdateInProgress",
];
const THROTTLED: [&str; 10] = [
    "TooManyRequests",
    "TooManyInvalidationsInProgress",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceeded",
    "BandwidthLimitExceeded",
    "EC2Throttled",
    "KMSThrottling",
    "PriorRequestNotComplete",
    "RequestThrottled",
    "SlowDown",
];
const UNAVAILABLE: [&str; 8] = [
    "Internal",
    "InternalFailure",
    "InternalServerError",
    "InternalService",
    "InternalServiceError",
    "RequestTimeout",
    "Server",
    "ServiceUnavailable",
];

/// An SDK error as one of the five kinds. `operation` is the IAM action of the call, such as `ecs:DescribeServices`.
pub(crate) fn port_error<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, message) = match &error {
        SdkError::TimeoutError(_) => (PortErrorKind::Unavailable, "no answer within the call's time limit".to_owned()),
        SdkError::DispatchFailure(failure) => {
            dispatch_failure(&failure.as_connector_error().map(|cause| innermost(cause)).unwrap_or_default())
        }
        SdkError::ResponseError(_) => (PortErrorKind::Unavailable, format!("the answer cannot be read: {}", innermost(&error))),
        SdkError::ServiceError(answer) => refusal(answer.err(), answer.raw()),
        // Built from what we passed: asking again would be refused again.
        _ => (PortErrorKind::Denied, format!("the request cannot be made: {}", innermost(&error))),
    };
    PortError::new(kind, operation, shorten(&message))
}

/// One line of at most 200 characters.
pub(crate) fn shorten(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(MESSAGE_LENGTH) {
        None => line.to_owned(),
        Some((_, _)) => line.chars().take(MESSAGE_LENGTH - 3).chain("...".chars()).collect(),
    }
}

fn refusal(error: &impl ProvideErrorMetadata, answer: &HttpResponse) -> (PortErrorKind, String) {
    let status = answer.status().as_u16();
    let code = error.code().unwrap_or_default();
    let text = error.message().unwrap_or_default();
    let message = match (code, text) {
        ("", "") => format!("HTTP {status}: {}", body_start(answer)),
        ("", text) => text.to_owned(),
        (code, "") => format!("{code} (HTTP {status})"),
        (code, text) => format!("{code}: {text}"),
    };
    (kind_of(code, text, status), message)
}

/// A code without the ending that only some protocols give it.
pub(crate) fn bare(code: &str) -> &str {
    code.strip_suffix("Exception").or_else(|| code.strip_suffix("Fault")).unwrap_or(code)
}

/// The kind of a code that stands in an answer, for one of several entries.
pub(crate) fn kind_of_code(code: &str, text: &str) -> PortErrorKind {
    kind_of(code, text, 200)
}

fn kind_of(code: &str, text: &str, status: u16) -> PortErrorKind {
    let bare = bare(code);
    let is_missing = bare.ends_with("NotFound") || bare.starts_with("NoSuch") || NOT_FOUND.contains(&bare);
    let is_taken = bare.ends_with("AlreadyExists") || bare.starts_with("Duplicate") || CONFLICT.contains(&bare);
    if is_missing || names_what_is_missing(bare, text) {
        PortErrorKind::NotFound
    } else if is_taken || names_a_race(bare, text) {
        PortErrorKind::Conflict
    } else if bare.starts_with("Throttl") || THROTTLED.contains(&bare) || status == 429 {
        PortErrorKind::Throttled
    } else if bare.contains("AccessDenied") {
        // Lambda gives some of these a status of the five hundreds.
        PortErrorKind::Denied
    } else if UNAVAILABLE.contains(&bare) || status >= 500 {
        PortErrorKind::Unavailable
    } else {
        PortErrorKind::Denied
    }
}

/// Auto Scaling says `ValidationError` for a group that is not there, ECS says `ClientException` for a task definition;
/// both say so only in words.
fn names_what_is_missing(bare: &str, text: &str) -> bool {
    let is_said = |words: &str| text.contains(words);
    match bare {
        "ValidationError" => is_said("not found"),
        "Client" => {
            is_said("Unable to describe task definition")
                || is_said("TaskDefinition not found")
                || is_said("task definition does not exist")
        }
        _ => false,
    }
}

/// Two registrations of one family at the same moment: ECS has no code for it (ECS, "RegisterTaskDefinition").
fn names_a_race(bare: &str, text: &str) -> bool {
    bare == "Client" && text.contains("Too many concurrent attempts to create a new revision")
}

fn dispatch_failure(cause: &str) -> (PortErrorKind, String) {
    match cause.contains("certificate") {
        true => {
            let remedy = "if a proxy or a private endpoint is meant to answer, put its root into AWS_CA_BUNDLE";
            (PortErrorKind::Denied, format!("TLS: {cause}; {remedy}"))
        }
        false => (PortErrorKind::Unavailable, format!("AWS cannot be reached: {cause}")),
    }
}

/// What went wrong first; the errors around it only say that something did.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn body_start(answer: &HttpResponse) -> String {
    let body = answer.body().bytes().unwrap_or_default();
    String::from_utf8_lossy(body.get(..MESSAGE_LENGTH.min(body.len())).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use PortErrorKind::{Conflict, Denied, NotFound, Throttled, Unavailable};
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    fn answered(status: u16, code: &str, text: &str, body: &str) -> PortError {
        let raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
        let mut metadata = ErrorMetadata::builder();
        if !code.is_empty() {
            metadata = metadata.code(code);
        }
        if !text.is_empty() {
            metadata = metadata.message(text);
        }
        port_error("ecs:DescribeServices", SdkError::service_error(metadata.build(), raw))
    }

    #[test]
    fn codes_and_statuses_have_their_kinds() {
        let table = [
            (400, "ResourceNotFoundException", "Requested resource not found", NotFound),
            (400, "ClusterNotFoundException", "Cluster not found.", NotFound),
            (400, "ServiceNotFoundException", "Service not found.", NotFound),
            (400, "ServiceNotActiveException", "Service was not ACTIVE.", NotFound),
            (404, "NotFound", "Topic does not exist", NotFound),
            (400, "ValidationError", "AutoScalingGroup name not found - null", NotFound),
            (400, "ValidationError", "New SetDesiredCapacity value 12 is above max value 10", Denied),
            (400, "ClientException", "Unable to describe task definition.", NotFound),
            (400, "ClientException", "TaskDefinition not found.", NotFound),
            (400, "ClientException", "Too many concurrent attempts to create a new revision of the specified family.", Conflict),
            (400, "ClientException", "Invalid cluster", Denied),
            (400, "ConditionalCheckFailedException", "The conditional request failed", Conflict),
            (409, "ConflictException", "Schedule x already exists.", Conflict),
            (400, "ScalingActivityInProgress", "Scaling activity in progress", Conflict),
            (500, "ResourceContentionFault", "resource contention", Conflict),
            (400, "UpdateInProgressException", "", Conflict),
            (400, "ServiceDeploymentNotFoundException", "", NotFound),
            (400, "ImageNotFoundException", "", NotFound),
            (400, "ScanNotFoundException", "", NotFound),
            (400, "LimitExceededException", "", Denied),
            (400, "InvalidLaunchTemplateName.NotFoundException", "", NotFound),
            (400, "InvalidLaunchTemplateId.NotFound", "", NotFound),
            (400, "InvalidLaunchTemplateId.VersionNotFound", "", NotFound),
            (400, "InvalidLaunchTemplateName.AlreadyExistsException", "", Conflict),
            (400, "InvalidLaunchTemplateName.MalformedException", "", Denied),
            (403, "UnauthorizedOperation", "", Denied),
            (404, "NoSuchEntity", "", NotFound),
            (409, "EntityAlreadyExists", "", Conflict),
            (400, "TargetGroupNotFound", "", NotFound),
            (400, "PriorityInUse", "", Conflict),
            (404, "NoSuchDistribution", "", NotFound),
            (412, "PreconditionFailed", "", Conflict),
            (400, "TooManyInvalidationsInProgress", "", Throttled),
            (400, "ActiveInstanceRefreshNotFound", "", NotFound),
            (400, "IrreversibleInstanceRefresh", "", Conflict),
            (400, "ApprovalAlreadyCompletedException", "", Conflict),
            (400, "InvalidApprovalTokenException", "", Conflict),
            (400, "PipelineNotFoundException", "", NotFound),
            (400, "ResourceExistsException", "", Conflict),
            (400, "InvalidReplicationGroupState", "", Conflict),
            (400, "InvalidUserState", "", Conflict),
            (404, "ReplicationGroupNotFoundFault", "", NotFound),
            (404, "UserNotFound", "", NotFound),
            (400, "InvalidParameterValue", "", Denied),
            (400, "DecryptionFailure", "", Denied),
            (400, "InternalServiceError", "", Unavailable),
            (409, "ResourceConflictException", "", Conflict),
            (502, "ResourceNotReadyException", "", Conflict),
            (502, "KMSAccessDeniedException", "", Denied),
            (400, "ThrottlingException", "Rate exceeded", Throttled),
            (400, "Throttling", "Rate exceeded", Throttled),
            (400, "ThrottledException", "", Throttled),
            (400, "TooManyRequestsException", "", Throttled),
            (503, "RequestLimitExceeded", "", Throttled),
            (400, "ProvisionedThroughputExceededException", "", Throttled),
            (429, "", "", Throttled),
            (400, "AccessDeniedException", "User is not authorized", Denied),
            (403, "AccessDenied", "", Denied),
            (403, "AuthorizationError", "", Denied),
            (400, "UnrecognizedClientException", "", Denied),
            (400, "ExpiredTokenException", "", Denied),
            (400, "InvalidParameterException", "", Denied),
            // A quota, not a rate: only a person can raise it.
            (400, "LimitExceeded", "", Denied),
            (402, "ServiceQuotaExceededException", "", Denied),
            (400, "SomethingNew", "", Denied),
            (500, "ServerException", "", Unavailable),
            (500, "InternalServerError", "", Unavailable),
            (400, "RequestTimeout", "", Unavailable),
            (502, "", "", Unavailable),
        ];
        for (status, code, text, kind) in table {
            assert_eq!(answered(status, code, text, "").kind, kind, "{status} {code} {text}");
        }
    }

    #[test]
    fn a_message_is_one_short_line_with_its_code() {
        let error = answered(403, "SignatureDoesNotMatch", "The signature does not match.\n\nx-amz-security-token:SECRET", "");
        assert_eq!(error.to_string(), "ecs:DescribeServices: denied (SignatureDoesNotMatch: The signature does not match.)");
        let long = answered(400, "X", &"\u{e9}".repeat(500), "").message;
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with("..."));
        assert_eq!(answered(502, "", "", "<html>Bad Gateway").message, "HTTP 502: <html>Bad Gateway");
    }

    #[test]
    fn no_answer_is_unavailable_but_a_wrong_certificate_needs_a_person() {
        let dispatch = |text: &str| {
            let failure = ConnectorError::io(std::io::Error::other(text).into());
            port_error("sns:Publish", SdkError::<ErrorMetadata, _>::dispatch_failure(failure))
        };
        let refused = dispatch("connection refused");
        assert_eq!((refused.kind, refused.message.as_str()), (Unavailable, "AWS cannot be reached: connection refused"));
        let untrusted = dispatch("invalid peer certificate: UnknownIssuer");
        assert_eq!(untrusted.kind, Denied);
        assert!(untrusted.message.contains("AWS_CA_BUNDLE"));
        let late = port_error("sns:Publish", SdkError::<ErrorMetadata, _>::timeout_error("late"));
        assert_eq!(late.kind, Unavailable);
    }
}
