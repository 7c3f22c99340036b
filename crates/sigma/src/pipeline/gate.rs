//! The conditions of a processing item: several of a kind, joined by `and`, `or` or an expression, and perhaps negated.

use crate::correlation::Expression;
use crate::document::Fault;
use crate::yaml::{Content, Node};

/// Conditions of one kind; without any, it is open.
#[derive(Debug, Clone)]
pub(super) struct Gate<C> {
    conditions: Vec<(String, C)>,
    link: Link,
    is_negated: bool,
}

#[derive(Debug, Clone)]
enum Link {
    And,
    Or,
    Expression(Expression),
}

impl<C> Gate<C> {
    /// Reads `<kind>_conditions`, `<kind>_cond_op`, `<kind>_cond_expr` and `<kind>_cond_not` of a processing item.
    pub(super) fn read(item: &Node, kind: &str, read: impl Fn(&Node) -> Result<C, Fault>) -> Result<Gate<C>, Fault> {
        // pySigma names the keys `rule_cond_op`, `detection_item_cond_op` and `field_name_cond_op`.
        let key = |end: &str| item.get(&format!("{kind}_{end}"));
        let conditions = match key("conditions") {
            None => Vec::new(),
            Some(node) => match &node.content {
                Content::Sequence(items) => {
                    let numbered = items.iter().enumerate();
                    numbered
                        .map(|(at, node)| Ok((at.to_string(), read(node)?)))
                        .collect::<Result<_, Fault>>()?
                }
                Content::Mapping(entries) => entries
                    .iter()
                    .map(|entry| Ok((entry.key.clone(), read(&entry.value)?)))
                    .collect::<Result<_, Fault>>()?,
                Content::Null => Vec::new(),
                Content::Bool(_) | Content::Int(_) | Content::Float(_) | Content::String(_) => {
                    return Err(Fault::new(
                        node.at,
                        format!("`{kind}_conditions` must be a list or a map, not {}", node.kind()),
                    ));
                }
            },
        };
        let is_negated = match key("cond_not") {
            None => false,
            Some(Node {
                content: Content::Bool(value),
                ..
            }) => *value,
            Some(node) => return Err(Fault::new(node.at, format!("`{kind}_cond_not` must be true or false"))),
        };
        let link = match (key("cond_op"), key("cond_expr")) {
            (Some(node), Some(_)) => {
                return Err(Fault::new(
                    node.at,
                    format!("`{kind}_cond_op` and `{kind}_cond_expr` exclude each other"),
                ));
            }
            (None, None) => Link::And,
            (Some(node), None) => match node.as_str() {
                Some("and") => Link::And,
                Some("or") => Link::Or,
                _ => return Err(Fault::new(node.at, format!("`{kind}_cond_op` must be `and` or `or`"))),
            },
            (None, Some(node)) => Link::Expression(read_expression(node, kind, &conditions)?),
        };
        Ok(Gate {
            conditions,
            link,
            is_negated,
        })
    }

    /// Returns whether the gate is open for something about which `holds` tells.
    pub(super) fn is_open(&self, holds: impl Fn(&C) -> bool) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        let named = |name: &str| {
            self.conditions
                .iter()
                .any(|(other, condition)| other == name && holds(condition))
        };
        let is_met = match &self.link {
            Link::And => self.conditions.iter().all(|(_, condition)| holds(condition)),
            Link::Or => self.conditions.iter().any(|(_, condition)| holds(condition)),
            Link::Expression(expression) => expression.holds(&named),
        };
        is_met != self.is_negated
    }
}

fn read_expression<C>(node: &Node, kind: &str, conditions: &[(String, C)]) -> Result<Expression, Fault> {
    let text = node
        .as_str()
        .ok_or_else(|| Fault::new(node.at, format!("`{kind}_cond_expr` must be a text")))?;
    let expression = Expression::parse(text).map_err(|reason| Fault::new(node.at, reason))?;
    let named = expression.references();
    if let Some(unknown) = named
        .iter()
        .find(|name| !conditions.iter().any(|(other, _)| other == **name))
    {
        return Err(Fault::new(
            node.at,
            format!("`{kind}_cond_expr` names `{unknown}`, which is not among `{kind}_conditions`"),
        ));
    }
    if let Some((unused, _)) = conditions.iter().find(|(name, _)| !named.contains(&name.as_str())) {
        return Err(Fault::new(
            node.at,
            format!("the condition `{unused}` does not occur in `{kind}_cond_expr`"),
        ));
    }
    Ok(expression)
}
