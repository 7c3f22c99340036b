//! The conditions that pySigma knows for rules, detection items and field names.

use regex::Regex;

use crate::document::Fault;
use crate::pipeline::keys;
use crate::rule::{Level, Literal, LogSource, Status};
use crate::yaml::{Content, Node};

/// A condition on a whole rule or correlation.
#[derive(Debug, Clone)]
pub(super) enum RuleCondition {
    LogSource(LogSource),
    ContainsField(String),
    ContainsItem {
        field: String,
        value: Literal,
    },
    Applied(String),
    State(StateCondition),
    IsRule,
    IsCorrelation,
    Attribute {
        attribute: String,
        value: AttributeValue,
        operator: Comparing,
    },
    Tag(String),
}

/// A condition on a detection item.
#[derive(Debug, Clone)]
pub(super) enum ItemCondition {
    MatchString { all: bool, pattern: Regex, negate: bool },
    MatchValue { all: bool, value: Literal },
    ContainsWildcard { all: bool },
    IsNull { all: bool },
    Applied(String),
    State(StateCondition),
}

/// A condition on a field name.
#[derive(Debug, Clone)]
pub(super) enum FieldCondition {
    Include(Names),
    Exclude(Names),
    Applied(String),
    State(StateCondition),
}

/// Field names, or expressions for them.
#[derive(Debug, Clone)]
pub(super) enum Names {
    Plain(Vec<String>),
    Expressions(Vec<Regex>),
}

impl Names {
    pub(super) fn contain(&self, field: Option<&str>) -> bool {
        let Some(field) = field else { return false };
        match self {
            Names::Plain(names) => names.iter().any(|name| name == field),
            Names::Expressions(expressions) => expressions.iter().any(|expression| expression.is_match(field)),
        }
    }
}

/// A comparison with a value that an earlier `set_state` stored.
#[derive(Debug, Clone)]
pub(super) struct StateCondition {
    pub(super) key: String,
    pub(super) value: Literal,
    pub(super) operator: Comparing,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparing {
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
    LessOrEqual,
    Less,
    In,
    NotIn,
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AttributeValue {
    Level(Level),
    Status(Status),
    Text(String),
}

impl Comparing {
    /// Returns whether an ordering satisfies the comparison.
    pub(super) fn allows(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparing::Equal | Comparing::In => ordering.is_eq(),
            Comparing::NotEqual | Comparing::NotIn => ordering.is_ne(),
            Comparing::GreaterOrEqual => ordering.is_ge(),
            Comparing::Greater => ordering.is_gt(),
            Comparing::LessOrEqual => ordering.is_le(),
            Comparing::Less => ordering.is_lt(),
        }
    }
}

impl StateCondition {
    pub(super) fn holds(&self, state: Option<&Literal>) -> bool {
        let Some(state) = state else { return false };
        match (number_of(state), number_of(&self.value)) {
            (Some(left), Some(right)) => left
                .partial_cmp(&right)
                .is_some_and(|ordering| self.operator.allows(ordering)),
            _ => self.operator.allows(shown(state).cmp(&shown(&self.value))),
        }
    }
}

pub(super) fn number_of(literal: &Literal) -> Option<f64> {
    match literal {
        #[expect(clippy::cast_precision_loss, reason = "pipeline numbers are compared, not stored")]
        Literal::Int(number) => Some(*number as f64),
        Literal::Float(number) => Some(*number),
        Literal::Null | Literal::Bool(_) | Literal::String(_) => None,
    }
}

pub(super) fn shown(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::String(text) => text.clone(),
    }
}

pub(super) fn literal(node: &Node, key: &str) -> Result<Literal, Fault> {
    Ok(match &node.content {
        Content::Null => Literal::Null,
        Content::Bool(value) => Literal::Bool(*value),
        Content::Int(number) => Literal::Int(*number),
        Content::Float(number) => Literal::Float(*number),
        Content::String(text) => Literal::String(text.clone()),
        Content::Sequence(_) | Content::Mapping(_) => {
            return Err(Fault::new(
                node.at,
                format!("`{key}` must be a single value, not {}", node.kind()),
            ));
        }
    })
}

fn type_of(node: &Node) -> Result<&str, Fault> {
    if !matches!(node.content, Content::Mapping(_)) {
        return Err(Fault::new(
            node.at,
            format!("a condition must be a map with a `type`, not {}", node.kind()),
        ));
    }
    let kind = keys::required(node, "a condition", "type")?;
    kind.as_str()
        .ok_or_else(|| Fault::new(kind.at, "`type` must be a text"))
}

fn unknown(node: &Node, kind: &str, what: &str, known: &str) -> Fault {
    let at = node.get("type").map_or(node.at, |kind| kind.at);
    Fault::new(at, format!("`{kind}` is not a condition on {what}: {known}"))
}

impl RuleCondition {
    pub(super) fn read(node: &Node) -> Result<RuleCondition, Fault> {
        let kind = type_of(node)?;
        let text = |key: &str| keys::text(node, kind, key);
        match kind {
            "logsource" => {
                keys::only(node, kind, &["type", "category", "product", "service"])?;
                let part = |key| Ok::<_, Fault>(keys::optional_text(node, key)?.unwrap_or_default());
                Ok(RuleCondition::LogSource(LogSource::new(
                    &part("category")?,
                    &part("product")?,
                    &part("service")?,
                )))
            }
            "contains_detection_item" => {
                keys::only(node, kind, &["type", "field", "value"])?;
                let value = literal(keys::required(node, kind, "value")?, "value")?;
                Ok(RuleCondition::ContainsItem {
                    field: text("field")?,
                    value,
                })
            }
            "contains_field" => keys::only(node, kind, &["type", "field"])
                .and_then(|()| Ok(RuleCondition::ContainsField(text("field")?))),
            "processing_item_applied" => read_applied(node).map(RuleCondition::Applied),
            "processing_state" => read_state(node).map(RuleCondition::State),
            "is_sigma_rule" => keys::only(node, kind, &["type"]).map(|()| RuleCondition::IsRule),
            "is_sigma_correlation_rule" => keys::only(node, kind, &["type"]).map(|()| RuleCondition::IsCorrelation),
            "rule_attribute" => read_attribute(node),
            "tag" => keys::only(node, kind, &["type", "tag"]).and_then(|()| Ok(RuleCondition::Tag(text("tag")?))),
            _ => {
                let known = "logsource, contains_detection_item, contains_field, processing_item_applied, processing_state, \
                             is_sigma_rule, is_sigma_correlation_rule, rule_attribute, tag";
                Err(unknown(node, kind, "rules", known))
            }
        }
    }
}

impl ItemCondition {
    pub(super) fn read(node: &Node) -> Result<ItemCondition, Fault> {
        let kind = type_of(node)?;
        let all = || match keys::text(node, kind, "cond")?.as_str() {
            "all" => Ok(true),
            "any" => Ok(false),
            other => Err(Fault::new(
                node.at,
                format!("`cond` must be `any` or `all`, not `{other}`"),
            )),
        };
        match kind {
            "match_string" => {
                keys::only(node, kind, &["type", "cond", "pattern", "negate"])?;
                let pattern = keys::regex(node, kind, "pattern", true)?;
                Ok(ItemCondition::MatchString {
                    all: all()?,
                    pattern,
                    negate: keys::flag(node, "negate")?,
                })
            }
            "match_value" => {
                keys::only(node, kind, &["type", "cond", "value"])?;
                let value = literal(keys::required(node, kind, "value")?, "value")?;
                Ok(ItemCondition::MatchValue { all: all()?, value })
            }
            "contains_wildcard" => {
                keys::only(node, kind, &["type", "cond"])?;
                Ok(ItemCondition::ContainsWildcard { all: all()? })
            }
            "is_null" => {
                keys::only(node, kind, &["type", "cond"])?;
                Ok(ItemCondition::IsNull { all: all()? })
            }
            "processing_item_applied" => read_applied(node).map(ItemCondition::Applied),
            "processing_state" => read_state(node).map(ItemCondition::State),
            _ => {
                let known =
                    "match_string, match_value, contains_wildcard, is_null, processing_item_applied, processing_state";
                Err(unknown(node, kind, "detection items", known))
            }
        }
    }
}

impl FieldCondition {
    pub(super) fn read(node: &Node) -> Result<FieldCondition, Fault> {
        let kind = type_of(node)?;
        match kind {
            "include_fields" => read_names(node, kind).map(FieldCondition::Include),
            "exclude_fields" => read_names(node, kind).map(FieldCondition::Exclude),
            "processing_item_applied" => read_applied(node).map(FieldCondition::Applied),
            "processing_state" => read_state(node).map(FieldCondition::State),
            _ => {
                let known = "include_fields, exclude_fields, processing_item_applied, processing_state";
                Err(unknown(node, kind, "field names", known))
            }
        }
    }
}

fn read_names(node: &Node, kind: &str) -> Result<Names, Fault> {
    keys::only(node, kind, &["type", "fields", "mode"])?;
    let list = keys::required(node, kind, "fields")?;
    let names = keys::texts(list, "fields")?;
    match keys::optional_text(node, "mode")?.as_deref() {
        None | Some("plain") => Ok(Names::Plain(names)),
        Some("re") => {
            let compiled = names
                .iter()
                .map(|name| keys::compile(name, true).map_err(|reason| Fault::new(list.at, reason)));
            Ok(Names::Expressions(compiled.collect::<Result<_, _>>()?))
        }
        Some(other) => Err(Fault::new(
            node.at,
            format!("`mode` must be `plain` or `re`, not `{other}`"),
        )),
    }
}

fn read_applied(node: &Node) -> Result<String, Fault> {
    keys::only(node, "processing_item_applied", &["type", "processing_item_id"])?;
    keys::text(node, "processing_item_applied", "processing_item_id")
}

fn read_state(node: &Node) -> Result<StateCondition, Fault> {
    keys::only(node, "processing_state", &["type", "key", "val", "op"])?;
    let operator = read_operator(node)?;
    if matches!(operator, Comparing::In | Comparing::NotIn) {
        return Err(Fault::new(node.at, "`op` must be eq, ne, gte, gt, lte or lt"));
    }
    Ok(StateCondition {
        key: keys::text(node, "processing_state", "key")?,
        value: literal(keys::required(node, "processing_state", "val")?, "val")?,
        operator,
    })
}

fn read_operator(node: &Node) -> Result<Comparing, Fault> {
    Ok(match keys::optional_text(node, "op")?.as_deref() {
        None | Some("eq") => Comparing::Equal,
        Some("ne") => Comparing::NotEqual,
        Some("gte") => Comparing::GreaterOrEqual,
        Some("gt") => Comparing::Greater,
        Some("lte") => Comparing::LessOrEqual,
        Some("lt") => Comparing::Less,
        Some("in") => Comparing::In,
        Some("not_in") => Comparing::NotIn,
        Some(other) => {
            return Err(Fault::new(
                node.at,
                format!("`{other}` is no comparison: eq, ne, gte, gt, lte, lt, in, not_in"),
            ));
        }
    })
}

fn read_attribute(node: &Node) -> Result<RuleCondition, Fault> {
    keys::only(node, "rule_attribute", &["type", "attribute", "value", "op"])?;
    let attribute = keys::text(node, "rule_attribute", "attribute")?;
    let written = keys::text(node, "rule_attribute", "value")?;
    let wrong = |what: &str| Fault::new(node.at, format!("`{written}` is no {what}"));
    let value = match attribute.as_str() {
        "level" => AttributeValue::Level(Level::from_word(&written).ok_or_else(|| wrong("level"))?),
        "status" => AttributeValue::Status(Status::from_word(&written).ok_or_else(|| wrong("status"))?),
        _ => AttributeValue::Text(written),
    };
    let operator = read_operator(node)?;
    let is_list = ["references", "tags", "falsepositives", "fields", "scope"].contains(&attribute.as_str());
    if matches!(operator, Comparing::In | Comparing::NotIn) && !is_list {
        return Err(Fault::new(
            node.at,
            format!("`in` and `not_in` look into lists, and `{attribute}` is none"),
        ));
    }
    Ok(RuleCondition::Attribute {
        attribute,
        value,
        operator,
    })
}
