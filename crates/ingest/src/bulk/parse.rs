//! A `_bulk` body into items: action lines and the documents that follow them, as slices of the body.

use bytes::Bytes;
use compact_str::CompactString;
use model::RejectReason;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{json::check_object, receiving::Refusal};

/// What a client asks to do with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Store it, and fail if the id exists; ids are not compared here.
    Create,
    /// Store it.
    Index,
    /// Change a stored one: not something that a log store does.
    Update,
    /// Remove a stored one: neither.
    Delete,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One item of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) operation: Operation,
    pub(crate) index: CompactString,
    pub(crate) id: Option<CompactString>,
    pub(crate) content: Content,
}

/// What an item carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// A JSON object.
    Document(Bytes),
    /// Something that is not stored.
    Refused(Refusal),
}

/// The request as a whole cannot be understood; Elasticsearch stores nothing of it either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) reason: String,
}

/// Bounds and defaults of one request.
#[derive(Debug, Clone)]
pub(crate) struct BulkLimits {
    /// The index of items that name none.
    pub(crate) index: Option<CompactString>,
    pub(crate) record_bytes_max: usize,
    pub(crate) records_max: usize,
    pub(crate) depth_max: usize,
}

/// Longest index name and id in bytes, as in Elasticsearch.
const INDEX_BYTES_MAX: usize = 255;
const ID_BYTES_MAX: usize = 512;

#[derive(Debug, Clone)]
struct Action {
    operation: Operation,
    index: Option<CompactString>,
    id: Option<CompactString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionLine {
    Create(Target),
    Index(Target),
    Update(Target),
    Delete(Target),
}

#[derive(Deserialize)]
struct Target {
    #[serde(default, rename = "_index", deserialize_with = "text")]
    index: Option<CompactString>,
    #[serde(default, rename = "_id", deserialize_with = "text")]
    id: Option<CompactString>,
}

/// Elasticsearch takes any scalar for a text.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CompactString>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Text(CompactString),
        Number(serde_json::Number),
        Nothing(()),
        Other(IgnoredAny),
    }
    match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => Ok(Some(text)),
        Scalar::Number(number) => Ok(Some(compact_str::format_compact!("{number}"))),
        Scalar::Nothing(()) => Ok(None),
        Scalar::Other(_) => Err(serde::de::Error::custom("expected a text")),
    }
}

/// Cuts a body into its items without copying the documents.
///
/// # Errors
/// When an action line cannot be understood, or the last line does not end.
pub(crate) fn parse(body: &Bytes, limits: &BulkLimits) -> Result<Vec<Item>, Malformed> {
    if body.is_empty() {
        return Err(malformed("parse_exception", "request body is required".to_owned()));
    }
    if body.last() != Some(&b'\n') {
        let reason = "The bulk request must be terminated by a newline [\\n]".to_owned();
        return Err(malformed("illegal_argument_exception", reason));
    }
    let mut lines = Lines { body, at: 0, number: 0 };
    let mut items = Vec::new();
    let mut last: Option<(Bytes, Action)> = None;
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        if items.len() == limits.records_max {
            return Err(Malformed {
                status: 413,
                kind: "illegal_argument_exception",
                reason: format!("more than {} items in one request", limits.records_max),
            });
        }
        // Most clients repeat one action line for each document.
        let action = match &last {
            Some((known, action)) if *known == line => action.clone(),
            Some(_) | None => {
                let action = action(&line, lines.number)?;
                last = Some((line, action.clone()));
                action
            }
        };
        items.push(item(action, &mut lines, limits)?);
    }
    if items.is_empty() {
        let reason = "Validation Failed: 1: no requests added;".to_owned();
        return Err(malformed("action_request_validation_exception", reason));
    }
    Ok(items)
}

fn malformed(kind: &'static str, reason: String) -> Malformed {
    Malformed {
        status: 400,
        kind,
        reason,
    }
}

fn action(line: &[u8], number: usize) -> Result<Action, Malformed> {
    let parsed: ActionLine = serde_json::from_slice(line).map_err(|error| {
        let reason = format!(
            "Malformed action/metadata line [{number}], expected one of [create, delete, index, update]: {error}"
        );
        malformed("illegal_argument_exception", reason)
    })?;
    let (operation, target) = match parsed {
        ActionLine::Create(target) => (Operation::Create, target),
        ActionLine::Index(target) => (Operation::Index, target),
        ActionLine::Update(target) => (Operation::Update, target),
        ActionLine::Delete(target) => (Operation::Delete, target),
    };
    Ok(Action {
        operation,
        index: target.index,
        id: target.id,
    })
}

fn item(action: Action, lines: &mut Lines<'_>, limits: &BulkLimits) -> Result<Item, Malformed> {
    let Action { operation, index, id } = action;
    let content = match operation {
        Operation::Create | Operation::Index => {
            let document = lines.document(operation)?;
            match check_names(index.as_ref(), id.as_ref(), &document) {
                Some(refusal) => Content::Refused(refusal),
                None => check_document(document, limits),
            }
        }
        Operation::Update => Content::Refused(unsupported(lines.document(operation)?, operation)),
        Operation::Delete => Content::Refused(unsupported(Bytes::new(), operation)),
    };
    let index = index.or_else(|| limits.index.clone()).ok_or_else(|| {
        let reason = "Validation Failed: 1: index is missing;".to_owned();
        malformed("action_request_validation_exception", reason)
    })?;
    Ok(Item {
        operation,
        index: shortened(index, INDEX_BYTES_MAX),
        id: id.map(|id| shortened(id, ID_BYTES_MAX)),
        content,
    })
}

/// Checks one document.
pub(crate) fn check_document(document: Bytes, limits: &BulkLimits) -> Content {
    if document.len() > limits.record_bytes_max {
        return Content::Refused(Refusal {
            kept: document,
            reason: RejectReason::Oversized,
            detail: format!("the document is longer than {} bytes", limits.record_bytes_max),
        });
    }
    match check_object(&document, limits.depth_max) {
        Ok(()) => Content::Document(document),
        Err((reason, detail)) => Content::Refused(Refusal {
            kept: document,
            reason,
            detail,
        }),
    }
}

fn check_names(index: Option<&CompactString>, id: Option<&CompactString>, document: &Bytes) -> Option<Refusal> {
    let long = |name: Option<&CompactString>, max: usize| name.is_some_and(|name| name.len() > max);
    let detail = if long(index, INDEX_BYTES_MAX) {
        format!("_index is longer than {INDEX_BYTES_MAX} bytes")
    } else if long(id, ID_BYTES_MAX) {
        format!("_id is longer than {ID_BYTES_MAX} bytes")
    } else {
        return None;
    };
    Some(Refusal {
        kept: document.clone(),
        reason: RejectReason::NotParsable,
        detail,
    })
}

fn shortened(name: CompactString, bytes_max: usize) -> CompactString {
    if name.len() <= bytes_max {
        return name;
    }
    let mut end = bytes_max;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    CompactString::new(&name[..end])
}

fn unsupported(kept: Bytes, operation: Operation) -> Refusal {
    Refusal {
        kept,
        reason: RejectReason::UnsupportedOperation,
        detail: format!(
            "[{}] is not possible: what was logged is not changed; use [create] or [index]",
            operation.name()
        ),
    }
}

struct Lines<'a> {
    body: &'a Bytes,
    at: usize,
    number: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Option<Bytes> {
        let rest = self.body.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let carriage_return = usize::from(rest[..end].last() == Some(&b'\r'));
        let line = self.body.slice(self.at..self.at + end - carriage_return);
        self.at += end + 1;
        self.number += 1;
        Some(line)
    }

    fn document(&mut self, operation: Operation) -> Result<Bytes, Malformed> {
        self.next().ok_or_else(|| {
            let reason = format!("the document after the last [{}] line is missing", operation.name());
            malformed("illegal_argument_exception", reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> BulkLimits {
        BulkLimits {
            index: None,
            record_bytes_max: 100,
            records_max: 50,
            depth_max: 10,
        }
    }

    fn shown(body: &str) -> String {
        let limits = BulkLimits {
            index: Some(CompactString::const_new("logs")),
            ..limits()
        };
        match parse(&Bytes::copy_from_slice(body.as_bytes()), &limits) {
            Err(malformed) => format!("{} {}", malformed.status, malformed.reason),
            Ok(items) => items.iter().map(shown_item).collect::<Vec<_>>().join(" | "),
        }
    }

    fn shown_item(item: &Item) -> String {
        let content = match &item.content {
            Content::Document(document) => String::from_utf8_lossy(document).into_owned(),
            Content::Refused(refusal) => format!("{:?}", refusal.reason),
        };
        format!(
            "{} {}/{} {content}",
            item.operation.name(),
            item.index,
            item.id.as_deref().unwrap_or("-")
        )
    }

    #[test]
    fn bodies_and_their_items() {
        let deep = format!("{{\"index\":{{}}}}\n{{\"a\":{}{}}}\n", "[".repeat(20), "]".repeat(20));
        let long = format!("{{\"index\":{{}}}}\n{{\"a\":\"{}\"}}\n", "x".repeat(200));
        let cases = [
            ("{\"index\":{}}\n{\"a\":1}\n", "index logs/- {\"a\":1}"),
            (
                "{\"create\":{\"_index\":\"w\",\"_id\":\"7\",\"pipeline\":\"p\",\"_type\":null}}\r\n{\"a\":1}\r\n",
                "create w/7 {\"a\":1}",
            ),
            (
                "{\"index\":{\"_id\":7}}\n{}\n\n{\"index\":{}}\n{}\n",
                "index logs/7 {} | index logs/- {}",
            ),
            (
                "{\"index\":{}}\nnot json\n{\"index\":{}}\n{\"a\":1}\n",
                "index logs/- NotParsable | index logs/- {\"a\":1}",
            ),
            (
                "{\"index\":{}}\n\n{\"index\":{}}\n{}\n",
                "index logs/- NotParsable | index logs/- {}",
            ),
            (
                "{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"2\"}}\n{\"doc\":{}}\n{\"create\":{}}\n{}\n",
                "delete logs/1 UnsupportedOperation | update logs/2 UnsupportedOperation | create logs/- {}",
            ),
            (&deep, "index logs/- TooDeep"),
            (&long, "index logs/- Oversized"),
            ("", "400 request body is required"),
            ("\n\n", "400 Validation Failed: 1: no requests added;"),
            (
                "{\"index\":{}}\n{}",
                "400 The bulk request must be terminated by a newline [\\n]",
            ),
            (
                "{\"index\":{}}\n",
                "400 the document after the last [index] line is missing",
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(shown(body), expected, "{body}");
        }
        for body in [
            "{\"frob\":{}}\n{}\n",
            "{}\n",
            "[]\n{}\n",
            "{\"index\":{},\"x\":1}\n{}\n",
            "{\"index\":{\"_id\":[]}}\n{}\n",
        ] {
            assert!(
                shown(body).starts_with("400 Malformed action/metadata line [1]"),
                "{body}: {}",
                shown(body)
            );
        }
        let many = "{\"index\":{}}\n{}\n".repeat(51);
        assert_eq!(shown(&many), "413 more than 50 items in one request");
    }

    #[test]
    fn an_item_without_index_needs_one_in_the_path() {
        let body = Bytes::from_static(b"{\"index\":{}}\n{}\n");
        assert_eq!(
            parse(&body, &limits()).unwrap_err().kind,
            "action_request_validation_exception"
        );
    }

    proptest! {
        #[test]
        fn any_bytes(body in prop::collection::vec(prop_oneof![
            Just(b"{\"index\":{}}".to_vec()), Just(b"\n".to_vec()), Just(b"{\"create\":{\"_id\":\"".to_vec()),
            prop::collection::vec(any::<u8>(), 0..12),
        ], 0..30)) {
            let body = Bytes::from(body.concat());
            if let Ok(items) = parse(&body, &BulkLimits { index: Some("logs".into()), ..limits() }) {
                let bytes: usize = items.iter().map(|item| match &item.content {
                    Content::Document(document) => document.len(),
                    Content::Refused(refusal) => refusal.kept.len(),
                }).sum();
                prop_assert!(bytes <= body.len());
            }
        }
    }
}
