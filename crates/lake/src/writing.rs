//! From memory to files: two threads turn pieces into Parquet, and one of them writes files when it is time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use model::Event;

use crate::{
    Appended, Batch, Inner, State,
    catalog::{Change, View},
    error::{AppendError, FlushError},
    manifest::{Facts, Position},
    memory::Stored,
    rejection_row::Refused,
    row::Row,
    segment::{self, Segment},
};

/// Parquet in memory is written out at this size, whether it is time or not.
const FLUSH_BYTES: usize = 16 * 1024 * 1024;

impl Inner {
    pub(crate) fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        let bytes =
            batch.events.iter().map(Row::bytes).sum::<usize>() + batch.rejections.iter().map(Row::bytes).sum::<usize>();
        let mut state = self.lock();
        while state.memory.bytes() > 0 && state.memory.bytes() + bytes > self.config.memory_bytes_max {
            if let Some(failure) = &state.failure {
                return Err(AppendError::Full(failure.clone()));
            }
            state.urgent = true;
            self.changed.notify_all();
            state = self.wait(state);
        }
        let mut appended = Appended::default();
        for event in batch.events {
            self.take(&mut state, event, batch.resume, &mut appended);
        }
        for refused in batch.rejections {
            self.take(&mut state, refused, batch.resume, &mut appended);
        }
        state.memory.position.advance(batch.resume);
        state.urgent |= state.memory.events.segment_bytes() >= FLUSH_BYTES;
        drop(state);
        self.changed.notify_all();
        Ok(appended)
    }

    fn take<R: Stored>(&self, state: &mut State, row: R, resume: u64, appended: &mut Appended) {
        if state.memory.position.has(row.seq()) {
            appended.known += 1;
            return;
        }
        if row.seq() >= resume {
            state.memory.position.ahead.insert(row.seq());
        }
        let (rows, next_piece) = R::rows_mut(&mut state.memory);
        rows.push(row, self.config.partition_days_back, next_piece);
        appended.new += 1;
    }

    /// Turns pieces into Parquet as they come.
    pub(crate) fn run_encoder(&self) {
        loop {
            let mut state = self.lock();
            while !state.stopping
                && !state.memory.events.has_unclaimed_rows(u64::MAX)
                && !state.memory.rejections.has_unclaimed_rows(u64::MAX)
            {
                state = self.wait(state);
            }
            if state.stopping {
                return;
            }
            drop(state);
            if self.encode_all(u64::MAX).is_err() {
                // The flusher meets the same error and tells of it; here it must only not be tried without pause.
                self.pause(Duration::from_secs(1));
            }
        }
    }

    fn encode_all(&self, before: u64) -> Result<(), FlushError> {
        while self.encode_one::<Event>(before)? || self.encode_one::<Refused>(before)? {}
        Ok(())
    }

    fn encode_one<R: Stored>(&self, before: u64) -> Result<bool, FlushError> {
        let claimed = R::rows_mut(&mut self.lock().memory).0.claim(before);
        let Some((id, rows)) = claimed else { return Ok(false) };
        let encoded = segment::encode(&rows);
        drop(rows);
        let (segment, outcome) = match encoded {
            Ok(segment) => (Some(segment), Ok(true)),
            Err(error) => (None, Err(error)),
        };
        let mut state = self.lock();
        R::rows_mut(&mut state.memory).0.settle(id, segment);
        state.urgent |= state.memory.events.segment_bytes() >= FLUSH_BYTES;
        drop(state);
        self.changed.notify_all();
        outcome
    }

    /// Writes files when events have waited long enough, or are many.
    pub(crate) fn run_flusher(&self) {
        loop {
            let mut state = self.lock();
            while !state.stopping && !state.is_dirty() {
                state = self.wait(state);
            }
            let stopping = state.stopping;
            if !stopping {
                let patience = Duration::from_secs(self.config.flush_seconds.into());
                let waited = self
                    .changed
                    .wait_timeout_while(state, patience, |state| !state.stopping && !state.urgent);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            state.urgent = false;
            let failing = state.failure.is_some();
            drop(state);
            if self.flush().is_err() && !stopping {
                // The failure is kept for those who append; the disk is given a moment.
                self.pause(Duration::from_millis(if failing { 1000 } else { 100 }));
            } else {
                // Merging small files is a kindness to readers; when it fails nothing is lost and it is tried again.
                let _ = self.merge();
            }
            if stopping {
                return;
            }
        }
    }

    /// Waits, but not longer than the lake is open.
    fn pause(&self, patience: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), patience, |state| !state.stopping);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn flush(&self) -> Result<(), FlushError> {
        let outcome = self.flush_once();
        let mut state = self.lock();
        state.failure = outcome.as_ref().err().map(ToString::to_string);
        drop(state);
        self.changed.notify_all();
        outcome
    }

    fn flush_once(&self) -> Result<(), FlushError> {
        let mut catalog = self.lock_catalog();
        let mut state = self.lock();
        if !state.is_dirty() {
            return Ok(());
        }
        let memory = &mut state.memory;
        memory.events.cut_all(&mut memory.next_piece);
        memory.rejections.cut_all(&mut memory.next_piece);
        let (position, before, view) = (memory.position.clone(), memory.next_piece, Arc::clone(&state.view));
        drop(state);
        self.finish_encoding(before)?;
        let changes = self.changes(before)?;
        let next = catalog.commit(&view, changes, position)?;
        self.install(next, |state| {
            state.memory.events.forget(before);
            state.memory.rejections.forget(before);
        });
        self.remove_garbage(&mut catalog);
        Ok(())
    }

    /// Returns when all pieces before `before` are Parquet, whoever turned them into it.
    fn finish_encoding(&self, before: u64) -> Result<(), FlushError> {
        loop {
            self.encode_all(before)?;
            let mut state = self.lock();
            if !state.memory.events.is_any_claimed(before) && !state.memory.rejections.is_any_claimed(before) {
                if !state.memory.events.has_unclaimed_rows(before)
                    && !state.memory.rejections.has_unclaimed_rows(before)
                {
                    return Ok(());
                }
                continue;
            }
            state = self.wait(state);
            drop(state);
        }
    }

    fn changes(&self, before: u64) -> Result<Vec<Change>, FlushError> {
        let (events, rejections) = {
            let state = self.lock();
            (
                state.memory.events.segments(before),
                state.memory.rejections.segments(before),
            )
        };
        let events = events.into_iter().map(|(day, segments)| (Event::TABLE, day, segments));
        let rejections = rejections
            .into_iter()
            .map(|(day, segments)| (Refused::TABLE, day, segments));
        events
            .chain(rejections)
            .map(|(table, day, segments)| {
                Ok(Change {
                    table,
                    day,
                    add: Some(joined(&segments)?),
                    remove: BTreeSet::new(),
                    lost: BTreeMap::new(),
                    regained: BTreeMap::new(),
                })
            })
            .collect()
    }

    /// Makes a new view the one that readers get, together with what else changes in that moment.
    pub(crate) fn install(&self, view: View, also: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        state.view = Arc::new(view);
        also(&mut state);
        drop(state);
        self.changed.notify_all();
    }
}

fn joined(segments: &[Arc<Segment>]) -> Result<(Bytes, Facts), FlushError> {
    let facts = Facts::joined(segments.iter().map(|segment| &segment.facts));
    let parts: Vec<Bytes> = segments.iter().map(|segment| segment.parquet.clone()).collect();
    match parts.as_slice() {
        [only] => Ok((only.clone(), facts)),
        many => Ok((segment::join(many)?.into(), facts)),
    }
}

impl State {
    /// Whether there is anything that a flush would write.
    fn is_dirty(&self) -> bool {
        self.memory.bytes() > 0 || self.memory.position != self.view.position
    }

    pub(crate) fn written_position(&self) -> Position {
        self.view.position.clone()
    }
}
