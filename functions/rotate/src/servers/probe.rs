//! Tries keys that others issue, with the one HTTPS request that the fleet file names.
//!
//! GET and nothing else, to the host that was written and nowhere else: a redirect is not followed, because the key would go
//! along. What the issuer answers besides its status is not read.

use std::error::Error;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use nightshift_core::fleet::Probe;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::SecretText;
use nightshift_core::rotation::ports::{KeyProbe, LoginAnswer};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::Servers;
use super::dial::dial;
use super::tls::{self, Usual};

const PROBE: &str = "issuer:probe";
const PORT: u16 = 443;
const PLACE: &str = "{key}";

impl KeyProbe for Servers {
    async fn probe(&self, probe: &Probe, key: &SecretText) -> PortResult<LoginAnswer> {
        let target = Target::read(probe)?;
        let Some(value) = carried(&probe.value, key)? else {
            let why = "it has a character that no header can carry, such as a line break at its end".to_owned();
            return Ok(LoginAnswer::Refused { why });
        };
        let call = async {
            let stream = self.limits.connecting(PROBE, self.reach(&target, probe.ca.as_deref())).await?;
            target.judged(probe, ask(stream, &target, value).await?)
        };
        self.limits.whole_call(PROBE, call).await
    }
}

/// The parts of a probe that go into the request.
struct Target {
    uri: Uri,
    host: String,
    header: HeaderName,
}

fn denied(message: String) -> PortError {
    PortError::new(PortErrorKind::Denied, PROBE, message)
}

impl Target {
    /// The fleet file was checked when it was read; whoever calls this without that still gets no plaintext.
    fn read(probe: &Probe) -> PortResult<Self> {
        let uri: Uri = probe.url.parse().map_err(|_| denied("the probe's url cannot be read; write https://host/path".to_owned()))?;
        let host = match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(host)) => host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            _ => return Err(denied("the probe's url is not https://host/path; a key is not sent over anything else".to_owned())),
        };
        let header = HeaderName::from_bytes(probe.header.as_bytes());
        Ok(Self { uri, host, header: header.map_err(|_| denied("the probe's header is no header's name".to_owned()))? })
    }

    fn judged(&self, probe: &Probe, status: StatusCode) -> PortResult<LoginAnswer> {
        let (host, code) = (&self.host, status.as_u16());
        if probe.valid.contains(&code) {
            return Ok(LoginAnswer::Accepted);
        }
        if probe.invalid.contains(&code) {
            return Ok(LoginAnswer::Refused { why: format!("{host} answers {code}") });
        }
        let hint = match code {
            300..400 => "; it points elsewhere, and a key is not sent along: write the final address into the fleet file",
            404 | 405 => "; is the probe's url right?",
            _ => "",
        };
        Err(PortError::new(PortErrorKind::Unavailable, PROBE, format!("{host} answers {code}, which says nothing about the key{hint}")))
    }
}

/// The header's value with the key in it; none if the key cannot be part of one.
fn carried(template: &str, key: &SecretText) -> PortResult<Option<HeaderValue>> {
    let is_usable = HeaderValue::from_str(&template.replace(PLACE, "key")).is_ok();
    if !is_usable {
        return Err(denied("the probe's value has a character that no header can carry".to_owned()));
    }
    let text = Zeroizing::new(template.replace(PLACE, key.reveal()));
    Ok(HeaderValue::from_str(&text).ok().map(|mut value| {
        // Its Debug shows "Sensitive" from now on.
        value.set_sensitive(true);
        value
    }))
}

impl Servers {
    async fn reach(&self, target: &Target, ca: Option<&str>) -> PortResult<TlsStream<TcpStream>> {
        let verified = self.roots.verified(PROBE, Usual::Public, ca, &target.host)?;
        let tcp = dial(PROBE, &target.host, target.uri.port_u16().unwrap_or(PORT), self.limits.connect()).await?;
        verified.handshake(tcp).await.map_err(|error| tls::problem(PROBE, &target.host, &error))
    }
}

/// One request on a connection of its own, which ends with the answer's status.
async fn ask(stream: TlsStream<TcpStream>, target: &Target, value: HeaderValue) -> PortResult<StatusCode> {
    let broke = |error: &(dyn Error + 'static)| tls::problem(PROBE, &target.host, error);
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = target.uri.authority().map_or(target.host.as_str(), |authority| authority.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("nightshift/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .header(&target.header, value)
        .body(Empty::<Bytes>::new())
        .map_err(|_| denied("the probe's url cannot be put into a request; write https://host/path".to_owned()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| broke(&error))?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    let mut connection = std::pin::pin!(connection);
    let mut is_open = true;
    let answer = std::future::poll_fn(|waker| {
        is_open = is_open && connection.as_mut().poll(waker).is_pending();
        answer.as_mut().poll(waker)
    });
    answer.await.map(|answer| answer.status()).map_err(|error| broke(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(url: &str) -> Probe {
        let text = |text: &str| text.to_owned();
        Probe {
            url: text(url),
            header: text("authorization"),
            value: text("Bearer {key}"),
            valid: vec![200],
            invalid: vec![401, 403],
            ca: None,
        }
    }

    #[test]
    fn only_https_is_asked() {
        for url in ["http://issuer.example/v1", "issuer.example", "/v1/models", "ftp://issuer.example", "https://", ""] {
            assert_eq!(Target::read(&probe(url)).err().map(|error| error.kind), Some(PortErrorKind::Denied), "{url}");
        }
        let target = Target::read(&probe("https://issuer.example:8443/v1/models?limit=1")).unwrap();
        assert_eq!((target.host.as_str(), target.uri.port_u16()), ("issuer.example", Some(8443)));
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_a_bad_key_and_nothing_shows_a_good_one() {
        let key = |text: &str| SecretText::new(text.to_owned());
        assert!(carried("Bearer {key}", &key("sk-abc\n")).unwrap().is_none());
        assert!(carried("Bearer\n{key}", &key("sk-abc")).is_err());
        let value = carried("Bearer {key}", &key("sk-abc")).unwrap().unwrap();
        assert_eq!(value.as_bytes(), b"Bearer sk-abc");
        assert!(!format!("{value:?}").contains("abc"));
    }

    #[test]
    fn only_the_listed_statuses_say_something_about_the_key() {
        let probe = probe("https://issuer.example/");
        let target = Target::read(&probe).unwrap();
        let judged = |code| target.judged(&probe, StatusCode::from_u16(code).unwrap());
        assert_eq!(judged(200), Ok(LoginAnswer::Accepted));
        assert!(matches!(judged(401), Ok(LoginAnswer::Refused { .. })));
        for code in [204, 302, 404, 429, 500, 503] {
            assert_eq!(judged(code).unwrap_err().kind, PortErrorKind::Unavailable, "{code}");
        }
        assert!(judged(307).unwrap_err().message.contains("final address"));
    }
}
