//! A person ends or undoes a release: what is under way goes back, or everything.
//!
//! Owns which release is meant and whether it can still go back. Going back itself is `back.rs`.

use super::desk::{AGAIN_SOON, Desk, later};
use super::{End, EndKind, Hold, Release, Scope, StopHow, Unwind};

impl Desk<'_> {
    pub(super) fn take_stop(&mut self, named: Option<&str>, how: StopHow, by: &str, why: &str) {
        let is_meant = |release: &Release| named.is_none_or(|named| release.id.as_str() == named);
        if let Some(waiting) = self.book.next.take_if(|next| named.is_some() && is_meant(next)) {
            let mut waiting = waiting;
            waiting.end = Some(End { kind: EndKind::Aborted, why: why.to_owned(), by: Some(by.to_owned()), at: self.now });
            return self.keep_ended(waiting);
        }
        let is_in_hand = self.book.active.as_ref().is_some_and(&is_meant);
        if !is_in_hand && how == StopHow::RollBack && !self.reopen(named) {
            return;
        }
        if !is_in_hand && how == StopHow::Abort {
            let why = "no such release is in hand; `nightshift release list` shows them".to_owned();
            return self.holds.push(Hold::NotStoppable { why });
        }
        let scope = if how == StopHow::Abort { Scope::Unfinished } else { Scope::Everything };
        let unwind = Unwind { why: why.to_owned(), by: Some(by.to_owned()), at: self.now, scope };
        self.unwind(unwind);
    }

    /// A release that has ended is taken in hand again, to be undone: the last one that changed something, while nothing
    /// else is in hand.
    fn reopen(&mut self, named: Option<&str>) -> bool {
        let mut refuse = |why: String| {
            self.holds.push(Hold::NotStoppable { why });
            false
        };
        if let Some(active) = &self.book.active {
            return refuse(format!("release {} is in hand; abort it first", active.id));
        }
        let changed = |release: &&Release| release.change.image().is_some() && release.legs.iter().any(|leg| leg.state.moved().is_some());
        let Some(last) = self.book.ended.iter().find(changed).map(|release| release.id.clone()) else {
            return refuse("no release has changed anything that could go back".to_owned());
        };
        if named.is_some_and(|named| named != last.as_str()) {
            return refuse(format!("only the last release that changed something can go back: {last}; to run an older image, deploy it"));
        }
        let at = self.book.ended.iter().position(|release| release.id == last);
        if let Some(at) = at {
            let mut release = self.book.ended.remove(at);
            release.end = None;
            release.unwind = None;
            self.book.active = Some(release);
        }
        true
    }

    /// That the release is to be undone, unless it is already.
    pub(super) fn unwind(&mut self, unwind: Unwind) {
        let Some(release) = self.book.active.as_mut().filter(|release| release.unwind.is_none()) else { return };
        let by = unwind.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let text = format!("going back{by}: {}", unwind.why);
        release.unwind = Some(unwind);
        self.log(text);
        self.has_changed();
        self.look_at(later(self.now, AGAIN_SOON));
    }
}
