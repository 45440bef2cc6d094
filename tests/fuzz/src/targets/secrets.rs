//! Secret values as documents, and names and ARNs of secrets.

use nightshift_core::fleet::{Fleets, SecretKind};
use nightshift_core::rotation::{
    Credential, DocumentProblem, SecretDocument, SecretText, base_of, continues, credential, draft, key_of, user_of, with_key,
};

use super::text;
use crate::samples;

thread_local! {
    static FLEETS: Fleets = samples::strange_fleets();
}

/// The first byte selects one of the strangers' secrets; then the current value, the pending one and a name or ARN, each behind
/// a zero byte.
pub(super) fn secret(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(text) = text(rest) else { return };
    let mut parts = text.split('\0');
    let (current, pending, name) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    FLEETS.with(|fleets| {
        let fleet = fleets.iter().next().expect("one fleet");
        let kinds: Vec<&SecretKind> = fleet.secrets.values().map(|secret| &secret.kind).collect();
        of_value(kinds[usize::from(*first) % kinds.len()], current, pending);
        if let Some((found, _)) = fleet.secret_by(name) {
            assert!(name.contains(found.as_str()), "{name} is taken for {found}");
        }
        fleets.secret(name, "us-east-1");
    });
}

fn of_value(kind: &SecretKind, current: &str, pending: &str) {
    let (now, next) = (SecretText::new(current.to_owned()), SecretText::new(pending.to_owned()));
    let found = credential(kind, &now, None);
    tells_no_value(&found, current);
    let near = found.ok();
    tells_no_value(&credential(kind, &next, near.as_ref()), pending);
    tells_no_value(&user_of(kind, &now), current);
    tells_no_value(&continues(kind, &now, &next), pending);
    if let Ok(document) = SecretDocument::parse(&now) {
        let _ = document.text("password");
    }
    if let SecretKind::Issued(issued) = kind {
        tells_no_value(&key_of(issued, &now), current);
        tells_no_value(&with_key(issued, &now, &next), current);
    }
    if let Some(Credential { user: Some(user), .. }) = &near {
        assert!(user.starts_with(base_of(user)));
    }
    let mut count = 0_u8;
    let drafted = draft(kind, &now, &mut |bytes: &mut [u8]| {
        for byte in bytes.iter_mut() {
            count = count.wrapping_add(37);
            *byte = count;
        }
    });
    if let Ok(drafted) = drafted {
        // A first document of keys has no next key yet: what it goes on from is itself.
        assert_eq!(continues(kind, &now, &drafted), Ok(()), "a draft that does not follow on {current:?}");
    }
}

/// Problems name fields, never what is in them.
fn tells_no_value<T>(result: &Result<T, DocumentProblem>, value: &str) {
    let Err(problem) = result else { return };
    let told = format!("{problem} {problem:?}");
    // Our own words hold short ones by chance.
    let words = value.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 14);
    for word in words {
        assert!(!told.contains(word), "{told}");
    }
}

/// Values of each kind.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let values = [
        r#"{"username":"app","password":"hunter2-hunter2","host":"db.example","port":5432,"dbname":"shop"}"#,
        r#"{"username":"app_clone","password":"hunter3-hunter3","host":"db.example","port":"5432","dbname":"shop"}"#,
        r#"{"token":"abcdefghijklmnopqrstuvwxyz","host":"cache.example"}"#,
        r#"{"key":"aaaa","next_key":"bbbb","previous_key":"cccc"}"#,
        r#"{"SKY_KEY":"sk-123","other":{"nested":[1,2]}}"#,
        "plain text",
    ];
    let name = "arn:aws:secretsmanager:us-east-1:111122223333:secret:zz-observatory/database-Kd3vNx:key:AWSCURRENT:";
    let pairs = values.iter().flat_map(|current| values.iter().map(move |pending| format!("{current}\0{pending}\0{name}")));
    super::behind(0..6, &pairs.collect::<Vec<_>>())
}
