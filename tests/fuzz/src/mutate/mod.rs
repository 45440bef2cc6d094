//! Damage, drawn from seeded dice: the same seed gives the same damage on every machine.
//!
//! `json` damages events by their structure, also inside texts that hold JSON; `bytes` damages anything.

pub mod bytes;
pub mod json;

use fastrand::Rng;

/// Dice for this name and number.
pub fn dice(name: &str, number: u64) -> Rng {
    // FNV-1a: the standard library's hasher promises nothing between versions.
    let of_name = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    Rng::with_seed(of_name ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// One of several; they must not be none.
pub fn one_of<'a, T>(dice: &mut Rng, items: &'a [T]) -> &'a T {
    &items[dice.usize(..items.len())]
}
