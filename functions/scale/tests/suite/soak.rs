//! Many invocations in one process: nothing grows. NIGHTSHIFT_SOAK says how many.

use nightshift_scale::handle;
use nightshift_schedules::Soak;

use crate::fake::*;
use crate::schedules::{shapes, tick};

#[test]
fn memory() {
    let deps = busy(PIZZA);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let at = "2026-11-20T13:59:40.000+0000";
    let mut events = Vec::from(shapes("cpu-high", "ALARM", at));
    events.extend(shapes("cpu-low", "ALARM", at));
    events.extend([recheck_event(1), tick()]);
    Soak { function: "scale", test: "soak::memory", invocations: 5_000 }.run(|number| {
        // The world of before, so that what grows is not the fake.
        *deps.estate.world.borrow_mut() = if number % 2 == 0 { busy_world() } else { idle_world() };
        deps.estate.journal.borrow_mut().clear();
        let event = &events[(number / 2) as usize % events.len()];
        runtime.block_on(handle(&invocation(&deps, "soak"), &deps, event)).unwrap();
    });
}
