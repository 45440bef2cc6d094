//! Questions of CodePipeline: put to people when they come, shown, answered, and the answer handed to CodePipeline.
//!
//! The ledger's item is read and written against its version, so that answers that come at once are all kept. CodePipeline is
//! told once enough agree or one does not; if that fails, the same page hands the answer over again.

use nightshift_core::fleet::{ApproverName, Fleet, Pipeline};
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::ports::{KeyReader, PageAddress, PipelineAnswerer, PipelineDesk};
use nightshift_core::release::approve::{
    About, Claims, PipelineClosed, PipelineQuestion, Question, Told, WRONG_CODES, day_and_time, question_mails,
};
use nightshift_core::signal::PipelineSignal;
use nightshift_lambda::{HandlerError, Invocation};
use serde_json::{Value, json};

use crate::deps::{Deps, Estate};
use crate::held;
use crate::page::{Buttons, Notice, QuestionPage, Tone, agreed};
use crate::record::{self, Line};
use crate::release::wrong_code;
use crate::reply::Reply;
use crate::visit::{Typed, Visit};

/// Writers that meet at one item try again so often; each time one of them gets through.
const TRIES: usize = 4;

/// Puts a pipeline's question to the people that the fleet file names.
pub(crate) async fn ask<E: Estate>(invocation: &Invocation, deps: &Deps<E>, signal: &PipelineSignal) -> Result<Value, HandlerError> {
    let named = deps.fleets.iter().find_map(|fleet| fleet.pipelines.get(&signal.pipeline).map(|pipeline| (fleet, pipeline)));
    let Some((fleet, pipeline)) = named else {
        return Ok(held("not_ours", format!("no fleet file names the pipeline {} under pipelines", signal.pipeline)));
    };
    let began = invocation.now();
    let question = PipelineQuestion::new(signal, &fleet.system, &pipeline.approval, began);
    let first = pipeline.approval.by.first().map(|approver| claims(&question, &approver.name));
    if question.expires_at <= began {
        let words = format!("the question of {} ended at {}", signal.pipeline, day_and_time(question.expires_at));
        return Ok(held("expired", words));
    }
    let outcome = match send(invocation, deps, fleet, pipeline, question).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(failure(&signal.pipeline, &error)),
    };
    if let Some(claims) = first {
        record::tell(&Line::of_question(outcome, claims), &deps.function, began, invocation.now());
    }
    Ok(json!({ "decision": outcome, "reason": "pipeline_asks", "steps": [], "plan_id": null, "pipeline": signal.pipeline }))
}

/// The question is noted first and called asked last: dying in between sends the same mails once more.
async fn send<E: Estate>(
    invocation: &Invocation,
    deps: &Deps<E>,
    fleet: &Fleet,
    pipeline: &Pipeline,
    question: PipelineQuestion,
) -> PortResult<&'static str> {
    let desk = deps.estate.ledger();
    let question = match desk.question(&question.pipeline, &question.id()).await? {
        Some(known) if known.asked_at.is_some() => return Ok("already_asked"),
        Some(known) => known,
        None => {
            let first = PipelineQuestion { version: 1, ..question };
            desk.store_question(0, &first).await?;
            first
        }
    };
    let page = match &deps.config.page_url {
        Some(url) => url.clone(),
        None => deps.estate.functions().page_url(&invocation.function_arn).await?,
    };
    let key = deps.estate.keys().approval_key().await?;
    let words = Question::of_pipeline(&question);
    let everybody = fleet.notices.topic.as_deref().unwrap_or(&deps.config.topic_arn);
    for approver in &pipeline.approval.by {
        let claims = claims(&question, &approver.name);
        for message in question_mails(&key, &page, &claims, &words) {
            deps.estate.people().publish(approver.topic.as_deref().unwrap_or(everybody), &message).await?;
        }
    }
    let asked = PipelineQuestion { asked_at: Some(invocation.now()), version: question.version + 1, ..question };
    match desk.store_question(asked.version - 1, &asked).await {
        // Somebody was quick and has answered already, which says as much.
        Err(error) if error.kind == PortErrorKind::Conflict => Ok("asked"),
        stored => stored.map(|()| "asked"),
    }
}

fn claims(question: &PipelineQuestion, approver: &ApproverName) -> Claims {
    let about = About::Pipeline { system: question.system.clone(), pipeline: question.pipeline.clone(), question: question.id() };
    Claims::new(about, approver.clone(), question.expires_at)
}

fn failure(pipeline: &str, error: &PortError) -> HandlerError {
    let (services, cause) = (format!("the question of pipeline {pipeline}"), error.to_string());
    match error.kind.may_pass() {
        true => HandlerError::NotArranged { services, cause },
        false => HandlerError::Refused { services, cause },
    }
}

/// A visitor with a link to a pipeline's question.
pub(crate) async fn serve<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, pipeline: &str, id: &str, line: &mut Line) -> Reply {
    // Only a write that met another one goes round again, on what is there by then.
    for _ in 0..TRIES {
        let question = match deps.estate.ledger().question(pipeline, id).await {
            Ok(Some(question)) => question,
            Ok(None) => return gone(visit),
            Err(error) => return line.failed(error),
        };
        match once(deps, visit, question, line).await {
            Err(error) if error.kind == PortErrorKind::Conflict => {}
            Err(error) => return line.failed(error),
            Ok(reply) => return reply,
        }
    }
    line.failed(PortError::new(PortErrorKind::Conflict, "pipeline question", format!("others wrote first, {TRIES} times")))
}

async fn once<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, question: PipelineQuestion, line: &mut Line) -> PortResult<Reply> {
    let approver = &visit.claims.approver;
    let is_asked = question.rule.by.iter().any(|asked| asked.name == *approver);
    let is_locked = question.wrong_codes.get(approver).is_some_and(|wrong| *wrong >= WRONG_CODES);
    // An answer that CodePipeline has not heard of can be handed over again by everybody who was asked.
    let hands_over = question.is_to_be_told() && is_asked && !is_locked;
    if !hands_over && let Err(closed) = question.standing(approver, visit.now) {
        return Ok(closed_page(visit, &closed));
    }
    let Some((typed, verdict)) = visit.asks.answer() else { return Ok(asking(visit, &question, 200, "shown", None)) };
    match visit.judge(typed) {
        Typed::NoCode => {
            let words = "A code has eight letters and digits. Look for it in the other mail.".to_owned();
            Ok(asking(visit, &question, 422, "no_code", Some(words)))
        }
        Typed::Wrong => count(deps, visit, question).await,
        Typed::Right if hands_over => Ok(tell(deps, visit, question, line).await),
        Typed::Right => take(deps, visit, question, verdict, line).await,
    }
}

async fn count<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, question: PipelineQuestion) -> PortResult<Reply> {
    let approver = &visit.claims.approver;
    let counted = stored(deps, question.wrongly_typed(approver)).await?;
    let wrong = counted.wrong_codes.get(approver).copied().unwrap_or_default();
    match wrong >= WRONG_CODES {
        true => Ok(closed_page(visit, &PipelineClosed::Locked)),
        false => Ok(asking(visit, &counted, 403, "wrong_code", Some(wrong_code(wrong)))),
    }
}

async fn take<E: Estate>(
    deps: &Deps<E>,
    visit: &Visit<'_>,
    question: PipelineQuestion,
    verdict: Verdict,
    line: &mut Line,
) -> PortResult<Reply> {
    let question = stored(deps, question.answered(&visit.claims.approver, visit.answered(verdict))).await?;
    match question.is_to_be_told() {
        true => Ok(tell(deps, visit, question, line).await),
        false => Ok(answered(visit, &question, verdict)),
    }
}

/// Writes the question as its next version.
async fn stored<E: Estate>(deps: &Deps<E>, question: PipelineQuestion) -> PortResult<PipelineQuestion> {
    let seen = question.version;
    let next = PipelineQuestion { version: seen + 1, ..question };
    deps.estate.ledger().store_question(seen, &next).await.map(|()| next)
}

/// The answer is written down by now, so that nothing here may lose it.
async fn tell<E: Estate>(deps: &Deps<E>, visit: &Visit<'_>, question: PipelineQuestion, line: &mut Line) -> Reply {
    let Some(answer) = question.outcome() else { return gone(visit) };
    let is_taken = match deps.estate.pipelines().answer_pipeline(&question, &answer).await {
        Ok(()) => true,
        Err(error) if matches!(error.kind, PortErrorKind::Conflict | PortErrorKind::NotFound) => {
            line.note(error);
            false
        }
        Err(error) => {
            line.note(error);
            let words = "Your answer is written down, but CodePipeline could not be told of it. Try again in a minute: type the code and \
                         press the button.";
            return asking(visit, &question, 503, "pipeline_not_told", Some(words.to_owned()));
        }
    };
    let told = PipelineQuestion { told: Some(Told { at: visit.now, is_taken }), ..question };
    let reply = match is_taken {
        true => answered(visit, &told, answer.verdict),
        false => closed_page(visit, &PipelineClosed::Over),
    };
    // What is not noted is told once more by the next visitor, and CodePipeline then says that it knows.
    if let Err(error) = stored(deps, told).await {
        line.note(error);
    }
    reply
}

fn asking(visit: &Visit<'_>, question: &PipelineQuestion, status: u16, outcome: &'static str, trouble: Option<String>) -> Reply {
    let page = QuestionPage {
        question: &Question::of_pipeline(question),
        claims: visit.claims,
        token: visit.asks.token(),
        now: visit.now,
        until: question.expires_at,
        agreed: agreed(&names(question), question.rule.needed as usize),
        note: question.is_to_be_told().then(|| "The answer is there, and CodePipeline has not heard of it yet.".to_owned()),
        trouble,
        buttons: if question.is_to_be_told() { Buttons::HandOver } else { Buttons::Both },
    };
    Reply::page(status, outcome, &page)
}

fn names(question: &PipelineQuestion) -> Vec<(String, jiff::Timestamp)> {
    let agreed = question.answers.iter().filter(|(_, answer)| answer.verdict == Verdict::Approve);
    agreed.map(|(name, answer)| (name.to_string(), answer.at)).collect()
}

fn answered(visit: &Visit<'_>, question: &PipelineQuestion, verdict: Verdict) -> Reply {
    let words = Question::of_pipeline(question);
    let noted = format!("{}: written down for {}, {}.", words.headline, visit.claims.approver, day_and_time(visit.now));
    let close = "You can close this page.".to_owned();
    if verdict == Verdict::Reject {
        let lines = [noted, "CodePipeline has been told: the pipeline stops here.".to_owned(), close];
        return Reply::page(200, "rejected", &Notice::new(Tone::Good, Some(&words.subject), "It is rejected", lines));
    }
    let next = match question.outcome() {
        Some(_) => "That is enough. CodePipeline has been told, and the pipeline goes on.".to_owned(),
        None => format!("Agreed so far: {}.", agreed(&names(question), question.rule.needed as usize)),
    };
    Reply::page(200, "approved", &Notice::new(Tone::Good, Some(&words.subject), "You have approved it", [noted, next, close]))
}

fn closed_page(visit: &Visit<'_>, closed: &PipelineClosed) -> Reply {
    if *closed == PipelineClosed::Locked {
        return Reply::page(403, "locked", &Notice::locked(visit.claims));
    }
    let status = if visit.asks.answer().is_some() { 409 } else { 410 };
    Reply::page(status, closed.code(), &Notice::closed(visit.claims, &closed.to_string(), closed.remedy()))
}

fn gone(visit: &Visit<'_>) -> Reply {
    let words = "the ledger does not know this question any more";
    Reply::page(410, "unknown_question", &Notice::closed(visit.claims, words, "What CodePipeline waits for is shown in its console."))
}
