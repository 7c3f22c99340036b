//! Which silence hides which detection.

use std::collections::HashMap;

use compact_str::CompactString;
use model::{Detection, Entity, EntityColumn, Event, Id, Silence, SilenceScope, SilenceState, Timestamp, Value};

/// Whether a silence hides at a moment.
#[must_use]
pub fn in_force(silence: &Silence, at: Timestamp) -> bool {
    match silence.state {
        SilenceState::Active => at < silence.expires_at,
        SilenceState::Ended { .. } => false,
    }
}

/// Whether a scope covers a detection. Without the event, its fields are looked for in what the rule matched; a field that
/// is found in neither does not fit: in doubt nothing is hidden.
#[must_use]
pub fn covers(scope: &SilenceScope, detection: &Detection, event: Option<&Event>) -> bool {
    covers_subject(scope, &detection.rule.id, &detection.entity)
        && scope
            .fields
            .iter()
            .all(|(name, wanted)| fits(name, wanted, detection, event))
}

fn covers_subject(scope: &SilenceScope, rule: &str, entity: &Entity) -> bool {
    scope.rule.as_ref().is_none_or(|wanted| wanted == rule)
        && scope.entity.as_ref().is_none_or(|wanted| wanted == entity)
}

fn fits(name: &str, wanted: &str, detection: &Detection, event: Option<&Event>) -> bool {
    let Some(event) = event else {
        return detection
            .matched
            .iter()
            .any(|matched| matched.field == name && matched.value.eq_ignore_ascii_case(wanted));
    };
    let in_fields = event
        .fields
        .iter()
        .any(|field| field.name == name && is_value(&field.value, wanted));
    in_fields
        || EntityColumn::ALL
            .iter()
            .filter(|column| column.ecs_name() == name)
            .filter_map(|column| event.entities.get(*column))
            .any(|value| value.to_string().eq_ignore_ascii_case(wanted))
}

fn is_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Null => wanted.is_empty(),
        Value::Bool(truth) => wanted.eq_ignore_ascii_case(if *truth { "true" } else { "false" }),
        Value::Int(number) => wanted.parse() == Ok(*number),
        Value::Uint(number) => wanted.parse() == Ok(*number),
        Value::Float(number) => number.to_string() == wanted,
        Value::Text(text) => text.eq_ignore_ascii_case(wanted),
        Value::List(values) => values.iter().any(|value| is_value(value, wanted)),
    }
}

/// The silences in force, found by what they cover: the cost of a look-up does not grow with their number.
#[derive(Debug, Default)]
pub struct Index<'a> {
    by_rule: HashMap<&'a str, Vec<&'a Silence>>,
    by_entity: HashMap<&'a Entity, Vec<&'a Silence>>,
}

impl<'a> Index<'a> {
    /// Makes the index of the silences that are in force at a moment. A scope without rule and entity covers nothing.
    #[must_use]
    pub fn new(silences: &'a [Silence], at: Timestamp) -> Self {
        let mut index = Self::default();
        for silence in silences.iter().filter(|silence| in_force(silence, at)) {
            let scope = &silence.scope;
            if let Some(rule) = &scope.rule {
                index.by_rule.entry(rule.as_str()).or_default().push(silence);
            } else if let Some(entity) = &scope.entity {
                index.by_entity.entry(entity).or_default().push(silence);
            }
        }
        index
    }

    /// The silence that hides a detection: the oldest, when several do.
    #[must_use]
    pub fn hiding(&self, detection: &Detection, event: Option<&Event>) -> Option<Id<Silence>> {
        self.candidates(&detection.rule.id, &detection.entity)
            .filter(|silence| covers(&silence.scope, detection, event))
            .map(|silence| silence.id)
            .min()
    }

    /// The silence that hides what the post notices about itself; such a notice has no fields.
    #[must_use]
    pub fn hiding_notice(&self, rule: &str, entity: &Entity) -> Option<Id<Silence>> {
        self.candidates(&CompactString::new(rule), entity)
            .filter(|silence| silence.scope.fields.is_empty() && covers_subject(&silence.scope, rule, entity))
            .map(|silence| silence.id)
            .min()
    }

    fn candidates(&self, rule: &CompactString, entity: &Entity) -> impl Iterator<Item = &'a Silence> {
        let of_rule = self.by_rule.get(rule.as_str());
        let of_entity = self.by_entity.get(entity);
        of_rule.into_iter().chain(of_entity).flatten().copied()
    }
}
