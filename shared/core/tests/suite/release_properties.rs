//! Any sequence of pushes, answers, roll-outs that fail, events that are lost, repeated and reordered, with invocations that
//! die at any call or meet another one on their way, keeps what releases promise; `release_world` watches while it happens.

use jiff::SignedDuration;
use nightshift_core::release::{StopHow, Verdict, Wake};
use proptest::prelude::*;

use super::release_world::{EAST, Fate, Fortune, SECRETS, WEST, World, look, pushed};

#[derive(Clone, Debug)]
enum Move {
    Push {
        scan: Option<u32>,
        is_lost: bool,
    },
    /// An earlier push's event comes (again).
    PushEvent(usize),
    Scan {
        image: usize,
        critical: u32,
    },
    Answer {
        agrees: bool,
    },
    Look {
        west: bool,
    },
    Sweep {
        west: bool,
    },
    Deliver {
        west: bool,
        newest_first: bool,
        stays: bool,
    },
    Pass {
        minutes: u16,
    },
    Fate(Fate),
    Stop {
        roll_back: bool,
        west: bool,
    },
    Rotate {
        west: bool,
        secret: usize,
    },
    /// One of the events about rotated secrets arrives.
    Hear {
        west: bool,
        which: usize,
        stays: bool,
    },
    Die {
        west: bool,
    },
    Live,
}

fn moves() -> impl Strategy<Value = Vec<(Move, Fortune)>> {
    let one = prop_oneof![
        2 => (prop_oneof![3 => Just(Some(0)), 1 => Just(Some(1)), 1 => Just(None)], any::<bool>())
            .prop_map(|(scan, is_lost)| Move::Push { scan, is_lost }),
        1 => (0_usize..6).prop_map(Move::PushEvent),
        1 => (0_usize..6, 0_u32..2).prop_map(|(image, critical)| Move::Scan { image, critical }),
        3 => any::<bool>().prop_map(|rejects| Move::Answer { agrees: !rejects }),
        2 => Just(Move::Answer { agrees: true }),
        6 => any::<bool>().prop_map(|west| Move::Look { west }),
        2 => any::<bool>().prop_map(|west| Move::Sweep { west }),
        5 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(west, newest_first, stays)| Move::Deliver { west, newest_first, stays }),
        8 => (0_u16..30).prop_map(|minutes| Move::Pass { minutes }),
        1 => (0_u16..2000).prop_map(|minutes| Move::Pass { minutes }),
        2 => prop_oneof![Just(Fate::Succeeds), Just(Fate::Succeeds), Just(Fate::Fails), Just(Fate::TakenBack), Just(Fate::Hangs), Just(Fate::Crashes)].prop_map(Move::Fate),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(roll_back, west)| Move::Stop { roll_back, west }),
        2 => (any::<bool>(), 0..SECRETS.len()).prop_map(|(west, secret)| Move::Rotate { west, secret }),
        4 => (any::<bool>(), 0_usize..9, any::<bool>()).prop_map(|(west, which, stays)| Move::Hear { west, which, stays }),
        1 => any::<bool>().prop_map(|west| Move::Die { west }),
        1 => Just(Move::Live),
    ];
    let fortune = prop_oneof![
        6 => Just(Fortune::default()),
        1 => (1_usize..14).prop_map(|call| Fortune { dies_before: Some(call), ..Fortune::default() }),
        1 => (1_usize..14).prop_map(|call| Fortune { dies_after: Some(call), ..Fortune::default() }),
        1 => (1_usize..14).prop_map(|call| Fortune { meets_at: Some(call), ..Fortune::default() }),
    ];
    prop::collection::vec((one, fortune), 1..70)
}

fn side(west: bool) -> &'static str {
    if west { WEST } else { EAST }
}

fn play(world: &mut World, step: &Move, fortune: Fortune) {
    match *step {
        Move::Push { scan, is_lost } => {
            let image = world.push("v1");
            if let Some(critical) = scan {
                world.scan_is(&image, critical);
            }
            if !is_lost {
                world.invoke(EAST, pushed(&image), fortune);
            }
        }
        Move::PushEvent(which) => {
            if let Some(image) = world.images.get(which).cloned() {
                world.invoke(EAST, pushed(&image), fortune);
                world.invoke(WEST, pushed(&image), Fortune::default());
            }
        }
        Move::Scan { image, critical } => {
            if let Some(image) = world.images.get(image).filter(|image| !world.scans.contains_key(&image.digest)).cloned() {
                world.scan_is(&image, critical);
            }
        }
        Move::Answer { agrees } => world.answer(EAST, if agrees { Verdict::Approve } else { Verdict::Reject }),
        Move::Look { west } => drop(world.invoke(side(west), look(), fortune)),
        Move::Sweep { west } => drop(world.invoke(side(west), Wake::Sweep, fortune)),
        Move::Deliver { west, newest_first, stays } => world.deliver(side(west), newest_first, stays, fortune),
        Move::Pass { minutes } => world.pass(SignedDuration::from_mins(i64::from(minutes))),
        Move::Fate(fate) => world.fate = fate,
        Move::Stop { roll_back, west } => {
            let how = if roll_back { StopHow::RollBack } else { StopHow::Abort };
            let stop = world.stop(side(west), how);
            world.invoke(side(west), stop, fortune);
        }
        Move::Rotate { west, secret } => world.rotate(side(west), SECRETS[secret]),
        Move::Hear { west, which, stays } => world.hear(side(west), which, stays, fortune),
        Move::Die { west } => {
            world.dead.insert(side(west));
        }
        Move::Live => world.dead.clear(),
    }
}

/// A few hundred each time; PROPTEST_CASES=20000 for a long run.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_promise_is_kept_and_every_release_ends(moves in moves()) {
        let mut world = World::new();
        for (step, fortune) in &moves {
            play(&mut world, step, *fortune);
        }
        world.dead.clear();
        world.run_on(SignedDuration::from_hours(24 * 12));
        for (name, region) in &world.regions {
            prop_assert!(region.book.active.is_none(), "{name}: {:#?}", region.book.active);
            prop_assert!(region.book.next.is_none(), "{name}: {:#?}", region.book.next);
            prop_assert!(region.book.aside.is_none() && region.book.rotated.is_none(), "{name}: {:#?}", region.book);
            for release in &region.book.ended {
                prop_assert!(release.end.is_some());
            }
        }
        for region in [EAST, WEST] {
            world.secrets_have_arrived(region);
        }
    }

    #[test]
    fn with_a_region_that_stays_dead_the_other_one_still_comes_to_an_end(moves in moves(), west in any::<bool>()) {
        let mut world = World::new();
        for (step, fortune) in &moves {
            play(&mut world, step, *fortune);
        }
        world.dead = [side(west)].into();
        world.run_on(SignedDuration::from_hours(24 * 12));
        let living = &world.regions[side(!west)];
        prop_assert!(living.book.active.is_none() && living.book.next.is_none(), "{:#?}", living.book);
    }
}
