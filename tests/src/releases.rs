//! Releases of a deployed Nightshift: handing it events, reading questions from the mails, answering them on the page.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deploy::between;
use crate::http::Answer;
use crate::nightshift::{Nightshift, Notice};
use crate::waiting::wait_until;

/// A question as its two mails bring it.
#[derive(Clone, Debug)]
pub struct Question {
    /// The mail with the link.
    pub asked: Notice,
    /// The mail with the code.
    pub code: Notice,
}

impl Question {
    /// The link.
    pub fn link(&self) -> &str {
        self.asked.field("link")
    }

    /// The code.
    pub fn code(&self) -> &str {
        self.code.field("code")
    }
}

impl Nightshift<'_> {
    /// Hands the `deploy` function an event and waits for its answer.
    pub fn invoke_deploy(&self, event: &Value) -> Answer {
        self.http().invoke(self.output("DeployFunctionName"), "RequestResponse", event)
    }

    /// The same, and panics if the function fails.
    pub fn ask_deploy(&self, event: &Value) -> Value {
        let answer = self.invoke_deploy(event);
        assert!(answer.function_error.is_none(), "the function failed: {}", answer.body);
        answer.json()
    }

    /// Hands the `deploy` function an event as AWS's own services do: nobody waits for the answer.
    pub fn send_deploy(&self, event: &Value) {
        self.http().invoke(self.output("DeployFunctionName"), "Event", event).expect_done("Invoke");
    }

    /// Has the `deploy` function look for what lost events left undone.
    pub fn sweep(&self) -> Value {
        self.ask_deploy(&json!({ "nightshift": "calendar" }))
    }

    /// Questions of which both mails are there, the oldest first.
    pub fn questions(&self) -> Vec<Question> {
        let notices = self.notices();
        let codes = |asked: &Notice| {
            let is_its = |code: &&Notice| {
                let same = |name: &str| code.field(name) == asked.field(name);
                code.field("kind") == "approval_code" && ["system", "service", "release", "stage", "approver"].into_iter().all(same)
            };
            notices.iter().find(is_its).cloned()
        };
        let asked = notices.iter().filter(|notice| notice.field("kind") == "approval");
        asked.filter_map(|asked| Some(Question { asked: asked.clone(), code: codes(asked)? })).collect()
    }

    /// Waits for the question about the image with this digest.
    pub async fn question(&self, digest: &str) -> Question {
        let look = async || {
            let found = self.questions().into_iter().find(|question| question.asked.field("digest") == digest);
            found.ok_or_else(|| format!("{:?}", self.subjects()))
        };
        wait_until("people are asked", Duration::from_secs(40), look).await
    }

    /// Opens the page of a question.
    pub fn open(&self, question: &Question) -> Answer {
        self.http().page(question.link())
    }

    /// Answers a question on its page as a person does: opens it, types the code, presses the button.
    pub fn answer(&self, question: &Question, verdict: &str) -> Answer {
        let page = self.open(question).expect_done("opening the page").body;
        let token = between(&page, "name=\"t\" value=\"", "\"").next().unwrap_or_else(|| panic!("no form:\n{page}"));
        self.post(question, token, verdict)
    }

    /// Posts the page's form, without having opened it.
    pub fn post(&self, question: &Question, token: &str, verdict: &str) -> Answer {
        let url = question.link().split('?').next().unwrap_or_default();
        self.http().post_form(url, &[("t", token), ("code", question.code()), ("verdict", verdict)])
    }

    /// Waits until people are told something of a service's release, such as `done`.
    pub async fn told(&self, service: &str, kind: &str) -> Notice {
        let is_it = |notice: &&Notice| notice.field("kind") == kind && notice.subject.starts_with(&format!("{service}:"));
        let look = async || self.notices().iter().find(is_it).cloned().ok_or_else(|| format!("{:?}", self.subjects()));
        wait_until(&format!("people are told `{kind}` of {service} in {}", self.region()), Duration::from_secs(50), look).await
    }

    /// What people were told, in headlines.
    pub fn subjects(&self) -> Vec<String> {
        self.notices().into_iter().map(|notice| format!("{} {}", notice.field("kind"), notice.subject)).collect()
    }

    /// A release of a service as `nightshift release show --json` has it; `which` is a tag, or empty for the foremost.
    pub fn release(&self, service: &str, which: &str) -> Value {
        let mut arguments = vec!["release", "show", service, "--json"];
        arguments.extend(Some(which).filter(|which| !which.is_empty()));
        let said = self.run(&arguments);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// The number of releases that a service has had, in whatever state.
    pub fn count_releases(&self, service: &str) -> usize {
        let said = self.run(&["release", "list", service, "--json"]);
        let list: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        list.as_array().map_or(0, Vec::len)
    }

    /// Has the links in mails open on this machine, where the function's URL is reached by a path of the local AWS.
    pub(crate) fn have_links_open_here(&self) {
        let id = self.output("ApprovalUrl").trim_start_matches("https://").split('.').next().unwrap_or_default();
        let url = format!("{}/_aws/lambda-url/{id}/", self.aws().endpoint());
        let path = format!("/2015-03-31/functions/{}/configuration", self.output("DeployFunctionName"));
        let mut environment = self.http().get("lambda", &path).expect_done("GetFunctionConfiguration").json()["Environment"].clone();
        environment["Variables"]["NIGHTSHIFT_APPROVAL_URL"] = json!(url);
        self.http().put("lambda", &path, &json!({ "Environment": environment }).to_string()).expect_done("UpdateFunctionConfiguration");
    }

    fn http(&self) -> crate::http::Http {
        self.aws().http().in_region(self.region())
    }
}
