//! What a test has done in a process of its own, where its memory can be measured and its end be seen.
//!
//! `probe events <count>`: damaged sample events through every function. `probe weigh <kind> <size>`: one big or deep event,
//! and the memory that it takes. `probe serve`: `scale` under Lambda's own runtime. What came of it is one line of JSON on
//! standard error; standard output has the functions' log.
#![allow(clippy::print_stderr, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test tells by ending")]

use std::alloc::System;
use std::time::Instant;

use nightshift_core::signal::parse;
use nightshift_fuzz::estate::Mood;
use nightshift_fuzz::functions::Functions;
use nightshift_fuzz::mutate::{dice, json::damage};
use nightshift_fuzz::targets::handlers::{Counted, check};
use nightshift_fuzz::{big, samples};
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc, PeakMemAllocTrait};
use serde_json::{Value, json};

#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments.as_slice() {
        ["events", count] => events(count.parse().expect("a number")),
        ["weigh", kind, size] => weigh(kind, size.parse().expect("a number")),
        ["serve"] => return serve(),
        _ => panic!("probe events <count>, probe weigh <kind> <size>, or probe serve"),
    };
    eprintln!("{told}");
}

/// Each sample in turn, each time with other damage. A panic ends the process and names the event's number.
fn events(count: u64) -> Value {
    let samples = samples::events();
    let began = Instant::now();
    let (mut counted, mut signals) = (Counted::default(), 0_usize);
    for number in 0..count {
        let mut dice = dice("events", number);
        let (name, mut event) = samples[(number % samples.len() as u64) as usize].clone();
        damage(&mut event, &mut dice);
        signals += parse(&event).signals().count();
        let mood = dice.usize(..Mood::ALL.len());
        let one = std::panic::catch_unwind(|| check(&event, mood));
        counted = counted.and(one.unwrap_or_else(|_| panic!("damage {number} of {name} broke a promise: {event}")));
    }
    let Counted { invocations, reads, notes, changes, errors } = counted;
    json!({
        "events": count, "samples": samples.len(), "signals": signals, "invocations": invocations, "reads": reads, "notes": notes,
        "changes": changes, "errors": errors, "seconds": began.elapsed().as_secs_f64(),
    })
}

/// The heap at its highest, above what was there before: for reading the event as Lambda's runtime does, and for everything
/// that the four functions do with it.
fn weigh(kind: &str, size: usize) -> Value {
    let functions: Vec<Functions> = Mood::ALL.iter().map(|mood| Functions::new(&samples::own_fleets(), *mood)).collect();
    // Whatever is made at the first use is made now.
    functions.iter().for_each(|functions| drop(functions.handle(&json!({ "nightshift": "calendar" }))));
    let text = big::event(kind, size);
    HEAP.reset_peak_memory();
    let read = serde_json::from_str::<Value>(&text);
    let reading = HEAP.get_peak_memory();
    let event = match read {
        Ok(event) => event,
        Err(error) => return json!({ "kind": kind, "bytes": text.len(), "reading": reading, "refused": error.to_string() }),
    };
    drop(text);
    let (mut answers, mut handling) = (Vec::new(), 0);
    for functions in &functions {
        HEAP.reset_peak_memory();
        for handled in functions.handle(&event) {
            answers.push(handled.answer.map_or_else(|error| error.to_string(), |answer| answer.to_string()).len());
            assert!(handled.calls.changes.is_empty(), "{:?}", handled.calls.changes);
        }
        handling = HEAP.get_peak_memory().max(handling);
    }
    HEAP.reset_peak_memory();
    let records = parse(&event).records.len();
    let parsing = HEAP.get_peak_memory();
    json!({
        "kind": kind, "bytes": size, "reading": reading, "parsing": parsing, "handling": handling, "records": records,
        "longest_answer": answers.iter().max(),
    })
}

fn serve() {
    let functions = Functions::new(&samples::strange_fleets(), Mood::Empty);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { nightshift_lambda::run(Ok(functions.scale)).await }).expect("Lambda's runtime");
}
