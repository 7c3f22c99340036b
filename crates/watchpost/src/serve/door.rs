//! What the running post does for commands on the same machine, and how it reads uploaded event logs and the header lines of followed files.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use ingest::{ColumnHeader, EvtxReader, Receiving};
use lake::Lake;
use model::{FormatHint, JournalEntry, RawRecord, SourceId, Transport};
use normalize::HeaderFollower;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
};

use super::pump::Stores;
use crate::{
    control::{self, Answer, ExerciseRecord, Question},
    hunting::{self, Frame, Wanted},
    look_back::{self, Request},
};

/// Answers questions until the post ends.
pub(super) async fn answer_all(door: UnixListener, receiving: Arc<Receiving>, stores: Stores) {
    loop {
        match door.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer_one(stream, Arc::clone(&receiving), stores.clone()));
            }
            Err(error) => {
                tracing::error!("the door for commands is closed: {error}");
                return;
            }
        }
    }
}

async fn answer_one(mut stream: UnixStream, receiving: Arc<Receiving>, stores: Stores) {
    let answer = match control::question(&mut stream).await {
        Ok(Question::Exercise { name, records }) => take_exercise(&receiving, &name, records).await,
        Ok(Question::Heard {
            from,
            until,
            events_max,
        }) => match spawn_blocking(move || stores.lake.heard(from, until, events_max)).await {
            Ok(heard) => Answer::Heard(Box::new(heard)),
            Err(error) => Answer::Refused {
                reason: format!("looking into the lake failed: {error}"),
            },
        },
        Ok(Question::Hunt { wanted }) => {
            answer_hunt(stream, stores.lake, wanted).await;
            return;
        }
        Ok(Question::LookBack { request }) => look_back(stores, request).await,
        Err(error) => Answer::Refused {
            reason: format!("{error:#}"),
        },
    };
    if let Err(error) = control::answer(&mut stream, &answer).await {
        tracing::debug!("a command went away before its answer: {error:#}");
    }
}

/// Holds rules against what is kept, one such question after the other.
async fn look_back(stores: Stores, request: Request) -> Answer {
    let refused = |reason: String| Answer::Refused { reason };
    let Ok(place) = LOOKING_BACK.try_acquire() else {
        return refused("somebody looks back already".to_owned());
    };
    let looked = tokio::task::spawn_blocking(move || look_back::look(&stores.lake, &stores.ledger, &request)).await;
    drop(place);
    match looked {
        Ok(Ok(report)) => Answer::LookedBack { report },
        Ok(Err(error)) => refused(format!("{error:#}")),
        Err(error) => refused(format!("looking back panicked: {error}")),
    }
}

/// Looks back at once.
static LOOKING_BACK: Semaphore = Semaphore::const_new(1);

/// Hunts for a command until it has its answer, says `cancel`, or is gone.
async fn answer_hunt(stream: UnixStream, lake: Arc<Lake>, wanted: Wanted) {
    let Ok(_place) = HUNTS.try_acquire() else {
        let (_, mut write) = stream.into_split();
        let reason = format!("{HUNTS_MAX} commands hunt already");
        let _ = hunting::send(&mut write, &Frame::Failed { reason }).await;
        return;
    };
    let (read, mut write) = stream.into_split();
    let cancelled = Arc::new(AtomicBool::new(false));
    let (send, mut frames) = mpsc::channel(4);
    let hunting = tokio::task::spawn_blocking({
        let cancelled = Arc::clone(&cancelled);
        move || {
            hunting::carry_out(&lake, &wanted, &cancelled, &mut |frame| {
                send.blocking_send(frame).is_ok()
            });
        }
    });
    let listener = tokio::spawn({
        let cancelled = Arc::clone(&cancelled);
        async move {
            // A line or the end of all lines: either way nobody waits for more.
            let _ = BufReader::new(read).take(16).read_line(&mut String::new()).await;
            cancelled.store(true, Ordering::Relaxed);
        }
    });
    while let Some(frame) = frames.recv().await {
        if hunting::send(&mut write, &frame).await.is_err() {
            cancelled.store(true, Ordering::Relaxed);
            break;
        }
    }
    drop(frames);
    listener.abort();
    if let Err(error) = hunting.await {
        tracing::error!("a hunt panicked: {error}");
    }
}

/// Commands that hunt at once.
const HUNTS_MAX: usize = 4;
static HUNTS: Semaphore = Semaphore::const_new(HUNTS_MAX);

async fn take_exercise(receiving: &Receiving, name: &str, records: Vec<ExerciseRecord>) -> Answer {
    let received_at = (receiving.clock)();
    let count = records.len();
    let entries = records.into_iter().map(|record| {
        JournalEntry::Record(RawRecord {
            source: SourceId::new(&record.source),
            received_at,
            transport: Transport::Exercise,
            origin: format!("exercise/{name}").into(),
            format: FormatHint::Unknown,
            exercise: true,
            bytes: Bytes::from(record.line),
        })
    });
    match receiving.keep(Transport::Exercise, entries.collect()).await {
        Ok(_) => Answer::Accepted { records: count },
        Err(refused) => Answer::Refused {
            reason: refused.to_string(),
        },
    }
}

/// Reads event logs for the intake.
pub(super) struct Evtx;

impl EvtxReader for Evtx {
    fn read(&self, file: &Bytes, each: &mut dyn FnMut(Result<Bytes, String>) -> ControlFlow<()>) -> Result<(), String> {
        for (index, record) in normalize::evtx_records(file.as_ref()).enumerate() {
            let record = match record {
                Ok(record) => Ok(record.json),
                Err(rejection) if index == 0 && rejection.bytes.len() == file.len() => return Err(rejection.detail),
                Err(rejection) => Err(rejection.detail),
            };
            if each(record).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Makes the header of a followed file.
pub(super) fn column_header() -> Box<dyn ColumnHeader> {
    Box::new(Header::default())
}

#[derive(Debug, Clone, Default)]
struct Header(HeaderFollower);

impl ColumnHeader for Header {
    fn observe(&mut self, line: &[u8]) {
        self.0.observe(line);
    }

    fn hint(&self) -> FormatHint {
        self.0.hint()
    }

    fn duplicate(&self) -> Box<dyn ColumnHeader> {
        Box::new(self.clone())
    }
}
