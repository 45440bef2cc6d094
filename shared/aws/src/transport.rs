//! The one HTTP client that all SDK clients share: rustls on ring, HTTP/1.1 and 2, trust in Amazon's own roots.
//!
//! Owns what is trusted and how long a connection may take. It is made at the first call, not while starting, and the
//! certificates are read only where TLS is spoken. Must never read the system's certificate store: that costs 30 ms.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::config::ConfigError;

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

    fn store(&self) -> tls::TrustStore {
        let pem: &str = match self {
            Self::NoTls => "",
            Self::Amazon => AMAZON_ROOTS,
            Self::Bundle(pem) => pem,
        };
        let empty = tls::TrustStore::empty();
        certificates(pem).fold(empty, |store, certificate| store.with_pem_certificate(certificate))
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
const PEM_END: &str = "-----END CERTIFICATE-----";

/// The certificates in a PEM text, one by one, without those that rustls cannot read: the HTTP client panics on such a
/// one, and bundles of old systems have them.
fn certificates(pem: &str) -> impl Iterator<Item = &str> {
    pem.split_inclusive(PEM_END)
        .filter_map(|part| part.find(PEM_BEGIN).and_then(|begin| part.get(begin..)))
        .filter(|certificate| is_usable(certificate))
}

fn is_usable(certificate: &str) -> bool {
    let read = CertificateDer::from_pem_slice(certificate.as_bytes());
    read.is_ok_and(|der| RootCertStore::empty().add(der).is_ok())
}

/// Builds the client; nothing is parsed or connected before the first call.
pub(crate) fn http_client(trust: Trust, connect_timeout: Duration) -> SharedHttpClient {
    SharedHttpClient::new(OneConnector { trust, connect_timeout, connector: OnceLock::new() })
}

/// One connector, so one pool of connections, for every SDK client. The SDK's own builder makes a throw-away connector per
/// client to validate it, and with it reads the certificates again for each.
#[derive(Debug)]
struct OneConnector {
    trust: Trust,
    connect_timeout: Duration,
    connector: OnceLock<SharedHttpConnector>,
}

impl OneConnector {
    fn connect(&self) -> SharedHttpConnector {
        let settings = HttpConnectorSettings::builder().connect_timeout(self.connect_timeout).build();
        let context = tls::TlsContext::builder().with_trust_store(self.trust.store()).build().unwrap_or_default();
        let connector = Connector::builder()
            .connector_settings(settings)
            .sleep_impl(TokioSleep::new())
            .pool_idle_timeout(SOCKET_IDLE)
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .tls_context(context)
            .build();
        SharedHttpConnector::new(connector)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_roots_are_usable_and_nothing_else_is_in_the_file() {
        assert_eq!(AMAZON_ROOTS.matches(PEM_BEGIN).count(), 5);
        assert_eq!(certificates(AMAZON_ROOTS).count(), 5);
    }

    #[test]
    fn what_is_no_certificate_is_left_out_of_a_bundle() {
        let good = certificates(AMAZON_ROOTS).next().unwrap();
        let bundle = format!("# old bundle\n{PEM_BEGIN}\nAAAA\n{PEM_END}\nsome text\n{good}\n{PEM_BEGIN}\nnot base64!\n{PEM_END}\n");
        assert_eq!(certificates(&bundle).collect::<Vec<_>>(), [good]);
    }

    #[test]
    fn a_bundle_that_cannot_be_used_says_which_and_what_to_do() {
        let missing = Trust::bundle(Path::new("/nowhere/roots.pem")).unwrap_err().to_string();
        assert!(missing.contains("/nowhere/roots.pem") && missing.contains("AWS_CA_BUNDLE"), "{missing}");
        let source = Trust::bundle(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).unwrap_err().to_string();
        assert!(source.contains("no PEM certificate"), "{source}");
    }
}
