//! What people get: the facts and the link in one message, the code in another, and never both.

use nightshift_core::fleet::Seconds;
use nightshift_core::notice::Message;
use nightshift_core::release::approve::{Question, question_mails};
use nightshift_core::release::{Change, Gate};
use serde_json::Value;

use super::world::*;

const PAGE: &str = "https://abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws/";

fn part(message: &Message, protocol: &str) -> String {
    serde_json::from_str::<Value>(&message.body).unwrap()[protocol].as_str().unwrap().to_owned()
}

fn mails() -> [Message; 2] {
    let book = book();
    question_mails(&secret(), PAGE, &claims("ann"), &Question::of(&key(), &book, book.active.as_ref().unwrap(), "production"))
}

#[test]
fn the_two_mails_of_a_release() {
    let [link, code] = mails();
    let token = secret().token(&claims("ann"));
    let text = part(&link, "email").replace(&token, "<token>");
    insta::assert_snapshot!(format!("{}\n\n{text}\n\n----\n\n{}\n\n{}", link.subject, code.subject, part(&code, "email")));
}

#[test]
fn neither_message_has_what_the_other_is_for() {
    let [link, code] = mails();
    let (token, typed) = (secret().token(&claims("ann")), secret().code(&claims("ann")));
    let whole = |message: &Message| format!("{}{}{:?}", message.subject, message.body, message.attributes);
    assert!(whole(&link).contains(&token) && whole(&code).contains(&typed));
    assert!(!whole(&code).contains(&token) && !whole(&code).contains("https://"));
    for form in [typed.clone(), typed.replace('-', ""), typed.to_lowercase()] {
        assert!(!whole(&link).contains(&form), "{form}");
    }
}

#[test]
fn both_are_messages_that_sns_takes_and_filters() {
    for (message, kind) in mails().iter().zip(["approval", "approval_code"]) {
        assert!(message.is_per_protocol && message.subject.len() <= 100 && message.subject.is_ascii(), "{}", message.subject);
        let attributes: Vec<String> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(attributes.join(" "), format!("system=multi-region service=web severity=info kind={kind} approver=ann"));
        assert_eq!(part(message, "default"), part(message, "email"));
        let machine: Value = serde_json::from_str(&part(message, "sqs")).unwrap();
        assert_eq!(machine["kind"], *kind);
        assert_eq!((&machine["stage"], &machine["approver"]), (&"production".into(), &"ann".into()));
        assert!(part(message, "sms").len() < 1_600);
    }
    assert_eq!(mails()[0], mails()[0], "sent again, it is the same mail");
}

#[test]
fn long_names_and_other_scripts_fit_into_a_subject() {
    let mut book = book();
    if let Some(Change::Image(image)) = book.active.as_mut().map(|release| &mut release.change) {
        image.tags = vec![format!("{}\u{e9}", "x".repeat(200))];
    }
    let question = Question::of(&key(), &book, book.active.as_ref().unwrap(), "production");
    for message in question_mails(&secret(), PAGE, &claims("ann"), &question) {
        assert!(message.subject.len() <= 100 && message.subject.is_ascii(), "{}", message.subject);
    }
}

#[test]
fn a_length_is_told_in_the_largest_unit_that_it_is_whole_in() {
    for (seconds, expected) in
        [(45, "45 s"), (60, "1 min"), (90, "90 s"), (300, "5 min"), (3_600, "1 h"), (5_400, "90 min"), (7_200, "2 h")]
    {
        let mut book = book();
        book.active.as_mut().unwrap().legs[1].bake = Seconds::new(seconds);
        let question = Question::of(&key(), &book, book.active.as_ref().unwrap(), "production");
        let after = question.facts.iter().find(|fact| fact.label == "After your yes").unwrap();
        assert_eq!(after.lines[0], format!("us-east-1, watched for {expected}"));
    }
}

#[test]
fn a_missing_scan_a_restart_and_a_first_release_have_their_own_words() {
    let mut texts = Vec::new();
    let mut scan = book();
    scan.active.as_mut().unwrap().gate = Gate::Asking { why: "the scan is late".into() };
    texts.push(Question::of(&key(), &scan, scan.active.as_ref().unwrap(), Gate::SCAN));
    let mut restart = book();
    restart.active.as_mut().unwrap().change = Change::Restart { secrets: ["web/database".to_owned()].into(), versions: [].into() };
    texts.push(Question::of(&key(), &restart, restart.active.as_ref().unwrap(), "production"));
    let mut first = book();
    (first.ended, first.proven) = Default::default();
    first.active.as_mut().unwrap().legs.remove(0);
    first.active.as_mut().unwrap().gate = Gate::None;
    texts.push(Question::of(&key(), &first, first.active.as_ref().unwrap(), "production"));
    let shown: Vec<String> = texts
        .iter()
        .map(|question| format!("{}\n[{}] [{}]\n{}", question.headline, question.approve, question.reject, question.text()))
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}
