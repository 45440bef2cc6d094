//! Redis: ACL users, a plaintext and a TLS port, and three ways of keeping the users over a restart.
//!
//! The administrator is a user of its own, `admin`; the user `default` is off until a test says otherwise.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Authority;
use crate::process::{Account, Endings, Server, free_port, new_folder, program, run, write_file};

// SIGQUIT would be a core dump.
const ENDINGS: Endings = Endings { gently: "TERM", at_once: "TERM" };
const ADMIN: &str = "admin";
const PASSWORD: &str = "the-administrator-of-one-test";
const USERS: [&str; 2] = ["user default off", "user admin on >the-administrator-of-one-test ~* &* +@all"];

/// Where a server keeps its users when it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// In a file of their own (`aclfile`).
    InAclFile,
    /// In its configuration file.
    InConfigFile,
    /// Nowhere: it was started without either.
    Nowhere,
}

/// A Redis server.
pub struct Redis {
    server: Server,
    port: u16,
    tls_port: u16,
    ca: String,
}

impl Redis {
    /// Starts one that keeps its users in an ACL file.
    pub fn start() -> Self {
        Self::start_with(Keeps::InAclFile)
    }

    /// Starts one, with a certificate for `localhost` (and for nothing else).
    pub fn start_with(keeps: Keeps) -> Self {
        let authority = Authority::new();
        let account = Account::for_servers();
        let mut attempts = 0;
        loop {
            let [port, tls_port] = [free_port(), free_port()];
            let folder = new_folder(account);
            let command = prepare(&folder, [port, tls_port], keeps, &authority, account);
            let mut server = Server::new(folder, command, ENDINGS, account);
            let is_ready = |_: &Path| answers(port);
            match server.start(is_ready) {
                Ok(()) => return Self { server, port, tls_port, ca: authority.pem().to_owned() }.with_users(keeps),
                Err(log) if log.contains("already in use") && attempts < 5 => attempts += 1,
                Err(log) => panic!("Redis does not start:\n{log}"),
            }
        }
    }

    /// Without a file to read them from, the users come in by hand.
    fn with_users(self, keeps: Keeps) -> Self {
        if keeps == Keeps::Nowhere {
            let password = format!(">{PASSWORD}");
            run(command_line(self.port).args(["ACL", "SETUSER", ADMIN, "on", &password, "~*", "&*", "+@all"]));
            self.command(&["ACL", "SETUSER", "default", "off"]);
        }
        self
    }

    /// The plaintext port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The TLS port on 127.0.0.1.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The certificate that a client has to trust.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// Runs a command as the administrator and gives back what `redis-cli` prints; panics if Redis refuses it.
    pub fn command(&self, words: &[&str]) -> String {
        let mut client = command_line(self.port);
        client.env("REDISCLI_AUTH", PASSWORD).args(["--user", ADMIN, "-e"]).args(words);
        run(&mut client).trim_end().to_owned()
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The file of its users or its configuration, as it is now; for `Keeps::Nowhere` there is none.
    pub fn kept(&self, keeps: Keeps) -> String {
        let name = if keeps == Keeps::InAclFile { "users.acl" } else { "redis.conf" };
        std::fs::read_to_string(self.server.folder().join(name)).unwrap_or_default()
    }

    /// Ends the server; connections to its ports are refused from now on.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts it again on the same ports, with the users that it kept.
    pub fn start_again(&mut self) {
        let port = self.port;
        self.server.start(|_| answers(port)).unwrap_or_else(|log| panic!("Redis does not start again:\n{log}"));
    }

    /// Stops it in its tracks: connections are taken by the kernel, but nobody answers.
    pub fn freeze(&self) {
        self.server.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.signal("CONT");
    }
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn command_line(port: u16) -> Command {
    let mut client = Command::new(program("redis-cli", []));
    client.args(["-h", "127.0.0.1", "-p", &port.to_string(), "--no-auth-warning"]).env_remove("REDISCLI_AUTH");
    client
}

/// Writes the server's files and says how it is started. Without a file to keep users in, everything is on the command line.
fn prepare(folder: &Path, [port, tls_port]: [u16; 2], keeps: Keeps, authority: &Authority, account: Option<Account>) -> Vec<String> {
    let certificate = authority.issue("localhost");
    for (name, content) in [("ca.crt", authority.pem()), ("server.crt", &certificate.certificate), ("server.key", &certificate.key)] {
        write_file(&folder.join(name), content, account);
    }
    let file = |name: &str| folder.join(name).to_str().expect("paths are text").to_owned();
    let settings: Vec<[String; 2]> = [
        ("bind", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("tls-port", tls_port.to_string()),
        ("tls-cert-file", file("server.crt")),
        ("tls-key-file", file("server.key")),
        ("tls-ca-cert-file", file("ca.crt")),
        ("tls-auth-clients", "no".to_owned()),
        ("dir", file("")),
        ("save", "\"\"".to_owned()),
        ("appendonly", "no".to_owned()),
        ("daemonize", "no".to_owned()),
    ]
    .map(|(name, value)| [name.to_owned(), value])
    .to_vec();
    let server: PathBuf = program("redis-server", ["/usr/sbin".into()]);
    let mut command = vec![server.to_str().expect("paths are text").to_owned()];
    if keeps == Keeps::Nowhere {
        command.extend(settings.into_iter().flat_map(|[name, value]| [format!("--{name}"), value.replace('"', "")]));
        return command;
    }
    let mut lines: Vec<String> = settings.iter().map(|pair| pair.join(" ")).collect();
    match keeps {
        Keeps::InAclFile => {
            write_file(&folder.join("users.acl"), &format!("{}\n", USERS.join("\n")), account);
            lines.push(format!("aclfile {}", file("users.acl")));
        }
        _ => lines.extend(USERS.map(str::to_owned)),
    }
    write_file(&folder.join("redis.conf"), &format!("{}\n", lines.join("\n")), account);
    command.push(file("redis.conf"));
    command
}
