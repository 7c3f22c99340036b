//! EVTX files sent as a body. The reader comes from the composition root, for EVTX is a format, and formats are not known here.

use std::{ops::ControlFlow, sync::Arc};

use axum::extract::{Request, State};
use bytes::Bytes;
use model::{JournalEntry, RejectReason, Transport};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    Refused,
    intake::{Answer, Body, Call, IntakeState, JsonAnswer},
    receiving::{Refusal, Sender},
};

/// Reads EVTX files into records.
pub trait EvtxReader: Send + Sync + 'static {
    /// Reads a whole file in its order, handing on each record rendered as JSON, or what is wrong with it, until told to stop.
    ///
    /// # Errors
    /// When the bytes are no EVTX file.
    fn read(&self, file: &Bytes, each: &mut dyn FnMut(Result<Bytes, String>) -> ControlFlow<()>) -> Result<(), String>;
}

/// Records that go to the journal in one write, and writes that may wait.
const BATCH_RECORDS: usize = 512;
const BATCHES_MAX: usize = 4;

/// Answers `POST /v1/evtx[?skip=N]` with `{"accepted":N,"rejected":N}`. When the journal is full, 429 says with `skip` how many
/// records of the file are kept, so that sending it again with that parameter stores none twice.
pub(crate) async fn receive(State(state): State<IntakeState>, request: Request) -> Answer {
    super::detached(async move {
        let (parts, body) = request.into_parts();
        let call = Call::of(parts);
        answer(&state, &call, body).await.to(&call)
    })
    .await
}

async fn answer(state: &IntakeState, call: &Call, body: axum::body::Body) -> JsonAnswer {
    let Ok(sender) = call.sender(state, Transport::Evtx) else {
        return error(401, "missing or unknown token: send `Authorization: Bearer TOKEN`");
    };
    let Some(reader) = state.receiving.evtx.clone() else {
        return error(501, "this intake does not read EVTX files");
    };
    let skip = match call.parameter("skip").map(str::parse::<u64>) {
        None => 0,
        Some(Ok(skip)) => skip,
        Some(Err(_)) => return error(400, "`skip` is not a number"),
    };
    match Body::receive(state, call, body).await {
        Ok(body) => take(state, &sender, reader, &body, skip).await,
        Err(refusal) => {
            let (status, detail) = refusal.settle(state, &sender).await;
            error(status, &detail)
        }
    }
}

fn error(status: u16, detail: &str) -> JsonAnswer {
    JsonAnswer::plain(status, &json!({"error": detail, "status": status}))
}

async fn take(state: &IntakeState, sender: &Sender, reader: Arc<dyn EvtxReader>, body: &Body, skip: u64) -> JsonAnswer {
    let (batches, mut queue) = mpsc::channel::<Vec<Result<Bytes, String>>>(BATCHES_MAX);
    let file = body.bytes.clone();
    let reading = tokio::task::spawn_blocking(move || read(reader.as_ref(), &file, skip, &batches));
    let (mut accepted, mut rejected) = (0, 0);
    let mut stopped: Option<Refused> = None;
    while let Some(batch) = queue.recv().await {
        let bad = batch.iter().filter(|record| record.is_err()).count();
        let (records, entries) = (batch.len(), entries(state, sender, batch));
        match state.receiving.keep(Transport::Evtx, entries).await {
            Ok(_) => {
                accepted += records - bad;
                rejected += bad;
            }
            Err(refused) => {
                stopped = Some(refused);
                break;
            }
        }
    }
    // Without its receiver the reading thread stops at its next batch.
    drop(queue);
    let read = reading
        .await
        .unwrap_or_else(|_| Err("reading the file failed".to_owned()));
    if let Some(refused) = stopped {
        let kept = skip + (accepted + rejected) as u64;
        let detail = json!({"error": refused.to_string(), "accepted": accepted, "rejected": rejected, "skip": kept});
        return JsonAnswer::plain(refused.status(), &detail);
    }
    match read {
        Ok(()) => JsonAnswer::plain(200, &json!({"accepted": accepted, "rejected": rejected})),
        Err(detail) => refuse_file(state, sender, body, &detail, accepted).await,
    }
}

async fn refuse_file(state: &IntakeState, sender: &Sender, body: &Body, detail: &str, accepted: usize) -> JsonAnswer {
    let refusal = Refusal {
        kept: body.bytes.clone(),
        reason: RejectReason::NotParsable,
        detail: detail.to_owned(),
    };
    let entry = sender.rejection(state.receiving.now(), refusal);
    match state.receiving.keep(Transport::Evtx, vec![entry]).await {
        Ok(_) => JsonAnswer::plain(400, &json!({"error": detail, "accepted": accepted, "status": 400})),
        Err(refused) => error(refused.status(), &refused.to_string()),
    }
}

fn read(
    reader: &dyn EvtxReader,
    file: &Bytes,
    skip: u64,
    batches: &mpsc::Sender<Vec<Result<Bytes, String>>>,
) -> Result<(), String> {
    let mut seen = 0;
    let mut batch = Vec::with_capacity(BATCH_RECORDS);
    let read = reader.read(file, &mut |record| {
        seen += 1;
        if seen <= skip {
            return ControlFlow::Continue(());
        }
        batch.push(record);
        if batch.len() == BATCH_RECORDS && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    if !batch.is_empty() {
        // The receiver is gone when the journal refused; then the rest is the sender's to send again.
        let _ = batches.blocking_send(batch);
    }
    read
}

fn entries(state: &IntakeState, sender: &Sender, batch: Vec<Result<Bytes, String>>) -> Vec<JournalEntry> {
    let now = state.receiving.now();
    batch
        .into_iter()
        .map(|record| match record {
            Ok(bytes) => sender.record(now, bytes),
            Err(detail) => {
                let refusal = Refusal {
                    kept: Bytes::new(),
                    reason: RejectReason::NotParsable,
                    detail,
                };
                sender.rejection(now, refusal)
            }
        })
        .collect()
}
