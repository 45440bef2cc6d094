//! The decider's table for rotations: what stands there, and the look that comes of it as it goes, read by read and deed by deed.

use jiff::SignedDuration;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::{CurrentNow, Deed, Done, Ending, Need, PendingNow, ReaderState, StepName, Stop, Wait, Who, Why};

use crate::rotation_town::{OURS, Town, labels, problem};

fn error(kind: PortErrorKind, operation: &'static str) -> PortError {
    PortError::new(kind, operation, "as the test wants it")
}

/// Cases, each a town and one look at it.
/// A case: its name, the town, and what is done to it.
type Case<'c> = (&'c str, Town, fn(&mut Town));

fn table(cases: Vec<Case<'_>>) -> String {
    let tell = |(name, mut town, look): (&str, Town, fn(&mut Town))| {
        look(&mut town);
        format!("## {name}\n{}\n{}\n\n", town.story.join("\n"), town.remembered())
    };
    cases.into_iter().map(tell).collect()
}

fn create(town: &mut Town) {
    town.step(StepName::Create);
}

fn set(town: &mut Town) {
    town.step(StepName::Set);
}

fn test(town: &mut Town) {
    town.step(StepName::Test);
}

fn finish(town: &mut Town) {
    town.step(StepName::Finish);
}

fn sweep(town: &mut Town) {
    town.carry(Why::Sweep);
}

fn arranged(town: &mut Town) {
    town.carry(Why::Arranged);
}

fn asked(town: &mut Town) {
    town.carry(Why::Asked);
}

fn made(name: &'static str) -> Town {
    Town::new(name).with(Town::value_was_made)
}

fn handed(name: &'static str) -> Town {
    Town::new(name).with(Town::is_finished)
}

/// The four steps, and the look after them when the readers are healthy; of every kind that has a value of our own making.
#[test]
fn whole_rotations() {
    let mut told = String::new();
    for name in OURS {
        let mut town = Town::new(name);
        told.push_str(&format!("## {name}\n"));
        for step in StepName::ALL {
            town.step(step);
            told.push_str(&format!("{}\n", town.story.join("\n")));
            town.pass(1);
        }
        assert_eq!(town.secret.current(), Some("new"), "{name}");
        town.pass(4);
        let at = town.now;
        town.reader("web", ReaderState::Proven { at });
        town.carry(Why::Arranged);
        told.push_str(&format!("{}\n{}\n\n", town.story.join("\n"), town.remembered()));
        assert!(matches!(town.ending, Some(Ending::Done { done: Done::HandedOver { .. }, .. })), "{name}: {:?}", town.ending);
        assert!(town.good.contains("new") || name == "shop/keys", "{name}");
        town.carry(Why::Sweep);
        assert_eq!(town.ending, Some(Ending::Done { done: Done::Quiet, look_at: None }), "{name}: nothing is left to do");
    }
    insta::assert_snapshot!(told);
}

/// A look of our own does all that is left, whatever was done before by whom.
#[test]
fn a_rotation_that_was_left_anywhere_is_carried_to_its_end() {
    for name in OURS {
        for left_after in 0..=4 {
            let mut town = Town::new(name);
            for step in StepName::ALL.into_iter().take(left_after) {
                town.step(step);
            }
            town.carry(Why::Arranged);
            assert_eq!(town.secret.current(), Some("new"), "{name} after {left_after}: {:#?}", town.story);
            let at = town.now;
            town.reader("web", ReaderState::Proven { at });
            town.carry(Why::Arranged);
            let is_over = matches!(town.ending, Some(Ending::Done { done: Done::HandedOver { .. } | Done::Quiet, .. }));
            assert!(is_over, "{name} after {left_after}: {:#?}", town.story);
            let over = town.view.record.hand_over.as_ref().unwrap();
            assert_eq!((over.version.as_str(), over.proven_at), ("new", Some(at)), "{name} after {left_after}");
        }
    }
}

/// Each step asked for again finds its work done, and changes nothing.
#[test]
fn a_step_that_is_repeated_changes_nothing() {
    for name in OURS {
        let mut town = Town::new(name);
        for step in StepName::ALL {
            town.step(step);
            let (good, versions) = (town.good.clone(), town.secret.versions.clone());
            let once = town.view.record.hand_over.clone();
            town.step(step);
            assert!(matches!(town.ending, Some(Ending::Done { .. })), "{name} {step}: {:#?}", town.story);
            assert_eq!((&town.good, &town.secret.versions), (&good, &versions), "{name} {step}");
            assert_eq!(town.view.record.hand_over, once, "{name} {step}");
            assert!(!town.story.iter().any(|line| line.starts_with("  do")), "{name} {step}: {:#?}", town.story);
        }
    }
}

#[test]
fn steps_that_cannot_be_taken() {
    let told = table(vec![
        ("rotation is not enabled", Town::new("shop/single").with(|town| town.secret.rotation_enabled = false), create),
        ("no such version", Town::new("shop/single").with(|town| drop(town.secret.versions.remove("new"))), create),
        (
            "a version without the label",
            Town::new("shop/single").with(|town| drop(town.secret.versions.insert("new".into(), labels(&[])))),
            create,
        ),
        ("the secret is about to be deleted", Town::new("shop/single").with(|town| town.secret.is_deleted = true), create),
        ("only observing", Town::new("shop/single").with(|town| town.mode = Mode::Observe), create),
        ("the step of a version that is current", handed("shop/single"), set),
        ("the last step without the others", Town::new("shop/single"), finish),
        ("the last step with a value that logs in nowhere", made("shop/single"), finish),
        ("the second step without the first", Town::new("shop/single"), set),
        ("the third step without the first", Town::new("shop/keys"), test),
        (
            "Secrets Manager does not have it",
            broken("shop/single", Need::Secret, PortErrorKind::NotFound, "secretsmanager:DescribeSecret"),
            create,
        ),
        (
            "another region's secret",
            broken("shop/single", Need::Secret, PortErrorKind::NotFound, "secretsmanager:DescribeSecret").with(|town| town.is_home = false),
            create,
        ),
        (
            "something else is not found",
            broken("shop/single", Need::Current, PortErrorKind::NotFound, "secretsmanager:GetSecretValue"),
            create,
        ),
        (
            "Secrets Manager throttles",
            broken("shop/single", Need::Secret, PortErrorKind::Throttled, "secretsmanager:DescribeSecret"),
            create,
        ),
        (
            "the ledger is away: a single user's value is made all the same",
            broken("shop/single", Need::Record, PortErrorKind::Unavailable, "dynamodb:GetItem"),
            create,
        ),
        (
            "the ledger is away: no value that takes a credential away",
            broken("shop/redis", Need::Record, PortErrorKind::Unavailable, "dynamodb:GetItem"),
            create,
        ),
        ("paused", Town::new("shop/single").with(|town| town.paused_for(2)), create),
        ("paused for days", Town::new("shop/single").with(|town| town.paused_for(72)), create),
        ("a pause that is over", Town::new("shop/single").with(|town| town.paused_for(0)), create),
    ]);
    insta::assert_snapshot!(told);
}

fn broken(name: &'static str, need: Need, kind: PortErrorKind, operation: &'static str) -> Town {
    Town::new(name).with(|town| drop(town.broken.insert(need, error(kind, operation))))
}

fn with_readers(name: &'static str, state: ReaderState, hours: i64) -> Town {
    Town::new(name).with(|town| {
        let since = town.now - SignedDuration::from_hours(hours);
        let over = town.view.record.hand_over.as_mut().unwrap();
        (over.proven_at, over.since) = (None, since);
        town.reader("web", state);
    })
}

#[test]
fn new_values() {
    let failed = || ReaderState::Failed { why: "tasks stop".into() };
    let told = table(vec![
        ("the current version has no value", Town::new("shop/single").with(|town| town.current_is = Some(CurrentNow::Absent)), create),
        (
            "the current version cannot be read",
            Town::new("shop/single").with(|town| town.current_is = Some(CurrentNow::Unreadable(problem()))),
            create,
        ),
        (
            "somebody's value cannot be read",
            Town::new("shop/single").with(|town| town.pending_is = Some(PendingNow::Unreadable(problem()))),
            create,
        ),
        (
            "somebody's value does not follow, and does not log in",
            Town::new("shop/single").with(|town| town.pending_is = Some(PendingNow::Differs(problem()))),
            create,
        ),
        (
            "somebody's value does not follow, but logs in",
            Town::new("shop/single").with(|town| {
                town.pending_is = Some(PendingNow::Differs(problem()));
                town.good.insert("new".into());
            }),
            create,
        ),
        ("keys that do not follow", Town::new("shop/keys").with(|town| town.pending_is = Some(PendingNow::Differs(problem()))), create),
        ("a value that does not show yet", Town::new("shop/single").with(|town| town.is_slow = true), create),
        (
            "another was quicker",
            Town::new("shop/single").with(|town| {
                drop(town.refused.insert(Deed::PutPending.word(), error(PortErrorKind::Conflict, "secretsmanager:PutSecretValue")))
            }),
            create,
        ),
        (
            "the value may not be put",
            Town::new("shop/single").with(|town| {
                drop(town.refused.insert(Deed::PutPending.word(), error(PortErrorKind::Denied, "secretsmanager:PutSecretValue")))
            }),
            create,
        ),
        ("a key that only its issuer can make", Town::new("shop/issued"), create),
        ("a key that a person put there", made("shop/issued"), create),
        ("readers of the last value are being started anew", with_readers("shop/turns", ReaderState::Restarting, 2), create),
        ("readers of a single user lose nothing more", with_readers("shop/single", ReaderState::Restarting, 2), create),
        ("readers of the last value never got healthy", with_readers("shop/turns", failed(), 25), create),
        ("readers that are healthy by now", with_readers("shop/turns", ReaderState::TakesItUpItself, 25), create),
        ("just a day is not too long", with_readers("shop/turns", failed(), 24), create),
        (
            "a record of another version",
            Town::new("shop/turns").with(|town| town.view.record.hand_over.as_mut().unwrap().version = "gone".into()),
            create,
        ),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn setting_and_testing() {
    let nobody = |name: &'static str| made(name).with(|town| town.good.clear());
    let told = table(vec![
        ("nobody's password is good and there is no admin", nobody("shop/single"), set),
        ("nobody's password is good: the admin sets it", nobody("shop/rescued"), set),
        ("and the admin's is not good either", nobody("shop/rescued").with(|town| town.admin = Err("28P01".into())), set),
        (
            "the previous password is the good one",
            nobody("shop/single").with(|town| {
                town.secret.versions.insert("older".into(), labels(&["AWSPREVIOUS"]));
                town.good.insert("older".into());
            }),
            set,
        ),
        ("alternating users without a good admin", made("shop/turns").with(|town| town.admin = Err("28P01".into())), set),
        ("Redis with an admin whose password is refused", made("shop/governed").with(|town| town.admin = Err("WRONGPASS".into())), set),
        ("the password has no effect", made("shop/single").with(|town| town.is_deaf = true), set),
        (
            "a value that does not follow is not set",
            Town::new("shop/single").with(|town| town.pending_is = Some(PendingNow::Differs(problem()))),
            set,
        ),
        (
            "a value that cannot be read is not set",
            Town::new("shop/single").with(|town| town.pending_is = Some(PendingNow::Unreadable(problem()))),
            set,
        ),
        (
            "the server does not answer",
            made("shop/single")
                .with(|town| drop(town.broken.insert(Need::Login(Who::Pending), error(PortErrorKind::Unavailable, "postgresql:login")))),
            set,
        ),
        (
            "the server refuses the deed",
            made("shop/single").with(|town| {
                drop(
                    town.refused
                        .insert(Deed::SetPassword { via: Who::Current }.word(), error(PortErrorKind::Denied, "postgresql:ALTER ROLE")),
                )
            }),
            set,
        ),
        ("the cluster is being changed", made("shop/cache").with(|town| town.cluster = changing()), set),
        (
            "the cluster took it before and is being changed",
            made("shop/cache").with(|town| {
                town.cluster = changing();
                town.good.insert("new".into());
            }),
            set,
        ),
        ("the cluster does not take it", made("shop/cache").with(|town| town.is_deaf = true), set),
        ("keys are set nowhere", made("shop/keys"), set),
        ("the credential is not good", made("shop/single"), test),
        ("a key without a probe is not tried", made("shop/issued"), test),
        ("a key that its issuer refuses", made("shop/probed"), test),
        ("a key that its issuer takes", made("shop/probed").with(|town| town.good = labels(&["old", "new"])), test),
        (
            "the label does not move at once",
            made("shop/single").with(|town| {
                town.good.insert("new".into());
                town.is_slow = true;
            }),
            finish,
        ),
    ]);
    insta::assert_snapshot!(told);
}

fn changing() -> nightshift_core::rotation::ports::ClusterNow {
    nightshift_core::rotation::ports::ClusterNow { is_settled: false, status: "modifying".into(), endpoint: None }
}

/// A hand-over that was begun so many minutes ago, with the readers as they are.
fn following(name: &'static str, minutes: i64, state: ReaderState) -> Town {
    let mut town = handed(name);
    town.step(StepName::Finish);
    town.pass(minutes);
    let at = town.now;
    town.reader("web", if matches!(state, ReaderState::Proven { .. }) { ReaderState::Proven { at } } else { state });
    town
}

fn proven(name: &'static str) -> Town {
    let at = "2026-11-20T03:00:00Z".parse().unwrap();
    following(name, 5, ReaderState::Proven { at })
}

#[test]
fn hand_overs() {
    let failed = || ReaderState::Failed { why: "tasks stop".into() };
    let told = table(vec![
        ("readers are told", handed("shop/single"), finish),
        (
            "the ledger is away: readers are told all the same",
            handed("shop/single")
                .with(|town| drop(town.broken.insert(Need::Record, error(PortErrorKind::Unavailable, "dynamodb:GetItem")))),
            finish,
        ),
        (
            "the ledger is away: a look waits",
            handed("shop/single")
                .with(|town| drop(town.broken.insert(Need::Record, error(PortErrorKind::Unavailable, "dynamodb:GetItem")))),
            arranged,
        ),
        (
            "telling fails in the last step",
            handed("shop/single")
                .with(|town| drop(town.refused.insert(Deed::WakeReaders.word(), error(PortErrorKind::Throttled, "lambda:InvokeFunction")))),
            finish,
        ),
        (
            "telling is not permitted in the last step",
            handed("shop/single")
                .with(|town| drop(town.refused.insert(Deed::WakeReaders.word(), error(PortErrorKind::Denied, "lambda:InvokeFunction")))),
            finish,
        ),
        (
            "telling fails in a look",
            handed("shop/single")
                .with(|town| drop(town.refused.insert(Deed::WakeReaders.word(), error(PortErrorKind::Throttled, "lambda:InvokeFunction")))),
            arranged,
        ),
        ("seen for the first time", handed("shop/single").with(|town| town.view = Default::default()), arranged),
        ("seen for the first time, in the last step", handed("shop/single").with(|town| town.view = Default::default()), finish),
        ("seen for the first time, before it was made current", made("shop/single").with(|town| town.view = Default::default()), arranged),
        (
            "readers that are healthy as soon as they are told",
            handed("shop/single").with(|town| town.once_told = ReaderState::Proven { at: town.now + SignedDuration::from_secs(30) }),
            arranged,
        ),
        ("observing: nobody is told", handed("shop/single").with(|town| town.mode = Mode::Observe), arranged),
        (
            "observing: what was handed over is",
            proven("shop/redis").with(|town| {
                town.carry(Why::Arranged);
                town.mode = Mode::Observe;
            }),
            arranged,
        ),
        ("on their way", following("shop/single", 10, ReaderState::Restarting), arranged),
        ("on their way for just three quarters of an hour", following("shop/single", 45, ReaderState::Restarting), arranged),
        ("on their way for longer", following("shop/single", 46, ReaderState::Waiting), arranged),
        ("one has failed", following("shop/single", 10, failed()), arranged),
        ("one has failed, and a person asks", following("shop/single", 10, failed()), asked),
        ("none has failed, and a person asks", following("shop/single", 10, ReaderState::Restarting), asked),
        (
            "two are not ready, one is",
            following("shop/turns", 10, failed()).with(|town| {
                town.reader("jobs", ReaderState::Waiting);
                town.reader("api", ReaderState::TakesItUpItself);
            }),
            arranged,
        ),
        ("proven: a single user's gap is told", proven("shop/single"), arranged),
        ("proven: alternating users have none", proven("shop/turns"), arranged),
        ("proven: Redis keeps the new one", proven("shop/redis"), arranged),
        ("proven: Redis keeps the new one, by its admin", proven("shop/governed"), arranged),
        ("proven: the admin's password is refused", proven("shop/governed").with(|town| town.admin = Err("WRONGPASS".into())), arranged),
        ("proven: the current one is refused", proven("shop/redis").with(|town| town.good = labels(&["old"])), arranged),
        ("proven: ElastiCache forgets the old one", proven("shop/cache"), arranged),
        ("proven: the cluster is being changed", proven("shop/cache").with(|town| town.cluster = changing()), arranged),
        ("proven: the cluster refuses the current one", proven("shop/cache").with(|town| town.good = labels(&["old"])), arranged),
        ("proven, but paused", proven("shop/redis").with(|town| town.paused_for(2)), arranged),
        ("nobody is known to read it", proven("shop/redis").with(|town| town.readers.clear()), arranged),
        ("nobody is known to read a single user's", proven("shop/single").with(|town| town.readers.clear()), arranged),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn looks_of_our_own() {
    let begun = |minutes: i64| {
        made("shop/single").with(|town| {
            town.carry(Why::Sweep);
            town.pass(minutes);
        })
    };
    let aged = |name: &'static str, days: i64| {
        Town::new(name).with(|town| {
            town.secret.versions.remove("new");
            town.secret.created_at = Some(town.now - SignedDuration::from_hours(24 * days));
            town.good = labels(&["old"]);
        })
    };
    let told = table(vec![
        ("a rotation that began a moment ago", made("shop/single"), sweep),
        ("a rotation that nobody has gone on with for almost ten minutes", begun(9), sweep),
        ("a rotation that nobody has gone on with for ten minutes", begun(10), sweep),
        ("nothing is under way", aged("shop/single", 1), sweep),
        ("a copy", Town::new("shop/single").with(|town| town.secret.is_replica = true), arranged),
        ("about to be deleted", Town::new("shop/single").with(|town| town.secret.is_deleted = true), arranged),
        ("observing, and a rotation is under way", made("shop/single").with(|town| town.mode = Mode::Observe), arranged),
        ("observing, and nothing is", aged("shop/single", 1).with(|town| town.mode = Mode::Observe), arranged),
        ("no version is current", Town::new("shop/single").with(|town| town.secret.versions.clear()), arranged),
        ("a key that is young", aged("shop/issued", 75), sweep),
        ("a key that is due in just two weeks", aged("shop/issued", 76), sweep),
        ("a key that is overdue", aged("shop/issued", 91), sweep),
        ("a key whose age is not known", aged("shop/issued", 91).with(|town| town.secret.created_at = None), sweep),
        ("a key that its issuer takes", aged("shop/probed", 10), sweep),
        ("a key that its issuer refuses", aged("shop/probed", 10).with(|town| town.good.clear()), sweep),
        ("there is no key yet", aged("shop/issued", 10).with(|town| town.current_is = Some(CurrentNow::Absent)), sweep),
        ("the key cannot be read", aged("shop/issued", 10).with(|town| town.current_is = Some(CurrentNow::Unreadable(problem()))), sweep),
        ("a person's key becomes current", made("shop/issued"), arranged),
    ]);
    insta::assert_snapshot!(told);
}

/// Whatever cannot be read, and whenever: the look ends, and nothing was changed that rests on it.
#[test]
fn what_cannot_be_read_is_waited_for_or_told_and_never_taken_for_nothing() {
    let needs =
        [Need::Secret, Need::Record, Need::Pending, Need::Current, Need::Login(Who::Pending), Need::Login(Who::Current), Need::Readers];
    for name in OURS {
        for need in needs {
            for kind in [PortErrorKind::Throttled, PortErrorKind::Unavailable, PortErrorKind::Denied] {
                let mut town = Town::new(name).with(|town| drop(town.broken.insert(need, error(kind, "test:Read"))));
                let ending = town.carry(Why::Arranged).clone();
                let is_met = town.story.iter().any(|line| line.starts_with("  read") && line.contains(&format!("{need:?}")));
                if is_met && need != Need::Readers {
                    match (kind.may_pass(), &ending) {
                        (true, Ending::Wait { wait: Wait::Unavailable { .. }, look_at }) => {
                            assert_eq!(look_at.duration_since(town.now).as_mins(), 2)
                        }
                        (false, Ending::Stop(Stop::Denied { .. })) => {}
                        _ => panic!("{name} {need:?} {kind}: {ending:?}"),
                    }
                }
                town.broken.clear();
                town.carry(Why::Arranged);
                assert_eq!(town.secret.current(), Some("new"), "{name} {need:?} {kind}: it goes on when it can be read again");
            }
        }
    }
}
