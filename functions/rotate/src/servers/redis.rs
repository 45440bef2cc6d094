//! Redis: tries logins and changes the passwords of ACL users.
//!
//! The server sees a new password's SHA-256 only. A change is one command, so that there is no moment in which a user has none
//! of its passwords, and it is kept over a restart where the server keeps anything. Connections that are logged in stay so.

mod resp;

use std::fmt::Write as _;

use nightshift_core::fleet::Tls;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{LoginAnswer, RedisServer, Trust};
use nightshift_core::rotation::{Credential, SecretText};
use resp::{Connection, Reply, Stream};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::Servers;
use super::dial::dial;
use super::tls::{self, Usual};
use super::words::repeatable;

const LOGIN: &str = "redis:login";
const SET_PASSWORDS: &str = "redis:set_passwords";
const PORT: u16 = 6379;

/// Why a conversation did not come to its end.
#[derive(Debug)]
enum Trouble {
    /// The server says that the credential is not good.
    Refused { why: String },
    /// Anything else.
    Failed(PortError),
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Failed(error)
    }
}

impl RedisServer for Servers {
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer> {
        let call = async {
            Ok(match self.logged_in(LOGIN, as_whom, trust).await {
                Ok(mut connection) => match connection.ask(&["PING"]).await.map_err(|error| connection.broken(&error))? {
                    // A user that may not PING has logged in all the same.
                    Reply::Error(words) if !words.starts_with("NOPERM") => return Err(unusable(LOGIN, as_whom, &words, &[])),
                    _ => LoginAnswer::Accepted,
                },
                Err(Trouble::Refused { why }) => LoginAnswer::Refused { why },
                Err(Trouble::Failed(error)) => return Err(error),
            })
        };
        self.limits.whole_call(LOGIN, call).await
    }

    async fn set_passwords(&self, via: &Credential, trust: &Trust, user: &str, passwords: &[SecretText]) -> PortResult<()> {
        let call = async {
            let denied = |message: String| PortError::new(PortErrorKind::Denied, SET_PASSWORDS, message);
            if passwords.is_empty() {
                return Err(denied(format!("{user} would be left without any password; give one or two")));
            }
            let mut connection = self.logged_in(SET_PASSWORDS, via, trust).await.map_err(|trouble| match trouble {
                Trouble::Failed(error) => error,
                Trouble::Refused { why } => denied(format!("{} cannot log in to make the change: {why}; correct its secret", name(via))),
            })?;
            set(&mut connection, via, user, passwords).await?;
            keep(&mut connection, via).await
        };
        self.limits.whole_call(SET_PASSWORDS, call).await
    }
}

impl Servers {
    async fn logged_in(&self, operation: &'static str, whom: &Credential, trust: &Trust) -> Result<Connection, Trouble> {
        self.limits.connecting(operation, self.log_in(operation, whom, trust)).await
    }

    async fn log_in(&self, operation: &'static str, whom: &Credential, trust: &Trust) -> Result<Connection, Trouble> {
        let Some(host) = whom.host.as_deref() else {
            let message = "there is no host; add it to the secret or the fleet file";
            return Err(PortError::new(PortErrorKind::Denied, operation, message).into());
        };
        let tcp = dial(operation, host, whom.port.unwrap_or(PORT), self.limits.connect()).await?;
        let stream: Box<dyn Stream> = match trust.tls {
            Tls::Plaintext => Box::new(tcp),
            Tls::Verify => {
                let verified = self.roots.verified(operation, Usual::Public, trust.ca.as_deref(), host)?;
                Box::new(verified.handshake(tcp).await.map_err(|error| tls::problem(operation, host, &error))?)
            }
        };
        let mut connection = Connection::new(stream, operation, host);
        let password = whom.password.reveal();
        // Without a user it is the AUTH token, or the default user's password; servers before Redis 6 know nothing else.
        let answer = match whom.user.as_deref() {
            Some(user) => connection.ask(&["AUTH", user, password]).await,
            None => connection.ask(&["AUTH", password]).await,
        };
        match answer.map_err(|error| connection.broken(&error))? {
            Reply::Error(words) if is_refusal(&words) => Err(Trouble::Refused { why: repeatable(&words, &[password]) }),
            Reply::Error(words) => Err(unusable(operation, whom, &words, &[]).into()),
            _ => Ok(connection),
        }
    }
}

/// Exactly these passwords and no other, in one command: `resetpass` and the new hashes take effect together, and take a
/// `nopass` away too. The user has to be there: SETUSER would make one that may do nothing.
async fn set(connection: &mut Connection, via: &Credential, user: &str, passwords: &[SecretText]) -> PortResult<()> {
    match connection.ask(&["ACL", "GETUSER", user]).await.map_err(|error| connection.broken(&error))? {
        Reply::Nothing => {
            let message = format!("the user {user} is not there; create it with ACL SETUSER, or correct the user in the secret");
            return Err(PortError::new(PortErrorKind::Denied, SET_PASSWORDS, message));
        }
        Reply::Error(words) => return Err(unusable(SET_PASSWORDS, via, &words, &[])),
        _ => {}
    }
    let hashes: Vec<Zeroizing<String>> = passwords.iter().map(hash).collect();
    let mut words = vec!["ACL", "SETUSER", user, "resetpass"];
    words.extend(hashes.iter().map(|hash| hash.as_str()));
    match connection.ask(&words).await.map_err(|error| connection.broken(&error))? {
        Reply::Error(said) => {
            let secrets: Vec<&str> = hashes.iter().map(|hash| hash.as_str()).collect();
            Err(unusable(SET_PASSWORDS, via, &said, &secrets))
        }
        _ => Ok(()),
    }
}

/// Keeps the users over a restart: in the ACL file if there is one, else in the configuration file (REWRITE also writes down
/// what anybody set with CONFIG SET before). A server that was started with neither forgets its users by design. The commands
/// are tried instead of asking for the settings, so that the administrator needs no permission to read those.
async fn keep(connection: &mut Connection, via: &Credential) -> PortResult<()> {
    match connection.ask(&["ACL", "SAVE"]).await.map_err(|error| connection.broken(&error))? {
        Reply::Error(words) if words.contains("not configured to use an ACL file") => {}
        Reply::Error(words) => return Err(not_kept(via, &words)),
        _ => return Ok(()),
    }
    match connection.ask(&["CONFIG", "REWRITE"]).await.map_err(|error| connection.broken(&error))? {
        Reply::Error(words) if words.contains("without a config file") => Ok(()),
        Reply::Error(words) => Err(not_kept(via, &words)),
        _ => Ok(()),
    }
}

fn not_kept(via: &Credential, words: &str) -> PortError {
    let PortError { kind, operation, message } = unusable(SET_PASSWORDS, via, words, &[]);
    PortError::new(kind, operation, format!("the passwords hold, but a restart would bring the old ones back: {message}"))
}

/// How ACL SETUSER takes a password without seeing it.
fn hash(password: &SecretText) -> Zeroizing<String> {
    let mut digest = Sha256::digest(password.reveal().as_bytes());
    let mut text = Zeroizing::new(String::with_capacity(65));
    text.push('#');
    for byte in &digest {
        let _ = write!(text, "{byte:02x}");
    }
    digest.as_mut_slice().zeroize();
    text
}

fn name(whom: &Credential) -> &str {
    whom.user.as_deref().unwrap_or("the default user")
}

/// Redis 6 and later say WRONGPASS, older ones and ElastiCache's AUTH "invalid password".
fn is_refusal(words: &str) -> bool {
    let begins = ["WRONGPASS", "NOAUTH"].iter().any(|code| words.starts_with(code));
    begins || words.contains("invalid password") || words.contains("invalid username-password")
}

/// An answer that is an error and no refusal. Beginnings of words as in Redis's source (server.c, `shared` replies).
fn unusable(operation: &str, via: &Credential, words: &str, secrets: &[&str]) -> PortError {
    const MAY_PASS: [&str; 9] =
        ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "TRYAGAIN", "MISCONF", "OOM", "ERR max number of clients"];
    let secrets: Vec<&str> = secrets.iter().copied().chain([via.password.reveal()]).collect();
    let (said, user) = (repeatable(words, &secrets), name(via));
    if MAY_PASS.iter().any(|code| words.starts_with(code)) {
        return PortError::new(PortErrorKind::Unavailable, operation, format!("the server cannot now: {said}"));
    }
    let remedy = if words.starts_with("NOPERM") {
        format!("{user} needs +acl|getuser +acl|setuser +acl|save +config|rewrite (ACL SETUSER {user} ...)")
    } else if words.contains("without any password configured") || words.contains("no password is set") {
        "anybody may log in as the default user; give it a password, or name a user in the secret".to_owned()
    } else if words.starts_with("ERR unknown") || words.starts_with("ERR wrong number of arguments") {
        "users and their passwords need Redis 6 or later, with ACL and CONFIG under their own names".to_owned()
    } else if words.contains("save the ACLs") || words.contains("ewriting config file") {
        "see the server's log; its file has to be writable, with room on the disk".to_owned()
    } else {
        "see the server's log".to_owned()
    };
    PortError::new(PortErrorKind::Denied, operation, format!("{said}; {remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin() -> Credential {
        let password = SecretText::new("the-administrator's-own".to_owned());
        Credential { host: None, port: None, database: None, user: Some("ops".to_owned()), password }
    }

    #[test]
    fn an_error_that_repeats_a_hash_or_a_password_is_not_repeated() {
        let hash = hash(&SecretText::new("some-password".to_owned()));
        assert_eq!(hash.len(), 65);
        let said = format!("ERR Error in ACL SETUSER modifier '{}': Syntax error", hash.as_str());
        let error = unusable(SET_PASSWORDS, &admin(), &said, &[&hash]);
        assert!(!error.message.contains(&hash[1..9]), "{error}");
        let error = unusable(SET_PASSWORDS, &admin(), "ERR what is the-administrator's-own?", &[]);
        assert!(!error.message.contains("administrator's"), "{error}");
    }

    #[test]
    fn what_passes_by_itself_is_unavailable() {
        for words in ["LOADING Redis is loading the dataset in memory", "READONLY You can't write against a read only replica."] {
            assert_eq!(unusable(LOGIN, &admin(), words, &[]).kind, PortErrorKind::Unavailable);
        }
        for words in ["NOPERM User ops has no permissions to run the 'acl|setuser' command", "ERR unknown command 'ACL'"] {
            assert_eq!(unusable(LOGIN, &admin(), words, &[]).kind, PortErrorKind::Denied);
        }
    }

    #[test]
    fn refusals_of_old_and_new_servers_are_refusals() {
        for words in
            ["WRONGPASS invalid username-password pair or user is disabled.", "NOAUTH Authentication required.", "ERR invalid password"]
        {
            assert!(is_refusal(words), "{words}");
        }
        assert!(!is_refusal("ERR max number of clients reached"));
    }
}
