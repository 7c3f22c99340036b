//! The outbox: what must happen outside because of a decision, until it has happened or is given up.

use std::borrow::Cow;

use model::{Decision, Effect, Permission, Scope, Timestamp};
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
    /// A name for it that no other effect of this or any other post has, however often it is tried.
    pub key: String,
}

impl Claimed {
    /// Whether a failure of this attempt is the last.
    const fn is_last_attempt(&self) -> bool {
        self.attempt >= Ledger::ATTEMPTS_MAX
    }
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened; the receiver's receipt.
    Delivered(String),
    /// It did not, and may later; after [`Ledger::ATTEMPTS_MAX`] attempts it is given up.
    Retryable {
        /// What went wrong.
        reason: String,
        /// The shortest pause before the next attempt, where the other side named one.
        retry_after_seconds: Option<u64>,
    },
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

/// A lane of the outbox as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// Effects to be carried out, or under way.
    pub waiting: u64,
    /// Effects carried out.
    pub delivered: u64,
    /// Effects given up.
    pub dead: u64,
    /// When the oldest that waits was due, or is due next.
    pub oldest_due: Option<Timestamp>,
    /// When the last one was carried out.
    pub last_delivered: Option<Timestamp>,
    /// When an attempt last failed, of effects that are still waiting or given up.
    pub last_failed: Option<Timestamp>,
    /// What went wrong then.
    pub last_error: Option<String>,
}

/// An effect that is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp<'a> {
    /// Its last attempt.
    pub claim: &'a Claimed,
    /// Why.
    pub reason: &'a str,
}

impl Outcome {
    /// The reason for which the effect is given up after this attempt, when it is.
    fn last_word(&self, claim: &Claimed) -> Option<&str> {
        match self {
            Self::Delivered(_) => None,
            Self::Permanent(reason) => Some(reason),
            Self::Retryable { reason, .. } => claim.is_last_attempt().then_some(reason),
        }
    }
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
                "INSERT INTO outbox (entry, position, effect, state, attempts, due_us, note, lane)
                 VALUES ($1, $2, $3, 'waiting', 0, $4, NULL, $5)",
            )?
            .execute(params![
                big(booking.number),
                position,
                serde_json::to_string(effect)?,
                micros(booking.decision.at),
                effect.lane()
            ])?;
    }
    Ok(())
}

impl Ledger {
    /// Hands out effects of one lane that are due at a moment, oldest first, at most `limit`, each for `lease_seconds`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim(
        &self,
        lane: &str,
        now: Timestamp,
        lease_seconds: u64,
        limit: usize,
    ) -> Result<Vec<Claimed>, ApplyError> {
        self.write(|connection| claim(connection, lane, (now, lease_seconds), limit))
    }

    /// Makes everything that waits due at once: nobody carries it out any more, because the post has just started.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_leases(&self, now: Timestamp) -> Result<(), ApplyError> {
        self.write(|connection| {
            connection
                .prepare_cached("UPDATE outbox SET due_us = $1 WHERE state = 'waiting' AND due_us > $1")?
                .execute(params![micros(now)])?;
            Ok(())
        })
    }

    /// Notes how attempts went, and books what `decide` makes about those that are given up by it, in one transaction. An attempt
    /// whose lease was over and that somebody else has begun again is passed over; gives how many were noted.
    ///
    /// # Errors
    /// When the store fails; then nothing is noted.
    pub fn settle(
        &self,
        attempts: &[(Claimed, Outcome)],
        now: Timestamp,
        decide: impl FnOnce(&[GivenUp<'_>]) -> Option<Decision>,
    ) -> Result<usize, ApplyError> {
        let mut noted = 0;
        self.apply_with(|connection| {
            let mut given_up = Vec::new();
            for (claim, outcome) in attempts {
                if settle(connection, claim, outcome, now)? == 0 {
                    continue;
                }
                noted += 1;
                given_up.extend(outcome.last_word(claim).map(|reason| GivenUp { claim, reason }));
            }
            Ok(decide(&given_up).map(Cow::Owned))
        })?;
        Ok(noted)
    }

    /// Notes what the other side reported of a delivered effect later: more of a receipt, or why it failed after all, with the decision
    /// that says so.
    ///
    /// # Errors
    /// A conflict when there is no such delivered effect; or when the store fails.
    pub fn settle_late(
        &self,
        (entry, position): (u64, u64),
        reported: Result<&str, (&str, &Decision)>,
        now: Timestamp,
    ) -> Result<(), ApplyError> {
        let (state, note, decision) = match reported {
            Ok(receipt) => (OutboxState::Delivered, receipt, None),
            Err((reason, decision)) => (OutboxState::Dead, reason, Some(decision)),
        };
        self.apply_with(|connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE outbox SET state = $1, note = $2, settled_us = $3
                 WHERE entry = $4 AND position = $5 AND state = 'delivered'",
            )?;
            let reported = statement.execute(params![
                state.as_str(),
                note_of(note),
                micros(now),
                big(entry),
                big(position)
            ])?;
            if reported == 0 {
                return Err(conflict(&format!("outbox:{entry}/{position}")));
            }
            Ok(decision.map(Cow::Borrowed))
        })?;
        Ok(())
    }

    /// All lanes that ever held an effect, by name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn lanes(&self, scope: &Scope) -> Result<Vec<Lane>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT lane, sum(state = 'waiting'), sum(state = 'delivered'), sum(state = 'dead'),
                        min(CASE WHEN state = 'waiting' THEN due_us END),
                        max(CASE WHEN state = 'delivered' THEN settled_us END),
                        max(CASE WHEN state <> 'delivered' THEN settled_us END)
                 FROM outbox GROUP BY lane ORDER BY lane",
            )?;
            let moment = |us: Option<i64>| us.and_then(|us| Timestamp::from_microsecond(us).ok());
            let mut rows = statement.query([])?;
            let mut lanes = Vec::new();
            while let Some(row) = rows.next()? {
                let failed_us: Option<i64> = row.get(6)?;
                let mut lane = Lane {
                    name: row.get(0)?,
                    waiting: count(row.get(1)?),
                    delivered: count(row.get(2)?),
                    dead: count(row.get(3)?),
                    oldest_due: moment(row.get(4)?),
                    last_delivered: moment(row.get(5)?),
                    last_failed: moment(failed_us),
                    last_error: None,
                };
                if let Some(failed_us) = failed_us {
                    lane.last_error = connection
                        .prepare_cached(
                            "SELECT note FROM outbox WHERE lane = $1 AND state <> 'delivered' AND settled_us = $2 LIMIT 1",
                        )?
                        .query_row(params![lane.name, failed_us], |row| row.get(0))?;
                }
                lanes.push(lane);
            }
            Ok(lanes)
        })
    }

    /// When the next waiting effect of a lane is due, so that a sender can sleep until then.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn next_due(&self, scope: &Scope, lane: &str) -> Result<Option<Timestamp>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let due: Option<i64> = connection
                .prepare_cached("SELECT min(due_us) FROM outbox WHERE state = 'waiting' AND lane = $1")?
                .query_row(params![lane], |row| row.get(0))?;
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

    /// One effect by its place; none when there is none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn effect(&self, scope: &Scope, entry: u64, position: u64) -> Result<Option<Effect>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let mut statement =
                connection.prepare_cached("SELECT effect FROM outbox WHERE entry = $1 AND position = $2")?;
            let mut rows = statement.query(params![big(entry), big(position)])?;
            Ok(match rows.next()? {
                Some(row) => Some(serde_json::from_str(&row.get::<_, String>(0)?)?),
                None => None,
            })
        })
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

fn note_of(note: &str) -> &str {
    &note[..note.floor_char_boundary(Ledger::NOTE_BYTES_MAX)]
}

/// The pause before the attempt after this one, in microseconds: doubling, at least what was asked for, and spread over half as much again
/// so that what failed together does not come back together.
fn pause_us(claim: &Claimed, asked_seconds: Option<u64>) -> i64 {
    let seconds = Ledger::RETRY_AFTER_SECONDS
        .saturating_mul(1 << claim.attempt.saturating_sub(1).min(32))
        .min(Ledger::RETRY_AFTER_SECONDS_MAX)
        .max(asked_seconds.unwrap_or(0));
    let mixed = (claim.entry ^ claim.position.rotate_left(32) ^ claim.attempt.rotate_left(48))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 32;
    let us = seconds.saturating_mul(1_000_000);
    big(us.saturating_add(us / 2 * (mixed % 1024) / 1024))
}

fn settle(connection: &Connection, claim: &Claimed, outcome: &Outcome, now: Timestamp) -> Result<usize, ApplyError> {
    let mut pause = 0;
    let (state, note) = match outcome {
        Outcome::Delivered(receipt) => (OutboxState::Delivered, receipt),
        Outcome::Retryable {
            reason,
            retry_after_seconds,
        } if !claim.is_last_attempt() => {
            pause = pause_us(claim, *retry_after_seconds);
            (OutboxState::Waiting, reason)
        }
        Outcome::Retryable { reason, .. } | Outcome::Permanent(reason) => (OutboxState::Dead, reason),
    };
    let mut statement = connection.prepare_cached(
        "UPDATE outbox SET state = $1, due_us = $2, note = $3, settled_us = $4
         WHERE entry = $5 AND position = $6 AND attempts = $7 AND state = 'waiting'",
    )?;
    Ok(statement.execute(params![
        state.as_str(),
        micros(now).saturating_add(pause),
        note_of(note),
        micros(now),
        big(claim.entry),
        big(claim.position),
        big(claim.attempt)
    ])?)
}

fn claim(
    connection: &Connection,
    lane: &str,
    (now, lease_seconds): (Timestamp, u64),
    limit: usize,
) -> Result<Vec<Claimed>, ApplyError> {
    let mut claimed = Vec::new();
    let mut due = connection.prepare_cached(
        "SELECT outbox.entry, position, effect, attempts, substr(hash, 1, 10)
         FROM outbox JOIN entry ON entry.number = outbox.entry
         WHERE state = 'waiting' AND lane = $1 AND due_us <= $2
         ORDER BY due_us, outbox.entry, position LIMIT $3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = due.query(params![lane, micros(now), limit])?;
    while let Some(row) = rows.next()? {
        let (entry, position) = (count(row.get(0)?), count(row.get(1)?));
        claimed.push(Claimed {
            entry,
            position,
            effect: serde_json::from_str(&row.get::<_, String>(2)?)?,
            attempt: count(row.get(3)?) + 1,
            key: format!("{entry}-{position}-{}", row.get::<_, String>(4)?),
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
