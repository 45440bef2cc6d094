//! What PostgreSQL and Redis servers send, over a real connection on this machine: the readers have no other entry.

use std::cell::RefCell;

use nightshift_core::fleet::Tls;
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_core::rotation::{Credential, SecretText};
use nightshift_rotate::servers::Servers;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const PASSWORD: &str = "hunter2-hunter2-hunter2";

thread_local! {
    static HERE: RefCell<Option<(Runtime, TcpListener)>> = const { RefCell::new(None) };
}

/// Calls a server that answers everything with these bytes and then hangs up.
fn with_server(sent: &[u8], call: impl AsyncFnOnce(Credential, Trust) -> PortResult<LoginAnswer>) {
    HERE.with_borrow_mut(|here| {
        let (runtime, listener) = here.get_or_insert_with(|| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a port");
            (runtime, listener)
        });
        let port = listener.local_addr().expect("an address").port();
        let whom = Credential {
            host: Some("127.0.0.1".to_owned()),
            port: Some(port),
            database: None,
            user: Some("app".to_owned()),
            password: SecretText::new(PASSWORD.to_owned()),
        };
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut asked = [0_u8; 1024];
            // First the caller: a server that speaks before it is asked is another thing.
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(sent).await;
            let _ = stream.shutdown().await;
            // Until the caller is done, so that nothing is lost to a reset.
            while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
        };
        let called = async { tokio::join!(call(whom, Trust { tls: Tls::Plaintext, ca: None }), serve).0 };
        let answer = runtime.block_on(called);
        let told = format!("{answer:?}");
        assert!(!told.contains(PASSWORD), "a password is in {told}");
    });
}

/// Redis.
pub(super) fn redis(sent: &[u8]) {
    with_server(sent, async |whom, trust| RedisServer::login(&Servers::new(), &whom, &trust).await);
    let new = SecretText::new("hunter3-hunter3-hunter3".to_owned());
    with_server(sent, async |whom, trust| {
        RedisServer::set_passwords(&Servers::new(), &whom, &trust, "app", &[new]).await.map(|()| LoginAnswer::Accepted)
    });
}

/// PostgreSQL.
pub(super) fn postgresql(sent: &[u8]) {
    with_server(sent, async |whom, trust| PostgresqlServer::login(&Servers::new(), &whom, &trust).await);
}

/// Replies of Redis, several in a row, since the same bytes answer a whole conversation.
pub(super) fn redis_seeds() -> Vec<Vec<u8>> {
    let replies = [
        "+OK\r\n+PONG\r\n",
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
        "+OK\r\n*2\r\n$5\r\nflags\r\n*1\r\n$2\r\non\r\n+OK\r\n+OK\r\n",
        "+OK\r\n$-1\r\n",
        "-NOAUTH hunter2-hunter2-hunter2\r\n",
        ":1\r\n*-1\r\n-ERR no\r\n",
        "*4096\r\n",
        "$262144\r\nabc",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
    ];
    replies.iter().map(|reply| reply.as_bytes().to_vec()).collect()
}

/// A message of PostgreSQL's protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    [&[kind][..], &length, body].concat()
}

/// Messages of PostgreSQL (documentation, "Message Formats").
pub(super) fn postgresql_seeds() -> Vec<Vec<u8>> {
    let authenticated = message(b'R', &0_u32.to_be_bytes());
    let ready = message(b'Z', b"I");
    let scram = message(b'R', &[&10_u32.to_be_bytes()[..], b"SCRAM-SHA-256\0\0"].concat());
    let scram_first = message(b'R', &[&11_u32.to_be_bytes()[..], b"r=abcdef,s=QSXCR+Q6sek8bf92,i=4096"].concat());
    let md5 = message(b'R', &[&5_u32.to_be_bytes()[..], b"salt"].concat());
    let refused =
        message(b'E', b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0Fauth.c\0L329\0Rauth_failed\0\0");
    let parameter = message(b'S', b"server_version\x0015.4\0");
    let row = [
        message(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0"),
        message(b'D', b"\0\x01\0\0\0\x011"),
        message(b'C', b"SELECT 1\0"),
    ]
    .concat();
    vec![
        [authenticated.clone(), parameter, message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]), ready.clone(), row, ready.clone()].concat(),
        [scram.clone(), scram_first].concat(),
        [scram, message(b'R', &[&12_u32.to_be_bytes()[..], b"v=AAAA"].concat())].concat(),
        [md5, authenticated].concat(),
        refused,
        message(b'N', b"SNOTICE\0\0"),
        b"N".to_vec(),
        b"S".to_vec(),
        ready,
    ]
}
