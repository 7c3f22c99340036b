//! Reports: from what the ledger holds to a letter with its gaps marked, and the steps of a report's life. Nothing is
//! typed twice: people answer only where the ledger has no fact.

pub mod compose;
pub mod facts;
mod form;
mod incident;
pub mod period;
mod steps;
pub mod watch;

use model::{FieldKind, Language, Letter, Phrase, Rejected, Report};
use serde_json::{Map, Value};

pub use compose::{FACT_CHARACTERS_MAX, GAPS_MAX, Manner, at, compose};
pub use facts::{Facts, IncidentFacts, ReplyFacts, View, compile};
pub use form::{BlockForm, ColumnForm, FactForm, Form, FormError, Matter, Offer, RowForm, Text};
pub use incident::{IncidentView, KindRow};
pub use period::PeriodFacts;
pub use steps::{NewReport, Reply, Sent, answer, begin, describe_organisation, send};
pub use watch::{Judged, Measured, WatchFacts, WatchView};

/// A report as it stands: its facts with people's answers in their places, and the letter made of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The facts, as JSON.
    pub facts: Value,
    /// The letter.
    pub letter: Letter,
}

/// Makes a report from its facts; none when what it is about is not there.
///
/// # Panics
/// Never: facts are plain data with text keys.
#[must_use]
pub fn make(report: &Report, form: &Form, view: &View<'_>, manner: &Manner) -> Option<Standing> {
    let compiled = compile(report, view)?;
    let mut facts = serde_json::to_value(&compiled).expect("facts have text keys only");
    for (path, answer) in &report.answers {
        let kind = kind_of(form, path).unwrap_or_default();
        // An answer that no longer reads as its kind (the form was changed) stays as the words it was given in.
        let value = read_answer(kind, &answer.text).unwrap_or_else(|_| Value::String(answer.text.clone()));
        fill(&mut facts, path, value);
    }
    let letter = compose(form, &facts, manner);
    Some(Standing { facts, letter })
}

/// What sort of fact a form expects at a path: of a described fact, or of a cell in a table.
#[must_use]
pub fn kind_of(form: &Form, path: &str) -> Option<FieldKind> {
    if let Some(fact) = form.fact(path) {
        return Some(fact.kind);
    }
    form.blocks.iter().find_map(|block| {
        let cell = path.strip_prefix(block.table.as_deref()?)?.strip_prefix('.')?;
        let (_, column) = cell.split_once('.')?;
        block
            .columns
            .iter()
            .find(|known| known.path == column)
            .map(|known| known.kind)
    })
}

/// Reads what a person answered.
///
/// # Errors
/// When the words are not of the kind that the form asks for.
pub fn read_answer(kind: FieldKind, text: &str) -> Result<Value, Phrase> {
    let text = text.trim();
    let words = || Value::String(text.to_owned());
    let read = |pattern: &str, then: fn(jiff::fmt::strtime::BrokenDownTime) -> bool| {
        jiff::fmt::strtime::parse(pattern, text).is_ok_and(then)
    };
    match kind {
        FieldKind::Text | FieldKind::LongText | FieldKind::Choice => Ok(words()),
        FieldKind::Number => text
            .replace(['.', ',', ' '], "")
            .parse::<u64>()
            .map(Value::from)
            .map_err(|_| Phrase::new("phải là một số nguyên", "must be a whole number")),
        FieldKind::Date => read("%d/%m/%Y", |at| at.to_date().is_ok())
            .then(words)
            .ok_or(Phrase::new("phải có dạng dd/mm/yyyy", "must be written dd/mm/yyyy")),
        FieldKind::Time => read("%H:%M", |at| at.to_time().is_ok())
            .then(words)
            .ok_or(Phrase::new("phải có dạng HH:MM", "must be written HH:MM")),
        FieldKind::Moment => read("%H:%M %d/%m/%Y", |at| at.to_datetime().is_ok())
            .then(words)
            .ok_or(Phrase::new(
                "phải có dạng HH:MM dd/mm/yyyy",
                "must be written HH:MM dd/mm/yyyy",
            )),
        FieldKind::YesNo => match text.to_lowercase().as_str() {
            "có" | "yes" | "true" => Ok(Value::Bool(true)),
            "không" | "no" | "false" => Ok(Value::Bool(false)),
            _ => Err(Phrase::new("phải là có hoặc không", "must be yes or no")),
        },
        FieldKind::List | FieldKind::Choices => Ok(Value::Array(
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| Value::String(line.to_owned()))
                .collect(),
        )),
    }
}

/// Puts a value where nothing is; a fact of the ledger is never replaced.
fn fill(facts: &mut Value, path: &str, value: Value) {
    let mut place = facts;
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let next = match place {
            Value::Object(fields) => fields.entry(step).or_insert(Value::Null),
            Value::Array(items) => match step.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                Some(item) => item,
                None => return,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        if steps.peek().is_none() {
            let empty = match next {
                Value::Null => true,
                Value::String(text) => text.trim().is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
            };
            if empty {
                *next = value;
            }
            return;
        }
        place = next;
    }
}

/// The organisation's facts: path in every report, and what they are called.
pub const ORGANISATION_FIELDS: [(&str, Phrase); 14] = [
    ("name", Phrase::new("Tên cơ quan, tổ chức", "Name of the organisation")),
    ("parent", Phrase::new("Cơ quan chủ quản", "Body above it")),
    (
        "abbreviation",
        Phrase::new("Chữ viết tắt trong số ký hiệu", "Abbreviation in numbers"),
    ),
    ("address", Phrase::new("Địa chỉ", "Address")),
    ("telephone", Phrase::new("Điện thoại", "Telephone")),
    ("email", Phrase::new("Thư điện tử", "E-mail")),
    ("place", Phrase::new("Địa danh", "Place of letters")),
    (
        "member_code",
        Phrase::new("Mã thành viên mạng lưới", "Code in the response network"),
    ),
    ("contact_name", Phrase::new("Đầu mối liên hệ", "Contact")),
    ("contact_position", Phrase::new("Chức vụ đầu mối", "Contact's position")),
    (
        "contact_telephone",
        Phrase::new("Điện thoại đầu mối", "Contact's telephone"),
    ),
    ("contact_email", Phrase::new("Thư điện tử đầu mối", "Contact's e-mail")),
    ("signer_title", Phrase::new("Chức vụ người ký", "Office of who signs")),
    ("signer_name", Phrase::new("Họ tên người ký", "Name of who signs")),
];

/// What a fact of the organisation is called.
pub(crate) fn organisation_label(path: &str, language: Language) -> Option<&'static str> {
    let field = path.strip_prefix("organisation.")?;
    ORGANISATION_FIELDS
        .iter()
        .find(|(known, _)| *known == field)
        .map(|(_, label)| label.text(language))
}

/// The rejection of a field.
fn invalid(field: &'static str, vi: &'static str, en: &'static str) -> Rejected {
    Rejected::Invalid {
        field,
        problem: Phrase::new(vi, en),
    }
}

#[cfg(test)]
mod tests;
