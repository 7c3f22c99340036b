//! `/api/v1/hunts`: beginning a hunt, looking at it, ending it, writing out what it finds; saved hunts; one event.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Json,
    body::{Body as ResponseBody, Bytes},
    extract::{Path, RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use lake::{
    query::{HuntError, Incomplete, Inquiry, InquiryError, Summary, output::Format},
    search::Fault,
};
use model::{SavedHunt, Seq, Timestamp};
use operations::hunts::Draft;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::Body;
use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    hunts::{self, NotBegun, ROWS_MAX, Shown, Wanted},
    saved_hunts::{self, HuntStep},
    trouble::{ErrorBody, Trouble},
    words::Words,
};

/// Columns in one hunt.
const COLUMNS_MAX: usize = 40;
/// Rows when the client does not say.
const ROWS_USUAL: usize = 200;
/// The columns whose values are told when the client does not say.
const FACETS: [&str; 7] = [
    "source",
    "host.name",
    "user.name",
    "source.ip",
    "destination.ip",
    "event.code",
    "process.executable",
];

/// A hunt to begin.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HuntRequest {
    /// The search line, or the question in SQL.
    text: String,
    /// Whether `text` is SQL.
    sql: bool,
    /// From when on the events happened (RFC 3339); absent: from the first.
    #[schema(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Before when they happened.
    #[schema(value_type = Option<String>)]
    before: Option<Timestamp>,
    /// Columns of the table; absent: the usual ones.
    columns: Vec<String>,
    /// Columns whose most frequent values are told; absent: the usual ones.
    facets: Option<Vec<String>>,
    /// Rows, the newest ones: at most 1,000.
    rows: Option<usize>,
}

/// A hunt that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Begun {
    /// By what it is looked at.
    id: u64,
}

/// What is wrong with a question, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrongQuestion {
    /// Always `wrong_question`.
    code: &'static str,
    /// In words, in the person's language.
    message: String,
    /// The place in the search line in characters from 0: first, and one behind the last.
    at: Option<(usize, usize)>,
    /// Names that may have been meant.
    near: Vec<String>,
}

/// What is known of a hunt by now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HuntState {
    id: u64,
    /// Whether it is over.
    done: bool,
    /// Whether all rows that it will show are there.
    rows_done: bool,
    columns: Vec<String>,
    /// Rows by the names of columns.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Map<String, Value>>,
    /// `total`, `histogram` (`first`, `seconds`, `counts`), `facets`, `faceted`.
    #[schema(value_type = Option<Object>)]
    summary: Option<Value>,
    progress: HuntProgress,
    /// Why the answer is not whole, in words; empty when it is.
    incomplete: Vec<String>,
    /// Why the hunt failed.
    failure: Option<String>,
}

/// How far a hunt has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HuntProgress {
    files: u64,
    files_done: u64,
    bytes: u64,
    bytes_done: u64,
    /// Bytes that were really read.
    bytes_read: u64,
    row_groups_read: u64,
    row_groups_spared: u64,
}

/// A hunt to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveRequest {
    title: String,
    text: String,
    #[serde(default)]
    sql: bool,
    /// How far back it looks (`1h`, `24h`, `7d`, `30d`, `all`).
    #[serde(default)]
    range: String,
    #[serde(default)]
    columns: Vec<String>,
    /// Whether everybody who hunts is to see it.
    #[serde(default)]
    shared: bool,
}

/// Begins a hunt.
#[utoipa::path(post, path = "/api/v1/hunts", request_body = HuntRequest,
    responses((status = 202, body = Begun), (status = 422, body = WrongQuestion), (status = 429, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn begin(
    visit: Visit,
    State(desk): State<Desk>,
    Body(request): Body<HuntRequest>,
) -> Result<Response, Trouble> {
    let facets = request.facets.unwrap_or_else(|| FACETS.map(str::to_owned).to_vec());
    if request.columns.len() > COLUMNS_MAX || facets.len() > COLUMNS_MAX {
        return Err(Trouble::TooLarge);
    }
    let mut columns = request.columns;
    if !request.sql {
        if columns.is_empty() {
            columns = lake::query::USUAL_COLUMNS.map(str::to_owned).to_vec();
        }
        // By its number the whole record is asked for.
        columns.push("seq".to_owned());
        columns.dedup();
    }
    let wanted = Wanted {
        inquiry: Inquiry {
            text: request.text,
            sql: request.sql,
            from: request.from,
            before: request.before,
            columns,
            rows_max: Some(request.rows.unwrap_or(ROWS_USUAL).clamp(1, ROWS_MAX)),
        },
        facets,
    };
    match hunts::begin(&desk, visit.user.id, wanted).await {
        Ok(running) => Ok((StatusCode::ACCEPTED, Json(Begun { id: running.id })).into_response()),
        Err(not_begun) => refused(not_begun, visit.view.words),
    }
}

fn refused(not_begun: NotBegun, words: Words) -> Result<Response, Trouble> {
    match not_begun {
        NotBegun::TooMany => Err(Trouble::TooMany),
        NotBegun::Wrong(wrong) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(wrong_question(&wrong, words))).into_response())
        }
    }
}

fn wrong_question(wrong: &InquiryError, words: Words) -> WrongQuestion {
    let code = "wrong_question";
    match wrong {
        InquiryError::Search(error) => WrongQuestion {
            code,
            message: error.fault.text(words.0),
            at: Some(error.at),
            near: if let Fault::UnknownField { near, .. } = &error.fault {
                near.clone()
            } else {
                Vec::new()
            },
        },
        InquiryError::Hunt(error) => WrongQuestion {
            code,
            message: wrong_sql(error, words),
            at: None,
            near: match error {
                HuntError::Unknown { near, .. } => near.clone(),
                HuntError::Syntax { .. }
                | HuntError::NotAQuestion(_)
                | HuntError::Meaningless(_)
                | HuntError::Failed(_) => Vec::new(),
            },
        },
    }
}

/// What is wrong with a question in SQL. What the SQL engine says of it is English whatever the language.
fn wrong_sql(error: &HuntError, words: Words) -> String {
    match error {
        HuntError::Unknown { name, near } if near.is_empty() => format!("{name}: {}", words.hunt_unknown_name()),
        HuntError::Unknown { name, near } => format!(
            "{name}: {}; {} {}?",
            words.hunt_unknown_name(),
            words.hunt_did_you_mean(),
            near.join(", ")
        ),
        HuntError::Syntax { message, at } => {
            let place = at.map_or_else(String::new, |(line, column)| {
                format!(
                    " ({} {line}, {} {column})",
                    words.hunt_at_line(),
                    words.hunt_at_column()
                )
            });
            format!("{}{place}: {message}", words.hunt_cannot_be_read())
        }
        HuntError::NotAQuestion(detail) => format!("{}: {detail}", words.hunt_only_reads()),
        HuntError::Meaningless(detail) => format!("{}: {detail}", words.hunt_makes_no_sense()),
        HuntError::Failed(detail) => format!("{}: {detail}", words.hunt_failed()),
    }
}

/// Answers with what is known of a hunt by now.
#[utoipa::path(get, path = "/api/v1/hunts/{id}", params(("id" = u64, Path)), responses((status = 200, body = HuntState), (status = 404, body = ErrorBody)))]
pub(crate) async fn look(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<u64>,
) -> Result<Json<HuntState>, Trouble> {
    let running = desk.hunts.find(visit.user.id, id).ok_or(Trouble::NotFound)?;
    Ok(Json(told(id, running.look(), visit.view.words)))
}

/// Ends a hunt; what it has seen by now stays.
#[utoipa::path(post, path = "/api/v1/hunts/{id}/cancel", params(("id" = u64, Path)), responses((status = 200, body = HuntState), (status = 404, body = ErrorBody)))]
pub(crate) async fn cancel(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<u64>,
) -> Result<Json<HuntState>, Trouble> {
    let running = desk.hunts.find(visit.user.id, id).ok_or(Trouble::NotFound)?;
    running.cancel();
    Ok(Json(told(id, running.look(), visit.view.words)))
}

fn told(id: u64, shown: Shown, words: Words) -> HuntState {
    let progress = shown.progress;
    HuntState {
        id,
        done: shown.done,
        rows_done: shown.rows_done,
        columns: shown.columns,
        rows: shown.rows,
        summary: shown.summary.as_ref().map(summary),
        progress: HuntProgress {
            files: progress.files,
            files_done: progress.files_done,
            bytes: progress.bytes,
            bytes_done: progress.bytes_done,
            bytes_read: progress.bytes_read,
            row_groups_read: progress.row_groups_read,
            row_groups_spared: progress.row_groups_spared,
        },
        incomplete: shown.incomplete.iter().map(|why| lacking(why, words)).collect(),
        failure: shown.failure.map(|error| error.to_string()),
    }
}

/// Why an answer is not whole, in words.
fn lacking(why: &Incomplete, words: Words) -> String {
    match why {
        Incomplete::TimeLimit { seconds } => format!("{}: {seconds} s", words.hunt_time_limit()),
        Incomplete::RowLimit { rows } => format!("{}: {rows}", words.hunt_row_limit()),
        Incomplete::MemoryLimit { detail: _ } => words.hunt_memory_limit().to_owned(),
        Incomplete::Cancelled => words.hunt_cancelled().to_owned(),
        Incomplete::SetAside(file) => format!("{}: {} ({})", words.hunt_set_aside(), file.file, file.cause),
    }
}

fn summary(summary: &Summary) -> Value {
    let facets: Vec<Value> = summary
        .facets
        .iter()
        .map(|facet| {
            json!({
                "name": facet.name,
                "values": facet.values,
                "missing": facet.missing,
                "others": facet.others,
                "distinct": facet.distinct,
            })
        })
        .collect();
    json!({
        "total": summary.total,
        "histogram": {
            "first": summary.span.first,
            "seconds": summary.span.seconds,
            "counts": summary.histogram,
        },
        "facets": facets,
        "faceted": summary.faceted,
    })
}

/// Writes out everything that is found, as it is found.
#[utoipa::path(get, path = "/api/v1/hunts/export",
    params(("text" = Option<String>, Query, description = "search line or SQL"), ("sql" = Option<String>, Query, description = "1: text is SQL"),
        ("from" = Option<String>, Query), ("before" = Option<String>, Query), ("columns" = Option<String>, Query, description = "separated by commas"),
        ("format" = String, Query, description = "csv, ndjson or parquet")),
    responses((status = 200, description = "The rows; a last row, or in Parquet the footer's watchpost.incomplete, says when they are not all"), (status = 422, body = WrongQuestion)))]
pub(crate) async fn export(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let format = Format::of_name(form.required("format")?).ok_or(Trouble::BadRequest)?;
    let moment = |name: &str| match form.one(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| Trouble::BadRequest),
    };
    let columns = form.one("columns").unwrap_or_default().split(',');
    let inquiry = Inquiry {
        text: form.one("text").unwrap_or_default().to_owned(),
        sql: form.one("sql").is_some_and(|sql| sql == "1"),
        from: moment("from")?,
        before: moment("before")?,
        columns: columns
            .filter(|name| !name.is_empty())
            .take(COLUMNS_MAX)
            .map(str::to_owned)
            .collect(),
        rows_max: None,
    };
    let chunks = match hunts::begin_export(&desk, visit.user.id, inquiry, format).await {
        Ok(chunks) => chunks,
        Err(not_begun) => return refused(not_begun, visit.view.words),
    };
    let name = format!("attachment; filename=\"hunt.{}\"", format.ending());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, ResponseBody::from_stream(Taken(chunks))).into_response())
}

struct Taken(mpsc::Receiver<io::Result<Bytes>>);

impl futures_core::Stream for Taken {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// Answers with one event, whole.
#[utoipa::path(get, path = "/api/v1/events/{id}", params(("id" = u64, Path, description = "the number of the event (`seq`)")), responses((status = 200, body = serde_json::Value), (status = 404, body = ErrorBody)))]
pub(crate) async fn event(
    _visit: Visit,
    State(desk): State<Desk>,
    Path(seq): Path<Seq>,
) -> Result<Json<Value>, Trouble> {
    let found = desk.fetch(move |lake| lake.get(seq)).await;
    let event = found.rows.into_iter().next().ok_or(Trouble::NotFound)?;
    let fields: Vec<Value> = event
        .fields
        .iter()
        .map(|field| json!([field.name, field.value]))
        .collect();
    Ok(Json(json!({
        "seq": event.seq,
        "source": event.source,
        "happened_at": event.happened_at,
        "received_at": event.received_at,
        "format": event.format,
        "logsources": event.logsources.members(),
        "entities": event.entities,
        "fields": fields,
        "raw": String::from_utf8_lossy(&event.raw),
        "problems": event.problems,
        "exercise": event.exercise,
    })))
}

/// Answers with the names of fields that a search line may use.
#[utoipa::path(get, path = "/api/v1/hunts/fields", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn fields(visit: Visit, State(desk): State<Desk>) -> Result<Json<Value>, Trouble> {
    let owner = visit.user.id;
    let hunts = std::sync::Arc::clone(&desk.hunts);
    let names = desk.fetch(move |lake| hunts.field_names(lake, owner)).await;
    let columns: Vec<&str> = lake::search::columns().iter().map(|column| column.name).collect();
    Ok(Json(json!({ "columns": columns, "fields": names })))
}

/// Answers with the saved hunts that the person sees: their own and shared ones.
#[utoipa::path(get, path = "/api/v1/saved-hunts", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn saved(visit: Visit, State(desk): State<Desk>) -> Result<Json<Vec<SavedHunt>>, Trouble> {
    Ok(Json(saved_hunts::all(&desk, &visit.scope, visit.user.id).await?))
}

/// Saves a hunt.
#[utoipa::path(post, path = "/api/v1/saved-hunts", request_body = SaveRequest, responses((status = 200, body = serde_json::Value), (status = 422, body = ErrorBody)))]
pub(crate) async fn save(
    visit: Visit,
    State(desk): State<Desk>,
    Body(request): Body<SaveRequest>,
) -> Result<Json<SavedHunt>, Trouble> {
    let draft = Draft {
        title: request.title,
        text: request.text,
        sql: request.sql,
        range: request.range,
        columns: request.columns,
        shared: request.shared,
    };
    Ok(Json(saved_hunts::save(&desk, &visit.scope, draft).await?))
}

/// Drops a saved hunt.
#[utoipa::path(post, path = "/api/v1/saved-hunts/{id}/drop", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ErrorBody)))]
pub(crate) async fn drop_saved(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<StatusCode, Trouble> {
    saved_hunts::change(&desk, &visit.scope, &id, HuntStep::Drop).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows a saved hunt to everybody who hunts.
#[utoipa::path(post, path = "/api/v1/saved-hunts/{id}/share", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ErrorBody)))]
pub(crate) async fn share_saved(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<StatusCode, Trouble> {
    saved_hunts::change(&desk, &visit.scope, &id, HuntStep::Share).await?;
    Ok(StatusCode::NO_CONTENT)
}
