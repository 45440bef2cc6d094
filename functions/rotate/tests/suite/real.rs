//! The same on a real PostgreSQL and a real Redis: the crash matrix, and rotations under fifty connections that go on working.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nightshift_core::fleet::Tls;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, RedisServer, Trust};
use nightshift_core::rotation::{Credential, SecretText, StepName, credential};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::{Postgres, Redis};
use serde_json::Value;

use crate::aws::Memory;
use crate::crash::{calls, struck};
use crate::gate::Way;
use crate::town::*;

pub type RealTown = Town<Servers, Servers>;

/// The servers of a test.
pub struct Machines {
    pub postgres: Option<Postgres>,
    pub redis: Option<Redis>,
}

/// As YAML takes it inside braces.
fn quoted(pem: &str) -> String {
    format!("\"{}\"", pem.replace('\n', "\\n"))
}

impl Machines {
    pub fn with_postgres() -> Self {
        let postgres = Postgres::start();
        postgres.run_sql("CREATE DATABASE shop");
        postgres.run_sql("CREATE ROLE admin LOGIN CREATEROLE PASSWORD 'admin-pass'");
        Self { postgres: Some(postgres), redis: None }
    }

    pub fn with_redis() -> Self {
        let redis = Redis::start();
        redis.command(&["ACL", "SETUSER", "admin", "on", ">redis-admin", "+@all"]);
        Self { postgres: None, redis: Some(redis) }
    }

    /// The users as they were at first, and a town around them.
    pub fn town(&self) -> RealTown {
        let (mut postgresql, mut redis) = (String::new(), String::new());
        if let Some(server) = &self.postgres {
            server.run_sql(
                "DROP ROLE IF EXISTS turns_clone; DROP ROLE IF EXISTS single; DROP ROLE IF EXISTS turns;
                 CREATE ROLE single LOGIN PASSWORD 'single-first'; SET ROLE admin; CREATE ROLE turns LOGIN PASSWORD 'turns-first'",
            );
            postgresql = format!(", port: {}, ca: {}", server.port(), quoted(server.tls_ca_pem()));
        }
        if let Some(server) = &self.redis {
            server.command(&["ACL", "SETUSER", "app", "reset", "on", ">redis-first", "~*", "+get", "+ping"]);
            redis = format!(", port: {}, ca: {}", server.tls_port(), quoted(server.ca_pem()));
        }
        let memory = Rc::new(RefCell::new(Memory::default()));
        Town::with(Servers::new(), Servers::new(), memory, &postgresql, &redis, "localhost", "localhost")
    }
}

/// Each place of a rotation is struck in each of these ways, and the step delivered again so often.
const WAYS: [(Way, &[u32]); 5] = [
    (Way::DeathBefore, &[0, 1, 3]),
    (Way::DeathAfter, &[0, 1, 3]),
    (Way::AnswerLost, &[0, 3]),
    (Way::Refused(PortErrorKind::Throttled), &[0, 3]),
    (Way::Refused(PortErrorKind::Denied), &[0, 3]),
];

const FIRST_STEPS: [StepName; 2] = [StepName::Create, StepName::Set];
const LAST_STEPS: [StepName; 2] = [StepName::Test, StepName::Finish];

/// Each user is struck some 350 times, by steps in tests of their own, which run side by side.
async fn matrix(machines: &Machines, name: &str, steps: [StepName; 2]) {
    let mut runs = 0;
    for (step, count) in calls(&mut machines.town(), name).await.into_iter().filter(|(step, _)| steps.contains(step)) {
        for call in 0..count {
            for (way, deliveries) in WAYS {
                for again in deliveries {
                    let mut town = machines.town();
                    town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
                    struck(&mut town, name, step, call, way, *again).await;
                    runs += 1;
                }
            }
        }
    }
    println!("{name}: {runs} runs of {steps:?} on the real server, nobody locked out");
    assert!(runs >= 140, "only {runs} runs");
}

#[tokio::test]
async fn a_single_user_of_postgresql_is_never_locked_out_by_the_first_steps() {
    matrix(&Machines::with_postgres(), SINGLE, FIRST_STEPS).await;
}

#[tokio::test]
async fn a_single_user_of_postgresql_is_never_locked_out_by_the_last_steps() {
    matrix(&Machines::with_postgres(), SINGLE, LAST_STEPS).await;
}

#[tokio::test]
async fn alternating_users_of_postgresql_are_never_locked_out_by_the_first_steps() {
    matrix(&Machines::with_postgres(), TURNS, FIRST_STEPS).await;
}

#[tokio::test]
async fn alternating_users_of_postgresql_are_never_locked_out_by_the_last_steps() {
    matrix(&Machines::with_postgres(), TURNS, LAST_STEPS).await;
}

#[tokio::test]
async fn a_user_of_redis_is_never_locked_out_by_the_first_steps() {
    matrix(&Machines::with_redis(), REDIS, FIRST_STEPS).await;
}

#[tokio::test]
async fn a_user_of_redis_is_never_locked_out_by_the_last_steps() {
    matrix(&Machines::with_redis(), REDIS, LAST_STEPS).await;
}

/// What servers do on bad days: gone, read-only, hanging, a password changed by hand.
#[tokio::test]
async fn a_server_on_its_bad_days_does_no_harm() {
    let mut machines = Machines::with_postgres();
    for name in [SINGLE, TURNS] {
        for bad_day in ["gone", "read-only", "by hand"] {
            for from in [StepName::Create, StepName::Set, StepName::Test, StepName::Finish] {
                let mut town = machines.town();
                let case = format!("{name}: {bad_day} from {from} on");
                let token = town.begin(name).unwrap();
                let server = machines.postgres.as_mut().unwrap();
                for step in StepName::ALL {
                    if step == from {
                        match bad_day {
                            "gone" => server.stop(),
                            "read-only" => server.make_read_only(),
                            _ => drop(server.run_sql("ALTER ROLE single PASSWORD 'by hand'; ALTER ROLE turns PASSWORD 'by hand'")),
                        }
                    }
                    town.step(name, &token, step).await;
                }
                match bad_day {
                    "gone" => server.start_again(),
                    "read-only" => server.make_writable(),
                    // Somebody sets it back to what is stored as current.
                    _ => {
                        let value = town.current(name);
                        let (user, password) = (value["username"].as_str().unwrap(), value["password"].as_str().unwrap());
                        server.run_sql(&format!("ALTER ROLE {user} PASSWORD '{password}'"));
                    }
                }
                for _ in 0..3 {
                    town.pass_minutes(61);
                    town.sweep().await;
                }
                assert!(!town.is_unfinished(name), "{case}: stuck");
                assert_eq!(town.memory().secrets[name].staged("AWSCURRENT").unwrap().0, &token, "{case}");
                town.check(name, &case).await;
            }
        }
    }
}

/// One that logs in again and again with what it was started with, until it is started anew.
struct Reader {
    credential: RefCell<Credential>,
    logins: Cell<u32>,
    refused: RefCell<Vec<Instant>>,
}

impl Reader {
    fn new(town: &RealTown, name: &str) -> Self {
        Self { credential: RefCell::new(read(town, name)), logins: Cell::new(0), refused: RefCell::default() }
    }
}

fn read(town: &RealTown, name: &str) -> Credential {
    let text = SecretText::new(town.value(name, "AWSCURRENT").unwrap());
    credential(&town.secret(name).kind, &text, None).unwrap()
}

/// Fifty readers at work while the secret rotates and they are started anew, one after the other.
async fn under_load(town: &mut RealTown, name: &str, trust: Trust, is_postgresql: bool) -> (u32, Vec<Instant>) {
    let readers: Vec<Reader> = (0..50).map(|_| Reader::new(town, name)).collect();
    let is_over = Cell::new(false);
    let servers = Servers::new();
    let work = futures_util::future::join_all(readers.iter().map(|reader| {
        let (servers, trust, is_over) = (&servers, &trust, &is_over);
        async move {
            while !is_over.get() {
                let credential = reader.credential.borrow().clone();
                let answer = match is_postgresql {
                    true => PostgresqlServer::login(servers, &credential, trust).await,
                    false => RedisServer::login(servers, &credential, trust).await,
                };
                match answer {
                    Ok(LoginAnswer::Accepted) => reader.logins.set(reader.logins.get() + 1),
                    Ok(LoginAnswer::Refused { .. }) => reader.refused.borrow_mut().push(Instant::now()),
                    Err(error) => panic!("{name}: {error}"),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }));
    let hand_over = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        town.rotate(name).await.unwrap();
        for reader in &readers {
            reader.credential.replace(read(town, name));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        town.readers_become(name, true);
        town.pass_minutes(2);
        assert_eq!(town.look(name).await.code(), "handed_over");
        tokio::time::sleep(Duration::from_millis(500)).await;
        is_over.set(true);
    };
    tokio::join!(work, hand_over);
    let logins = readers.iter().map(|reader| reader.logins.get()).sum();
    (logins, readers.into_iter().flat_map(|reader| reader.refused.into_inner()).collect())
}

fn trust(kind_ca: &str) -> Trust {
    Trust { tls: Tls::Verify, ca: Some(kind_ca.to_owned()) }
}

#[tokio::test]
async fn fifty_readers_of_alternating_users_notice_nothing() {
    let machines = Machines::with_postgres();
    let mut town = machines.town();
    let ca = machines.postgres.as_ref().unwrap().tls_ca_pem().to_owned();
    for round in 0..3 {
        let (logins, refused) = under_load(&mut town, TURNS, trust(&ca), true).await;
        println!("alternating users, rotation {round}: {logins} logins, {} refused", refused.len());
        assert!(logins > 200 && refused.is_empty(), "{logins} logins, {} refused", refused.len());
        town.pass_minutes(60 * 24);
    }
}

#[tokio::test]
async fn fifty_readers_of_redis_notice_nothing() {
    let machines = Machines::with_redis();
    let mut town = machines.town();
    let ca = machines.redis.as_ref().unwrap().ca_pem().to_owned();
    for round in 0..3 {
        let (logins, refused) = under_load(&mut town, REDIS, trust(&ca), false).await;
        println!("Redis, rotation {round}: {logins} logins, {} refused", refused.len());
        assert!(logins > 200 && refused.is_empty(), "{logins} logins, {} refused", refused.len());
        town.pass_minutes(60 * 24);
    }
}

/// With a single user new connections with the old password are refused until the reader is started anew; connections that are
/// open stay open. That is what the kind costs, and no more than that.
#[tokio::test]
async fn a_single_user_costs_new_connections_until_the_readers_are_started_anew() {
    let machines = Machines::with_postgres();
    let mut town = machines.town();
    let server = machines.postgres.as_ref().unwrap();
    let open = open_connections(&town, server.port()).await;
    let began = Instant::now();
    let (logins, refused) = under_load(&mut town, SINGLE, trust(server.tls_ca_pem()), true).await;
    for client in &open {
        client.simple_query("SELECT 1").await.expect("a connection that was open broke off");
    }
    let gap = refused.iter().max().zip(refused.iter().min()).map(|(last, first)| last.duration_since(*first));
    println!(
        "single user: {logins} logins, {} refused within {gap:?}, after {:?}; {} open connections went on",
        refused.len(),
        began.elapsed(),
        open.len()
    );
    assert!(logins > 100, "{logins}");
    assert!(gap.unwrap_or_default() < Duration::from_secs(20), "{gap:?}");
}

async fn open_connections(town: &RealTown, port: u16) -> Vec<tokio_postgres::Client> {
    let value: Value = town.current(SINGLE);
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut config = tokio_postgres::Config::new();
        config.user("single").password(value["password"].as_str().unwrap()).dbname("shop");
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (client, connection) = config.connect_raw(stream, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(async move { connection.await.ok() });
        clients.push(client);
    }
    clients
}
