//! `secrets sync`: what differs, what is done about it, and what is left alone.

use insta::assert_snapshot;
use nightshift_cli::{Consent, Exit, SchedulesWish, sync_schedules};
use nightshift_core::ports::PortErrorKind;

use super::shop::*;
use crate::fakes::{KeptSecret, Vault};
use crate::stage::{NEW_ID, Played, Stage, wait};

fn play_in(region: &str, stage: &Stage, vault: &Vault, consent: Consent) -> Played {
    let fleets = fleets();
    let entries = entries(&fleets);
    let wish = SchedulesWish { entries: &entries, region, function_arn: FUNCTION, consent };
    stage.play(|world| wait(sync_schedules(vault, &wish, world)).unwrap())
}

fn play(stage: &Stage, vault: &Vault, consent: Consent) -> Played {
    play_in("us-east-1", stage, vault, consent)
}

const OTHER: &str = "arn:aws:lambda:us-east-1:111122223333:function:sample";

/// One right, one without a schedule, one with another one, one that should have none, one of another function.
fn half_right() -> Vault {
    let bare = KeptSecret::new("shop/cache", "2026-11-20T17:00:00Z");
    let weekly = jwt().scheduled(OTHER, "rate(7 days)", Some("2h"), "2026-12-01T00:00:00Z");
    let watched = mail_key().scheduled(FUNCTION, "rate(30 days)", None, "2026-12-01T00:00:00Z");
    let foreign = old().scheduled(OTHER, "rate(1 day)", None, "2026-11-21T00:00:00Z");
    Vault::of([database(), bare, weekly, watched, foreign])
}

#[test]
fn the_difference_is_shown_and_put_right_and_then_there_is_none() {
    let vault = half_right();
    let played = play(&Stage::new(), &vault, Consent::Given);
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
    let done = [
        format!("set shop/cache rate(30 days) 3h {FUNCTION} {NEW_ID}"),
        format!("set shop/jwt cron(0 4 1 * ? *)  {FUNCTION} {NEW_ID}"),
        "stop shop/mail-key".to_owned(),
    ];
    assert_eq!(vault.changes(), done);
    let again = play(&Stage::new(), &vault, Consent::Given);
    assert!(again.exit == Exit::Fine && again.out.ends_with("nothing to change\n"), "{}", again.out);
    assert_eq!(vault.changes().len(), 3);
}

#[test]
fn without_a_yes_nothing_changes() {
    for (stage, consent, exit, said) in [
        (Stage::new(), Consent::OnlyShow, Exit::Fine, "nothing changed: this was a dry run"),
        (Stage::new(), Consent::Ask, Exit::Problems, "nothing changed; run with --yes to make these changes"),
        (Stage::new().typing("no\n"), Consent::Ask, Exit::Problems, "nothing changed"),
    ] {
        let vault = half_right();
        let played = play(&stage, &vault, consent);
        assert_eq!(played.exit, exit);
        assert!(format!("{}{}", played.out, played.err).trim_end().ends_with(said), "{}", played.whole());
        assert_eq!(vault.changes(), [] as [String; 0]);
    }
    let vault = half_right();
    assert_eq!(play(&Stage::new().typing("y\n"), &vault, Consent::Ask).exit, Exit::Fine);
    assert_eq!(vault.changes().len(), 3);
}

#[test]
fn what_cannot_be_scheduled_is_told_and_stops_no_other() {
    let mut unscheduled = database().making("v2", "2026-11-20T13:00:00Z");
    unscheduled.setup = None;
    let mut dying = jwt();
    dying.now.is_deleted = true;
    let mut empty = KeptSecret::new("shop/cache", "2026-11-20T17:00:00Z");
    empty.now.versions.clear();
    let vault = Vault::of([unscheduled, dying, empty, old()]);
    let played = play(&Stage::new(), &vault, Consent::Given);
    assert_eq!(played.exit, Exit::Problems);
    assert_eq!(vault.changes(), [] as [String; 0]);
    assert_snapshot!(played.whole());
}

#[test]
fn one_failure_hides_no_other_and_stops_no_other() {
    let vault = half_right().refusing("set shop/cache", PortErrorKind::Denied).refusing("describe shop/old", PortErrorKind::Throttled);
    let played = play(&Stage::new(), &vault, Consent::Given);
    assert_eq!((played.exit, vault.changes().len()), (Exit::Problems, 3));
    assert_snapshot!(played.whole());
}

#[test]
fn copies_and_what_lives_elsewhere_are_left_alone() {
    let mut copy = database();
    (copy.now.is_replica, copy.setup) = (true, None);
    let played = play_in("us-west-2", &Stage::new(), &Vault::of([copy]), Consent::Given);
    assert_eq!(played.exit, Exit::Fine, "{}", played.err);
    assert!(played.out.contains("shop/shop/db: left alone, it is a copy"), "{}", played.out);
    assert!(played.out.contains("shop/shop/jwt: left alone, shop has it in us-east-1"), "{}", played.out);
}
