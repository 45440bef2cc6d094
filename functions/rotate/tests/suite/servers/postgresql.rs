//! Logins and passwords on a real PostgreSQL.

use std::time::{Duration, Instant};

use nightshift_core::ports::PortErrorKind::{Denied, Unavailable};
use nightshift_core::rotation::Credential;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::Postgres;

use super::{credential, failed, first, postgres_with, refused, secret, trusting};

#[tokio::test]
async fn a_login_is_accepted_or_refused_as_the_server_says() {
    let postgres = postgres_with(&[("app", ""), ("group_only", "NOLOGIN")]);
    let (servers, trust, port) = (Servers::new(), trusting(postgres.tls_ca_pem()), postgres.port());
    assert_eq!(servers.login(&first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
    let why = refused(servers.login(&credential(port, "app", "Wr0ng+and-long"), &trust).await, &["Wr0ng+and-long"]);
    assert_eq!(why, r#"password authentication failed for user "app" (28P01)"#);
    refused(servers.login(&first(port, "nobody_knows"), &trust).await, &["first-of-nobody_knows"]);
    postgres.run_sql("ALTER ROLE group_only PASSWORD 'Right+and-long'");
    let why = refused(servers.login(&credential(port, "group_only", "Right+and-long"), &trust).await, &["Right+and-long"]);
    assert_eq!(why, r#"role "group_only" is not permitted to log in (28000)"#);
    assert!(postgres.log().contains("application_name=nightshift"), "{}", postgres.log());
}

#[tokio::test]
async fn a_server_that_does_not_answer_has_refused_nobody() {
    let mut postgres = postgres_with(&[("app", "")]);
    let (trust, app) = (trusting(postgres.tls_ca_pem()), first(postgres.port(), "app"));
    let servers = Servers::new().within(Duration::from_millis(1200));
    postgres.freeze();
    let begun = Instant::now();
    failed(servers.login(&app, &trust).await, Unavailable, "no connection came about within 900 ms", &["first-of-app"]);
    let change = servers.set_password(&app, &trust, "app", &secret("second-of-app")).await;
    failed(change, Unavailable, "within 900 ms", &["first-of-app", "second-of-app"]);
    assert!(begun.elapsed() < Duration::from_millis(3200), "{:?}", begun.elapsed());
    postgres.thaw();
    assert_eq!(Servers::new().login(&app, &trust).await, Ok(LoginAnswer::Accepted));
    postgres.stop();
    failed(servers.login(&app, &trust).await, Unavailable, "refused", &["first-of-app"]);
    let nowhere = Credential { host: Some("no-such-host.invalid".into()), ..app.clone() };
    failed(Servers::new().login(&nowhere, &trust).await, Unavailable, "no-such-host.invalid", &["first-of-app"]);
    postgres.start_again();
    assert_eq!(servers.login(&app, &trust).await, Ok(LoginAnswer::Accepted));
}

#[tokio::test]
async fn a_user_changes_its_own_password_and_no_statement_has_it() {
    let postgres = postgres_with(&[("app", "")]);
    let (servers, trust, port) = (Servers::new(), trusting(postgres.tls_ca_pem()), postgres.port());
    let mut password = "first-of-app".to_owned();
    for turn in 2..=10 {
        let next = format!("number-{turn}-of-app-which-is-long");
        servers.set_password(&credential(port, "app", &password), &trust, "app", &secret(&next)).await.unwrap();
        refused(servers.login(&credential(port, "app", &password), &trust).await, &[&password]);
        assert_eq!(servers.login(&credential(port, "app", &next), &trust).await, Ok(LoginAnswer::Accepted));
        password = next;
    }
    let log = postgres.log();
    assert_eq!(log.matches(r#"ALTER ROLE "app" PASSWORD 'SCRAM-SHA-256$4096:"#).count(), 9, "{log}");
    assert!(!log.contains("-of-app-which"), "{log}");
    let limits = log.find("SET statement_timeout = 9000; SET lock_timeout = 3000").expect("limits are set");
    assert!(limits < log.find("ALTER ROLE \"app\" PASSWORD").unwrap());
}

#[tokio::test]
async fn a_user_whose_sessions_act_as_another_changes_its_own_password_too() {
    let postgres = postgres_with(&[("app", ""), ("owner", "")]);
    postgres.run_sql("GRANT owner TO app; ALTER ROLE app SET role TO owner");
    let (servers, trust, app) = (Servers::new(), trusting(postgres.tls_ca_pem()), first(postgres.port(), "app"));
    servers.set_password(&app, &trust, "app", &secret("second-of-app")).await.unwrap();
    assert_eq!(servers.login(&credential(postgres.port(), "app", "second-of-app"), &trust).await, Ok(LoginAnswer::Accepted));
}

#[tokio::test]
async fn names_and_passwords_with_every_kind_of_quote_stay_what_they_are() {
    let postgres = postgres_with(&[("ops", "CREATEROLE")]);
    let user = r#"we"ird 'app' \ $$ -- ; ü"#;
    postgres.run_sql(&format!("SET ROLE ops; CREATE ROLE \"{}\" LOGIN", user.replace('"', "\"\"")));
    let (servers, trust, port) = (Servers::new(), trusting(postgres.tls_ca_pem()), postgres.port());
    let password = r#"'; DROP TABLE x; -- "\ $1 %s ü€"#;
    servers.set_password(&first(port, "ops"), &trust, user, &secret(password)).await.unwrap();
    assert_eq!(servers.login(&credential(port, user, password), &trust).await, Ok(LoginAnswer::Accepted));
    let twin = format!("{user}_clone");
    servers.set_twin(&first(port, "ops"), &trust, user, &twin, &secret(password)).await.unwrap();
    assert_eq!(servers.login(&credential(port, &twin, password), &trust).await, Ok(LoginAnswer::Accepted));
    let zero = servers.set_password(&first(port, "ops"), &trust, "a\0b", &secret(password)).await;
    failed(zero, Denied, "zero byte", &[password]);
}

#[tokio::test]
async fn who_may_not_or_is_not_there_is_told_what_to_do() {
    let postgres = postgres_with(&[("app", ""), ("other", "")]);
    let (servers, trust, port) = (Servers::new(), trusting(postgres.tls_ca_pem()), postgres.port());
    let next = secret("next-and-long-enough");
    let shown = ["first-of-other", "next-and-long-enough"];
    failed(servers.set_password(&first(port, "other"), &trust, "app", &next).await, Denied, "other needs CREATEROLE", &shown);
    failed(servers.set_password(&first(port, "other"), &trust, "ghost", &next).await, Denied, "create the user first", &shown);
    let wrong = credential(port, "other", "Wr0ng+and-long");
    failed(servers.set_password(&wrong, &trust, "app", &next).await, Denied, "other cannot log in to make the change", &["Wr0ng+and-long"]);
    let elsewhere = Credential { database: Some("no_such_db".into()), ..first(port, "app") };
    failed(servers.login(&elsewhere, &trust).await, Denied, "correct the database", &["first-of-app"]);
    let nobody = Credential { user: None, ..first(port, "app") };
    failed(servers.login(&nobody, &trust).await, Denied, "add username", &["first-of-app"]);
    let nowhere = Credential { host: None, ..first(port, "app") };
    failed(servers.login(&nowhere, &trust).await, Denied, "there is no host", &["first-of-app"]);
    assert_eq!(servers.login(&first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
}

#[tokio::test]
async fn what_may_pass_is_unavailable_and_changes_nothing() {
    let postgres = postgres_with(&[("app", ""), ("ops", "CREATEROLE")]);
    let (servers, trust, port) = (Servers::new(), trusting(postgres.tls_ca_pem()), postgres.port());
    let next = secret("next-and-long-enough");
    postgres.make_read_only();
    failed(servers.set_password(&first(port, "app"), &trust, "app", &next).await, Unavailable, "read-only", &["next-and-long"]);
    failed(servers.set_twin(&first(port, "ops"), &trust, "app", "app_clone", &next).await, Unavailable, "25006", &["next-and-long"]);
    postgres.make_writable();
    postgres.run_sql("ALTER ROLE app CONNECTION LIMIT 0");
    failed(servers.login(&first(port, "app"), &trust).await, Unavailable, "53300", &["first-of-app"]);
    postgres.run_sql("ALTER ROLE app CONNECTION LIMIT -1");
    assert_eq!(servers.login(&first(port, "app"), &trust).await, Ok(LoginAnswer::Accepted));
}

fn run<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

/// Holds the role `app` in a transaction of the superuser's for some seconds, and works meanwhile.
fn while_it_is_held<T>(postgres: &Postgres, seconds: u8, work: impl FnOnce() -> T) -> T {
    std::thread::scope(|scope| {
        let asleep = format!("pg_sleep({seconds})");
        let hold = format!("BEGIN; ALTER ROLE app CONNECTION LIMIT 5; SELECT {asleep}; COMMIT");
        scope.spawn(move || postgres.run_sql(&hold));
        let holds = format!("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%{asleep}%'");
        while postgres.run_sql(&holds) == "0" {
            std::thread::sleep(Duration::from_millis(10));
        }
        work()
    })
}

#[test]
fn a_lock_on_the_role_is_not_waited_for_until_the_end() {
    let postgres = postgres_with(&[("app", "")]);
    let (trust, app, next) = (trusting(postgres.tls_ca_pem()), first(postgres.port(), "app"), secret("next-and-long-enough"));
    while_it_is_held(&postgres, 4, || {
        let begun = Instant::now();
        let change = run(Servers::new().within(Duration::from_secs(3)).set_password(&app, &trust, "app", &next));
        failed(change, Unavailable, "another session holds the role (55P03)", &["next-and-long-enough"]);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    });
    assert_eq!(run(Servers::new().login(&app, &trust)), Ok(LoginAnswer::Accepted));
}

#[test]
fn a_session_that_is_ended_in_its_middle_is_unavailable() {
    let postgres = postgres_with(&[("app", "")]);
    let (trust, app, next) = (trusting(postgres.tls_ca_pem()), first(postgres.port(), "app"), secret("next-and-long-enough"));
    while_it_is_held(&postgres, 3, || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                           WHERE application_name = 'nightshift' AND wait_event_type = 'Lock'";
                while !postgres.run_sql(end).contains('t') {
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            let change = run(Servers::new().set_password(&app, &trust, "app", &next));
            failed(change, Unavailable, "57P01", &["next-and-long-enough"]);
        });
    });
    assert_eq!(run(Servers::new().login(&app, &trust)), Ok(LoginAnswer::Accepted));
}
