//! The test cases beside a rule (`docs/adding/a-detection-rule.md`), and the events they stand for.

use bytes::Bytes;
use detect::RuleEntry;
use jiff::SignedDuration;
use model::{
    Event, Field, Fields, FormatHint, LogSource, LogSourceSet, RawRecord, SourceId, Timestamp, Transport, Value,
};
use normalize::{Assembler, Normalizer};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// When the records of a test are received: 2026-03-15T08:00:00Z.
const RECEIVED_SECOND: i64 = 1_773_561_600;

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// What it is, for the person who reads that it failed.
    pub name: String,
    event: Option<Map<String, Json>>,
    events: Option<Vec<Map<String, Json>>>,
    raw: Option<String>,
    format: Option<String>,
    logsource: Option<CaseSource>,
    /// Whether the rule must hold on at least one event, or on none.
    pub matches: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct CaseSource {
    category: String,
    product: String,
    service: String,
}

impl Case {
    /// The events of the case, with the log source of the rule where the case says nothing else.
    ///
    /// # Errors
    /// When not exactly one of `event`, `events` and `raw` is there.
    pub(super) fn events(&self, rule: &RuleEntry) -> Result<Vec<Event>, String> {
        let sources = self.sources(rule);
        match (&self.event, &self.events, &self.raw) {
            (Some(fields), None, None) => Ok(vec![event_of(0, fields, &sources)]),
            (None, Some(list), None) => Ok(list
                .iter()
                .enumerate()
                .map(|(at, fields)| event_of(at, fields, &sources))
                .collect()),
            (None, None, Some(raw)) => Ok(self.read(raw)),
            _ => Err("give exactly one of `event`, `events` and `raw`".to_owned()),
        }
    }

    fn sources(&self, rule: &RuleEntry) -> LogSourceSet {
        let own = self
            .logsource
            .as_ref()
            .map(|source| LogSource::new(&source.category, &source.product, &source.service));
        LogSourceSet::new(own.or_else(|| rule.logsource.clone()))
    }

    fn read(&self, raw: &str) -> Vec<Event> {
        let normalizer = Normalizer::new(&normalize::Settings::default());
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        for (seq, line) in (1..).zip(raw.lines().filter(|line| !line.trim().is_empty())) {
            let record = RawRecord {
                source: SourceId::new("test"),
                received_at: moment(0),
                transport: Transport::File,
                origin: "test".into(),
                format: self
                    .format
                    .as_ref()
                    .map_or(FormatHint::Unknown, |name| FormatHint::Named(name.as_str().into())),
                exercise: false,
                bytes: Bytes::copy_from_slice(line.as_bytes()),
            };
            assembler.push(normalizer.normalize(seq, &record), &mut events);
        }
        assembler.flush(&mut events);
        events
    }
}

fn moment(second: usize) -> Timestamp {
    let start = Timestamp::from_second(RECEIVED_SECOND).expect("a moment in 2026");
    start + SignedDuration::from_secs(i64::try_from(second).unwrap_or(0))
}

fn event_of(at: usize, given: &Map<String, Json>, sources: &LogSourceSet) -> Event {
    let mut fields = Fields::with_capacity(given.len());
    for (name, value) in given {
        flatten(name, value, &mut fields);
    }
    Event {
        seq: at as u64 + 1,
        records: 1,
        source: SourceId::new("test"),
        happened_at: moment(at),
        received_at: moment(at),
        format: "test".into(),
        logsources: sources.clone(),
        fields,
        entities: model::Entities::default(),
        raw: Bytes::new(),
        problems: Vec::new(),
        exercise: false,
    }
}

fn flatten(name: &str, value: &Json, fields: &mut Fields) {
    match value {
        Json::Object(below) => {
            for (key, value) in below {
                flatten(&format!("{name}.{key}"), value, fields);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            fields.push(name, value_of(value));
        }
    }
}

fn value_of(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_u64().map(Value::Uint))
            .unwrap_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN))),
        Json::String(text) => Value::text(text),
        Json::Array(list) => Value::List(list.iter().map(value_of).collect()),
        Json::Object(_) => Value::text(value.to_string()),
    }
}

/// Shows an event in one line for a failed test.
pub(super) fn shown(event: &Event) -> String {
    let fields: Vec<String> = event
        .fields
        .iter()
        .map(|Field { name, value }| format!("{name}={value:?}"))
        .collect();
    let sources: Vec<String> = event
        .logsources
        .members()
        .iter()
        .map(|source| {
            let part = |part: &Option<compact_str::CompactString>| part.as_deref().unwrap_or("*").to_owned();
            format!(
                "{}/{}/{}",
                part(&source.category),
                part(&source.product),
                part(&source.service)
            )
        })
        .collect();
    format!("[{}] {}", sources.join(" "), fields.join(" "))
}
