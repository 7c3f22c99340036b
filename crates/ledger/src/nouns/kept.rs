//! Nouns that are kept alike: one table, revision-checked, read through typed functions.

use model::{HistoryItem, Kept, Noun, Scope, Timestamp};
use rusqlite::{OptionalExtension, ToSql, params};
use serde_json::value::RawValue;

use super::{bodies, body};
use crate::{
    ApplyError, Ledger, Page, PageAt, ReadError, StoreError,
    apply::Booking,
    database::{big, micros},
    entry::{ChangeNote, sha256_hex},
    error::{conflict, conflict_about},
    nouns::entries,
};

/// Writes a noun; a conflict when it was decided on another revision than stands.
pub(crate) fn put(booking: &Booking<'_>, noun: &Noun) -> Result<ChangeNote, ApplyError> {
    let subject = format!("{}:{}", noun.kind, noun.key);
    check(noun, &subject)?;
    let found: Option<(i64, String)> = booking
        .connection
        .prepare_cached("SELECT revision, body FROM noun WHERE kind = $1 AND id = $2")?
        .query_row(params![noun.kind.as_str(), noun.key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let standing = found.as_ref().map_or(0, |(revision, _)| *revision);
    if standing + 1 != big(noun.revision) {
        return Err(conflict(&subject));
    }
    booking
        .connection
        .prepare_cached(
            "INSERT INTO noun (kind, id, revision, entry, state, owner, parent, due_us, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, entry = excluded.entry,
             state = excluded.state, owner = excluded.owner, parent = excluded.parent, due_us = excluded.due_us,
             body = excluded.body",
        )?
        .execute(params![
            noun.kind.as_str(),
            noun.key,
            big(noun.revision),
            big(booking.number),
            noun.index.state.as_str(),
            noun.index.owner.as_deref(),
            noun.index.parent.as_deref(),
            noun.index.due_at.map(micros),
            noun.body
        ])
        .map_err(conflict_about(&subject))?;
    let mut note = ChangeNote {
        change: "put_noun",
        digest: Some(sha256_hex(noun.body.as_bytes())),
        revision: Some(noun.revision),
        subject: Some(subject),
        ..ChangeNote::default()
    };
    if noun.whole || booking.by_person() {
        note.before = found.map(|(_, body)| body).map(RawValue::from_string).transpose()?;
        note.after = Some(RawValue::from_string(noun.body.clone())?);
    }
    Ok(note)
}

/// Tables of the ledger whose names are subjects in the duty book: no kind of noun may look like one of them.
const TAKEN: [&str; 8] = [
    "alert",
    "silence",
    "account",
    "source",
    "source_token",
    "setting",
    "outbox",
    "report",
];

fn check(noun: &Noun, subject: &str) -> Result<(), ApplyError> {
    let wrong = if TAKEN.contains(&noun.kind.as_str()) || noun.kind.is_empty() || noun.kind.contains(':') {
        "no kind of noun may be called so"
    } else if noun.key.is_empty() || noun.key.len() > Noun::KEY_BYTES_MAX {
        "its key is empty or too long"
    } else if noun.body.len() > Noun::BODY_BYTES_MAX {
        "its body is too long"
    } else {
        return Ok(());
    };
    Err(StoreError(format!("{subject}: {wrong}")).into())
}

/// Which nouns of a kind are wanted; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NounFilter {
    /// Only in one of these states; all when there are none.
    pub states: Vec<String>,
    /// Only of this owner.
    pub owner: Option<String>,
    /// Only belonging to this.
    pub parent: Option<String>,
    /// Only due before this moment.
    pub due_before: Option<Timestamp>,
}

impl NounFilter {
    /// Only those in one state.
    #[must_use]
    pub fn in_state(state: &str) -> Self {
        Self {
            states: vec![state.to_owned()],
            ..Self::default()
        }
    }

    /// Only those that belong to something.
    #[must_use]
    pub fn of_parent(parent: &str) -> Self {
        Self {
            parent: Some(parent.to_owned()),
            ..Self::default()
        }
    }

    /// Only those of one owner.
    #[must_use]
    pub fn of_owner(owner: &str) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            ..Self::default()
        }
    }

    /// The conditions as SQL, and their parameters after the first, which is the kind.
    fn conditions(&self) -> (String, Vec<Box<dyn ToSql>>) {
        let mut sql = String::from("kind = $1");
        let mut values: Vec<Box<dyn ToSql>> = Vec::new();
        let mut equals = |column: &str, wanted: Option<&String>| {
            if let Some(wanted) = wanted {
                values.push(Box::new(wanted.clone()));
                sql.push_str(&and(column, "=", values.len() + 1));
            }
        };
        equals("owner", self.owner.as_ref());
        equals("parent", self.parent.as_ref());
        if let Some(before) = self.due_before {
            values.push(Box::new(micros(before)));
            sql.push_str(&and("due_us", "<", values.len() + 1));
        }
        if !self.states.is_empty() {
            let places: Vec<String> = self
                .states
                .iter()
                .map(|state| {
                    values.push(Box::new(state.clone()));
                    format!("${}", values.len() + 1)
                })
                .collect();
            sql.push_str(" AND state IN (");
            sql.push_str(&places.join(", "));
            sql.push(')');
        }
        (sql, values)
    }
}

impl Ledger {
    /// Most nouns that [`Ledger::all_kept`] reads at once.
    pub const NOUNS_MAX: usize = 50_000;

    /// One noun by its key.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept<T: Kept>(&self, scope: &Scope, key: &str) -> Result<Option<T>, ReadError> {
        self.read(scope, T::READ, |connection| {
            body(
                connection,
                "SELECT body FROM noun WHERE kind = $1 AND id = $2",
                params![T::KIND, key],
            )
        })
    }

    /// A page of the nouns of a kind, by their keys backwards: where keys are ids, newest first.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept_page<T: Kept>(&self, scope: &Scope, filter: &NounFilter, at: PageAt<'_>) -> Result<Page<T>, ReadError> {
        self.read(scope, T::READ, |connection| {
            let limit = at.items();
            let (mut sql, mut values) = filter.conditions();
            if let Some(cursor) = at.cursor {
                values.push(Box::new(cursor.to_owned()));
                sql.push_str(&and("id", "<", values.len() + 1));
            }
            let sql = format!("SELECT body FROM noun WHERE {sql} ORDER BY id DESC LIMIT {}", limit + 1);
            let mut items: Vec<T> = bodies(connection, &sql, with_kind::<T>(values))?;
            let next = (items.len() > limit).then(|| {
                items.truncate(limit);
                items[limit - 1].key()
            });
            Ok(Page { items, next })
        })
    }

    /// The nouns of a kind, those due first in front, then by key; at most [`Ledger::NOUNS_MAX`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn all_kept<T: Kept>(&self, scope: &Scope, filter: &NounFilter) -> Result<Vec<T>, ReadError> {
        self.read(scope, T::READ, |connection| {
            let (sql, values) = filter.conditions();
            let sql = format!(
                "SELECT body FROM noun WHERE {sql} ORDER BY (due_us IS NULL), due_us, id LIMIT {}",
                Self::NOUNS_MAX
            );
            bodies(connection, &sql, with_kind::<T>(values))
        })
    }

    /// The first noun of a kind by its key: where keys are ids, the oldest.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn first_kept<T: Kept>(&self, scope: &Scope, filter: &NounFilter) -> Result<Option<T>, ReadError> {
        self.read(scope, T::READ, |connection| {
            let (sql, values) = filter.conditions();
            let sql = format!("SELECT body FROM noun WHERE {sql} ORDER BY id LIMIT 1");
            body(connection, &sql, with_kind::<T>(values))
        })
    }

    /// How many nouns of a kind there are.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn count_kept<T: Kept>(&self, scope: &Scope, filter: &NounFilter) -> Result<u64, ReadError> {
        self.read(scope, T::READ, |connection| {
            let (sql, values) = filter.conditions();
            let sql = format!("SELECT count(*) FROM noun WHERE {sql}");
            let counted: i64 = connection
                .prepare_cached(&sql)?
                .query_row(with_kind::<T>(values), |row| row.get(0))?;
            Ok(crate::database::count(counted))
        })
    }

    /// The steps of a noun's life, newest first, at most [`Ledger::PAGE_ITEMS_MAX`].
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept_history<T: Kept>(&self, scope: &Scope, key: &str) -> Result<Vec<HistoryItem>, ReadError> {
        self.read(scope, T::READ, |connection| {
            entries::steps_of(connection, &format!("{}:{key}", T::KIND))
        })
    }

    /// What one entry did to a noun: before (absent when it was new) and after; none when the entry does not hold its bodies.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept_change<T: Kept>(
        &self,
        scope: &Scope,
        number: u64,
        key: &str,
    ) -> Result<Option<(Option<T>, T)>, ReadError> {
        self.read(scope, T::READ, |connection| {
            let subject = format!("{}:{key}", T::KIND);
            let told = entries::told(connection, number, ("put_noun", &subject))?;
            Ok(told.and_then(|(_, before, after)| Some((before, after?))))
        })
    }
}

/// One more condition on a column, with the parameter of that number.
fn and(column: &str, comparison: &str, parameter: usize) -> String {
    format!(" AND {column} {comparison} ${parameter}")
}

fn with_kind<T: Kept>(values: Vec<Box<dyn ToSql>>) -> rusqlite::ParamsFromIter<Vec<Box<dyn ToSql>>> {
    let mut all: Vec<Box<dyn ToSql>> = vec![Box::new(T::KIND)];
    all.extend(values);
    rusqlite::params_from_iter(all)
}
