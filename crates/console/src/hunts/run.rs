//! Carrying out a hunt of the console: its rows first, then how many there are, when, and their most frequent values.

use std::{
    io::{self, Write},
    sync::Arc,
};

use axum::body::Bytes;
use lake::query::{
    Hunt, HuntError, Inquiry, InquiryError, RecordBatch, Summing,
    output::{Format, Output, row},
};
use model::{Id, User};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{ANSWER_BYTES_MAX, Hunts, ROWS_MAX, Running, Wanted};
use crate::desk::Desk;

/// After so many batches (of up to 8,192 events) what is known so far is shown.
const SHOWN_EVERY: usize = 24;
/// Values of a column that are shown.
const VALUES_MAX: usize = 10;
/// Longest text of a cell on the page in bytes; the record's own page has the whole.
const CELL_BYTES_MAX: usize = 2048;
/// Bytes of an export that wait for whoever takes them.
const CHUNKS_WAITING_MAX: usize = 4;

/// Why a hunt was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// There are enough already.
    TooMany,
    /// The question is wrong.
    Wrong(InquiryError),
}

/// Begins a hunt of a person.
pub(crate) async fn begin(desk: &Desk, owner: Id<User>, wanted: Wanted) -> Result<Arc<Running>, NotBegun> {
    let running = desk.hunts.place(owner).ok_or(NotBegun::TooMany)?;
    let begun = planned(desk, owner, &wanted.inquiry).await;
    let hunt = match begun {
        Ok(hunt) => hunt,
        Err(wrong) => {
            desk.hunts.forget(running.id);
            return Err(NotBegun::Wrong(wrong));
        }
    };
    running.shown().handle = Some(hunt.handle());
    let (lake, hunts) = (Arc::clone(&desk.state.lake), Arc::clone(&desk.hunts));
    let watched = Arc::clone(&running);
    tokio::task::spawn_blocking(move || {
        let session = hunts.session(&lake, owner);
        let outcome = take_rows(&watched, hunt, wanted.inquiry.rows_max.unwrap_or(ROWS_MAX)).and_then(|()| {
            if wanted.inquiry.sql || watched.is_cancelled() {
                return Ok(());
            }
            match session?.summarise(&wanted.inquiry, &wanted.facets) {
                Ok(summing) => sum_up(&watched, summing),
                Err(InquiryError::Hunt(error)) => Err(error),
                Err(InquiryError::Search(error)) => Err(HuntError::Failed(error.to_string())),
            }
        });
        let mut shown = watched.shown();
        shown.failure = outcome.err();
        shown.rows_done = true;
        shown.done = true;
        shown.handle = None;
    });
    Ok(running)
}

async fn planned(desk: &Desk, owner: Id<User>, inquiry: &Inquiry) -> Result<Hunt, InquiryError> {
    let hunts: Arc<Hunts> = Arc::clone(&desk.hunts);
    let inquiry = inquiry.clone();
    desk.fetch(move |lake| hunts.session(lake, owner)?.inquire(&inquiry))
        .await
}

fn take_rows(running: &Running, mut hunt: Hunt, rows_max: usize) -> Result<(), HuntError> {
    let names = hunt
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    running.shown().columns = names;
    let mut bytes = 0;
    while let Some(batch) = hunt.next_blocking()? {
        let mut shown = running.shown();
        for number in 0..batch.num_rows() {
            if shown.rows.len() >= rows_max || bytes > ANSWER_BYTES_MAX {
                // What SQL answers beyond what the page shows.
                shown.incomplete = vec![lake::query::Incomplete::RowLimit {
                    rows: shown.rows.len() as u64,
                }];
                shown.progress = hunt.progress();
                return Ok(());
            }
            let mut cells = row(&batch, number);
            bytes += cells.values_mut().map(cut).sum::<usize>();
            shown.rows.push(cells);
        }
    }
    let mut shown = running.shown();
    shown.rows_done = true;
    shown.incomplete = hunt.incomplete();
    shown.progress = hunt.progress();
    Ok(())
}

/// Cuts a long text, and says how long it is now.
fn cut(value: &mut Value) -> usize {
    match value {
        Value::String(text) => {
            if text.len() > CELL_BYTES_MAX {
                text.truncate(text.floor_char_boundary(CELL_BYTES_MAX));
                text.push('…');
            }
            text.len()
        }
        Value::Array(items) => {
            items.truncate(100);
            items.iter_mut().map(cut).sum()
        }
        Value::Object(entries) => entries.values_mut().map(cut).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

fn sum_up(running: &Running, mut summing: Summing) -> Result<(), HuntError> {
    running.shown().handle = Some(summing.hunt.handle());
    if running.is_cancelled() {
        summing.hunt.handle().cancel();
    }
    let mut taken = 0;
    while summing.advance_blocking()? {
        taken += 1;
        if taken % SHOWN_EVERY == 0 {
            running.shown().summary = Some(summing.summary(VALUES_MAX));
        }
    }
    let mut shown = running.shown();
    shown.summary = Some(summing.summary(VALUES_MAX));
    shown.progress = summing.hunt.progress();
    for lacking in summing.hunt.incomplete() {
        if !shown.incomplete.contains(&lacking) {
            shown.incomplete.push(lacking);
        }
    }
    Ok(())
}

/// Begins to write out everything that an inquiry finds. The bytes come as they are found.
pub(crate) async fn begin_export(
    desk: &Desk,
    owner: Id<User>,
    inquiry: Inquiry,
    format: Format,
) -> Result<mpsc::Receiver<io::Result<Bytes>>, NotBegun> {
    let running = desk.hunts.place(owner).ok_or(NotBegun::TooMany)?;
    let mut hunt = match planned(desk, owner, &inquiry).await {
        Ok(hunt) => hunt,
        Err(wrong) => {
            desk.hunts.forget(running.id);
            return Err(NotBegun::Wrong(wrong));
        }
    };
    let (send, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
    let hunts = Arc::clone(&desk.hunts);
    tokio::task::spawn_blocking(move || {
        let wrote = write_out(&mut hunt, format, &send);
        if let Err(error) = wrote {
            // The connection is broken off, so that nobody takes what came for the whole.
            let _ = send.blocking_send(Err(error));
        }
        hunts.forget(running.id);
    });
    Ok(chunks)
}

fn write_out(hunt: &mut Hunt, format: Format, send: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let sink = Chunks {
        waiting: Vec::new(),
        send: send.clone(),
    };
    let mut output = Output::begin(format, &hunt.schema(), sink)?;
    loop {
        let next: Option<RecordBatch> = hunt.next_blocking().map_err(io::Error::other)?;
        let Some(batch) = next else { break };
        output.write(&batch)?;
    }
    let lacking: Vec<String> = hunt.incomplete().iter().map(ToString::to_string).collect();
    if !lacking.is_empty() {
        output.lacks(&lacking.join("; "))?;
    }
    output.finish().map(drop)
}

/// Hands on what is written in pieces of some size.
struct Chunks {
    waiting: Vec<u8>,
    send: mpsc::Sender<io::Result<Bytes>>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const CHUNK: usize = 64 * 1024;
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.hand_on()?;
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()
    }
}

impl Chunks {
    fn hand_on(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let chunk = Bytes::from(std::mem::take(&mut self.waiting));
        self.send
            .blocking_send(Ok(chunk))
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the export any more"))
    }
}
