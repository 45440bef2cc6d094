//! What is said about mistakes in secrets. Each case changes the file that uses every field; the snapshots are what a person reads.

use nightshift_core::fleet::{Fleets, SecretKind};

use super::mistakes::{Case, told};
use super::{WHOLE, changed, errors, read};

const LOGIN: &str = "password: { length: 40, characters: abcdefghijkmnpqrstuvwxyz23456789 }";
const USER: &str = "password: { length: 64, characters: \"ABCDEFGHIJKLMNOPQRSTUVWXYZ!&#$^<>-\" }";
const MONTHLY: &str = "rotate: { every: 30d, window: 3h }";
const WEEKLY: &str = "cron: \"0 4 ? * SUN#1 *\", window: 2h";

fn with<'t>(cases: &[(&'t str, &'t str, String)]) -> String {
    let cases: Vec<Case<'_>> = cases.iter().map(|(what, from, to)| (*what, *from, to.as_str())).collect();
    told(&cases)
}

#[test]
fn parts_of_a_secret_that_are_missing_or_do_not_exist() {
    let told = told(&[
        ("no kind", "    postgresql: { users: single }\n", ""),
        ("a kind without anything", "postgresql: { users: single }", "keys:"),
        ("two kinds", "    keys: { field: signs,", "    redis: {}\n    keys: { field: signs,"),
        ("a kind mistyped", "postgresql: { users: single }", "postgres: { users: single }"),
        ("a kind that is none", "postgresql: { users: single }", "mysql: { users: single }"),
        ("no users", "postgresql: { users: single }", "postgresql: {}"),
        ("users that are none", "postgresql: { users: single }", "postgresql: { users: several }"),
        ("users mistyped", "users: alternating", "users: alternateing"),
        ("no admin", "      admin_secret: shop/database-admin\n", ""),
        ("a word for TLS", "tls: verify", "tls: none"),
        ("a field mistyped", "user_id: shop-web", "userid: shop-web"),
        ("a field of another kind", "bytes: 64,", "length: 64,"),
        ("no replication group", "      replication_group: shop-sessions\n", ""),
        ("no age", "      max_age: 180d\n", ""),
        ("nothing to do", "      how: Make a key in the mail provider's console, hand it in, and delete the old one a day later.\n", ""),
        ("no address", "        url: https://api.mail.example:8443/v3/account?fields=id\n", ""),
        ("an encoding that is none", "encoding: hex", "encoding: base32"),
        ("a reader mistyped", "readers: [worker, web]", "readers: [wroker, web]"),
        ("a reader elsewhere", "readers: [worker, web]", "readers: [worker, billing]"),
        ("a reader twice", "readers: [worker, web]", "readers: [web, web]"),
        ("a reader's name", "readers: [worker, web]", "readers: [worker, Web_1]"),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn names_of_secrets_and_servers() {
    let told = told(&[
        ("an ARN", "  shop/mail:", "  \"arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/mail-AbC123\":"),
        ("a name with a space", "  shop/mail:", "  shop mail:"),
        ("another service's secret", "  shop/mail:", "  rds!db-1234:"),
        (
            "an admin's ARN",
            "admin_secret: shop/queue-admin",
            "admin_secret: \"arn:aws:secretsmanager:eu-central-1:111122223333:secret:queue\"",
        ),
        ("its own admin", "admin_secret: shop/database-admin", "admin_secret: shop/database"),
        ("an admin for something else", "admin_secret: shop/database-admin", "admin_secret: shop/tokens"),
        ("admins in a circle", "postgresql: { users: single }", "postgresql: { users: alternating, admin_secret: shop/database }"),
        ("a host with its port", "host: 10.0.3.7", "host: \"10.0.3.7:6380\""),
        ("an address for a host", "host: database.shop.internal", "host: postgres://shop@database/orders"),
        ("no host", "host: database.shop.internal", "host: \"\""),
        ("port 0", "port: 6380", "port: 0"),
        ("no port", "port: 6380", "port: 66380"),
        ("no database", "database: orders", "database: \"\""),
        ("two fields of one name", "password: passphrase,", "password: login,"),
        ("a field that another one is called", "fields: { username: acl_user }", "fields: { username: password }"),
        ("a field without a name", "fields: { password: token }", "fields: { password: \"\" }"),
        (
            "a group's ARN",
            "replication_group: shop-counters",
            "replication_group: arn:aws:elasticache:eu-central-1:111122223333:replicationgroup:shop-counters",
        ),
        ("a group in capitals", "replication_group: shop-counters", "replication_group: Shop-Counters"),
        ("a group that is none", "replication_group: shop-counters", "replication_group: 7_counters"),
        ("ElastiCache's own user", "user_id: shop-web", "user_id: default"),
        (
            "one token in two secrets",
            "      replication_group: shop-sessions\n      user_id: shop-web\n",
            "      replication_group: shop-counters\n",
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn passwords_and_keys_that_are_weak_or_break_something() {
    let characters = |letters: &str| LOGIN.replace("abcdefghijkmnpqrstuvwxyz23456789", letters);
    let told = with(&[
        ("a short password", LOGIN, LOGIN.replace("40", "12")),
        ("a long password", LOGIN, LOGIN.replace("40", "200")),
        ("a weak password", LOGIN, LOGIN.replace("40", "18")),
        ("a password of digits", LOGIN, characters("\"01\"")),
        ("one character", LOGIN, characters("\"a\"")),
        ("no character", LOGIN, characters("\"\"")),
        ("a character twice", LOGIN, characters("abcdefghijklmnopqrstuvwxyza")),
        ("quotes", LOGIN, characters("\"abcdefghijklmnopqrstuvwxyz'\\\"`\\\\ \"")),
        ("a slash and an at", LOGIN, characters("\"abcdefghijklmnopqrstuvwxyz/@\"")),
        ("beyond ASCII", LOGIN, characters("\"abcdefghijklmnopqrstuvwxyzäö\\u0007\"")),
        ("what ElastiCache refuses", USER, USER.replace("!&#", "!%_")),
        ("a token of 16", USER, USER.replace("64", "16")),
        ("a short key", "bytes: 64", "bytes: 8".to_owned()),
        ("a long key", "bytes: 64", "bytes: 4096".to_owned()),
        ("one field for two keys", "next_field: will_sign", "next_field: signs".to_owned()),
        ("a usual name for another key", "{ field: signs, next_field: will_sign, ", "{ field: next_key, ".to_owned()),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn schedules_that_secrets_manager_would_refuse() {
    let cron = |fields: &str| WEEKLY.replace("0 4 ? * SUN#1 *", fields);
    let told = with(&[
        ("neither every nor cron", MONTHLY, "rotate: { window: 3h }".to_owned()),
        ("every and cron", MONTHLY, "rotate: { every: 30d, cron: 0 4 1 * ? * }".to_owned()),
        ("too often", MONTHLY, "rotate: { every: 3h }".to_owned()),
        ("too seldom", MONTHLY, "rotate: { every: 1000d }".to_owned()),
        ("by the minute", MONTHLY, "rotate: { every: 330m }".to_owned()),
        ("without unit", MONTHLY, "rotate: { every: 30 }".to_owned()),
        ("a rate", MONTHLY, "rotate: { every: rate(30 days) }".to_owned()),
        ("a window of minutes", "window: 3h", "window: 90m".to_owned()),
        ("no window", "window: 3h", "window: 0h".to_owned()),
        ("a window of two days", "window: 3h", "window: 2d".to_owned()),
        ("a window into the next time", "rotate: { every: 12h }", "rotate: { every: 6h, window: 7h }".to_owned()),
        ("a window into the next day", WEEKLY, "cron: \"0 22 ? * SUN#1 *\", window: 3h".to_owned()),
        ("a window into the next step", "\"0 2/10 1 1/3 ? *\" }", "\"0 2/10 1 1/3 ? *\", window: 3h }".to_owned()),
        ("five fields", WEEKLY, cron("0 4 * * SUN")),
        ("with its brackets", WEEKLY, cron("cron(0 4 ? * SUN *)")),
        ("a rate for a cron", WEEKLY, cron("rate(7 days)")),
        ("half past", WEEKLY, cron("30 4 ? * SUN *")),
        ("every hour", WEEKLY, cron("0 * ? * SUN *")),
        ("every second hour", WEEKLY, cron("0 0/2 ? * SUN *")),
        ("a step without beginning", WEEKLY, cron("0 */6 ? * SUN *")),
        ("two hours", WEEKLY, cron("0 1,13 ? * SUN *")),
        ("hour 24", WEEKLY, cron("0 24 ? * SUN *")),
        ("a short night", WEEKLY, cron("0 2/7 ? * SUN *")),
        ("two kinds of day", WEEKLY, cron("0 4 1 * SUN *")),
        ("no kind of day", WEEKLY, cron("0 4 ? * ? *")),
        ("day 32", WEEKLY, cron("0 4 32 * ? *")),
        ("a day that never comes", WEEKLY, cron("0 4 31 FEB,APR ? *")),
        ("month 13", WEEKLY, cron("0 4 1 13 ? *")),
        ("a month in small letters", WEEKLY, cron("0 4 1 jan ? *")),
        ("weekday 0", WEEKLY, cron("0 4 ? * 0 *")),
        ("over the weekend", WEEKLY, cron("0 4 ? * SAT-MON *")),
        ("a sixth Sunday", WEEKLY, cron("0 4 ? * SUN#6 *")),
        ("a year", WEEKLY, cron("0 4 ? * SUN 2027")),
        (
            "a key that somebody else issues",
            "    issued:\n      field: api_key",
            "    rotate: { every: 90d }\n    issued:\n      field: api_key".to_owned(),
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn keys_of_others_and_how_they_are_tried() {
    let url = "url: https://api.mail.example:8443/v3/account?fields=id";
    let told = told(&[
        ("an hour", "max_age: 180d", "max_age: 1h"),
        ("a warning that is always on", "warn_before: 21d", "warn_before: 180d"),
        ("a usual warning that is always on", "      max_age: 180d\n      warn_before: 21d\n", "      max_age: 10d\n"),
        ("nothing to do", "how: Make a key in the mail provider's console, hand it in, and delete the old one a day later.", "how: \" \""),
        ("a field without a name", "field: api_key", "field: \"\""),
        ("no TLS", url, "url: http://api.mail.example/v3"),
        ("no scheme", url, "url: api.mail.example/v3"),
        ("a password in the address", url, "url: https://me:pw@api.mail.example/v3"),
        ("the key in the address", url, "url: \"https://api.mail.example/v3?key={key}\""),
        ("a space in the address", url, "url: https://api.mail.example/a b"),
        ("a fragment", url, "url: https://api.mail.example/v3#top"),
        ("no host", url, "url: https:///v3"),
        ("a port that is none", url, "url: https://api.mail.example:99999/v3"),
        ("a header with a colon", "header: x-api-key", "header: \"x-api-key:\""),
        ("a header of the request itself", "header: x-api-key", "header: Host"),
        ("no place for the key", "value: \"{key}\"", "value: \"Bearer key\""),
        ("two places for the key", "value: \"{key}\"", "value: \"{key} {key}\""),
        ("two lines", "value: \"{key}\"", "value: \"{key}\\r\\nx: y\""),
        ("no answer is good", "valid: [200, 204]", "valid: []"),
        ("no answer is bad", "invalid: [401]", "invalid: []"),
        ("an answer twice", "valid: [200, 204]", "valid: [200, 200]"),
        ("an answer that is both", "invalid: [401]", "invalid: [204]"),
        ("an answer that is none", "valid: [200, 204]", "valid: [200, 604]"),
        ("trouble for an answer", "invalid: [401]", "invalid: [401, 503]"),
    ]);
    insta::assert_snapshot!(told);
}

/// The database's certificates as they stand in the file.
fn certificates() -> &'static str {
    let start = WHOLE.find("      ca: |\n").expect("certificates");
    let end = WHOLE.find("      host: database").expect("what follows");
    &WHOLE[start..end]
}

#[test]
fn certificates_that_are_none() {
    let ca = certificates();
    let told = with(&[
        ("a file's name", ca, "      ca: /etc/ssl/database.pem\n".to_owned()),
        ("a key", ca, "      ca: |\n        -----BEGIN PRIVATE KEY-----\n        AAAA\n        -----END PRIVATE KEY-----\n".to_owned()),
        ("no end", ca, ca.replace("        -----END CERTIFICATE-----\n", "")),
        ("a line lost", ca, ca.lines().filter(|line| !line.contains("MIIB")).map(|line| format!("{line}\n")).collect()),
        ("another block", ca, format!("{ca}        -----BEGIN X509 CRL-----\n        MAAA\n        -----END X509 CRL-----\n")),
        ("without TLS", "tls: verify", "tls: plaintext".to_owned()),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn certificates_as_they_come_are_certificates() {
    let one: String = certificates().lines().skip(2).map(|line| format!("{}\n", line.trim())).collect();
    for ca in [one.repeat(3), one.replace('\n', "\r\n"), format!("subject=shop\n{one}\n{one}issuer=shop\n")] {
        let written = format!("      ca: {}\n", serde_json::to_string(&ca).expect("json"));
        let SecretKind::Postgresql(kind) = read(&changed(WHOLE, certificates(), &written)).secrets["shop/database"].kind.clone() else {
            panic!("another kind");
        };
        assert_eq!(kind.ca, Some(ca));
    }
}

#[test]
fn two_files_may_not_manage_one_secret() {
    let small = "
version: 1
system: small
regions: [us-east-1, eu-central-1]
services:
  small:
    runs_on: { asg: { group: small } }
    bounds: { min: 1, max: 2 }
secrets:
";
    let two = |secrets: &str| {
        let text = format!("{small}{secrets}");
        Fleets::from_files(vec![("a.yaml".to_owned(), WHOLE.to_owned()), ("b.yaml".to_owned(), text)])
    };
    two("  small/tokens: { keys: {} }\n").expect("nothing in common");
    let told: Vec<String> = [
        "  shop/tokens: { keys: {} }\n",
        "  small/cache: { elasticache: { replication_group: shop-counters } }\n",
        "  small/user: { elasticache: { replication_group: small, user_id: shop-web } }\n",
    ]
    .map(|secrets| two(secrets).expect_err("the same thing twice").to_string())
    .to_vec();
    insta::assert_snapshot!(told.join("\n\n"));
    let elsewhere = format!("{small}  shop/tokens: {{ keys: {{}} }}\n").replace("us-east-1, eu-central-1", "us-east-1");
    let files = vec![("a.yaml".to_owned(), WHOLE.to_owned()), ("b.yaml".to_owned(), elsewhere)];
    Fleets::from_files(files).expect("the same name in another region is another secret");
}

/// One reading tells everything, in the order of the file, and nothing that only follows.
#[test]
fn many_mistakes_in_secrets_are_all_told_at_once() {
    let text = include_str!("many_secret_mistakes.yaml");
    let errors = errors(text);
    insta::assert_snapshot!(errors);
    let marked: Vec<usize> = (1..).zip(text.lines()).filter(|(_, line)| line.contains("# wrong")).map(|(number, _)| number).collect();
    let mut told: Vec<usize> = errors.errors().iter().map(|error| error.line).collect();
    told.dedup();
    assert_eq!(told, marked, "each line that is marked as wrong, and no other");
}
