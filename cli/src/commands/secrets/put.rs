//! `nightshift secret put`: takes the new key of a secret that somebody else issues.
//!
//! The key comes from a prompt that shows nothing, or from standard input; it goes into a version of the secret and nowhere
//! else. Whether it is good, and when it becomes current, is the function's to say.

use anyhow::anyhow;
use nightshift_core::fleet::{Issued, SecretKind};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::ports::{RotationLedger, SecretReader, SecretStages, VersionRef};
use nightshift_core::rotation::{SecretText, continues, with_key};

use super::call::{Ended, go_on};
use super::facts::{Entry, Facts, observe_one};
use super::standing::{State, standing};
use super::unstick::tell_after;
use crate::books::{CommandTaker, SecretBook};
use crate::exit::Exit;
use crate::trouble::{Usage, sentence};
use crate::world::{NotRead, World};

/// Whose key is taken.
#[derive(Clone, Copy, Debug)]
pub struct PutWish<'a> {
    /// The secret.
    pub entry: &'a Entry<'a>,
    /// The region.
    pub region: &'a str,
    /// The function that rotates.
    pub function: &'a str,
}

/// Asks for the key, puts it beside the current one, and has the function take it up.
pub async fn put_secret(
    secrets: &(impl SecretBook + SecretReader + SecretStages),
    ledger: &impl RotationLedger,
    taker: &impl CommandTaker,
    wish: &PutWish<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let key = &wish.entry.key;
    let SecretKind::Issued(issued) = &wish.entry.secret.kind else {
        let kind = wish.entry.secret.kind.word();
        return Err(anyhow!(Usage(format!(
            "{key} is rotated by Nightshift ({kind}), which makes its values itself; to rotate it now: aws secretsmanager rotate-secret \
             --secret-id {}",
            key.secret
        ))));
    };
    if let Some(refusal) = refusal(&observe_one(secrets, ledger, wish.entry, wish.region).await)? {
        world.complain(refusal);
        return Ok(Exit::Problems);
    }
    let typed = match world.secret(&format!("The new key of {key} (it is not shown):")) {
        Ok(typed) => typed,
        Err(not_read) => {
            world.complain(format!("{}; nothing is changed", why_not_read(&not_read)));
            return Ok(Exit::Problems);
        }
    };
    // Minutes may have passed at the prompt.
    if let Some(refusal) = refusal(&observe_one(secrets, ledger, wish.entry, wish.region).await)? {
        world.complain(refusal);
        return Ok(Exit::Problems);
    }
    let Some(value) = value(secrets, wish, issued, &typed, world).await? else { return Ok(Exit::Problems) };
    drop(typed);
    let token = (world.new_id)();
    secrets.put_pending(key.secret.as_str(), &token, &value, None).await.map_err(|error| anyhow!(sentence(&error)))?;
    drop(value);
    world.say(format!("the key is in the version {token} of {key}, which is not current yet"));
    hand_on(secrets, ledger, taker, wish, issued, world).await
}

/// Why no key can be taken now, if so.
fn refusal(facts: &Facts<'_>) -> anyhow::Result<Option<String>> {
    if let Err(error) = &facts.view {
        return Err(error.clone().into());
    }
    let key = &facts.key;
    let secret = match &facts.secret {
        Ok((secret, _)) => secret,
        Err(error) if error.kind == PortErrorKind::NotFound && facts.is_home => {
            return Ok(Some(format!(
                "Secrets Manager has no secret {} here; create it with the key in it: aws secretsmanager create-secret",
                key.secret
            )));
        }
        Err(error) if error.kind == PortErrorKind::NotFound => {
            return Ok(Some(format!("{key} is not in this region; give --region {}", facts.home())));
        }
        Err(error) => return Err(anyhow!(sentence(error))),
    };
    Ok(match secret.unfinished() {
        _ if secret.is_deleted => Some(format!("{key} is about to be deleted; restore it first: aws secretsmanager restore-secret")),
        _ if secret.is_replica => {
            Some(format!("{key} is a copy of another region's secret; give --region the region that it is copied from"))
        }
        Some(version) => Some(format!(
            "another new key of {key} is on its way already (version {version}), and nothing is changed; have it taken up or given up first: \
             nightshift secrets unstick {key}"
        )),
        None => None,
    })
}

fn why_not_read(not_read: &NotRead) -> String {
    match not_read {
        NotRead::Nothing => "no key was given; type it when you are asked, or hand it over on standard input".to_owned(),
        NotRead::TooMuch => "a key is one line of 65,536 bytes at most, and this is more".to_owned(),
        NotRead::Blanks => "the key begins or ends with a blank, as happens when copying; hand it over without".to_owned(),
        NotRead::NoText => "the key is no UTF-8 text".to_owned(),
        NotRead::Failed(kind) => format!("the key could not be read ({kind})"),
    }
}

/// The secret's next value; none if the key cannot be taken, which has been told then.
async fn value(
    secrets: &impl SecretReader,
    wish: &PutWish<'_>,
    issued: &Issued,
    typed: &SecretText,
    world: &mut World<'_>,
) -> anyhow::Result<Option<SecretText>> {
    let key = &wish.entry.key;
    let current = secrets.value(key.secret.as_str(), VersionRef::Stage("AWSCURRENT")).await.map_err(|error| anyhow!(sentence(&error)))?;
    let Some(current) = current else {
        return match &issued.field {
            None => Ok(Some(typed.clone())),
            Some(field) => {
                let words = format!("{key} has no value yet, so its other fields are not known; store a first value with {field} in it");
                world.complain(words);
                Ok(None)
            }
        };
    };
    let next = match with_key(issued, &current.text, typed) {
        Ok(next) => next,
        Err(problem) => {
            world.complain(format!("the current value of {key} cannot be gone on from: {problem}"));
            return Ok(None);
        }
    };
    match continues(&wish.entry.secret.kind, &current.text, &next) {
        Ok(()) => Ok(Some(next)),
        Err(_) => {
            world.complain(format!("this is the key that is current already; get a new one from its issuer. {}", issued.how));
            Ok(None)
        }
    }
}

/// The key is there: whatever happens now, it is taken up sooner or later, or given up.
async fn hand_on(
    secrets: &impl SecretBook,
    ledger: &impl RotationLedger,
    taker: &impl CommandTaker,
    wish: &PutWish<'_>,
    issued: &Issued,
    world: &mut World<'_>,
) -> anyhow::Result<Exit> {
    let key = &wish.entry.key;
    let ended = match go_on(taker, key, wish.function, world).await {
        Ok(ended) => ended,
        Err(error) => {
            world.complain(format!("{error:#}"));
            world.complain(format!(
                "the key is kept all the same: the function takes it up within the hour, or sooner with: nightshift secrets unstick {key}"
            ));
            return Ok(Exit::Problems);
        }
    };
    let after = observe_one(secrets, ledger, wish.entry, wish.region).await;
    let exit = tell_after(&after, &ended, world);
    let is_old_useless = standing(&after, (world.clock)()).state == State::Fine && ended == Ended::Done;
    match (&ended, is_old_useless) {
        (Ended::Stopped, _) => {}
        (_, true) => world.say(format!("now revoke the old key. {}", issued.how)),
        (_, false) => world.say(format!(
            "revoke the old key only when `nightshift secrets {}` says that it is fine: readers may still have the old one. {}",
            key.system, issued.how
        )),
    }
    Ok(exit)
}
