//! Whether a question stands: every way in which it does not, and the exact words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_core::fleet::ApproverName;
use nightshift_core::release::approve::{Asked, Closed, Open, standing};
use nightshift_core::release::{Answer, Aside, Book, Change, End, EndKind, Release, ReleaseId, Scope, StartedBy, Unwind, Verdict};

use super::world::*;

struct Case {
    book: Book,
    answers: BTreeMap<ApproverName, Answer>,
    who: &'static str,
    stage: &'static str,
    digest: Option<&'static str>,
    link_until: Option<Timestamp>,
    now: Timestamp,
}

fn case() -> Case {
    Case {
        book: book(),
        answers: BTreeMap::new(),
        who: "ann",
        stage: "production",
        digest: Some(DIGEST),
        link_until: Some(until()),
        now: now(),
    }
}

impl Case {
    fn judged(&self) -> Result<Open<'_>, Closed> {
        let (release, approver) = (release().id, name(self.who));
        let asked = Asked { release: &release, digest: self.digest, stage: self.stage, approver: &approver, link_until: self.link_until };
        standing(&self.book, &self.answers, &asked, self.now)
    }

    fn with(mut self, bend: impl FnOnce(&mut Self)) -> Self {
        bend(&mut self);
        self
    }

    fn closed(&self) -> Closed {
        self.judged().unwrap_err()
    }

    fn approval(&mut self) -> &mut nightshift_core::release::Approval {
        self.book.active.as_mut().unwrap().approvals.get_mut("production").unwrap()
    }
}

#[test]
fn a_question_that_was_asked_stands_open() {
    let case = case();
    let open = case.judged().unwrap();
    assert_eq!((open.missing(), open.is_own, open.until), (1, false, until()));
    assert!(open.agreed.is_empty());
    let all = self::case().with(|case| case.approval().rule.needed = 3);
    assert_eq!(all.judged().unwrap().missing(), 3);
    let two_more = all.with(|case| case.answers = BTreeMap::from([(name("bob"), answer(Verdict::Approve))]));
    assert_eq!(two_more.judged().unwrap().missing(), 2);
}

/// A restart for a rotated secret goes first, and takes minutes: who answers then is heard.
#[test]
fn a_question_stands_while_its_release_is_put_aside() {
    let aside = case().with(|case| {
        let release = case.book.active.take().unwrap();
        let restart = Change::Restart { secrets: ["web/database".to_owned()].into(), versions: [].into() };
        let id = ReleaseId::from_text("20261120t120000z-restart");
        case.book.active = Some(Release { id, change: restart, approvals: BTreeMap::new(), ..release.clone() });
        case.book.aside = Some(Aside { release, since: now(), told: None });
    });
    assert_eq!(aside.judged().unwrap().missing(), 1);
    let yes = BTreeMap::from([(name("ann"), answer(Verdict::Approve))]);
    assert_eq!(aside.with(|case| case.answers = yes).closed().code(), "already_answered");
}

#[test]
fn every_way_in_which_it_does_not() {
    let no = |who: &str| BTreeMap::from([(name(who), answer(Verdict::Reject))]);
    let yes = |who: &str| BTreeMap::from([(name(who), answer(Verdict::Approve))]);
    let ended = |kind| Some(End { kind, why: "1.4.3 (99aa) came".into(), by: None, at: now() });
    let cases = [
        case().with(|case| case.book.active = None),
        case().with(|case| case.book.active.as_mut().unwrap().id = ReleaseId::from_text("another")),
        case().with(|case| case.digest = Some(OLD_DIGEST)),
        case().with(|case| case.book.active.as_mut().unwrap().end = ended(EndKind::Superseded)),
        case().with(|case| {
            let mut ended_release = case.book.active.take().unwrap();
            ended_release.end = ended(EndKind::Expired);
            case.book.ended.insert(0, ended_release);
        }),
        case().with(|case| {
            let why = "5xx on staging".to_owned();
            case.book.active.as_mut().unwrap().unwind = Some(Unwind { why, by: None, at: now(), scope: Scope::Everything });
        }),
        case().with(|case| case.stage = "canary"),
        case().with(|case| case.book.next = case.book.active.take()),
        case().with(|case| {
            case.approval().asked_at = None;
            case.link_until = None;
        }),
        case().with(|case| case.who = "eve"),
        case().with(|case| case.answers = yes("ann")),
        case().with(|case| case.approval().answers = no("ann")),
        case().with(|case| case.answers = no("bob")),
        case().with(|case| case.answers = yes("bob")),
        case().with(|case| case.approval().granted_at = Some(now())),
        case().with(|case| case.now = until()),
        case().with(|case| case.link_until = Some(now())),
    ];
    let told = cases.each_ref().map(Case::closed).map(|closed| format!("{}: {closed}\n  {}", closed.code(), closed.remedy()));
    insta::assert_snapshot!(told.join("\n"));
}

/// The mail goes out a moment before the book says so; whoever is quick must not be told that nobody is asked.
#[test]
fn a_link_proves_that_the_mail_went_out() {
    let early = case().with(|case| case.approval().asked_at = None);
    assert!(early.judged().is_ok());
    let asked_for_longer = case().with(|case| {
        case.approval().asked_at = None;
        case.approval().expires_at = at("2026-11-22T00:00:00Z");
    });
    assert_eq!(asked_for_longer.judged().unwrap_err().code(), "not_asked");
}

#[test]
fn with_four_eyes_whoever_started_it_does_not_count() {
    let by_hand = |case: &mut Case| {
        case.approval().rule.needed = 2;
        case.book.active.as_mut().unwrap().started_by = StartedBy::Hand { by: "ann".into() };
        case.answers = BTreeMap::from([(name("bob"), answer(Verdict::Approve))]);
    };
    let own = case().with(by_hand);
    let open = own.judged().unwrap();
    assert!(open.is_own);
    assert_eq!((open.missing(), open.agreed.len()), (1, 1));
    // Even if an answer of the starter is there, a third person still has to agree.
    let third = case().with(by_hand).with(|case| {
        case.who = "cid";
        case.answers.insert(name("ann"), answer(Verdict::Approve));
    });
    let open = third.judged().unwrap();
    assert_eq!((open.missing(), open.is_own), (1, false));
    let alone = case().with(by_hand).with(|case| {
        case.approval().rule.needed = 1;
        case.answers.clear();
    });
    assert!(!alone.judged().unwrap().is_own, "where one is enough, one may be the starter");
}
