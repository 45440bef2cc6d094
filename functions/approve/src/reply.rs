//! Answers to requests: status, the headers that every page has, and the page.
//!
//! Nothing may be cached, framed, indexed or sent on as a referrer; no script may run.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::page::{Page, STYLE};

/// The one style sheet is allowed by its digest, so that no other style, and no script at all, is.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
});

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    /// What came of the request, as a stable code.
    pub outcome: &'static str,
    body: String,
    allow: Option<&'static str>,
}

impl Reply {
    pub fn page(status: u16, outcome: &'static str, page: &impl Page) -> Self {
        Self { status, outcome, body: page.html(), allow: None }
    }

    /// With the methods that would have been right.
    pub fn allowing(self, methods: &'static str) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// As Lambda takes it (payload format 2.0). HEAD gets what GET would, without its body.
    pub fn into_answer(self, is_head: bool) -> Value {
        let mut headers = Map::new();
        let mut set = |name: &str, value: &str| headers.insert(name.to_owned(), json!(value));
        set("content-type", "text/html; charset=utf-8");
        set("content-security-policy", &CONTENT_SECURITY_POLICY);
        set("cache-control", "no-store");
        set("referrer-policy", "no-referrer");
        set("strict-transport-security", "max-age=63072000");
        set("x-content-type-options", "nosniff");
        set("x-frame-options", "DENY");
        set("x-robots-tag", "noindex, nofollow");
        set("cross-origin-opener-policy", "same-origin");
        if let Some(methods) = self.allow {
            set("allow", methods);
        }
        if self.status == 503 {
            set("retry-after", "30");
        }
        let body = if is_head { String::new() } else { self.body };
        json!({ "statusCode": self.status, "headers": headers, "body": body, "isBase64Encoded": false })
    }
}
