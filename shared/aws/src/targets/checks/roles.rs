//! Whether the roles of tasks and the profile of instances exist, and may be used by what is to use them.

use serde_json::Value;

use super::{Seen, or_missing, without};
use crate::call::services::IAM;
use crate::call::{AwsCaller, Form};

const GET_ROLE: &str = "iam:GetRole";
const GET_PROFILE: &str = "iam:GetInstanceProfile";
/// Who assumes the roles of tasks, in every partition.
const TASKS: &str = "ecs-tasks.amazonaws.com";

/// The name in an ARN, which may have a path before it; a name stays what it is.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit_once('/').map_or(arn, |(_, name)| name)
}

pub(super) async fn look(caller: &AwsCaller, role: &str) -> Seen {
    let missing = || "there is no such role; create it, or deploy the stack that owns it".to_owned();
    let answer = caller.query(&IAM, GET_ROLE, &Form::new().with("RoleName", name(role))).await;
    let answer = match or_missing(answer, missing) {
        Ok(answer) => answer,
        Err(seen) => return seen,
    };
    let policy = answer.text("Role/AssumeRolePolicyDocument").ok_or_else(|| without(GET_ROLE, "AssumeRolePolicyDocument"))?;
    match may_assume(&decoded(policy), TASKS) {
        Some(true) => Ok(None),
        Some(false) => Ok(Some(format!("ECS may not assume it; allow {TASKS} sts:AssumeRole in its trust policy"))),
        None => Err(without(GET_ROLE, "trust policy that can be read")),
    }
}

pub(super) async fn look_at_profile(caller: &AwsCaller, profile: &str) -> Seen {
    let missing = || "there is no such instance profile; create it, or deploy the stack that owns it".to_owned();
    let answer = caller.query(&IAM, GET_PROFILE, &Form::new().with("InstanceProfileName", name(profile))).await;
    let answer = match or_missing(answer, missing) {
        Ok(answer) => answer,
        Err(seen) => return seen,
    };
    let profile = answer.first("InstanceProfile").ok_or_else(|| without(GET_PROFILE, "InstanceProfile"))?;
    let has_role = !profile.all("Roles/member").is_empty();
    Ok((!has_role).then(|| "it has no role, so its instances could not pull the image; add a role to it".to_owned()))
}

/// IAM writes policies percent-encoded (IAM API reference, Role).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a trust policy lets a service assume the role: some statement allows it and none denies it. Conditions are not
/// looked at. None if the policy cannot be read.
fn may_assume(policy: &str, service: &str) -> Option<bool> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = match policy.get("Statement")? {
        Value::Array(statements) => statements.as_slice(),
        one => std::slice::from_ref(one),
    };
    let concerns = |statement: &&Value| {
        let names_action = texts(statement.get("Action"))
            .any(|action| ["*", "sts:*", "sts:assumerole"].iter().any(|assuming| action.eq_ignore_ascii_case(assuming)));
        let principal = statement.get("Principal");
        let is_anybody = principal.and_then(Value::as_str) == Some("*");
        let services = principal.and_then(|principal| principal.get("Service"));
        names_action && (is_anybody || texts(services).any(|named| named == service || named == "*"))
    };
    let has = |effect: &str| {
        let mut of_effect = statements.iter().filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some(effect));
        // A denial under a condition holds only there, which is not ours to judge.
        of_effect.any(|statement| concerns(&statement) && (effect == "Allow" || statement.get("Condition").is_none()))
    };
    Some(has("Allow") && !has("Deny"))
}

/// A text, or each text of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let one = value.and_then(Value::as_str);
    let many = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_policy_is_read_in_all_its_spellings() {
        let table = [
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#,
                Some(true),
            ),
            (
                r#"{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]},"Action":["sts:TagSession","sts:AssumeRole"]}}"#,
                Some(true),
            ),
            (r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}"#, Some(true)),
            (r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#, Some(false)),
            (r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#, Some(false)),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:TagSession"}]}"#,
                Some(false),
            ),
            (
                r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"*"}]}"#,
                Some(false),
            ),
            (r#"{"Statement":[]}"#, Some(false)),
            ("{}", None),
            ("no policy", None),
        ];
        for (policy, expected) in table {
            assert_eq!(may_assume(policy, TASKS), expected, "{policy}");
        }
    }

    #[test]
    fn percent_codes_are_decoded_and_anything_else_stays() {
        assert_eq!(decoded("%7B%22a%22%3A%20%22%C3%BC%22%7D"), "{\"a\": \"\u{fc}\"}");
        assert_eq!(decoded("{\"100%\":\"50%zz%\"}"), "{\"100%\":\"50%zz%\"}");
    }
}
