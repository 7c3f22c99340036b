//! Sources: their accounts, what is learned of them, and the tokens with which they send.

use model::{LossAccount, Permission, Problem, Scope, Source, SourceHealth, SourceId, SourceToken, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::{Versioned, bodies, body};
use crate::{
    ApplyError, Ledger, ReadError,
    apply::Booking,
    database::{big, micros},
    entry::ChangeNote,
    error::conflict_about,
};

impl Ledger {
    /// So many sources have an account of their own; whatever more there are share [`Ledger::OTHER_SOURCES`].
    pub const SOURCES_MAX: u64 = 20_000;
    /// The shared account of sources beyond [`Ledger::SOURCES_MAX`] (forged sender addresses could make any number).
    pub const OTHER_SOURCES: &'static str = "other-sources";
}

/// Adds to a source's account. Only the sums are kept; the entry names how many records were counted.
pub(crate) fn count(
    booking: &Booking<'_>,
    id: &SourceId,
    heard_at: Timestamp,
    (account, problems): (&LossAccount, &[Problem]),
) -> Result<ChangeNote, ApplyError> {
    let mut source = standing_or_new(booking, id, heard_at)?;
    source.first_heard = source.first_heard.min(heard_at);
    source.last_heard = source.last_heard.max(heard_at);
    source.account.add(account);
    source.recent_problems.extend(problems.iter().cloned());
    let surplus = source.recent_problems.len().saturating_sub(Source::PROBLEMS_MAX);
    source.recent_problems.drain(..surplus);
    write(booking, &source)?;
    Ok(ChangeNote {
        change: "count_source",
        subject: Some(format!("source:{}", source.id)),
        count: Some(account.received),
        ..ChangeNote::default()
    })
}

/// Writes what is learned of a source.
pub(crate) fn put_health(
    booking: &Booking<'_>,
    id: &SourceId,
    health: &SourceHealth,
) -> Result<ChangeNote, ApplyError> {
    let mut source = standing_or_new(booking, id, booking.decision.at)?;
    let turned = source.health.silent_since.is_some() != health.silent_since.is_some();
    source.health = health.clone();
    write(booking, &source)?;
    let after = turned.then(|| serde_json::to_string(health)).transpose()?;
    Ok(ChangeNote {
        change: "put_source_health",
        subject: Some(format!("source:{}", source.id)),
        after: after.map(serde_json::value::RawValue::from_string).transpose()?,
        ..ChangeNote::default()
    })
}

fn standing_or_new(booking: &Booking<'_>, id: &SourceId, heard_at: Timestamp) -> Result<Source, ApplyError> {
    let stored = |id: &SourceId| -> Result<Option<Source>, ApplyError> {
        let text: Option<String> = booking
            .connection
            .prepare_cached("SELECT body FROM source WHERE id = $1")?
            .query_row(params![id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    };
    if let Some(source) = stored(id)? {
        return Ok(source);
    }
    let known: i64 = booking
        .connection
        .prepare_cached("SELECT count(*) FROM source")?
        .query_row([], |row| row.get(0))?;
    let id = if crate::database::count(known) < Ledger::SOURCES_MAX {
        id.clone()
    } else {
        SourceId::new(Ledger::OTHER_SOURCES)
    };
    Ok(stored(&id)?.unwrap_or_else(|| Source {
        id,
        first_heard: heard_at,
        last_heard: heard_at,
        account: LossAccount::default(),
        health: SourceHealth::default(),
        recent_problems: Vec::new(),
    }))
}

fn write(booking: &Booking<'_>, source: &Source) -> Result<(), ApplyError> {
    booking
        .connection
        .prepare_cached(
            "INSERT INTO source (id, silent, last_heard_us, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET silent = excluded.silent, last_heard_us = excluded.last_heard_us, body = excluded.body",
        )?
        .execute(params![
            source.id.as_str(),
            i64::from(source.health.silent_since.is_some()),
            micros(source.last_heard),
            serde_json::to_string(source)?
        ])?;
    Ok(())
}

/// Writes a token, without its text.
pub(crate) fn put_token(booking: &Booking<'_>, token: &SourceToken) -> Result<ChangeNote, ApplyError> {
    let text = serde_json::to_string(token)?;
    let row = Versioned {
        table: "source_token",
        key_column: "digest",
        key: &token.digest,
        revision: token.revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    booking
        .connection
        .prepare_cached(
            "INSERT INTO source_token (digest, revision, entry, source, revoked, body) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (digest) DO UPDATE SET revision = excluded.revision, entry = excluded.entry,
             revoked = excluded.revoked, body = excluded.body",
        )?
        .execute(params![
            token.digest,
            big(token.revision),
            big(booking.number),
            token.source.as_str(),
            i64::from(token.revoked_at.is_some()),
            text
        ])
        .map_err(conflict_about(&row.subject()))?;
    row.note("put_token", before, Some(text.clone()))
}

impl Ledger {
    /// All sources by name, with their accounts.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn sources(&self, scope: &Scope) -> Result<Vec<Source>, ReadError> {
        self.read(scope, Permission::ReadSources, |connection| {
            bodies(connection, "SELECT body FROM source ORDER BY id", [])
        })
    }

    /// One source.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn source(&self, scope: &Scope, id: &SourceId) -> Result<Option<Source>, ReadError> {
        self.read(scope, Permission::ReadSources, |connection| {
            body(
                connection,
                "SELECT body FROM source WHERE id = $1",
                params![id.as_str()],
            )
        })
    }

    /// All tokens, those of one source together.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn tokens(&self, scope: &Scope) -> Result<Vec<SourceToken>, ReadError> {
        self.read(scope, Permission::WriteSources, |connection| {
            bodies(connection, "SELECT body FROM source_token ORDER BY source, digest", [])
        })
    }

    /// The token with this digest, revoked or not.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn token(&self, scope: &Scope, digest: &str) -> Result<Option<SourceToken>, ReadError> {
        self.read(scope, Permission::WriteSources, |connection| {
            body(
                connection,
                "SELECT body FROM source_token WHERE digest = $1",
                params![digest],
            )
        })
    }
}
