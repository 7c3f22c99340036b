//! The JSON API under `/api/v1`: the same steps by the same permissions as the pages, described by `openapi.json`.

pub(crate) mod alerts;
pub(crate) mod deadlines;
pub(crate) mod directives;
pub(crate) mod document;
pub(crate) mod duty;
pub(crate) mod hunts;
pub(crate) mod incidents;
pub(crate) mod ledger_entries;
pub(crate) mod me;
pub(crate) mod rules;
pub(crate) mod silences;
pub(crate) mod sources;
pub(crate) mod watches;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use crate::trouble::Trouble;

/// A JSON body. What is not the expected JSON is told as the API tells errors.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Trouble::TooLarge)?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_| Trouble::BadRequest)
    }
}
