//! Zeek's logs as tab-separated values. Which columns a line has is said by the `#fields` line of its file, which the
//! reader passes on as the hint together with the name of the log.

use compact_str::CompactString;
use model::{ProblemKind, Value};

use super::{Line, Reader, Reading, Source, zeek};
use crate::draft::Draft;

pub(super) const SOURCE: Source = Source {
    name: "zeek_tsv",
    programs: &[],
    reader: Reader::Text { recognise, read },
};

/// The columns of Zeek 4 to 7 without packages, for lines that come without their header.
const CONN: &str = "conn ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes \
                    conn_state local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts \
                    resp_ip_bytes tunnel_parents[]";
const DNS: &str = "dns ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto trans_id rtt query qclass qclass_name qtype \
                   qtype_name rcode rcode_name AA TC RD RA Z answers[] TTLs[] rejected";
const HTTP: &str = "http ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version \
                    user_agent origin request_body_len response_body_len status_code status_msg info_code info_msg \
                    tags[] username password proxied[] orig_fuids[] orig_filenames[] orig_mime_types[] resp_fuids[] \
                    resp_filenames[] resp_mime_types[]";

fn recognise(line: &Line<'_>) -> bool {
    is_directive(line.text) || default_columns(line.text).is_some()
}

fn is_directive(text: &str) -> bool {
    let names = [
        "#separator",
        "#set_separator",
        "#empty_field",
        "#unset_field",
        "#path",
        "#open",
        "#fields",
        "#types",
        "#close",
    ];
    text.starts_with('#') && names.iter().any(|name| text.starts_with(name))
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    if is_directive(line.text) {
        draft.happened(draft.received_at);
        draft.logsources = zeek::logsources("");
        draft.push_text("message", line.text);
        return Reading::Done;
    }
    let columns = match line.columns {
        Some(columns) => columns,
        None => match default_columns(line.text) {
            Some(columns) => {
                draft.problem(
                    ProblemKind::Malformed,
                    "no #fields line is known for it; read by the number of columns that Zeek writes by default",
                );
                columns
            }
            None => return Reading::NotMine,
        },
    };
    let (path, columns) = columns.split_once(' ').unwrap_or((columns, ""));
    if !path.is_empty() {
        draft.push_text("_path", path);
    }
    let mut values = line.text.split('\t');
    for name in columns.split(' ') {
        let Some(value) = values.next() else {
            draft.problem(
                ProblemKind::Malformed,
                format!("the line ends before the column {name}"),
            );
            break;
        };
        put(name, value, draft);
    }
    let further: Vec<&str> = values.collect();
    if !further.is_empty() {
        draft.problem(ProblemKind::Malformed, "the line has more columns than its header");
        draft.push_text("further_columns", &further.join("\t"));
    }
    zeek::read(draft);
    Reading::Done
}

/// `-` is an unset value, `(empty)` an empty one.
fn put(name: &str, value: &str, draft: &mut Draft) {
    if value == "-" {
        return;
    }
    if let Some(name) = name.strip_suffix("[]") {
        let list = match value {
            "(empty)" => Vec::new(),
            value => value.split(',').map(|part| Value::Text(unescaped(part))).collect(),
        };
        draft.push(name, Value::List(list));
        return;
    }
    match (value, value.parse::<i64>()) {
        ("(empty)", _) => draft.push_text(name, ""),
        ("T", _) => draft.push(name, Value::Bool(true)),
        ("F", _) => draft.push(name, Value::Bool(false)),
        (_, Ok(number)) => draft.push(name, Value::Int(number)),
        (_, Err(_)) => draft.push_text(name, &unescaped(value)),
    }
}

/// Zeek writes separators and bytes that are not printable as `\x09`.
fn unescaped(text: &str) -> CompactString {
    if !text.contains("\\x") {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'\\'
            && let [b'x', high, low, tail @ ..] = after
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            out.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
            rest = tail;
        } else {
            out.push(byte);
            rest = after;
        }
    }
    CompactString::from_utf8_lossy(&out)
}

fn default_columns(text: &str) -> Option<&'static str> {
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    let mut words = text.split('\t');
    crate::times::of_epoch_text(words.next()?)?;
    let uid = words.next()?;
    if !uid.starts_with('C') || uid.len() < 10 {
        return None;
    }
    match words.count() + 2 {
        21 => Some(CONN),
        24 => Some(DNS),
        30 => Some(HTTP),
        _ => None,
    }
}
