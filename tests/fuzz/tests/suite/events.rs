//! Damaged sample events through every function, on an estate on which nothing may happen.

use super::probe::probe;

/// A part that CI has time for; `NIGHTSHIFT_FUZZ_EVENTS=100000` is the whole.
fn count() -> u64 {
    std::env::var("NIGHTSHIFT_FUZZ_EVENTS").ok().map_or(2_000, |count| count.parse().unwrap())
}

#[test]
fn damaged_events_change_nothing_and_end_no_function() {
    let count = count();
    let told = probe(&["events", &count.to_string()]);
    println!("{told}");
    assert_eq!(told["events"], count);
    assert_eq!(told["changes"], 0);
    // Twice four functions, with the samples' fleet files and with a stranger's.
    assert_eq!(told["invocations"], count * 8);
    // Damage that nobody understands would prove nothing.
    assert!(told["signals"].as_u64().unwrap() > count / 4, "{told}");
    assert!(told["reads"].as_u64().unwrap() > count, "{told}");
}
