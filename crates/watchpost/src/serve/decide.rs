//! The deciding half of the pump: what a batch of entries leads to is one decision, committed with the position it leads up to;
//! then its events go to the lake, and the journal is told what both have passed.

use std::{sync::Arc, thread, time::Duration};

use anyhow::{Context, Result};
use detect::SharedRules;
use ingest::Backlog;
use lake::{Batch, Refused};
use ledger::ApplyError;
use model::{Detection, Event, JournalEntry, Language, PipelinePosition, Scope, Seq, Timestamp};
use operations::{Known, Moment, Observed, sources::Tally};
use tokio::runtime::Handle;

use super::{
    metrics::Metrics,
    pump::{Item, Stores},
};
use crate::{
    clock,
    pipeline::{Sequence, Taken},
};

/// Counts and positions without a detection are committed at least this often, so that a quiet post hardly writes.
const BOOKKEEPING_SECONDS_MAX: i64 = 5;
/// How often a decision is made anew because somebody changed what it was made on.
const CONFLICTS_MAX: u32 = 20;
/// Time that passes before a busy ledger is asked again.
const PAUSE_WHEN_BUSY: Duration = Duration::from_millis(50);

/// Who hears of what is decided.
pub(super) struct Ears {
    pub(super) metrics: Arc<Metrics>,
    /// The senders, who wait while decisions lag behind.
    pub(super) backlog: Arc<Backlog>,
    pub(super) runtime: Handle,
    /// The language in which people are paged.
    pub(super) language: Language,
}

/// Decides in the order of the journal.
pub(super) struct Decider {
    stores: Stores,
    scope: Scope,
    sequence: Sequence,
    ears: Ears,
    /// The newest entry that was written because nothing arrived.
    ticked: Seq,
    /// What is durable in the ledger.
    committed: PipelinePosition,
    /// What was taken but not committed yet: only counts and positions.
    open: Open,
}

/// What waits to be committed.
#[derive(Default)]
struct Open {
    tally: Tally,
    position: PipelinePosition,
    since: Option<Timestamp>,
    /// The time of receipt of the last entry, the time of the decision.
    now: Timestamp,
}

impl Open {
    /// Stands behind what was read up to `read_to`, from where reading must begin again at `resume`. What is decided already is read again
    /// for the lake alone: until reading has caught up, the position stays.
    fn advance(&mut self, read_to: Seq, resume: Seq, correlated_us: i64) {
        if read_to > self.position.decided {
            self.position = PipelinePosition {
                decided: read_to,
                resume,
                correlated_us: correlated_us.max(self.now.as_microsecond()),
            };
        }
    }
}

impl Decider {
    pub(super) fn new(stores: Stores, sequence: Sequence, committed: PipelinePosition, ears: Ears) -> Self {
        let open = Open {
            position: committed,
            ..Open::default()
        };
        Self {
            stores,
            scope: Scope::of_post("pump"),
            sequence,
            ears,
            ticked: 0,
            committed,
            open,
        }
    }

    /// Takes a batch of entries.
    pub(super) fn take(&mut self, items: Vec<(Seq, Item)>) -> Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(items.len());
        let mut found: Vec<(Detection, Option<usize>)> = Vec::new();
        let mut rejections = Vec::new();
        let mut taken = Vec::new();
        let Some(&(read_to, _)) = items.last() else {
            return Ok(());
        };
        for (seq, item) in items {
            let is_new = seq > self.open.position.decided;
            match item {
                Item::Record {
                    source,
                    received_at,
                    reading,
                } => {
                    if is_new {
                        self.open.tally.received(&source, received_at);
                    }
                    self.open.now = self.open.now.max(received_at);
                    self.sequence.take(*reading, &mut taken);
                    self.keep(&mut taken, is_new, &mut events, &mut found);
                }
                Item::Rejection(rejection) => {
                    let record = &rejection.record;
                    if is_new {
                        self.open
                            .tally
                            .rejected(&record.source, rejection.reason, record.received_at);
                    }
                    self.open.now = self.open.now.max(record.received_at);
                    rejections.push(Refused {
                        seq,
                        rejection: *rejection,
                    });
                }
                Item::Loss(loss) => {
                    if is_new {
                        self.open.tally.lost(&loss.source, loss.records, loss.noticed_at);
                    }
                    self.open.now = self.open.now.max(loss.noticed_at);
                }
                Item::Tick(at) => {
                    self.open.now = self.open.now.max(at);
                    self.sequence.pass_time(at, &mut taken);
                    self.keep(&mut taken, is_new, &mut events, &mut found);
                }
            }
        }
        let resume = self.sequence.oldest_pending().unwrap_or(read_to + 1);
        self.open.advance(read_to, resume, self.committed.correlated_us);
        if self.open.position != self.committed {
            self.open.since.get_or_insert_with(clock::now);
        }
        if !found.is_empty() {
            self.commit(&found, &events)?;
        }
        self.store(events, rejections, resume)?;
        self.ears.backlog.decided(self.open.position.decided);
        Ok(())
    }

    /// What is decided already is read again only for the lake and for what waits to be joined.
    fn keep(
        &mut self,
        taken: &mut Vec<Taken>,
        is_new: bool,
        events: &mut Vec<Event>,
        found: &mut Vec<(Detection, Option<usize>)>,
    ) {
        for Taken { event, detections } in taken.drain(..) {
            if is_new {
                let place = events.len();
                found.extend(detections.into_iter().map(|detection| {
                    let completed_here = detection.event == event.seq;
                    (detection, completed_here.then_some(place))
                }));
                self.open
                    .tally
                    .stored(&event.source, u64::from(event.records), event.received_at);
                for problem in &event.problems {
                    self.open.tally.problem(&event.source, problem, event.received_at);
                }
            }
            events.push(event);
        }
    }

    /// Where nothing arrives, events may wait for further records for ever. What follows from the journal must not hang on a clock, so
    /// the time is written into the journal like a record.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        let waits_too_long = self
            .sequence
            .waits_until()
            .is_some_and(|until| now.as_second() > until.as_second());
        if !waits_too_long || self.ticked > self.open.position.decided {
            return;
        }
        let tick = vec![JournalEntry::Tick(now)];
        match self.ears.runtime.block_on(self.stores.journal.append(tick)) {
            Ok(seqs) => self.ticked = seqs.start,
            // The next look tries again.
            Err(error) => tracing::warn!("events wait for further records: {error}"),
        }
    }

    /// Lets time pass: correlations become certain, and counts that waited long enough are committed.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> Result<()> {
        let found: Vec<(Detection, Option<usize>)> = self
            .sequence
            .advance(now)
            .into_iter()
            .map(|detection| (detection, None))
            .collect();
        if !found.is_empty() {
            self.open.now = self.open.now.max(now);
            self.open.position.correlated_us = now.as_microsecond();
            return self.commit(&found, &[]);
        }
        let waits_since = self
            .open
            .since
            .filter(|since| now.as_second() - since.as_second() >= BOOKKEEPING_SECONDS_MAX);
        if waits_since.is_some() { self.settle() } else { Ok(()) }
    }

    /// Commits what waits.
    pub(super) fn settle(&mut self) -> Result<()> {
        if self.open.since.is_some() {
            self.commit(&[], &[])
        } else {
            Ok(())
        }
    }

    /// Puts other rules in force; correlations are rebuilt from the lake.
    pub(super) fn replace_rules(&mut self, rules: &SharedRules) -> Result<()> {
        self.settle()?;
        self.sequence.replace_rules(rules);
        super::replay::rebuild(&self.stores.lake, rules, &mut self.sequence, self.committed)
    }

    fn commit(&mut self, found: &[(Detection, Option<usize>)], events: &[Event]) -> Result<()> {
        let counts = std::mem::take(&mut self.open.tally).into_changes();
        let observed: Vec<Observed<'_>> = found
            .iter()
            .map(|(detection, place)| Observed {
                detection,
                event: place.and_then(|place| events.get(place)),
            })
            .collect();
        let now = if self.open.now == Timestamp::default() {
            clock::now()
        } else {
            self.open.now
        };
        let moment = Moment {
            now,
            entropy: clock::entropy()?,
        };
        for _ in 0..CONFLICTS_MAX {
            let ledger = &self.stores.ledger;
            let silences = ledger
                .silences_in_force(&self.scope, now)
                .context("reading the silences in force")?;
            let keys = operations::keys_of_batch(&observed, &silences);
            let contexts = ledger
                .alert_contexts(&self.scope, keys)
                .context("reading the alerts of a batch")?;
            let known = Known {
                contexts: &contexts,
                silences: &silences,
            };
            let mut decision = operations::decide_batch(&observed, counts.clone(), self.open.position, known, moment);
            super::paging::add_notifications(ledger, &mut decision, self.ears.language, moment.entropy)
                .context("asking whom a new alert pages")?;
            match ledger.apply(&decision) {
                Ok(_) => {
                    self.committed = self.open.position;
                    self.open.since = None;
                    self.ears
                        .metrics
                        .decided(found.iter().map(|(detection, _)| detection), clock::now());
                    return Ok(());
                }
                Err(ApplyError::Conflict { .. }) => {}
                Err(ApplyError::Busy) => thread::sleep(PAUSE_WHEN_BUSY),
                Err(error @ (ApplyError::DiskFull | ApplyError::Store(_))) => {
                    return Err(error).context("the decision on a batch was not committed");
                }
            }
        }
        anyhow::bail!("the decision on a batch was outdated {CONFLICTS_MAX} times in a row")
    }

    fn store(&mut self, events: Vec<Event>, rejections: Vec<Refused>, resume: Seq) -> Result<()> {
        let appended = self
            .stores
            .lake
            .append(Batch {
                events,
                rejections,
                resume,
            })
            .context("the lake took nothing")?;
        self.ears.metrics.stored(appended);
        let durable = self.committed.resume.min(self.stores.lake.position().resume);
        self.stores.journal.release(durable.saturating_sub(1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_again_for_the_lake_moves_no_position_until_it_has_caught_up() {
        let position = |decided, resume| PipelinePosition {
            decided,
            resume,
            correlated_us: 7,
        };
        let mut open = Open {
            position: position(44_000, 43_990),
            ..Open::default()
        };
        for (read_to, resume, expected) in [
            (2000, 2001, (44_000, 43_990)),
            (43_999, 43_995, (44_000, 43_990)),
            (44_000, 43_985, (44_000, 43_990)),
            (45_000, 45_001, (45_000, 45_001)),
        ] {
            open.advance(read_to, resume, 7);
            assert_eq!(open.position, position(expected.0, expected.1), "{read_to}");
        }
    }
}
