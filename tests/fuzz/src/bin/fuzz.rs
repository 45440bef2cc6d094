//! libFuzzer's way into the targets: `NIGHTSHIFT_FUZZ_TARGET` names the one that runs. Built and started by `tests/fuzz/run.py`,
//! with coverage; an ordinary build of it only names the targets.
#![cfg_attr(feature = "libfuzzer", no_main)]
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool tells by printing and ending"
)]

#[cfg(feature = "libfuzzer")]
mod driven {
    use std::sync::OnceLock;

    use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
    use nightshift_fuzz::short::structured;
    use nightshift_fuzz::targets::{Target, named};

    static CHOSEN: OnceLock<&Target> = OnceLock::new();

    fn chosen() -> &'static Target {
        CHOSEN.get_or_init(|| {
            let name = std::env::var("NIGHTSHIFT_FUZZ_TARGET").expect("NIGHTSHIFT_FUZZ_TARGET names a target");
            named(&name).unwrap_or_else(|| panic!("there is no target {name}"))
        })
    }

    /// libFuzzer reads its corpus after this: the seeds are put there first.
    fn put_seeds() {
        let Ok(folder) = std::env::var("NIGHTSHIFT_FUZZ_SEEDS") else { return };
        for (number, seed) in (chosen().seeds)().iter().enumerate() {
            std::fs::write(format!("{folder}/seed-{number:04}"), seed).expect("a folder for seeds");
        }
    }

    fuzz_target!(init: put_seeds(), |data: &[u8]| (chosen().run)(data));

    // Every second time by the structure of the JSON, where it is JSON.
    fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
        let mut dice = fastrand::Rng::with_seed(u64::from(seed));
        let mut bytes = data[..size].to_vec();
        if dice.bool() && structured(chosen(), &mut bytes, &mut dice) && bytes.len() <= max_size {
            data[..bytes.len()].copy_from_slice(&bytes);
            return bytes.len();
        }
        fuzzer_mutate(data, size, max_size)
    });
}

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    for target in nightshift_fuzz::targets::TARGETS {
        println!("{}", target.name);
    }
}
