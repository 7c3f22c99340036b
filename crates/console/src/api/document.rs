//! `GET /api/v1/openapi.json`: the API's description, generated from its code.

use axum::Json;
use utoipa::OpenApi;

use super::{alerts, ledger_entries, me, rules, silences, sources};

/// Everything that the API offers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watchpost",
        version = "1",
        description = "The watch: alerts, silences, sources, rules, duty book. Signed in by the console's session cookie; unsafe requests carry the console's own Origin."
    ),
    paths(
        get,
        me::get,
        alerts::list,
        alerts::show,
        alerts::acknowledge,
        alerts::assign,
        alerts::close,
        alerts::reopen,
        alerts::undo,
        silences::list,
        silences::create,
        silences::preview,
        silences::end,
        sources::list,
        sources::show,
        rules::list,
        rules::show,
        ledger_entries::list,
        ledger_entries::verify,
    )
)]
pub(crate) struct Document;

/// Answers with the description.
#[utoipa::path(get, path = "/api/v1/openapi.json", responses((status = 200, description = "This document", body = serde_json::Value)))]
pub(crate) async fn get() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
