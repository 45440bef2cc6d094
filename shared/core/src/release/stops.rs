//! A person ends or undoes a release: what is under way goes back, or everything.
//!
//! Owns which release is meant and whether it can still go back. Going back itself is `back.rs`.

use super::desk::{AGAIN_SOON, Desk, later};
use super::{End, EndKind, Hold, Release, Scope, StopHow, Unwind};

impl Desk<'_> {
    pub(super) fn take_stop(&mut self, named: Option<&str>, how: StopHow, by: &str, why: &str) {
        // The same command once more must not end, or undo, the next release.
        let Some(named) = named else {
            let why = "the command does not name a release; `nightshift release list` shows them".to_owned();
            return self.holds.push(Hold::NotStoppable { why });
        };
        let is_meant = |release: &Release| release.id.as_str() == named;
        if let Some(waiting) = self.book.next.take_if(|next| is_meant(next)) {
            let mut waiting = waiting;
            waiting.end = Some(End { kind: EndKind::Aborted, why: why.to_owned(), by: Some(by.to_owned()), at: self.now });
            return self.keep_ended(waiting);
        }
        if self.book.aside.as_ref().is_some_and(|aside| is_meant(&aside.release)) {
            return self.with_aside(|desk| desk.stop_in_hand(how, by, why));
        }
        let is_in_hand = self.book.active.as_ref().is_some_and(&is_meant);
        if !is_in_hand && how == StopHow::RollBack && !self.reopen(named) {
            return;
        }
        if !is_in_hand && how == StopHow::Abort {
            let why = "no such release is in hand; `nightshift release list` shows them".to_owned();
            return self.holds.push(Hold::NotStoppable { why });
        }
        self.stop_in_hand(how, by, why);
    }

    fn stop_in_hand(&mut self, how: StopHow, by: &str, why: &str) {
        if self.goes_back_already(how, by) {
            return;
        }
        let scope = if how == StopHow::Abort { Scope::Unfinished } else { Scope::Everything };
        let unwind = Unwind { why: why.to_owned(), by: Some(by.to_owned()), at: self.now, scope };
        self.unwind(unwind);
    }

    /// What goes back in part can still be asked to go back as a whole; nothing else can be added to it.
    fn goes_back_already(&mut self, how: StopHow, by: &str) -> bool {
        let Some(release) = self.book.active.as_mut() else { return false };
        let id = release.id.clone();
        let Some(unwind) = release.unwind.as_mut() else { return false };
        if how == StopHow::RollBack && unwind.scope != Scope::Everything && release.end.is_none() {
            unwind.scope = Scope::Everything;
            self.log(format!("everything goes back, as {by} wants it"));
            self.has_changed();
        } else {
            self.holds.push(Hold::NotStoppable { why: format!("release {id} goes back already") });
        }
        true
    }

    /// A release that has ended is taken in hand again, to be undone: the last one that changed something, while nothing
    /// else is in hand.
    fn reopen(&mut self, named: &str) -> bool {
        let mut refuse = |why: String| {
            self.holds.push(Hold::NotStoppable { why });
            false
        };
        let aside = self.book.aside.as_ref().map(|aside| &aside.release);
        if let Some(active) = self.book.active.as_ref().or(aside) {
            return refuse(format!("release {} is in hand; abort it first", active.id));
        }
        let Some(last) = self.book.last_to_undo().map(|release| release.id.clone()) else {
            return refuse("no release has changed anything that could go back".to_owned());
        };
        if named != last.as_str() {
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
