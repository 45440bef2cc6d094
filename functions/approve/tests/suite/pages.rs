//! What people see: the page as it is sent, its headers, and every closed door with what to do.

use nightshift_core::ledger::Pause;
use nightshift_core::release::{Change, Gate};

use crate::fake::*;
use crate::world;

#[test]
fn the_question_as_a_page() {
    let deps = asking();
    let answer = visit(&deps, &get(&link("ann")));
    assert_eq!(answer.status, 200);
    let style = (answer.body.find("<style>").unwrap(), answer.body.find("</style>").unwrap());
    let page = format!("{}{}", &answer.body[..style.0], &answer.body[style.1..]);
    insta::assert_snapshot!(page.replace(&link("ann"), "(the link's text)"));
}

#[test]
fn every_page_has_the_headers_that_keep_it_to_itself() {
    let deps = asking();
    for event in [get(&link("ann")), get("nonsense"), post(&link("ann"), "", "approve"), request("PUT", "/", "", "", "")] {
        let answer = visit(&deps, &event);
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(
            policy.ends_with("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let expected = [
            ("cache-control", "no-store"),
            ("content-type", "text/html; charset=utf-8"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-robots-tag", "noindex, nofollow"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.headers[name], value, "{name}");
        }
        assert!(answer.headers["strict-transport-security"].starts_with("max-age="));
        for barred in ["<script", "<link", "<img", "<iframe", " style=", " onclick", " onload", " onfocus", "javascript:", "http-equiv"] {
            assert!(!answer.body.contains(barred), "{barred}: {}", answer.body);
        }
        assert!(!answer.headers.contains_key("set-cookie"));
    }
}

/// A wrong digest in the policy would leave the page without its style in every browser.
#[test]
fn the_policy_allows_exactly_the_style_that_is_there() {
    use base64::Engine;
    use sha2::Digest;
    let answer = visit(&asking(), &get(&link("ann")));
    let style = answer.body.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    assert!(answer.headers["content-security-policy"].contains(&format!("'sha256-{digest}'")));
}

#[test]
fn head_is_get_without_a_body() {
    let deps = asking();
    let head = request("HEAD", "/", &format!("t={}", link("ann")), "", "");
    let (get, head) = (visit(&deps, &get(&link("ann"))), visit(&deps, &head));
    assert_eq!((head.status, head.headers, head.body.as_str()), (get.status, get.headers, ""));
}

#[test]
fn showing_a_page_only_reads() {
    let deps = asking();
    visit(&deps, &get(&link("ann")));
    assert_eq!(*deps.estate.journal.borrow(), ["approval_key", "read_book", "answers"]);
}

#[test]
fn what_others_wrote_is_shown_as_text() {
    let deps = asking();
    let evil = "</p><script>alert(1)</script><img src=x onerror=\"alert('2')\">&";
    deps.estate.active(|release| {
        release.gate = Gate::Passed { at: world::now(), summary: evil.into() };
        if let Change::Image(image) = &mut release.change {
            image.tags = vec![evil.into(), evil.into()];
        }
    });
    deps.estate.world.borrow_mut().view.pause =
        Some(Pause { scope: "all".into(), by: evil.into(), why: evil.into(), until: world::until() });
    let answer = visit(&deps, &get(&link("ann")));
    assert_eq!(answer.status, 200);
    for part in ["<script", "<img", "onerror=\"", "'2'"] {
        assert!(!answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(answer.body.contains("&lt;script&gt;alert(1)") && answer.body.contains("has paused this service until"), "{}", answer.body);
}

#[test]
fn what_a_request_carries_is_not_sent_back() {
    let deps = asking();
    let evil = "%3Cscript%3Ealert(1)%3C/script%3E";
    for event in [
        request("GET", "/", &format!("t={evil}"), "", ""),
        request("GET", &format!("/{evil}"), &format!("t={}", link("ann")), "", ""),
        request("GET", "/", &format!("t={}&x={evil}", link("ann")), "", ""),
        post("<script>alert(1)</script>", "<script>", "approve"),
        post(&link("ann"), "\"><script>", "approve"),
        post(&link("ann"), &code("ann"), "<script>"),
    ] {
        let answer = visit(&deps, &event);
        assert!(!answer.body.contains("script") && !answer.body.contains("alert("), "{}", answer.body);
    }
}

#[test]
fn each_closed_door_says_why_and_what_to_do() {
    let mut told = Vec::new();
    let mut see = |what: &str, answer: Answered| {
        assert!(!answer.has_form(), "{what}");
        let body = answer.body.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
        told.push(format!("{what}: {}\n{}", answer.status, body.trim()));
    };
    let deps = asking();
    see("a link that was cut", visit(&deps, &get(&link("ann")[..60])));
    see(
        "a link of another key",
        visit(&deps, &get(&nightshift_core::release::approve::ApprovalKey::new(&[9; 40]).unwrap().token(&world::claims("ann")))),
    );
    see("no link", visit(&deps, &request("GET", "/", "", "", "")));
    see("another page", visit(&deps, &request("GET", "/favicon.ico", "", "", "")));
    see("another method", visit(&deps, &request("DELETE", "/", &format!("t={}", link("ann")), "", "")));
    see("no button", visit(&deps, &post(&link("ann"), &code("ann"), "")));
    deps.estate.now.set(world::until());
    see("too late", visit(&deps, &get(&link("ann"))));
    let deps = asking();
    deps.estate.world.borrow_mut().view.book.active = None;
    see("a release that nobody knows", visit(&deps, &get(&link("ann"))));
    insta::assert_snapshot!(told.join("\n\n"));
}
