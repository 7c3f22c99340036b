//! The outbox: what must happen outside because of a decision, until it has happened or is given up.

use model::{Effect, Permission, Scope, Timestamp};
use rusqlite::{Connection, params};

use crate::{
    ApplyError, Ledger, ReadError, StoreError,
    apply::Booking,
    database::{big, count, micros},
    error::conflict,
};

/// An effect handed to whoever carries it out. It is theirs until the lease is over; then it is handed out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The entry that it follows from.
    pub entry: u64,
    /// Its place among the effects of that entry. `entry` and `position` name it for good: receivers can tell repeats by them.
    pub position: u64,
    /// What must happen.
    pub effect: Effect,
    /// Which attempt this is: 1, 2, 3 …
    pub attempt: u64,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened; the receiver's receipt.
    Delivered(String),
    /// It did not, and may later; after [`Ledger::ATTEMPTS_MAX`] attempts it is given up.
    Retryable(String),
    /// It never will.
    Permanent(String),
}

/// How far an effect has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutboxState {
    /// To be carried out, or under way.
    Waiting,
    /// It happened.
    Delivered,
    /// Given up: needs a person.
    Dead,
}

impl OutboxState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// An effect as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The entry that it follows from.
    pub entry: u64,
    /// Its place among the effects of that entry.
    pub position: u64,
    /// What must happen.
    pub effect: Effect,
    /// Attempts so far.
    pub attempts: u64,
    /// The receipt, or what went wrong last.
    pub note: Option<String>,
}

impl Ledger {
    /// So often an effect is tried before it is given up.
    pub const ATTEMPTS_MAX: u64 = 20;
    /// The pause after the first failed attempt; it doubles with each.
    pub const RETRY_AFTER_SECONDS: u64 = 5;
    /// The longest pause between two attempts.
    pub const RETRY_AFTER_SECONDS_MAX: u64 = 3600;
    /// Longest kept receipt or error in bytes.
    pub const NOTE_BYTES_MAX: usize = 2000;
}

/// Writes the effects of a decision.
pub(crate) fn put_all(booking: &Booking<'_>) -> Result<(), ApplyError> {
    for (position, effect) in (0_i64..).zip(&booking.decision.effects) {
        booking
            .connection
            .prepare_cached(
                "INSERT INTO outbox (entry, position, effect, state, attempts, due_us, note)
                 VALUES ($1, $2, $3, 'waiting', 0, $4, NULL)",
            )?
            .execute(params![
                big(booking.number),
                position,
                serde_json::to_string(effect)?,
                micros(booking.decision.at)
            ])?;
    }
    Ok(())
}

impl Ledger {
    /// Hands out effects that are due at a moment, oldest first, at most `limit`, each for `lease_seconds`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim(&self, now: Timestamp, lease_seconds: u64, limit: usize) -> Result<Vec<Claimed>, ApplyError> {
        self.write(|connection| claim(connection, now, lease_seconds, limit))
    }

    /// Notes how an attempt went.
    ///
    /// # Errors
    /// A conflict when the lease was over and another attempt has begun; or when the store fails.
    pub fn settle(&self, claim: &Claimed, outcome: &Outcome, now: Timestamp) -> Result<(), ApplyError> {
        let pause = Self::RETRY_AFTER_SECONDS
            .saturating_mul(1 << claim.attempt.saturating_sub(1).min(32))
            .min(Self::RETRY_AFTER_SECONDS_MAX);
        let (state, note) = match outcome {
            Outcome::Delivered(receipt) => (OutboxState::Delivered, receipt),
            Outcome::Retryable(error) if claim.attempt < Self::ATTEMPTS_MAX => (OutboxState::Waiting, error),
            Outcome::Retryable(error) | Outcome::Permanent(error) => (OutboxState::Dead, error),
        };
        let due = micros(now).saturating_add(big(pause * 1_000_000));
        let settled = self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE outbox SET state = $1, due_us = $2, note = $3
                 WHERE entry = $4 AND position = $5 AND attempts = $6 AND state = 'waiting'",
            )?;
            Ok(statement.execute(params![
                state.as_str(),
                due,
                &note[..note.floor_char_boundary(Self::NOTE_BYTES_MAX)],
                big(claim.entry),
                big(claim.position),
                big(claim.attempt)
            ])?)
        })?;
        if settled == 1 {
            self.inner.revision.send_modify(|counter| *counter += 1);
            Ok(())
        } else {
            Err(conflict(&format!("outbox:{}/{}", claim.entry, claim.position)))
        }
    }

    /// When the next waiting effect is due, so that a sender can sleep until then.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn next_due(&self, scope: &Scope) -> Result<Option<Timestamp>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let due: Option<i64> = connection
                .prepare_cached("SELECT min(due_us) FROM outbox WHERE state = 'waiting'")?
                .query_row([], |row| row.get(0))?;
            due.map(Timestamp::from_microsecond)
                .transpose()
                .map_err(|error| StoreError(error.to_string()).into())
        })
    }

    /// Tries an effect that was given up again from its first attempt.
    ///
    /// # Errors
    /// A conflict when it was not given up; or when the store fails.
    pub fn revive(&self, entry: u64, position: u64, now: Timestamp) -> Result<(), ApplyError> {
        let revived = self.write(|connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE outbox SET state = 'waiting', attempts = 0, due_us = $1
                 WHERE entry = $2 AND position = $3 AND state = 'dead'",
            )?;
            Ok(statement.execute(params![micros(now), big(entry), big(position)])?)
        })?;
        if revived == 1 {
            Ok(())
        } else {
            Err(conflict(&format!("outbox:{entry}/{position}")))
        }
    }

    /// Effects in one state, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn outbox(&self, scope: &Scope, state: OutboxState, limit: usize) -> Result<Vec<OutboxRow>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT entry, position, effect, attempts, note FROM outbox WHERE state = $1
                 ORDER BY entry DESC, position DESC LIMIT $2",
            )?;
            let limit = i64::try_from(limit.clamp(1, Self::PAGE_ITEMS_MAX)).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![state.as_str(), limit])?;
            let mut items = Vec::new();
            while let Some(row) = rows.next()? {
                items.push(OutboxRow {
                    entry: count(row.get(0)?),
                    position: count(row.get(1)?),
                    effect: serde_json::from_str(&row.get::<_, String>(2)?)?,
                    attempts: count(row.get(3)?),
                    note: row.get(4)?,
                });
            }
            Ok(items)
        })
    }
}

fn claim(
    connection: &Connection,
    now: Timestamp,
    lease_seconds: u64,
    limit: usize,
) -> Result<Vec<Claimed>, ApplyError> {
    let mut claimed = Vec::new();
    let mut due = connection.prepare_cached(
        "SELECT entry, position, effect, attempts FROM outbox WHERE state = 'waiting' AND due_us <= $1
         ORDER BY due_us, entry, position LIMIT $2",
    )?;
    let mut rows = due.query(params![micros(now), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        claimed.push(Claimed {
            entry: count(row.get(0)?),
            position: count(row.get(1)?),
            effect: serde_json::from_str(&row.get::<_, String>(2)?)?,
            attempt: count(row.get(3)?) + 1,
        });
    }
    let lease_over = micros(now).saturating_add(big(lease_seconds.saturating_mul(1_000_000)));
    for claim in &claimed {
        connection
            .prepare_cached("UPDATE outbox SET attempts = $1, due_us = $2 WHERE entry = $3 AND position = $4")?
            .execute(params![
                big(claim.attempt),
                lease_over,
                big(claim.entry),
                big(claim.position)
            ])?;
    }
    Ok(claimed)
}
