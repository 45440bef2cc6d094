//! One test for each target.

use nightshift_fuzz::short::{self, run};
use nightshift_fuzz::targets::{TARGETS, named};

fn shortly(name: &str) {
    let target = named(name).unwrap_or_else(|| panic!("there is no target {name}"));
    let ran = run(target);
    assert!(ran.seeds > 0 && ran.damaged == target.short, "{ran:?}");
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            shortly(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|target| target.name), tested);
        }
    };
}

targets! {
    event handlers page fleet words calendar rotation_cron tags link signed_link secret ledger blueprint uploads aws redis postgresql
}

#[test]
fn damage_is_the_same_each_time_and_seldom_none() {
    for target in &TARGETS {
        let seeds = (target.seeds)();
        let inputs = || (0..50).map(|number| short::damaged(target, &seeds, number)).collect::<Vec<_>>();
        let once = inputs();
        assert_eq!(once, inputs(), "{}", target.name);
        let untouched = once.iter().filter(|input| seeds.contains(input)).count();
        assert!(untouched < 25, "{}: {untouched} of 50 inputs are undamaged", target.name);
    }
}

#[test]
fn a_target_that_breaks_a_promise_fails_its_run() {
    let mut broken = TARGETS[0];
    broken.short = 3;
    broken.run = |bytes| assert!(!bytes.starts_with(b"{"), "a promise that no event keeps");
    let ended = std::panic::catch_unwind(move || run(&broken));
    assert!(ended.is_err());
}

#[test]
fn folders_of_the_corpus_are_named_after_targets() {
    let folder = nightshift_fuzz::samples::root().join("tests/fuzz/corpus");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(named(&name).is_some(), "no target is called {name}");
    }
}
