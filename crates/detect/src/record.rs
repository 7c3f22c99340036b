//! An event as the Sigma engine reads it: its own fields, by reference.

use model::{EntityColumn, Event, Value};
use sigma::record::{Record, Value as SigmaValue};

/// Shows an event to rules.
#[derive(Debug, Clone, Copy)]
pub struct EventRecord<'e>(pub &'e Event);

impl Record for EventRecord<'_> {
    fn visit<'a, F: FnMut(&'a str, SigmaValue<'a>)>(&'a self, mut visit: F) {
        for field in &self.0.fields {
            show(&field.name, &field.value, &mut visit);
        }
    }
}

fn show<'a>(name: &'a str, value: &'a Value, visit: &mut impl FnMut(&'a str, SigmaValue<'a>)) {
    match value {
        Value::Null => visit(name, SigmaValue::Null),
        Value::Bool(value) => visit(name, SigmaValue::Bool(*value)),
        Value::Int(value) => visit(name, SigmaValue::Int(*value)),
        Value::Uint(value) => visit(name, SigmaValue::Uint(*value)),
        Value::Float(value) => visit(name, SigmaValue::Float(*value)),
        Value::Text(text) => visit(name, SigmaValue::Str(text)),
        Value::List(list) if list.is_empty() => visit(name, SigmaValue::EmptyList),
        Value::List(list) => list.iter().for_each(|element| show(name, element, visit)),
    }
}

/// Shows an event to correlations: besides its own fields its entity columns, so that a correlation may group by `source.ip`
/// where the records of several products differ in their own names.
#[derive(Debug)]
pub(crate) struct CorrelatedRecord<'e> {
    event: &'e Event,
    columns: Vec<(&'static str, String)>,
}

impl<'e> CorrelatedRecord<'e> {
    pub(crate) fn new(event: &'e Event) -> Self {
        let own = |name: &str| event.fields.get(name).is_some();
        let columns = EntityColumn::ALL
            .iter()
            .filter_map(|column| Some((column.ecs_name(), event.entities.get(*column)?.to_string())))
            .filter(|(name, _)| !own(name));
        Self {
            event,
            columns: columns.collect(),
        }
    }
}

impl Record for CorrelatedRecord<'_> {
    fn visit<'a, F: FnMut(&'a str, SigmaValue<'a>)>(&'a self, mut visit: F) {
        for field in &self.event.fields {
            show(&field.name, &field.value, &mut visit);
        }
        for (name, value) in &self.columns {
            visit(name, SigmaValue::Str(value));
        }
    }
}
