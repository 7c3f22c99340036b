//! Answers in the two dialects that clients expect: Elasticsearch's and plain JSON; packed when the client can unpack.

use std::io::{self, Write};

use axum::{
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::Refused;

use super::{Call, filter::Filter};

/// What handlers return.
pub(crate) type Answer = Response<axum::body::Body>;

/// Answers shorter than this are not worth packing.
const PACKED_BYTES_MIN: usize = 1024;

/// A JSON answer on its way to one client.
pub(crate) struct JsonAnswer {
    status: StatusCode,
    text: String,
    elasticsearch: bool,
    table: bool,
}

impl JsonAnswer {
    pub(crate) fn plain(status: u16, value: &Value) -> Self {
        Self::text(status, value.to_string(), false)
    }

    pub(crate) fn elasticsearch(status: u16, value: &Value) -> Self {
        Self::text(status, value.to_string(), true)
    }

    /// An answer in Elasticsearch's dialect that is already written as JSON.
    pub(crate) fn elasticsearch_text(text: String) -> Self {
        Self::text(200, text, true)
    }

    /// An error as Elasticsearch words it.
    pub(crate) fn elasticsearch_error(status: u16, kind: &str, reason: &str) -> Self {
        let cause = json!({"type": kind, "reason": reason});
        let error = json!({"root_cause": [cause], "type": kind, "reason": reason});
        Self::elasticsearch(status, &json!({"error": error, "status": status}))
    }

    /// What a client of the Elasticsearch API is told when the journal takes nothing: come back later.
    pub(crate) fn elasticsearch_refused(refused: &Refused) -> Self {
        let kind = match refused {
            Refused::Full => "es_rejected_execution_exception",
            Refused::Failed(_) => "unavailable_shards_exception",
        };
        Self::elasticsearch_error(refused.status(), kind, &refused.to_string())
    }

    /// A table for people, as the `_cat` calls give.
    pub(crate) fn elasticsearch_table(text: String) -> Self {
        Self {
            table: true,
            ..Self::text(200, text, true)
        }
    }

    /// Says that something new is there.
    pub(crate) fn created(mut self) -> Self {
        self.status = StatusCode::CREATED;
        self
    }

    fn text(status: u16, text: String, elasticsearch: bool) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            text,
            elasticsearch,
            table: false,
        }
    }

    /// Cuts the answer to the `filter_path` of the call, packs it if that is wanted, and adds the headers.
    pub(crate) fn to(self, call: &Call) -> Answer {
        let comes_back = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if comes_back && call.is_omelasticsearch() {
            return broken_off(self.status);
        }
        let text = match call
            .parameter("filter_path")
            .filter(|_| self.elasticsearch && !self.table)
        {
            Some(path) => {
                serde_json::from_str(&self.text).map_or(self.text, |value| Filter::parse(path).apply(value).to_string())
            }
            None => self.text,
        };
        let packed = (text.len() >= PACKED_BYTES_MIN && accepts_gzip(call)).then(|| gzip(text.as_bytes()));
        let is_packed = packed.is_some();
        let mut answer = (self.status, packed.unwrap_or_else(|| text.into_bytes())).into_response();
        let headers = answer.headers_mut();
        let content_type = if self.table {
            HeaderValue::from_static("text/plain; charset=UTF-8")
        } else {
            content_type(call, self.elasticsearch)
        };
        headers.insert(header::CONTENT_TYPE, content_type);
        if is_packed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.elasticsearch {
            headers.insert("x-elastic-product", HeaderValue::from_static("Elasticsearch"));
        }
        if comes_back {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Basic realm=\"watchpost\", charset=\"UTF-8\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}

/// rsyslog takes any whole answer for final and would lose what was pushed back; only a broken one makes it come back.
fn broken_off(status: StatusCode) -> Answer {
    let broken = futures_util::stream::once(async { Err::<Bytes, _>(io::Error::other("pushed back")) });
    (status, axum::body::Body::from_stream(broken)).into_response()
}

/// Clients that ask for a versioned media type refuse an answer without it.
fn content_type(call: &Call, elasticsearch: bool) -> HeaderValue {
    let accept = call.header(header::ACCEPT).unwrap_or_default();
    let version = accept
        .split_once("application/vnd.elasticsearch+json")
        .and_then(|(_, rest)| rest.split_once("compatible-with="))
        .map(|(_, version)| {
            version
                .chars()
                .take_while(char::is_ascii_digit)
                .take(3)
                .collect::<String>()
        });
    match version.filter(|_| elasticsearch) {
        Some(version) => {
            HeaderValue::from_str(&format!("application/vnd.elasticsearch+json;compatible-with={version}"))
                .expect("digits are allowed in a header")
        }
        None => HeaderValue::from_static("application/json"),
    }
}

fn accepts_gzip(call: &Call) -> bool {
    call.header(header::ACCEPT_ENCODING)
        .is_some_and(|accepted| accepted.split(',').any(|one| one.trim().eq_ignore_ascii_case("gzip")))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}
