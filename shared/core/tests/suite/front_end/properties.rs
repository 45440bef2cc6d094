use std::collections::BTreeSet;

use nightshift_core::release::front_end::*;
use proptest::prelude::*;

use super::{at, front_end, key};

fn any_path() -> impl Strategy<Value = String> {
    let folder = prop::sample::select(vec!["", "a/", "a/b/", "a/b/c/", "d/", "e/f/", "g1/", "g2/", "g3/"]);
    (folder, 0..60_u32, any::<bool>()).prop_map(|(folder, number, is_index)| match is_index {
        true => format!("/{folder}"),
        false => format!("/{folder}{number}.txt"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_fewest_paths_cover_everything_stale_and_nothing_is_named_twice(stale in prop::collection::btree_set(any_path(), 1..150)) {
        let named = fewest_paths(&stale);
        for path in &stale {
            prop_assert!(named.iter().any(|name| covers(name, path)), "{path} is lost: {named:?}");
        }
        prop_assert!(named.len() <= 30.min(stale.len()), "{named:?}");
        prop_assert!(named.iter().filter(|path| path.ends_with('*')).count() <= 10);
        for (index, name) in named.iter().enumerate() {
            prop_assert!(!named.iter().enumerate().any(|(other, wide)| other != index && covers(wide, name)), "{name}: {named:?}");
        }
        let again: BTreeSet<String> = named.iter().cloned().collect();
        prop_assert_eq!(fewest_paths(&again), named);
    }

    #[test]
    fn a_few_paths_are_named_as_they_are(stale in prop::collection::btree_set(any_path(), 1..15)) {
        prop_assert_eq!(fewest_paths(&stale), stale.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn any_key_is_hashed_elsewhere_or_an_ascii_path_below_the_root(name in "\\PC{0,60}", prefix in prop::sample::select(vec!["", "site", "a b/"])) {
        match arrival(&front_end(prefix, &[]), &name) {
            Arrival::Stale(stale) => for path in stale.paths.iter().chain(&stale.coarse) {
                prop_assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
            },
            Arrival::NotServed => prop_assert!(!prefix.is_empty()),
            Arrival::Hashed => prop_assert!(name.bytes().any(|byte| byte.is_ascii_digit())),
        }
    }

    /// Whatever is seen: deciding is deterministic, never takes a step without a written batch, and a look is wanted until the end.
    #[test]
    fn a_decision_never_forgets_what_waits(
        first in 0_i64..600, span in 0_i64..600, now in 0_i64..5_000, count in 0_u64..9,
        (has_batch, is_made) in any::<(bool, bool)>(), status in 0..4_u8,
    ) {
        let pending = Pending { paths: BTreeSet::from(["/x".to_owned()]), first: at(first), last: at(first + span) };
        let made = Made { distribution: "E".into(), invalidation: "I".into(), at: at(first) };
        let batch = has_batch.then(|| Batch {
            reference: "r".into(), paths: vec!["/y".into()], first: at(0), taken_at: at(first), made: is_made.then_some(made),
        });
        let view = FrontEndView {
            uploads: Uploads { count, pending: Some(pending.clone()), look_at: None },
            work: Work { version: 5, batch: batch.clone(), told: None },
            pause: None,
        };
        let reading = match status {
            0 => Ok(InvalidationStatus::InProgress),
            1 => Ok(InvalidationStatus::Completed),
            2 => Err(nightshift_core::ports::PortErrorKind::NotFound),
            _ => Err(nightshift_core::ports::PortErrorKind::Throttled),
        };
        let reading = reading.map(|status| InvalidationNow { id: "I".into(), status }).map_err(super::failed);
        let seen = FrontEndSeen { at: at(now), view: Ok(view), invalidation: (has_batch && is_made).then_some(reading) };
        let plan = decide_front_end(&key(), &front_end("", &[]), &seen, at(now));
        prop_assert_eq!(&decide_front_end(&key(), &front_end("", &[]), &seen, at(now)), &plan);
        prop_assert!(plan.step.is_some() || plan.look_again_at.is_some(), "nobody looks again although something waits: {plan:?}");
        if let Some(work) = &plan.work {
            prop_assert_eq!(work.version, 6);
        }
        let written = plan.work.as_ref().map_or(batch, |work| work.batch.clone());
        if let Some(step) = &plan.step {
            prop_assert_eq!(written.map(|batch| (batch.reference, batch.paths)), Some((step.reference.clone(), step.paths.clone())));
        }
        if plan.takes.is_some() {
            prop_assert!(at(now) >= pending.due(&front_end("", &[])), "taken before it was complete");
        }
    }
}
