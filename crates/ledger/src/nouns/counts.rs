//! The figures for the header and the wall.

use std::collections::BTreeMap;

use model::{Id, Permission, RuleLevel, Scope, Timestamp, User};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::alerts::level_number;
use crate::{
    Ledger, ReadError, StoreError,
    database::{count, micros},
};

/// What is open now, in numbers. Alerts of rehearsals and alerts hidden wholly by silences are counted apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Alerts that nobody has taken, by level.
    pub new: BTreeMap<RuleLevel, u64>,
    /// Alerts that somebody has, by level.
    pub acknowledged: BTreeMap<RuleLevel, u64>,
    /// Open alerts assigned to the person asked for.
    pub mine: u64,
    /// Open alerts that a silence hides wholly.
    pub hidden: u64,
    /// Open alerts of rehearsals.
    pub exercise: u64,
    /// Since when the oldest alert that nobody has taken waits.
    pub oldest_new: Option<Timestamp>,
    /// Silences that hide now.
    pub silences: u64,
    /// Sources known.
    pub sources: u64,
    /// Sources that fell silent.
    pub sources_silent: u64,
    /// Effects waiting to be carried out.
    pub outbox_waiting: u64,
    /// Effects given up.
    pub outbox_dead: u64,
}

impl Counts {
    /// Open alerts of the real thing, shown.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.new.values().chain(self.acknowledged.values()).sum()
    }
}

impl Ledger {
    /// The figures of now; `person` is whose alerts count as mine.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn counts(&self, scope: &Scope, person: Option<Id<User>>, now: Timestamp) -> Result<Counts, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let mut counts = Counts::default();
            let person = person.map(|user| user.to_string());
            let mut statement = connection.prepare_cached(
                "SELECT state, level, exercise, shown, count(*), coalesce(sum(CASE WHEN assignee = $1 THEN 1 ELSE 0 END), 0),
                 min(opened_us) FROM alert WHERE open = 1 GROUP BY state, level, exercise, shown",
            )?;
            let mut rows = statement.query(params![person])?;
            let mut oldest: Option<i64> = None;
            while let Some(row) = rows.next()? {
                let (state, level): (String, i64) = (row.get(0)?, row.get(1)?);
                let (exercise, shown): (i64, i64) = (row.get(2)?, row.get(3)?);
                let alerts = count(row.get(4)?);
                if shown == 0 {
                    counts.hidden += alerts;
                } else if exercise == 1 {
                    counts.exercise += alerts;
                } else {
                    counts.mine += count(row.get(5)?);
                    let by_level = if state == "new" { &mut counts.new } else { &mut counts.acknowledged };
                    for known in RuleLevel::ALL.into_iter().filter(|known| level_number(*known) == level) {
                        *by_level.entry(known).or_default() += alerts;
                    }
                    if state == "new" {
                        let opened: i64 = row.get(6)?;
                        oldest = Some(oldest.map_or(opened, |known| known.min(opened)));
                    }
                }
            }
            counts.oldest_new = oldest
                .map(Timestamp::from_microsecond)
                .transpose()
                .map_err(|error| StoreError(error.to_string()))?;
            let number = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<u64> {
                connection.prepare_cached(sql)?.query_row(parameters, |row| row.get(0)).map(count)
            };
            counts.silences = number(
                "SELECT count(*) FROM silence WHERE active = 1 AND expires_us > $1",
                &[&micros(now)],
            )?;
            counts.sources = number("SELECT count(*) FROM source", &[])?;
            counts.sources_silent = number("SELECT count(*) FROM source WHERE silent = 1", &[])?;
            counts.outbox_waiting = number("SELECT count(*) FROM outbox WHERE state = 'waiting'", &[])?;
            counts.outbox_dead = number("SELECT count(*) FROM outbox WHERE state = 'dead'", &[])?;
            Ok(counts)
        })
    }
}
