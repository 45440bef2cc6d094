//! The one HTTP client that all SDK clients share: hyper over HTTP/1.1, rustls on ring, trust in Amazon's own roots.
//!
//! Owns what is trusted, how long a connection may take, that no call outlasts its invocation, and which failures the SDK may repeat. The SDK's own client crate
//! would bring HTTP/2, proxies and the system's certificate store: a tenth of a function's binary, used by none. It is made
//! at the first call, and the certificates are read only where TLS is spoken.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client, connect};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::ConfigError;
use crate::deadline;

/// Amazon Trust Services' roots; where they come from stands in the file.
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// A socket that is idle for longer is not used again: AWS's side may have closed it while the sandbox was frozen, and a
/// request on a dead socket costs a retry with its back-off, a new connection only a handshake.
const SOCKET_IDLE: Duration = Duration::from_secs(20);

/// Whom TLS trusts.
#[derive(Clone)]
pub(crate) enum Trust {
    /// Every endpoint is plain HTTP (a local AWS): nobody has to be trusted.
    NoTls,
    /// Amazon's roots.
    Amazon,
    /// The certificates of `AWS_CA_BUNDLE` and nobody else, as PEM.
    Bundle(Arc<str>),
}

impl Trust {
    /// Reads the file that `AWS_CA_BUNDLE` names.
    pub(crate) fn bundle(path: &Path) -> Result<Self, ConfigError> {
        let unusable = |problem: String| ConfigError::CaBundle { path: PathBuf::from(path), problem };
        let pem = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        match pem.contains(PEM_BEGIN) {
            true => Ok(Self::Bundle(pem.into())),
            false => Err(unusable("there is no PEM certificate in it".to_owned())),
        }
    }

    /// The certificates, without those that rustls cannot read: bundles of old systems have such.
    fn roots(&self) -> RootCertStore {
        let pem: &str = match self {
            Self::NoTls => "",
            Self::Amazon => AMAZON_ROOTS,
            Self::Bundle(pem) => pem,
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem.as_bytes()).flatten());
        roots
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoTls => "NoTls",
            Self::Amazon => "Amazon",
            Self::Bundle(_) => "Bundle",
        })
    }
}

const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Builds the client; nothing is parsed or connected before the first call.
pub(crate) fn http_client(trust: Trust, connect_timeout: Duration) -> SharedHttpClient {
    SharedHttpClient::new(OneConnector { trust, connect_timeout, connector: OnceLock::new() })
}

/// One connector, so one pool of connections, for every SDK client.
#[derive(Debug)]
struct OneConnector {
    trust: Trust,
    connect_timeout: Duration,
    connector: OnceLock<SharedHttpConnector>,
}

impl OneConnector {
    fn connect(&self) -> SharedHttpConnector {
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        // Ring is the only provider that is compiled in, so rustls finds it by itself.
        let tls = ClientConfig::builder().with_root_certificates(self.trust.roots()).with_no_client_auth();
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(SOCKET_IDLE).build(https);
        Hyper { client }.into_shared()
    }
}

impl HttpClient for OneConnector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector.get_or_init(|| self.connect()).clone()
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

/// Hyper as the SDK's connector.
#[derive(Debug)]
struct Hyper {
    client: Client<HttpsConnector<connect::HttpConnector>, SdkBody>,
}

impl HttpConnector for Hyper {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let time_left = deadline::time_left().unwrap_or(Duration::MAX);
        if time_left.is_zero() {
            return HttpConnectorFuture::ready(Err(out_of_time()));
        }
        let answer = self.client.request(request);
        HttpConnectorFuture::new(async move {
            let answered = tokio::time::timeout(time_left, answer).await.map_err(|_| out_of_time())?;
            let response = answered.map_err(classified)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The invocation is nearly over: another attempt would have no time either, so that the SDK may not make one.
fn out_of_time() -> ConnectorError {
    ConnectorError::user("no time is left for it in this invocation".into())
}

/// What the SDK may repeat: connections that were not made or broke off. A peer that is not trusted stays so.
fn classified(error: legacy::Error) -> ConnectorError {
    let is_refused_by_tls = is_caused_by::<rustls::Error>(&error);
    let is_of_the_wire = error.is_connect() || is_caused_by::<std::io::Error>(&error) || is_caused_by::<hyper::Error>(&error);
    match (is_refused_by_tls, is_of_the_wire) {
        (false, true) => ConnectorError::io(error.into()),
        (true, _) => ConnectorError::other(error.into(), None),
        (false, false) => ConnectorError::other(error.into(), Some(ErrorKind::TransientError)),
    }
}

fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<E>() || inner.is_some_and(|inner| is_caused_by::<E>(inner)) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_roots_are_usable_and_nothing_else_is_in_the_file() {
        assert_eq!(AMAZON_ROOTS.matches(PEM_BEGIN).count(), 5);
        assert_eq!(Trust::Amazon.roots().len(), 5);
    }

    #[test]
    fn what_is_no_certificate_is_left_out_of_a_bundle() {
        let end = "-----END CERTIFICATE-----";
        let good = AMAZON_ROOTS.find(PEM_BEGIN).and_then(|begin| AMAZON_ROOTS[begin..].split_inclusive(end).next()).unwrap();
        let bundle = format!("# old bundle\n{PEM_BEGIN}\nAAAA\n{end}\nsome text\n{good}\n{PEM_BEGIN}\nnot base64!\n{end}\n");
        assert_eq!(Trust::Bundle(bundle.into()).roots().len(), 1);
    }

    #[test]
    fn a_bundle_that_cannot_be_used_says_which_and_what_to_do() {
        let missing = Trust::bundle(Path::new("/nowhere/roots.pem")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/roots.pem") && missing.contains("AWS_CA_BUNDLE"), "{missing}");
        let source = Trust::bundle(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).unwrap_err().to_string();
        assert!(source.contains("no PEM certificate"), "{source}");
    }
}
