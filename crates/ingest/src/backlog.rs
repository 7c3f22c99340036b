//! How much is received but not decided on yet. While it is too much, senders that can keep their records wait for room, one
//! behind the other: a record that was taken is then decided on soon, however fast it was sent.

use std::sync::atomic::{AtomicU64, Ordering};

use model::Seq;
use tokio::sync::{Mutex, watch};

/// The entries between receiving and deciding. Shared by all listeners and whoever decides.
#[derive(Debug)]
pub struct Backlog {
    /// At how many waiting entries no more are let in.
    entries_max: u64,
    /// Entries handed to the inbox and not answered yet.
    entering: AtomicU64,
    /// The newest entry that is durable.
    newest: AtomicU64,
    /// The newest entry that is decided on.
    decided: watch::Sender<Seq>,
    /// Held by the first of those who wait for room, so that none overtakes another.
    turn: Mutex<()>,
}

impl Backlog {
    /// Begins with what was there at the start: `newest` is the newest durable entry, `decided` the newest decided one.
    /// At `entries_max` waiting entries senders wait for room.
    #[must_use]
    pub fn new(entries_max: u64, newest: Seq, decided: Seq) -> Self {
        Self {
            entries_max: entries_max.max(1),
            entering: AtomicU64::new(0),
            newest: AtomicU64::new(newest),
            decided: watch::Sender::new(decided),
            turn: Mutex::new(()),
        }
    }

    /// Says that everything up to this entry is decided on.
    pub fn decided(&self, seq: Seq) {
        self.decided
            .send_if_modified(|known| std::mem::replace(known, seq.max(*known)) < seq);
    }

    /// How many entries wait to be decided on, those on their way into the journal included.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.beyond(*self.decided.borrow())
    }

    /// At how many waiting entries senders wait for room.
    #[must_use]
    pub fn entries_max(&self) -> u64 {
        self.entries_max
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries() >= self.entries_max
    }

    /// Waits for its turn and for room, then lets these entries in. A request is let in whole, so that what waits
    /// may exceed the limit by one request.
    pub(crate) async fn enter(&self, entries: usize) -> Entering<'_> {
        let _turn = self.turn.lock().await;
        let mut decided = self.decided.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = decided
            .wait_for(|decided| self.beyond(*decided) < self.entries_max)
            .await;
        self.enter_at_once(entries)
    }

    /// Lets entries in that cannot wait: nobody would keep them.
    pub(crate) fn enter_at_once(&self, entries: usize) -> Entering<'_> {
        let entries = entries as u64;
        self.entering.fetch_add(entries, Ordering::AcqRel);
        Entering { backlog: self, entries }
    }

    fn beyond(&self, decided: Seq) -> u64 {
        let durable = self.newest.load(Ordering::Acquire).saturating_sub(decided);
        durable + self.entering.load(Ordering::Acquire)
    }
}

/// Entries on their way into the journal.
#[derive(Debug)]
pub(crate) struct Entering<'b> {
    backlog: &'b Backlog,
    entries: u64,
}

impl Entering<'_> {
    /// They are durable, the first of them under this number.
    pub(crate) fn entered(self, first: Seq) {
        self.backlog
            .newest
            .fetch_max((first + self.entries).saturating_sub(1), Ordering::AcqRel);
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        self.backlog.entering.fetch_sub(self.entries, Ordering::AcqRel);
        // Entries that were refused leave room, which whoever waits must hear of.
        self.backlog.decided.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn may_enter(backlog: &Backlog, entries: usize) -> Option<Entering<'_>> {
        backlog.enter(entries).now_or_never()
    }

    #[test]
    fn what_was_undecided_at_the_start_counts() {
        let backlog = Backlog::new(10, 30, 15);
        assert_eq!(backlog.entries(), 15);
        assert!(may_enter(&backlog, 1).is_none());
        backlog.decided(20);
        assert!(may_enter(&backlog, 1).is_none());
        backlog.decided(21);
        assert!(may_enter(&backlog, 500).is_some());
        backlog.decided(3);
        assert_eq!(backlog.entries(), 9, "a pump that begins again takes nothing back");
    }

    #[tokio::test]
    async fn refused_entries_leave_room_and_nobody_overtakes() {
        let backlog = Arc::new(Backlog::new(10, 0, 0));
        let first = backlog.enter_at_once(10);
        let order: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
        let waiting: Vec<_> = (1..=3)
            .map(|number| {
                let (backlog, order) = (Arc::clone(&backlog), Arc::clone(&order));
                tokio::spawn(async move {
                    let entering = backlog.enter(10).await;
                    order.lock().unwrap().push(number);
                    drop(entering);
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(order.lock().unwrap().is_empty());
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    }

    /// A step of a random life: a request of so many entries that waits, one that cannot, one that is refused, or decisions.
    fn steps() -> impl Strategy<Value = Vec<(u8, u64)>> {
        prop::collection::vec((0u8..4, 0u64..30), 1..80)
    }

    proptest! {
        #[test]
        fn what_waits_is_bounded_whatever_comes(steps in steps(), entries_max in 1u64..40) {
            let backlog = Backlog::new(entries_max, 0, 0);
            let (mut newest, mut decided) = (0, 0);
            for (step, count) in steps {
                let entries = usize::try_from(count).unwrap();
                let before = newest - decided;
                match step {
                    0 => {
                        let entered = may_enter(&backlog, entries);
                        prop_assert_eq!(entered.is_some(), before < entries_max);
                        if let Some(entering) = entered {
                            prop_assert!(backlog.entries() < entries_max + count.max(1));
                            entering.entered(newest + 1);
                            newest += count;
                        }
                    }
                    1 => {
                        backlog.enter_at_once(entries).entered(newest + 1);
                        newest += count;
                    }
                    2 => drop(backlog.enter_at_once(entries)),
                    _ => {
                        decided = (decided + count).min(newest);
                        backlog.decided(decided);
                    }
                }
                prop_assert_eq!(backlog.entries(), newest - decided);
            }
        }
    }
}
