//! Every call fails in turn: no page claims what is not so, and trying again puts it right.

use nightshift_core::ports::PortErrorKind;

use crate::fake::*;

const KINDS: [PortErrorKind; 4] = [PortErrorKind::Denied, PortErrorKind::Throttled, PortErrorKind::Unavailable, PortErrorKind::NotFound];

fn failures() -> impl Iterator<Item = Failure> {
    KINDS.into_iter().map(Failure::Refused).chain([Failure::AnswerLost])
}

#[test]
fn an_answer_is_claimed_only_if_it_is_kept() {
    let calls = 5;
    for at in 0..calls {
        for failure in failures() {
            let deps = asking();
            deps.estate.fail_at.set(Some((at, failure)));
            let event = post(&link("ann"), &code("ann"), "approve");
            let first = visit(&deps, &event);
            let is_last = deps.estate.journal.borrow().last().is_some_and(|call| call == "call_later");
            // Only telling deploy may fail without anybody noticing: it looks by itself.
            assert_eq!(first.status, if is_last { 200 } else { 503 }, "{failure:?} at {at}");
            assert_eq!(first.body.contains("You have approved it"), is_last);
            if first.status == 503 {
                assert!(first.headers.contains_key("retry-after") && first.body.contains("try again"), "{}", first.body);
            }
            deps.estate.fail_at.set(None);
            let second = visit(&deps, &event);
            assert_eq!(deps.estate.answered(), 1, "{failure:?} at {at}");
            assert!(matches!(second.status, 200 | 409), "{failure:?} at {at}: {}", second.status);
        }
    }
    let deps = asking();
    visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    assert_eq!(deps.estate.journal.borrow().len(), calls, "each call was failed once: {:?}", deps.estate.journal.borrow());
}

#[test]
fn a_page_that_cannot_be_read_is_no_page() {
    for at in 0..3 {
        for failure in failures() {
            let deps = asking();
            deps.estate.fail_at.set(Some((at, failure)));
            let answer = visit(&deps, &get(&link("ann")));
            assert_eq!((answer.status, answer.has_form()), (503, false), "{failure:?} at {at}");
        }
    }
}

/// If wrong codes cannot be counted, no code is judged aloud: else an outage would give endless tries.
#[test]
fn a_wrong_code_that_cannot_be_counted_is_not_called_wrong() {
    for failure in failures() {
        let deps = asking();
        deps.estate.fail_at.set(Some((3, failure)));
        let answer = visit(&deps, &post(&link("ann"), &wrong(&code("ann")), "approve"));
        assert_eq!((answer.status, answer.has_form()), (503, false), "{failure:?}");
        assert_eq!(*deps.estate.journal.borrow(), ["approval_key", "read_book", "answers", "count_wrong_code"]);
    }
}

#[test]
fn what_aws_said_is_not_shown() {
    let deps = asking();
    deps.estate.fail_at.set(Some((1, Failure::Refused(PortErrorKind::Denied))));
    let answer = visit(&deps, &get(&link("ann")));
    assert!(!answer.body.contains("fake:") && !answer.body.contains("as the test wants it"), "{}", answer.body);
}
