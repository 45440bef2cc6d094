//! Two alternating users on a real PostgreSQL, with an administrator who is no superuser, as on RDS.

use nightshift_core::ports::PortErrorKind::Denied;
use nightshift_core::rotation::Credential;
use nightshift_core::rotation::ports::{LoginAnswer, PostgresqlServer, Trust};
use nightshift_rotate::servers::Servers;
use nightshift_test_servers::Postgres;

use super::{credential, failed, first, postgres_with, secret, trusting};

struct Shop {
    postgres: Postgres,
    ops: Credential,
    trust: Trust,
    servers: Servers,
}

/// `app` with its tables, its group, its settings and attributes; `ops` made it. `reader` may read what `app` makes.
fn shop() -> Shop {
    let postgres = postgres_with(&[("ops", "CREATEROLE CREATEDB"), ("reader", "")]);
    postgres.run_sql("CREATE DATABASE shop");
    postgres.run_sql("SET ROLE ops; CREATE ROLE app LOGIN CREATEDB CONNECTION LIMIT 20 PASSWORD 'first-of-app'");
    postgres.run_sql("CREATE ROLE payers; GRANT payers TO app; ALTER ROLE app SET work_mem TO '8MB'");
    postgres.run_sql(r#"ALTER ROLE app SET search_path TO "$user", orders, "Odd, name""#);
    postgres.run_sql("ALTER ROLE app IN DATABASE shop SET statement_timeout TO '7s'");
    postgres.run_sql_in(
        "shop",
        "CREATE SCHEMA orders AUTHORIZATION app; CREATE TABLE orders.lines (id int); ALTER TABLE orders.lines OWNER TO app;
         CREATE TABLE payments (id int); GRANT SELECT, INSERT ON payments TO payers;
         GRANT USAGE ON SCHEMA orders TO reader; ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA orders GRANT SELECT ON TABLES TO reader",
    );
    let (ops, trust) = (first(postgres.port(), "ops"), trusting(postgres.tls_ca_pem()));
    Shop { postgres, ops, trust, servers: Servers::new() }
}

impl Shop {
    async fn set_twin(&self, other: &str, password: &str) {
        self.servers.set_twin(&self.ops, &self.trust, "app", other, &secret(password)).await.unwrap();
    }

    async fn logs_in(&self, user: &str, password: &str) -> bool {
        let whom = credential(self.postgres.port(), user, password);
        self.servers.login(&whom, &self.trust).await == Ok(LoginAnswer::Accepted)
    }

    /// Runs SQL as a user who logs in with a password; its settings are those of its own sessions.
    fn as_user(&self, user: &str, password: &str, sql: &str) -> String {
        self.postgres.run_sql_as(user, password, "shop", sql)
    }

    fn attributes(&self, user: &str) -> String {
        self.postgres.run_sql(&format!(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil
             FROM pg_roles WHERE rolname = '{user}'"
        ))
    }

    /// Who may act as whom. From PostgreSQL 16 on, who makes a role is a member that may hand it on but not act as it.
    fn memberships(&self) -> String {
        self.postgres.run_sql(
            "SELECT roleid::regrole, member::regrole FROM pg_auth_members m
             WHERE member >= 16384 AND coalesce((to_jsonb(m)->>'set_option')::boolean, true) ORDER BY 1, 2",
        )
    }
}

#[tokio::test]
async fn the_second_user_can_do_what_the_first_can_and_what_it_makes_belongs_to_the_first() {
    let shop = shop();
    shop.set_twin("app_clone", "second-and-long").await;
    assert!(shop.logs_in("app_clone", "second-and-long").await && shop.logs_in("app", "first-of-app").await);
    let twin = |sql: &str| shop.as_user("app_clone", "second-and-long", sql);
    let base = |sql: &str| shop.as_user("app", "first-of-app", sql);
    twin("INSERT INTO lines VALUES (1); INSERT INTO public.payments VALUES (1); CREATE TABLE made_by_twin (id int)");
    assert_eq!(twin("SELECT session_user, current_user"), "app_clone|app");
    assert_eq!(base("SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_twin'"), "app");
    base("ALTER TABLE made_by_twin ADD COLUMN note text");
    assert_eq!(shop.as_user("reader", "first-of-reader", "SELECT count(*) FROM orders.made_by_twin"), "0");
    for setting in ["search_path", "work_mem", "statement_timeout"] {
        assert_eq!(twin(&format!("SHOW {setting}")), base(&format!("SHOW {setting}")), "{setting}");
    }
    assert_eq!(twin("SHOW search_path"), r#""$user", orders, "Odd, name""#);
    assert_eq!(shop.attributes("app_clone"), shop.attributes("app"));
    // A pool that cleans a connection for the next user ends its acting as the first; what the first may, it still may.
    assert_eq!(twin("DISCARD ALL;\nSELECT count(*) FROM orders.lines"), "1");
}

#[tokio::test]
async fn ten_turns_leave_each_user_with_its_last_password_and_the_log_without_any() {
    let shop = shop();
    let mut passwords = [("app", "first-of-app".to_owned()), ("app_clone", String::new())];
    for turn in 1..=10 {
        let [(_, waiting), (user, password)] = [passwords[(turn + 1) % 2].clone(), passwords[turn % 2].clone()];
        let next = format!("number-{turn}-and-long-enough");
        shop.set_twin(user, &next).await;
        assert!(shop.logs_in(user, &next).await, "turn {turn}: {user}");
        assert!(shop.logs_in(passwords[(turn + 1) % 2].0, &waiting).await, "turn {turn}: the one that readers use");
        assert!(password.is_empty() || !shop.logs_in(user, &password).await, "turn {turn}: the last but one password");
        passwords[turn % 2].1 = next;
    }
    assert_eq!(shop.memberships(), "app|app_clone\npayers|app");
    let log = shop.postgres.log();
    assert!(!log.contains("-and-long-enough"), "{log}");
    // Done again, it is a password and nothing else.
    assert_eq!(log.matches(r#"GRANT "app" TO "app_clone""#).count(), 1, "{log}");
    assert_eq!(log.matches(r#"ALTER ROLE "app_clone" SET"#).count(), 3, "{log}");
    assert_eq!(log.matches(r#"ALTER ROLE "app" LOGIN PASSWORD"#).count(), 5, "{log}");
}

#[tokio::test]
async fn what_the_first_lost_or_got_since_the_second_loses_and_gets() {
    let shop = shop();
    shop.set_twin("app_clone", "second-and-long").await;
    shop.postgres.run_sql("ALTER ROLE app RESET work_mem; ALTER ROLE app SET lock_timeout TO '2s'; ALTER ROLE app NOCREATEDB");
    shop.postgres.run_sql("ALTER ROLE app IN DATABASE shop RESET ALL; ALTER ROLE app CONNECTION LIMIT 5");
    shop.postgres.run_sql("ALTER ROLE app_clone NOLOGIN NOINHERIT VALID UNTIL '2020-01-01'");
    shop.set_twin("app_clone", "third-and-long").await;
    assert!(shop.logs_in("app_clone", "third-and-long").await);
    let settings = "SELECT setdatabase, unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 'app_clone'::regrole ORDER BY 2";
    assert_eq!(shop.postgres.run_sql(settings), "0|lock_timeout=2s\n0|role=app\n0|search_path=\"$user\", orders, \"Odd, name\"");
    assert_eq!(shop.attributes("app_clone"), shop.attributes("app") + "infinity");
    assert_eq!(shop.as_user("app_clone", "third-and-long", "SELECT count(*) FROM orders.lines"), "0");
}

#[tokio::test]
async fn a_first_user_that_acts_as_an_owner_has_a_second_that_does_so_too() {
    let shop = shop();
    shop.postgres.run_sql("CREATE ROLE owner; GRANT owner TO app; ALTER ROLE app SET role TO owner; GRANT app TO ops");
    shop.set_twin("app_clone", "second-and-long").await;
    assert_eq!(shop.as_user("app_clone", "second-and-long", "SELECT current_user"), "owner");
}

#[tokio::test]
async fn it_is_all_or_nothing_and_the_administrator_is_told_why() {
    let shop = shop();
    let change = async |base: &str| shop.servers.set_twin(&shop.ops, &shop.trust, base, "app_clone", &secret("second-and-long")).await;
    failed(change("ghost").await, Denied, "the user ghost is not there", &["second-and-long"]);
    // Only a superuser may set it, for itself or for others.
    shop.postgres.run_sql("ALTER ROLE app SET log_statement TO 'none'");
    failed(change("app").await, Denied, "42501", &["second-and-long", "first-of-ops"]);
    assert_eq!(shop.attributes("app_clone"), "");
    assert_eq!(shop.memberships(), "payers|app");
    shop.postgres.run_sql("ALTER ROLE app RESET log_statement; ALTER ROLE app BYPASSRLS");
    failed(change("app").await, Denied, "CREATEROLE", &["second-and-long", "first-of-ops"]);
    shop.postgres.run_sql("ALTER ROLE app NOBYPASSRLS");
    change("app").await.unwrap();
    let nobody = first(shop.postgres.port(), "reader");
    let by_reader = shop.servers.set_twin(&nobody, &shop.trust, "app", "app_clone", &secret("third-and-long")).await;
    failed(by_reader, Denied, "reader needs CREATEROLE", &["third-and-long", "first-of-reader"]);
    assert!(shop.logs_in("app_clone", "second-and-long").await);
}
