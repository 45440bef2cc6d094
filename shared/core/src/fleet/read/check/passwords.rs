//! What new passwords look like: letters that every reader can carry, and enough of them.
//!
//! Owns which characters a server or the way to it does not take. Nothing here has seen a password.

use std::collections::BTreeSet;

use super::{Field, Part};
use crate::fleet::PasswordRule;
use crate::fleet::read::error::FleetErrorCode::{Conflict, Duplicate, Value};

/// Guessing 2^96 passwords is out of reach, whoever has got hold of a verifier.
const LEAST_BITS: f64 = 96.0;
const SHORTEST: u16 = 16;
const LONGEST: u16 = 128;
/// They end or change a text in shells, environment files, JSON and SQL, wherever somebody forgot to quote.
const QUOTED: &str = " \"'`\\";

/// Which characters a server takes.
pub(super) struct Charset {
    /// None of these.
    without: &'static str,
    /// Besides letters and digits only these, where the server has a list.
    only: Option<&'static str>,
    why: &'static str,
}

impl Charset {
    /// RDS CreateDBInstance, MasterUserPassword: no / " @; a space ends a connection string's word.
    pub const POSTGRESQL: Self =
        Self { without: "/@", only: None, why: "RDS refuses / and @ in a password, and they break the addresses of databases" };
    /// A command's words are separated by spaces; nothing else is special.
    pub const REDIS: Self = Self { without: "", only: None, why: "" };
    /// ElastiCache user guide, "Authenticating with the AUTH command": its constraints on tokens.
    pub const ELASTICACHE: Self =
        Self { without: "", only: Some("!&#$^<>-"), why: "ElastiCache takes letters, digits and ! & # $ ^ < > - only" };

    fn refuses(&self, letter: char) -> bool {
        self.without.contains(letter) || self.only.is_some_and(|only| !letter.is_ascii_alphanumeric() && !only.contains(letter))
    }
}

/// The part is the password's rule.
pub(super) fn check_password(rule: &PasswordRule, charset: &Charset, part: &mut Part<'_, '_, '_>) {
    let letters: BTreeSet<char> = rule.characters.chars().collect();
    let is_good = check_characters(&rule.characters, &letters, charset, part);
    if !(SHORTEST..=LONGEST).contains(&rule.length) {
        let problem = format!("a password of {} characters is not possible", rule.length);
        part.complain(&[Field("length")], Value, problem, format!("write {SHORTEST} to {LONGEST}, usually 32"));
    } else if is_good && !part.lost(&[], "characters") {
        check_strength(rule.length, letters.len(), part);
    }
}

fn check_characters(characters: &str, letters: &BTreeSet<char>, charset: &Charset, part: &mut Part<'_, '_, '_>) -> bool {
    let way = [Field("characters")];
    let shown = |wrong: &[char]| wrong.iter().map(|letter| letter.escape_debug().to_string()).collect::<Vec<_>>().join(" ");
    let all = |is_wrong: &dyn Fn(char) -> bool| letters.iter().copied().filter(|letter| is_wrong(*letter)).collect::<Vec<char>>();
    let count = |letter: char| characters.chars().filter(|other| *other == letter).count();
    let unprintable = all(&|letter| !matches!(letter, ' '..='~'));
    let quoted = all(&|letter| QUOTED.contains(letter));
    let refused = all(&|letter| charset.refuses(letter));
    let twice = all(&|letter| count(letter) > 1);
    let (code, problem, help) = if !unprintable.is_empty() {
        (Value, format!("not every program reads {} the same way", shown(&unprintable)), "write printable ASCII characters only")
    } else if !quoted.is_empty() {
        let which = quoted.iter().map(|letter| if *letter == ' ' { "the space".to_owned() } else { letter.to_string() });
        let problem = format!("somewhere a password with {} has to be quoted", which.collect::<Vec<_>>().join(" "));
        (Value, problem, "leave out quotes, backslash and space")
    } else if !refused.is_empty() {
        (Value, format!("{} cannot be in this password: {}", shown(&refused), charset.why), "leave them out")
    } else if !twice.is_empty() {
        (Duplicate, format!("{} stands more than once, and would be drawn more often", shown(&twice)), "write each character once")
    } else if letters.len() < 2 {
        (
            Value,
            "passwords of one character only are one password".to_owned(),
            "name more characters, or leave it out for letters and digits",
        )
    } else {
        return true;
    };
    part.complain(&way, code, problem, help);
    false
}

fn check_strength(length: u16, letters: usize, part: &mut Part<'_, '_, '_>) {
    let bits_each = (letters as f64).log2();
    let bits = bits_each * f64::from(length);
    if bits >= LEAST_BITS {
        return;
    }
    let needed = (LEAST_BITS / bits_each).ceil();
    let help = match needed <= f64::from(LONGEST) {
        true => format!("write length: {needed} or more, or name more characters"),
        false => "name more characters".to_owned(),
    };
    let problem = format!("{length} of {letters} characters are {} bits, and {LEAST_BITS} are the least", bits.floor());
    part.complain(&[Field("length")], Conflict, problem, help);
}
