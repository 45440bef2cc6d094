//! That the servers start, keep, log and end as tests rely on.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nightshift_test_servers::{Keeps, Postgres, Redis};

fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn postgresql_keeps_its_data_over_a_restart_and_logs_every_statement() {
    let mut postgres = Postgres::start();
    postgres.run_sql("CREATE TABLE orders (id int)");
    postgres.stop();
    assert!(!is_open(postgres.port()));
    postgres.start_again();
    assert_eq!(postgres.run_sql("SELECT count(*) FROM orders"), "0");
    assert!(postgres.log().contains("statement: CREATE TABLE orders (id int)"), "{}", postgres.log());
    let port = postgres.port();
    drop(postgres);
    assert!(!is_open(port));
}

#[test]
fn a_read_only_database_becomes_writable_again() {
    let postgres = Postgres::start();
    postgres.make_read_only();
    assert_eq!(postgres.run_sql("SHOW transaction_read_only"), "on");
    postgres.make_writable();
    postgres.run_sql("CREATE TABLE orders (id int)");
}

#[test]
fn redis_keeps_what_it_was_started_to_keep() {
    for keeps in [Keeps::InAclFile, Keeps::InConfigFile, Keeps::Nowhere] {
        let mut redis = Redis::start_with(keeps);
        redis.command(&["ACL", "SETUSER", "app", "on", ">some-password", "+ping"]);
        match keeps {
            Keeps::InAclFile => assert_eq!(redis.command(&["ACL", "SAVE"]), "OK"),
            Keeps::InConfigFile => assert_eq!(redis.command(&["CONFIG", "REWRITE"]), "OK"),
            Keeps::Nowhere => continue,
        }
        redis.stop();
        assert!(!is_open(redis.port()));
        redis.start_again();
        assert!(redis.command(&["ACL", "LIST"]).contains("user app on"), "{keeps:?}: {}", redis.kept(keeps));
    }
}

#[test]
fn frozen_servers_end_when_they_are_dropped() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    postgres.freeze();
    redis.freeze();
    let begun = Instant::now();
    drop((postgres, redis));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// The second half of the next test: this process is killed while its servers run.
#[test]
#[ignore = "started by servers_end_with_a_process_that_is_killed"]
fn hold_servers_and_say_their_ports() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    std::fs::write(std::env::var("NIGHTSHIFT_PORTS").unwrap(), format!("{} {} end", postgres.port(), redis.port())).unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn servers_end_with_a_process_that_is_killed() {
    let note = std::env::temp_dir().join(format!("nightshift-ports-{}", std::process::id()));
    let mut holder = Command::new(std::env::current_exe().unwrap());
    holder.args(["--exact", "hold_servers_and_say_their_ports", "--ignored"]).env("NIGHTSHIFT_PORTS", &note);
    let mut holder = holder.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let said = loop {
        match std::fs::read_to_string(&note) {
            Ok(said) if said.ends_with("end") => break said,
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let ports: Vec<u16> = said.split(' ').filter_map(|port| port.parse().ok()).collect();
    assert!(ports.len() == 2 && ports.iter().all(|port| is_open(*port)));
    holder.kill().unwrap();
    assert_eq!(holder.wait().unwrap().signal(), Some(9));
    let begun = Instant::now();
    while ports.iter().any(|port| is_open(*port)) {
        assert!(begun.elapsed() < Duration::from_secs(10), "a server outlived the process that started it");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_file(&note).unwrap();
}
