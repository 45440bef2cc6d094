//! Where things are in this checkout: Python tools, built binaries, the function's code folder.
//!
//! Builds a binary only when one of its sources is newer, so that a test started by hand never runs an old one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// The root of the checkout.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the tests crate is a folder of the checkout").to_owned()
}

/// A program of `.venv`.
pub fn python_tool(name: &str) -> PathBuf {
    let tool = root().join(".venv/bin").join(name);
    assert!(tool.exists(), "{} is missing: run `make setup`, which puts the pinned Python tools there", tool.display());
    tool
}

/// The `nightshift` command, built.
pub fn command_line() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| up_to_date("nightshift-cli", "nightshift")).clone()
}

/// The `deploy` function, built.
pub fn deploy() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| up_to_date("nightshift-deploy", "deploy")).clone()
}

/// The `approve` function, built.
pub fn approve() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| up_to_date("nightshift-approve", "approve")).clone()
}

/// The `rotate` function, built.
pub fn rotate() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| up_to_date("nightshift-rotate", "rotate")).clone()
}

/// The `scale` function, built.
pub fn scale() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| up_to_date("nightshift-scale", "scale")).clone()
}

/// The `scale` function, built, without its debug symbols: what would be packed.
pub fn scale_stripped() -> PathBuf {
    let built = scale();
    let stripped = build_folder().join("scale.stripped");
    if is_newer(&stripped, &built) {
        return stripped;
    }
    // Tests run at the same time: each writes its own, the last one to be moved there stays.
    let own = build_folder().join(format!("scale.stripped.{}", std::process::id()));
    let done = Command::new("strip").arg("-o").arg(&own).arg(&built).status();
    assert!(done.is_ok_and(|status| status.success()), "strip (of binutils) could not shrink {}", built.display());
    std::fs::rename(&own, &stripped).expect("the build folder can be written");
    stripped
}

/// `target/debug`, or wherever cargo put this very program.
fn build_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let folder = own.parent().expect("a program is in a folder");
    let is_test = folder.file_name().is_some_and(|name| name == "deps");
    if is_test { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

fn up_to_date(package: &str, binary: &str) -> PathBuf {
    let folder = build_folder();
    let path = folder.join(binary);
    if !is_fresh(&path) {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
        cargo.current_dir(root()).args(["build", "--locked", "--quiet", "--package", package, "--bin", binary]);
        cargo.env("CARGO_TARGET_DIR", folder.parent().unwrap_or(&folder));
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        let done = cargo.status().expect("cargo can be started");
        assert!(done.success() && path.exists(), "`cargo build -p {package}` failed; the lines above say why");
    }
    path
}

/// Whether no source that the compiler has listed beside the binary is newer than the binary.
fn is_fresh(binary: &Path) -> bool {
    let Ok(listed) = std::fs::read_to_string(binary.with_extension("d")) else { return false };
    let sources = listed.lines().next().and_then(|line| line.split_once(": ")).map(|(_, sources)| sources).unwrap_or_default();
    let lock = root().join("Cargo.lock");
    let mut sources = sources.split(' ').filter(|source| !source.is_empty()).map(Path::new).chain([lock.as_path()]);
    binary.exists() && sources.all(|source| is_newer(binary, source))
}

fn is_newer(built: &Path, source: &Path) -> bool {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified());
    match (changed(built), changed(source)) {
        (Ok(built), Ok(source)) => built >= source && built != SystemTime::UNIX_EPOCH,
        _ => false,
    }
}
