//! A server that answers every HTTPS request with the same status: the issuer of a key, as a probe meets it.
//!
//! One thread, one connection at a time, no more of HTTP than a GET without a body needs.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Issued;

/// A client that goes silent must not hold the next one up for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server; it ends with the process.
pub struct HttpsServer {
    port: u16,
    heads: Mutex<Receiver<String>>,
}

impl HttpsServer {
    /// Answers with these lines, such as `HTTP/1.1 200 OK`; with none at all it reads the request and says nothing.
    pub fn start(certificate: &Issued, answer: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its own address").port();
        let config = Arc::new(config(certificate));
        let answer: String = answer.iter().map(|line| format!("{line}\r\n")).collect();
        let (seen, heads) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut tell = |head| seen.send(head).is_ok();
                // A client that breaks off, or that does not trust us, concerns only itself.
                let _ = serve(stream, &config, &answer, &mut tell);
            }
        });
        Self { port, heads: Mutex::new(heads) }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, each as its lines up to the empty one.
    pub fn requests(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panics with it").try_iter().collect()
    }
}

fn config(Issued { certificate, key }: &Issued) -> ServerConfig {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS 1.2 and 1.3");
    config.with_no_client_auth().with_single_cert(chain, key).expect("a certificate that fits its key")
}

fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answer: &str,
    tell: &mut impl FnMut(String) -> bool,
) -> Result<(), Box<dyn std::error::Error>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config))?, stream);
    let mut head = String::new();
    let mut reader = BufReader::new(&mut stream);
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    tell(head);
    match answer {
        // It waits until the client has had enough.
        "" => drop(reader.read_line(&mut String::new())),
        _ => stream.write_all(format!("{answer}content-length: 2\r\nconnection: close\r\n\r\nok").as_bytes())?,
    }
    stream.conn.send_close_notify();
    Ok(stream.flush()?)
}
