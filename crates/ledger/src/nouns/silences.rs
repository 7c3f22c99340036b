//! Silences: which hide now, and all that ever were.

use model::{Id, Permission, Scope, Silence, SilenceState, Timestamp};
use rusqlite::params;

use super::{Versioned, bodies, body};
use crate::{
    ApplyError, Ledger, ReadError,
    apply::Booking,
    database::{big, micros},
    entry::ChangeNote,
    error::conflict_about,
};

/// Writes a silence.
pub(crate) fn put(booking: &Booking<'_>, silence: &Silence) -> Result<ChangeNote, ApplyError> {
    let key = silence.id.to_string();
    let text = serde_json::to_string(silence)?;
    let row = Versioned {
        table: "silence",
        key_column: "id",
        key: &key,
        revision: silence.revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    let active = match silence.state {
        SilenceState::Active => 1_i64,
        SilenceState::Ended { .. } => 0,
    };
    booking
        .connection
        .prepare_cached(
            "INSERT INTO silence (id, revision, entry, active, expires_us, body) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, entry = excluded.entry,
             active = excluded.active, expires_us = excluded.expires_us, body = excluded.body",
        )?
        .execute(params![
            key,
            big(silence.revision),
            big(booking.number),
            active,
            micros(silence.expires_at),
            text
        ])
        .map_err(conflict_about(&row.subject()))?;
    if booking.by_person() {
        row.note("put_silence", before, Some(text.clone()))
    } else {
        row.note("put_silence", None, None)
    }
}

impl Ledger {
    /// The silences that hide at a moment, the next to expire first.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn silences_in_force(&self, scope: &Scope, at: Timestamp) -> Result<Vec<Silence>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            bodies(
                connection,
                "SELECT body FROM silence WHERE active = 1 AND expires_us > $1 ORDER BY expires_us, id",
                params![micros(at)],
            )
        })
    }

    /// The silences that no longer hide at a moment, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn silences_over(&self, scope: &Scope, at: Timestamp, limit: usize) -> Result<Vec<Silence>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            let limit = i64::try_from(limit.clamp(1, Self::PAGE_ITEMS_MAX)).unwrap_or(i64::MAX);
            bodies(
                connection,
                "SELECT body FROM silence WHERE active = 0 OR expires_us <= $1 ORDER BY id DESC LIMIT $2",
                params![micros(at), limit],
            )
        })
    }

    /// One silence.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn silence(&self, scope: &Scope, id: Id<Silence>) -> Result<Option<Silence>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            body(
                connection,
                "SELECT body FROM silence WHERE id = $1",
                params![id.to_string()],
            )
        })
    }
}
