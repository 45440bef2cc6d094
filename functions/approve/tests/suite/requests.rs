//! Requests in all the shapes that Lambda, browsers and others give them.

use serde_json::{Value, json};

use crate::fake::*;

fn with(mut event: Value, bend: impl FnOnce(&mut Value)) -> Value {
    bend(&mut event);
    event
}

fn right() -> String {
    format!("t={}&code={}&verdict=approve", link("ann"), code("ann"))
}

#[test]
fn a_form_is_read_plain_and_in_base_64_and_with_a_charset() {
    let plain = with(request("POST", "/", "", "text/plain", &right()), |event| {
        event["headers"] = json!({ "Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" });
    });
    let encoded = request("POST", "/", "", "application/x-www-form-urlencoded", &right());
    let without_slash = with(encoded.clone(), |event| event["rawPath"] = json!(""));
    for event in [plain, encoded, without_slash] {
        let deps = asking();
        assert_eq!((visit(&deps, &event).status, deps.estate.answered()), (200, 1), "{event}");
    }
}

#[test]
fn nothing_but_one_whole_form_answers() {
    let form = |body: &str| request("POST", "/", "", "application/x-www-form-urlencoded", body);
    let twice = format!("{}&code=AAAA-AAAA", right());
    let both = format!("{}&verdict=reject", right());
    let huge = format!("{}&x={}", right(), "y".repeat(20_000));
    let events = [
        // The whole answer in the query, by every method.
        request("GET", "/", &right(), "", ""),
        request("HEAD", "/", &right(), "", ""),
        request("POST", "/", &right(), "", ""),
        request("POST", "/", &right(), "application/x-www-form-urlencoded", ""),
        // As another kind of body.
        request("POST", "/", "", "text/plain", &right()),
        request("POST", "/", "", "multipart/form-data; boundary=x", &right()),
        request("POST", "/", "", "application/json", &json!({ "t": link("ann"), "code": code("ann"), "verdict": "approve" }).to_string()),
        // By a method that is none of ours.
        request("PUT", "/", "", "application/x-www-form-urlencoded", &right()),
        request("PATCH", "/", "", "application/x-www-form-urlencoded", &right()),
        request("post", "/", "", "application/x-www-form-urlencoded", &right()),
        // To another path.
        request("POST", "/approve", "", "application/x-www-form-urlencoded", &right()),
        // Names twice, and bodies that are too long or broken.
        form(&twice),
        form(&both),
        form(&huge),
        with(form(&right()), |event| event["body"] = json!("%%%")),
        with(form(&right()), |event| event["body"] = Value::Null),
        with(form(&right()), |event| event["headers"] = Value::Null),
        with(form(&right()), |event| event["requestContext"]["http"]["method"] = json!("GET")),
    ];
    for event in events {
        let deps = asking();
        let answer = visit(&deps, &event);
        assert_eq!(deps.estate.answered(), 0, "{event}");
        assert!((200..500).contains(&answer.status), "{}", answer.status);
        assert!(deps.estate.world.borrow().called.is_empty());
    }
}

#[test]
fn a_get_with_everything_in_its_query_shows_the_page_and_nothing_more() {
    let deps = asking();
    let answer = visit(&deps, &request("GET", "/", &right(), "", ""));
    assert!(answer.status == 200 && answer.has_form());
    assert!(!answer.body.contains(&code("ann")));
}

#[test]
fn other_methods_are_told_which_are_right() {
    let answer = visit(&asking(), &request("DELETE", "/", "", "", ""));
    assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "GET, HEAD, POST"));
}

#[test]
fn what_is_no_request_is_told_as_ignored() {
    let deps = asking();
    for (event, reason) in [
        (json!({}), None),
        (json!({ "requestContext": { "http": {} } }), None),
        (json!({ "nightshift": "calendar" }), Some("not_ours")),
        (Value::Null, None),
    ] {
        let answer = run(&deps, &event).unwrap();
        assert_eq!(answer["decision"], "hold", "{answer}");
        assert!(reason.is_none_or(|reason| answer["reason"] == reason), "{answer}");
    }
    assert!(deps.estate.journal.borrow().is_empty());
}

#[test]
fn the_environment_is_named_with_everything_that_is_missing() {
    use nightshift_approve::{ApproveConfig, ENVIRONMENT};
    let error = ApproveConfig::from_lookup(|_| None).unwrap_err();
    for name in ENVIRONMENT.iter().filter(|name| **name != "NIGHTSHIFT_FLEET") {
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let config = ApproveConfig::from_lookup(|name| ENVIRONMENT.contains(&name).then(|| name.to_lowercase())).unwrap();
    assert_eq!((config.key_arn.as_str(), config.page_url), ("nightshift_approval_key_arn", None));
}
