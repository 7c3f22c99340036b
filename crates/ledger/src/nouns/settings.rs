//! Settings of the post, and how far the pipeline has come.

use model::{Permission, PipelinePosition, Scope};
use rusqlite::{OptionalExtension, params};

use super::Versioned;
use crate::{
    ApplyError, Ledger, ReadError,
    apply::Booking,
    database::{big, count},
    entry::ChangeNote,
    error::{conflict, conflict_about},
};

/// Writes a setting.
pub(crate) fn put(booking: &Booking<'_>, name: &str, value: &str, revision: u64) -> Result<ChangeNote, ApplyError> {
    // Read and written again, so that what gets into the entry is JSON whatever was handed in.
    let text = serde_json::from_str::<serde_json::Value>(value)?.to_string();
    let row = Versioned {
        table: "setting",
        key_column: "name",
        key: name,
        revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    booking
        .connection
        .prepare_cached(
            "INSERT INTO setting (name, revision, entry, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, entry = excluded.entry, body = excluded.body",
        )?
        .execute(params![name, big(revision), big(booking.number), text])
        .map_err(conflict_about(&row.subject()))?;
    row.note("put_setting", before, Some(text.clone()))
}

/// Moves the pipeline forward: a decision on entries that were decided already is a conflict, so none is made twice.
pub(crate) fn advance(booking: &Booking<'_>, to: PipelinePosition) -> Result<ChangeNote, ApplyError> {
    let from = booking
        .connection
        .prepare_cached("SELECT decided, resume, correlated_us FROM pipeline")?
        .query_row([], position)
        .optional()?
        .unwrap_or_default();
    let backwards = to.decided < from.decided || to.resume < from.resume || to.correlated_us < from.correlated_us;
    if backwards || to == from {
        return Err(conflict("pipeline"));
    }
    booking
        .connection
        .prepare_cached(
            "INSERT INTO pipeline (one, decided, resume, correlated_us) VALUES (1, $1, $2, $3)
             ON CONFLICT (one) DO UPDATE SET decided = excluded.decided, resume = excluded.resume,
             correlated_us = excluded.correlated_us",
        )?
        .execute(params![big(to.decided), big(to.resume), to.correlated_us])?;
    Ok(ChangeNote {
        change: "advance_pipeline",
        count: Some(to.decided),
        ..ChangeNote::default()
    })
}

fn position(row: &rusqlite::Row<'_>) -> rusqlite::Result<PipelinePosition> {
    Ok(PipelinePosition {
        decided: count(row.get(0)?),
        resume: count(row.get(1)?),
        correlated_us: row.get(2)?,
    })
}

impl Ledger {
    /// How far the pipeline has come; all zero before the first decision.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn pipeline_position(&self, scope: &Scope) -> Result<PipelinePosition, ReadError> {
        self.read(scope, Permission::ReadSources, |connection| {
            Ok(connection
                .prepare_cached("SELECT decided, resume, correlated_us FROM pipeline")?
                .query_row([], position)
                .optional()?
                .unwrap_or_default())
        })
    }

    /// A setting's value as JSON, with its revision.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn setting(&self, scope: &Scope, name: &str) -> Result<Option<(String, u64)>, ReadError> {
        self.read(scope, Permission::ReadSources, |connection| {
            Ok(connection
                .prepare_cached("SELECT body, revision FROM setting WHERE name = $1")?
                .query_row(params![name], |row| Ok((row.get(0)?, count(row.get(1)?))))
                .optional()?)
        })
    }
}
