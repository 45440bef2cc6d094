//! Links and codes: only the whole, unchanged text of our own key is read, and only until its time is over.

use jiff::SignedDuration;
use nightshift_core::release::approve::{About, ApprovalKey, Claims, TokenError};
use proptest::prelude::*;

use super::world::*;

fn pipeline_claims() -> Claims {
    let about =
        About::Pipeline { system: key().system, pipeline: "multi-region-web".into(), question: "00112233445566778899aabbccddeeff".into() };
    Claims::new(about, name("ann"), until())
}

#[test]
fn what_was_signed_is_read_again() {
    for claims in [claims("ann"), pipeline_claims()] {
        let token = secret().token(&claims);
        assert_eq!(secret().read(&token, now()), Ok(claims.clone()));
        assert_eq!(token, secret().token(&claims), "the same claims give the same link");
        assert!(token.len() < 450, "a link should stay short: {} characters", token.len());
        assert!(token.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter)), "{token}");
    }
}

/// The form of links and codes is part of the contract: mails that are out must stay good.
#[test]
fn the_form_of_links_and_codes_is_fixed() {
    let short = Claims { approver: name("a"), ..claims("ann") };
    insta::assert_snapshot!(format!("{}\n{}", secret().token(&short), secret().code(&short)));
}

#[test]
fn a_link_ends_at_its_second() {
    let token = secret().token(&claims("ann"));
    assert!(secret().read(&token, until() - SignedDuration::from_nanos(1)).is_ok());
    assert_eq!(secret().read(&token, until()), Err(TokenError::Expired(Box::new(claims("ann")))));
}

#[test]
fn another_keys_link_is_forged_and_other_text_is_malformed() {
    let other = ApprovalKey::new(&[7; 32]).unwrap();
    let token = other.token(&claims("ann"));
    assert_eq!(secret().read(&token, now()), Err(TokenError::Forged));
    let no_signature = token.rsplit_once('.').unwrap().0;
    let long = format!("ns1.{}.AAAA", "A".repeat(5_000));
    for text in ["", ".", "ns1", "ns1..", "ns2.e30.AAAA", "ns1.e30.A!", no_signature, long.as_str(), "\u{1f980}.\u{1f980}"] {
        let error = secret().read(text, now()).unwrap_err();
        assert!(matches!(error, TokenError::Malformed | TokenError::Forged), "{text}: {error:?}");
    }
}

#[test]
fn each_way_in_which_a_link_is_not_good_has_a_code() {
    let token = secret().token(&claims("ann"));
    let changed = token.replace("ns1.", "ns1.A");
    for (text, at, code) in [("ns1", now(), "malformed"), (changed.as_str(), now(), "forged"), (token.as_str(), until(), "expired")] {
        assert_eq!(secret().read(text, at).unwrap_err().code(), code);
    }
}

#[test]
fn a_short_key_is_refused_with_words_and_no_key_is_printed() {
    let error = ApprovalKey::new(b"too short").unwrap_err();
    assert!(error.to_string().contains("at least 32"), "{error}");
    assert_eq!(format!("{:?}", secret()), "ApprovalKey(***)");
}

#[test]
fn the_code_is_found_however_it_was_typed() {
    let code = secret().code(&claims("ann"));
    assert_eq!(code.len(), 9);
    assert!(code.chars().all(|letter| "0123456789ABCDEFGHJKMNPQRSTVWXYZ-".contains(letter)), "{code}");
    let bare = code.replace('-', "");
    let spoken = bare.replace('0', "o").replace('1', "l");
    let typed = [
        code.clone(),
        bare.clone(),
        bare.to_lowercase(),
        format!("  {}\u{a0}{} ", &bare[..4], &bare[4..]),
        code.replace('-', "\u{2013}"),
        spoken,
        bare.replace('1', "I"),
    ];
    for typed in typed {
        assert!(secret().is_code(&claims("ann"), &typed), "{typed}");
        assert!(ApprovalKey::looks_like_code(&typed), "{typed}");
    }
    for wrong in ["", "-", &bare[..7], &format!("{bare}0"), "UUUU-UUUU", "ABCD-EFG\u{130}"] {
        assert!(!secret().is_code(&claims("ann"), wrong), "{wrong}");
        assert!(!ApprovalKey::looks_like_code(wrong), "{wrong}");
    }
    assert!(ApprovalKey::looks_like_code("0000-0000"), "a guess is counted as one");
}

#[test]
fn a_code_is_good_for_one_person_and_one_question() {
    let code = secret().code(&claims("ann"));
    let later = Claims { expires_at: until() + SignedDuration::from_secs(1), ..claims("ann") };
    let About::Release { key, release, digest, .. } = claims("ann").about else { panic!("a release") };
    let elsewhere = Claims { about: About::Release { key, release, digest, stage: "staging".into() }, ..claims("ann") };
    for other in [claims("bob"), later, elsewhere, pipeline_claims()] {
        assert!(!secret().is_code(&other, &code), "{other:?}");
    }
    assert!(!ApprovalKey::new(&[7; 32]).unwrap().is_code(&claims("ann"), &code));
}

/// Link and code are made with different labels: the one says nothing of the other.
#[test]
fn the_link_does_not_contain_the_code() {
    let (token, code) = (secret().token(&claims("ann")), secret().code(&claims("ann")));
    let signature = token.rsplit_once('.').unwrap().1;
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
    let letters = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bits = |window: &[u8]| window.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    let spelled = |bits: u64| (0..8).rev().map(|place| char::from(letters[(bits >> (5 * place) & 31) as usize])).collect::<String>();
    assert!(bytes.windows(5).all(|window| spelled(bits(window)) != code.replace('-', "")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn one_flipped_bit_anywhere_and_the_link_is_nothing(place in 0_usize..10_000, bit in 0_u8..8) {
        let token = secret().token(&claims("ann"));
        let mut bytes = token.clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let flipped = String::from_utf8_lossy(&bytes).into_owned();
        let read = secret().read(&flipped, now());
        prop_assert!(matches!(read, Err(TokenError::Malformed | TokenError::Forged)), "{place}/{bit}: {read:?}");
    }

    #[test]
    fn one_other_letter_and_the_code_is_wrong(place in 0_usize..8, letter in "[0-9A-HJKMNP-TV-Z]") {
        let code = secret().code(&claims("ann")).replace('-', "");
        let changed: String = code.chars().enumerate().map(|(at, own)| if at == place { letter.clone() } else { own.to_string() }).collect();
        prop_assert_eq!(secret().is_code(&claims("ann"), &changed), changed == code);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = secret().read(&text, now());
        prop_assert!(!secret().is_code(&claims("ann"), &text));
    }
}
