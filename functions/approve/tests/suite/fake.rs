//! An estate in memory: a ledger, the key, other functions, CodePipeline and topics. Keeps a journal of every call and can
//! fail at call n, before or after the call has taken effect.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use nightshift_approve::{ApproveConfig, Deps, Estate, handle};
use nightshift_core::fleet::{ApproverName, Fleets};
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::*;
use nightshift_core::release::approve::*;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::*;
use nightshift_lambda::{HandlerError, Invocation};
use serde_json::{Value, json};

use crate::world;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// AWS refuses; nothing happens.
    Refused(PortErrorKind),
    /// It happened, and the caller is told that there was no answer.
    AnswerLost,
}

#[derive(Default)]
pub struct World {
    pub view: BookView,
    pub answers: BTreeMap<String, Answer>,
    pub wrong_codes: BTreeMap<String, u32>,
    pub questions: BTreeMap<String, PipelineQuestion>,
    pub called: Vec<(String, Value)>,
    pub told: Vec<(String, Message)>,
    pub pipelines_told: Vec<PipelineAnswer>,
    /// What CodePipeline says to answers.
    pub pipeline_refuses: Option<PortErrorKind>,
}

/// What somebody else does to the world, just before the call whose name starts so.
pub type Interference = (&'static str, fn(&mut World));

pub struct FakeEstate {
    pub world: RefCell<World>,
    pub now: Cell<Timestamp>,
    pub journal: RefCell<Vec<String>>,
    /// The nth call (from 0) fails.
    pub fail_at: Cell<Option<(usize, Failure)>>,
    pub meanwhile: RefCell<Option<Interference>>,
}

impl FakeEstate {
    async fn call<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        nightshift_schedules::before(name).await;
        let answer = self.take_effect(name, work);
        nightshift_schedules::after(name).await;
        answer
    }

    fn take_effect<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        let index = self.journal.borrow().len();
        self.journal.borrow_mut().push(name.to_owned());
        let interference = self.meanwhile.borrow_mut().take_if(|(when, _)| name.starts_with(*when));
        if let Some((_, interfere)) = interference {
            interfere(&mut self.world.borrow_mut());
        }
        let error = |kind| PortError::new(kind, format!("fake:{name}"), "as the test wants it");
        match self.fail_at.get().filter(|(at, _)| *at == index) {
            Some((_, Failure::Refused(kind))) => Err(error(kind)),
            Some((_, Failure::AnswerLost)) => work(&mut self.world.borrow_mut()).and(Err(error(PortErrorKind::Unavailable))),
            None => work(&mut self.world.borrow_mut()),
        }
    }
}

fn conflict(words: &str) -> PortError {
    PortError::new(PortErrorKind::Conflict, "fake", words)
}

fn slot(release: &ReleaseId, stage: &str, approver: &ApproverName) -> String {
    format!("{release}#{stage}#{approver}")
}

impl ReleaseLedger for FakeEstate {
    async fn read_book(&self, _: &ServiceKey) -> PortResult<BookView> {
        self.call("read_book", |world| Ok(world.view.clone())).await
    }

    async fn store_book(&self, _: &ServiceKey, _: u64, _: &Book) -> PortResult<()> {
        panic!("the page never writes a book")
    }

    async fn append_release(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        panic!("the page writes no history")
    }
}

impl AnswerDesk for FakeEstate {
    async fn answers(
        &self,
        _: &ServiceKey,
        release: &ReleaseId,
        stage: &str,
        approvers: &[ApproverName],
    ) -> PortResult<BTreeMap<ApproverName, Answer>> {
        self.call("answers", |world| {
            let of = |name: &ApproverName| Some((name.clone(), world.answers.get(&slot(release, stage, name))?.clone()));
            Ok(approvers.iter().filter_map(of).collect())
        })
        .await
    }

    async fn answer(&self, _: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName, answer: &Answer) -> PortResult<()> {
        self.call(&format!("answer {approver}"), |world| {
            let slot = slot(release, stage, approver);
            if world.answers.contains_key(&slot) || world.wrong_codes.get(&slot).is_some_and(|wrong| *wrong >= WRONG_CODES) {
                return Err(conflict("answered already, or locked"));
            }
            world.answers.insert(slot, answer.clone());
            Ok(())
        })
        .await
    }

    async fn count_wrong_code(&self, _: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> PortResult<u32> {
        self.call("count_wrong_code", |world| {
            let count = world.wrong_codes.entry(slot(release, stage, approver)).or_insert(0);
            *count += 1;
            Ok(*count)
        })
        .await
    }
}

impl PipelineDesk for FakeEstate {
    async fn question(&self, _: &str, id: &str) -> PortResult<Option<PipelineQuestion>> {
        self.call("question", |world| Ok(world.questions.get(id).cloned())).await
    }

    async fn store_question(&self, seen_version: u64, question: &PipelineQuestion) -> PortResult<()> {
        self.call("store_question", |world| {
            if world.questions.get(&question.id()).map_or(0, |known| known.version) != seen_version {
                return Err(conflict("another version"));
            }
            assert_eq!(question.version, seen_version + 1);
            world.questions.insert(question.id(), question.clone());
            Ok(())
        })
        .await
    }
}

impl KeyReader for FakeEstate {
    async fn approval_key(&self) -> PortResult<ApprovalKey> {
        self.call("approval_key", |_| Ok(world::secret())).await
    }
}

impl FunctionCaller for FakeEstate {
    async fn call_later(&self, function: &str, event: &Value) -> PortResult<()> {
        self.call("call_later", |world| {
            world.called.push((function.to_owned(), event.clone()));
            Ok(())
        })
        .await
    }
}

impl PageAddress for FakeEstate {
    async fn page_url(&self, _: &str) -> PortResult<String> {
        self.call("page_url", |_| Ok("https://page.lambda-url.us-east-1.on.aws/".to_owned())).await
    }
}

impl PipelineAnswerer for FakeEstate {
    async fn answer_pipeline(&self, _: &PipelineQuestion, answer: &PipelineAnswer) -> PortResult<()> {
        self.call("answer_pipeline", |world| match world.pipeline_refuses {
            Some(kind) => Err(PortError::new(kind, "codepipeline:PutApprovalResult", "as the test wants it")),
            None => {
                world.pipelines_told.push(answer.clone());
                Ok(())
            }
        })
        .await
    }
}

impl Messenger for FakeEstate {
    async fn publish(&self, topic_arn: &str, message: &Message) -> PortResult<()> {
        self.call("publish", |world| {
            world.told.push((topic_arn.to_owned(), message.clone()));
            Ok(())
        })
        .await
    }
}

impl Estate for FakeEstate {
    type Memory = Self;
    type Keys = Self;
    type Functions = Self;
    type Pipelines = Self;
    type People = Self;

    fn ledger(&self) -> &Self {
        self
    }
    fn keys(&self) -> &Self {
        self
    }
    fn functions(&self) -> &Self {
        self
    }
    fn pipelines(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
}

const FLEET: &str = r#"
version: 1
system: multi-region
regions: [us-east-1]
services:
  web:
    runs_on: { ecs: { cluster: multi-region, service: web } }
    bounds: { min: 2, max: 10 }
pipelines:
  multi-region:
    approval:
      needed: 2
      by:
        - { name: ann, topic: "arn:aws:sns:us-east-1:111122223333:ann" }
        - { name: bob, topic: "arn:aws:sns:us-east-1:111122223333:bob" }
  lone:
    approval: { by: [{ name: cid }] }
"#;

/// Release 1.4.2 waits for one of ann, bob and cid before production.
pub fn asking() -> Deps<FakeEstate> {
    let world = World { view: BookView { book: world::book(), pause: None }, ..World::default() };
    let estate = FakeEstate {
        world: RefCell::new(world),
        now: Cell::new(world::now()),
        journal: RefCell::default(),
        fail_at: Cell::default(),
        meanwhile: RefCell::default(),
    };
    let config = ApproveConfig {
        fleet: "/opt/fleet".into(),
        table: "nightshift-ledger".into(),
        topic_arn: "arn:aws:sns:us-east-1:111122223333:people".into(),
        key_arn: "arn:aws:secretsmanager:us-east-1:111122223333:secret:nightshift/approval-key-a1b2c3".into(),
        deploy_function: "nightshift-deploy".into(),
        page_url: None,
    };
    let fleets = Fleets::from_files(vec![("fleet.yaml".into(), FLEET.to_owned())]).unwrap_or_else(|errors| panic!("{errors}"));
    Deps { function: "approve".into(), config, fleets, estate }
}

impl FakeEstate {
    pub fn active(&self, bend: impl FnOnce(&mut Release)) {
        bend(self.world.borrow_mut().view.book.active.as_mut().unwrap());
    }

    pub fn approval(&self, bend: impl FnOnce(&mut Approval)) {
        self.active(|release| bend(release.approvals.get_mut("production").unwrap()));
    }

    pub fn answered(&self) -> usize {
        self.world.borrow().answers.len()
    }

    pub fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }
}

/// What the function answered.
pub struct Answered {
    pub status: u64,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answered {
    /// The page's heading.
    pub fn heading(&self) -> &str {
        self.body.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>")).map_or("", |(heading, _)| heading)
    }

    pub fn has_form(&self) -> bool {
        self.body.contains("<form")
    }
}

pub fn invocation(deps: &Deps<FakeEstate>) -> Invocation {
    let now = deps.estate.now.get();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-approve".to_owned();
    Invocation::new("1".into(), arn, now + SignedDuration::from_secs(10), move || now)
}

pub fn run(deps: &Deps<FakeEstate>, event: &Value) -> Result<Value, HandlerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(handle(&invocation(deps), deps, event))
}

pub fn visit(deps: &Deps<FakeEstate>, event: &Value) -> Answered {
    let answer = run(deps, event).unwrap_or_else(|error| panic!("a request is always answered: {error}"));
    assert_eq!(answer["isBase64Encoded"], false);
    let headers = answer["headers"].as_object().unwrap();
    Answered {
        status: answer["statusCode"].as_u64().unwrap(),
        headers: headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
        body: answer["body"].as_str().unwrap().to_owned(),
    }
}

/// A request as a function URL hands it over.
pub fn request(method: &str, path: &str, query: &str, content_type: &str, body: &str) -> Value {
    let is_form = content_type.starts_with("application/x-www-form-urlencoded");
    let body = if is_form { STANDARD.encode(body) } else { body.to_owned() };
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "host": "page.lambda-url.us-east-1.on.aws", "content-type": content_type, "user-agent": "a browser", "cookie": "a=b" },
        "requestContext": { "http": { "method": method, "path": path, "sourceIp": "203.0.113.7", "userAgent": "a browser" }, "requestId": "r" },
        "body": body, "isBase64Encoded": is_form,
    })
}

pub fn get(token: &str) -> Value {
    request("GET", "/", &format!("t={token}"), "", "")
}

pub fn post(token: &str, code: &str, verdict: &str) -> Value {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("t", token)
        .append_pair("code", code)
        .append_pair("verdict", verdict)
        .finish();
    request("POST", "/", "", "application/x-www-form-urlencoded", &form)
}

pub fn link(approver: &str) -> String {
    world::secret().token(&world::claims(approver))
}

pub fn code(approver: &str) -> String {
    world::secret().code(&world::claims(approver))
}

/// A code that is one, but another.
pub fn wrong(code: &str) -> String {
    let first = if code.starts_with('7') { '8' } else { '7' };
    format!("{first}{}", &code[1..])
}
