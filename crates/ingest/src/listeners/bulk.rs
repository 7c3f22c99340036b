//! Elasticsearch's `_bulk` and its requests with one document: what Beats, Logstash, Fluent Bit, Vector, rsyslog and syslog-ng send.

use compact_str::CompactString;
use model::{JournalEntry, Transport};
use tokio::time::Instant;

use bytes::Bytes;
use model::RejectReason;

use crate::{
    bulk::{BulkLimits, Content, Item, Operation, Outcome, check_document, parse, write_answer, write_document},
    intake::{Answer, Body, Call, IntakeState, JsonAnswer},
    receiving::{Refusal, Sender},
};

/// Bodies longer than this are parsed on a thread that may take its time.
const QUICK_BYTES_MAX: usize = 512 * 1024;

/// Which document a request for one is about.
pub(crate) struct Target {
    pub(crate) operation: Operation,
    pub(crate) index: CompactString,
    pub(crate) id: Option<CompactString>,
}

fn limits(state: &IntakeState, index: Option<CompactString>) -> BulkLimits {
    BulkLimits {
        index,
        record_bytes_max: state.config.record_bytes_max,
        records_max: state.config.records_max,
        depth_max: state.config.depth_max,
    }
}

/// Answers `POST /_bulk` and `POST /INDEX/_bulk`.
pub(crate) async fn receive(
    state: &IntakeState,
    call: &Call,
    sender: &Sender,
    body: axum::body::Body,
    index: Option<CompactString>,
) -> Answer {
    let started = Instant::now();
    let body = match Body::receive(state, call, body).await {
        Ok(body) => body,
        Err(refusal) => return super::elasticsearch::refuse_body(state, call, sender, refusal).await,
    };
    let limits = limits(state, index);
    let parsed = if body.bytes.len() <= QUICK_BYTES_MAX {
        parse(&body.bytes, &limits)
    } else {
        let bytes = body.bytes.clone();
        match tokio::task::spawn_blocking(move || parse(&bytes, &limits)).await {
            Ok(parsed) => parsed,
            Err(_) => return JsonAnswer::elasticsearch_error(500, "exception", "parsing failed").to(call),
        }
    };
    let items = match parsed {
        Ok(items) => items,
        Err(malformed) => {
            let refusal = Refusal {
                kept: body.bytes.clone(),
                reason: if malformed.status == 413 {
                    RejectReason::Oversized
                } else {
                    RejectReason::NotParsable
                },
                detail: malformed.reason.clone(),
            };
            let entry = sender.rejection(state.receiving.now(), refusal);
            return match state.receiving.keep(Transport::Bulk, vec![entry]).await {
                Ok(_) => JsonAnswer::elasticsearch_error(malformed.status, malformed.kind, &malformed.reason).to(call),
                Err(refused) => JsonAnswer::elasticsearch_refused(&refused).to(call),
            };
        }
    };
    keep(state, call, sender, items, started).await
}

async fn keep(state: &IntakeState, call: &Call, sender: &Sender, items: Vec<Item>, started: Instant) -> Answer {
    let entries = entries(state, sender, &items);
    let kept = state.receiving.keep_in_parts(Transport::Bulk, entries).await;
    if let (0, Some(refused)) = (kept.count(), kept.refused()) {
        return JsonAnswer::elasticsearch_refused(refused).to(call);
    }
    let answered: Vec<(&Item, Outcome<'_>)> = items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let outcome = match (kept.seq(at), &item.content) {
                (Ok(seq), Content::Document(_)) => Outcome::Stored(seq),
                (Ok(seq), Content::Refused(refusal)) => Outcome::Rejected(seq, refusal),
                (Err(refused), _) => Outcome::PushedBack(refused),
            };
            (item, outcome)
        })
        .collect();
    let text = write_answer(&answered, started.elapsed().as_millis());
    JsonAnswer::elasticsearch_text(text).to(call)
}

fn entries(state: &IntakeState, sender: &Sender, items: &[Item]) -> Vec<JournalEntry> {
    let now = state.receiving.now();
    let mut known: Option<(CompactString, Sender)> = None;
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        let sender = match &known {
            Some((index, sender)) if *index == item.index => sender,
            Some(_) | None => &known.insert((item.index.clone(), of_index(sender, &item.index))).1,
        };
        entries.push(match &item.content {
            Content::Document(bytes) => sender.record(now, bytes.clone()),
            Content::Refused(refusal) => sender.rejection(now, refusal.clone()),
        });
    }
    entries
}

/// The index says what kind of log it is (`logs-nginx.access-default`), so it is part of the place that a record came from.
fn of_index(sender: &Sender, index: &str) -> Sender {
    let origin = compact_str::format_compact!("{}/{index}", sender.origin);
    sender.clone().with_origin(origin)
}

/// Answers `POST /INDEX/_doc` and its like: the body is one document.
pub(crate) async fn receive_document(
    state: &IntakeState,
    call: &Call,
    sender: &Sender,
    body: axum::body::Body,
    target: Target,
) -> Answer {
    let body = match Body::receive(state, call, body).await {
        Ok(body) => body,
        Err(refusal) => return super::elasticsearch::refuse_body(state, call, sender, refusal).await,
    };
    let item = Item {
        operation: target.operation,
        index: target.index,
        id: target.id,
        content: check_document(trimmed(&body.bytes), &limits(state, None)),
    };
    let entries = entries(state, sender, std::slice::from_ref(&item));
    match (state.receiving.keep(Transport::Bulk, entries).await, &item.content) {
        (Err(refused), _) => JsonAnswer::elasticsearch_refused(&refused).to(call),
        (Ok(_), Content::Refused(refusal)) => {
            JsonAnswer::elasticsearch_error(400, "mapper_parsing_exception", &refusal.detail).to(call)
        }
        (Ok(seq), Content::Document(_)) => {
            let text = write_document(&item, seq);
            JsonAnswer::elasticsearch_text(text).created().to(call)
        }
    }
}

fn trimmed(body: &Bytes) -> Bytes {
    body.slice_ref(body.trim_ascii())
}
