//! TLS: whom it trusts, and what it means when a server is not trusted.
//!
//! The server's certificate and its name are verified on every connection; there is no way to turn that off. Certificates of
//! the fleet file stand in place of the usual ones. Must never fall back to plaintext.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use webpki_roots::TLS_SERVER_ROOTS;

use super::words::repeatable;

/// The roots of RDS and Aurora; where they come from stands in the file.
const RDS_ROOTS: &str = include_str!("rds_roots.pem");
/// Whose public roots AWS's own endpoints and RDS Proxy lead to, as their names stand in a certificate.
const AMAZON_NAMES: [&[u8]; 2] = [b"Amazon Root CA ", b"Starfield Services Root Certificate Authority"];

/// Who is trusted where the fleet file names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// RDS's own roots, and Amazon's, which RDS Proxy's certificates lead to.
    Databases,
    /// The public roots; ElastiCache's certificates lead to Amazon's among them.
    Public,
}

/// What is trusted, read at the first connection that needs it.
#[derive(Default)]
pub(crate) struct Roots {
    databases: OnceLock<Arc<ClientConfig>>,
    public: OnceLock<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Roots")
    }
}

impl Roots {
    /// How to speak TLS to one host. `ca` is PEM from the fleet file.
    pub fn verified(&self, operation: &str, usual: Usual, ca: Option<&str>, host: &str) -> PortResult<Verified> {
        let denied = |message: String| PortError::new(PortErrorKind::Denied, operation, message);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| denied(format!("{host} is no host name; correct the host")))?;
        let config = match (ca, usual) {
            (Some(pem), _) => Arc::new(trusting(given(pem).map_err(|problem| denied(problem.to_owned()))?)),
            (None, Usual::Databases) => Arc::clone(self.databases.get_or_init(|| Arc::new(trusting(databases())))),
            (None, Usual::Public) => Arc::clone(self.public.get_or_init(|| Arc::new(trusting(public())))),
        };
        Ok(Verified { config, name })
    }
}

/// One host, and whom it has to be vouched for by.
pub(crate) struct Verified {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Verified {
    /// The handshake.
    pub async fn handshake(self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsConnector::from(self.config).connect(self.name, stream).await
    }
}

/// Ring is the only provider that is compiled in, so rustls finds it by itself.
fn trusting(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

fn databases() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(RDS_ROOTS.as_bytes()).flatten());
    let is_amazons = |subject: &[u8]| AMAZON_NAMES.iter().any(|name| subject.windows(name.len()).any(|part| part == *name));
    roots.roots.extend(TLS_SERVER_ROOTS.iter().filter(|root| is_amazons(&root.subject)).cloned());
    roots
}

fn public() -> RootCertStore {
    RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() }
}

/// A certificate of the fleet file that cannot be read is a mistake there: leaving it out would say "not trusted" later.
fn given(pem: &str) -> Result<RootCertStore, &'static str> {
    const UNREADABLE: &str = "a certificate in the fleet file's ca cannot be read; put PEM there, whole blocks from BEGIN to END";
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|_| UNREADABLE)?).map_err(|_| UNREADABLE)?;
    }
    if roots.is_empty() { Err(UNREADABLE) } else { Ok(roots) }
}

/// What a failed handshake, or a connection that broke later, means. A peer that is not trusted stays so until a person has
/// looked; anything else may pass.
pub(crate) fn problem(operation: &str, host: &str, error: &(dyn Error + 'static)) -> PortError {
    match tls_cause(error) {
        Some(cause) => PortError::new(PortErrorKind::Denied, operation, format!("{host} is not trusted: {}", not_trusted(cause))),
        None => {
            let message = format!("the connection to {host} broke off: {}", repeatable(&error.to_string(), &[]));
            PortError::new(PortErrorKind::Unavailable, operation, message)
        }
    }
}

fn not_trusted(error: &rustls::Error) -> String {
    use CertificateError as Wrong;
    match error {
        rustls::Error::InvalidCertificate(Wrong::UnknownIssuer | Wrong::BadSignature) => {
            "nobody who is trusted has signed its certificate; put the certificate of its CA into the fleet file (ca)".to_owned()
        }
        rustls::Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }) => {
            "its certificate is for another name; use the host name that stands on it (the endpoint, not an alias or an address)".to_owned()
        }
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "its certificate has expired; renew it on the server".to_owned()
        }
        rustls::Error::InvalidMessage(_) => {
            "it does not answer in TLS; is it the TLS port, and is TLS on? (tls: plaintext in the fleet file does without)".to_owned()
        }
        other => repeatable(&other.to_string(), &[]),
    }
}

fn tls_cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = error.downcast_ref().or_else(|| inner.and_then(|inner| tls_cause(inner))) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The common name of a root of RDS; in DER its length stands before it.
    fn common_name(subject: &[u8]) -> String {
        const BEGIN: &[u8] = b"Amazon RDS ";
        let begin = subject.windows(BEGIN.len()).position(|part| part == BEGIN).expect("a root of RDS");
        String::from_utf8_lossy(&subject[begin..begin + usize::from(subject[begin - 1])]).into_owned()
    }

    #[test]
    fn the_file_has_three_roots_of_rds_for_each_region_and_nothing_else() {
        let mut roots = RootCertStore::empty();
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(RDS_ROOTS.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert_eq!(roots.add_parsable_certificates(certificates), (81, 0));
        let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for root in &roots.roots {
            let name = common_name(&root.subject);
            let (region, kind) = name.strip_prefix("Amazon RDS ").unwrap().split_once(" Root CA ").unwrap();
            assert!(kinds.entry(region.to_owned()).or_default().insert(kind.to_owned()), "{name} twice");
        }
        assert_eq!(kinds.len(), 27);
        let all = BTreeSet::from(["ECC384 G1", "RSA2048 G1", "RSA4096 G1"].map(str::to_owned));
        assert!(kinds.values().all(|found| *found == all), "{kinds:?}");
        let used = ["us-east-1", "us-west-2", "ap-southeast-1", "eu-west-1", "eu-central-1"];
        assert!(used.iter().all(|region| kinds.contains_key(*region)));
        // What stands above each block names the certificate in it.
        assert!(kinds.keys().all(|region| RDS_ROOTS.contains(&format!("\nAmazon RDS {region} Root CA RSA2048 G1\nvalid until "))));
        assert!(!RDS_ROOTS.contains("2019 CA\n") && !RDS_ROOTS.contains("Beta us-"));
    }

    #[test]
    fn databases_are_vouched_for_by_rds_and_by_amazons_five_public_roots() {
        assert_eq!(databases().len(), 81 + 5);
        assert!(public().len() > 100);
    }

    #[test]
    fn a_ca_that_cannot_be_read_is_told_and_not_left_out() {
        let operation = "postgresql:login";
        for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = Roots::default().verified(operation, Usual::Databases, Some(pem), "localhost").err().unwrap();
            assert_eq!(error.kind, PortErrorKind::Denied, "{error}");
            assert!(error.message.contains("ca cannot be read"), "{error}");
        }
        assert!(Roots::default().verified(operation, Usual::Databases, None, "not a name").is_err());
    }
}
