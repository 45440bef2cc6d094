//! The approval page in a real Chromium, served by the built function behind its URL on a local AWS: read and answered by
//! keyboard alone, on a telephone and on a desktop, by day and by night, and scanned by a program that runs scripts.

use std::os::unix::fs::PermissionsExt;

use jiff::{SignedDuration, Timestamp};
use nightshift_aws::{DynamoLedger, Keep, sdk_config};
use nightshift_core::release::approve::{About, ApprovalKey, Claims};
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Book, Change, End, EndKind, Verdict};
use nightshift_tests::{LocalAws, Scheme, Visit, local_page, project};
use serde_json::Value;

/// The release that the core's own tests ask about.
#[allow(dead_code, reason = "the core's tests use the rest")]
#[path = "../../../shared/core/tests/suite/approve/world.rs"]
mod world;

const SECRET: &str = "only-for-tests-0123456789-0123456789";

struct Page {
    aws: LocalAws,
    url: String,
    ledger: DynamoLedger,
    until: Timestamp,
}

/// A release waits for one of ann, bob and cid for an hour from now.
async fn page(bend: impl FnOnce(&mut Book)) -> Page {
    let aws = LocalAws::start();
    let url = deploy(&aws);
    let lookup = |name: &str| match name {
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(aws.endpoint().to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        _ => None,
    };
    let ledger = DynamoLedger::new(&sdk_config(lookup).unwrap(), "page-ledger", Keep::default());
    let until = Timestamp::from_second(Timestamp::now().as_second() + 3_600).unwrap();
    let mut book = world::book();
    book.version = 1;
    book.active.as_mut().unwrap().approvals.get_mut("production").unwrap().expires_at = until;
    bend(&mut book);
    ledger.store_book(&world::key(), 0, &book).await.unwrap();
    Page { aws, url, ledger, until }
}

fn deploy(aws: &LocalAws) -> String {
    let code = aws.folder().join("approve");
    let fleet = aws.folder().join("fleet.yaml");
    std::fs::create_dir_all(&code).unwrap();
    let bootstrap = code.join("bootstrap");
    std::fs::write(&bootstrap, format!("#!/bin/sh\nexec '{}'\n", project::approve().display())).unwrap();
    std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let service = "web: { runs_on: { ecs: { cluster: multi-region, service: web } }, bounds: { min: 2, max: 10 } }";
    std::fs::write(&fleet, format!("version: 1\nsystem: multi-region\nregions: [us-east-1]\nservices:\n  {service}\n")).unwrap();
    let template = aws.folder().join("page.yaml");
    std::fs::copy(project::root().join("tests/browser/page.yaml"), &template).unwrap();
    let mut sam = aws.command(&project::python_tool("sam"));
    sam.current_dir(aws.folder()).args(["deploy", "--template-file", "page.yaml", "--stack-name", "page", "--resolve-s3"]);
    sam.args(["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]);
    let done = sam.args([format!("Fleet={}", fleet.display()), format!("Secret={SECRET}")]).output().unwrap();
    assert!(done.status.success(), "{}\n{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let answer = aws.http().query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "page")]).expect_done("DescribeStacks");
    let url = answer.body.split_once("<OutputValue>").unwrap().1.split_once("</OutputValue>").unwrap().0;
    url.to_owned()
}

impl Page {
    fn claims(&self, approver: &str) -> Claims {
        let release = world::release().id;
        let about = About::Release { key: world::key(), release, digest: world::DIGEST.into(), stage: "production".into() };
        Claims::new(about, world::name(approver), self.until)
    }

    fn link(&self, approver: &str) -> String {
        let token = ApprovalKey::new(SECRET.as_bytes()).unwrap().token(&self.claims(approver));
        local_page(&self.aws, &format!("{}?t={token}", self.url))
    }

    fn code(&self, approver: &str) -> String {
        ApprovalKey::new(SECRET.as_bytes()).unwrap().code(&self.claims(approver))
    }

    fn visit(&self, approver: &str) -> Visit {
        Visit::to(self.link(approver))
    }

    async fn answers(&self) -> Vec<(String, Verdict)> {
        let names = ["ann", "bob", "cid"].map(world::name);
        let answers = self.ledger.answers(&world::key(), &world::release().id, "production", &names).await.unwrap();
        answers.into_iter().map(|(name, answer)| (name.to_string(), answer.verdict)).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[tokio::test]
async fn a_person_with_nothing_but_a_keyboard_approves() {
    let page = page(|_| {}).await;
    let typed = page.code("ann").replace('-', "").to_lowercase();
    let visit = page.visit("ann").then("text", "").then("press", "Tab").then("shot", "question-focus").then("type", &typed);
    let visit = visit.then("press", "Tab").then("shot", "question-typed").then("press", "Tab").then("press", "Shift+Tab");
    let seen = visit.then("submit", "Enter").then("text", "").then("status", "").then("shot", "approved").go();
    let question = text(&seen[0]);
    for part in ["Release 1.4.2 to production?", "1.4.1", "web-staging:42", "found 2 medium", "us-west-2", "nobody yet; one person has to"]
    {
        assert!(question.contains(part), "{part}: {question}");
    }
    assert_eq!((&seen[1]["tag"], &seen[1]["id"]), (&"INPUT".into(), &"code".into()), "the code is the first stop");
    assert_eq!(seen[4]["text"], "Release 1.4.2 to production");
    assert_eq!(seen[6]["text"], "Reject: 1.4.2 ends here");
    assert_eq!(seen[7]["text"], "Release 1.4.2 to production");
    assert!(text(&seen[9]).contains("You have approved it") && text(&seen[9]).contains("That is enough"), "{}", seen[9]);
    assert_eq!(seen[10], 200);
    assert_eq!(page.answers().await, [("ann".to_owned(), Verdict::Approve)]);
    let lines = page.aws.log_lines("/aws/lambda/page-approve");
    let line = lines.iter().find(|line| line.contains("\"outcome\":\"approved\"")).unwrap_or_else(|| panic!("{lines:?}"));
    assert!(line.contains("lambda:InvokeFunction"), "that deploy could not be called is told: {line}");
    assert!(!lines.iter().any(|line| line.contains(&page.code("ann")) || line.contains("ns1.")), "{lines:?}");
    // The same link again, as with a button pressed twice or the page opened next day.
    let again = page.visit("ann").then("text", "").then("status", "").then("shot", "answered-already").go();
    assert!(text(&again[0]).contains("Ann approved already"), "{}", again[0]);
    assert_eq!(again[1], 410);
}

#[tokio::test]
async fn on_a_small_telephone_by_night_everything_fits_and_can_be_pressed() {
    let page = page(|book| {
        // Long names must not push the page wider.
        if let Some(Change::Image(image)) = book.active.as_mut().map(|release| &mut release.change) {
            image.tags = vec!["1.4.2".into(), "feature-a-very-long-branch-name-without-any-blank-0123456789abcdef".into()];
        }
    })
    .await;
    let mut sizes = Vec::new();
    for (scheme, name) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        let phone = page.visit("bob").on_phone().in_scheme(scheme).then("fits", "").then("shot", &format!("phone-{name}")).go();
        let desktop = page.visit("bob").in_scheme(scheme).then("fits", "").then("shot", &format!("desktop-{name}")).go();
        sizes.extend([phone[0].clone(), desktop[0].clone()]);
    }
    for size in sizes {
        assert_eq!(size["wider_by"], 0, "{size}");
        assert!(size["lowest"].as_f64().unwrap() >= 44.0, "a thumb needs 44 pixels: {size}");
    }
    // Where a person does not read well: a wrong code, and the answer, in the dark.
    let wrong = page.visit("bob").on_phone().in_scheme(Scheme::Dark).then("press", "Tab").then("type", "AAAA-AAAA").then("submit", "Enter");
    let seen = wrong.then("text", "").then("fits", "").then("shot", "phone-wrong-code").then("status", "").then("type", "B").go();
    assert!(text(&seen[3]).contains("That is not your code") && text(&seen[3]).contains("4 tries are left"), "{}", seen[3]);
    assert_eq!((&seen[4]["wider_by"], &seen[6]), (&0.into(), &403.into()));
    assert_eq!((&seen[7]["id"], &seen[7]["value"]), (&"code".into(), &"B".into()), "the person is back at the field");
    let reject = page.visit("bob").on_phone().in_scheme(Scheme::Dark).then("press", "Tab").then("type", &page.code("bob"));
    let seen =
        reject.then("press", "Tab").then("press", "Tab").then("submit", "Enter").then("text", "").then("shot", "phone-rejected").go();
    assert!(text(&seen[5]).contains("You have rejected it"), "{}", seen[5]);
    assert_eq!(page.answers().await, [("bob".to_owned(), Verdict::Reject)]);
}

#[tokio::test]
async fn nothing_is_found_that_keeps_anybody_from_reading_it() {
    let page = page(|_| {}).await;
    let key = ApprovalKey::new(SECRET.as_bytes()).unwrap();
    let old = Claims { expires_at: Timestamp::now() - SignedDuration::from_hours(1), ..page.claims("ann") };
    let expired = local_page(&page.aws, &format!("{}?t={}", page.url, key.token(&old)));
    let broken = local_page(&page.aws, &format!("{}?t=nonsense", page.url));
    for scheme in [Scheme::Light, Scheme::Dark] {
        let question = page.visit("ann").in_scheme(scheme).then("axe", "").go();
        let wrong = page.visit("cid").on_phone().in_scheme(scheme).then("press", "Tab").then("type", "AAAA-AAAA").then("submit", "Enter");
        let wrong = wrong.then("axe", "").go();
        let expired = Visit::to(&expired).in_scheme(scheme).then("axe", "").then("shot", "expired").go();
        let broken = Visit::to(&broken).in_scheme(scheme).then("axe", "").then("shot", "broken-link").go();
        for found in [&question[0], &wrong[3], &expired[0], &broken[0]] {
            assert_eq!(found["violations"], serde_json::json!([]), "{scheme:?}");
            assert!(found["passes"].as_u64().unwrap() > 10, "axe has looked: {found}");
        }
    }
    assert!(page.answers().await.is_empty());
}

#[tokio::test]
async fn no_script_runs_in_the_page_and_its_style_does() {
    let page = page(|_| {}).await;
    let seen = page.visit("ann").then("blocked", "").go();
    assert_eq!(seen[0]["ran"], false);
    let told: Vec<&str> = seen[0]["told"].as_array().unwrap().iter().map(text).collect();
    assert!(told.iter().all(|line| !line.contains("style")), "the style sheet is let in: {told:?}");
    assert!(told.iter().any(|line| line.contains("script")), "the script is kept out: {told:?}");
}

/// What a mail gateway does with a link: a real browser, scripts and all, presses everything and posts every form.
#[tokio::test]
async fn a_scanner_in_a_real_browser_approves_nothing() {
    let page = page(|_| {}).await;
    let seen = page.visit("ann").then("scan", "").go();
    assert!(seen[0].as_u64().unwrap() >= 5, "it has posted: {}", seen[0]);
    assert!(page.answers().await.is_empty());
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    // Addressed by path, so that the name of the host need not be known to this machine.
    let id = page.url.trim_start_matches("https://").split('.').next().unwrap();
    let address = format!("{}/_aws/lambda-url/{id}/", page.aws.endpoint());
    let token = ApprovalKey::new(SECRET.as_bytes()).unwrap().token(&page.claims("bob"));
    for round in 0..100_u32 {
        let code = format!("{round:0>8}");
        let forms = [("verdict", "approve"), ("t", token.as_str()), ("code", code.as_str())];
        let fields = if round % 3 == 0 { &forms[..2] } else { &forms[..] };
        let posted = agent.post(&address).send_form(fields.iter().copied()).unwrap();
        assert!(matches!(posted.status().as_u16(), 403 | 422), "{}", posted.status());
        let shown = agent.get(format!("{address}?t={token}&code={code}&verdict=approve")).call().unwrap();
        assert_eq!(shown.status(), 200);
    }
    assert!(page.answers().await.is_empty(), "0 approvals");
    // All the time a person could have answered.
    let seen = page.visit("cid").then("press", "Tab").then("type", &page.code("cid")).then("submit", "Enter").then("text", "").go();
    assert!(text(&seen[3]).contains("You have approved it"), "{}", seen[3]);
}

#[tokio::test]
async fn a_page_that_was_left_open_until_a_newer_push_came_does_nothing() {
    let page = page(|book| {
        let end = End { kind: EndKind::Superseded, why: "1.4.3 took its place".into(), by: None, at: Timestamp::now() };
        book.active.as_mut().unwrap().end = Some(end);
    })
    .await;
    let seen = page.visit("ann").then("text", "").then("status", "").then("shot", "superseded").go();
    assert!(text(&seen[0]).contains("superseded by a newer one"), "{}", seen[0]);
    assert_eq!(seen[1], 410);
}
