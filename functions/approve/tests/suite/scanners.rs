//! A thousand requests of programs that open, copy, change and post what stands in mails: not one of them approves.

use jiff::SignedDuration;
use nightshift_core::release::approve::{About, ApprovalKey, Claims};
use serde_json::Value;

use crate::fake::*;
use crate::world;

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    fn code(&mut self) -> String {
        let letters: Vec<char> = "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().collect();
        (0..8).map(|_| *self.pick(&letters)).collect()
    }

    fn flipped(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let place = self.roll(bytes.len());
        bytes[place] ^= 1 << self.roll(7);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Links that look right and are not: of another key, over, for another image, release, stage or person.
fn wrong_links() -> Vec<(String, String)> {
    let About::Release { key, release, digest, stage } = world::claims("ann").about else { panic!("a release") };
    let about = |digest: &str, stage: &str, id: &str| About::Release {
        key: key.clone(),
        release: nightshift_core::release::ReleaseId::from_text(id),
        digest: digest.into(),
        stage: stage.into(),
    };
    let id = release.as_str();
    let claims = [
        Claims::new(world::claims("ann").about, world::name("ann"), world::now() - SignedDuration::from_secs(1)),
        Claims::new(about(world::OLD_DIGEST, &stage, id), world::name("ann"), world::until()),
        Claims::new(about(&digest, "staging", id), world::name("ann"), world::until()),
        Claims::new(about(&digest, &stage, "20261118t090000z-0a1b2c3d4e5f"), world::name("ann"), world::until()),
        Claims::new(about(&digest, &stage, id), world::name("eve"), world::until()),
    ];
    let mut links: Vec<_> = claims.iter().map(|claims| (world::secret().token(claims), world::secret().code(claims))).collect();
    let other = ApprovalKey::new(&[1; 64]).unwrap();
    links.push((other.token(&world::claims("ann")), other.code(&world::claims("ann"))));
    links
}

fn scan(dice: &mut Dice, links: &[(String, String)]) -> Value {
    let person = *dice.pick(&["ann", "bob"]);
    let verdict = *dice.pick(&["approve", "approve", "reject", ""]);
    let good = link(person);
    let fillings = ["test", "admin@example.com", "1", "on", "{{7*7}}", "' OR 1=1 --"];
    let (bad, its_code) = dice.pick(links).clone();
    match dice.roll(12) {
        0 => get(&good),
        1 => request("HEAD", "/", &format!("t={good}"), "", ""),
        // The form as it stands in the page, posted with its buttons and nothing typed.
        2 => post(&good, "", verdict),
        3 => post(&good, fillings[dice.roll(fillings.len())], verdict),
        4 => post(&good, &dice.code(), verdict),
        5 => post(&dice.flipped(&good), &code(person), verdict),
        6 => get(&dice.flipped(&good)),
        7 => post(&bad, &its_code, verdict),
        8 => get(&bad),
        // Somebody else's code, perhaps out of a shared mailbox.
        9 => post(&good, &code(if person == "ann" { "bob" } else { "ann" }), verdict),
        10 => request("GET", "/", &format!("t={good}&code={}&verdict=approve", code(person)), "", ""),
        _ => {
            let method = *dice.pick(&["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]);
            let form = format!("t={good}&code={}&verdict=approve", code(person));
            request(method, "/", "", "application/x-www-form-urlencoded", &form)
        }
    }
}

#[test]
fn a_thousand_scanners_approve_nothing() {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 1);
    let (mut dice, links) = (Dice(20_261_120), wrong_links());
    let mut statuses = std::collections::BTreeMap::<u64, u32>::new();
    for _ in 0..1_000 {
        let event = scan(&mut dice, &links);
        let answer = visit(&deps, &event);
        *statuses.entry(answer.status).or_default() += 1;
        assert!(!answer.body.contains("You have approved it") && !answer.body.contains("You have rejected it"), "{event}");
        assert!(answer.status < 500, "{event}");
    }
    let world = deps.estate.world.borrow();
    assert_eq!((world.answers.len(), world.called.len(), world.told.len()), (0, 0, 0), "0 approvals, and nobody was called");
    for status in [200, 400, 403, 405, 410, 422] {
        assert!(statuses.get(&status).is_some_and(|count| *count > 10), "the scanners are of many kinds: {statuses:?}");
    }
    drop(world);
    // That the question stood open all the time shows in a person whose tries nobody has used up.
    assert_eq!(visit(&deps, &post(&link("cid"), &code("cid"), "approve")).status, 200);
    assert_eq!(deps.estate.answered(), 1);
}

/// A recorded answer, sent again a thousand times, by itself and changed.
#[test]
fn a_replayed_answer_counts_once() {
    let deps = asking();
    deps.estate.approval(|approval| approval.rule.needed = 3);
    visit(&deps, &post(&link("ann"), &code("ann"), "approve"));
    for round in 0..1_000 {
        deps.estate.pass(1);
        let verdict = if round % 2 == 0 { "approve" } else { "reject" };
        assert_eq!(visit(&deps, &post(&link("ann"), &code("ann"), verdict)).status, 409);
    }
    let world = deps.estate.world.borrow();
    assert_eq!((world.answers.len(), world.called.len()), (1, 1));
}

#[test]
fn every_single_flipped_bit_of_a_link_closes_it() {
    let deps = asking();
    let good = link("ann");
    for place in 0..good.len() {
        for bit in 0..7 {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            let answer = visit(&deps, &post(&flipped, &code("ann"), "approve"));
            assert_eq!(answer.status, 400, "{place}/{bit}: {flipped}");
        }
    }
    assert_eq!(deps.estate.answered(), 0);
}
