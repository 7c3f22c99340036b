//! Hunts by search line: the rows in a span of time, newest first, with chosen columns; and their summary.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::{dataframe::DataFrame, logical_expr::Expr};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    HuntError, HuntSession,
    conditions::{by_name, condition, moment, record, record_field},
    hunt::Hunt,
    summary::{Span, Summing},
};
use crate::{
    row::Table,
    search::{FieldNames, Search, SearchError, column, columns, nearest, parse},
};

/// What a hunt by search line is after.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Which events.
    pub search: Search,
    /// From when on they happened.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
}

/// The columns of an answer when none are chosen.
pub const USUAL_COLUMNS: [&str; 7] = [
    "happened_at",
    "source",
    "host.name",
    "user.name",
    "source.ip",
    "event.code",
    "raw",
];

/// A question as it comes from outside: a search line or SQL, a span of time, columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inquiry {
    /// The search line, or the question in SQL.
    pub text: String,
    /// Whether `text` is SQL; then time, columns and rows are for it to say.
    pub sql: bool,
    /// From when on the events happened.
    pub from: Option<Timestamp>,
    /// Before when they happened.
    pub before: Option<Timestamp>,
    /// The columns; the usual ones when there are none.
    pub columns: Vec<String>,
    /// Rows at most, the newest ones; all of them in any order without it.
    pub rows_max: Option<usize>,
}

/// A question that cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InquiryError {
    /// The search line cannot be read.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// SQL that cannot be read, a column that does not exist, or a failure.
    #[error(transparent)]
    Hunt(#[from] HuntError),
}

/// A column of an answer: of the table, a field of the record, or the record as it came (`raw`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// A column of the table.
    Column(&'static str),
    /// A field of the record.
    Record(String),
    /// The record as it came.
    Raw,
    /// All fields of the record.
    Fields,
}

impl Inquiry {
    fn asked(&self, known: &FieldNames) -> Result<Asked, SearchError> {
        Ok(Asked {
            search: parse(&self.text, known)?,
            from: self.from,
            before: self.before,
        })
    }
}

impl Chosen {
    /// Reads the name of a column; a field of the record may be written `fields.name` or, where records are known to have it, `name`.
    ///
    /// # Errors
    /// Nothing has this name.
    pub fn parse(name: &str, known: &FieldNames) -> Result<Self, HuntError> {
        if let Some(field) = name.strip_prefix("fields.") {
            return Ok(Self::Record(field.to_owned()));
        }
        if let Some(column) = column(name) {
            return Ok(Self::Column(column.name));
        }
        match name {
            "raw" => Ok(Self::Raw),
            "fields" => Ok(Self::Fields),
            _field if known.iter().any(|known| known == name) => Ok(Self::Record(name.to_owned())),
            _field => {
                let all = columns().iter().map(|column| column.name).chain(["raw", "fields"]);
                Err(HuntError::Unknown {
                    name: name.to_owned(),
                    near: nearest(name, all.chain(known.iter())),
                })
            }
        }
    }

    /// The name of the column in the answer.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Column(name) => (*name).to_owned(),
            Self::Record(name) if column(name).is_some() => format!("fields.{name}"),
            Self::Record(name) => name.clone(),
            Self::Raw => "raw".to_owned(),
            Self::Fields => "fields".to_owned(),
        }
    }

    fn expression(&self) -> Expr {
        let value = match self {
            Self::Column(name) => by_name(name),
            Self::Record(name) => record_field(name),
            Self::Raw => record(),
            Self::Fields => by_name("fields"),
        };
        value.alias(self.name())
    }
}

impl HuntSession {
    /// Begins a hunt for what an inquiry asks.
    ///
    /// # Errors
    /// It cannot be read, or makes no sense for these columns.
    pub fn inquire(&self, inquiry: &Inquiry) -> Result<Hunt, InquiryError> {
        if inquiry.sql {
            return Ok(self.sql(&inquiry.text)?);
        }
        let known = self.field_names();
        let asked = inquiry.asked(&known)?;
        let usual = USUAL_COLUMNS.map(str::to_owned);
        let names = if inquiry.columns.is_empty() {
            &usual[..]
        } else {
            &inquiry.columns
        };
        let chosen: Result<Vec<Chosen>, HuntError> = names.iter().map(|name| Chosen::parse(name, &known)).collect();
        Ok(self.rows(&asked, &chosen?, inquiry.rows_max)?)
    }

    /// Begins the summary of what an inquiry by search line asks.
    ///
    /// # Errors
    /// As [`HuntSession::inquire`].
    pub fn summarise(&self, inquiry: &Inquiry, faceted: &[String]) -> Result<Summing, InquiryError> {
        let known = self.field_names();
        let asked = inquiry.asked(&known)?;
        let chosen: Result<Vec<Chosen>, HuntError> = faceted.iter().map(|name| Chosen::parse(name, &known)).collect();
        Ok(self.summary(&asked, &chosen?)?)
    }

    fn matching(&self, asked: &Asked) -> Result<DataFrame, HuntError> {
        let happened = || by_name("happened_at");
        let conditions = [
            asked.from.map(|from| happened().gt_eq(moment(from))),
            asked.before.map(|before| happened().lt(moment(before))),
            condition(&asked.search),
        ];
        let events = self.table(Table::Events)?;
        match conditions.into_iter().flatten().reduce(Expr::and) {
            Some(all) => events.filter(all).map_err(|error| HuntError::of(&error)),
            None => Ok(events),
        }
    }

    /// The rows that are sought, newest first; without `rows_max`, all of them in any order.
    ///
    /// # Errors
    /// The question makes no sense for these columns.
    pub fn rows(&self, asked: &Asked, chosen: &[Chosen], rows_max: Option<usize>) -> Result<Hunt, HuntError> {
        let mut sought = self.matching(asked)?;
        let failed = |error| HuntError::of(&error);
        if let Some(rows_max) = rows_max {
            let newest_first = vec![
                by_name("happened_at").sort(false, false),
                by_name("seq").sort(false, false),
            ];
            sought = sought
                .sort(newest_first)
                .and_then(|sorted| sorted.limit(0, Some(rows_max)))
                .map_err(failed)?;
        }
        let columns = sought.select(chosen.iter().map(Chosen::expression)).map_err(failed)?;
        self.query(columns.logical_plan().clone())
    }

    /// How many events are sought, when they happened, and the values that they have most often.
    ///
    /// # Errors
    /// The question makes no sense for these columns.
    pub fn summary(&self, asked: &Asked, faceted: &[Chosen]) -> Result<Summing, HuntError> {
        let sought = self.matching(asked)?;
        let columns = std::iter::once(by_name("happened_at")).chain(faceted.iter().map(Chosen::expression));
        let columns = sought
            .select(columns.collect::<Vec<_>>())
            .map_err(|error| HuntError::of(&error))?;
        let hunt = self.query(columns.logical_plan().clone())?;
        let names = faceted.iter().map(Chosen::name).collect();
        Ok(Summing::new(hunt, Span::of(self.bounds(asked)), names))
    }

    /// From when to when there is anything to be found.
    fn bounds(&self, asked: &Asked) -> (Timestamp, Timestamp) {
        let known = self.inner.happened_between();
        let (first, last) = known.unwrap_or((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH));
        let after = last.checked_add(jiff::SignedDuration::from_micros(1)).unwrap_or(last);
        let from = asked.from.unwrap_or(first);
        let before = asked.before.unwrap_or(after).max(from);
        (from, before)
    }

    /// The names that records give their fields, as far as a look into the newest files tells.
    #[must_use]
    pub fn field_names(&self) -> FieldNames {
        let mut names = BTreeSet::new();
        let looked_at = self.inner.each_name(|name| {
            names.insert(name.to_owned());
            if names.len() < FIELD_NAMES_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let _: ControlFlow<()> = looked_at;
        names.into_iter().collect()
    }
}

/// Most names of fields that are kept in mind.
const FIELD_NAMES_MAX: usize = 20_000;
