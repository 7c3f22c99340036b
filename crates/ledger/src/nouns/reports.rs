//! Reports, and what they are compiled from: the alerts of a time, the hashes of all entries.

use model::{About, Alert, Id, Permission, Report, Scope, Timestamp};
use rusqlite::params;

use super::{Versioned, bodies, body};
use crate::{
    ApplyError, Ledger, ReadError, StoreError,
    apply::Booking,
    database::{big, micros},
    entry::ChangeNote,
    error::conflict_about,
};

/// What a report is about as the store finds it: reports about the same alert or letter have the same text.
fn about_key(about: &About) -> String {
    match about {
        About::Alert { alert } => format!("alert:{alert}"),
        About::Incident { incident } => format!("incident:{incident}"),
        About::Period { from, to } => format!("period:{from}/{to}"),
        About::Letter { number, .. } => format!("letter:{number}"),
        About::Watch { watch } => format!("watch:{watch}"),
    }
}

/// Writes a report.
pub(crate) fn put(booking: &Booking<'_>, report: &Report) -> Result<ChangeNote, ApplyError> {
    let key = report.id.to_string();
    let text = serde_json::to_string(report)?;
    let row = Versioned {
        table: "report",
        key_column: "id",
        key: &key,
        revision: report.revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    booking
        .connection
        .prepare_cached(
            "INSERT INTO report (id, revision, entry, form, about, sent, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, entry = excluded.entry, sent = excluded.sent,
             body = excluded.body",
        )?
        .execute(params![
            key,
            big(report.revision),
            big(booking.number),
            report.form,
            about_key(&report.about),
            i64::from(!report.sent.is_empty()),
            text
        ])
        .map_err(conflict_about(&row.subject()))?;
    row.note("put_report", before, Some(text.clone()))
}

impl Ledger {
    /// Most alerts that a report of a time is compiled from.
    pub const REPORT_ALERTS_MAX: usize = 100_000;

    /// Reports, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn reports(&self, scope: &Scope, limit: usize) -> Result<Vec<Report>, ReadError> {
        self.read(scope, Permission::ReadReports, |connection| {
            let limit = i64::try_from(limit.clamp(1, Self::PAGE_ITEMS_MAX)).unwrap_or(i64::MAX);
            bodies(
                connection,
                "SELECT body FROM report ORDER BY id DESC LIMIT $1",
                params![limit],
            )
        })
    }

    /// One report.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn report(&self, scope: &Scope, id: Id<Report>) -> Result<Option<Report>, ReadError> {
        self.read(scope, Permission::ReadReports, |connection| {
            body(
                connection,
                "SELECT body FROM report WHERE id = $1",
                params![id.to_string()],
            )
        })
    }

    /// The reports about one thing that were sent, newest first, at most [`Ledger::PAGE_ITEMS_MAX`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn reports_sent_about(&self, scope: &Scope, about: &About) -> Result<Vec<Report>, ReadError> {
        self.read(scope, Permission::ReadReports, |connection| {
            let limit = i64::try_from(Self::PAGE_ITEMS_MAX).unwrap_or(i64::MAX);
            bodies(
                connection,
                "SELECT body FROM report WHERE about = $1 AND sent = 1 ORDER BY id DESC LIMIT $2",
                params![about_key(about), limit],
            )
        })
    }

    /// The alerts that were opened, open or closed in a time, oldest first, at most [`Ledger::REPORT_ALERTS_MAX`].
    ///
    /// # Errors
    /// [`ReadError::Store`] when there are more: a report must not leave any out in silence.
    pub fn alerts_of_time(&self, scope: &Scope, from: Timestamp, to: Timestamp) -> Result<Vec<Alert>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let most = i64::try_from(Self::REPORT_ALERTS_MAX).unwrap_or(i64::MAX);
            let alerts: Vec<Alert> = bodies(
                connection,
                "SELECT body FROM alert WHERE opened_us < $1 AND (open = 1 OR closed_us >= $2)
                 ORDER BY opened_us, id LIMIT $3 + 1",
                params![micros(to), micros(from), most],
            )?;
            if alerts.len() > Self::REPORT_ALERTS_MAX {
                let words = format!("more than {} alerts in this time", Self::REPORT_ALERTS_MAX);
                return Err(StoreError(words).into());
            }
            Ok(alerts)
        })
    }

    /// The hashes of all entries in order, for the proof that a report carries: they say nothing about what was decided.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entry_hashes(&self, scope: &Scope) -> Result<Vec<[u8; 32]>, ReadError> {
        self.read(scope, Permission::ReadReports, |connection| {
            let mut statement = connection.prepare_cached("SELECT hash FROM entry ORDER BY number")?;
            let mut rows = statement.query([])?;
            let mut hashes = Vec::new();
            while let Some(row) = rows.next()? {
                let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                hashes.push(bytes(text).ok_or_else(|| StoreError(format!("an entry has no valid hash: {text}")))?);
            }
            Ok(hashes)
        })
    }

    /// The numbers of the entries in which people decided in a time, oldest first, at most `limit`; with how many there are.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn decisions_of_time(
        &self,
        scope: &Scope,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> Result<(Vec<u64>, u64), ReadError> {
        self.read(scope, Permission::ReadReports, |connection| {
            // Times are written in UTC and may have fractions: compared without the ending `Z` they sort as they are.
            let mut statement = connection.prepare_cached(
                "SELECT number FROM entry WHERE actor LIKE '{\"kind\":\"person\"%'
                 AND rtrim(at, 'Z') >= rtrim($1, 'Z') AND rtrim(at, 'Z') < rtrim($2, 'Z') ORDER BY number",
            )?;
            let mut rows = statement.query(params![from.to_string(), to.to_string()])?;
            let (mut numbers, mut all) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                all += 1;
                if numbers.len() < limit {
                    numbers.push(crate::database::count(row.get(0)?));
                }
            }
            Ok((numbers, all))
        })
    }
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
