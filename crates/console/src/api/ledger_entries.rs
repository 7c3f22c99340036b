//! `/api/v1/ledger`: the duty book, and whether its chain holds.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use ledger::{EntryFilter, PageAt};
use model::{Actor, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    desk::Desk,
    guard::Visit,
    pages::duty_book::list::{Book, BookFilter},
    trouble::{ErrorBody, Trouble},
};

/// A page of the duty book, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryList {
    entries: Vec<BookEntry>,
    /// The value of `after` for the next page; absent on the last.
    next: Option<String>,
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BookEntry {
    number: u64,
    #[schema(value_type = String)]
    at: Timestamp,
    #[schema(value_type = Object)]
    actor: Actor,
    action: String,
    reason: Option<String>,
    subjects: Vec<String>,
    hash: String,
    prev_hash: String,
}

/// What a walk along the chain found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verification {
    intact: bool,
    entries: u64,
    head_hash: String,
    /// The first entry that was tampered with, and how.
    broken_entry: Option<u64>,
    flaw: Option<String>,
}

/// Answers with a page of the duty book.
#[utoipa::path(get, path = "/api/v1/ledger", params(("subject" = Option<String>, Query), ("people" = Option<String>, Query, description = "1: only what people decided"), ("after" = Option<String>, Query)),
    responses((status = 200, body = EntryList), (status = 403, body = ErrorBody)))]
pub(crate) async fn list(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<EntryList>, Trouble> {
    let filter = BookFilter::of_query(&query.unwrap_or_default());
    let page = desk
        .read(move |ledger| {
            let cursor = (!filter.after.is_empty()).then_some(filter.after.as_str());
            let wanted = EntryFilter {
                subject: (!filter.subject.is_empty()).then(|| filter.subject.clone()),
                people_only: filter.people_only,
            };
            ledger.entries(
                &visit.scope,
                &wanted,
                PageAt {
                    cursor,
                    limit: Book::ENTRIES_MAX,
                },
            )
        })
        .await?;
    let told = |entry: ledger::Entry| BookEntry {
        subjects: entry.subjects(),
        number: entry.number,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        reason: entry.reason,
        hash: entry.hash,
        prev_hash: entry.prev_hash,
    };
    Ok(Json(EntryList {
        entries: page.items.into_iter().map(told).collect(),
        next: page.next,
    }))
}

/// Walks the whole chain.
#[utoipa::path(get, path = "/api/v1/ledger/verify", responses((status = 200, body = Verification), (status = 403, body = ErrorBody)))]
pub(crate) async fn verify(visit: Visit, State(desk): State<Desk>) -> Result<Json<Verification>, Trouble> {
    let verified = desk.read(move |ledger| ledger.verify(&visit.scope, &[])).await?;
    Ok(Json(Verification {
        intact: verified.broken.is_none(),
        entries: verified.entries,
        head_hash: verified.head.hash,
        broken_entry: verified.broken.as_ref().map(|broken| broken.number),
        flaw: verified.broken.map(|broken| broken.flaw.to_string()),
    }))
}
