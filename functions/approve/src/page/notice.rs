//! Pages without a form: what came of an answer, why a question is closed, what is wrong with a link.

use nightshift_core::release::approve::{About, Claims, day_and_time};

use super::Page;
use super::html::Html;

/// How a page sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It went as wished.
    Good,
    /// It is so.
    Plain,
    /// It did not go as wished.
    Bad,
}

/// A page that says one thing.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    tone: Tone,
    subject: Option<String>,
    title: String,
    lines: Vec<String>,
}

impl Notice {
    pub fn new(tone: Tone, subject: Option<&str>, title: &str, lines: impl IntoIterator<Item = String>) -> Self {
        Self { tone, subject: subject.map(str::to_owned), title: title.to_owned(), lines: lines.into_iter().collect() }
    }

    /// A question that is closed to this approver.
    pub fn closed(claims: &Claims, why: &str, remedy: &str) -> Self {
        Self::new(Tone::Plain, Some(&subject(claims)), "This question is closed", [sentence(why), remedy.to_owned()])
    }

    /// Too many wrong codes.
    pub fn locked(claims: &Claims) -> Self {
        let lines = [
            format!("Too many wrong codes were typed with the link of {}, so nothing can be answered with it any more.", claims.approver),
            "Nothing has been approved. Another approver can still answer with a link of their own. If there is nobody else, end the \
             release and start it again: nightshift release abort, then nightshift deploy. That sends new links and codes; \
             nightshift release approve does not lift the lock."
                .to_owned(),
            "If it was not you who typed them, somebody has your link: tell those who look after Nightshift.".to_owned(),
        ];
        Self::new(Tone::Bad, Some(&subject(claims)), "This link is locked", lines)
    }

    /// A link whose time is over.
    pub fn expired_link(claims: &Claims) -> Self {
        let lines = [
            format!("The question stood until {}. Nothing can be answered with this link any more.", day_and_time(claims.expires_at)),
            "To be asked again, start it anew: nightshift deploy, or the pipeline in CodePipeline.".to_owned(),
        ];
        Self::new(Tone::Plain, Some(&subject(claims)), "This link has expired", lines)
    }

    /// A link that is not ours, or not whole.
    pub fn bad_link() -> Self {
        let lines = [
            "Some mail programs cut long links: copy the whole link, from https to its last letter, into the address bar.".to_owned(),
            "If it is whole, the key that signs links was replaced since the mail was sent: start the release anew to get a new one \
             (nightshift release abort, then nightshift deploy)."
                .to_owned(),
        ];
        Self::new(Tone::Bad, None, "This link does not work", lines)
    }

    /// A form without its button.
    pub fn no_verdict() -> Self {
        let lines = ["Nothing was changed. Open the link of your mail again and press one of its two buttons.".to_owned()];
        Self::new(Tone::Bad, None, "There was no answer in that", lines)
    }

    /// Another path than that of the page.
    pub fn no_such_page() -> Self {
        Self::new(Tone::Plain, None, "There is no such page", ["Open the link of your mail again.".to_owned()])
    }

    /// Another method than those of a browser.
    pub fn other_method() -> Self {
        Self::new(Tone::Plain, None, "That cannot be done here", ["Open the link of your mail in a browser.".to_owned()])
    }

    /// AWS does not answer.
    pub fn unavailable() -> Self {
        let lines = [
            "Nightshift could not reach what it needs to know. It is not certain that an answer was taken.".to_owned(),
            "Open the link of your mail again in a minute: the page then says whether your answer is there. Nothing is ever \
             answered twice. If it stays so, the function's log says why."
                .to_owned(),
        ];
        Self::new(Tone::Bad, None, "Please try again in a minute", lines)
    }
}

impl Page for Notice {
    fn html(&self) -> String {
        let mut html = Html::begin(&self.title);
        html.raw("<p class=\"over\">Nightshift");
        if let Some(subject) = &self.subject {
            html.raw(", ").text(subject);
        }
        html.raw("</p>\n<h1>").text(&self.title).raw("</h1>\n<div class=\"");
        html.raw(match self.tone {
            Tone::Good => "word good\" role=\"status\">\n",
            Tone::Plain => "card\">\n",
            Tone::Bad => "word bad\" role=\"alert\">\n",
        });
        for line in &self.lines {
            html.raw("<p>").text(line).raw("</p>\n");
        }
        html.raw("</div>\n");
        html.end()
    }
}

/// The system and service or pipeline of a link.
pub(crate) fn subject(claims: &Claims) -> String {
    match &claims.about {
        About::Release { key, .. } => key.to_string(),
        About::Pipeline { system, pipeline, .. } => format!("{system}/{pipeline}"),
    }
}

/// With a capital and a full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
