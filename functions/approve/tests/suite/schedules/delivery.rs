//! Looks, guesses and answers of three people in any order, again and again, in time and late: what counts is what a plain
//! reading of the rules says, and it never changes afterwards.

use nightshift_schedules::{Kind, Runs};

use super::*;

/// The rules, one deed after another.
#[derive(Default)]
struct Rules {
    answers: BTreeMap<String, Verdict>,
    wrong: BTreeMap<&'static str, u32>,
}

impl Rules {
    fn is_open(&self, is_over: bool) -> bool {
        let agreed = self.answers.values().filter(|verdict| **verdict == Verdict::Approve).count();
        !is_over && agreed < 2 && agreed == self.answers.len()
    }

    /// What the page has to say.
    fn take(&mut self, deed: &Deed, is_over: bool) -> Page {
        let page = |status| Page { status, claims: None, is_locked: false };
        let (Deed::Look(person) | Deed::Guess(person) | Deed::Answer(person, _)) = deed;
        let is_open = self.is_open(is_over) && !self.answers.contains_key(*person);
        let wrong = self.wrong.entry(*person).or_default();
        match deed {
            _ if is_over => page(410),
            Deed::Look(_) => page(if is_open { 200 } else { 410 }),
            _ if !is_open => page(409),
            Deed::Guess(_) => {
                *wrong += 1;
                Page { is_locked: *wrong >= WRONG_CODES, ..page(403) }
            }
            Deed::Answer(..) if *wrong >= WRONG_CODES => Page { is_locked: true, ..page(403) },
            Deed::Answer(_, verdict) => {
                self.answers.insert((*person).to_owned(), *verdict);
                Page { claims: Some(*verdict), ..page(200) }
            }
        }
    }
}

#[test]
fn deeds_in_any_order_come_to_what_the_rules_say() {
    let runs = Runs { function: "approve", kind: Kind::Delivery, test: "any_order", seeds: 510, distinct: 505 };
    runs.each(|schedule| {
        let (deps, mut rules) = (asking_two(), Rules::default());
        let mut deeds: Vec<Deed> = (0..4 + schedule.below(14)).map(|_| Deed::any(schedule)).collect();
        // Every second deed is done twice, the second time at any time later.
        for deed in deeds.clone().into_iter().step_by(2) {
            deeds.insert(schedule.below(deeds.len() + 1), deed);
        }
        for deed in &deeds {
            schedule.note(0, &format!("{deed:?}"));
            // The question stands for almost a day.
            deps.estate.pass(*schedule.pick(&[0, 1, 60, 600, 600, 3_600, 36_000]));
            let is_over = deps.estate.now.get() >= world::until();
            let (before, told) = (answers(&deps), deps.estate.world.borrow().called.len());
            let (seen, wanted) = (page(&deps, schedule, deed).unwrap(), rules.take(deed, is_over));
            assert_eq!(seen, wanted, "{deed:?} in {deeds:#?}");
            let after = answers(&deps);
            assert!(before.iter().all(|(person, verdict)| after.get(person) == Some(verdict)), "an answer changed");
            let is_new = after.len() - before.len();
            assert_eq!(deps.estate.world.borrow().called.len() - told, is_new, "deploy is told of each answer, once");
        }
        assert_eq!(answers(&deps), rules.answers);
        for person in PEOPLE {
            assert_eq!(wrong_codes(&deps, person), rules.wrong.get(person).copied().unwrap_or_default(), "{person}");
        }
    });
}
