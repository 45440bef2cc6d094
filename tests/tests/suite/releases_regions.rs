//! The path of two regions: staging, then a person, then one region after the other; and what can happen on the way.

use nightshift_tests::{Fate, LocalAws, Permissions, Visit, wait_until};

use crate::releases_world::{SOON, TwoRegions, add_sidecar, errors, pinned, without_image};

const APP: &str = "multi-region/app";

#[tokio::test]
async fn a_push_goes_over_staging_and_approval_through_both_regions() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let estate = TwoRegions::build(&aws).await;
    for (region, cluster, _) in estate.targets() {
        add_sidecar(region, cluster, "app").await;
    }
    let before = estate.targets().map(|(region, cluster, family)| {
        let running = region.revision(cluster, "app");
        (region.service(cluster, "app")["desiredCount"].clone(), region.definition(&running), region.revisions(family))
    });
    let digest = estate.push("1.4.2");

    // Staging is through, and nothing else has moved: people are asked, in two mails.
    let question = estate.in_east.question(&digest).await;
    let [(_, staging, _), (_, production, _), _] = estate.targets();
    assert_eq!(estate.east.image(staging, "app", "app"), pinned(&estate.east, APP, &digest));
    assert!(!estate.east.image(production, "app", "app").contains(&digest), "production is not touched before somebody agrees");
    assert!(!question.asked.body.to_string().contains(question.code()), "the code is not in the mail with the link");
    assert!(!question.code.body.to_string().contains(question.link()), "the link is not in the mail with the code");
    let text = question.asked.field("text");
    for part in ["1.4.2", "staging", "us-west-2"] {
        assert!(text.contains(part), "the mail does not say {part}:\n{text}");
    }

    // Opening the page changes nothing. The code does.
    let page = estate.in_east.open(&question);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(estate.in_east.release(APP, "1.4.2")["waits_for_people"] == true);
    let wrong = estate.aws.http().post_form(question.link(), &[("verdict", "approve")]);
    assert!(wrong.status >= 400, "{}", wrong.body);
    let typed = Visit::to(question.link()).then("text", "").then("press", "Tab").then("type", question.code());
    let seen = typed.then("press", "Tab").then("submit", "Enter").then("text", "").then("shot", "released").go();
    assert!(seen[0].as_str().is_some_and(|text| text.contains("Release 1.4.2 to production?")), "{}", seen[0]);
    assert!(seen[5].as_str().is_some_and(|text| text.contains("You have approved it")), "{}", seen[5]);

    // The last region that is through tells people; each knows it from the others.
    estate.in_west.told(APP, "done").await;
    for nightshift in [&estate.in_east, &estate.in_west] {
        let look = async || match &nightshift.release(APP, "1.4.2")["state"] {
            state if state == "done" => Ok(()),
            state => Err(state.to_string()),
        };
        wait_until(&format!("{} knows that it is done", nightshift.region()), SOON, look).await;
        assert_eq!(errors(nightshift), Vec::<serde_json::Value>::new());
    }
    for ((region, cluster, family), (count, definition, revisions)) in estate.targets().into_iter().zip(before) {
        assert_eq!(region.service(cluster, "app")["desiredCount"], count, "a release never sets a count");
        assert_eq!(region.image(cluster, "app", "app"), pinned(region, APP, &digest));
        let now = region.definition(&region.revision(cluster, "app"));
        assert_eq!(without_image(&now, "app"), without_image(&definition, "app"), "only the image is another");
        assert_eq!(region.revisions(family).len(), revisions.len() + 1, "one revision is registered, none is deregistered");
        assert_eq!(region.revisions(family)[..revisions.len()], revisions);
    }
    let shown = estate.in_east.run(&["release", "show", APP]);
    for part in ["1.4.2", "done", "+ staging", "+ production", "operator", "us-west-2", &digest] {
        assert!(shown.contains(part), "the path does not say {part}:\n{shown}");
    }
}

#[tokio::test]
async fn a_newer_push_voids_the_question_and_a_failure_in_the_second_region_goes_back() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let estate = TwoRegions::build(&aws).await;
    let old = estate.push("1.4.2");
    let voided = estate.in_east.question(&old).await;
    let token = voided.link().split("t=").nth(1).unwrap_or_default().to_owned();
    // ECR's push times are whole seconds: a push in the same second would not be newer.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let new = estate.push("1.4.3");
    estate.in_east.told(APP, "superseded").await;
    let question = estate.in_east.question(&new).await;

    // The old link and code approve nothing, and neither do they the new release.
    let page = estate.in_east.open(&voided);
    assert_eq!(page.status, 410, "{}", page.body);
    let posted = estate.in_east.post(&voided, &token, "approve");
    assert!(posted.status >= 400, "{}", posted.body);
    let new_token = question.link().split("t=").nth(1).unwrap_or_default().to_owned();
    let crossed = estate.in_east.post(&voided, &new_token, "approve");
    assert!(crossed.status >= 400, "the old code opens the new question: {}", crossed.body);
    assert_eq!(estate.in_east.release(APP, "1.4.2")["state"], "superseded");
    assert_eq!(estate.in_east.release(APP, "1.4.3")["state"], "waiting_for_approval");
    let [_, (_, production, family), _] = estate.targets();
    assert_eq!(estate.east.revisions(family).len(), 1, "nothing has come to production");

    // What fails in the second region is taken back there and told; the first keeps what is proven there.
    let proven = estate.west.revision(production, "app");
    estate.west.fate(production, "app", Fate::RollBack);
    assert_eq!(estate.in_east.answer(&question, "approve").status, 200);
    let told = estate.in_west.told(APP, "rolling_back").await;
    assert_eq!(told.field("severity"), "critical");
    assert!(told.field("text").contains("circuit breaker"), "{}", told.field("text"));
    let look = async || match (&estate.in_west.release(APP, "1.4.3")["state"], &estate.in_east.release(APP, "1.4.3")["state"]) {
        (west, east) if west == "rolled_back" && east == "rolled_back" => Ok(()),
        states => Err(format!("{states:?}")),
    };
    wait_until("both regions know that it went back", SOON, look).await;
    assert_eq!(estate.west.revision(production, "app"), proven);
    assert_eq!(estate.west.revisions(family).len(), 2, "nothing is deregistered");
    assert_eq!(estate.east.image(production, "app", "app"), pinned(&estate.east, APP, &new));
}
