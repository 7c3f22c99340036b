//! What other machines ask: whether the post lives, whether it can work, and its counters.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::desk::Desk;

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the post can do its work now, or the reason why not.
pub(crate) async fn readyz(State(desk): State<Desk>) -> Response {
    match desk.state.health.ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// `GET /metrics`: the counters, in Prometheus' text format.
pub(crate) async fn metrics(State(desk): State<Desk>) -> Response {
    let media_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (media_type, desk.state.health.prometheus()).into_response()
}
