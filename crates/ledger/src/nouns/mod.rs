//! One file a noun: its SQL, how a change of it is written, and the queries that read it.

pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod counts;
pub(crate) mod detections;
pub(crate) mod entries;
pub(crate) mod kept;
pub(crate) mod measurements;
pub(crate) mod outbox;
pub(crate) mod reports;
pub(crate) mod settings;
pub(crate) mod silences;
pub(crate) mod sources;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    ApplyError, ReadError,
    apply::Booking,
    database::big,
    entry::{ChangeNote, sha256_hex},
    error::conflict,
};

/// The name of a unit variant as serde writes it (`true_positive`).
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Reads the JSON bodies that a query gives in its first column.
pub(crate) fn bodies<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<T>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(serde_json::from_str(
            row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
        )?);
    }
    Ok(items)
}

/// Reads at most one JSON body.
pub(crate) fn body<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Option<T>, ReadError> {
    Ok(bodies(connection, sql, parameters)?.into_iter().next())
}

/// A row of state about to be written, as far as all nouns are alike.
pub(crate) struct Versioned<'a> {
    pub(crate) table: &'static str,
    /// The name of the key column.
    pub(crate) key_column: &'static str,
    pub(crate) key: &'a str,
    pub(crate) revision: u64,
    pub(crate) body: &'a str,
}

impl Versioned<'_> {
    pub(crate) fn subject(&self) -> String {
        format!("{}:{}", self.table, self.key)
    }

    /// The body that stands now; a conflict when its revision is not the one that the change was decided on.
    pub(crate) fn standing(&self, booking: &Booking<'_>) -> Result<Option<String>, ApplyError> {
        let sql = format!(
            "SELECT revision, body FROM {} WHERE {} = $1",
            self.table, self.key_column
        );
        let found: Option<(i64, String)> = booking
            .connection
            .prepare_cached(&sql)?
            .query_row(params![self.key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let standing_revision = found.as_ref().map_or(0, |(revision, _)| *revision);
        if standing_revision + 1 == big(self.revision) {
            Ok(found.map(|(_, body)| body))
        } else {
            Err(conflict(&self.subject()))
        }
    }

    /// What the entry says of it.
    pub(crate) fn note(
        &self,
        change: &'static str,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<ChangeNote, ApplyError> {
        Ok(ChangeNote {
            change,
            subject: Some(self.subject()),
            revision: Some(self.revision),
            digest: Some(sha256_hex(self.body.as_bytes())),
            before: before.map(RawValue::from_string).transpose()?,
            after: after.map(RawValue::from_string).transpose()?,
            ..ChangeNote::default()
        })
    }
}

/// The id in a row.
pub(crate) fn id<T>(text: &str) -> Result<model::Id<T>, ReadError> {
    text.parse()
        .map_err(|_| ReadError::Store(crate::StoreError(format!("a row has no valid id: {text}"))))
}
