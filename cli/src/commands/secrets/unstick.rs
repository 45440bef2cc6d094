//! `nightshift secrets unstick`: says what is half done, and has the function go on with it.
//!
//! Moves no label and reads no more of a value than whether there is one: where the database stands only the function knows.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::SecretKind;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::SecretNow;
use nightshift_core::rotation::ports::{RotationLedger, SecretReader, VersionRef};

use super::call::{Ended, go_on};
use super::facts::{Entry, Facts, observe_one};
use super::standing::{State, open_hand_over, standing};
use super::table::in_days;
use crate::books::{CommandTaker, SecretBook};
use crate::exit::Exit;
use crate::times::second;
use crate::world::World;

/// Secrets Manager's own attempts are not further apart; the function's hourly look waits so long, too.
const LEFT_ALONE: SignedDuration = SignedDuration::from_mins(10);

/// What is to be mended.
#[derive(Clone, Copy, Debug)]
pub struct UnstickWish<'a> {
    /// The secret.
    pub entry: &'a Entry<'a>,
    /// The region.
    pub region: &'a str,
    /// The function that rotates.
    pub function: &'a str,
    /// Whether nobody is to be asked.
    pub is_agreed: bool,
}

/// Explains, asks, has the function go on, and tells what came of it.
pub async fn unstick_secret(
    secrets: &(impl SecretBook + SecretReader),
    ledger: &impl RotationLedger,
    taker: &impl CommandTaker,
    wish: &UnstickWish<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let facts = observe_one(secrets, ledger, wish.entry, wish.region).await;
    if let Err(error) = &facts.view {
        return Err(error.clone().into());
    }
    let before = standing(&facts, world.now);
    let key = &facts.key;
    let Some(secret) = facts.now().filter(|secret| !secret.is_deleted && !secret.is_replica) else {
        world.complain(format!("{key} is {}: {}", before.state.word(), before.why));
        return Ok(Exit::Problems);
    };
    match (secret.unfinished(), facts.record().and_then(|record| open_hand_over(&facts, record, secret.current()?))) {
        (Some(version), _) => half_rotated(secrets, &facts, secret, version, world).await,
        (None, Some(_)) => half_handed_over(&facts, &before.why, world),
        (None, None) => {
            world.say(format!("nothing of {key} is half done: no version is being made, and no hand-over is under way"));
            if !before.why.is_empty() {
                world.say(format!("it is {}: {}", before.state.word(), before.why));
            }
            return Ok(if before.state.needs_somebody() { Exit::Problems } else { Exit::Fine });
        }
    }
    if !consents(wish, world) {
        return Ok(Exit::Problems);
    }
    let ended = go_on(taker, key, wish.function, world).await?;
    let after = observe_one(secrets, ledger, wish.entry, wish.region).await;
    Ok(tell_after(&after, &ended, world))
}

fn consents(wish: &UnstickWish<'_>, world: &mut World<'_>) -> bool {
    if wish.is_agreed {
        return true;
    }
    if !world.is_terminal {
        world.complain("nothing was done; run with --yes to have the function go on");
        return false;
    }
    let is_agreed = world.is_agreed("Let the function go on now?");
    if !is_agreed {
        world.say("nothing was done");
    }
    is_agreed
}

/// How it stands now, and the exit code: what waits goes on by itself, what was stopped does not.
pub(super) fn tell_after(after: &Facts<'_>, ended: &Ended, world: &mut World<'_>) -> Exit {
    let now = standing(after, (world.clock)());
    match (now.state, now.why.is_empty()) {
        (State::Unknown, _) => world.complain(format!("how {} stands now could not be read: {}", after.key, now.why)),
        (state, true) => world.say(format!("{} is {} now", after.key, state.word())),
        (state, false) => world.say(format!("{} is {} now: {}", after.key, state.word(), now.why)),
    }
    match (ended, now.state) {
        (Ended::Stopped, _) | (_, State::Unknown) => Exit::Problems,
        (Ended::Done | Ended::Waits, _) => Exit::Fine,
    }
}

async fn half_rotated(secrets: &impl SecretReader, facts: &Facts<'_>, secret: &SecretNow, version: &str, world: &mut World<'_>) {
    let (key, kind) = (&facts.key, facts.secret_file.kind.word());
    let since = facts.pending_since(version);
    world.say(format!("{key} ({kind}) is half rotated."));
    let began = since.map_or_else(|| "since when is not known".to_owned(), |since| ago(since, world.now));
    let value = match secrets.value(key.secret.as_str(), VersionRef::Pending(version)).await {
        Ok(Some(_)) => "it has a value".to_owned(),
        Ok(None) => "it has no value yet".to_owned(),
        Err(error) if error.kind == PortErrorKind::Denied => "whether it has a value may not be read with these credentials".to_owned(),
        Err(error) => format!("whether it has a value could not be read ({error})"),
    };
    world.say(format!("  The version {version} is being made (AWSPENDING), {began}; {value}."));
    world.say(match secret.current() {
        Some(current) => format!("  Readers get the version {current} (AWSCURRENT), as before."),
        None => "  There is no version that readers could get (AWSCURRENT).".to_owned(),
    });
    say_what_is_remembered(facts, version, world);
    world.say(format!("  {}", what_is_done(&facts.secret_file.kind)));
    if since.is_some_and(|since| world.now.duration_since(since) < LEFT_ALONE) {
        world.say("  It began less than ten minutes ago: Secrets Manager may be at it itself. Better wait.");
    }
    world.say("");
}

fn say_what_is_remembered(facts: &Facts<'_>, version: &str, world: &mut World<'_>) {
    let record = facts.record();
    match record.and_then(|record| record.pending.as_ref()).filter(|pending| pending.token == version) {
        Some(pending) => match pending.set_at {
            Some(at) => world.say(format!("  The ledger knows the rotation: the new credential was set at {}.", second(at))),
            None => world.say("  The ledger knows the rotation: as far as it remembers, the new credential was not set yet."),
        },
        None => world.say("  The ledger knows nothing of it: another function began it, or somebody by hand."),
    }
    if let Some(last) = record.and_then(|record| record.last.as_ref()) {
        world.say(format!("  The last look, at {}, ended so: {} ({}).", second(last.at), last.text, last.code));
    }
}

/// What the function does with a rotation that is half done, by its kind.
fn what_is_done(kind: &SecretKind) -> &'static str {
    match kind {
        SecretKind::Postgresql(_) | SecretKind::Redis(_) => {
            "The function tries which password the server takes, and goes on from there: makes the value if there is none, sets it, logs in \
             with it, makes it current. A version that no longer goes on from the current one is given up; the current one stays."
        }
        SecretKind::Elasticache(_) => {
            "The function looks at the cluster, tries which password it takes, and goes on from there: makes the value if there is none, has \
             the cluster take it beside the current one, logs in with it, makes it current. A change of the cluster is waited for by coming back."
        }
        SecretKind::Keys(_) => {
            "The function makes the value if there is none, checks that its keys follow on the current ones, and makes it current; if they \
             do not, it is given up, and the current version stays."
        }
        SecretKind::Issued(_) => {
            "The function tries the key, if the fleet file says how, and makes it current; one that its issuer refuses, or that is not there, \
             is given up, and the current one stays."
        }
    }
}

fn half_handed_over(facts: &Facts<'_>, why: &str, world: &mut World<'_>) {
    world.say(format!("{} ({}) is rotated, and its hand-over is half done: {why}.", facts.key, facts.secret_file.kind.word()));
    if let Some(last) = facts.record().and_then(|record| record.last.as_ref()) {
        world.say(format!("  The last look, at {}, ended so: {} ({}).", second(last.at), last.text, last.code));
    }
    world.say(
        "  The function looks whether every reader is healthy on the current version, has those told that were not, and takes the old \
         credential away once all are, where the kind has one to take away.",
    );
    world.say("");
}

fn ago(since: Timestamp, now: Timestamp) -> String {
    format!("since {}, {} ago", second(since), in_days(now.duration_since(since)))
}
