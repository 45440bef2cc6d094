//! People at work: releases by hand, ended and undone; and a Nightshift that only observes.

use nightshift_tests::{Fate, LocalAws, Mode, Permissions, wait_until};

use crate::releases_world::{SOON, Town, errors, pinned};

const API: &str = "pizza/api";

#[tokio::test]
async fn a_release_by_hand_is_aborted_and_another_undone() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["pizza"]).await;
    let start = town.region.revision("pizza", "pizza-api");
    town.region.lose_pushes("pizza-api", 600);
    let digest = town.region.push("pizza-api", "v1");
    let said = town.nightshift.run(&["deploy", "--service", API, "--image", "v1", "--by", "ana"]);
    assert!(said.contains("pizza/api"), "{said}");
    town.nightshift.told(API, "done").await;
    assert_eq!(town.region.image("pizza", "pizza-api", "api"), pinned(&town.region, "pizza-api", &digest));
    let shown = town.nightshift.run(&["release", "show", API]);
    assert!(shown.contains("ana, by hand"), "{shown}");
    let first = town.region.revision("pizza", "pizza-api");

    // One that hangs is ended; what is under way goes back.
    town.region.push("pizza-api", "v2");
    town.region.fate("pizza", "pizza-api", Fate::Hang);
    town.nightshift.run(&["deploy", "--service", API, "--image", "v2", "--by", "ana"]);
    let rolls = async || match town.region.revision("pizza", "pizza-api") {
        revision if revision != first => Ok(()),
        revision => Err(revision),
    };
    wait_until("it rolls", SOON, rolls).await;
    town.nightshift.run(&["release", "abort", API, "--why", "wrong branch", "--by", "ben"]);
    let goes_back = async || match town.region.revision("pizza", "pizza-api") {
        revision if revision == first => Ok(()),
        revision => Err(revision),
    };
    wait_until("it goes back", SOON, goes_back).await;
    town.region.fate("pizza", "pizza-api", Fate::Succeed);
    let ended = async || match town.nightshift.release(API, "v2")["release"]["end"].clone() {
        end if end.is_object() => Ok(end),
        _ => Err("in hand".to_owned()),
    };
    let end = wait_until("it has ended", SOON, ended).await;
    assert!(end.to_string().contains("wrong branch"), "{end}");

    // One that is done is undone.
    town.nightshift.run(&["release", "rollback", API, "v1", "--why", "orders fail", "--by", "ben"]);
    let undone = async || match (town.region.revision("pizza", "pizza-api"), &town.nightshift.release(API, "v1")["state"]) {
        (revision, state) if revision == start && state == "rolled_back" => Ok(()),
        seen => Err(format!("{seen:?}")),
    };
    wait_until("it is undone", SOON, undone).await;
    let count = town.region.revisions("pizza-api").len();
    assert_eq!(count, 3, "nothing is deregistered, nothing surplus is registered");
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn observing_does_all_but_the_act() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build_in(&aws, Mode::Observe, &["pizza"], |fleet, _| fleet).await;
    let before = town.region.revision("pizza", "pizza-api");
    town.region.push("pizza-api", "v1");
    let told = town.nightshift.told(API, "would_have_acted").await;
    assert!(told.field("text").contains("make a new revision"), "{}", told.field("text"));
    assert_eq!(town.nightshift.release(API, "v1")["release"]["change"]["image"]["tags"][0], "v1");
    town.nightshift.sweep();
    assert_eq!(town.region.revision("pizza", "pizza-api"), before);
    assert_eq!(town.region.revisions("pizza-api").len(), 1);
    assert!(town.region.deployments("pizza", "pizza-api").is_empty());
    let said: Vec<String> = town.nightshift.subjects().into_iter().filter(|subject| subject.starts_with("would_have_acted")).collect();
    assert_eq!(said.len(), 1, "told once: {said:?}");
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}
