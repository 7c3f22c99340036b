//! NDJSON over HTTP: one JSON object a line, and an answer that names each line that was refused.

use axum::extract::{Request, State};
use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, JournalEntry, RejectReason, Transport};
use serde_json::{Value, json};

use crate::{
    HttpConfig,
    intake::{Answer, Body, Call, IntakeState, JsonAnswer},
    json::check_object,
    receiving::{Refusal, Sender},
};

/// Most refused lines that an answer lists; the rest is only counted.
const LISTED_MAX: usize = 1000;

/// Longest name of a format in the `format` parameter.
const FORMAT_BYTES_MAX: usize = 64;

/// One line of a body.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    number: usize,
    content: Result<Bytes, Refusal>,
}

/// Answers `POST /v1/ndjson[?format=NAME]` with `{"accepted":N,"rejected":N,"lines":[{"line":N,"reason":…,"detail":…}]}`.
pub(crate) async fn receive(State(state): State<IntakeState>, request: Request) -> Answer {
    super::detached(async move {
        let (parts, body) = request.into_parts();
        let call = Call::of(parts);
        answer(&state, &call, body).await
    })
    .await
}

async fn answer(state: &IntakeState, call: &Call, body: axum::body::Body) -> Answer {
    let Ok(sender) = call.sender(state, Transport::Ndjson) else {
        return error(401, "missing or unknown token: send `Authorization: Bearer TOKEN`").to(call);
    };
    let sender = match call.parameter("format").filter(|name| name.len() <= FORMAT_BYTES_MAX) {
        Some(name) => sender.with_format(FormatHint::Named(CompactString::new(name))),
        None => sender,
    };
    let body = match Body::receive(state, call, body).await {
        Ok(body) => body,
        Err(refusal) => {
            let (status, detail) = refusal.settle(state, &sender).await;
            return error(status, &detail).to(call);
        }
    };
    let (bytes, config) = (body.bytes.clone(), state.config.clone());
    match tokio::task::spawn_blocking(move || lines(&bytes, &config)).await {
        Ok((lines, next)) => keep(state, &sender, lines, next).await.to(call),
        Err(_) => error(500, "reading the lines failed").to(call),
    }
}

fn error(status: u16, detail: &str) -> JsonAnswer {
    JsonAnswer::plain(status, &json!({"error": detail, "status": status}))
}

/// The lines, and the number of the first one that is too many for one request.
fn lines(body: &Bytes, config: &HttpConfig) -> (Vec<Line>, Option<usize>) {
    let mut lines = Vec::new();
    let mut begin = 0;
    let ends = memchr::memchr_iter(b'\n', body).chain([body.len()]);
    for (at, end) in ends.enumerate() {
        let line = body[begin..end].trim_ascii();
        begin = end + 1;
        if line.is_empty() {
            continue;
        }
        let number = at + 1;
        if lines.len() == config.records_max {
            return (lines, Some(number));
        }
        let content = checked(body.slice_ref(line), config);
        lines.push(Line { number, content });
    }
    (lines, None)
}

fn checked(line: Bytes, config: &HttpConfig) -> Result<Bytes, Refusal> {
    let fault = if line.len() > config.record_bytes_max {
        let detail = format!("longer than {} bytes", config.record_bytes_max);
        Err((RejectReason::Oversized, detail))
    } else {
        check_object(&line, config.depth_max)
    };
    match fault {
        Ok(()) => Ok(line),
        Err((reason, detail)) => Err(Refusal {
            kept: line,
            reason,
            detail,
        }),
    }
}

/// What comes before `resume_at_line` of the answer is settled: a client that goes on from there sends nothing twice.
async fn keep(state: &IntakeState, sender: &Sender, lines: Vec<Line>, next: Option<usize>) -> JsonAnswer {
    let now = state.receiving.now();
    let entries: Vec<JournalEntry> = lines
        .iter()
        .map(|line| match &line.content {
            Ok(bytes) => sender.record(now, bytes.clone()),
            Err(refusal) => sender.rejection(now, refusal.clone()),
        })
        .collect();
    let kept = if entries.is_empty() {
        crate::receiving::KeptParts::default()
    } else {
        state.receiving.keep_in_parts(Transport::Ndjson, entries).await
    };
    let settled = &lines[..kept.count()];
    let refused: Vec<&Line> = settled.iter().filter(|line| line.content.is_err()).collect();
    let accepted = settled.len() - refused.len();
    let mut answer = json!({
        "accepted": accepted,
        "rejected": refused.len(),
        "lines": refused.iter().take(LISTED_MAX).map(|line| describe(line)).collect::<Vec<Value>>(),
    });
    let status = match (kept.refused(), next) {
        (Some(refused), _) => {
            answer["resume_at_line"] = json!(lines[kept.count()].number);
            answer["error"] = json!(refused.to_string());
            refused.status()
        }
        (None, Some(next)) => {
            answer["resume_at_line"] = json!(next);
            answer["error"] = json!(format!("more than {} lines in one request", state.config.records_max));
            413
        }
        (None, None) if accepted == 0 && !lines.is_empty() => 400,
        (None, None) => 200,
    };
    JsonAnswer::plain(status, &answer)
}

fn describe(line: &Line) -> Value {
    let refusal = line.content.as_ref().err();
    json!({
        "line": line.number,
        "reason": refusal.map(|refusal| refusal.reason),
        "detail": refusal.map(|refusal| refusal.detail.as_str()),
    })
}
