//! Questions about releases: read the book and the answers, show the question, write the answer down.
//!
//! Whether a question stands is judged in the core, on what the ledger says now. An answer is written once, by the ledger's
//! own condition, and `deploy` is told to look; if that fails, it looks by itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_core::fleet::ApproverName;
use nightshift_core::ledger::{Pause, ServiceKey};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::FunctionCaller;
use nightshift_core::release::approve::{Asked, Closed, Open, Question, WRONG_CODES, day_and_time, standing};
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, BookView, ReleaseId, Verdict};
use nightshift_core::signal::{ReleaseCommand, ReleaseVerb};

use crate::deps::{Deps, Estate};
use crate::page::{Buttons, Notice, QuestionPage, Tone, agreed};
use crate::record::Line;
use crate::reply::Reply;
use crate::visit::{Typed, Visit};

/// What the link says of the release.
pub(crate) struct Subject<'s> {
    pub key: &'s ServiceKey,
    pub release: &'s ReleaseId,
    pub digest: &'s str,
    pub stage: &'s str,
}

/// What the ledger says of it now.
struct Seen {
    view: BookView,
    answers: BTreeMap<ApproverName, Answer>,
}

pub(crate) async fn serve<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, subject: &Subject<'_>, line: &mut Line) -> Reply {
    let seen = match observe(deps, subject).await {
        Ok(seen) => seen,
        Err(error) => return line.failed(error),
    };
    let open = match judge(&seen, visit, subject) {
        Ok(open) => open,
        Err(closed) => return closed_page(visit, &closed),
    };
    let question = Question::of(subject.key, &seen.view.book, open.release, subject.stage);
    let page = Shown { visit, question: &question, open: &open, pause: seen.view.pause.as_ref() };
    let Some((typed, verdict)) = visit.asks.answer() else { return page.asking(200, "shown", None) };
    if open.is_own && verdict == Verdict::Approve {
        return page.asking(403, "own_release", None);
    }
    match visit.judge(typed) {
        Typed::NoCode => {
            page.asking(422, "no_code", Some("A code has eight letters and digits. Look for it in the other mail.".to_owned()))
        }
        Typed::Wrong => count(deps, &page, subject, line).await,
        Typed::Right => take(deps, &page, subject, verdict, line).await,
    }
}

/// The book first: it says whose answers there may be.
async fn observe<E: Estate>(deps: &Deps<E>, subject: &Subject<'_>) -> PortResult<Seen> {
    let view = deps.estate.ledger().read_book(subject.key).await?;
    let approval = view.book.release(subject.release).and_then(|release| release.approvals.get(subject.stage));
    let asked: Vec<ApproverName> = approval.iter().flat_map(|approval| &approval.rule.by).map(|approver| approver.name.clone()).collect();
    let answers = match asked.is_empty() {
        true => BTreeMap::new(),
        false => deps.estate.ledger().answers(subject.key, subject.release, subject.stage, &asked).await?,
    };
    Ok(Seen { view, answers })
}

fn judge<'s>(seen: &'s Seen, visit: &Visit<'_>, subject: &Subject<'_>) -> Result<Open<'s>, Closed> {
    let asked = Asked {
        release: subject.release,
        digest: Some(subject.digest),
        stage: subject.stage,
        approver: &visit.claims.approver,
        link_until: Some(visit.claims.expires_at),
    };
    standing(&seen.view.book, &seen.answers, &asked, visit.now)
}

/// A wrong code is counted before anything is said, so that guesses that come at once are all counted.
async fn count<E: Estate>(deps: &Deps<E>, page: &Shown<'_>, subject: &Subject<'_>, line: &mut Line) -> Reply {
    let Subject { key, release, stage, .. } = subject;
    let claims = page.visit.claims;
    match deps.estate.ledger().count_wrong_code(key, release, stage, &claims.approver).await {
        Err(error) => line.failed(error),
        Ok(wrong) if wrong >= WRONG_CODES => Reply::page(403, "locked", &Notice::locked(claims)),
        Ok(wrong) => page.asking(403, "wrong_code", Some(wrong_code(wrong))),
    }
}

/// What is said of a wrong code.
pub(crate) fn wrong_code(wrong: u32) -> String {
    let left = WRONG_CODES.saturating_sub(wrong);
    let tries = if left == 1 { "One try is left".to_owned() } else { format!("{left} tries are left") };
    format!(
        "That is not your code for this question. {tries} before this link is locked. Each mail has a code of its own: take the newest."
    )
}

async fn take<E: Estate>(deps: &Deps<E>, page: &Shown<'_>, subject: &Subject<'_>, verdict: Verdict, line: &mut Line) -> Reply {
    let Subject { key, release, stage, .. } = subject;
    let (visit, approver) = (page.visit, &page.visit.claims.approver);
    let answer = visit.answered(verdict);
    match deps.estate.ledger().answer(key, release, stage, approver, &answer).await {
        Ok(()) => {}
        Err(error) if error.kind == PortErrorKind::Conflict => return refused(deps, visit, subject, line).await,
        Err(error) => return line.failed(error),
    }
    let by = approver.to_string();
    let (system, service) = (key.system.to_string(), key.service.to_string());
    let command = ReleaseCommand { system, service, by, at: Some(visit.now), verb: ReleaseVerb::Answered };
    if let Err(error) = deps.estate.functions().call_later(&deps.config.deploy_function, &command.to_input()).await {
        line.note(error);
    }
    page.answered(verdict)
}

/// The ledger takes no answer: there is one already, or too many codes were wrong.
async fn refused<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, subject: &Subject<'_>, line: &mut Line) -> Reply {
    let approver = &visit.claims.approver;
    let answers = deps.estate.ledger().answers(subject.key, subject.release, subject.stage, std::slice::from_ref(approver)).await;
    match answers.map(|mut answers| answers.remove(approver)) {
        Err(error) => line.failed(error),
        Ok(None) => Reply::page(403, "locked", &Notice::locked(visit.claims)),
        Ok(Some(answer)) => closed_page(visit, &Closed::Answered { approver: approver.clone(), answer }),
    }
}

fn closed_page(visit: &Visit<'_>, closed: &Closed) -> Reply {
    let status = if visit.asks.answer().is_some() { 409 } else { 410 };
    Reply::page(status, closed.code(), &Notice::closed(visit.claims, &closed.to_string(), closed.remedy()))
}

/// An open question as one approver sees it.
struct Shown<'s> {
    visit: &'s Visit<'s>,
    question: &'s Question,
    open: &'s Open<'s>,
    pause: Option<&'s Pause>,
}

impl Shown<'_> {
    fn asking(&self, status: u16, outcome: &'static str, trouble: Option<String>) -> Reply {
        let Self { visit, open, .. } = self;
        let page = QuestionPage {
            question: self.question,
            claims: visit.claims,
            token: visit.asks.token(),
            now: visit.now,
            until: open.until,
            agreed: agreed(&self.names(None), open.approval.rule.needed as usize),
            trouble,
            note: self.note(),
            buttons: if open.is_own { Buttons::RejectOnly } else { Buttons::Both },
        };
        Reply::page(status, outcome, &page)
    }

    fn names(&self, more: Option<(&ApproverName, Timestamp)>) -> Vec<(String, Timestamp)> {
        let known = self.open.agreed.iter().map(|(name, at)| (name.to_string(), *at));
        known.chain(more.map(|(name, at)| (name.to_string(), at))).collect()
    }

    fn note(&self) -> Option<String> {
        let own = self.open.is_own.then(|| {
            let needed = self.open.approval.rule.needed;
            format!("You started this release yourself, and {needed} others have to agree to it. You can still reject it.")
        });
        let pause = self.pause.map(|Pause { by, why, until, .. }| {
            format!("{by} has paused this service until {} ({why}). You can answer; the release goes on after that.", day_and_time(*until))
        });
        let notes: Vec<String> = own.into_iter().chain(pause).collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    /// The answer has been taken. It is shown at once and not by a redirect, so that one round trip says for certain that it
    /// counts; sent again, it is told that it is there already.
    fn answered(&self, verdict: Verdict) -> Reply {
        let Self { visit, question, open, .. } = self;
        let approver = &visit.claims.approver;
        let noted = format!("{}: written down for {approver}, {}.", question.headline, day_and_time(visit.now));
        let close = "You can close this page.".to_owned();
        if verdict == Verdict::Reject {
            let lines =
                [noted, "The release ends here; nothing more is rolled out. What it changed before stays as it is.".to_owned(), close];
            return Reply::page(200, "rejected", &Notice::new(Tone::Good, Some(&question.subject), "You have rejected it", lines));
        }
        let needed = open.approval.rule.needed as usize;
        let names = self.names(Some((approver, visit.now)));
        let next = match names.len() >= needed {
            true => "That is enough. It begins within a minute or so.".to_owned(),
            false => format!("Agreed so far: {}.", agreed(&names, needed)),
        };
        Reply::page(200, "approved", &Notice::new(Tone::Good, Some(&question.subject), "You have approved it", [noted, next, close]))
    }
}
