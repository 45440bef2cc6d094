//! Where rotations are tried: a system of this checkout whose secret is that of a real server, with Nightshift.

use nightshift_test_servers::Postgres;
use nightshift_tests::{Deployment, FleetFile, LocalAws, Nightshift, Notice, Permissions, Region};
use serde_json::{Value, json};

use crate::releases_permissions::{allow_local_differences, local_differences};
use crate::releases_world::{EAST, errors};

pub const DATABASE: &str = "ecs-postgres/database";
/// With characters that base64, URLs and connection strings write otherwise.
pub const FIRST: &str = "the+first/password=of-app";
pub const OPS: &str = "the/password=of+ops";

/// A system with one secret that is rotated, and the service that reads it.
pub struct House<'a> {
    pub region: Region,
    pub nightshift: Nightshift<'a>,
    pub secret: &'static str,
    pub reader: &'static str,
}

impl<'a> House<'a> {
    /// The system ecs-postgres, where the database's secret is of this kind (in the fleet file's words) and has this value.
    pub async fn build(aws: &'a LocalAws, kind: &str, value: &Value) -> Self {
        Self::build_with_admin(aws, kind, value, &Value::Null).await
    }

    /// The same with the value of the secret ecs-postgres/admin.
    pub async fn build_with_admin(aws: &'a LocalAws, kind: &str, value: &Value, admin: &Value) -> Self {
        aws.deploy_system_in(EAST, "ecs-postgres");
        let region = aws.region(EAST);
        let fleet = FleetFile::of_system("ecs-postgres").with_short_waits().with("postgresql: { users: single }", kind);
        region.set_secret(DATABASE, &value.to_string());
        let mut deployment = Deployment::of([fleet]).rotating(&region.secret_arn(DATABASE));
        if admin.is_object() {
            deployment = deployment.with_admin(&region.make_secret("ecs-postgres/admin", &admin.to_string()));
        }
        let nightshift = aws.deploy_in(EAST, &deployment).await;
        Self { region, nightshift, secret: DATABASE, reader: "ecs-postgres/api" }.with_schedules()
    }

    /// The system pizza, with the key that it was given and this issuer.
    pub async fn build_pizza(aws: &'a LocalAws, issuer: &str, value: &Value) -> Self {
        let (secret, outputs) = ("pizza/api", aws.deploy_system_in(EAST, "pizza"));
        let region = aws.region(EAST);
        region.set_secret(secret, &value.to_string());
        let fleet = FleetFile::of_system("pizza").with_short_waits().with("url: https://api.openai.com/v1/models", issuer);
        let nightshift = aws.deploy_in(EAST, &Deployment::of([fleet]).rotating(&outputs["SecretArn"])).await;
        Self { region, nightshift, secret, reader: "pizza/api" }.with_schedules()
    }

    fn with_schedules(self) -> Self {
        self.nightshift.run(&["secrets", "sync", "--yes"]);
        self
    }

    /// What the local AWS checks against another resource than AWS does.
    pub fn allow_local_differences(&self) {
        allow_local_differences(&self.nightshift);
        self.nightshift.add_policy("RotateFunctionName", "local-aws-differences", &local_differences());
    }

    /// A field of the version with this label.
    pub fn field(&self, label: &str, field: &str) -> String {
        self.region.secret_field(self.secret, label, field)
    }

    /// The version that is current.
    pub fn current(&self) -> String {
        self.region.version_of(self.secret, "AWSCURRENT").expect("a version is current")
    }

    /// Waits until the readers are healthy again, lets the looks of `rotate` come, and reads what it told of it.
    pub async fn readers_are_proven(&self) -> String {
        self.nightshift.told(self.reader, "done").await;
        let is_it = |notice: &&Notice| notice.field("kind") == "handed_over" && notice.field("secret") == self.secret;
        let told =
            async || self.nightshift.notices().iter().find(is_it).cloned().ok_or_else(|| format!("{:?}", self.nightshift.subjects()));
        let told = self.nightshift.hurry_looks(self.secret, "people are told that the readers are healthy", told).await;
        told.field("text").to_owned()
    }

    /// No spelling of any of these values was let out, and no function had an error on the way.
    pub async fn nothing_leaked(&self, values: &[&str]) {
        for (place, text) in self.nightshift.everything_told().await {
            let may_be_silent = ["the log of Scale", "the log of Approve"].contains(&place.as_str());
            assert!(may_be_silent || text.len() > 100, "nothing was captured of {place}: {text}");
            values.iter().for_each(|value| has_no(value, &text, &place));
        }
        assert_eq!(errors(&self.nightshift), Vec::<Value>::new());
        let lines = self.nightshift.rotate_log_lines();
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let troubles: Vec<Value> = lines.filter(|line| line["errors"].as_array().is_some_and(|errors| !errors.is_empty())).collect();
        assert_eq!(troubles, Vec::<Value>::new());
    }
}

/// No spelling of the value is in the text.
pub fn has_no(value: &str, text: &str, place: &str) {
    let found = LocalAws::spellings(value).into_iter().find(|spelling| text.contains(spelling));
    assert_eq!(found, None, "a value is in {place}");
}

/// A PostgreSQL server with the user `app`.
pub fn database() -> Postgres {
    let postgres = Postgres::start();
    postgres.run_sql(&format!("CREATE ROLE app LOGIN PASSWORD '{FIRST}'"));
    postgres
}

/// The house with one user of a real PostgreSQL server, `app`.
pub async fn house_of_one_user<'a>(aws: &'a LocalAws, postgres: &Postgres) -> House<'a> {
    let kind = format!("postgresql:\n      users: single\n      {}", ca(postgres.tls_ca_pem(), 8));
    House::build(aws, &kind, &connection("app", FIRST, postgres.port())).await
}

/// The house with two users of a real PostgreSQL server that take turns, `app` and one that `ops` makes.
pub async fn house_of_two_users<'a>(aws: &'a LocalAws, postgres: &Postgres) -> House<'a> {
    postgres.run_sql(&format!("CREATE ROLE ops LOGIN CREATEROLE PASSWORD '{OPS}'"));
    let trust = ca(postgres.tls_ca_pem(), 8);
    let kind = format!("postgresql:\n      users: alternating\n      admin_secret: ecs-postgres/admin\n      {trust}");
    let port = postgres.port();
    House::build_with_admin(aws, &kind, &connection("app", FIRST, port), &connection("ops", OPS, port)).await
}

/// The value of a database's secret, as RDS's own are.
pub fn connection(user: &str, password: &str, port: u16) -> Value {
    json!({ "engine": "postgres", "username": user, "password": password, "host": "localhost", "port": port, "dbname": "postgres" })
}

/// A certificate as a block of the fleet file, its lines so far from the left.
pub fn ca(pem: &str, indent: usize) -> String {
    let lines: Vec<String> = pem.lines().map(|line| format!("{}{line}", " ".repeat(indent))).collect();
    format!("ca: |\n{}", lines.join("\n"))
}

/// A quick local AWS.
pub fn local_aws() -> LocalAws {
    LocalAws::start_quick(Permissions::Open)
}
