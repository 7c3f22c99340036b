//! The search line of a hunt: `user.name:an* source.ip:203.0.113.0/24 "powershell -enc" NOT host.name:db1`, read into
//! conditions without looking at the lake. `docs/HUNTING.md` describes the language for those who write it.

mod error;
mod names;
mod parse;
mod pattern;
mod token;
mod value;

use std::net::IpAddr;

use model::Timestamp;

pub use self::{
    error::{Fault, SearchError},
    names::{ALIASES, Column, ColumnKind, FieldNames, column, columns, nearest},
    parse::{NESTED_MAX, SEARCH_BYTES_MAX, TERMS_MAX, parse},
    pattern::Pattern,
};

/// What a search line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Search {
    /// All of these; everything when there are none.
    All(Vec<Search>),
    /// At least one of these.
    Any(Vec<Search>),
    /// Whatever is not this; also what does not have the field at all.
    Not(Box<Search>),
    /// A text anywhere in the record, as it was written; case and tone marks do not matter.
    Text(String),
    /// A condition on a field.
    Field(Field, Test),
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A column of the table of events.
    Column(Column),
    /// A field of the record, by the name that the record gives it.
    Record(String),
}

/// What must hold of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It has a value.
    Present,
    /// The whole value matches; case and tone marks do not matter.
    Matches(Pattern),
    /// The value is exactly this text.
    Is(String),
    /// The address lies between these, both included.
    Address(IpAddr, IpAddr),
    /// The number compares so.
    Number(Order, f64),
    /// The moment compares so.
    Time(Order, Timestamp),
    /// Yes or no.
    Flag(bool),
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

#[cfg(test)]
mod tests;
