//! Many requests in one process: nothing grows. NIGHTSHIFT_SOAK says how many.

use nightshift_approve::handle;
use nightshift_schedules::Soak;

use crate::fake::*;

#[test]
fn memory() {
    let deps = asking();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let requests = [
        get(&link("ann")),
        post(&link("ann"), &wrong(&code("ann")), "approve"),
        post(&link("ann"), &code("ann"), "approve"),
        post(&link("bob"), &code("bob"), "reject"),
        request("GET", "/", "", "", ""),
    ];
    Soak { function: "approve", test: "soak::memory", invocations: 5_000 }.run(|number| {
        {
            let mut world = deps.estate.world.borrow_mut();
            world.answers.clear();
            world.wrong_codes.clear();
            world.called.clear();
        }
        deps.estate.journal.borrow_mut().clear();
        let request = &requests[number as usize % requests.len()];
        runtime.block_on(handle(&invocation(&deps), &deps, request)).unwrap();
    });
}
