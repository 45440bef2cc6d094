//! Pages: plain HTML from plain values. No script, one style sheet, everything that comes from elsewhere escaped.
//!
//! Must work at 320 pixels, in the dark, by keyboard alone and read aloud; says what a button does before it is pressed.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::release::approve::{Claims, Question, day_and_time};

mod html;
mod notice;

pub(crate) use notice::{Notice, Tone};

use html::Html;

/// The style sheet, as it stands in every page.
pub(crate) const STYLE: &str = include_str!("page.css");

/// A whole page.
pub(crate) trait Page {
    /// As HTML.
    fn html(&self) -> String;
}

/// A question with the form that answers it.
pub(crate) struct QuestionPage<'p> {
    pub question: &'p Question,
    pub claims: &'p Claims,
    /// The link's signed text, which the form carries on.
    pub token: &'p str,
    pub now: Timestamp,
    pub until: Timestamp,
    /// Who has agreed so far, and how many have to.
    pub agreed: String,
    /// What is wrong with the last answer.
    pub trouble: Option<String>,
    /// What else there is to know before answering.
    pub note: Option<String>,
    pub buttons: Buttons,
}

/// Which answers can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buttons {
    /// Yes or no.
    Both,
    /// No alone: whoever started a release does not count among those who agree.
    RejectOnly,
    /// The answer is there, and is to be handed to CodePipeline once more.
    HandOver,
}

impl Page for QuestionPage<'_> {
    fn html(&self) -> String {
        let Question { subject, headline, .. } = self.question;
        let mut html = Html::begin(&format!("{headline}?"));
        html.raw("<p class=\"over\">Nightshift asks about ").text(subject).raw("</p>\n<h1>").text(headline).raw("?</h1>\n<p>");
        html.text(&format!("{}, your answer is asked for until ", self.claims.approver));
        html.time(self.until).raw(" (").text(&left(self.until.duration_since(self.now))).raw(").</p>\n");
        if let Some(note) = &self.note {
            html.raw("<div class=\"word note\"><p>").text(note).raw("</p></div>\n");
        }
        self.facts(&mut html);
        self.form(&mut html);
        html.raw("<p class=\"soft\">Opening this page changes nothing; only a button with the right code does.</p>\n");
        html.end()
    }
}

impl QuestionPage<'_> {
    fn facts(&self, html: &mut Html) {
        html.raw("<section class=\"card\" aria-label=\"What is asked\">\n<dl>\n");
        for fact in &self.question.facts {
            html.raw("<dt>").text(fact.label).raw("</dt>\n<dd>");
            for line in &fact.lines {
                html.raw("<p>");
                match &fact.link {
                    Some(address) => html.link(address, line),
                    None => html.text(line),
                };
                html.raw("</p>");
            }
            html.raw("</dd>\n");
        }
        html.raw("<dt>Agreed so far</dt>\n<dd><p>").text(&self.agreed).raw("</p></dd>\n</dl>\n</section>\n");
    }

    /// The action is relative: the page may stand under a path of its own.
    fn form(&self, html: &mut Html) {
        html.raw("<form class=\"card\" method=\"post\" action=\"./\" autocomplete=\"off\">\n<h2>Your answer</h2>\n");
        if let Some(trouble) = &self.trouble {
            html.raw("<div class=\"word bad\" role=\"alert\" id=\"trouble\"><p>").text(trouble).raw("</p></div>\n");
        }
        html.raw("<input type=\"hidden\" name=\"t\" value=\"").text(self.token).raw("\">\n");
        html.raw(
            "<label for=\"code\">Code</label>\n<p class=\"soft\" id=\"hint\">Eight letters and digits, such as 7K3M-9QXA. They came in a ",
        );
        html.raw("mail of their own: a program that follows links cannot answer, since it has no code.</p>\n");
        html.raw("<input type=\"text\" id=\"code\" name=\"code\" required maxlength=\"20\" pattern=\"\\s*([0-9A-Za-z][\\s\\-\\u2010-\\u2015]*){8}\" ");
        html.raw("title=\"eight letters and digits\" autocomplete=\"one-time-code\" inputmode=\"text\" autocapitalize=\"characters\" ");
        html.raw("autocorrect=\"off\" spellcheck=\"false\" ");
        html.raw(match self.trouble {
            // Whoever mistyped is taken back to the field, which on a telephone is far down the page.
            Some(_) => "aria-describedby=\"trouble hint\" aria-invalid=\"true\" autofocus>\n",
            None => "aria-describedby=\"hint\">\n",
        });
        if self.buttons == Buttons::HandOver {
            html.raw("<button name=\"verdict\" value=\"approve\">Hand the answer to CodePipeline again</button>\n</form>\n");
            return;
        }
        if self.buttons == Buttons::Both {
            html.raw("<button name=\"verdict\" value=\"approve\">").text(&self.question.approve).raw("</button>\n");
        }
        html.raw("<button class=\"no\" name=\"verdict\" value=\"reject\">").text(&self.question.reject).raw("</button>\n");
        html.raw("<p class=\"soft\">A single no is enough to end it.</p>\n</form>\n");
    }
}

/// How much time is left, in one figure or two.
fn left(left: SignedDuration) -> String {
    let minutes = left.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute left".to_owned(),
        (0, 0, minutes) => format!("{minutes} min left"),
        (0, hours, minutes) => format!("{hours} h {minutes} min left"),
        (days, hours, _) => format!("{} h left", days * 24 + hours),
    }
}

/// Who has agreed and how many have to, in words.
pub(crate) fn agreed(names: &[(String, Timestamp)], needed: usize) -> String {
    let who = names.iter().map(|(name, at)| format!("{name} ({})", day_and_time(*at))).collect::<Vec<_>>().join(", ");
    let missing = needed.saturating_sub(names.len());
    match (names.is_empty(), needed, missing) {
        (true, 1, _) => "nobody yet; one person has to".to_owned(),
        (true, needed, _) => format!("nobody yet; {needed} people have to"),
        (false, _, 0) => who,
        (false, needed, 1) => format!("{who}; one more of {needed} has to"),
        (false, needed, missing) => format!("{who}; {missing} more of {needed} have to"),
    }
}
