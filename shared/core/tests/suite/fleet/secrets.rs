//! Secrets that are right: what arrives, when they rotate, which one a name or an ARN means, and what is advised.

use nightshift_core::fleet::{
    ConnectionFields, Elasticache, Fleet, Fleets, Issued, KeyEncoding, Keys, ManagedSecret, PasswordRule, Postgresql, PostgresqlUsers,
    Probe, Redis, RotationSchedule, Seconds, SecretKind, SecretName, Tls,
};
use proptest::prelude::*;

use super::{SYSTEMS, WHOLE, changed, read, system_file};

#[test]
fn every_field_of_a_secret_arrives_as_it_is_written() {
    let fleet = read(WHOLE);
    assert_eq!(fleet.secrets.len(), 7);
    let database = &fleet.secrets["shop/database"];
    assert_eq!(database.readers.iter().map(|reader| reader.as_str()).collect::<Vec<_>>(), ["worker", "web"]);
    let SecretKind::Postgresql(Postgresql { users, admin_secret, tls, ca, host, port, database, fields, password }) = &database.kind else {
        panic!("another kind");
    };
    assert_eq!((*users, admin_secret.as_ref().map(SecretName::as_str)), (PostgresqlUsers::Alternating, Some("shop/database-admin")));
    assert_eq!(
        (*tls, host.as_deref(), *port, database.as_deref()),
        (Tls::Verify, Some("database.shop.internal"), Some(5433), Some("orders"))
    );
    assert!(ca.as_ref().is_some_and(|ca| ca.contains("BEGIN CERTIFICATE")));
    assert_eq!((fields.username.as_str(), fields.password.as_str(), fields.database.as_str()), ("login", "passphrase", "schema"));
    assert_eq!((password.length, password.characters.as_str()), (40, "abcdefghijkmnpqrstuvwxyz23456789"));

    let SecretKind::Elasticache(Elasticache { replication_group, user_id, .. }) = &fleet.secrets["shop/sessions"].kind else {
        panic!("another kind");
    };
    assert_eq!((replication_group.as_str(), user_id.as_deref()), ("shop-sessions", Some("shop-web")));

    let SecretKind::Keys(keys) = &fleet.secrets["shop/tokens"].kind else { panic!("another kind") };
    let expected = Keys {
        field: "signs".into(),
        next_field: "will_sign".into(),
        previous_field: "has_signed".into(),
        bytes: 64,
        encoding: KeyEncoding::Hex,
    };
    assert_eq!(*keys, expected);

    let SecretKind::Issued(Issued { field, max_age, warn_before, how, probe }) = &fleet.secrets["shop/mail"].kind else {
        panic!("another kind");
    };
    assert_eq!((field.as_deref(), max_age.to_string(), warn_before.to_string()), (Some("api_key"), "180d".into(), "21d".into()));
    assert!(how.starts_with("Make a key"));
    let Some(Probe { url, header, value, valid, invalid, .. }) = probe else { panic!("no probe") };
    assert_eq!(
        (url.as_str(), header.as_str(), value.as_str()),
        ("https://api.mail.example:8443/v3/account?fields=id", "x-api-key", "{key}")
    );
    assert_eq!((valid.as_slice(), invalid.as_slice()), ([200, 204].as_slice(), [401].as_slice()));
}

fn secret(text: &str) -> ManagedSecret {
    let file = format!(
        "version: 1\nsystem: shop\nregions: [us-east-1]\nservices:\n  web: {{ runs_on: {{ asg: {{ group: g }} }}, bounds: {{ min: 1, max: 2 }} }}\n\
         secrets:\n  it: {text}\n"
    );
    read(&file).secrets["it"].clone()
}

#[test]
fn what_is_not_written_is_usual() {
    let SecretKind::Redis(Redis { admin_secret: None, tls: Tls::Verify, ca: None, host: None, port: None, fields, password }) =
        secret("{ redis: {} }").kind
    else {
        panic!("something unusual");
    };
    assert_eq!((fields, password.length, password.characters.len()), (ConnectionFields::default(), 32, 62));
    let usual = Keys::default();
    assert_eq!(secret("{ keys: {} }").kind, SecretKind::Keys(usual.clone()));
    assert_eq!((usual.bytes, usual.encoding), (48, KeyEncoding::Base64url));
    let SecretKind::Issued(Issued { field: None, warn_before, probe: Some(probe), .. }) =
        secret("{ issued: { max_age: 90d, how: ask, probe: { url: https://api.example/v1 } } }").kind
    else {
        panic!("something unusual");
    };
    assert_eq!(warn_before, Seconds::new(14 * 86_400));
    assert_eq!((probe.header.as_str(), probe.value.as_str()), ("authorization", "Bearer {key}"));
    assert_eq!((probe.valid.as_slice(), probe.invalid.as_slice()), ([200].as_slice(), [401, 403].as_slice()));
    let secret = secret("{ postgresql: { users: single } }");
    assert!(secret.rotate.is_none() && secret.readers.is_empty());
    assert_eq!(PasswordRule::default().characters.chars().filter(char::is_ascii_alphanumeric).count(), 62);
}

fn schedule(text: &str) -> RotationSchedule {
    secret(&format!("{{ keys: {{}}, rotate: {text} }}")).rotate.expect("a schedule")
}

#[test]
fn a_schedule_is_what_rotate_secret_takes() {
    let cases = [
        ("{ every: 30d }", "rate(30 days)", None, 24, "every 30d"),
        ("{ every: 1d }", "rate(1 day)", None, 24, "every 1d"),
        ("{ every: 24h, window: 24h }", "rate(1 day)", Some("24h"), 24, "every 1d, within 24h"),
        ("{ every: 999d, window: 1d }", "rate(999 days)", Some("24h"), 24, "every 999d, within 24h"),
        ("{ every: 12h, window: 3h }", "rate(12 hours)", Some("3h"), 12, "every 12h, within 3h"),
        ("{ every: 240m }", "rate(4 hours)", None, 4, "every 4h"),
        ("{ every: 36 h }", "rate(36 hours)", None, 24, "every 36h"),
        ("{ cron: 0 4 1 * ? *, window: 20h }", "cron(0 4 1 * ? *)", Some("20h"), 20, "at cron(0 4 1 * ? *) in UTC, within 20h"),
        ("{ cron: \" 0  18 ?  * SUN#1 *\" }", "cron(0 18 ? * SUN#1 *)", None, 6, "at cron(0 18 ? * SUN#1 *) in UTC"),
        // The examples of the user guide.
        ("{ cron: 0 /8 * * ? * }", "cron(0 /8 * * ? *)", None, 8, "at cron(0 /8 * * ? *) in UTC"),
        ("{ cron: 0 8/8 * * ? * }", "cron(0 8/8 * * ? *)", None, 8, "at cron(0 8/8 * * ? *) in UTC"),
        ("{ cron: 0 2/10 * * ? * }", "cron(0 2/10 * * ? *)", None, 2, "at cron(0 2/10 * * ? *) in UTC"),
        ("{ cron: 0 18 ? * SAT * }", "cron(0 18 ? * SAT *)", None, 6, "at cron(0 18 ? * SAT *) in UTC"),
        ("{ cron: \"0 1 ? 1/3 SUN#1 *\" }", "cron(0 1 ? 1/3 SUN#1 *)", None, 23, "at cron(0 1 ? 1/3 SUN#1 *) in UTC"),
        ("{ cron: 0 17 L * ? * }", "cron(0 17 L * ? *)", None, 7, "at cron(0 17 L * ? *) in UTC"),
        ("{ cron: 0 17 SUNL * ? * }", "cron(0 17 SUNL * ? *)", None, 7, "at cron(0 17 SUNL * ? *) in UTC"),
        ("{ cron: 0 8 ? * MON-FRI * }", "cron(0 8 ? * MON-FRI *)", None, 16, "at cron(0 8 ? * MON-FRI *) in UTC"),
        ("{ cron: \"0 16 1,15 * ? *\" }", "cron(0 16 1,15 * ? *)", None, 8, "at cron(0 16 1,15 * ? *) in UTC"),
        (
            "{ cron: \"0 0 1/2 JAN,APR-JUN,12 ? *\" }",
            "cron(0 0 1/2 JAN,APR-JUN,12 ? *)",
            None,
            24,
            "at cron(0 0 1/2 JAN,APR-JUN,12 ? *) in UTC",
        ),
        ("{ cron: 0 23 29 FEB ? *, window: 1h }", "cron(0 23 29 FEB ? *)", Some("1h"), 1, "at cron(0 23 29 FEB ? *) in UTC, within 1h"),
    ];
    for (text, expression, duration, longest, words) in cases {
        let schedule = schedule(text);
        let found = (schedule.expression(), schedule.duration(), schedule.longest_window(), schedule.to_string());
        assert_eq!(found, (expression.to_owned(), duration.map(str::to_owned), longest, words.to_owned()), "{text}");
        // RotateSecret's own limits (botocore's model: ScheduleExpressionType, DurationType).
        assert!(found.0.len() <= 256 && found.1.is_none_or(|duration| (2..=3).contains(&duration.len())), "{text}");
    }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{resource}")
}

fn keys(system: &str, region: &str, names: &[&str]) -> String {
    let secrets: String = names.iter().map(|name| format!("  {name}: {{ keys: {{}} }}\n")).collect();
    format!(
        "version: 1\nsystem: {system}\nregions: [{region}]\nservices:\n  web: {{ runs_on: {{ asg: {{ group: {system} }} }}, bounds: {{ min: 1, max: 2 }} }}\n\
         secrets:\n{secrets}"
    )
}

#[test]
fn a_secret_is_found_by_its_name_and_by_its_arn() {
    let fleet = read(&keys("shop", "us-east-1", &["shop/db", "shop/db-backup", "old-Ab12Cd", "a-b"]));
    let found = |text: &str| fleet.secret_by(text).map(|(name, _)| name.as_str().to_owned());
    let cases = [
        // Names are compared whole.
        ("shop/db", Some("shop/db")),
        ("shop/db-backup", Some("shop/db-backup")),
        ("old-Ab12Cd", Some("old-Ab12Cd")),
        ("old", None),
        ("shop/db-Ab12Cd", None),
        ("shop", None),
        ("", None),
        // Complete ARNs.
        (&arn("shop/db-Ab12Cd"), Some("shop/db")),
        (&arn("shop/db-backup-Ab12Cd"), Some("shop/db-backup")),
        (&arn("old-Ab12Cd-Xy34Zw"), Some("old-Ab12Cd")),
        (&arn("a-b-Xy34Zw"), Some("a-b")),
        // As task definitions write them.
        (&arn("shop/db-Ab12Cd:password::"), Some("shop/db")),
        (&arn("shop/db-Ab12Cd:password:AWSCURRENT:"), Some("shop/db")),
        // Without the six characters. Secrets Manager takes six characters behind a hyphen for its own.
        (&arn("shop/db"), Some("shop/db")),
        (&arn("a-b"), Some("a-b")),
        (&arn("shop/db-backup"), Some("shop/db")),
        (&arn("old-Ab12Cd"), Some("old-Ab12Cd")),
        // Others.
        (&arn("shop/dbx-Ab12Cd"), None),
        (&arn("shop/db-Ab12C"), None),
        (&arn("shop/db-Ab12C_"), None),
        (&arn("-Ab12Cd"), None),
        (&arn(""), None),
        ("arn:aws:ssm:us-east-1:111122223333:parameter/shop/db", None),
        ("arn:aws:secretsmanager:us-east-1:111122223333", None),
    ];
    for (text, expected) in cases {
        assert_eq!(found(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_secret_is_found_over_all_files_in_its_region() {
    let files = [
        ("a.yaml", keys("east", "us-east-1", &["shop/db-Ab12Cd", "east"])),
        ("b.yaml", keys("both", "us-east-1, us-west-2", &["shop/db"])),
        ("c.yaml", keys("west", "us-west-2", &["east"])),
    ];
    let fleets = Fleets::from_files(files.map(|(name, text)| (name.to_owned(), text)).to_vec()).expect("three systems");
    let found = |text: &str, region: &str| {
        let found = fleets.secret(text, region);
        found.map(|(fleet, name, _)| format!("{}: {name}", fleet.system)).unwrap_or_default()
    };
    assert_eq!(found("east", "us-east-1"), "east: east");
    assert_eq!(found("east", "us-west-2"), "west: east");
    assert_eq!(found("east", "eu-west-1"), "");
    assert_eq!(found(&arn("east-Xy34Zw"), "us-east-1"), "east: east");
    assert_eq!(found(&arn("east-Xy34Zw"), "us-west-2"), "", "an ARN of another region is another secret");
    // A complete ARN is one in every file before it is taken for one without the six characters.
    assert_eq!(found(&arn("shop/db-Ab12Cd"), "us-east-1"), "both: shop/db");
    assert_eq!(found(&arn("shop/db-Ab12Cd-Xy34Zw"), "us-east-1"), "east: shop/db-Ab12Cd");
}

proptest! {
    /// Whatever a secret is called: its own ARN finds it, and no other secret of the file.
    #[test]
    fn the_arn_of_a_secret_finds_it(name in "[a-z/]{1,3}(-[A-Za-z0-9]{5,7}){0,2}", added in "[A-Za-z0-9]{6}", other in "[a-z/]{1,3}(-[A-Za-z0-9]{6}){0,2}") {
        prop_assume!(name != other);
        let names: Vec<String> = [&name, &other].iter().map(|name| format!("\"{name}\"")).collect();
        let fleet = read(&keys("shop", "us-east-1", &[&names[0], &names[1]]));
        let found = |text: &str| fleet.secret_by(text).map(|(found, _)| found.as_str().to_owned());
        prop_assert_eq!(found(&arn(&format!("{name}-{added}"))), Some(name.clone()));
        prop_assert_eq!(found(&name), Some(name));
    }

    /// A cron of a schedule that is read is written the same, and its window stays within a day.
    #[test]
    fn a_rotation_cron_that_is_read_is_written_the_same(fields in "0 [0-9/*,]{1,4} [0-9L?*,/-]{1,4} [0-9A-Z*,/-]{1,7} [0-9A-Z?*#,/-]{1,7} [*]") {
        if let Ok(cron) = nightshift_core::fleet::RotationCron::try_from(fields.clone()) {
            prop_assert!((1..=24).contains(&cron.longest_window()));
            prop_assert_eq!(cron.as_str(), fields);
        }
    }
}

fn advice(fleet: &Fleet) -> Vec<String> {
    fleet.advice().iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_advised() {
    let mut fleet = read(WHOLE);
    let mut told = format!("## the file that uses every field\n{}\n", advice(&fleet).join("\n"));
    let instances = changed(&keys("shop", "us-east-1", &["shop/tokens"]), "max: 2 }", "max: 2 }, rotated_secrets: { restart: false }");
    told += &format!("\n## nobody reads it\n{}\n", advice(&read(&instances)).join("\n"));
    let named = instances.replace("{ keys: {} }", "{ keys: {}, readers: [web] }");
    told += &format!("\n## its reader is left alone\n{}\n", advice(&read(&named)).join("\n"));
    let plain = instances.replace("{ keys: {} }", "{ postgresql: { users: single, tls: plaintext }, readers: [web] }");
    told += &format!("\n## everything at once\n{}\n", advice(&read(&plain)).join("\n"));
    insta::assert_snapshot!(told);
    fleet.secrets.clear();
    assert_eq!(advice(&fleet), Vec::<String>::new());
}

/// Each system says in a comment why it does what is advised against; anything else that is advised would be forgotten.
#[test]
fn what_is_advised_for_the_systems() {
    let told: Vec<String> = SYSTEMS.iter().flat_map(|system| advice(&read(&system_file(system)))).collect();
    insta::assert_snapshot!(told.join("\n"));
}
