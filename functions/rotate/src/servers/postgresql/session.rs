//! One session: TCP, TLS, login, limits, work, good-bye.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context as Waker, Poll};
use std::time::Duration;
use std::{fmt, io};

use nightshift_core::fleet::Tls;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::ports::Trust;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, TlsConnect};
use tokio_postgres::{Client, Config, Connection};
use tokio_rustls::client::TlsStream;

use super::Servers;
use super::problem::{Context, Trouble};
use crate::servers::channel_binding::server_end_point;
use crate::servers::dial::dial;
use crate::servers::tls::{Usual, Verified};

const PORT: u16 = 5432;
const DATABASE: &str = "postgres";
/// A good-bye that the server does not take is not worth waiting for.
const FAREWELL: Duration = Duration::from_millis(200);

impl Servers {
    /// Logs in and works. The work gets the statements that set the session's limits, each ended with `;`: it sends them first.
    /// They are no startup options, which RDS Proxy and pgbouncer refuse.
    pub(super) async fn in_session<T>(
        &self,
        context: &Context<'_>,
        trust: &Trust,
        work: impl AsyncFnOnce(&Client, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Trouble> {
        self.limits.whole_call(context.operation, self.session(context, trust, work)).await
    }

    async fn session<T>(
        &self,
        context: &Context<'_>,
        trust: &Trust,
        work: impl AsyncFnOnce(&Client, &str) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Trouble> {
        let limits = self.limits;
        let config = config(context, trust.tls)?;
        let host = context.host()?;
        let [statement, lock] = [limits.statement(), limits.lock()].map(|limit| limit.as_millis().max(1));
        let begin = format!("SET statement_timeout = {statement}; SET lock_timeout = {lock}; ");
        let tls = match trust.tls {
            Tls::Verify => Some(self.roots.verified(context.operation, Usual::Databases, trust.ca.as_deref(), host)?),
            Tls::Plaintext => None,
        };
        let port = context.via.port.unwrap_or(PORT);
        let connecting = async {
            let tcp = dial(context.operation, host, port, limits.connect()).await?;
            context.told(config.connect_raw(tcp, PostgresTls(tls)).await)
        };
        let (client, connection) = limits.connecting(context.operation, connecting).await?;
        context.told(converse(client, connection, &begin, work).await)
    }
}

/// The library's copy of the password is not wiped when it is dropped, but it lives no longer than the login.
fn config(context: &Context<'_>, tls: Tls) -> Result<Config, PortError> {
    let Some(user) = &context.via.user else {
        let message = "there is no user to log in as; add username to the secret".to_owned();
        return Err(PortError::new(PortErrorKind::Denied, context.operation, message));
    };
    let mut config = Config::new();
    config.user(user).password(context.via.password.reveal()).dbname(context.via.database.as_deref().unwrap_or(DATABASE));
    config.application_name("nightshift").ssl_mode(match tls {
        Tls::Verify => SslMode::Require,
        Tls::Plaintext => SslMode::Disable,
    });
    Ok(config)
}

/// Moves the connection along while the work waits for its answers, then takes leave.
async fn converse<T>(
    client: Client,
    connection: Connection<TcpStream, BoundStream>,
    begin: &str,
    work: impl AsyncFnOnce(&Client, &str) -> Result<T, tokio_postgres::Error>,
) -> Result<T, tokio_postgres::Error> {
    let mut connection = pin!(connection);
    let mut is_open = true;
    let done = {
        let mut work = pin!(work(&client, begin));
        poll_fn(|waker| {
            // A connection that ended answers every open question with an error, which the work then sees.
            is_open = is_open && connection.as_mut().poll(waker).is_pending();
            work.as_mut().poll(waker)
        })
        .await
    };
    drop(client);
    if is_open {
        let _ = tokio::time::timeout(FAREWELL, connection).await;
    }
    done
}

/// Rustls under the PostgreSQL client; none where TLS is off, which the client's own setting (SslMode) says too.
struct PostgresTls(Option<Verified>);

impl TlsConnect<TcpStream> for PostgresTls {
    type Stream = BoundStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<BoundStream>>>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        Box::pin(async {
            let verified = self.0.ok_or(io::ErrorKind::Unsupported)?;
            verified.handshake(stream).await.map(|stream| BoundStream(Box::new(stream)))
        })
    }
}

/// A TLS stream that says which certificate it rests on.
struct BoundStream(Box<TlsStream<TcpStream>>);

impl fmt::Debug for BoundStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BoundStream")
    }
}

impl tokio_postgres::tls::TlsStream for BoundStream {
    fn channel_binding(&self) -> ChannelBinding {
        let certificate = self.0.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        match certificate.and_then(|certificate| server_end_point(certificate)) {
            Some(hash) => ChannelBinding::tls_server_end_point(hash),
            None => ChannelBinding::none(),
        }
    }
}

impl AsyncRead for BoundStream {
    fn poll_read(mut self: Pin<&mut Self>, waker: &mut Waker<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(waker, into)
    }
}

impl AsyncWrite for BoundStream {
    fn poll_write(mut self: Pin<&mut Self>, waker: &mut Waker<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(waker, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(waker)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(waker)
    }
}
