//! What a visitor wants: to see a question, or to answer it.
//!
//! Only a POST answers. What a GET carries besides its link is not looked at.

use jiff::Timestamp;
use nightshift_core::release::approve::{ApprovalKey, Claims};
use nightshift_core::release::{Answer, Verdict};

use crate::page::Notice;
use crate::reply::Reply;
use crate::request::{Method, Request};

/// What is wished of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// To see what is asked.
    Show { token: String },
    /// To answer.
    Answer { token: String, typed: String, verdict: Verdict },
}

impl Asks {
    /// The wish of a request, or the page that says why there is none.
    pub fn of(request: &Request) -> Result<Self, Reply> {
        if !matches!(request.path.as_str(), "" | "/") {
            return Err(Reply::page(404, "no_such_page", &Notice::no_such_page()));
        }
        let incomplete = || Reply::page(400, "incomplete", &Notice::bad_link());
        match request.method {
            Method::Get | Method::Head => match request.query.only("t") {
                Some(token) => Ok(Self::Show { token: token.to_owned() }),
                None => Err(incomplete()),
            },
            Method::Post => {
                let form = request.form.as_ref().map_err(|_| incomplete())?;
                let verdict = match form.only("verdict") {
                    Some("approve") => Verdict::Approve,
                    Some("reject") => Verdict::Reject,
                    _ => return Err(Reply::page(400, "no_verdict", &Notice::no_verdict())),
                };
                let token = form.only("t").ok_or_else(incomplete)?.to_owned();
                Ok(Self::Answer { token, typed: form.only("code").unwrap_or_default().to_owned(), verdict })
            }
            Method::Other => Err(Reply::page(405, "method", &Notice::other_method()).allowing("GET, HEAD, POST")),
        }
    }

    /// The link's signed text.
    pub fn token(&self) -> &str {
        match self {
            Self::Show { token } | Self::Answer { token, .. } => token,
        }
    }

    /// What was typed and chosen, if it is an answer.
    pub fn answer(&self) -> Option<(&str, Verdict)> {
        match self {
            Self::Show { .. } => None,
            Self::Answer { typed, verdict, .. } => Some((typed, *verdict)),
        }
    }
}

/// A visitor with a link of ours.
pub(crate) struct Visit<'v> {
    pub now: Timestamp,
    pub key: &'v ApprovalKey,
    pub claims: &'v Claims,
    pub asks: &'v Asks,
    pub from: Option<&'v str>,
}

/// Whether a typed code is the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It is.
    Right,
    /// It is one, but not this.
    Wrong,
    /// It cannot be one: no guess, and not counted.
    NoCode,
}

impl Visit<'_> {
    /// The answer as it is written down.
    pub fn answered(&self, verdict: Verdict) -> Answer {
        let via = self.from.map_or_else(|| "page".to_owned(), |from| format!("page, from {from}"));
        Answer { verdict, at: self.now, via }
    }

    /// Looks at a typed code.
    pub fn judge(&self, typed: &str) -> Typed {
        match self.key.is_code(self.claims, typed) {
            true => Typed::Right,
            false if ApprovalKey::looks_like_code(typed) => Typed::Wrong,
            false => Typed::NoCode,
        }
    }
}
