//! Many invocations in one process: nothing grows. NIGHTSHIFT_SOAK says how many.

use jiff::SignedDuration;
use nightshift_core::rotation::StepName;
use nightshift_lambda::Invocation;
use nightshift_rotate::handle;
use nightshift_schedules::Soak;

use crate::schedules::{ROTATED, look, step, sweep};
use crate::town::*;

/// A rotation of each kind in turn, and a look and a sweep after each. Every rotation makes a version of its own, which goes
/// before the next one, so that what grows is not the fake.
#[test]
fn memory() {
    let mut town = FakeTown::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:rotate";
    let (mut token, mut name) = (String::new(), ROTATED[0]);
    Soak { function: "rotate", test: "soak::memory", invocations: 5_000 }.run(|number| {
        let place = (number % 6) as usize;
        if place == 0 {
            name = ROTATED[(number / 6) as usize % ROTATED.len()];
            let mut memory = town.memory();
            let secret = memory.secrets.get_mut(name).unwrap();
            secret.versions.retain(|_, version| version.stages.contains("AWSCURRENT"));
            (memory.records, memory.books) = Default::default();
            (memory.woken, memory.looks, memory.told, memory.rotation_tokens) = Default::default();
            drop(memory);
            token = town.begin(name).unwrap();
        }
        town.gate().take_journal();
        let event = match StepName::ALL.get(place) {
            Some(one) => step(name, &token, *one),
            None if place == 4 => look(name),
            None => sweep(),
        };
        let now = town.now();
        let invocation = Invocation::new("soak".into(), arn.into(), now + SignedDuration::from_secs(120), move || now);
        let came = runtime.block_on(handle(&invocation, &town.deps, &event));
        assert!(came.is_ok() || place > 3, "{name}: {came:?}");
    });
}
