//! What the running post does for commands on the same machine, and how it reads uploaded event logs and the header lines of followed files.

use std::{ops::ControlFlow, sync::Arc};

use bytes::Bytes;
use ingest::{ColumnHeader, EvtxReader, Receiving};
use lake::Lake;
use model::{FormatHint, JournalEntry, RawRecord, SourceId, Transport};
use normalize::HeaderFollower;
use tokio::{
    net::{UnixListener, UnixStream},
    task::spawn_blocking,
};

use crate::control::{self, Answer, ExerciseRecord, Question};

/// Answers questions until the post ends.
pub(super) async fn answer_all(door: UnixListener, receiving: Arc<Receiving>, lake: Arc<Lake>) {
    loop {
        match door.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer_one(stream, Arc::clone(&receiving), Arc::clone(&lake)));
            }
            Err(error) => {
                tracing::error!("the door for commands is closed: {error}");
                return;
            }
        }
    }
}

async fn answer_one(mut stream: UnixStream, receiving: Arc<Receiving>, lake: Arc<Lake>) {
    let answer = match control::question(&mut stream).await {
        Ok(Question::Exercise { name, records }) => take_exercise(&receiving, &name, records).await,
        Ok(Question::Heard {
            from,
            until,
            events_max,
        }) => match spawn_blocking(move || lake.heard(from, until, events_max)).await {
            Ok(heard) => Answer::Heard(Box::new(heard)),
            Err(error) => Answer::Refused {
                reason: format!("looking into the lake failed: {error}"),
            },
        },
        Err(error) => Answer::Refused {
            reason: format!("{error:#}"),
        },
    };
    if let Err(error) = control::answer(&mut stream, &answer).await {
        tracing::debug!("a command went away before its answer: {error:#}");
    }
}

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
