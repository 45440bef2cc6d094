//! A canary as every value there is, through every command and every failure: nothing that comes out may have eight of its
//! characters in it.

use nightshift_aws::FunctionAnswer;
use nightshift_cli::{Consent, Exit, SchedulesWish, SecretsWish, UnstickWish, list_secrets, sync_schedules, unstick_secret};
use nightshift_core::ports::{PortError, PortErrorKind};
use serde_json::json;

use super::put;
use super::shop::*;
use crate::fakes::{Rotations, Rotator, TaskDefinitions, Vault};
use crate::stage::{Played, Stage, wait};

const CANARIES: [&str; 3] = ["Kanarie-5f1c8e07ab", "Zeisig_94d2c7e6b1", "Stieglitz+3a7b/c5d9=="];

fn canaries() -> Vault {
    let old = format!(r#"{{"key":"{}","host":"{}"}}"#, CANARIES[0], CANARIES[1]);
    let pending = format!(r#"{{"password":"{}"}}"#, CANARIES[1]);
    Vault::of([
        mail_key().valued("v1", &old),
        database().valued("v1", &pending).making("v2", "2026-11-20T13:00:00Z").valued("v2", &pending),
    ])
}

fn assert_unseen(what: &str, played: &Played, vault: &Vault) {
    let journal = vault.journal.borrow().join("\n");
    let all = format!("{}{journal}", played.whole());
    for canary in CANARIES {
        for begin in 0..canary.len() - 8 {
            let piece = &canary[begin..begin + 8];
            assert!(!all.contains(piece), "{what}: {piece} is seen in: {all}");
        }
    }
}

#[test]
fn a_key_is_seen_nowhere_however_it_goes() {
    let stopped = json!({ "decision": "hold", "ending": "stopped", "reason": "new_key_refused", "text": "its issuer refuses the new key" });
    let gone = || Err(PortError::new(PortErrorKind::Unavailable, "lambda:InvokeFunction", "no answer"));
    let typed = [Stage::new().typing_unseen(CANARIES[2]), Stage::new().piping(&format!("{}\n", CANARIES[2]))];
    let bad = [
        Stage::new().piping(&format!("{}\n{}\n", CANARIES[2], CANARIES[0])),
        Stage::new().piping(&format!(" {}", CANARIES[2])),
        Stage::new().typing_unseen(CANARIES[0]),
        Stage::new().piping(&CANARIES[2].repeat(8_000)),
    ];
    for (number, stage) in typed.iter().chain(&bad).enumerate() {
        for refused in ["", "describe", "versions", "value", "put"] {
            for kind in [PortErrorKind::Denied, PortErrorKind::Throttled, PortErrorKind::Conflict] {
                let vault = if refused.is_empty() { canaries() } else { canaries().refusing(refused, kind) };
                for rotator in [
                    Rotator::answering(&vault, |_| {}, stopped.clone()),
                    Rotator::failing(&vault, gone()),
                    Rotator::failing(&vault, Ok(FunctionAnswer::Failed { code: "x".into(), message: "y".into() })),
                ] {
                    let played = put::play(stage, "shop/mail-key", &vault, &rotator);
                    assert_eq!(played.exit, Exit::Problems, "{}", played.whole());
                    assert_unseen(&format!("put {number} {refused} {kind}"), &played, &vault);
                }
            }
        }
    }
    let vault = canaries();
    let rotator = Rotator::answering(&vault, put::takes_it_up, put::finished());
    let played = put::play(&typed[0], "shop/mail-key", &vault, &rotator);
    assert_eq!(played.exit, Exit::Fine, "{}", played.whole());
    assert_unseen("put and taken up", &played, &vault);
}

#[test]
fn no_other_command_shows_a_value() {
    let fleets = fleets();
    let (entries, database) = (entries(&fleets), entry(&fleets, "shop/db"));
    for as_json in [true, false] {
        let (vault, wish) = (canaries(), SecretsWish { entries: &entries, as_json, region: "us-east-1" });
        let listed = Stage::new()
            .play(|world| wait(list_secrets(&vault, &Rotations::default(), &TaskDefinitions::default(), &wish, world)).unwrap());
        assert!(listed.out.contains("shop/db"));
        assert!(!vault.journal.borrow().iter().any(|line| line.starts_with("value")), "the table reads no value at all");
        assert_unseen("secrets", &listed, &vault);
    }
    let vault = canaries();
    let rotator = Rotator::answering(&vault, |_| {}, json!({ "decision": "hold", "ending": "waits", "text": "x" }));
    let wish = UnstickWish { entry: &database, region: "us-east-1", function: "rotate", is_agreed: true };
    let unstuck = Stage::new().play(|world| wait(unstick_secret(&vault, &Rotations::default(), &rotator, &wish, world)).unwrap());
    assert!(unstuck.out.contains("it has a value"), "{}", unstuck.out);
    assert_unseen("unstick", &unstuck, &vault);
    let wish = SchedulesWish { entries: &entries, region: "us-east-1", function_arn: FUNCTION, consent: Consent::Given };
    let synced = Stage::new().play(|world| wait(sync_schedules(&vault, &wish, world)).unwrap());
    assert_unseen("sync", &synced, &vault);
}
