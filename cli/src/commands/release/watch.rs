//! Following a release at a terminal: a line for each change, until it ends or waits for people.
//!
//! Only reads the ledger, every few seconds; whether anybody watches makes no difference to the release.

use std::time::Duration;

use nightshift_core::ledger::{Pause, ServiceKey};
use nightshift_core::ports::PortResult;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{BookView, EndKind, LogLine, Progress, Release, ReleaseId, Shown};

use super::show::{hint, read};
use crate::exit::Exit;
use crate::times::{moment, second};
use crate::trouble::sentence;
use crate::world::World;

/// A release takes minutes; the ledger bills each look with a fraction of a cent's thousandth.
pub(crate) const EVERY: Duration = Duration::from_secs(5);
/// After so many failed looks in a row it is given up.
const PATIENCE: u32 = 12;

/// Follows a release. `shown` is what people have been shown of it already.
pub async fn watch_release(
    ledger: &(impl ReleaseLedger + AnswerDesk),
    key: &ServiceKey,
    id: &ReleaseId,
    shown: Option<&Release>,
    every: Duration,
    world: &mut World<'_>,
) -> PortResult<Exit> {
    let mut watcher = Watcher { key, id, told: shown.map(|release| release.log.clone()).unwrap_or_default(), state: None, pause: None };
    watcher.state = shown.map(|release| Progress::of(release).phrase(release));
    let mut failures = 0;
    loop {
        match read(ledger, key).await {
            Ok(view) => {
                failures = 0;
                if let Some(exit) = watcher.look(&view, world) {
                    return Ok(exit);
                }
            }
            Err(error) if error.kind.may_pass() && failures < PATIENCE => {
                if failures == 0 {
                    world.complain(format!("the ledger could not be read, which is tried again: {}", sentence(&error)));
                }
                failures += 1;
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(every).await;
    }
}

struct Watcher<'a> {
    key: &'a ServiceKey,
    id: &'a ReleaseId,
    told: Vec<LogLine>,
    state: Option<String>,
    pause: Option<Pause>,
}

impl Watcher<'_> {
    /// Tells what is new; how it ends, if there is nothing more to follow.
    fn look(&mut self, view: &BookView, world: &mut World<'_>) -> Option<Exit> {
        let Some(release) = view.book.release(self.id) else {
            world.complain(format!("the ledger does not know release {} of {} any more", self.id, self.key));
            return Some(Exit::Problems);
        };
        self.tell_of_pause(view.pause.as_ref().filter(|pause| pause.until > (world.clock)()), world);
        for line in release.log.iter().filter(|line| !self.told.contains(line)) {
            world.say(format!("{}  {}  {}", second(line.at), line.region, line.text));
        }
        self.told.clone_from(&release.log);
        let progress = Progress::of(release);
        let is_next = view.book.is_waiting_for_its_turn(&release.id);
        let state = if is_next { "waiting for its turn".to_owned() } else { progress.phrase(release) };
        if self.state.as_ref() != Some(&state) {
            world.say(format!("now {state}"));
            self.state = Some(state);
        }
        match &progress {
            Progress::Ended(end) => {
                world.say(format!("{} {}: {}", release.name(), end.kind.word(), end.why));
                Some(if end.kind == EndKind::Done { Exit::Fine } else { Exit::Problems })
            }
            _ if progress.waits_for_people(release) => {
                let shown = Shown { key: self.key, release, view, frozen: None, now: world.now };
                for line in shown.next() {
                    world.say(format!("  {line}"));
                }
                let own = release.legs.first().map(|leg| leg.region.as_str()).unwrap_or_default();
                hint(self.key, release, own).into_iter().for_each(|hint| world.say(hint));
                Some(Exit::Fine)
            }
            _ => None,
        }
    }

    fn tell_of_pause(&mut self, pause: Option<&Pause>, world: &mut World<'_>) {
        match (pause, &self.pause) {
            (Some(pause), known) if known.as_ref() != Some(pause) => {
                world.say(format!("paused by {} until {}: {}", pause.by, moment(pause.until, &world.zone), pause.why));
            }
            (None, Some(_)) => world.say("no longer paused"),
            _ => {}
        }
        self.pause = pause.cloned();
    }
}
