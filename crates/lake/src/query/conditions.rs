//! A search line as a condition on the rows of the table of events.

use arrow_schema::DataType;
use datafusion::{
    common::{Column as ColumnName, ScalarValue},
    logical_expr::{Expr, TryCast, expr::ScalarFunction, lit, or},
};
use model::Timestamp;

use super::functions;
use crate::{
    columns::UTC,
    entities::address_bytes,
    search::{Column, ColumnKind, Field, Order, Pattern, Search, Test},
};

/// The column of this name; names have dots, which SQL would read as something else.
pub(crate) fn by_name(name: &str) -> Expr {
    Expr::Column(ColumnName::new_unqualified(name))
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let function = functions::named(name).expect("the lake has its own functions");
    Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))
}

/// The value of a field of the record.
pub(crate) fn record_field(name: &str) -> Expr {
    call(functions::FIELD, vec![by_name("fields"), lit(name)])
}

/// The record as it came.
pub(crate) fn record() -> Expr {
    call(functions::RAW, vec![by_name("fields"), by_name("raw_shape")])
}

pub(crate) fn moment(at: Timestamp) -> Expr {
    let value = ScalarValue::TimestampMicrosecond(Some(at.as_microsecond()), Some(UTC.into()));
    Expr::Literal(value, None)
}

/// The condition under which a row is sought; nothing if every row is.
pub(crate) fn condition(search: &Search) -> Option<Expr> {
    match search {
        Search::All(parts) => parts.iter().filter_map(condition).reduce(Expr::and),
        Search::Any(parts) => {
            let parts: Option<Vec<Expr>> = parts.iter().map(condition).collect();
            parts?.into_iter().reduce(or)
        }
        // What has no value is not the value either.
        Search::Not(inner) => {
            Some(condition(inner).map_or_else(|| lit(false), |inner| Expr::IsNotTrue(Box::new(inner))))
        }
        Search::Text(text) => Some(call(
            functions::HAS_TEXT,
            vec![by_name("fields"), by_name("raw_shape"), lit(text.as_str())],
        )),
        Search::Field(Field::Record(name), must) => Some(on_text(record_field(name), must)),
        Search::Field(Field::Column(column), must) => Some(on_column(*column, must)),
    }
}

fn on_column(column: Column, must: &Test) -> Expr {
    let value = by_name(column.name);
    match (column.kind, must) {
        (ColumnKind::List, Test::Present) => call(functions::MATCHES, vec![value, lit("*")]),
        (ColumnKind::List, Test::Is(text)) => call(functions::LIST_HAS, vec![value, lit(text.as_str())]),
        (ColumnKind::Text, Test::Matches(pattern)) if is_lower(column.name) && is_ascii_word(pattern) => {
            // These columns are lower case; asked for exactly, statistics and bloom filters answer.
            value.eq(lit(pattern.to_string().to_lowercase()))
        }
        (_, Test::Number(order, number)) => compare(value, *order, whole_or_not(*number)),
        (
            ColumnKind::Text
            | ColumnKind::Address
            | ColumnKind::Number
            | ColumnKind::Time
            | ColumnKind::List
            | ColumnKind::Flag,
            Test::Present | Test::Matches(_) | Test::Is(_) | Test::Address(..) | Test::Time(..) | Test::Flag(_),
        ) => on_text(value, must),
    }
}

/// Columns that are lower case whatever the record had (`model::Entities`).
fn is_lower(name: &str) -> bool {
    name.starts_with("file.hash.") || name == "host.name" || name == "url.domain"
}

fn is_ascii_word(pattern: &Pattern) -> bool {
    let written = pattern.to_string();
    pattern.is_plain() && written.is_ascii() && !written.contains('\\')
}

fn on_text(value: Expr, must: &Test) -> Expr {
    match must {
        Test::Present => value.is_not_null(),
        Test::Matches(pattern) if pattern.is_anything() => value.is_not_null(),
        Test::Matches(pattern) => matching(value, pattern),
        Test::Is(text) => value.eq(lit(text.as_str())),
        Test::Address(first, last) => {
            let stored = |address| Expr::Literal(functions::stored(address_bytes(address)), None);
            if first == last {
                value.eq(stored(*first))
            } else {
                value.between(stored(*first), stored(*last))
            }
        }
        Test::Number(order, number) => {
            let read = Expr::TryCast(TryCast::new(Box::new(value), DataType::Float64));
            compare(read, *order, lit(*number))
        }
        Test::Time(order, at) => compare(value, *order, moment(*at)),
        Test::Flag(flag) => value.eq(lit(*flag)),
    }
}

fn matching(value: Expr, pattern: &Pattern) -> Expr {
    call(functions::MATCHES, vec![value, lit(pattern.to_string())])
}

/// Whole numbers are compared as such, so that statistics can be held against them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be a whole number that an i64 holds"
)]
fn whole_or_not(number: f64) -> Expr {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        lit(number as i64)
    } else {
        lit(number)
    }
}

fn compare(value: Expr, order: Order, with: Expr) -> Expr {
    match order {
        Order::Equal => value.eq(with),
        Order::Less => value.lt(with),
        Order::LessOrEqual => value.lt_eq(with),
        Order::Greater => value.gt(with),
        Order::GreaterOrEqual => value.gt_eq(with),
    }
}
