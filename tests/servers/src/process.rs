//! A server as a process: its folder, its account, its ports, and that it ends when whoever started it does.
//!
//! A small shell stands between the two. It waits on a pipe that closes when our process ends, however that happens (a panic,
//! a time-out's SIGKILL), then ends the server and removes the folder. So no test leaves a server behind.

use std::fs::{self, DirBuilder, File};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a person pastes when a server is missing.
const INSTALL: &str = "apt-get install -y postgresql redis-server";
/// Two servers are often started at once on a busy machine with two cores.
const START_TIME: Duration = Duration::from_secs(30);

/// Runs the server until its input closes; "keep" on the last line leaves the folder. PostgreSQL and Redis set their own
/// handlers for the signals that a shell without job control lets its children ignore.
const KEEPER: &str = r#"folder=$1 gently=$2 at_once=$3; shift 3
"$@" </dev/null & server=$!
echo "$server" >"$folder/server.pid.new" && mv "$folder/server.pid.new" "$folder/server.pid"
wish=; read -r wish
signal=$at_once; [ "$wish" = keep ] && signal=$gently
kill -s CONT "$server" 2>/dev/null; kill -s "$signal" "$server" 2>/dev/null
wait "$server"
rm -f "$folder/server.pid"
[ "$wish" = keep ] || rm -rf "$folder""#;

/// The account that a server runs as: PostgreSQL refuses to be root.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// None where we are not root and the server can be ours.
    pub fn for_servers() -> Option<Self> {
        if fs::metadata("/proc/self").expect("servers are started on Linux only: /proc is needed").uid() != 0 {
            return None;
        }
        let accounts = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
        let find = |name: &str| {
            let fields: Vec<&str> = accounts.lines().map(|line| line.split(':').collect()).find(|fields: &Vec<&str>| fields[0] == name)?;
            Some(Self { user: fields.get(2)?.parse().ok()?, group: fields.get(3)?.parse().ok()? })
        };
        let found = find("postgres").or_else(|| find("nobody"));
        Some(found.expect("as root, a user postgres or nobody is needed to run servers as; adduser --system postgres"))
    }
}

/// Finds a program on PATH or in one of these folders.
pub(crate) fn program(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> PathBuf {
    find(name, folders).unwrap_or_else(|missing| panic!("{missing}"))
}

/// The same; an error says what to install.
pub(crate) fn find(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).chain(folders).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| format!("{name} is not installed; run this: {INSTALL}"))
}

/// A port that nobody listens on. Somebody else may take it before the server does: the caller then tries another.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// A new folder that only the server's account can read. Its path is short: a socket's may have 107 bytes.
pub(crate) fn new_folder(account: Option<Account>) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let name = format!("nightshift-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => {
                own(&folder, account);
                return folder;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("no folder for a server in {}: {error}", folder.display()),
        }
    }
}

/// Writes a file that only the server's account can read.
pub(crate) fn write_file(path: &Path, content: &str, account: Option<Account>) {
    fs::write(path, content).unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions of a file of our own");
    own(path, account);
}

pub(crate) fn own(path: &Path, account: Option<Account>) {
    if let Some(Account { user, group }) = account {
        chown(path, Some(user), Some(group)).unwrap_or_else(|error| panic!("{} cannot be given away: {error}", path.display()));
    }
}

/// Runs a command to its end and gives back what it printed; panics with its words if it fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output =
        command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()));
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{:?} failed: {}\n{out}{err}", command.get_program(), output.status);
    out
}

pub(crate) fn as_account(command: &mut Command, account: Option<Account>) -> &mut Command {
    match account {
        Some(Account { user, group }) => command.uid(user).gid(group),
        None => command,
    }
}

/// How a server is told to end: so that nothing is lost, and at once.
#[derive(Clone, Copy)]
pub(crate) struct Endings {
    pub gently: &'static str,
    pub at_once: &'static str,
}

/// A server that runs, or could run again.
pub(crate) struct Server {
    folder: PathBuf,
    command: Vec<String>,
    endings: Endings,
    account: Option<Account>,
    keeper: Option<Child>,
}

impl Server {
    pub fn new(folder: PathBuf, command: Vec<String>, endings: Endings, account: Option<Account>) -> Self {
        Self { folder, command, endings, account, keeper: None }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    /// Starts it and waits until it is ready; an error with its log if it ended before that.
    pub fn start(&mut self, is_ready: impl Fn(&Path) -> bool) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("a log file");
        own(&self.folder.join("log"), self.account);
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&self.folder).args([self.endings.gently, self.endings.at_once]).args(&self.command);
        keeper.stdin(Stdio::piped()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        // A group of its own, so that Ctrl-C at a terminal reaches us only, and the server ends after us.
        keeper.current_dir(&self.folder).process_group(0);
        self.keeper = Some(as_account(&mut keeper, self.account).spawn().expect("sh starts"));
        let begun = Instant::now();
        while !is_ready(&self.folder) {
            if self.pid().is_some_and(|pid| !is_alive(pid)) {
                return Err(self.log());
            }
            assert!(begun.elapsed() < START_TIME, "{} is not ready after {START_TIME:?}:\n{}", self.command[0], self.log());
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends it and keeps its folder.
    pub fn stop(&mut self) {
        self.end("keep\n");
    }

    fn end(&mut self, wish: &str) {
        let Some(mut keeper) = self.keeper.take() else { return };
        self.signal("CONT");
        if let Some(mut pipe) = keeper.stdin.take() {
            let _ = pipe.write_all(wish.as_bytes());
        }
        let _ = keeper.wait();
    }

    /// Sends a signal to the server and to its children.
    pub fn signal(&self, signal: &str) {
        let Some(pid) = self.pid() else { return };
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        // One of the children may have ended since: that is no failure.
        let _ = Command::new("sh")
            .args(["-c", r#"signal=$1; shift; for one in "$@"; do kill -s "$signal" "$one"; done"#, "signal", signal, &pid.to_string()])
            .args(children.split_whitespace())
            .stderr(Stdio::null())
            .status();
    }

    fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.folder.join("server.pid")).ok()?.trim().parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        match self.keeper {
            Some(_) => self.end("\n"),
            None => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}

/// A process that ended but that nobody asked for is a zombie.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}
