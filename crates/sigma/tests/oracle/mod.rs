//! A naive evaluator, written for clarity: rule by rule, item by item, value by value, straight from the specification.
//! It shares nothing with the engine but the rule tree, and folds case through the `regex` crate.

use std::collections::BTreeMap;

use regex::RegexBuilder;
use serde_json::Value as Json;
use sigma::condition::{Expression, Quantity};
use sigma::modifier::Modifier;
use sigma::rule::{Item, Literal, LogSource, Rule, Selection};

/// Tells whether a rule matches an event of these log sources.
pub(crate) fn matches(rule: &Rule, event: &Json, sources: &[LogSource], lists: &BTreeMap<String, Vec<String>>) -> bool {
    let applies = sources.iter().any(|source| {
        let fits = |wanted: &Option<String>, given: &Option<String>| wanted.is_none() || wanted == given;
        fits(&rule.log_source.category, &source.category)
            && fits(&rule.log_source.product, &source.product)
            && fits(&rule.log_source.service, &source.service)
    });
    let oracle = Oracle {
        rule,
        fields: flatten(event),
        lists,
    };
    applies
        && rule
            .detection
            .conditions
            .iter()
            .any(|condition| oracle.condition(&condition.expression))
}

fn flatten(event: &Json) -> Vec<(String, Json)> {
    fn walk(name: &str, value: &Json, in_list: bool, out: &mut Vec<(String, Json)>) {
        match value {
            Json::Object(members) => {
                for (key, member) in members {
                    let name = if name.is_empty() {
                        key.clone()
                    } else {
                        format!("{name}.{key}")
                    };
                    walk(&name, member, false, out);
                }
            }
            Json::Array(elements) if elements.is_empty() && !in_list => {
                out.push((name.to_owned(), Json::Array(vec![])));
            }
            Json::Array(elements) => elements.iter().for_each(|element| walk(name, element, true, out)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                out.push((name.to_owned(), value.clone()));
            }
        }
    }
    let mut out = Vec::new();
    walk("", event, false, &mut out);
    out
}

struct Oracle<'a> {
    rule: &'a Rule,
    fields: Vec<(String, Json)>,
    lists: &'a BTreeMap<String, Vec<String>>,
}

impl Oracle<'_> {
    fn condition(&self, expression: &Expression) -> bool {
        let named = |index: usize| self.selection(&self.rule.detection.selections[index].selection);
        match expression {
            Expression::And(parts) => parts.iter().all(|part| self.condition(part)),
            Expression::Or(parts) => parts.iter().any(|part| self.condition(part)),
            Expression::Not(inner) => !self.condition(inner),
            Expression::Selection(index) => named(*index),
            Expression::Of {
                quantity, selections, ..
            } => {
                let count = selections.iter().filter(|index| named(**index)).count();
                match quantity {
                    Quantity::All => count == selections.len(),
                    Quantity::AtLeast(wanted) => count >= *wanted,
                }
            }
        }
    }

    fn selection(&self, selection: &Selection) -> bool {
        match selection {
            Selection::All(items) => items.iter().all(|item| self.item(item)),
            Selection::Any(parts) => parts.iter().any(|part| self.selection(part)),
        }
    }

    fn item(&self, item: &Item) -> bool {
        let mut values = item.values.iter().map(|value| self.value(item, &value.literal));
        let holds = if has(item, Modifier::All) {
            values.all(|holds| holds)
        } else {
            values.any(|holds| holds)
        };
        holds != has(item, Modifier::Neq)
    }

    fn values_of(&self, field: Option<&str>) -> Vec<&Json> {
        let fits = |name: &str| field.is_none_or(|field| field == name);
        self.fields
            .iter()
            .filter(|(name, _)| fits(name))
            .map(|(_, value)| value)
            .collect()
    }

    fn texts_of(&self, field: Option<&str>) -> Vec<String> {
        self.values_of(field).into_iter().filter_map(text_of).collect()
    }

    fn value(&self, item: &Item, literal: &Literal) -> bool {
        let values = self.values_of(item.field.as_deref());
        let texts = self.texts_of(item.field.as_deref());
        if has(item, Modifier::Exists) {
            let wanted = matches!(literal, Literal::Bool(true))
                || matches!(literal, Literal::String(word) if matches!(word.to_lowercase().as_str(), "true" | "yes"));
            return values.is_empty() != wanted;
        }
        if *literal == Literal::Null {
            return values.is_empty() || values.iter().any(|value| value.is_null());
        }
        if has(item, Modifier::Re) {
            let expressions = self.spelled_out(item, &written(literal));
            return expressions.iter().any(|expression| {
                // PCRE: without `m`, the dollar also stands before a line end at the end of the text.
                let is_multi_line = has(item, Modifier::ReMultiLine);
                let expression = if is_multi_line {
                    expression.clone()
                } else {
                    expression.replace('$', "\\n?\\z")
                };
                let regex = RegexBuilder::new(&expression)
                    .case_insensitive(has(item, Modifier::ReIgnoreCase))
                    .multi_line(is_multi_line)
                    .dot_matches_new_line(has(item, Modifier::ReDotAll))
                    .build()
                    .expect("the tests write what the oracle can read");
                texts.iter().any(|text| regex.is_match(text))
            });
        }
        if has(item, Modifier::Cidr) {
            return self
                .spelled_out(item, &written(literal))
                .iter()
                .any(|network| in_network(network, &texts));
        }
        if has(item, Modifier::FieldRef) {
            return self.field_reference(item, &texts, &written(literal));
        }
        if let Some(holds) = comparison(item, literal, &texts) {
            return holds;
        }
        let patterns = self.patterns(item, literal);
        patterns.iter().any(|pattern| {
            let regex = RegexBuilder::new(pattern)
                .case_insensitive(!has(item, Modifier::Cased))
                .dot_matches_new_line(true)
                .build()
                .expect("the tests write what the oracle can read");
            texts.iter().any(|text| regex.is_match(text))
        })
    }

    /// Compares with a field by way of a pattern that quotes the other field's text.
    fn field_reference(&self, item: &Item, texts: &[String], other: &str) -> bool {
        self.texts_of(Some(other)).iter().any(|other| {
            let quoted = regex::escape(other);
            let before = if has(item, Modifier::EndsWith) || has(item, Modifier::Contains) {
                ".*"
            } else {
                ""
            };
            let behind = if has(item, Modifier::StartsWith) || has(item, Modifier::Contains) {
                ".*"
            } else {
                ""
            };
            let regex = RegexBuilder::new(&format!("\\A{before}{quoted}{behind}\\z"))
                .case_insensitive(!has(item, Modifier::Cased))
                .dot_matches_new_line(true)
                .build()
                .expect("the tests write what the oracle can read");
            texts.iter().any(|text| regex.is_match(text))
        })
    }

    /// Replaces placeholders, without a look at wildcards.
    fn spelled_out(&self, item: &Item, text: &str) -> Vec<String> {
        if !has(item, Modifier::Expand) {
            return vec![text.to_owned()];
        }
        let Some((before, rest)) = text.split_once('%') else {
            return vec![text.to_owned()];
        };
        let (name, behind) = rest.split_once('%').expect("the tests write placeholders in full");
        let list = self.lists.get(name).cloned().unwrap_or_default();
        list.iter().map(|value| format!("{before}{value}{behind}")).collect()
    }

    /// Returns anchored regular expressions that say what the value says.
    fn patterns(&self, item: &Item, literal: &Literal) -> Vec<String> {
        let (mut before, mut behind) = ("", "");
        if item.field.is_none() && !placed(item) {
            (before, behind) = (".*", ".*");
        }
        if has(item, Modifier::Contains) || has(item, Modifier::EndsWith) {
            before = ".*";
        }
        if has(item, Modifier::Contains) || has(item, Modifier::StartsWith) {
            behind = ".*";
        }
        let mut bodies = Vec::new();
        for text in self.spelled_out(item, &written(literal)) {
            let is_text = matches!(literal, Literal::String(_));
            if has(item, Modifier::Base64) || has(item, Modifier::Base64Offset) {
                bodies.extend(encoded(item, &plain(&text)).iter().map(|text| regex::escape(text)));
            } else if has(item, Modifier::Utf16Le) {
                bodies.push(regex::escape(
                    &plain(&text).chars().flat_map(|c| [c, '\0']).collect::<String>(),
                ));
            } else {
                bodies.push(if is_text {
                    glob(&text, has(item, Modifier::Windash))
                } else {
                    regex::escape(&text)
                });
            }
        }
        bodies
            .iter()
            .map(|body| format!("\\A{before}{body}{behind}\\z"))
            .collect()
    }
}

fn has(item: &Item, modifier: Modifier) -> bool {
    item.modifiers.contains(&modifier)
}

fn placed(item: &Item) -> bool {
    [Modifier::Contains, Modifier::StartsWith, Modifier::EndsWith]
        .into_iter()
        .any(|modifier| has(item, modifier))
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Null => String::new(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => (value + 0.0).to_string(),
        Literal::String(text) => text.clone(),
    }
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) if number.is_f64() => Some((number.as_f64().expect("checked") + 0.0).to_string()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Writes a value with wildcards as a regular expression.
fn glob(text: &str, windash: bool) -> String {
    let mut out = String::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1);
        let mut literal = chars[at];
        match (literal, next) {
            ('\\', Some(escaped @ ('*' | '?' | '\\'))) => {
                literal = *escaped;
                at += 1;
            }
            ('*', _) => {
                out.push_str(".*");
                at += 1;
                continue;
            }
            ('?', _) => {
                out.push('.');
                at += 1;
                continue;
            }
            _ => {}
        }
        if windash && "-/\u{2013}\u{2014}\u{2015}".contains(literal) {
            out.push_str("[-/\u{2013}\u{2014}\u{2015}]");
        } else {
            out.push_str(&regex::escape(&literal.to_string()));
        }
        at += 1;
    }
    out
}

fn plain(text: &str) -> String {
    text.replace("\\\\", "\\")
}

fn encoded(item: &Item, text: &str) -> Vec<String> {
    let bytes: Vec<u8> = if has(item, Modifier::Utf16Le) {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else {
        text.bytes().collect()
    };
    if has(item, Modifier::Base64) {
        return vec![base64(&bytes)];
    }
    let shifted = |offset: usize| {
        // The characters that are the same whatever stands before and behind.
        let one = base64(&[vec![0; offset], bytes.clone(), vec![0; 2]].concat());
        let two = base64(&[vec![255; offset], bytes.clone(), vec![255; 2]].concat());
        let start = one
            .bytes()
            .zip(two.bytes())
            .position(|(a, b)| a == b)
            .expect("the tests write what the oracle can read");
        let same = one
            .bytes()
            .zip(two.bytes())
            .skip(start)
            .take_while(|(a, b)| a == b)
            .count();
        one[start..start + same].to_owned()
    };
    (0..3).map(shifted).collect()
}

fn bits_of(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:08b}"))
        .collect::<Vec<_>>()
        .concat()
}

fn base64(bytes: &[u8]) -> String {
    let bits: String = bits_of(bytes);
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bits.as_bytes().chunks(6) {
        let group = format!(
            "{:0<6}",
            std::str::from_utf8(chunk).expect("the tests write what the oracle can read")
        );
        text.push(
            letters.as_bytes()[usize::from_str_radix(&group, 2).expect("the tests write what the oracle can read")]
                as char,
        );
    }
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Compares networks bit by bit.
fn in_network(network: &str, texts: &[String]) -> bool {
    let bits = |text: &str| -> Option<String> {
        let address: std::net::IpAddr = text.parse().ok()?;
        Some(match address {
            std::net::IpAddr::V4(v4) => bits_of(&v4.octets()),
            std::net::IpAddr::V6(v6) => bits_of(&v6.octets()),
        })
    };
    let (base, length) = network
        .split_once('/')
        .expect("the tests write what the oracle can read");
    let (base, length) = (
        bits(base).expect("the tests write what the oracle can read"),
        length
            .parse::<usize>()
            .expect("the tests write what the oracle can read"),
    );
    texts
        .iter()
        .filter_map(|text| bits(text))
        .any(|text| text.len() == base.len() && text[..length] == base[..length])
}

fn comparison(item: &Item, literal: &Literal, texts: &[String]) -> Option<bool> {
    type Compare = fn(f64, f64) -> bool;
    let by: [(Modifier, Compare); 4] = [
        (Modifier::Lt, |a, b| a < b),
        (Modifier::Lte, |a, b| a <= b),
        (Modifier::Gt, |a, b| a > b),
        (Modifier::Gte, |a, b| a >= b),
    ];
    let parts = [
        (Modifier::Year, 0..4),
        (Modifier::Month, 5..7),
        (Modifier::Day, 8..10),
        (Modifier::Hour, 11..13),
    ];
    let part = parts
        .into_iter()
        .find(|(modifier, _)| has(item, *modifier))
        .map(|(_, range)| range);
    let compare = by
        .into_iter()
        .find(|(modifier, _)| has(item, *modifier))
        .map(|(_, compare)| compare);
    let compare = match (compare, &part) {
        (Some(compare), _) => compare,
        (None, Some(_)) => |a: f64, b: f64| (a - b).abs() < f64::EPSILON,
        (None, None) => return None,
    };
    let bound: f64 = written(literal)
        .parse()
        .expect("the tests write what the oracle can read");
    Some(texts.iter().any(|text| {
        let text = match &part {
            Some(range) if text.as_bytes().get(4) == Some(&b'-') => text.get(range.clone()).unwrap_or_default(),
            Some(_) => "",
            None => text,
        };
        let is_number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        is_number && text.parse::<f64>().is_ok_and(|value| compare(value, bound))
    }))
}
