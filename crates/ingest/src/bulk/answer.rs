//! The answer to a `_bulk` request, written item by item as Elasticsearch does.

use std::fmt::Write;

use model::{RejectReason, Seq};

use super::Item;
use crate::{Refused, receiving::Refusal};

/// What became of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    /// It is durable under this number.
    Stored(Seq),
    /// It was refused, and the refusal is durable under this number.
    Rejected(Seq, &'a Refusal),
    /// There was no room for it; the client keeps it.
    PushedBack(&'a Refused),
}

/// Writes the answer of a whole request.
pub(crate) fn write_answer(items: &[(&Item, Outcome<'_>)], took_milliseconds: u128) -> String {
    let mut text = String::with_capacity(64 + items.len() * 200);
    let errors = items.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Stored(_)));
    put(
        &mut text,
        format_args!("{{\"took\":{took_milliseconds},\"errors\":{errors},\"items\":["),
    );
    for (at, (item, outcome)) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        put(&mut text, format_args!("{{\"{}\":{{", item.operation.name()));
        write_item(&mut text, item, *outcome);
        text.push_str("}}");
    }
    text.push_str("]}");
    text
}

/// Writes the answer of a request that stored one document.
pub(crate) fn write_document(item: &Item, seq: Seq) -> String {
    let mut text = String::from("{");
    write_names(&mut text, item, Some(seq));
    write_stored(&mut text, seq);
    text.push('}');
    text
}

fn write_item(text: &mut String, item: &Item, outcome: Outcome<'_>) {
    match outcome {
        Outcome::Stored(seq) => {
            write_names(text, item, Some(seq));
            write_stored(text, seq);
            text.push_str(",\"status\":201");
        }
        Outcome::Rejected(seq, refusal) => {
            write_names(text, item, Some(seq));
            let (kind, cause) = error_kind(refusal.reason);
            put(
                text,
                format_args!(",\"status\":400,\"error\":{{\"type\":\"{kind}\",\"reason\":"),
            );
            if let Some(cause) = cause {
                put(
                    text,
                    format_args!("\"failed to parse\",\"caused_by\":{{\"type\":\"{cause}\",\"reason\":"),
                );
                write_text(text, &refusal.detail);
                text.push('}');
            } else {
                write_text(text, &refusal.detail);
            }
            text.push('}');
        }
        Outcome::PushedBack(refused) => {
            write_names(text, item, None);
            let (status, kind) = match refused {
                Refused::Full => (429, "es_rejected_execution_exception"),
                Refused::Failed(_) => (503, "unavailable_shards_exception"),
            };
            put(
                text,
                format_args!(",\"status\":{status},\"error\":{{\"type\":\"{kind}\",\"reason\":"),
            );
            write_text(text, &refused.to_string());
            text.push('}');
        }
    }
}

fn error_kind(reason: RejectReason) -> (&'static str, Option<&'static str>) {
    match reason {
        RejectReason::UnsupportedOperation => ("illegal_argument_exception", None),
        RejectReason::NotParsable | RejectReason::BadFraming | RejectReason::Truncated => {
            ("mapper_parsing_exception", Some("json_parse_exception"))
        }
        RejectReason::Oversized | RejectReason::TooDeep | RejectReason::BadCompression => {
            ("mapper_parsing_exception", Some("illegal_argument_exception"))
        }
    }
}

/// Items without an id are named by their number in the journal, which no other item has.
fn write_names(text: &mut String, item: &Item, seq: Option<Seq>) {
    text.push_str("\"_index\":");
    write_text(text, &item.index);
    text.push_str(",\"_id\":");
    match (&item.id, seq) {
        (Some(id), _) => write_text(text, id),
        (None, Some(seq)) => put(text, format_args!("\"{seq:020}\"")),
        (None, None) => text.push_str("null"),
    }
}

fn write_stored(text: &mut String, seq: Seq) {
    put(
        text,
        format_args!(
            ",\"_version\":1,\"result\":\"created\",\"_shards\":{{\"total\":1,\"successful\":1,\"failed\":0}},\
             \"_seq_no\":{seq},\"_primary_term\":1"
        ),
    );
}

fn write_text(text: &mut String, value: &str) {
    if value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&serde_json::to_string(value).expect("a text can always be written as JSON"));
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::Value;

    use super::*;
    use crate::bulk::{Content, Operation};

    #[test]
    fn each_item_has_its_own_answer() {
        let item = |operation, id: Option<&str>| Item {
            operation,
            index: "logs-\"app\"".into(),
            id: id.map(Into::into),
            content: Content::Document(Bytes::new()),
        };
        let refusal = |reason, detail: &str| Refusal {
            kept: Bytes::new(),
            reason,
            detail: detail.to_owned(),
        };
        let broken = refusal(RejectReason::NotParsable, "expected \"value\" at 3");
        let update = refusal(RejectReason::UnsupportedOperation, "[update] is not possible");
        let all = [
            (item(Operation::Create, None), Outcome::Stored(41)),
            (item(Operation::Index, Some("my \u{1f511}")), Outcome::Stored(42)),
            (item(Operation::Index, None), Outcome::Rejected(43, &broken)),
            (item(Operation::Update, Some("7")), Outcome::Rejected(44, &update)),
            (item(Operation::Create, None), Outcome::PushedBack(&Refused::Full)),
        ];
        let items: Vec<(&Item, Outcome<'_>)> = all.iter().map(|(item, outcome)| (item, *outcome)).collect();
        let mut answer: Value = serde_json::from_str(&write_answer(&items, 3)).unwrap();
        // Whether objects keep their order depends on what else is built beside this crate.
        answer.sort_all_objects();
        insta::assert_snapshot!(serde_json::to_string_pretty(&answer).unwrap());
    }
}
