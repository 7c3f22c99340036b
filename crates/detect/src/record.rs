//! An event as the Sigma engine reads it: its own fields, by reference.

use model::{Event, Value};
use sigma::{
    correlation::FieldTexts,
    record::{Record, Value as SigmaValue},
};

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

impl FieldTexts for EventRecord<'_> {
    fn field_text(&self, name: &str) -> Option<String> {
        let mut texts = Vec::new();
        self.visit(|field, value| {
            if field == name {
                texts.extend(value.text());
            }
        });
        match texts.as_slice() {
            [only] => Some(only.clone().into_owned()),
            _ => self.entity_text(name),
        }
    }
}

impl EventRecord<'_> {
    /// Correlations may group by an entity column (`source.ip`) where the records of several products differ in their own names.
    fn entity_text(self, name: &str) -> Option<String> {
        let column = model::EntityColumn::ALL
            .iter()
            .find(|column| column.ecs_name() == name)?;
        self.0.entities.get(*column).map(|value| value.to_string())
    }
}
