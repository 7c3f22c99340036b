//! The HTTP intake: its routes, what its handlers share, and how bodies, senders and answers are treated alike in all of them.

mod answer;
mod body;
mod filter;
mod sender;

use std::sync::Arc;

use axum::{
    Router,
    routing::{any, post},
};
use model::Transport;

use crate::{HttpConfig, Receiving, Stop, listeners};

pub(crate) use answer::{Answer, JsonAnswer};
pub(crate) use body::{Body, BodyBudget, BodyRefusal};
pub(crate) use sender::{Call, Peer};

/// What the handlers of the intake share.
#[derive(Clone)]
pub struct IntakeState {
    pub(crate) receiving: Arc<Receiving>,
    pub(crate) config: Arc<HttpConfig>,
    pub(crate) budget: BodyBudget,
    pub(crate) stop: Stop,
}

impl IntakeState {
    /// Makes the state of one intake.
    #[must_use]
    pub fn new(receiving: Arc<Receiving>, config: HttpConfig, stop: Stop) -> Self {
        Self {
            receiving,
            budget: BodyBudget::new(config.bodies_bytes_max),
            config: Arc::new(config),
            stop,
        }
    }

    pub(crate) fn unknown_call(&self, transport: Transport) {
        self.receiving
            .counters
            .listener(transport, |counts| counts.unknown_calls += 1);
    }
}

/// All routes of the intake. What is not under `/v1/` is taken for Elasticsearch's API, whose paths begin with any index name.
pub fn intake_router(state: IntakeState) -> Router {
    Router::new()
        .route("/v1/logs", post(listeners::otlp::receive))
        .route("/v1/ndjson", post(listeners::ndjson::receive))
        .route("/v1/evtx", post(listeners::evtx::receive))
        .fallback(any(listeners::elasticsearch::receive))
        .with_state(state)
}
