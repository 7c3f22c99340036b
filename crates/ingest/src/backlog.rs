//! How much is received but not decided on yet. While it is too much, senders that can keep their records wait for room, one
//! behind the other: a record that was taken is then decided on soon, however fast it was sent.

use std::{
    collections::VecDeque,
    sync::{
        Mutex as Lock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::Seq;
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

/// How long an entry may wait to be decided on before fewer are let in. Where deciding is slow, so many entries are a long time.
const WAIT_WANTED: Duration = Duration::from_millis(400);
/// How few are let in at least: fewer would leave whoever decides idle between two requests.
const ALLOWED_MIN: u64 = 500;
/// When so many entries arrived, for the newest of each request; requests beyond it are not timed.
const ARRIVALS_MAX: usize = 10_000;

/// The entries between receiving and deciding. Shared by all listeners and whoever decides.
#[derive(Debug)]
pub struct Backlog {
    /// At how many waiting entries no more are let in, however fast they are decided on.
    entries_max: u64,
    /// At how many no more are let in now.
    allowed: AtomicU64,
    /// The newest entry of each request that waits, and since when.
    arrivals: Lock<VecDeque<(Seq, Instant)>>,
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
    /// At `entries_max` waiting entries senders wait for room, and sooner where entries would wait too long.
    #[must_use]
    pub fn new(entries_max: u64, newest: Seq, decided: Seq) -> Self {
        let entries_max = entries_max.max(1);
        Self {
            entries_max,
            allowed: AtomicU64::new(entries_max),
            arrivals: Lock::default(),
            entering: AtomicU64::new(0),
            newest: AtomicU64::new(newest),
            decided: watch::Sender::new(decided),
            turn: Mutex::new(()),
        }
    }

    /// Says that everything up to this entry is decided on.
    pub fn decided(&self, seq: Seq) {
        if let Some(waited) = self.longest_wait(seq) {
            self.allow(waited);
        }
        self.decided
            .send_if_modified(|known| std::mem::replace(known, seq.max(*known)) < seq);
    }

    /// How many entries wait to be decided on, those on their way into the journal included.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.beyond(*self.decided.borrow())
    }

    /// At how many waiting entries senders wait for room, as fast as entries are decided on now.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed.load(Ordering::Acquire)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries() >= self.allowed()
    }

    /// How long the longest waiting of the requests waited that end with this entry.
    fn longest_wait(&self, decided: Seq) -> Option<Duration> {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let mut longest = None;
        while let Some((_, since)) = arrivals.pop_front_if(|(seq, _)| *seq <= decided) {
            longest.get_or_insert(since);
        }
        longest.map(|since| since.elapsed())
    }

    /// Lets fewer in where entries waited too long, in proportion; and more again, step by step, where they did not.
    fn allow(&self, waited: Duration) {
        let allowed = self.allowed();
        let next = if waited > WAIT_WANTED {
            let share = WAIT_WANTED.div_duration_f64(waited);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a count of entries"
            )]
            let less = (allowed as f64 * share) as u64;
            less.max(ALLOWED_MIN)
        } else {
            allowed + allowed / 8 + 1
        };
        self.allowed.store(next.min(self.entries_max), Ordering::Release);
    }

    /// Waits for its turn and for room, then lets these entries in. A request is let in whole, so that what waits
    /// may exceed the limit by one request.
    pub(crate) async fn enter(&self, entries: usize) -> Entering<'_> {
        let _turn = self.turn.lock().await;
        let mut decided = self.decided.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = decided.wait_for(|decided| self.beyond(*decided) < self.allowed()).await;
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
        let newest = (first + self.entries).saturating_sub(1);
        self.backlog.newest.fetch_max(newest, Ordering::AcqRel);
        let mut arrivals = self.backlog.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() < ARRIVALS_MAX {
            arrivals.push_back((newest, Instant::now()));
        }
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

    #[test]
    fn where_entries_wait_too_long_fewer_are_let_in_and_more_again_later() {
        let backlog = Backlog::new(10_000, 0, 0);
        let settled = |rate_a_second: u64| {
            for _ in 0..60 {
                backlog.allow(Duration::from_millis(backlog.allowed() * 1000 / rate_a_second));
            }
            backlog.allowed()
        };
        assert_eq!(settled(100_000), 10_000, "a tenth of a second of a fast post");
        assert!((7_000..9_100).contains(&settled(20_000)), "0.4 s of a slower one");
        assert_eq!(settled(1_000), ALLOWED_MIN);
        assert_eq!(settled(100_000), 10_000);
    }

    #[test]
    fn the_longest_wait_is_that_of_the_first_request_decided_on() {
        let backlog = Backlog::new(10_000, 0, 0);
        assert!(backlog.longest_wait(10).is_none());
        backlog.enter_at_once(5).entered(1);
        let later = Instant::now();
        backlog.enter_at_once(5).entered(6);
        assert!(
            backlog.longest_wait(4).is_none(),
            "the first request ends with the fifth entry"
        );
        let elapsed = later.elapsed();
        assert!(backlog.longest_wait(10).is_some_and(|waited| waited >= elapsed));
        assert!(backlog.longest_wait(10).is_none(), "each counts once");
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
