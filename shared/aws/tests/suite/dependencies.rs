use std::process::Command;

/// Default features of the SDK crates bring hyper 0.14 with an old rustls; aws-config and aws-lc cost start-up time and size.
#[test]
fn one_http_and_one_tls_stack() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", "nightshift-aws", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let has = |package: &str| tree.lines().any(|line| line.starts_with(package));
    assert!(has("hyper v1.") && has("rustls v0.23.") && has("ring v"), "the tree is not what this test reads: {tree}");
    for unwanted in ["hyper v0.", "rustls v0.21", "aws-config v", "aws-lc", "openssl v", "native-tls v", "h2 v0.3"] {
        assert!(!has(unwanted), "{unwanted} has come in; look with cargo tree -p nightshift-aws -i");
    }
}
