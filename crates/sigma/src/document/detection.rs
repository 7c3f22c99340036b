//! The `detection` of a rule: selections with their items and values, and conditions.

use super::Fault;
use crate::condition::{self, Condition};
use crate::limits::CONDITION_DEPTH_MAX;
use crate::modifier::Modifier;
use crate::rule::{Detection, Item, Literal, NamedSelection, Selection, Value};
use crate::yaml::{Content, Entry, Node, Position};

/// Reads a `detection` map (or the body of a filter, which has the same shape): selections, conditions, `timeframe`.
///
/// # Errors
///
/// Returns the first fault in it.
pub fn detection_of(node: &Node) -> Result<Detection, Fault> {
    if !matches!(node.content, Content::Mapping(_)) {
        return Err(Fault::new(
            node.at,
            format!("`detection` must be a map, not {}", node.kind()),
        ));
    }
    let mut detection = Detection::default();
    for entry in node.entries() {
        match entry.key.as_str() {
            "condition" => {}
            "timeframe" => detection.timeframe = entry.value.scalar_text(),
            name => detection.selections.push(NamedSelection {
                name: name.to_owned(),
                selection: selection_of(&entry.value, 0)
                    .map_err(|fault| Fault::new(fault.at, format!("selection `{name}`: {}", fault.reason)))?,
                at: entry.at,
            }),
        }
    }
    let condition = node
        .get("condition")
        .ok_or_else(|| Fault::new(node.at, "`condition` is missing"))?;
    if detection.selections.is_empty() {
        return Err(Fault::new(node.at, "`detection` has no selection"));
    }
    if condition.items().is_empty() {
        return Err(Fault::new(condition.at, "`condition` is empty"));
    }
    let names: Vec<&str> = detection.selections.iter().map(|named| named.name.as_str()).collect();
    for part in condition.items() {
        let text = part.scalar_text();
        let text = text.ok_or_else(|| Fault::new(part.at, format!("a condition is a text, not {}", part.kind())))?;
        let expression =
            condition::parse(&text, &names).map_err(|reason| Fault::new(part.at, format!("condition: {reason}")))?;
        detection.conditions.push(Condition {
            text,
            expression,
            at: part.at,
        });
    }
    Ok(detection)
}

/// Reads the definition of a search identifier.
///
/// # Errors
///
/// Returns the first fault in it.
pub fn selection_of(node: &Node, depth: usize) -> Result<Selection, Fault> {
    if depth > CONDITION_DEPTH_MAX {
        return Err(Fault::new(
            node.at,
            format!("lists nested deeper than {CONDITION_DEPTH_MAX} levels"),
        ));
    }
    match &node.content {
        Content::Mapping(entries) if entries.is_empty() => Err(Fault::new(node.at, "the map is empty")),
        Content::Sequence(items) if items.is_empty() => Err(Fault::new(node.at, "the list is empty")),
        Content::Mapping(entries) => Ok(Selection::All(entries.iter().map(item_of).collect::<Result<_, _>>()?)),
        Content::Sequence(items) => {
            let is_scalar = |node: &Node| !matches!(node.content, Content::Mapping(_) | Content::Sequence(_));
            if items.iter().all(is_scalar) {
                return Ok(Selection::All(vec![keywords_of(items, node.at)?]));
            }
            let part = |item: &Node| selection_of(item, depth + 1);
            Ok(Selection::Any(items.iter().map(part).collect::<Result<_, _>>()?))
        }
        Content::Null => Err(Fault::new(node.at, "it is empty")),
        Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => {
            Ok(Selection::All(vec![keywords_of(std::slice::from_ref(node), node.at)?]))
        }
    }
}

fn keywords_of(nodes: &[Node], at: Position) -> Result<Item, Fault> {
    let values = nodes.iter().map(value_of).collect::<Result<_, _>>()?;
    Ok(Item {
        field: None,
        modifiers: Vec::new(),
        values,
        is_list: nodes.len() > 1,
        at,
    })
}

fn item_of(entry: &Entry) -> Result<Item, Fault> {
    let mut parts = entry.key.split('|');
    let field = parts.next().unwrap_or_default().trim();
    let modifiers = parts
        .map(|name| {
            Modifier::from_name(name.trim()).ok_or_else(|| {
                let hint = Modifier::nearest_name(name).map(|near| format!("; did you mean `{near}`?"));
                Fault::new(
                    entry.at,
                    format!("`{name}` is not a modifier{}", hint.unwrap_or_default()),
                )
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let is_list = matches!(entry.value.content, Content::Sequence(_));
    let nodes = match &entry.value.content {
        Content::Sequence(items) if items.is_empty() => {
            return Err(Fault::new(
                entry.value.at,
                format!("`{}` has an empty list of values", entry.key),
            ));
        }
        Content::Sequence(items) => items.as_slice(),
        Content::Null | Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => {
            std::slice::from_ref(&entry.value)
        }
        Content::Mapping(_) => {
            return Err(Fault::new(
                entry.value.at,
                format!("`{}` must have values, not a map", entry.key),
            ));
        }
    };
    let values = nodes.iter().map(value_of).collect::<Result<_, _>>()?;
    let field = (!field.is_empty()).then(|| field.to_owned());
    Ok(Item {
        field,
        modifiers,
        values,
        is_list,
        at: entry.at,
    })
}

fn value_of(node: &Node) -> Result<Value, Fault> {
    let literal = match &node.content {
        Content::Null => Literal::Null,
        Content::Bool(value) => Literal::Bool(*value),
        Content::Int(value) => Literal::Int(*value),
        Content::Float(value) => Literal::Float(*value),
        Content::String(text) => Literal::String(text.clone()),
        Content::Sequence(_) | Content::Mapping(_) => {
            return Err(Fault::new(
                node.at,
                format!("a value must be a scalar, not {}", node.kind()),
            ));
        }
    };
    Ok(Value { literal, at: node.at })
}
