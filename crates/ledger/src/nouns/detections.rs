//! Detections that are kept in detail: bounded per alert by triage, counted without bound in the alert.

use model::{Alert, Detection, Id, Permission, Scope, Seq, Silence, Timestamp};
use rusqlite::{Connection, params};

use super::bodies;
use crate::{
    ApplyError, Ledger, Page, PageAt, ReadError,
    apply::Booking,
    database::{big, count, micros},
    entry::{ChangeNote, DetectionsDigest},
    error::conflict_about,
};

/// A detection as the alert keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDetection {
    /// The alert that it belongs to.
    pub alert: Id<Alert>,
    /// Its number among all detections of the alert; numbers that are missing were counted without details.
    pub ordinal: u64,
    /// The silence that hides it.
    pub hidden_by: Option<Id<Silence>>,
    /// The detection.
    pub detection: Detection,
}

/// A detection about to be written.
pub(crate) struct New<'a> {
    pub(crate) alert: String,
    pub(crate) ordinal: u64,
    pub(crate) detection: &'a Detection,
    pub(crate) hidden_by: Option<String>,
}

/// Writes the detections of one decision; the entry keeps their number and a digest over them.
pub(crate) fn put_all(booking: &Booking<'_>, mut kept: Vec<New<'_>>) -> Result<Option<ChangeNote>, ApplyError> {
    if kept.is_empty() {
        return Ok(None);
    }
    kept.sort_by(|a, b| (&a.alert, a.ordinal).cmp(&(&b.alert, b.ordinal)));
    let mut digest = DetectionsDigest::default();
    let mut statement = booking.connection.prepare_cached(
        "INSERT INTO detection (alert, ordinal, entry, event, happened_us, hidden_by, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )?;
    for new in &kept {
        let body = serde_json::to_string(new.detection)?;
        digest.add(&new.alert, new.ordinal, new.hidden_by.as_deref(), &body);
        statement
            .execute(params![
                new.alert,
                big(new.ordinal),
                big(booking.number),
                big(new.detection.event),
                micros(new.detection.happened_at),
                new.hidden_by,
                body
            ])
            .map_err(conflict_about(&format!("alert:{}", new.alert)))?;
    }
    Ok(Some(ChangeNote {
        change: "add_detections",
        count: Some(digest.count),
        digest: Some(digest.finish()),
        ..ChangeNote::default()
    }))
}

/// Entries whose detections one decision forgets at most.
const ENTRIES_FORGOTTEN_MAX: i64 = 2000;

/// The entries of which no detection is wanted any more: each belongs to an alert that is done with, or that nobody sees, and was last fed
/// before a moment. An entry is forgotten whole or not at all, because one digest stands for all its detections.
const FORGETTABLE: &str = "SELECT DISTINCT entry FROM detection AS candidate WHERE NOT EXISTS (
    SELECT 1 FROM detection JOIN alert ON alert.id = detection.alert
    WHERE detection.entry = candidate.entry
      AND ((alert.open = 1 AND alert.shown = 1) OR alert.last_seen_us >= $1 OR alert.closed_us >= $1))
    AND happened_us < $1 ORDER BY entry LIMIT $2";

/// Forgets the detections of entries that need them no more; the note says which entries, and how many rows.
pub(crate) fn forget(booking: &Booking<'_>, before: Timestamp) -> Result<ChangeNote, ApplyError> {
    let mut statement = booking.connection.prepare_cached(FORGETTABLE)?;
    let found = statement.query_map(params![micros(before), ENTRIES_FORGOTTEN_MAX], |row| {
        row.get::<_, i64>(0)
    })?;
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for entry in found {
        let entry = count(entry?);
        match stretches.last_mut() {
            Some((_, last)) if *last + 1 == entry => *last = entry,
            Some(_) | None => stretches.push((entry, entry)),
        }
    }
    let mut rows = 0;
    for (first, last) in &stretches {
        rows += booking
            .connection
            .prepare_cached("DELETE FROM detection WHERE entry >= $1 AND entry <= $2")?
            .execute(params![big(*first), big(*last)])?;
    }
    Ok(ChangeNote {
        change: "forget_detections",
        count: Some(rows as u64),
        entries: stretches,
        ..ChangeNote::default()
    })
}

impl Ledger {
    /// Whether there are kept detections that [`model::Change::ForgetDetections`] would forget.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn has_detections_to_forget(&self, scope: &Scope, before: Timestamp) -> Result<bool, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let mut statement = connection.prepare_cached(FORGETTABLE)?;
            Ok(statement.exists(params![micros(before), 1])?)
        })
    }

    /// A page of an alert's kept detections, newest first. `hidden` asks for only hidden or only shown ones.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn detections(
        &self,
        scope: &Scope,
        alert: Id<Alert>,
        hidden: Option<bool>,
        at: PageAt<'_>,
    ) -> Result<Page<KeptDetection>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let before = parse_number(at.cursor)?;
            let limit = at.items();
            let condition = match hidden {
                None => "",
                Some(true) => "AND hidden_by IS NOT NULL",
                Some(false) => "AND hidden_by IS NULL",
            };
            let sql = format!(
                "SELECT alert, ordinal, hidden_by, body FROM detection WHERE alert = $1 AND ordinal < $2 {condition}
                 ORDER BY ordinal DESC LIMIT $3"
            );
            let mut items = kept(connection, &sql, params![alert.to_string(), before, row_limit(limit)])?;
            let next = (items.len() > limit).then(|| {
                items.truncate(limit);
                items[limit - 1].ordinal.to_string()
            });
            Ok(Page { items, next })
        })
    }

    /// Kept detections of an alert that no silence hides, after the one of that number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn detections_after(
        &self,
        scope: &Scope,
        alert: Id<Alert>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<KeptDetection>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            kept(
                connection,
                "SELECT alert, ordinal, hidden_by, body FROM detection WHERE alert = $1 AND ordinal > $2
                 AND hidden_by IS NULL ORDER BY ordinal LIMIT $3",
                params![alert.to_string(), big(after), i64::try_from(limit).unwrap_or(i64::MAX)],
            )
        })
    }

    /// The newest kept detections that a silence hid, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn hidden_by(
        &self,
        scope: &Scope,
        silence: Id<Silence>,
        limit: usize,
    ) -> Result<Vec<KeptDetection>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            let limit = limit.clamp(1, Self::PAGE_ITEMS_MAX);
            kept(
                connection,
                "SELECT alert, ordinal, hidden_by, body FROM detection WHERE hidden_by = $1 ORDER BY happened_us DESC LIMIT $2",
                params![silence.to_string(), row_limit(limit)],
            )
            .map(|mut items| {
                items.truncate(limit);
                items
            })
        })
    }

    /// The kept detections on one event.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn detections_on(&self, scope: &Scope, event: Seq) -> Result<Vec<KeptDetection>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            kept(
                connection,
                "SELECT alert, ordinal, hidden_by, body FROM detection WHERE event = $1 ORDER BY alert, ordinal LIMIT $2",
                params![big(event), row_limit(Self::PAGE_ITEMS_MAX)],
            )
        })
    }

    /// Kept detections that happened since a moment, newest first, at most `most`: what the preview of a silence folds over.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn recent_detections(&self, scope: &Scope, since: Timestamp, most: usize) -> Result<Vec<Detection>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            bodies(
                connection,
                "SELECT body FROM detection WHERE happened_us >= $1 ORDER BY entry DESC LIMIT $2",
                params![micros(since), i64::try_from(most).unwrap_or(i64::MAX)],
            )
        })
    }
}

fn kept(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<KeptDetection>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let (alert, ordinal, hidden_by): (String, i64, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        items.push(KeptDetection {
            alert: super::id(&alert)?,
            ordinal: count(ordinal),
            hidden_by: hidden_by.as_deref().map(super::id).transpose()?,
            detection: serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(items)
}

/// The number in a cursor: items below it are wanted.
pub(crate) fn parse_number(cursor: Option<&str>) -> Result<i64, ReadError> {
    cursor.map_or(Ok(i64::MAX), |text| text.parse().map_err(|_| ReadError::BadCursor))
}

/// One row more than the page holds, to know whether there is a next page.
pub(crate) fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit + 1).unwrap_or(i64::MAX)
}
