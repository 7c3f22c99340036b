//! Measurements: added in batches whose digest is in their entry, found by control and time, forgotten by whole entries.

use std::fmt::Write as _;

use model::{Finding, Measurement, Permission, Scope, Timestamp, TrendPoint};
use rusqlite::{Connection, OptionalExtension, params};

use super::{bodies, body, word};
use crate::{
    ApplyError, Ledger, ReadError, StoreError,
    apply::Booking,
    database::{big, count, micros},
    entry::{ChangeNote, DetectionsDigest},
};

/// Adds the measurements of a decision.
pub(crate) fn add(booking: &Booking<'_>, measurements: &[Measurement]) -> Result<ChangeNote, ApplyError> {
    let mut digest = DetectionsDigest::default();
    for (ordinal, measurement) in (0_u64..).zip(measurements) {
        let text = serde_json::to_string(measurement)?;
        let finding = word(&measurement.finding);
        let index = index_text(measurement.at, measurement.value, &finding);
        digest.add(&measurement.control, ordinal, Some(&index), &text);
        booking
            .connection
            .prepare_cached(
                "INSERT INTO measurement (entry, ordinal, control, at_us, value, finding, body)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )?
            .execute(params![
                big(booking.number),
                big(ordinal),
                measurement.control.as_str(),
                micros(measurement.at),
                measurement.value,
                finding,
                text
            ])?;
    }
    Ok(ChangeNote {
        change: "add_measurements",
        count: Some(digest.count),
        digest: Some(digest.finish()),
        ..ChangeNote::default()
    })
}

/// The columns that a trend reads, as they go into the digest beside the body.
fn index_text(at: Timestamp, value: Option<f64>, finding: &str) -> String {
    let mut text = format!("{} {finding}", micros(at));
    if let Some(value) = value {
        write!(text, " {:016x}", value.to_bits()).expect("a String takes all text");
    }
    text
}

/// Forgets the measurements of all entries up to the last one made before a moment; the note says up to which.
pub(crate) fn forget(booking: &Booking<'_>, before: Timestamp) -> Result<ChangeNote, ApplyError> {
    let last: Option<i64> = booking
        .connection
        .prepare_cached("SELECT max(entry) FROM measurement WHERE at_us < $1")?
        .query_row(params![micros(before)], |row| row.get(0))?;
    let last = last.unwrap_or(0);
    booking
        .connection
        .prepare_cached("DELETE FROM measurement WHERE entry <= $1")?
        .execute(params![last])?;
    Ok(ChangeNote {
        change: "forget_measurements",
        count: Some(count(last)),
        ..ChangeNote::default()
    })
}

/// The digest of each entry's measurements as they stand, with their number, in order of the entries.
pub(crate) fn standing(connection: &Connection) -> Result<Vec<(u64, u64, String)>, ReadError> {
    let mut statement = connection.prepare(
        "SELECT entry, ordinal, control, at_us, value, finding, body FROM measurement ORDER BY entry, ordinal",
    )?;
    let mut rows = statement.query([])?;
    let mut finished = Vec::new();
    let mut current: Option<(u64, DetectionsDigest)> = None;
    while let Some(row) = rows.next()? {
        let entry = count(row.get(0)?);
        if let Some((before, digest)) = current.take_if(|(before, _)| *before != entry) {
            finished.push((before, digest.count, digest.finish()));
        }
        let (_, digest) = current.get_or_insert_with(|| (entry, DetectionsDigest::default()));
        let at = Timestamp::from_microsecond(row.get(3)?).unwrap_or(Timestamp::MIN);
        let finding: String = row.get(5)?;
        let index = index_text(at, row.get(4)?, &finding);
        let control: String = row.get(2)?;
        let body: String = row.get(6)?;
        digest.add(&control, count(row.get(1)?), Some(&index), &body);
    }
    finished.extend(current.map(|(entry, digest)| (entry, digest.count, digest.finish())));
    Ok(finished)
}

impl Ledger {
    /// Most points of one trend.
    pub const TREND_POINTS_MAX: usize = 2000;

    /// The last measurement of a control.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn measurement(&self, scope: &Scope, control: &str) -> Result<Option<Measurement>, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            last(connection, control, Timestamp::MAX)
        })
    }

    /// Whether there is a measurement from before a moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn has_measurements_before(&self, scope: &Scope, before: Timestamp) -> Result<bool, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            // Entries are made in order of time: the oldest is among the first.
            let oldest: Option<i64> = connection
                .prepare_cached("SELECT at_us FROM measurement ORDER BY entry, ordinal LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(oldest.is_some_and(|oldest| oldest < micros(before)))
        })
    }

    /// The last measurement of each control up to a moment, with its last `points` findings, oldest first; controls that
    /// were not measured by then are left out.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn measurements_standing(
        &self,
        scope: &Scope,
        controls: &[&str],
        at: Timestamp,
        points: usize,
    ) -> Result<Vec<(Measurement, Vec<TrendPoint>)>, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            let mut standing = Vec::with_capacity(controls.len());
            for control in controls {
                if let Some(measurement) = last(connection, control, at)? {
                    standing.push((measurement, newest(connection, (control, at), points)?));
                }
            }
            Ok(standing)
        })
    }

    /// The entry of the duty book that holds a control's last measurement up to a moment.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn measurement_entry(&self, scope: &Scope, control: &str, at: Timestamp) -> Result<Option<u64>, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            let entry: Option<i64> = connection
                .prepare_cached(
                    "SELECT entry FROM measurement WHERE control = $1 AND at_us <= $2 ORDER BY at_us DESC, entry DESC LIMIT 1",
                )?
                .query_row(params![control, micros(at)], |row| row.get(0))
                .optional()?;
            Ok(entry.and_then(|entry| u64::try_from(entry).ok()))
        })
    }

    /// A control's measurements in a time, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn measurements(
        &self,
        scope: &Scope,
        control: &str,
        (from, until): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<Vec<Measurement>, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            let limit = i64::try_from(limit.clamp(1, Self::TREND_POINTS_MAX)).unwrap_or(i64::MAX);
            bodies(
                connection,
                "SELECT body FROM measurement WHERE control = $1 AND at_us >= $2 AND at_us <= $3
                 ORDER BY at_us DESC, entry DESC LIMIT $4",
                params![control, micros(from), micros(until), limit],
            )
        })
    }

    /// A control's trend: the worst finding of each day (in UTC) with its last value, oldest first, at most
    /// [`Ledger::TREND_POINTS_MAX`] days.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn trend_by_day(&self, scope: &Scope, control: &str, from: Timestamp) -> Result<Vec<TrendPoint>, ReadError> {
        self.read(scope, Permission::ReadWatches, |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at_us, value, finding FROM measurement WHERE control = $1 AND at_us >= $2 ORDER BY at_us",
            )?;
            let mut rows = statement.query(params![control, micros(from)])?;
            let mut days: Vec<TrendPoint> = Vec::new();
            while let Some(row) = rows.next()? {
                let point = point(row)?;
                let day = |at: Timestamp| at.as_second().div_euclid(86_400);
                if let Some(last) = days.last_mut().filter(|last| day(last.at) == day(point.at)) {
                    let finding = last.finding.max(point.finding);
                    *last = TrendPoint { finding, ..point };
                } else if days.len() < Self::TREND_POINTS_MAX {
                    days.push(point);
                } else {
                    break;
                }
            }
            Ok(days)
        })
    }
}

fn last(connection: &Connection, control: &str, at: Timestamp) -> Result<Option<Measurement>, ReadError> {
    body(
        connection,
        "SELECT body FROM measurement WHERE control = $1 AND at_us <= $2 ORDER BY at_us DESC, entry DESC LIMIT 1",
        params![control, micros(at)],
    )
}

fn newest(
    connection: &Connection,
    (control, at): (&str, Timestamp),
    points: usize,
) -> Result<Vec<TrendPoint>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT at_us, value, finding FROM measurement WHERE control = $1 AND at_us <= $2 ORDER BY at_us DESC LIMIT $3",
    )?;
    let limit = i64::try_from(points.min(Ledger::TREND_POINTS_MAX)).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![control, micros(at), limit])?;
    let mut trend = Vec::with_capacity(points.min(64));
    while let Some(row) = rows.next()? {
        trend.push(point(row)?);
    }
    trend.reverse();
    Ok(trend)
}

fn point(row: &rusqlite::Row<'_>) -> Result<TrendPoint, ReadError> {
    let finding = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(TrendPoint {
        at: Timestamp::from_microsecond(row.get(0)?)
            .map_err(|error| StoreError(format!("a measurement has no valid time: {error}")))?,
        value: row.get(1)?,
        finding: match finding {
            "holds" => Finding::Holds,
            "falls_short" => Finding::FallsShort,
            _ => Finding::Unknown,
        },
    })
}
