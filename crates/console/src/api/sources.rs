//! `/api/v1/sources`: the accounts of the sources.

use axum::{
    Json,
    extract::{Path, State},
};
use model::{Source, SourceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    desk::Desk,
    guard::Visit,
    trouble::{ErrorBody, Trouble},
};

/// A source with its account: `received = stored + rejected + lost + pending`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceAccount {
    rejected: u64,
    pending: u64,
    /// Name, times, counts by reason, health and recent problems.
    #[schema(value_type = Object)]
    source: Source,
}

impl From<Source> for SourceAccount {
    fn from(source: Source) -> Self {
        Self {
            rejected: source.account.rejected_total(),
            pending: source.account.pending(),
            source,
        }
    }
}

/// Answers with all sources.
#[utoipa::path(get, path = "/api/v1/sources", responses((status = 200, body = Vec<SourceAccount>)))]
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Json<Vec<SourceAccount>>, Trouble> {
    let sources = desk.read(move |ledger| ledger.sources(&visit.scope)).await?;
    Ok(Json(sources.into_iter().map(SourceAccount::from).collect()))
}

/// Answers with one source; its name is one segment of the path, percent-encoded.
#[utoipa::path(get, path = "/api/v1/sources/{id}", params(("id" = String, Path)), responses((status = 200, body = SourceAccount), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<Json<SourceAccount>, Trouble> {
    let source = desk
        .read(move |ledger| ledger.source(&visit.scope, &SourceId::new(&id)))
        .await?;
    Ok(Json(source.ok_or(Trouble::NotFound)?.into()))
}
