//! `nightshift release approve`: an approver's answer at a terminal, judged exactly as on the page.
//!
//! Looks again after the code was typed, since minutes may have passed. Never shows, keeps or writes the code, nor anything
//! from which one could be made.

use std::collections::BTreeMap;

use anyhow::anyhow;
use jiff::Timestamp;
use nightshift_aws::{ApprovalSecret, AwsCaller, Functions};
use nightshift_core::fleet::ApproverName;
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::{FunctionCaller, KeyReader};
use nightshift_core::release::approve::{About, ApprovalKey, Asked, Claims, Closed, Open, Question, WRONG_CODES, day_and_time, standing};
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, BookView, Progress, Release, ReleaseId, Verdict};
use nightshift_core::signal::{ReleaseCommand, ReleaseVerb};

use super::show::how_to_follow;
use super::{check_region, find};
use crate::args::ReleaseApproveArgs;
use crate::aws::{self, ONE_CALL, OpenLedger, block_on};
use crate::exit::Exit;
use crate::fleet_files::{self, check_scope};
use crate::scope::Scope;
use crate::trouble::{Usage, sentence};
use crate::world::World;

/// What the ledger keeps of how the answer came.
const VIA: &str = "command line";

pub(crate) fn run(args: &ReleaseApproveArgs, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let key = &args.service;
    check_scope(&Scope::Service(key.clone()), args.fleet.fleet.as_deref(), world)?;
    let missing = "codes cannot be checked without the approval key; give --key-arn or NIGHTSHIFT_APPROVAL_KEY_ARN the output ApprovalKeyArn of \
                   Nightshift's stack, or answer on the page that your mail links to";
    let key_arn = args.key_arn.clone().or_else(|| world.variable("NIGHTSHIFT_APPROVAL_KEY_ARN"));
    let key_arn = key_arn.ok_or_else(|| Usage(missing.to_owned()))?;
    let ledger = OpenLedger::open(&args.ledger, world)?;
    check_region(key, fleet_files::if_readable(args.fleet.fleet.as_deref()).as_ref(), &ledger.region)?;
    let caller = AwsCaller::new(&aws::sdk(&args.ledger.aws, ONE_CALL, world)?);
    let function = aws::deploy_function(&args.function, world);
    let wish = AnswerWish {
        key,
        named: args.release.as_deref(),
        stage: args.stage.as_deref(),
        approver: &args.by,
        verdict: if args.reject { Verdict::Reject } else { Verdict::Approve },
        region: &ledger.region,
        function: function.as_deref(),
    };
    let keys = ApprovalSecret::new(caller.clone(), key_arn);
    block_on(answer_release(&ledger.dynamo, &keys, &Functions::new(caller), &wish, world))?.map_err(|error| ledger.explained(error))
}

/// An answer to be given.
#[derive(Clone, Copy, Debug)]
pub struct AnswerWish<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// Which release; none: the one in hand.
    pub named: Option<&'a str>,
    /// Which question; none: the one that is open.
    pub stage: Option<&'a str>,
    /// Who answers.
    pub approver: &'a ApproverName,
    /// Yes or no.
    pub verdict: Verdict,
    /// The region whose ledger takes the answer.
    pub region: &'a str,
    /// The function that is told to look.
    pub function: Option<&'a str>,
}

/// Shows the question, asks for the code, and writes the answer down once.
pub async fn answer_release(
    ledger: &(impl ReleaseLedger + AnswerDesk),
    keys: &impl KeyReader,
    functions: &impl FunctionCaller,
    wish: &AnswerWish<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let subject = subject(&ledger.read_book(wish.key).await?, wish)?;
    let seen = observe(ledger, wish.key, &subject).await?;
    match judge(&seen, wish, &subject, world.now) {
        Ok(open) => show(&open, &seen, wish, &subject, world),
        Err(closed) => return Ok(refuse(&closed, wish, &seen, &subject, world)),
    }
    let key = keys.approval_key().await.map_err(|error| key_failed(&error))?;
    let Some(typed) = world.answer_to(&format!("The code from your mail, as {}:", wish.approver)) else {
        world.complain("no code was given, so nothing is changed; type it when you are asked, or hand it over on standard input");
        return Ok(Exit::Problems);
    };
    // Minutes may have passed at the prompt: somebody else may have answered, or the time be over.
    let (seen, now) = (observe(ledger, wish.key, &subject).await?, (world.clock)());
    let open = match judge(&seen, wish, &subject, now) {
        Ok(open) => open,
        Err(closed) => return Ok(refuse(&closed, wish, &seen, &subject, world)),
    };
    match check(&key, &open, wish, &subject, &typed) {
        Typed::NoCode => {
            world.complain("a code has eight letters and digits, and this is none; nothing is changed, and no try is used up");
            Ok(Exit::Problems)
        }
        Typed::Wrong => count(ledger, wish, &subject, world).await,
        Typed::Right => take(ledger, functions, wish, &subject, &open, now, world).await,
    }
}

/// Which question of which release.
struct Subject {
    release: ReleaseId,
    digest: String,
    stage: String,
}

fn subject(view: &BookView, wish: &AnswerWish<'_>) -> anyhow::Result<Subject> {
    let key = wish.key;
    let release = match wish.named {
        Some(named) => find(&view.book, key, named).map_err(|unknown| anyhow!(unknown))?,
        None => view.book.asking().ok_or_else(|| anyhow!("no release of {key} is in hand, so that nobody is asked anything"))?,
    };
    let stage = stage(release, wish)?;
    match release.owner_of(&stage) {
        Some(owner) if owner != wish.region => Err(anyhow!(Usage(format!(
            "{stage} is asked for in {owner}, and an answer in {} would not be seen; give --region {owner} with the table, key and function of \
             that region's stack",
            wish.region
        )))),
        _ => {
            let digest = release.change.image().map(|image| image.digest.clone()).unwrap_or_default();
            Ok(Subject { release: release.id.clone(), digest, stage })
        }
    }
}

fn stage(release: &Release, wish: &AnswerWish<'_>) -> anyhow::Result<String> {
    let names = || release.approvals.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (wish.stage, Progress::of(release)) {
        (Some(stage), _) if release.approvals.contains_key(stage) => Ok(stage.to_owned()),
        (Some(stage), _) if release.approvals.is_empty() => {
            Err(anyhow!(Usage(format!("release {} needs no approval, neither of {stage}", release.id))))
        }
        (Some(stage), _) => {
            Err(anyhow!(Usage(format!("release {} needs no approval of {stage}; it needs that of {}", release.id, names()))))
        }
        (None, Progress::WaitingForApproval { stage, .. }) => Ok(stage.to_owned()),
        (None, progress) => {
            let phrase = progress.phrase(release);
            Err(anyhow!("nobody is asked about release {} of {} now; it is: {phrase}", release.id, wish.key))
        }
    }
}

/// What the ledger says of the question now.
struct Seen {
    view: BookView,
    answers: BTreeMap<ApproverName, Answer>,
}

async fn observe(ledger: &(impl ReleaseLedger + AnswerDesk), key: &ServiceKey, subject: &Subject) -> PortResult<Seen> {
    let view = ledger.read_book(key).await?;
    let approval = view.book.release(&subject.release).and_then(|release| release.approvals.get(subject.stage.as_str()));
    let asked: Vec<ApproverName> = approval.iter().flat_map(|approval| &approval.rule.by).map(|approver| approver.name.clone()).collect();
    let answers = match asked.is_empty() {
        true => BTreeMap::new(),
        false => ledger.answers(key, &subject.release, &subject.stage, &asked).await?,
    };
    Ok(Seen { view, answers })
}

/// Why an answer is not taken.
enum Refusal {
    Closed(Closed),
    /// With four eyes, a yes to one's own release does not count.
    Own,
}

fn judge<'s>(seen: &'s Seen, wish: &AnswerWish<'_>, subject: &Subject, now: Timestamp) -> Result<Open<'s>, Refusal> {
    let Subject { release, digest, stage } = subject;
    let asked = Asked { release, digest: Some(digest), stage, approver: wish.approver, link_until: None };
    let open = standing(&seen.view.book, &seen.answers, &asked, now).map_err(Refusal::Closed)?;
    match open.is_own && wish.verdict == Verdict::Approve {
        true => Err(Refusal::Own),
        false => Ok(open),
    }
}

fn refuse(refusal: &Refusal, wish: &AnswerWish<'_>, seen: &Seen, subject: &Subject, world: &mut World<'_>) -> Exit {
    match refusal {
        Refusal::Closed(closed @ Closed::NotAmongAsked { .. }) => {
            let approval = seen.view.book.release(&subject.release).and_then(|release| release.approvals.get(subject.stage.as_str()));
            let asked = approval.iter().flat_map(|approval| &approval.rule.by).map(|approver| approver.name.as_str()).collect::<Vec<_>>();
            world.complain(format!("{closed}: those are {}. {}", asked.join(", "), closed.remedy()));
        }
        Refusal::Closed(closed) => world.complain(format!("{closed}. {}", closed.remedy())),
        Refusal::Own => world.complain(format!(
            "{} started this release, and others have to agree to it. You can still say no, with --reject.",
            wish.approver
        )),
    }
    Exit::Problems
}

fn show(open: &Open<'_>, seen: &Seen, wish: &AnswerWish<'_>, subject: &Subject, world: &mut World<'_>) {
    let question = Question::of(wish.key, &seen.view.book, open.release, &subject.stage);
    world.say(format!("{}: {}?\n\n{}\n", question.subject, question.headline, question.text()));
    let agreed: Vec<&str> = open.agreed.iter().map(|(name, _)| name.as_str()).collect();
    let so_far = if agreed.is_empty() { "nobody so far".to_owned() } else { format!("so far {}", agreed.join(", ")) };
    world.say(format!("Stands until {}; {} more to agree, {so_far}.", day_and_time(open.until), open.missing()));
    if let Some(pause) = seen.view.pause.as_ref().filter(|pause| pause.until > world.now) {
        world.say(format!(
            "{} has paused this service until {} ({}). You can answer; the release goes on after that.",
            pause.by,
            day_and_time(pause.until),
            pause.why
        ));
    }
    let answer = match wish.verdict {
        Verdict::Approve => &question.approve,
        Verdict::Reject => &question.reject,
    };
    world.say(format!("Your answer: {answer}.\n"));
}

enum Typed {
    Right,
    Wrong,
    NoCode,
}

fn check(key: &ApprovalKey, open: &Open<'_>, wish: &AnswerWish<'_>, subject: &Subject, typed: &str) -> Typed {
    let Subject { release, digest, stage } = subject;
    let about = About::Release { key: wish.key.clone(), release: release.clone(), digest: digest.clone(), stage: stage.clone() };
    // The mails' claims: what the question's own time is says which mail's code is the right one.
    let claims = Claims::new(about, wish.approver.clone(), open.approval.expires_at);
    match key.is_code(&claims, typed) {
        true => Typed::Right,
        false if ApprovalKey::looks_like_code(typed) => Typed::Wrong,
        false => Typed::NoCode,
    }
}

/// Counted before anything is said, as on the page.
async fn count(ledger: &impl AnswerDesk, wish: &AnswerWish<'_>, subject: &Subject, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let wrong = ledger.count_wrong_code(wish.key, &subject.release, &subject.stage, wish.approver).await?;
    match WRONG_CODES.saturating_sub(wrong) {
        0 => locked(wish, world),
        left => {
            let tries = if left == 1 { "one try is left".to_owned() } else { format!("{left} tries are left") };
            world.complain(format!(
                "that is not the code of {} for this question; {tries}. Each mail has a code of its own: take the newest.",
                wish.approver
            ));
        }
    }
    Ok(Exit::Problems)
}

fn locked(wish: &AnswerWish<'_>, world: &mut World<'_>) {
    world.complain(format!(
        "{WRONG_CODES} wrong codes were typed as {}, so nothing can be answered as {} any more, neither here nor on the page. Another approver \
         can still answer; if there is none: nightshift release abort, then nightshift deploy, which sends new codes.",
        wish.approver, wish.approver
    ));
}

async fn take(
    ledger: &impl AnswerDesk,
    functions: &impl FunctionCaller,
    wish: &AnswerWish<'_>,
    subject: &Subject,
    open: &Open<'_>,
    now: Timestamp,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let AnswerWish { key, approver, verdict, .. } = *wish;
    let answer = Answer { verdict, at: now, via: VIA.to_owned() };
    match ledger.answer(key, &subject.release, &subject.stage, approver, &answer).await {
        Ok(()) => {}
        Err(error) if error.kind == PortErrorKind::Conflict => return not_taken(ledger, wish, subject, world).await,
        Err(error) => return Err(error.into()),
    }
    let said = if verdict == Verdict::Approve { "approved" } else { "rejected" };
    world.say(format!("{} {said} by {approver}, written down at {}", subject.stage, day_and_time(now)));
    world.say(match (verdict, open.missing()) {
        (Verdict::Reject, _) => "the release ends here; what it changed before stays as it is".to_owned(),
        (Verdict::Approve, 0 | 1) => "that is enough; the release goes on within a minute or so".to_owned(),
        (Verdict::Approve, missing) => format!("{} more to agree", missing - 1),
    });
    poke(functions, wish, now, world).await;
    world.say(how_to_follow(key, &subject.release));
    Ok(Exit::Fine)
}

/// The ledger takes no answer: there is one already, or too many codes were wrong.
async fn not_taken(ledger: &impl AnswerDesk, wish: &AnswerWish<'_>, subject: &Subject, world: &mut World<'_>) -> anyhow::Result<Exit> {
    let AnswerWish { key, approver, .. } = *wish;
    let mut answers = ledger.answers(key, &subject.release, &subject.stage, std::slice::from_ref(approver)).await?;
    match answers.remove(approver) {
        None => locked(wish, world),
        Some(answer) => {
            let closed = Closed::Answered { approver: approver.clone(), answer };
            world.complain(format!("{closed}. {}", closed.remedy()));
        }
    }
    Ok(Exit::Problems)
}

/// The function looks by itself within five minutes; told, it looks at once.
async fn poke(functions: &impl FunctionCaller, wish: &AnswerWish<'_>, now: Timestamp, world: &mut World<'_>) {
    let by_itself = "it looks by itself within five minutes";
    let Some(function) = wish.function else {
        world.complain(format!(
            "the function that deploys was not told, since NIGHTSHIFT_DEPLOY_FUNCTION and --function are not given; {by_itself}"
        ));
        return;
    };
    let (system, service) = (wish.key.system.to_string(), wish.key.service.to_string());
    let command = ReleaseCommand { system, service, by: wish.approver.to_string(), at: Some(now), verb: ReleaseVerb::Answered };
    if let Err(error) = functions.call_later(function, &command.to_input()).await {
        world.complain(format!("the function {function} could not be told ({}); {by_itself}", sentence(&error)));
    }
}

fn key_failed(error: &PortError) -> anyhow::Error {
    match error.kind {
        PortErrorKind::NotFound => anyhow!(
            "there is no such secret in this account and region; give --key-arn or NIGHTSHIFT_APPROVAL_KEY_ARN the stack's output ApprovalKeyArn"
        ),
        PortErrorKind::Denied => anyhow!("{}; without the key, answer on the page that your mail links to", sentence(error)),
        _ => anyhow!(sentence(error)),
    }
}
