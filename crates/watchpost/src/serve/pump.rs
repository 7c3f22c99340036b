//! The pump: from the journal to events, detections, decisions and the lake, in that order, once each. One thread reads the journal and
//! normalises on all cores; one decides and stores. Whatever fails, the pump begins again at the positions that are durable.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use detect::{Arrival, SharedRules};
use ingest::Backlog;
use journal::{Journal, ReadError};
use lake::Lake;
use ledger::Ledger;
use model::{JournalEntry, Language, RawRecord, Scope, Seq, SourceId, Timestamp};
use normalize::Normalizer;
use tokio::{runtime::Handle, sync::watch};

use super::{
    decide::{Decider, Ears},
    metrics::Metrics,
};
use crate::{
    clock,
    pipeline::{Readers, Reading, Sequence},
};

/// Entries read from the journal at once, and their bytes.
const BATCH_ENTRIES_MAX: usize = 2000;
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batches that are read and wait to be decided.
const BATCHES_WAITING_MAX: usize = 1;
/// How long the pump sleeps when nothing arrives before it lets time pass for correlations.
const IDLE: Duration = Duration::from_secs(1);
/// Pause before the pump begins again after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The stores between which the pump works.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) journal: Journal,
    pub(crate) ledger: Ledger,
    pub(crate) lake: Arc<Lake>,
}

/// Everything that the pump needs.
pub(crate) struct Pump {
    pub(crate) stores: Stores,
    pub(crate) normalizer: Arc<Normalizer>,
    pub(crate) rules: watch::Receiver<SharedRules>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) runtime: Handle,
    /// The language in which people are paged.
    pub(crate) language: Language,
}

/// What the reading thread hands to the deciding one.
pub(super) enum Work {
    /// Entries in order; a record has its reading.
    Batch(Vec<(Seq, Item)>),
    /// Other rules are in force from here on.
    Rules(SharedRules),
}

/// An entry of the journal, as far as it is understood without its neighbours.
pub(super) enum Item {
    Record {
        source: SourceId,
        received_at: Timestamp,
        reading: Box<Reading>,
    },
    Rejection(Box<model::Rejection>),
    Loss(model::Loss),
    Tick(Timestamp),
}

impl Pump {
    /// Pumps until told to stop.
    pub(crate) fn run(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            // A bug must not end the watch: the pump begins again at what is durable, and the post says that it is not ready.
            let ran = catch_unwind(AssertUnwindSafe(|| self.run_once()))
                .unwrap_or_else(|_| Err(anyhow!("the pump panicked")));
            match ran {
                Ok(()) => self.metrics.pump_works(),
                Err(error) => {
                    tracing::error!("the pump begins again: {error:#}");
                    self.metrics.pump_fails(&error);
                    thread::sleep(PAUSE_AFTER_FAILURE);
                }
            }
        }
    }

    /// Pumps from the durable positions until something fails or the end is wished for.
    fn run_once(&mut self) -> Result<()> {
        let scope = Scope::of_post("pump");
        let decided = self
            .stores
            .ledger
            .pipeline_position(&scope)
            .context("reading the pipeline's position")?;
        let lake = self.stores.lake.position().resume;
        let first = decided.resume.min(lake).max(1);
        let rules = SharedRules::clone(&self.rules.borrow_and_update());
        let mut sequence = Sequence::new(&rules, Arrival::Stream);
        super::replay::rebuild(&self.stores.lake, &rules, &mut sequence, decided)?;
        let desk = Decider::new(self.stores.clone(), sequence, decided, self.ears());
        let (give, take) = sync_channel(BATCHES_WAITING_MAX);
        let stop = Arc::clone(&self.stop);
        thread::scope(|scope| {
            let deciding = scope.spawn(move || decide_all(desk, &take, &stop));
            let read = self.read_all(first, &rules, &give, &|| deciding.is_finished());
            drop(give);
            let decided = deciding.join().map_err(|_| anyhow!("deciding panicked"))?;
            decided.and(read)
        })
    }

    fn ears(&self) -> Ears {
        Ears {
            metrics: Arc::clone(&self.metrics),
            backlog: Arc::clone(&self.backlog),
            runtime: self.runtime.clone(),
            language: self.language,
        }
    }

    /// Reads the journal from `next` on. Ends without an error when the deciding thread is gone: that one has the reason.
    fn read_all(
        &mut self,
        mut next: Seq,
        rules: &SharedRules,
        give: &SyncSender<Work>,
        deciding_is_over: &dyn Fn() -> bool,
    ) -> Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut readers = Readers::new(Arc::clone(&self.normalizer), rules, threads);
        while !self.stop.load(Ordering::Relaxed) {
            if self.rules.has_changed().unwrap_or(false) {
                let rules = SharedRules::clone(&self.rules.borrow_and_update());
                readers = Readers::new(Arc::clone(&self.normalizer), &rules, threads);
                if give.send(Work::Rules(rules)).is_err() {
                    return Ok(());
                }
            }
            let entries = self.read_batch(next)?;
            let Some((last, _)) = entries.last() else {
                // Senders who wait for decisions send nothing that would show it.
                if deciding_is_over() {
                    return Ok(());
                }
                self.wait_beyond(next.saturating_sub(1));
                continue;
            };
            next = last + 1;
            if give.send(Work::Batch(read_items(&mut readers, entries))).is_err() {
                return Ok(());
            }
            self.metrics.pump_works();
        }
        Ok(())
    }

    /// Damaged entries become a loss: counted, named, and passed over.
    fn read_batch(&self, next: Seq) -> Result<Vec<(Seq, JournalEntry)>> {
        match self.stores.journal.read(next, BATCH_ENTRIES_MAX, BATCH_BYTES_MAX) {
            Ok(entries) => Ok(entries),
            Err(ReadError::Disk(error)) => Err(error).context("reading the journal"),
            Err(damage @ ReadError::Damaged { .. }) => {
                tracing::error!("{damage}");
                let ReadError::Damaged { first, last, ref cause } = damage else {
                    unreachable!("matched above")
                };
                let loss = model::Loss {
                    source: SourceId::new("watchpost/journal"),
                    noticed_at: clock::now(),
                    records: last + 1 - first,
                    detail: cause.to_string(),
                };
                Ok(vec![(last, JournalEntry::Loss(loss))])
            }
        }
    }

    fn wait_beyond(&self, seq: Seq) {
        // Whether something came, nothing did, or the journal closed: the caller looks.
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(IDLE, self.stores.journal.wait_beyond(seq)).await });
    }
}

fn read_items(readers: &mut Readers, entries: Vec<(Seq, JournalEntry)>) -> Vec<(Seq, Item)> {
    let mut records: Vec<(Seq, RawRecord)> = Vec::with_capacity(entries.len());
    let mut others = Vec::new();
    for (seq, entry) in entries {
        match entry {
            JournalEntry::Record(record) => records.push((seq, record)),
            JournalEntry::Rejection(rejection) => others.push((seq, Item::Rejection(Box::new(rejection)))),
            JournalEntry::Loss(loss) => others.push((seq, Item::Loss(loss))),
            JournalEntry::Tick(at) => others.push((seq, Item::Tick(at))),
        }
    }
    let readings = readers.read(&records);
    let mut items: Vec<(Seq, Item)> = records
        .into_iter()
        .zip(readings)
        .map(|((seq, record), reading)| {
            let RawRecord {
                source, received_at, ..
            } = record;
            (
                seq,
                Item::Record {
                    source,
                    received_at,
                    reading: Box::new(reading),
                },
            )
        })
        .collect();
    if !others.is_empty() {
        items.extend(others);
        items.sort_by_key(|(seq, _)| *seq);
    }
    items
}

fn decide_all(mut desk: Decider, take: &Receiver<Work>, stop: &AtomicBool) -> Result<()> {
    loop {
        match take.recv_timeout(IDLE) {
            Ok(Work::Batch(items)) => desk.take(items)?,
            Ok(Work::Rules(rules)) => desk.replace_rules(&rules)?,
            Err(RecvTimeoutError::Timeout) if !stop.load(Ordering::Relaxed) => desk.note_time(clock::now()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return desk.settle(),
        }
        desk.pass_time(clock::now())?;
    }
}
