//! RESP, version 2: commands out, replies in (Redis documentation, "Redis serialization protocol specification").
//!
//! As much of it as five commands need. What is sent and what is read can be a secret: both are wiped, and neither is shown.

use std::fmt;
use std::io::{self, ErrorKind};

use nightshift_core::ports::PortError;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use zeroize::{Zeroize, Zeroizing};

use crate::servers::tls;

/// A reply is a few hundred bytes; a server that sends more is no Redis.
const LONGEST_LINE: u64 = 16 * 1024;
const LONGEST_TEXT: usize = 256 * 1024;
const MOST_ITEMS: usize = 4096;
const DEEPEST: u8 = 8;

/// TCP, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// What a server answers, as far as anybody here asks.
pub(super) enum Reply {
    /// An error, with its words.
    Error(String),
    /// There is no such thing.
    Nothing,
    /// Anything else.
    Something,
}

/// A connection; one command at a time.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    operation: &'static str,
    host: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection").field("operation", &self.operation).field("host", &self.host).finish_non_exhaustive()
    }
}

impl Connection {
    pub fn new(stream: Box<dyn Stream>, operation: &'static str, host: &str) -> Self {
        Self { stream: BufReader::new(stream), operation, host: host.to_owned() }
    }

    /// Sends a command and reads its reply.
    pub async fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        let command = command(words);
        self.stream.get_mut().write_all(&command).await?;
        self.stream.get_mut().flush().await?;
        read(&mut self.stream).await
    }

    /// A connection that broke off, or a server that does not speak RESP.
    pub fn broken(&self, error: &io::Error) -> PortError {
        tls::problem(self.operation, &self.host, error)
    }
}

/// Its room is right from the start: a growing one would leave copies behind.
fn command(words: &[&str]) -> Zeroizing<Vec<u8>> {
    let room = words.iter().map(|word| word.len() + 32).sum::<usize>() + 32;
    let mut command = Zeroizing::new(Vec::with_capacity(room));
    command.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        command.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        command.extend_from_slice(word.as_bytes());
        command.extend_from_slice(b"\r\n");
    }
    command
}

/// Reads one reply to its end; the items of a list are passed over. A list that is open counts what is left in it.
async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Reply> {
    let mut open: Vec<usize> = Vec::new();
    let mut first = None;
    loop {
        let line = line(stream).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| foreign("an empty line"))?;
        let mut begins = None;
        let reply = match kind {
            "+" | ":" => Reply::Something,
            "-" => Reply::Error(rest.to_owned()),
            "$" => match length(rest, LONGEST_TEXT)? {
                Some(bytes) => skip(stream, bytes + 2).await?,
                None => Reply::Nothing,
            },
            "*" => {
                begins = length(rest, MOST_ITEMS)?;
                if begins.is_some() { Reply::Something } else { Reply::Nothing }
            }
            _ => return Err(foreign("no reply")),
        };
        let whole = first.get_or_insert(reply);
        if let Some(left) = open.last_mut() {
            *left = left.saturating_sub(1);
        }
        open.extend(begins);
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.is_empty() {
            return Ok(std::mem::replace(whole, Reply::Nothing));
        }
        if open.len() > usize::from(DEEPEST) {
            return Err(foreign("lists in lists"));
        }
    }
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(Vec::new());
    stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\r\n") {
        Some(text) => Ok(Zeroizing::new(String::from_utf8_lossy(text).into_owned())),
        None if line.is_empty() => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed it")),
        None => Err(foreign("no line")),
    }
}

/// None for what is not there.
fn length(text: &str, most: usize) -> io::Result<Option<usize>> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(length) => match usize::try_from(length) {
            Ok(length) if length <= most => Ok(Some(length)),
            _ => Err(foreign("a reply of that length")),
        },
        Err(_) => Err(foreign("no length")),
    }
}

async fn skip(stream: &mut (impl AsyncBufRead + Unpin), mut bytes: usize) -> io::Result<Reply> {
    let mut room = [0_u8; 512];
    while bytes > 0 {
        let most = bytes.min(room.len());
        let read = stream.read(room.get_mut(..most).unwrap_or_default()).await?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        bytes -= read;
    }
    room.zeroize();
    Ok(Reply::Something)
}

fn foreign(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("it sent {what}, which is no answer of Redis; is it the right port, and the right tls?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn kind_of(reply: io::Result<Reply>) -> String {
        match reply {
            Ok(Reply::Error(words)) => format!("error {words}"),
            Ok(Reply::Nothing) => "nothing".to_owned(),
            Ok(Reply::Something) => "something".to_owned(),
            Err(error) => format!("broken: {:?}", error.kind()),
        }
    }

    #[test]
    fn a_command_is_a_list_of_texts_with_their_lengths_in_bytes() {
        assert_eq!(command(&["AUTH", "p\u{e4}ss"]).as_slice(), "*2\r\n$4\r\nAUTH\r\n$5\r\np\u{e4}ss\r\n".as_bytes());
    }

    #[test]
    fn every_kind_of_reply_is_read_to_its_end() {
        let replies =
            "+PONG\r\n-ERR no\r\n:7\r\n$-1\r\n*-1\r\n$4\r\n\r\n\r\n\r\n*0\r\n*3\r\n$2\r\non\r\n*2\r\n:1\r\n*0\r\n$-1\r\n-LAST\r\n";
        let mut stream = replies.as_bytes();
        let mut seen = Vec::new();
        run(async {
            while !stream.is_empty() {
                seen.push(kind_of(read(&mut stream).await));
            }
        });
        let expected =
            ["something", "error ERR no", "something", "nothing", "nothing", "something", "something", "something", "error LAST"];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_is_no_reply_is_an_error() {
        for (sent, kind) in [
            ("", "UnexpectedEof"),
            ("$5\r\nabc", "UnexpectedEof"),
            ("*2\r\n+one\r\n", "UnexpectedEof"),
            ("HTTP/1.1 400 Bad Request\r\n", "InvalidData"),
            ("\r\n", "InvalidData"),
            ("$99999999999\r\n", "InvalidData"),
            ("*5000\r\n", "InvalidData"),
            ("$-2\r\n", "InvalidData"),
            (&"*1\r\n".repeat(9), "InvalidData"),
        ] {
            assert_eq!(kind_of(run(read(&mut sent.as_bytes()))), format!("broken: {kind}"), "{sent:?}");
        }
    }
}
