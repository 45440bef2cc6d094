//! Many at once: each call yields before and after it takes effect, so that invocations interleave between any two of them.

use futures_util::future::join_all;
use nightshift_core::ports::PortErrorKind;

use super::fake::*;

fn together<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(join_all(futures))
}

fn upload_at_once(site: &Site, files: usize) {
    let files: Vec<String> = (0..files).map(|file| format!("page-{file}.txt")).collect();
    files.iter().for_each(|file| site.world.borrow_mut().write(file));
    let signals: Vec<_> = files.iter().map(|file| arrived(file)).collect();
    let served = together(signals.iter().map(|signal| site.invoke(signal)));
    assert!(served.iter().flatten().all(|served| served.failure.is_none()));
}

#[test]
fn three_hundred_files_at_once_are_all_noted_and_arrange_one_look() {
    let site = Site::new();
    upload_at_once(&site, 300);
    {
        let world = site.world.borrow();
        assert_eq!(world.uploads.pending.as_ref().unwrap().paths.len(), 300, "none is lost");
        assert_eq!((world.looks.len(), world.looks_made), (1, 1));
    }
    site.settle();
    site.assert_fresh("300 at once");
    let world = site.world.borrow();
    assert_eq!((world.invalidations.len(), world.invalidations[0].paths.as_slice()), (1, &["/*".to_owned()][..]));
    assert_eq!(world.told.len(), 1);
}

#[test]
fn once_the_look_is_noted_nobody_else_asks_the_scheduler() {
    let site = Site::new();
    site.upload("index.html");
    let before = site.calls("look_later");
    upload_at_once(&site, 100);
    assert_eq!(site.calls("look_later"), before);
}

#[test]
fn files_and_looks_at_once_lose_nothing() {
    for spread in 0..12 {
        let site = Site::new();
        site.upload("index.html");
        site.pass(90);
        site.world.borrow_mut().looks.clear();
        let files: Vec<String> = (0..20).map(|file| format!("page-{file}.txt")).chain(["index.html".to_owned()]).collect();
        files.iter().for_each(|file| site.world.borrow_mut().write(file));
        let mut signals: Vec<_> = files.iter().map(|file| arrived(file)).collect();
        for place in [0, spread, 2 * spread - spread / 2] {
            signals.insert(place.min(signals.len()), look());
        }
        // Each begins some calls after the others.
        together(signals.iter().enumerate().map(|(place, signal)| {
            let site = &site;
            async move {
                for _ in 0..(place * spread) % 17 {
                    tokio::task::yield_now().await;
                }
                site.invoke(signal).await
            }
        }));
        assert!(!site.world.borrow().looks.is_empty(), "{spread}: nobody looks again");
        site.settle();
        site.assert_fresh(&format!("spread {spread}"));
    }
}

#[test]
fn a_look_that_is_delivered_twice_at_once_makes_one_invalidation_and_tells_once() {
    for calls in 0..8 {
        let site = Site::new();
        site.upload("index.html");
        let at = site.world.borrow_mut().looks.pop_first().unwrap();
        site.now.set(at);
        let late = async {
            for _ in 0..calls {
                tokio::task::yield_now().await;
            }
            site.invoke(&look()).await
        };
        let look = look();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async { tokio::join!(site.invoke(&look), late) });
        site.settle();
        site.assert_fresh("twice");
        let world = site.world.borrow();
        assert_eq!((world.invalidations.len(), world.told.len()), (1, 1), "{calls}");
    }
}

#[test]
fn a_burst_on_a_throttled_ledger_comes_again() {
    let site = Site::new();
    *site.fail_named.borrow_mut() = Some(("note_arrival", PortErrorKind::Throttled));
    let served = site.run(&arrived("index.html"));
    let failure = served[0].failure.as_ref().unwrap();
    assert_eq!((failure.code(), failure.class().as_str()), ("recheck_not_arranged", "retry"));
    *site.fail_named.borrow_mut() = None;
    site.upload("index.html");
    site.settle();
    site.assert_fresh("after the throttle");
}
