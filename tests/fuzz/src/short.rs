//! The short run: what was found once, the seeds, and damaged seeds, the same ones each time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::mutate::{self, dice};
use crate::samples;
use crate::targets::{Damage, Target};

/// No damaged input is longer.
pub const LONGEST: usize = 16 * 1024;

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Files of the corpus: inputs that once did harm.
    pub kept: usize,
    /// Seeds.
    pub seeds: usize,
    /// Damaged inputs.
    pub damaged: u64,
}

/// The inputs that once did harm, by file name.
pub fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    samples::files(&samples::root().join("tests/fuzz/corpus").join(target.name), "")
}

/// Runs everything; panics with the input that broke a promise, in a form that can be put into a file.
pub fn run(target: &Target) -> Ran {
    let (kept, seeds) = (kept(target), (target.seeds)());
    assert!(!seeds.is_empty(), "{} has nothing to damage", target.name);
    kept.iter().for_each(|(name, bytes)| one(target, name, bytes));
    seeds.iter().enumerate().for_each(|(index, bytes)| one(target, &format!("seed {index}"), bytes));
    for number in 0..target.short {
        one(target, &format!("damage {number}"), &damaged(target, &seeds, number));
    }
    Ran { kept: kept.len(), seeds: seeds.len(), damaged: target.short }
}

fn one(target: &Target, what: &str, bytes: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))) {
        eprintln!("{}: {what}: {:?}", target.name, String::from_utf8_lossy(bytes));
        std::panic::resume_unwind(panic);
    }
}

/// The damaged input of this number: the same one for as long as the seeds are the same.
pub fn damaged(target: &Target, seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut dice = dice(target.name, number);
    let mut bytes = mutate::one_of(&mut dice, seeds).clone();
    if dice.u8(..8) == 0 || !structured(target, &mut bytes, &mut dice) {
        mutate::bytes::damage(&mut bytes, seeds, LONGEST, &mut dice);
    }
    bytes
}

/// Damages JSON by its structure; false if it is none, or must not be.
pub fn structured(target: &Target, bytes: &mut Vec<u8>, dice: &mut fastrand::Rng) -> bool {
    let Damage::Json(before) = target.damage else { return false };
    let Some(mut event) = bytes.get(before..).and_then(|rest| serde_json::from_slice::<Value>(rest).ok()) else { return false };
    mutate::json::damage(&mut event, dice);
    bytes.truncate(before);
    bytes.extend_from_slice(mutate::json::as_text(&event, dice).as_bytes());
    true
}
