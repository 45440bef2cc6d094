//! The second of two alternating users: what it has to be so that readers cannot tell it from the first.
//!
//! It is a member of the first and its sessions act as the first (`ALTER ROLE ... SET role`), so that what it makes belongs to
//! the first and falls under the first's default privileges. Attributes and settings are not inherited, so they are copied. Only
//! differences become statements: doing it again changes the password and nothing else.

use std::collections::BTreeMap;

use postgres_protocol::escape::{escape_identifier as name, escape_literal as literal};
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};
use zeroize::Zeroizing;

/// From here on memberships say by themselves whether they inherit and may be switched to, and need ADMIN OPTION to be given.
const MEMBERSHIPS_HAVE_OPTIONS: u32 = 160_000;
/// Settings whose value is a list of names (GUC_LIST_QUOTE): as one literal, "a, b" would be one name.
const NAME_LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];
/// What a session of the role acts as.
const ROLE: &str = "role";

/// A role's attributes that no membership passes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Attributes {
    /// By keyword, such as CREATEDB.
    flags: BTreeMap<&'static str, bool>,
    connection_limit: String,
    valid_until: String,
}

/// Settings by database (none: in every one) and name.
type Settings = BTreeMap<(Option<String>, String), String>;

/// Everything that the change depends on.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    version: u32,
    session_user: String,
    /// The session's user may act as the first: only then may it say that the second does.
    may_act_as_base: bool,
    /// The second is a member of the first, inherits from it and may act as it.
    is_member: bool,
    base: Option<Attributes>,
    other: Option<Attributes>,
    base_settings: Settings,
    other_settings: Settings,
}

/// The keywords, with their columns in `pg_roles`, in the order of the queries below.
const FLAGS: [(&str, &str); 5] = [
    ("SUPERUSER", "rolsuper"),
    ("CREATEDB", "rolcreatedb"),
    ("CREATEROLE", "rolcreaterole"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

/// Reads all of it, in the transaction that the change is made in.
pub(super) async fn read(client: &Client, base: &str, other: &str) -> Result<Facts, Error> {
    let version = rows(client, "SELECT current_setting('server_version_num'), session_user").await?;
    let mut facts = Facts::default();
    if let Some(row) = version.first() {
        facts.version = text(row, 0).parse().unwrap_or_default();
        facts.session_user = text(row, 1);
    }
    let [quoted_base, quoted_other] = [literal(base), literal(other)];
    let columns = FLAGS.map(|(_, column)| column).join(", ");
    let roles =
        format!("SELECT rolname, {columns}, rolconnlimit, rolvaliduntil FROM pg_roles WHERE rolname IN ({quoted_base}, {quoted_other})");
    for row in rows(client, &roles).await? {
        let found = Some(attributes(&row));
        if text(&row, 0) == base { facts.base = found } else { facts.other = found }
    }
    if base == other || facts.base.is_none() {
        return Ok(facts);
    }
    let settings = format!(
        "SELECT r.rolname, d.datname, unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole \
         LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname IN ({quoted_base}, {quoted_other})"
    );
    for row in rows(client, &settings).await? {
        let Some((setting, value)) = row.get(2).and_then(|setting| setting.split_once('=')) else { continue };
        let of = if text(&row, 0) == base { &mut facts.base_settings } else { &mut facts.other_settings };
        of.insert((row.get(1).map(str::to_owned), setting.to_owned()), value.to_owned());
    }
    // The options are columns from 16 on; through JSON the same query also works where they are not.
    let acting = if facts.version < MEMBERSHIPS_HAVE_OPTIONS { "MEMBER" } else { "SET" };
    let membership = format!(
        "SELECT pg_has_role(session_user, {quoted_base}, '{acting}'), EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles b ON b.oid = \
         m.roleid JOIN pg_roles o ON o.oid = m.member WHERE b.rolname = {quoted_base} AND o.rolname = {quoted_other} AND \
         coalesce((to_jsonb(m)->>'inherit_option')::boolean, true) AND coalesce((to_jsonb(m)->>'set_option')::boolean, true))"
    );
    if let Some(row) = rows(client, &membership).await?.first() {
        facts.may_act_as_base = text(row, 0) == "t";
        facts.is_member = text(row, 1) == "t";
    }
    Ok(facts)
}

async fn rows(client: &Client, query: &str) -> Result<Vec<SimpleQueryRow>, Error> {
    let only_rows = |message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    };
    Ok(client.simple_query(query).await?.into_iter().filter_map(only_rows).collect())
}

fn text(row: &SimpleQueryRow, column: usize) -> String {
    row.get(column).unwrap_or_default().to_owned()
}

fn attributes(row: &SimpleQueryRow) -> Attributes {
    let flags = FLAGS.iter().enumerate().map(|(at, (keyword, _))| (*keyword, text(row, at + 1) == "t")).collect();
    // A role that was given an end of its password cannot lose it, only have it at infinity.
    let valid_until = Some(text(row, FLAGS.len() + 2)).filter(|until| until != "infinity").unwrap_or_default();
    Attributes { flags, connection_limit: text(row, FLAGS.len() + 1), valid_until }
}

impl Facts {
    /// The statements that make `other` what it has to be, or what a person has to do first.
    pub fn statements(&self, base: &str, other: &str, verifier: &str) -> Result<Vec<Zeroizing<String>>, String> {
        let Some(like) = &self.base else {
            return Err(format!("the user {base} is not there; create it, or correct the user in the secret"));
        };
        let [quoted_base, quoted_other, password] = [name(base), name(other), literal(verifier)];
        if base == other {
            // Its turn again: it is the one that the other is made like, so nothing but the login is changed.
            return Ok(vec![Zeroizing::new(format!("ALTER ROLE {quoted_other} LOGIN PASSWORD {password}"))]);
        }
        let verb = if self.other.is_some() { "ALTER" } else { "CREATE" };
        let differing = differences(like, self.other.as_ref());
        // It inherits even where the first does not inherit from its own groups: after DISCARD ALL, which ends acting as the first,
        // membership is all that it has.
        let mut statements = vec![Zeroizing::new(format!("{verb} ROLE {quoted_other} LOGIN INHERIT {differing}PASSWORD {password}"))];
        if !self.is_member {
            let options = if self.version < MEMBERSHIPS_HAVE_OPTIONS { "" } else { " WITH INHERIT TRUE, SET TRUE" };
            statements.push(Zeroizing::new(format!("GRANT {quoted_base} TO {quoted_other}{options}")));
        }
        statements.extend(self.settings(base, &quoted_other).into_iter().map(Zeroizing::new));
        Ok(statements)
    }

    fn settings(&self, base: &str, quoted_other: &str) -> Vec<String> {
        let mut wanted = self.base_settings.clone();
        // If the first acts as somebody else already, so does the second.
        wanted.entry((None, ROLE.to_owned())).or_insert_with(|| base.to_owned());
        let of = |database: &Option<String>| match database {
            Some(database) => format!("ALTER ROLE {quoted_other} IN DATABASE {}", name(database)),
            None => format!("ALTER ROLE {quoted_other}"),
        };
        let stale = self.other_settings.keys().filter(|key| !wanted.contains_key(key));
        let mut statements: Vec<String> = stale.map(|(database, setting)| format!("{} RESET {}", of(database), name(setting))).collect();
        let changed = wanted.iter().filter(|(key, value)| self.other_settings.get(key) != Some(value));
        let mut acts_differently = false;
        for ((database, setting), value) in changed {
            acts_differently |= setting == ROLE;
            statements.push(format!("{} SET {} TO {}", of(database), name(setting), setting_value(setting, value)));
        }
        if acts_differently && !self.may_act_as_base {
            // Only who may act as a role may set it as another's (check_role in PostgreSQL's source). Within the transaction, so
            // that nobody ever sees it: an administrator on RDS is no superuser and often no member.
            let [quoted_base, user] = [name(base), name(&self.session_user)];
            let options = if self.version < MEMBERSHIPS_HAVE_OPTIONS { "" } else { " WITH INHERIT FALSE, SET TRUE" };
            statements.insert(0, format!("GRANT {quoted_base} TO {user}{options}"));
            statements.push(format!("REVOKE {quoted_base} FROM {user}"));
        }
        statements
    }
}

/// What must change, and nothing else: some of it only a superuser may even name.
fn differences(like: &Attributes, now: Option<&Attributes>) -> String {
    let mut words = String::new();
    for (keyword, wanted) in &like.flags {
        let has = now.and_then(|now| now.flags.get(keyword)).copied().unwrap_or_default();
        if has != *wanted {
            words.push_str(if *wanted { "" } else { "NO" });
            words.push_str(keyword);
            words.push(' ');
        }
    }
    let fresh = Attributes { connection_limit: "-1".to_owned(), ..Attributes::default() };
    let now = now.unwrap_or(&fresh);
    if now.connection_limit != like.connection_limit {
        words.push_str(&format!("CONNECTION LIMIT {} ", like.connection_limit));
    }
    if now.valid_until != like.valid_until {
        let until = if like.valid_until.is_empty() { "infinity" } else { &like.valid_until };
        words.push_str(&format!("VALID UNTIL {} ", literal(until)));
    }
    words
}

fn setting_value(setting: &str, value: &str) -> String {
    match NAME_LISTS.contains(&setting) {
        true => names_of(value).iter().map(|one| literal(one)).collect::<Vec<_>>().join(", "),
        false => literal(value),
    }
}

/// The names in a list as PostgreSQL stores it: separated by commas, quoted with `"` where needed, `""` for a quote itself.
fn names_of(list: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                names.last_mut().into_iter().for_each(|name| name.push('"'));
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => names.push(String::new()),
            letter if letter.is_whitespace() && !is_quoted => {}
            letter => names.last_mut().into_iter().for_each(|name| name.push(letter)),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let flags = FLAGS.map(|(keyword, _)| (keyword, keyword == "CREATEDB")).into();
        let base = Attributes { flags, connection_limit: "20".into(), valid_until: String::new() };
        Facts { version: 150_000, session_user: "ops".into(), base: Some(base), ..Facts::default() }
    }

    fn said(facts: &Facts) -> Vec<String> {
        let statements = facts.statements("app", "app_clone", "verifier").unwrap();
        statements.iter().map(|statement| statement.as_str().to_owned()).collect()
    }

    #[test]
    fn a_new_twin_gets_what_the_first_has() {
        let mut facts = facts();
        facts.base_settings.insert((None, "search_path".into()), "\"$user\", orders, \"a \"\"b\"".into());
        facts.base_settings.insert((Some("shop".into()), "work_mem".into()), "8MB".into());
        let expected = [
            r#"CREATE ROLE "app_clone" LOGIN INHERIT CREATEDB CONNECTION LIMIT 20 PASSWORD 'verifier'"#,
            r#"GRANT "app" TO "app_clone""#,
            r#"GRANT "app" TO "ops""#,
            r#"ALTER ROLE "app_clone" SET "role" TO 'app'"#,
            r#"ALTER ROLE "app_clone" SET "search_path" TO '$user', 'orders', 'a "b'"#,
            r#"ALTER ROLE "app_clone" IN DATABASE "shop" SET "work_mem" TO '8MB'"#,
            r#"REVOKE "app" FROM "ops""#,
        ];
        assert_eq!(said(&facts), expected);
    }

    #[test]
    fn a_twin_that_is_right_gets_a_password_and_nothing_else() {
        let mut facts = facts();
        facts.other = facts.base.clone();
        facts.is_member = true;
        facts.other_settings.insert((None, "role".into()), "app".into());
        assert_eq!(said(&facts), [r#"ALTER ROLE "app_clone" LOGIN INHERIT PASSWORD 'verifier'"#]);
    }

    #[test]
    fn settings_that_the_first_lost_are_taken_from_the_second() {
        let mut facts = facts();
        facts.may_act_as_base = true;
        facts.other_settings.insert((Some("shop".into()), "work_mem".into()), "8MB".into());
        assert!(said(&facts).contains(&r#"ALTER ROLE "app_clone" IN DATABASE "shop" RESET "work_mem""#.to_owned()));
    }

    #[test]
    fn from_sixteen_on_memberships_say_what_they_are_for() {
        let facts = Facts { version: 160_000, ..facts() };
        assert!(said(&facts).contains(&r#"GRANT "app" TO "app_clone" WITH INHERIT TRUE, SET TRUE"#.to_owned()));
        assert!(said(&facts).contains(&r#"GRANT "app" TO "ops" WITH INHERIT FALSE, SET TRUE"#.to_owned()));
    }

    #[test]
    fn the_first_is_only_given_a_password() {
        let statements = facts().statements("app", "app", "verifier").unwrap();
        assert_eq!(statements.iter().map(|one| one.as_str()).collect::<Vec<_>>(), [r#"ALTER ROLE "app" LOGIN PASSWORD 'verifier'"#]);
        assert!(Facts::default().statements("app", "app", "verifier").unwrap_err().contains("app is not there"));
    }
}
