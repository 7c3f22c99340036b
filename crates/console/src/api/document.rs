//! `GET /api/v1/openapi.json`: the API's description, generated from its code.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    alerts, deadlines, directives, duty, hunts, incidents, ledger_entries, me, rules, silences, sources, watches,
};

/// Everything that the API offers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watchpost",
        version = "1",
        description = "The watch: alerts, silences, sources, rules, duty book. A program comes with a personal token, made on the page of one's account, as `Authorization: Bearer wpa_…`: 600 requests a minute, then 429 with Retry-After. A browser that is signed in may also use its session cookie; its unsafe requests carry the console's own Origin."
    ),
    modifiers(&Ways),
    security(("token" = []), ("session" = [])),
    paths(
        get,
        me::get,
        alerts::list,
        alerts::show,
        alerts::acknowledge,
        alerts::unacknowledge,
        alerts::assign,
        alerts::close,
        alerts::reopen,
        alerts::undo,
        incidents::list,
        incidents::open,
        incidents::show,
        incidents::timeline,
        incidents::write_entry,
        incidents::advance,
        silences::list,
        silences::create,
        silences::preview,
        silences::end,
        silences::extend,
        silences::undo,
        hunts::begin,
        hunts::look,
        hunts::cancel,
        hunts::export,
        hunts::fields,
        hunts::event,
        hunts::saved,
        hunts::save,
        hunts::share_saved,
        hunts::drop_saved,
        sources::list,
        sources::show,
        rules::list,
        rules::show,
        directives::list,
        directives::show,
        directives::register,
        directives::propose,
        watches::list,
        watches::show,
        watches::open,
        watches::close,
        watches::measurements,
        deadlines::list,
        deadlines::start,
        deadlines::meet,
        deadlines::late,
        deadlines::stop,
        duty::now,
        duty::roster,
        duty::gaps,
        duty::notifications,
        duty::acknowledge,
        ledger_entries::list,
        ledger_entries::verify,
    )
)]
pub(crate) struct Document;

/// How one signs in.
struct Ways;

impl Modify for Ways {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("wpa_…")
            .description(Some(
                "A personal token; it may do what its role and its owner's role both allow.",
            ))
            .build();
        let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
            "watchpost_session",
            "The console's own session; over TLS its name is __Host-watchpost_session.",
        ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    }
}

/// Answers with the description.
#[utoipa::path(get, path = "/api/v1/openapi.json", security(()), responses((status = 200, description = "This document", body = serde_json::Value)))]
pub(crate) async fn get() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}
