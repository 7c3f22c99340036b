//! One file per protocol. Their contract: nothing is acknowledged before the inbox says that it is durable.

pub(crate) mod bulk;
mod connections;
pub(crate) mod elasticsearch;
pub(crate) mod evtx;
pub(crate) mod file;
pub(crate) mod http;
pub(crate) mod journald;
pub(crate) mod ndjson;
pub(crate) mod otlp;
pub(crate) mod relp;
pub(crate) mod syslog_tcp;
pub(crate) mod syslog_udp;

use axum::http::StatusCode;

use crate::intake::Answer;

/// Runs a handler to its end even when the client leaves meanwhile: what has begun to be written is then still counted.
async fn detached(handler: impl Future<Output = Answer> + Send + 'static) -> Answer {
    tokio::spawn(handler).await.unwrap_or_else(|_| {
        // The panic has been reported where it happened; the sender keeps its records.
        let mut answer = Answer::default();
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}
