//! PostgreSQL: SCRAM over TCP with and without TLS, every statement in the log, nothing forced to disk.
//!
//! `initdb` takes seconds, so its result is kept under `target/` and copied. The superuser comes in through the socket in the
//! server's folder, which nobody else can read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Authority;
use crate::process::{Account, Endings, Server, as_account, find, free_port, new_folder, own, program, run, write_file};

const ENDINGS: Endings = Endings { gently: "INT", at_once: "QUIT" };

const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
password_encryption = 'scram-sha-256'
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 32MB
min_wal_size = 2MB
max_connections = 120
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
autovacuum = off
log_destination = 'stderr'
logging_collector = off
log_statement = 'all'
log_connections = on
log_line_prefix = '%m [%p] user=%u db=%d '
";

const ACCESS: &str = "
local all all trust
host all all 127.0.0.1/32 scram-sha-256
";

/// A PostgreSQL server; its superuser is `postgres`, its first database too.
pub struct Postgres {
    server: Server,
    psql: PathBuf,
    port: u16,
    ca: String,
}

impl Postgres {
    /// Starts one, with a certificate for `localhost` (and for nothing else, not even 127.0.0.1).
    pub fn start() -> Self {
        let authority = Authority::new();
        let account = Account::for_servers();
        let mut attempts = 0;
        loop {
            let port = free_port();
            let folder = new_folder(account);
            prepare(&folder, port, &authority, account);
            let data = folder.join("data");
            let command = [tool("postgres"), "-D".into(), data, "-k".into(), folder.clone()];
            let command = command.iter().map(|part| part.to_str().expect("paths are text").to_owned()).collect();
            let mut server = Server::new(folder, command, ENDINGS, account);
            match server.start(is_ready) {
                Ok(()) => return Self { server, psql: tool("psql"), port, ca: authority.pem().to_owned() },
                Err(log) if log.contains("could not bind") && attempts < 5 => attempts += 1,
                Err(log) => panic!("PostgreSQL does not start:\n{log}"),
            }
        }
    }

    /// What has to be installed before one can be started, if anything has.
    pub fn missing() -> Option<String> {
        ["postgres", "initdb", "psql"].into_iter().find_map(|name| find(name, folders()).err())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that a client has to trust.
    pub fn tls_ca_pem(&self) -> &str {
        &self.ca
    }

    /// Runs SQL as the superuser in the database `postgres`; a row a line, `|` between values. Panics if it fails. It is one
    /// transaction; a statement that has to stand alone begins on a line of its own.
    pub fn run_sql(&self, sql: &str) -> String {
        self.run_sql_in("postgres", sql)
    }

    /// The same in another database.
    pub fn run_sql_in(&self, database: &str, sql: &str) -> String {
        let mut psql = self.psql(database, sql);
        run(psql.arg("--username=postgres").arg("--host").arg(self.server.folder())).trim_end().to_owned()
    }

    /// The same as a user who logs in over TCP with a password, as an application does. The password is not in the arguments.
    pub fn run_sql_as(&self, user: &str, password: &str, database: &str, sql: &str) -> String {
        let mut psql = self.psql(database, sql);
        run(psql.args(["--username", user, "--host=localhost"]).env("PGPASSWORD", password)).trim_end().to_owned()
    }

    /// Whether a user may log in with a password, over TCP as an application does.
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        let mut psql = self.psql("postgres", "SELECT 1");
        psql.args(["--username", user, "--host=localhost"]).env("PGPASSWORD", password);
        psql.output().expect("psql starts").status.success()
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.arg(format!("--port={}", self.port)).args(["--dbname", database]);
        // One --command is one transaction; what has to stand alone, such as DISCARD ALL, comes as a line of its own.
        for part in sql.split(";\n") {
            psql.args(["--command", part]);
        }
        psql
    }

    /// Everything that the server has logged: connections, every statement, errors.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Ends the server; connections to its port are refused from now on.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts it again, on the same port and with the same data.
    pub fn start_again(&mut self) {
        self.server.start(is_ready).unwrap_or_else(|log| panic!("PostgreSQL does not start again:\n{log}"));
    }

    /// Stops its processes in their tracks: connections are taken by the kernel, but nobody answers.
    pub fn freeze(&self) {
        self.server.signal("STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.server.signal("CONT");
    }

    /// Makes every later session read-only, as a database is while it fails over or is out of storage.
    pub fn make_read_only(&self) {
        self.run_sql("ALTER SYSTEM SET default_transaction_read_only = on");
        self.reload();
    }

    /// Makes later sessions able to write again.
    pub fn make_writable(&self) {
        self.run_sql("ALTER SYSTEM RESET default_transaction_read_only");
        self.reload();
    }

    /// Sets a setting of the whole server that needs no restart, such as `ssl`, for later sessions.
    pub fn set(&self, setting: &str, value: &str) {
        self.run_sql(&format!("ALTER SYSTEM SET {setting} = '{value}'"));
        self.reload();
    }

    /// Puts lines before the rules on who may come in (pg_hba.conf).
    pub fn allow_first(&self, rules: &str) {
        let path = self.server.folder().join("data/pg_hba.conf");
        let before = fs::read_to_string(&path).expect("pg_hba.conf");
        write_file(&path, &format!("{rules}\n{before}"), Account::for_servers());
        self.reload();
    }

    /// Processes take new settings in a moment after the signal: sessions begun after the count changed have them.
    fn reload(&self) {
        let loaded = || self.run_sql("SELECT pg_conf_load_time()");
        let before = loaded();
        self.run_sql("SELECT pg_reload_conf()");
        while loaded() == before {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// A program of PostgreSQL: on PATH, or where Debian keeps those that are not, the newest version first.
fn tool(name: &str) -> PathBuf {
    program(name, folders())
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rev()
}

/// The eighth line of the server's own note says when it takes connections.
fn is_ready(folder: &Path) -> bool {
    let note = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    note.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

fn prepare(folder: &Path, port: u16, authority: &Authority, account: Option<Account>) {
    let data = folder.join("data");
    run(Command::new("cp").arg("-R").arg(template(account)).arg(&data));
    let certificate = authority.issue("localhost");
    write_file(&data.join("server.crt"), &certificate.certificate, account);
    write_file(&data.join("server.key"), &certificate.key, account);
    write_file(&data.join("pg_hba.conf"), ACCESS, account);
    write_file(&data.join("postgresql.conf"), &format!("{SETTINGS}port = {port}\n"), account);
    give_away(&data, account);
}

fn give_away(path: &Path, account: Option<Account>) {
    if account.is_none() {
        return;
    }
    own(path, account);
    if path.is_dir() {
        fs::read_dir(path).expect("a folder of our own").flatten().for_each(|entry| give_away(&entry.path(), account));
    }
}

/// The data folder that all others are copied from. Made once, by whoever comes first; the others wait at the lock.
fn template(account: Option<Account>) -> PathBuf {
    let version = run(Command::new(tool("postgres")).arg("--version"));
    let version = version.split_whitespace().nth(2).expect("a version").to_owned();
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")).join("test-servers");
    fs::create_dir_all(&target).unwrap_or_else(|error| panic!("{} cannot be made: {error}", target.display()));
    let template = target.join(format!("postgresql-{version}"));
    if !template.exists() {
        let lock = File::create(target.join("lock")).expect("a lock file");
        lock.lock().expect("the lock");
        if !template.exists() {
            make_template(&template, account);
        }
    }
    template
}

/// Made in a folder that the server's account can reach, and moved into place whole.
fn make_template(template: &Path, account: Option<Account>) {
    let folder = new_folder(account);
    let made = folder.join("data");
    let mut initdb = Command::new(tool("initdb"));
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1", "--pgdata"]);
    run(as_account(initdb.arg(&made).current_dir(&folder), account));
    let half = template.with_extension("half");
    let _ = fs::remove_dir_all(&half);
    run(Command::new("cp").arg("-R").arg(&made).arg(&half));
    fs::rename(&half, template).expect("the template in its place");
    let _ = fs::remove_dir_all(&folder);
}
