//! The transformations of pySigma's processing pipelines that change rules, and how they are read.

use regex::Regex;

use crate::document::{Fault, selection_of};
use crate::modifier::Modifier;
use crate::pipeline::condition::literal;
use crate::pipeline::item::ProcessingItem;
use crate::pipeline::keys;
use crate::rule::{Literal, LogSource, Selection};
use crate::yaml::{Content, Node};

/// One transformation.
#[derive(Debug, Clone)]
pub(super) enum Transformation {
    Rule(RuleChange),
    Names(Renaming),
    Items(ItemChange),
    Nest(Vec<ProcessingItem>),
}

/// A change of a rule as a whole, or of the state of the run.
#[derive(Debug, Clone)]
pub(super) enum RuleChange {
    AddCondition {
        selection: Selection,
        name: Option<String>,
        is_template: bool,
        is_negated: bool,
    },
    LogSource(LogSource),
    AddFields(Vec<String>),
    RemoveFields(Vec<String>),
    SetFields(Vec<String>),
    SetState {
        key: String,
        value: Literal,
    },
    SetAttribute {
        attribute: String,
        value: String,
    },
    Fail(String),
    FailUnmapped,
}

/// A change of field names, in items and wherever else a rule names fields.
#[derive(Debug, Clone)]
pub(super) enum Renaming {
    /// A field name to one or several others; `None` is the keyword search.
    Map(Vec<(Option<String>, Vec<String>)>),
    MapPrefixes(Vec<(String, Vec<String>)>),
    AddSuffix(String),
    AddPrefix(String),
}

/// A change of single detection items.
#[derive(Debug, Clone)]
pub(super) enum ItemChange {
    Drop,
    Fail(String),
    SplitHashes(Hashes),
    ExtractFields {
        regex: Regex,
        prefix: Option<String>,
        keeps_unmatched: bool,
    },
    WildcardPlaceholders(Placeholders),
    ValuePlaceholders(Placeholders),
    ReplaceString {
        regex: Regex,
        replacement: String,
        skips_special: bool,
        reads_special: bool,
    },
    MapStrings(Vec<(String, Vec<String>)>),
    ToRegex(RegexMethod),
    SetValue(Literal),
    ConvertType {
        to_number: bool,
    },
    Case(Case),
}

/// How packed hashes are told apart and named.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    pub(super) algorithms: Vec<String>,
    pub(super) prefix: String,
    pub(super) drops_algorithm: bool,
    pub(super) fields: Vec<String>,
}

/// Which placeholders a transformation is for.
#[derive(Debug, Clone)]
pub(super) struct Placeholders {
    include: Option<Vec<String>>,
    exclude: Option<Vec<String>>,
}

impl Placeholders {
    pub(super) fn handles(&self, name: &str) -> bool {
        let has = |names: &Vec<String>| names.iter().any(|other| other == name);
        self.include.as_ref().is_none_or(has) && !self.exclude.as_ref().is_some_and(has)
    }
}

/// How a text becomes a regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegexMethod {
    Plain,
    IgnoreCaseFlag,
    IgnoreCaseBrackets,
}

/// How letters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
    Snake,
}

/// Keys of a processing item that belong to it and not to its transformation.
const OF_ITEM: [&str; 14] = [
    "id",
    "type",
    "rule_conditions",
    "rule_cond_op",
    "rule_cond_expr",
    "rule_cond_not",
    "detection_item_conditions",
    "detection_item_cond_op",
    "detection_item_cond_expr",
    "detection_item_cond_not",
    "field_name_conditions",
    "field_name_cond_op",
    "field_name_cond_expr",
    "field_name_cond_not",
];

/// Every transformation with its parameters.
const KNOWN: [(&str, &[&str]); 26] = [
    ("field_name_mapping", &["mapping"]),
    ("field_name_prefix_mapping", &["mapping"]),
    ("field_name_suffix", &["suffix"]),
    ("field_name_prefix", &["prefix"]),
    ("drop_detection_item", &[]),
    (
        "hashes_fields",
        &["valid_hash_algos", "field_prefix", "drop_algo_prefix", "field_to_parse"],
    ),
    ("extract_fields", &["regex", "field_prefix", "preserve_unmatched"]),
    ("wildcard_placeholders", &["include", "exclude"]),
    ("value_placeholders", &["include", "exclude"]),
    ("add_condition", &["conditions", "name", "template", "negated"]),
    ("change_logsource", &["category", "product", "service"]),
    ("add_field", &["field"]),
    ("remove_field", &["field"]),
    ("set_field", &["fields"]),
    (
        "replace_string",
        &["regex", "replacement", "skip_special", "interpret_special"],
    ),
    ("map_string", &["mapping"]),
    ("set_state", &["key", "val"]),
    ("regex", &["method"]),
    ("set_value", &["value", "force_type"]),
    ("convert_type", &["target_type"]),
    ("case", &["method"]),
    ("rule_failure", &["message"]),
    ("detection_item_failure", &["message"]),
    ("strict_field_mapping_failure", &[]),
    ("set_custom_attribute", &["attribute", "value"]),
    ("nest", &["items"]),
];

/// Transformations of pySigma that this engine refuses, and why.
const REFUSED: [(&str, &str); 5] = [
    (
        "query_expression_placeholders",
        "it writes text into the query of another backend, and this engine makes no query; give the values as `vars` and use value_placeholders",
    ),
    (
        "file_placeholders",
        "a pipeline may not read files; give the values as `vars` and use value_placeholders",
    ),
    (
        "http_placeholders",
        "a pipeline may not fetch from the network; give the values as `vars` and use value_placeholders",
    ),
    (
        "command_placeholders",
        "a pipeline may not run commands; give the values as `vars` and use value_placeholders",
    ),
    (
        "field_name_transform",
        "it takes a Python function, which a file cannot carry; write the names out in field_name_mapping",
    ),
];

impl Transformation {
    /// Reads the transformation of a processing item.
    pub(super) fn read(node: &Node, depth: usize, items: &mut usize) -> Result<Transformation, Fault> {
        let kind = keys::required(node, "a transformation", "type")?;
        let name = kind
            .as_str()
            .ok_or_else(|| Fault::new(kind.at, "`type` must be a text"))?;
        if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
            return Err(Fault::new(
                kind.at,
                format!("the transformation `{name}` is refused: {why}"),
            ));
        }
        let Some((_, parameters)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = KNOWN.iter().map(|(known, _)| *known).collect();
            return Err(Fault::new(
                kind.at,
                format!("unknown transformation `{name}`; there are {}", known.join(", ")),
            ));
        };
        let allowed: Vec<&str> = OF_ITEM.iter().chain(parameters.iter()).copied().collect();
        if let Some(entry) = node
            .entries()
            .iter()
            .find(|entry| !allowed.contains(&entry.key.as_str()))
        {
            return Err(Fault::new(
                entry.at,
                format!("the transformation `{name}` has no parameter `{}`", entry.key),
            ));
        }
        match name {
            "nest" => read_nest(node, depth, items),
            "field_name_mapping" | "field_name_prefix_mapping" | "field_name_suffix" | "field_name_prefix" => {
                read_names(node, name).map(Transformation::Names)
            }
            "add_field" | "remove_field" | "set_field" => read_field_list(node, name).map(Transformation::Rule),
            "rule_failure"
            | "strict_field_mapping_failure"
            | "set_state"
            | "set_custom_attribute"
            | "change_logsource"
            | "add_condition" => read_rule(node, name).map(Transformation::Rule),
            _ => read_items(node, name).map(Transformation::Items),
        }
    }
}

fn read_nest(node: &Node, depth: usize, items: &mut usize) -> Result<Transformation, Fault> {
    let list = keys::required(node, "nest", "items")?;
    ProcessingItem::read_all(list, depth + 1, items).map(Transformation::Nest)
}

fn read_names(node: &Node, name: &str) -> Result<Renaming, Fault> {
    Ok(match name {
        "field_name_suffix" => Renaming::AddSuffix(keys::text(node, name, "suffix")?),
        "field_name_prefix" => Renaming::AddPrefix(keys::text(node, name, "prefix")?),
        "field_name_prefix_mapping" => Renaming::MapPrefixes(keys::mapping(node, name)?),
        _ => {
            let mapping = keys::mapping(node, name)?;
            // YAML's null key, which stands for the keyword search, is read as an empty one.
            Renaming::Map(
                mapping
                    .into_iter()
                    .map(|(from, to)| ((!from.is_empty()).then_some(from), to))
                    .collect(),
            )
        }
    })
}

fn read_field_list(node: &Node, name: &str) -> Result<RuleChange, Fault> {
    let key = if name == "set_field" { "fields" } else { "field" };
    let fields = keys::texts(keys::required(node, name, key)?, key)?;
    Ok(match name {
        "add_field" => RuleChange::AddFields(fields),
        "remove_field" => RuleChange::RemoveFields(fields),
        _ => RuleChange::SetFields(fields),
    })
}

fn read_rule(node: &Node, name: &str) -> Result<RuleChange, Fault> {
    let text = |key: &str| keys::text(node, name, key);
    Ok(match name {
        "rule_failure" => RuleChange::Fail(text("message")?),
        "strict_field_mapping_failure" => RuleChange::FailUnmapped,
        "add_condition" => read_condition(node)?,
        "set_state" => RuleChange::SetState {
            key: text("key")?,
            value: literal(keys::required(node, name, "val")?, "val")?,
        },
        "set_custom_attribute" => RuleChange::SetAttribute {
            attribute: text("attribute")?,
            value: text("value")?,
        },
        _ => {
            let part = |key| Ok::<_, Fault>(keys::optional_text(node, key)?.unwrap_or_default());
            let source = LogSource::new(&part("category")?, &part("product")?, &part("service")?);
            if source == LogSource::default() {
                return Err(Fault::new(
                    node.at,
                    "change_logsource needs a category, a product or a service",
                ));
            }
            RuleChange::LogSource(source)
        }
    })
}

fn read_items(node: &Node, name: &str) -> Result<ItemChange, Fault> {
    let method = keys::optional_text(node, "method")?;
    let no_method = |known: &str| Fault::new(node.at, format!("`method` of {name} must be one of {known}"));
    Ok(match name {
        "drop_detection_item" => ItemChange::Drop,
        "detection_item_failure" => ItemChange::Fail(keys::text(node, name, "message")?),
        "map_string" => ItemChange::MapStrings(keys::mapping(node, name)?),
        "wildcard_placeholders" => ItemChange::WildcardPlaceholders(read_placeholders(node)?),
        "value_placeholders" => ItemChange::ValuePlaceholders(read_placeholders(node)?),
        "hashes_fields" => ItemChange::SplitHashes(read_hashes(node)?),
        "replace_string" => ItemChange::ReplaceString {
            regex: keys::regex(node, name, "regex", false)?,
            replacement: keys::replacement(&keys::text(node, name, "replacement")?),
            skips_special: keys::flag(node, "skip_special")?,
            reads_special: keys::flag(node, "interpret_special")?,
        },
        "extract_fields" => read_extract(node)?,
        "set_value" => ItemChange::SetValue(read_set_value(node)?),
        "convert_type" => match keys::text(node, name, "target_type")?.as_str() {
            "str" => ItemChange::ConvertType { to_number: false },
            "num" => ItemChange::ConvertType { to_number: true },
            other => {
                return Err(Fault::new(
                    node.at,
                    format!("`target_type` must be `str` or `num`, not `{other}`"),
                ));
            }
        },
        "case" => ItemChange::Case(match method.as_deref() {
            None | Some("lower") => Case::Lower,
            Some("upper") => Case::Upper,
            Some("snake_case") => Case::Snake,
            Some(_) => return Err(no_method("lower, upper, snake_case")),
        }),
        _ => ItemChange::ToRegex(match method.as_deref() {
            Some("plain") => RegexMethod::Plain,
            Some("ignore_case_flag") => RegexMethod::IgnoreCaseFlag,
            None | Some("ignore_case_brackets") => RegexMethod::IgnoreCaseBrackets,
            Some(_) => return Err(no_method("plain, ignore_case_flag, ignore_case_brackets")),
        }),
    })
}

fn read_placeholders(node: &Node) -> Result<Placeholders, Fault> {
    let names = |key: &str| node.get(key).map(|list| keys::texts(list, key)).transpose();
    let (include, exclude) = (names("include")?, names("exclude")?);
    if include.is_some() && exclude.is_some() {
        return Err(Fault::new(node.at, "`include` and `exclude` exclude each other"));
    }
    Ok(Placeholders { include, exclude })
}

fn read_hashes(node: &Node) -> Result<Hashes, Fault> {
    let fields = node
        .get("field_to_parse")
        .map(|list| keys::texts(list, "field_to_parse"))
        .transpose()?;
    Ok(Hashes {
        algorithms: keys::texts(
            keys::required(node, "hashes_fields", "valid_hash_algos")?,
            "valid_hash_algos",
        )?,
        prefix: keys::optional_text(node, "field_prefix")?.unwrap_or_default(),
        drops_algorithm: keys::flag(node, "drop_algo_prefix")?,
        fields: fields.unwrap_or_else(|| vec!["Hashes".to_owned(), "Hash".to_owned()]),
    })
}

fn read_extract(node: &Node) -> Result<ItemChange, Fault> {
    let regex = keys::regex(node, "extract_fields", "regex", true)?;
    if regex.capture_names().flatten().next().is_none() {
        return Err(Fault::new(node.at, "`regex` of extract_fields needs a named group"));
    }
    let prefix = keys::optional_text(node, "field_prefix")?;
    Ok(ItemChange::ExtractFields {
        regex,
        prefix,
        keeps_unmatched: keys::flag(node, "preserve_unmatched")?,
    })
}

fn read_condition(node: &Node) -> Result<RuleChange, Fault> {
    let conditions = keys::required(node, "add_condition", "conditions")?;
    let selection = selection_of(conditions, 0)?;
    if !matches!(conditions.content, Content::Mapping(_)) {
        return Err(Fault::new(
            conditions.at,
            "`conditions` must be a map from fields to values",
        ));
    }
    let mut is_expanding = false;
    selection.for_each_item(&mut |item| is_expanding |= item.modifiers.contains(&Modifier::Expand));
    if is_expanding {
        return Err(Fault::new(conditions.at, "an added condition cannot have placeholders"));
    }
    let name = keys::optional_text(node, "name")?;
    Ok(RuleChange::AddCondition {
        selection,
        name,
        is_template: keys::flag(node, "template")?,
        is_negated: keys::flag(node, "negated")?,
    })
}

fn read_set_value(node: &Node) -> Result<Literal, Fault> {
    let value = keys::required(node, "set_value", "value")?;
    let written = literal(value, "value")?;
    match keys::optional_text(node, "force_type")?.as_deref() {
        None => Ok(written),
        Some("str") => value
            .scalar_text()
            .map(Literal::String)
            .ok_or_else(|| Fault::new(value.at, "null cannot be made a text")),
        Some("num") => {
            let text = value.scalar_text().unwrap_or_default();
            number(&text).ok_or_else(|| Fault::new(value.at, format!("`{text}` is not a number")))
        }
        Some(other) => Err(Fault::new(
            node.at,
            format!("`force_type` must be `str` or `num`, not `{other}`"),
        )),
    }
}

/// Reads a text as the number that it writes.
pub(super) fn number(text: &str) -> Option<Literal> {
    let text = text.trim();
    let float = || {
        text.parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Literal::Float)
    };
    text.parse::<i128>().ok().map(Literal::Int).or_else(float)
}
