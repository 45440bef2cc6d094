//! Two to sixteen requests at once: an answer a person at most, every guess counted, and no page that claims what is not so.

use nightshift_core::release::approve::{About, Claims};
use nightshift_schedules::{Kind, Runs};

use super::*;
use crate::pipelines::asked_by_codepipeline;

#[test]
fn of_many_requests_at_once_each_page_is_true() {
    let runs = Runs { function: "approve", kind: Kind::Concurrency, test: "releases", seeds: 450, distinct: 400 };
    runs.each(|schedule| {
        let deps = asking_two();
        let deeds: Vec<Deed> = (0..2 + schedule.below(15)).map(|_| Deed::any(schedule)).collect();
        let requests: Vec<Value> = deeds.iter().map(Deed::request).collect();
        let invocation = ticking(&deps, schedule, SignedDuration::from_secs(30));
        let calls = requests.iter().map(|request| handle(&invocation, &deps, request));
        let pages = schedule.block_on(schedule.together(calls));
        let pages: Vec<Page> = pages.into_iter().map(|answer| Page::of(&answer.unwrap().unwrap())).collect();

        let kept = answers(&deps);
        for person in PEOPLE {
            let of_person = || deeds.iter().zip(&pages).filter(move |(deed, _)| matches!(deed, Deed::Answer(by, _) if *by == person));
            let claimed: Vec<Verdict> = of_person().filter_map(|(_, page)| page.claims).collect();
            assert_eq!(claimed, kept.get(person).copied().into_iter().collect::<Vec<_>>(), "{person}: {deeds:?} {pages:?}");
            for (_, page) in of_person().filter(|(_, page)| page.claims.is_none()) {
                assert!(page.status == 409 || (page.status == 403 && page.is_locked), "{page:?}");
            }
            let guesses = deeds.iter().zip(&pages).filter(|(deed, _)| **deed == Deed::Guess(person));
            let counted = guesses.filter(|(_, page)| page.status == 403).count();
            assert_eq!(wrong_codes(&deps, person) as usize, counted, "{person}: a guess is told wrong and not counted");
        }
        // Whatever comes at once, the first valid answer of all cannot be lost.
        let can_answer = |person: &str| wrong_codes(&deps, person) < WRONG_CODES;
        let tried = deeds.iter().any(|deed| matches!(deed, Deed::Answer(person, _) if can_answer(person)));
        assert!(!tried || !kept.is_empty(), "every answer was lost: {deeds:?}");
        assert_eq!(deps.estate.world.borrow().called.len(), kept.len(), "deploy is told of each answer, once");
    });
}

/// CodePipeline's question comes more than once, and ann and bob answer it at once, each of them more than once.
#[test]
fn of_many_answers_to_a_pipeline_at_once_none_is_lost_and_codepipeline_hears_one_verdict() {
    let runs = Runs { function: "approve", kind: Kind::Concurrency, test: "pipelines", seeds: 300, distinct: 250 };
    runs.each(|schedule| {
        let deps = asking();
        let event = asked_by_codepipeline();
        let invocation = ticking(&deps, schedule, SignedDuration::from_secs(30));
        let copies = 1 + schedule.below(4);
        let asked = schedule.block_on(schedule.together((0..copies).map(|_| handle(&invocation, &deps, &event))));
        // Who meets another copy is tried again by Lambda.
        let answered = asked.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
        assert!(answered > 0, "nobody was asked");
        schedule.block_on(schedule.alone(handle(&invocation, &deps, &event))).unwrap().unwrap();

        let question = deps.estate.world.borrow().questions.values().next().unwrap().clone();
        let request = |approver: &str, verdict: &str| {
            let about = About::Pipeline { system: question.system.clone(), pipeline: question.pipeline.clone(), question: question.id() };
            let claims = Claims::new(about, world::name(approver), question.expires_at);
            post(&world::secret().token(&claims), &world::secret().code(&claims), verdict)
        };
        let verdict = *schedule.pick(&["approve", "approve", "reject"]);
        let count = 2 + schedule.below(5);
        let requests: Vec<Value> = (0..count).map(|number| request(["ann", "bob"][number % 2], verdict)).collect();
        let pages = schedule.block_on(schedule.together(requests.iter().map(|request| handle(&invocation, &deps, request))));
        for page in pages {
            let status = page.unwrap().unwrap()["statusCode"].as_u64().unwrap();
            assert!(matches!(status, 200 | 409 | 503), "{status}");
        }
        // Those who were told to try again do so.
        for request in &requests {
            schedule.block_on(schedule.alone(handle(&invocation, &deps, request))).unwrap().unwrap();
        }
        let world = deps.estate.world.borrow();
        let question = world.questions.values().next().unwrap();
        let needed = if verdict == "approve" { 2 } else { 1 };
        assert!(question.answers.len() >= needed, "{:?}", question.answers);
        assert!(question.told.is_some(), "CodePipeline was not told");
        let verdicts: Vec<Verdict> = world.pipelines_told.iter().map(|answer| answer.verdict).collect();
        let wanted = if verdict == "approve" { Verdict::Approve } else { Verdict::Reject };
        assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == wanted), "{verdicts:?}");
    });
}
