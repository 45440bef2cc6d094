//! Damage to bytes, for what is no JSON: files, forms, answers of servers.

use fastrand::Rng;

use super::one_of;

/// Pieces that parsers stumble over.
const PIECES: [&str; 36] = [
    "",
    "\0",
    "\r\n",
    "\n\n",
    ": ",
    "- ",
    "{",
    "}",
    "[[[[",
    "]",
    "\"",
    "'",
    "&a",
    "*a",
    "<<: *a",
    "!!binary",
    "%",
    "%00",
    "%ff",
    "=",
    "&",
    "-1",
    "0",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999999",
    "1e999",
    "NaN",
    "*",
    "**?*",
    "\u{e9}",
    "\u{2603}\u{fe0f}",
    "\u{202e}",
    "\u{feff}",
    "sha256:",
    "arn:aws:",
];

/// One to four pieces of damage; never longer than `longest`.
pub fn damage(bytes: &mut Vec<u8>, others: &[Vec<u8>], longest: usize, dice: &mut Rng) {
    for _ in 0..dice.usize(1..=4) {
        once(bytes, others, dice);
    }
    bytes.truncate(longest);
}

fn once(bytes: &mut Vec<u8>, others: &[Vec<u8>], dice: &mut Rng) {
    let at = dice.usize(..=bytes.len());
    let until = dice.usize(at..=bytes.len().min(at + 64));
    match dice.u8(..9) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..until)),
        2 => {
            let again: Vec<u8> = bytes[at..until].repeat(dice.usize(1..=3));
            bytes.splice(at..at, again);
        }
        3 | 4 => drop(bytes.splice(at..at, one_of(dice, &PIECES).bytes())),
        5 => drop(bytes.splice(at..until, one_of(dice, &PIECES).bytes())),
        6 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.u8(..8);
            }
        }
        7 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = dice.u8(..);
            }
        }
        _ => {
            if !others.is_empty() {
                let other = one_of(dice, others);
                let from = dice.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
}
