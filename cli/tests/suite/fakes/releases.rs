//! The ledger of releases and the functions, in memory: what each look finds, what was written, who was called.

use std::cell::RefCell;
use std::collections::BTreeMap;

use nightshift_aws::FunctionAnswer;
use nightshift_cli::CommandTaker;
use nightshift_core::fleet::ApproverName;
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::{FunctionCaller, KeyReader};
use nightshift_core::release::approve::{ApprovalKey, WRONG_CODES};
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, Book, BookView, ReleaseId};
use serde_json::Value;

/// What the desk holds of one approver.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub answer: Option<Answer>,
    pub wrong: u32,
}

/// The releases' ledger. Each look at a service finds the next of its views, and then the last one for ever.
#[derive(Default)]
pub struct Releases {
    views: RefCell<BTreeMap<String, Vec<PortResult<BookView>>>>,
    pub desk: RefCell<BTreeMap<String, Kept>>,
    pub journal: RefCell<Vec<String>>,
    /// Calls whose journal line begins so are refused.
    refuses: Vec<(&'static str, PortErrorKind)>,
}

impl Releases {
    pub fn of(key: &str, books: impl IntoIterator<Item = Book>) -> Self {
        Self::default().and(key, books.into_iter().map(|book| Ok(BookView { book, pause: None })))
    }

    pub fn refusing(mut self, calls: &'static str, kind: PortErrorKind) -> Self {
        self.refuses.push((calls, kind));
        self
    }

    pub fn and(self, key: &str, views: impl IntoIterator<Item = PortResult<BookView>>) -> Self {
        self.views.borrow_mut().insert(key.to_owned(), views.into_iter().collect());
        self
    }

    fn note(&self, line: String) -> PortResult<()> {
        let refused = self.refuses.iter().find(|(refused, _)| line.starts_with(refused)).map(|(_, kind)| *kind);
        self.journal.borrow_mut().push(line);
        match refused {
            Some(kind) => Err(PortError::new(kind, "dynamodb:UpdateItem", "as the test wishes")),
            None => Ok(()),
        }
    }

    /// What was written, in order.
    pub fn written(&self) -> Vec<String> {
        self.journal.borrow().iter().filter(|line| !line.starts_with("read")).cloned().collect()
    }
}

fn place(release: &ReleaseId, stage: &str, approver: &ApproverName) -> String {
    format!("{release}#{stage}#{approver}")
}

impl ReleaseLedger for Releases {
    async fn read_book(&self, key: &ServiceKey) -> PortResult<BookView> {
        self.note(format!("read {key}"))?;
        let mut views = self.views.borrow_mut();
        match views.get_mut(&key.to_string()) {
            Some(views) if views.len() > 1 => views.remove(0),
            Some(views) => views[0].clone(),
            None => Ok(BookView::default()),
        }
    }

    async fn store_book(&self, _: &ServiceKey, _: u64, _: &Book) -> PortResult<()> {
        panic!("the command line moves no release");
    }

    async fn append_release(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        panic!("the command line writes no history");
    }
}

impl AnswerDesk for Releases {
    async fn answers(
        &self,
        _: &ServiceKey,
        release: &ReleaseId,
        stage: &str,
        approvers: &[ApproverName],
    ) -> PortResult<BTreeMap<ApproverName, Answer>> {
        self.note("read answers".to_owned())?;
        let desk = self.desk.borrow();
        let of = |name: &ApproverName| Some((name.clone(), desk.get(&place(release, stage, name))?.answer.clone()?));
        Ok(approvers.iter().filter_map(of).collect())
    }

    async fn answer(&self, _: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName, answer: &Answer) -> PortResult<()> {
        self.note(format!("answer {stage} {approver} {:?} {} {}", answer.verdict, answer.at, answer.via))?;
        let mut desk = self.desk.borrow_mut();
        let kept = desk.entry(place(release, stage, approver)).or_default();
        if kept.answer.is_some() || kept.wrong >= WRONG_CODES {
            return Err(PortError::new(PortErrorKind::Conflict, "dynamodb:UpdateItem", "answered already, or locked"));
        }
        kept.answer = Some(answer.clone());
        Ok(())
    }

    async fn count_wrong_code(&self, _: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> PortResult<u32> {
        self.note(format!("wrong code {stage} {approver}"))?;
        let mut desk = self.desk.borrow_mut();
        let kept = desk.entry(place(release, stage, approver)).or_default();
        kept.wrong += 1;
        Ok(kept.wrong)
    }
}

/// The functions of the account.
pub struct Function {
    pub answer: PortResult<FunctionAnswer>,
    pub taken: RefCell<Vec<(String, Value)>>,
}

impl Function {
    pub fn answering(answer: Value) -> Self {
        Self { answer: Ok(FunctionAnswer::Returned(answer)), taken: RefCell::default() }
    }

    pub fn failing(kind: PortErrorKind, message: &str) -> Self {
        Self { answer: Err(PortError::new(kind, "lambda:InvokeFunction", message)), taken: RefCell::default() }
    }
}

impl CommandTaker for Function {
    async fn command(&self, function: &str, input: &Value) -> PortResult<FunctionAnswer> {
        self.taken.borrow_mut().push((function.to_owned(), input.clone()));
        self.answer.clone()
    }
}

impl FunctionCaller for Function {
    async fn call_later(&self, function: &str, event: &Value) -> PortResult<()> {
        self.taken.borrow_mut().push((function.to_owned(), event.clone()));
        self.answer.clone().map(drop)
    }
}

/// The secret with the key.
pub struct Keys(pub PortResult<ApprovalKey>);

impl KeyReader for Keys {
    async fn approval_key(&self) -> PortResult<ApprovalKey> {
        self.0.clone()
    }
}
