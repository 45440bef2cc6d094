//! What has to do with time: cooldowns, the hourly budget, freeze windows, the calendar.

use super::{Field, Item, Part, ServiceScene};
use crate::fleet::read::error::FleetErrorCode::{Conflict, Value};
use crate::fleet::{FreezeTime, FreezeWindow, Seconds};

const DAY: u32 = 86_400;
/// A calendar that sets more than so many times the service's own most has probably a digit too many.
const MOST_TIMES: u32 = 10;

pub(super) fn check_cooldown(place: &mut ServiceScene<'_, '_, '_>) {
    let cooldown = place.service.cooldown;
    for (field, length) in [("grow", cooldown.grow), ("shrink", cooldown.shrink)] {
        if length > Seconds::new(DAY) {
            let problem = format!("a cooldown of {length} is longer than a day");
            place.complain(&[Field("cooldown"), Field(field)], Value, problem, "write at most 1d, usually 1m to 15m; 0s waits not at all");
        }
    }
}

pub(super) fn check_limits(place: &mut ServiceScene<'_, '_, '_>) {
    let limits = &place.service.limits;
    if !(1..=60).contains(&limits.actions_per_hour) {
        let problem = format!("{} actions an hour are not possible", limits.actions_per_hour);
        place.complain(
            &[Field("limits"), Field("actions_per_hour")],
            Value,
            problem,
            "write 1 to 60; to stop all actions use `nightshift pause`",
        );
    }
    check_freeze(&place.service.limits.freeze, &mut place.part(&[Field("limits"), Field("freeze")]));
}

/// The freeze windows of a service or of a path; the part is the list.
pub(super) fn check_freeze(windows: &[FreezeWindow], list: &mut Part<'_, '_, '_>) {
    for (index, window) in windows.iter().enumerate() {
        let way = |field| [Item(index), Field(field)];
        if window.why.trim().is_empty() {
            list.complain(&way("why"), Value, "a freeze needs its reason", "write why; it is shown when something was not done");
        }
        let FreezeTime::Again { lasts, .. } = &window.when else { continue };
        if lasts.get() < 60 {
            list.complain(&way("for"), Value, format!("a freeze of {lasts} holds nothing up"), "write at least 1m");
        } else if window.is_endless() {
            let problem = format!("with {lasts} each this freeze begins again before it has ended and never ends");
            list.complain(&way("for"), Conflict, problem, "make it shorter, or name fewer times in cron");
        }
    }
}

pub(super) fn check_calendar(place: &mut ServiceScene<'_, '_, '_>) {
    let calendar = &place.service.calendar;
    place.refuse_same_names("calendar", calendar.iter().map(|entry| entry.name.as_str()));
    let most = place.service.bounds.max().get().saturating_mul(MOST_TIMES);
    for (index, entry) in calendar.iter().enumerate() {
        let max = entry.bounds.max().get();
        if max > most && most > 0 && place.line(&[Field("bounds")]) > 0 {
            let problem = format!("max {max} is more than {MOST_TIMES} times the service's own {}", place.service.bounds.max());
            let help = "a digit too many? if it is meant, raise the max of the service's bounds too";
            place.complain(&[Field("calendar"), Item(index), Field("bounds"), Field("max")], Value, problem, help);
        }
    }
    if let [only] = calendar.as_slice()
        && !place.lost(&[Field("calendar")], "")
    {
        let problem = format!("`{}` is the only entry, so its bounds hold for ever", only.name);
        let help = "an entry holds until another one's time comes: add the one that ends it, or write its bounds at the service";
        place.complain(&[Field("calendar"), Item(0)], Conflict, problem, help);
    }
}
