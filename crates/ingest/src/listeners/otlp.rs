//! OTLP logs over HTTP (OpenTelemetry protocol specification 1.x, "OTLP/HTTP"): protobuf and JSON, with partial success.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use model::{JournalEntry, RejectReason, Transport};
use serde_json::json;

use crate::{
    intake::{Answer, Body, Call, IntakeState, JsonAnswer},
    otlp::{LogRecord, OtlpLimits, put_bytes, put_varint, read_json, read_protobuf},
    receiving::{Refusal, Sender},
};

/// In which of its two forms a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// Answers `POST /v1/logs`.
pub(crate) async fn receive(State(state): State<IntakeState>, request: Request) -> Answer {
    super::detached(async move {
        let (parts, body) = request.into_parts();
        let call = Call::of(parts);
        answer(&state, &call, body).await
    })
    .await
}

async fn answer(state: &IntakeState, call: &Call, body: axum::body::Body) -> Answer {
    let form = match call.header(header::CONTENT_TYPE).map(essence).as_deref() {
        Some("application/x-protobuf") => Form::Protobuf,
        Some("application/json") => Form::Json,
        Some(_) | None => {
            state.unknown_call(Transport::Otlp);
            return failure(call, Form::Json, 415, "send application/x-protobuf or application/json");
        }
    };
    let Ok(sender) = call.sender(state, Transport::Otlp) else {
        return failure(
            call,
            form,
            401,
            "missing or unknown token: send `Authorization: Bearer TOKEN`",
        );
    };
    let body = match Body::receive(state, call, body).await {
        Ok(body) => body,
        Err(refusal) => {
            let (status, detail) = refusal.settle(state, &sender).await;
            return failure(call, form, status, &detail);
        }
    };
    let limits = OtlpLimits {
        records: state.config.records_max,
        record_bytes: state.config.record_bytes_max,
        depth: state.config.depth_max,
    };
    let bytes = body.bytes.clone();
    let read = tokio::task::spawn_blocking(move || match form {
        Form::Protobuf => read_protobuf(&bytes, limits),
        Form::Json => read_json(&bytes, limits),
    });
    match read.await {
        Ok(Ok(records)) => keep(state, call, &sender, form, records).await,
        Ok(Err(detail)) => {
            let refusal = Refusal {
                kept: body.bytes.clone(),
                reason: RejectReason::NotParsable,
                detail: detail.clone(),
            };
            let entry = sender.rejection(state.receiving.now(), refusal);
            match state.receiving.keep(Transport::Otlp, vec![entry]).await {
                Ok(_) => failure(call, form, 400, &detail),
                Err(refused) => failure(call, form, refused.status(), &refused.to_string()),
            }
        }
        Err(_) => failure(call, form, 500, "reading the request failed"),
    }
}

fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

async fn keep(state: &IntakeState, call: &Call, sender: &Sender, form: Form, records: Vec<LogRecord>) -> Answer {
    let now = state.receiving.now();
    let mut rejected = 0_u64;
    let mut why = String::new();
    let mut entries: Vec<JournalEntry> = Vec::with_capacity(records.len());
    for record in records {
        entries.push(match record {
            Ok(bytes) => sender.record(now, bytes),
            Err(refusal) => {
                rejected += 1;
                why.clone_from(&refusal.detail);
                sender.rejection(now, refusal)
            }
        });
    }
    if !entries.is_empty() {
        let kept = state.receiving.keep_in_parts(Transport::Otlp, entries).await;
        if let Some(refused) = kept.refused() {
            // The protocol cannot say "from here on": of a request of many megabytes some records may come twice.
            return failure(call, form, refused.status(), &refused.to_string());
        }
    }
    success(call, form, rejected, &why)
}

/// `ExportLogsServiceResponse`; `partial_success` is absent when everything was accepted.
fn success(call: &Call, form: Form, rejected: u64, why: &str) -> Answer {
    match form {
        Form::Json if rejected == 0 => JsonAnswer::plain(200, &json!({})).to(call),
        Form::Json => {
            let partial = json!({"rejectedLogRecords": rejected.to_string(), "errorMessage": why});
            JsonAnswer::plain(200, &json!({"partialSuccess": partial})).to(call)
        }
        Form::Protobuf => {
            let mut message = Vec::new();
            if rejected > 0 {
                let mut partial = Vec::new();
                put_varint(&mut partial, 1, rejected);
                put_bytes(&mut partial, 2, why.as_bytes());
                put_bytes(&mut message, 1, &partial);
            }
            protobuf(StatusCode::OK, message)
        }
    }
}

/// `google.rpc.Status` in the client's form; 429 and 503 make the client come back after a pause.
fn failure(call: &Call, form: Form, status: u16, detail: &str) -> Answer {
    let code = match status {
        401 => 16_u64,
        429 | 503 => 14,
        500 => 13,
        _ => 3,
    };
    match form {
        Form::Json => JsonAnswer::plain(status, &json!({"code": code, "message": detail})).to(call),
        Form::Protobuf => {
            let mut message = Vec::new();
            put_varint(&mut message, 1, code);
            put_bytes(&mut message, 2, detail.as_bytes());
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut answer = protobuf(status, message);
            if code == 14 {
                answer
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            answer
        }
    }
}

fn protobuf(status: StatusCode, message: Vec<u8>) -> Answer {
    (status, [(header::CONTENT_TYPE, "application/x-protobuf")], message).into_response()
}
