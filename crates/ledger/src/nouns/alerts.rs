//! Alerts: written with their columns to find and sort them by; read as the queue, one by one, and by key for triage.

use std::collections::{HashMap, hash_map};

use compact_str::CompactString;
use model::{
    Alert, AlertContext, AlertKey, AlertState, Disposition, Entity, Id, Permission, RuleLevel, Scope, Surroundings,
    User,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::{Versioned, bodies, body, word};
use crate::{
    ApplyError, Ledger, Page, PageAt, ReadError,
    apply::Booking,
    database::{big, count, micros},
    entry::ChangeNote,
    error::conflict_about,
    fold::{fold, patterns},
};

/// The names of the states of an alert, without their facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateKind {
    /// Nobody has taken it.
    New,
    /// Somebody has it.
    Acknowledged,
    /// It is done with.
    Closed,
}

impl StateKind {
    /// The kind of a state.
    #[must_use]
    pub fn of(state: &AlertState) -> Self {
        match state {
            AlertState::New => Self::New,
            AlertState::Acknowledged { .. } => Self::Acknowledged,
            AlertState::Closed { .. } => Self::Closed,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }
}

/// Whose alerts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignee {
    /// Nobody's.
    Nobody,
    /// This person's.
    Person(Id<User>),
}

/// Whether alerts are wanted that have only hidden detections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Only alerts with shown detections: the queue.
    #[default]
    Shown,
    /// Only alerts that a silence hides wholly.
    Hidden,
    /// Both.
    All,
}

/// The order of a list of alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AlertOrder {
    /// What presses most first.
    #[default]
    Urgency,
    /// What was seen last first.
    LastSeen,
}

/// Which alerts are wanted: everything that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// These states; none named means the open ones.
    pub states: Vec<StateKind>,
    /// These levels; none named means all.
    pub levels: Vec<RuleLevel>,
    /// Whose.
    pub assignee: Option<Assignee>,
    /// Rehearsals only, or the real thing only.
    pub exercise: Option<bool>,
    /// Shown or hidden.
    pub visibility: Visibility,
    /// Closed as this.
    pub disposition: Option<Disposition>,
    /// About this.
    pub entity: Option<Entity>,
    /// Of this rule.
    pub rule: Option<CompactString>,
    /// Each word must be somewhere in title, rule, entity, host, source, summary or tags; tone marks and case do not matter.
    pub text: String,
    /// The order.
    pub order: AlertOrder,
}

/// Writes an alert.
pub(crate) fn put(booking: &Booking<'_>, alert: &Alert) -> Result<ChangeNote, ApplyError> {
    let key = alert.id.to_string();
    let text = serde_json::to_string(alert)?;
    let row = Versioned {
        table: "alert",
        key_column: "id",
        key: &key,
        revision: alert.revision,
        body: &text,
    };
    let before = row.standing(booking)?;
    let columns = columns(alert);
    let sql = if before.is_some() { UPDATE } else { INSERT };
    booking
        .connection
        .prepare_cached(sql)?
        .execute(params![
            key,
            big(alert.revision),
            big(booking.number),
            columns.state,
            i64::from(alert.state.is_open()),
            i64::from(alert.detections > 0),
            level_number(alert.rule.level),
            alert.assignee.map(|user| user.to_string()),
            columns.disposition,
            alert.urgency.rank,
            micros(alert.opened_at),
            micros(alert.last_seen),
            columns.closed_us,
            columns.folded,
            text,
            alert.key.rule.as_str(),
            word(&alert.key.entity.kind),
            alert.key.entity.name.as_str(),
            i64::from(alert.key.exercise),
        ])
        .map_err(conflict_about(&row.subject()))?;
    let state_changed = match &before {
        None => true,
        // Quotes inside a text are escaped, so this can only be found where the state itself is written.
        Some(before) => !before.contains(&format!("\"state\":{}", serde_json::to_string(&alert.state)?)),
    };
    if booking.by_person() {
        row.note("put_alert", before, Some(text.clone()))
    } else {
        row.note("put_alert", None, state_changed.then(|| text.clone()))
    }
}

const INSERT: &str = "INSERT INTO alert (id, revision, entry, state, open, shown, level, assignee, disposition, rank,
      opened_us, last_seen_us, closed_us, folded, body, rule, entity_kind, entity_name, exercise)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

// The key of an alert never changes; it is set again so that both statements take the same parameters.
const UPDATE: &str =
    "UPDATE alert SET id = $1, revision = $2, entry = $3, state = $4, open = $5, shown = $6, level = $7,
      assignee = $8, disposition = $9, rank = $10, opened_us = $11, last_seen_us = $12, closed_us = $13, folded = $14,
      body = $15, rule = $16, entity_kind = $17, entity_name = $18, exercise = $19
    WHERE id = $1";

struct Columns {
    state: &'static str,
    disposition: Option<String>,
    closed_us: Option<i64>,
    folded: String,
}

fn columns(alert: &Alert) -> Columns {
    let (disposition, closed_us) = match &alert.state {
        AlertState::New | AlertState::Acknowledged { .. } => (None, None),
        AlertState::Closed { at, disposition, .. } => (Some(word(disposition)), Some(micros(*at))),
    };
    let mut searched = format!(
        "{} {} {} {} {} {}",
        alert.rule.title, alert.rule.title_vi, alert.key.entity.name, alert.summary, alert.source, alert.rule.id
    );
    for part in alert.host.iter().chain(&alert.rule.tags) {
        searched.push(' ');
        searched.push_str(part);
    }
    Columns {
        state: StateKind::of(&alert.state).as_str(),
        disposition,
        closed_us,
        folded: fold(&searched),
    }
}

pub(crate) fn level_number(level: RuleLevel) -> i64 {
    match level {
        RuleLevel::Informational => 0,
        RuleLevel::Low => 1,
        RuleLevel::Medium => 2,
        RuleLevel::High => 3,
        RuleLevel::Critical => 4,
    }
}

impl Ledger {
    /// A page of alerts.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alerts(&self, scope: &Scope, filter: &AlertFilter, at: PageAt<'_>) -> Result<Page<Alert>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let limit = at.items();
            let mut query = Query::default();
            query.filter(filter);
            let column = match filter.order {
                AlertOrder::Urgency => "rank",
                AlertOrder::LastSeen => "last_seen_us",
            };
            if let Some(cursor) = at.cursor {
                let (key, id) = parse_cursor(cursor)?;
                let key = query.parameter(Value::Integer(key));
                let id = query.parameter(Value::Text(id));
                query
                    .conditions
                    .push(format!("({column} < {key} OR ({column} = {key} AND id < {id}))"));
            }
            let sql = format!(
                "SELECT body, {column}, id FROM alert WHERE {} ORDER BY {column} DESC, id DESC LIMIT {}",
                query.conditions.join(" AND "),
                limit + 1
            );
            page_of(connection, &sql, query.parameters, limit)
        })
    }

    /// How many alerts a filter finds, counted up to `most`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alerts_count(&self, scope: &Scope, filter: &AlertFilter, most: u64) -> Result<u64, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let mut query = Query::default();
            query.filter(filter);
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM alert WHERE {} LIMIT {most}) AS found",
                query.conditions.join(" AND ")
            );
            let found = connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(query.parameters), |row| row.get(0))?;
            Ok(count(found))
        })
    }

    /// One alert.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alert(&self, scope: &Scope, id: Id<Alert>) -> Result<Option<Alert>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            body(
                connection,
                "SELECT body FROM alert WHERE id = $1",
                params![id.to_string()],
            )
        })
    }

    /// The open alert with a key.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn open_alert(&self, scope: &Scope, key: &AlertKey) -> Result<Option<Alert>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| open_by_key(connection, key))
    }

    /// Open alerts about one entity, most pressing first, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alerts_about(&self, scope: &Scope, entity: &Entity, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let filter = AlertFilter {
            entity: Some(entity.clone()),
            visibility: Visibility::All,
            ..AlertFilter::default()
        };
        Ok(self.alerts(scope, &filter, PageAt::first(limit))?.items)
    }

    /// What triage needs to know about each key: one snapshot, a few indexed look-ups a key.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn alert_contexts(
        &self,
        scope: &Scope,
        keys: impl IntoIterator<Item = AlertKey>,
    ) -> Result<HashMap<AlertKey, AlertContext>, ReadError> {
        self.read(scope, Permission::ReadAlerts, |connection| {
            let snapshot = connection.unchecked_transaction()?;
            let mut contexts = HashMap::new();
            for key in keys {
                if let hash_map::Entry::Vacant(place) = contexts.entry(key) {
                    let context = context(&snapshot, place.key())?;
                    place.insert(context);
                }
            }
            Ok(contexts)
        })
    }
}

fn context(connection: &Connection, key: &AlertKey) -> Result<AlertContext, ReadError> {
    let open = open_by_key(connection, key)?;
    let closed = if open.is_some() {
        None
    } else {
        body(
            connection,
            "SELECT body FROM alert WHERE open = 0 AND rule = $1 AND entity_kind = $2 AND entity_name = $3 AND exercise = $4
             ORDER BY closed_us DESC LIMIT 1",
            key_parameters(key),
        )?
    };
    Ok(AlertContext {
        open,
        closed,
        around: surroundings(connection, key)?,
    })
}

fn open_by_key(connection: &Connection, key: &AlertKey) -> Result<Option<Alert>, ReadError> {
    body(
        connection,
        "SELECT body FROM alert WHERE open = 1 AND rule = $1 AND entity_kind = $2 AND entity_name = $3 AND exercise = $4",
        key_parameters(key),
    )
}

fn key_parameters(key: &AlertKey) -> impl rusqlite::Params {
    (
        key.rule.to_string(),
        word(&key.entity.kind),
        key.entity.name.to_string(),
        i64::from(key.exercise),
    )
}

fn surroundings(connection: &Connection, key: &AlertKey) -> Result<Surroundings, ReadError> {
    let neighbours: Vec<Alert> = bodies(
        connection,
        "SELECT body FROM alert WHERE open = 1 AND entity_kind = $1 AND entity_name = $2 AND exercise = $3 AND rule <> $4
         AND shown = 1 LIMIT $5",
        params![
            word(&key.entity.kind),
            key.entity.name.as_str(),
            i64::from(key.exercise),
            key.rule.as_str(),
            big(Surroundings::RULES_MAX)
        ],
    )?;
    let other_entities = connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM alert WHERE open = 1 AND rule = $1
             AND NOT (entity_kind = $2 AND entity_name = $3 AND exercise = $4) LIMIT $5) AS others",
        )?
        .query_row(
            params![
                key.rule.as_str(),
                word(&key.entity.kind),
                key.entity.name.as_str(),
                i64::from(key.exercise),
                big(Surroundings::ENTITIES_MAX)
            ],
            |row| row.get(0),
        )?;
    let mut other_tags: Vec<CompactString> = neighbours
        .iter()
        .flat_map(|alert| alert.rule.tags.iter().cloned())
        .collect();
    other_tags.sort_unstable();
    other_tags.dedup();
    Ok(Surroundings {
        other_rules: neighbours.len() as u64,
        other_tags,
        other_entities: count(other_entities),
    })
}

/// The conditions of a query with their parameters, numbered as they come.
#[derive(Default)]
struct Query {
    conditions: Vec<String>,
    parameters: Vec<Value>,
}

impl Query {
    fn parameter(&mut self, value: Value) -> String {
        self.parameters.push(value);
        format!("${}", self.parameters.len())
    }

    fn text(&mut self, text: impl Into<String>) -> String {
        self.parameter(Value::Text(text.into()))
    }

    fn filter(&mut self, filter: &AlertFilter) {
        if filter.states.is_empty() {
            self.conditions.push("open = 1".to_owned());
        } else {
            let states: Vec<String> = filter
                .states
                .iter()
                .map(|state| format!("'{}'", state.as_str()))
                .collect();
            self.conditions.push(format!("state IN ({})", states.join(", ")));
        }
        if !filter.levels.is_empty() {
            let levels: Vec<String> = filter
                .levels
                .iter()
                .map(|level| level_number(*level).to_string())
                .collect();
            self.conditions.push(format!("level IN ({})", levels.join(", ")));
        }
        match filter.assignee {
            None => {}
            Some(Assignee::Nobody) => self.conditions.push("assignee IS NULL".to_owned()),
            Some(Assignee::Person(user)) => {
                let user = self.text(user.to_string());
                self.conditions.push(format!("assignee = {user}"));
            }
        }
        if let Some(exercise) = filter.exercise {
            self.conditions.push(format!("exercise = {}", i64::from(exercise)));
        }
        match filter.visibility {
            Visibility::Shown => self.conditions.push("shown = 1".to_owned()),
            Visibility::Hidden => self.conditions.push("shown = 0".to_owned()),
            Visibility::All => {}
        }
        self.filter_subject(filter);
        for pattern in patterns(&filter.text) {
            let pattern = self.text(pattern);
            self.conditions.push(format!("folded LIKE {pattern} ESCAPE '\\'"));
        }
    }

    fn filter_subject(&mut self, filter: &AlertFilter) {
        if let Some(disposition) = &filter.disposition {
            let disposition = self.text(word(disposition));
            self.conditions.push(format!("disposition = {disposition}"));
        }
        if let Some(entity) = &filter.entity {
            let kind = self.text(word(&entity.kind));
            let name = self.text(entity.name.as_str());
            self.conditions
                .push(format!("entity_kind = {kind} AND entity_name = {name}"));
        }
        if let Some(rule) = &filter.rule {
            let rule = self.text(rule.as_str());
            self.conditions.push(format!("rule = {rule}"));
        }
    }
}

fn parse_cursor(cursor: &str) -> Result<(i64, String), ReadError> {
    let (key, id) = cursor.split_once('_').ok_or(ReadError::BadCursor)?;
    let key = key.parse().map_err(|_| ReadError::BadCursor)?;
    let id: Id<Alert> = id.parse().map_err(|_| ReadError::BadCursor)?;
    Ok((key, id.to_string()))
}

fn page_of(connection: &Connection, sql: &str, parameters: Vec<Value>, limit: usize) -> Result<Page<Alert>, ReadError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    let mut page = Page {
        items: Vec::new(),
        next: None,
    };
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.items.len() == limit {
            page.next = last;
            break;
        }
        page.items.push(serde_json::from_str(
            row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
        )?);
        let (key, id): (i64, String) = (row.get(1)?, row.get(2)?);
        last = Some(format!("{key}_{id}"));
    }
    Ok(page)
}
