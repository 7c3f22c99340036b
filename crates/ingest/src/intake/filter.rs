//! Elasticsearch's `filter_path`: which parts of an answer the client wants to see.

use serde_json::{Map, Value};

/// Most patterns and most names in a pattern that are looked at.
const PATTERNS_MAX: usize = 32;
const NAMES_MAX: usize = 16;

/// A parsed `filter_path`.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    wanted: Vec<Vec<String>>,
    unwanted: Vec<Vec<String>>,
}

impl Filter {
    /// Reads comma-separated patterns: names joined by dots, `*` within a name, `**` for any names, `-` before what is
    /// unwanted. Commas and stars may be percent-encoded, as clients send them.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text
            .replace("%2C", ",")
            .replace("%2c", ",")
            .replace("%2A", "*")
            .replace("%2a", "*");
        let mut filter = Self {
            wanted: Vec::new(),
            unwanted: Vec::new(),
        };
        for pattern in text.split(',').filter(|pattern| !pattern.is_empty()).take(PATTERNS_MAX) {
            let (list, names) = match pattern.strip_prefix('-') {
                Some(rest) => (&mut filter.unwanted, rest),
                None => (&mut filter.wanted, pattern),
            };
            list.push(names.split('.').take(NAMES_MAX).map(str::to_owned).collect());
        }
        filter
    }

    /// What of the value is wanted.
    pub(crate) fn apply(&self, value: Value) -> Value {
        let wanted: Vec<&[String]> = self.wanted.iter().map(Vec::as_slice).collect();
        let kept = if wanted.is_empty() {
            Some(value)
        } else {
            keep(value, &wanted)
        };
        let mut kept = kept.unwrap_or_else(|| Value::Object(Map::new()));
        let unwanted: Vec<&[String]> = self.unwanted.iter().map(Vec::as_slice).collect();
        remove(&mut kept, &unwanted);
        kept
    }
}

/// What remains of each pattern after one name; an empty rest means that everything below is meant.
fn below<'a>(patterns: &[&'a [String]], name: &str) -> Vec<&'a [String]> {
    let mut rests = Vec::new();
    for pattern in patterns {
        let Some((first, rest)) = pattern.split_first() else {
            continue;
        };
        if first == "**" {
            rests.push(*pattern);
            // `**` also stands for no name at all.
            rests.extend(below(&[rest], name));
        } else if fits(first, name) {
            rests.push(rest);
        }
    }
    rests
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    name.strip_prefix(before)
        .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && fits(after, &rest[at..])))
}

fn keep(value: Value, patterns: &[&[String]]) -> Option<Value> {
    if patterns.iter().any(|pattern| pattern.is_empty()) {
        return Some(value);
    }
    match value {
        Value::Object(object) => {
            let kept: Map<String, Value> = object
                .into_iter()
                .filter_map(|(name, value)| {
                    let rests = below(patterns, &name);
                    let kept = if rests.is_empty() { None } else { keep(value, &rests) };
                    kept.map(|value| (name, value))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(|item| keep(item, patterns)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        // A pattern that ends in `**` keeps every value below it.
        scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => patterns
            .iter()
            .any(|p| p.iter().all(|name| name == "**"))
            .then_some(scalar),
    }
}

fn remove(value: &mut Value, patterns: &[&[String]]) {
    if patterns.is_empty() {
        return;
    }
    match value {
        Value::Object(object) => {
            object.retain(|name, _| !below(patterns, name).iter().any(|rest| rest.is_empty()));
            for (name, value) in object.iter_mut() {
                remove(value, &below(patterns, name));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, patterns)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_cut_as_clients_ask() {
        let answer = json!({
            "took": 1, "errors": true,
            "items": [{"create": {"status": 201, "_id": "a"}}, {"index": {"status": 400, "error": {"type": "t", "reason": "r"}}}],
        });
        let items = json!({"items": [{"create": {"status": 201}}, {"index": {"status": 400, "error": {"type": "t", "reason": "r"}}}]});
        let errors = json!({"errors": true, "items": [{"index": {"error": {"type": "t", "reason": "r"}}}]});
        let cases = [
            ("", answer.clone()),
            ("items.*.error,items.*.status", items.clone()),
            ("items.%2A.error%2Citems.%2A.status", items),
            ("errors,items.*.error", errors),
            ("t*k", json!({"took": 1})),
            ("**.reason", json!({"items": [{"index": {"error": {"reason": "r"}}}]})),
            ("-items", json!({"took": 1, "errors": true})),
            (
                "-took,-items.create,-items.*.error",
                json!({"errors": true, "items": [{}, {"index": {"status": 400}}]}),
            ),
            ("nothing", json!({})),
        ];
        for (pattern, expected) in cases {
            assert_eq!(Filter::parse(pattern).apply(answer.clone()), expected, "{pattern}");
        }
    }
}
