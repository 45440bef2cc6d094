//! Many invocations in one process: nothing grows. NIGHTSHIFT_SOAK says how many.

use nightshift_deploy::handle;
use nightshift_schedules::Soak;
use serde_json::json;

use crate::stories::PLAIN;
use crate::town::*;

#[test]
fn memory() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push_without_event("web", "v1");
    let events = [
        push_event(EAST, "web", &digest, "v1"),
        json!({ "nightshift": "recheck", "system": "shop", "service": "web", "attempt": 1 }),
        push_event(EAST, "web", &digest, "v1"),
        json!({ "nightshift": "calendar" }),
        json!({ "nightshift": "rotated", "secret": "web/db", "at": "2026-11-20T12:00:00Z" }),
    ];
    // On a paused clock, since the fake's calls take a millisecond each.
    let runtime = paused_runtime();
    Soak { function: "deploy", test: "soak::memory", invocations: 5_000 }.run(|number| {
        let place = number as usize % events.len();
        if place == 0 {
            // The world of before, so that what grows is not the fake.
            town.estate(EAST).world().forget();
        }
        town.estate(EAST).shared.journal.borrow_mut().clear();
        let invocation = invocation("soak", EAST, town.now(), TIMEOUT);
        runtime.block_on(handle(&invocation, &town.regions[EAST], &events[place])).unwrap();
    });
}
