//! Links the function at a fixed address, so that a cold start has no relocations to work off.

#[allow(clippy::print_stdout, reason = "a build script speaks to cargo so")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
