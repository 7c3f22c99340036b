//! The duty book: entries as people page through them, the history of one thing, and what an undo needs.

use model::{Actor, Alert, HistoryItem, Id, Permission, Scope, Silence};
use rusqlite::{Connection, params};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::detections::{parse_number, row_limit};
use crate::{
    Entry, Head, Ledger, Page, PageAt, ReadError, StoreError,
    apply::last_head,
    database::{big, count},
    entry::Content,
};

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Only about this (`alert:…`, `silence:…`, `account:…`, `source:…`, `source_token:…`, `setting:…`).
    pub subject: Option<String>,
    /// Only what people decided.
    pub people_only: bool,
}

/// What one decision of a person did to a silence.
#[derive(Debug, Clone, PartialEq)]
pub struct SilenceChange {
    /// The step.
    pub step: HistoryItem,
    /// The silence before it; absent when it was made by it.
    pub before: Option<Silence>,
    /// The silence after it.
    pub after: Silence,
}

/// What one decision of a person did to an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertChange {
    /// The step.
    pub step: HistoryItem,
    /// The alert before it.
    pub before: Alert,
    /// The alert after it.
    pub after: Alert,
}

const COLUMNS: &str = "entry.number, at, actor, action, reason, content, prev_hash, hash";

impl Ledger {
    /// A page of entries, newest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entries(&self, scope: &Scope, filter: &EntryFilter, at: PageAt<'_>) -> Result<Page<Entry>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| {
            let before = parse_number(at.cursor)?;
            let limit = at.items();
            let people = if filter.people_only {
                "AND actor LIKE '{\"kind\":\"person\"%'"
            } else {
                ""
            };
            let mut items = match &filter.subject {
                Some(subject) => entries(
                    connection,
                    &format!(
                        "SELECT {COLUMNS} FROM entry_subject JOIN entry ON entry.number = entry_subject.number
                         WHERE entry_subject.subject = $1 AND entry_subject.number < $2 {people}
                         ORDER BY entry_subject.number DESC LIMIT $3"
                    ),
                    params![subject, before, row_limit(limit)],
                )?,
                None => entries(
                    connection,
                    &format!("SELECT {COLUMNS} FROM entry WHERE number < $1 {people} ORDER BY number DESC LIMIT $2"),
                    params![before, row_limit(limit)],
                )?,
            };
            let next = (items.len() > limit).then(|| {
                items.truncate(limit);
                items[limit - 1].number.to_string()
            });
            Ok(Page { items, next })
        })
    }

    /// One entry.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entry(&self, scope: &Scope, number: u64) -> Result<Option<Entry>, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| one(connection, number))
    }

    /// The newest entry's number and hash: whoever keeps it can prove later that nothing up to it was changed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn head(&self, scope: &Scope) -> Result<Head, ReadError> {
        self.read(scope, Permission::ReadLedger, |connection| Ok(last_head(connection)?))
    }

    /// The steps of an alert's life, newest first, at most [`Ledger::PAGE_ITEMS_MAX`]: opened, taken, closed; not every
    /// detection that was added.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alert_history(&self, scope: &Scope, alert: Id<Alert>) -> Result<Vec<HistoryItem>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            steps_of(connection, &format!("alert:{alert}"))
        })
    }

    /// The steps that people took with an alert after an entry, oldest first, at most `limit`: acknowledged, closed and so on,
    /// without what triage counted.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alert_steps_after(
        &self,
        scope: &Scope,
        alert: Id<Alert>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HistoryItem>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM entry_subject JOIN entry ON entry.number = entry_subject.number
                 WHERE entry_subject.subject = $1 AND entry_subject.number > $2 AND action LIKE 'alert.%'
                 ORDER BY entry_subject.number LIMIT $3"
            );
            let found = entries(
                connection,
                &sql,
                params![
                    format!("alert:{alert}"),
                    big(after),
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
            )?;
            Ok(found.into_iter().map(step).collect())
        })
    }

    /// What a person's decision did to an alert; absent when the entry is not a person's decision about this alert.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alert_change(&self, scope: &Scope, number: u64, alert: Id<Alert>) -> Result<Option<AlertChange>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let Some((step, before, Some(after))) = told(connection, number, ("put_alert", &format!("alert:{alert}")))?
            else {
                return Ok(None);
            };
            Ok(before.map(|before| AlertChange { step, before, after }))
        })
    }

    /// The steps of people in a silence's life, newest first, at most [`Ledger::PAGE_ITEMS_MAX`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn silence_history(&self, scope: &Scope, silence: Id<Silence>) -> Result<Vec<HistoryItem>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            steps_of(connection, &format!("silence:{silence}"))
        })
    }

    /// What a person's decision did to a silence; absent when the entry is not a person's decision about this silence.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn silence_change(
        &self,
        scope: &Scope,
        number: u64,
        silence: Id<Silence>,
    ) -> Result<Option<SilenceChange>, ReadError> {
        self.read(scope, Permission::ReadSilences, |connection| {
            let subject = format!("silence:{silence}");
            let Some((step, before, Some(after))) = told(connection, number, ("put_silence", &subject))? else {
                return Ok(None);
            };
            Ok(Some(SilenceChange { step, before, after }))
        })
    }

    /// The last decision of a person about an alert: what an undo on its page would take back.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn last_alert_change(&self, scope: &Scope, alert: Id<Alert>) -> Result<Option<AlertChange>, ReadError> {
        let last = self
            .alert_history(scope, alert)?
            .into_iter()
            .find(|step| match step.actor {
                Actor::Person { .. } => true,
                Actor::Post { .. } => false,
            });
        match last {
            Some(step) => self.alert_change(scope, step.number, alert),
            None => Ok(None),
        }
    }
}

/// A step with the bodies of its subject before and after, as far as the entry holds them; none when the entry does not
/// have the change.
pub(crate) type Told<T> = Option<(HistoryItem, Option<T>, Option<T>)>;

/// What an entry says that it did to one subject.
pub(crate) fn told<T: DeserializeOwned>(
    connection: &Connection,
    number: u64,
    (change, subject): (&str, &str),
) -> Result<Told<T>, ReadError> {
    let Some(entry) = one(connection, number)? else {
        return Ok(None);
    };
    let content: Content = serde_json::from_str(&entry.content)?;
    let note = content
        .changes
        .into_iter()
        .find(|note| note.change == change && note.subject.as_deref() == Some(subject));
    let Some(note) = note else {
        return Ok(None);
    };
    let body = |body: Option<Box<RawValue>>| body.map(|body| serde_json::from_str(body.get())).transpose();
    Ok(Some((step(entry), body(note.before)?, body(note.after)?)))
}

/// The steps of one subject's life, newest first.
pub(crate) fn steps_of(connection: &Connection, subject: &str) -> Result<Vec<HistoryItem>, ReadError> {
    let entries = entries(
        connection,
        &format!(
            "SELECT {COLUMNS} FROM entry_subject JOIN entry ON entry.number = entry_subject.number
             WHERE entry_subject.subject = $1 ORDER BY entry_subject.number DESC LIMIT $2"
        ),
        params![subject, row_limit(Ledger::PAGE_ITEMS_MAX - 1)],
    )?;
    Ok(entries.into_iter().map(step).collect())
}

fn step(entry: Entry) -> HistoryItem {
    HistoryItem {
        number: entry.number,
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        reason: entry.reason,
    }
}

fn one(connection: &Connection, number: u64) -> Result<Option<Entry>, ReadError> {
    let sql = format!("SELECT {COLUMNS} FROM entry WHERE number = $1");
    Ok(entries(connection, &sql, params![big(number)])?.into_iter().next())
}

fn entries(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<Entry>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let at: String = row.get(1)?;
        items.push(Entry {
            number: count(row.get(0)?),
            at: at
                .parse()
                .map_err(|error| StoreError(format!("an entry has no valid time: {error}")))?,
            actor: serde_json::from_str(&row.get::<_, String>(2)?)?,
            action: row.get(3)?,
            reason: row.get(4)?,
            content: row.get(5)?,
            prev_hash: row.get(6)?,
            hash: row.get(7)?,
        });
    }
    Ok(items)
}
