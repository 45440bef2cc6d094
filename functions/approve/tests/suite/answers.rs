//! Answers: each written down once, by whoever has link and code, and handed on.

use nightshift_core::release::{StartedBy, Verdict};
use nightshift_core::signal::{ReleaseVerb, Signal, parse};

use crate::fake::*;
use crate::world;

#[test]
fn a_person_with_link_and_code_approves() {
    let deps = asking();
    let answer = visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    assert_eq!((answer.status, answer.heading(), answer.has_form()), (200, "You have approved it", false));
    assert!(answer.body.contains("That is enough"), "{}", answer.body);
    let world = deps.estate.world.borrow();
    let (slot, kept) = world.answers.iter().next().unwrap();
    assert!(slot.ends_with("#production#ann"), "{slot}");
    assert_eq!((kept.verdict, kept.at, kept.via.as_str()), (Verdict::Approve, world::now(), "page, from 203.0.113.7"));
    let (function, event) = &world.called[0];
    assert_eq!(function, "nightshift-deploy");
    let parsed = parse(event);
    let Some(Signal::Release(command)) = parsed.signals().next() else { panic!("deploy understands it: {parsed:?}") };
    assert_eq!((command.system.as_str(), command.service.as_str(), command.by.as_str()), ("multi-region", "web", "ann"));
    assert_eq!(command.verb, ReleaseVerb::Answered);
}

#[test]
fn a_person_with_link_and_code_rejects() {
    let deps = asking();
    let answer = visit(&deps, &post(&link("ann"), &code("ann"), "reject"));
    assert_eq!((answer.status, answer.heading()), (200, "You have rejected it"));
    let world = deps.estate.world.borrow();
    assert_eq!(world.answers.values().map(|answer| answer.verdict).collect::<Vec<_>>(), [Verdict::Reject]);
    assert_eq!(world.called.len(), 1);
}

#[test]
fn the_same_post_again_answers_nothing_again() {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 2);
    let event = post(&link("ann"), &code("ann"), "approve");
    visit(&deps, &event);
    for event in [event, post(&link("ann"), &code("ann"), "reject")] {
        deps.estate.pass(1);
        let again = visit(&deps, &event);
        assert_eq!((again.status, again.heading()), (409, "This question is closed"));
        assert!(again.body.contains("Ann approved already (20 Nov 2026, 21:00 UTC)"), "{}", again.body);
    }
    let world = deps.estate.world.borrow();
    assert_eq!((world.answers.len(), world.called.len()), (1, 1));
    assert_eq!(world.answers.values().next().unwrap().verdict, Verdict::Approve);
}

/// The other one got in after this one had looked: it is the ledger's own condition that refuses.
#[test]
fn of_two_equal_posts_at_once_one_counts() {
    let deps = asking();
    let other_first = |world: &mut World| {
        let slot = format!("{}#production#ann", world.view.book.active.as_ref().unwrap().id);
        world.answers.insert(slot, world::answer(Verdict::Approve));
    };
    *deps.estate.meanwhile.borrow_mut() = Some(("answer ", other_first));
    let second = visit(&deps, &post(&link("ann"), &code("ann"), "reject"));
    assert_eq!(second.status, 409, "{}", second.body);
    assert!(second.body.contains("Ann approved already"), "{}", second.body);
    let world = deps.estate.world.borrow();
    assert_eq!((world.answers.len(), world.called.len()), (1, 0));
    assert_eq!(world.answers.values().next().unwrap().verdict, Verdict::Approve);
}

#[test]
fn two_have_to_agree_and_each_sees_how_many_are_missing() {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 2);
    assert!(visit(&deps, &get(&link("bob"))).body.contains("nobody yet; 2 people have to"));
    let first = visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    assert!(first.body.contains("ann (20 Nov 2026, 21:00 UTC); one more of 2 has to"), "{}", first.body);
    let page = visit(&deps, &get(&link("bob")));
    assert!(page.body.contains("ann (20 Nov 2026, 21:00 UTC); one more of 2 has to") && page.has_form(), "{}", page.body);
    let second = visit(&deps, &post(&link("bob"), &code("bob"), "approve"));
    assert!(second.body.contains("That is enough"), "{}", second.body);
    let third = visit(&deps, &post(&link("cid"), &code("cid"), "approve"));
    assert_eq!(third.status, 409);
    assert!(third.body.contains("Enough people have agreed: ann, bob"), "{}", third.body);
    assert_eq!(deps.estate.answered(), 2);
}

#[test]
fn with_four_eyes_whoever_started_it_can_only_reject() {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 2);
    deps.estate.active(|release| release.started_by = StartedBy::Hand { by: "ann".into() });
    let page = visit(&deps, &get(&link("ann")));
    assert!(page.body.contains("You started this release yourself") && !page.body.contains("value=\"approve\""), "{}", page.body);
    let refused = visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    assert_eq!((refused.status, deps.estate.answered()), (403, 0));
    assert!(refused.body.contains("You started this release yourself"));
    let rejected = visit(&deps, &post(&link("ann"), &code("ann"), "reject"));
    assert_eq!((rejected.status, deps.estate.answered()), (200, 1));
}

#[test]
fn five_wrong_codes_lock_one_link_and_no_other() {
    let deps = asking();
    for tries in ["4 tries are left", "3 tries are left", "2 tries are left", "One try is left"] {
        let answer = visit(&deps, &post(&link("ann"), &wrong(&code("ann")), "approve"));
        assert_eq!((answer.status, answer.has_form()), (403, true));
        assert!(answer.body.contains(tries) && answer.body.contains("role=\"alert\""), "{}", answer.body);
    }
    let fifth = visit(&deps, &post(&link("ann"), &wrong(&code("ann")), "approve"));
    assert_eq!((fifth.status, fifth.heading(), fifth.has_form()), (403, "This link is locked", false));
    for verdict in ["approve", "reject"] {
        let right = visit(&deps, &post(&link("ann"), &code("ann"), verdict));
        assert_eq!((right.status, right.heading()), (403, "This link is locked"), "even the right code comes too late");
    }
    assert_eq!(deps.estate.answered(), 0);
    assert_eq!(visit(&deps, &post(&link("bob"), &code("bob"), "approve")).status, 200);
}

/// Scanners fill fields with anything: what cannot be a code must not use up a person's tries.
#[test]
fn what_is_no_code_is_no_guess() {
    let deps = asking();
    for typed in ["", " ", "test", "on", "user@example.com", "12345678901", "********"] {
        let answer = visit(&deps, &post(&link("ann"), typed, "approve"));
        assert_eq!((answer.status, answer.has_form()), (422, true), "{typed}");
    }
    assert!(deps.estate.world.borrow().wrong_codes.is_empty());
    assert_eq!(visit(&deps, &post(&link("ann"), &format!(" {} ", code("ann").to_lowercase()), "approve")).status, 200);
}

#[test]
fn one_persons_code_is_nobody_elses() {
    let deps = asking();
    let answer = visit(&deps, &post(&link("bob"), &code("ann"), "approve"));
    assert_eq!((answer.status, deps.estate.answered()), (403, 0));
}

/// The page was opened, then a newer push came: the old page's button must do nothing.
#[test]
fn a_release_that_was_superseded_while_the_page_was_open_is_not_approved() {
    let deps = asking();
    assert!(visit(&deps, &get(&link("ann"))).has_form());
    deps.estate.active(|release| {
        let why = "1.4.3 took its place".to_owned();
        release.end =
            Some(nightshift_core::release::End { kind: nightshift_core::release::EndKind::Superseded, why, by: None, at: world::now() });
    });
    let answer = visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    assert_eq!((answer.status, answer.heading(), deps.estate.answered()), (409, "This question is closed", 0));
    assert!(answer.body.contains("superseded by a newer one"), "{}", answer.body);
}
