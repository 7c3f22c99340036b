//! Filters: conditions of an organisation's own, added to rules when they are loaded (Sigma filters specification 2.1, and `any` of 2.2).
//! A filter's condition must hold besides the rule's, as `SigmaHQ` documents it and `pySigma` converts it: an exclusion is `not selection`.

use std::sync::Arc;

use crate::condition::Expression;
use crate::document::{Body, Fault, RuleError, detection_of, log_source_of};
use crate::rewrite::conjoin;
use crate::rule::{Detection, LogSource, Metadata, Rule};
use crate::yaml::{Content, Node, Position};

/// Most rules that one filter names.
pub const REFERENCES_MAX: usize = 10_000;

/// A filter document.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// What people read about it.
    pub meta: Metadata,
    /// The rules' log source must name every part that this one names.
    pub log_source: LogSource,
    /// Which rules it is for.
    pub targets: Targets,
    /// The selections and the one condition.
    pub detection: Detection,
    /// The file that it came from, as the caller named it.
    pub file: Arc<str>,
    /// Where it begins.
    pub at: Position,
}

/// Which rules a filter is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Every rule of the log source.
    Any,
    /// The rules of these ids or names.
    Named(Vec<(String, Position)>),
}

/// What came of a filter when it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The indices of the rules that it changed.
    pub applied: Vec<usize>,
    /// The references that name no loaded rule, and those that name one of another log source.
    pub unmatched: Vec<String>,
    /// True when its condition excludes nothing (it has no `not`), so that the rules now match only what it describes.
    pub is_narrowing: bool,
}

impl Filter {
    /// Reads a filter document.
    ///
    /// # Errors
    ///
    /// Returns file, place and reason when the document is refused.
    pub fn read(body: &Body) -> Result<Filter, RuleError> {
        let name = Some(body.meta.title.clone())
            .filter(|title| !title.is_empty())
            .or_else(|| body.meta.id.clone());
        Self::read_body(body).map_err(|fault| fault.within(&body.file, name))
    }

    fn read_body(body: &Body) -> Result<Filter, Fault> {
        let source = body
            .node
            .get("logsource")
            .ok_or_else(|| Fault::new(body.at, "a filter needs a `logsource`"))?;
        let section = body
            .node
            .get("filter")
            .ok_or_else(|| Fault::new(body.at, "a filter needs a `filter` section"))?;
        let Content::Mapping(entries) = &section.content else {
            return Err(Fault::new(
                section.at,
                format!("`filter` must be a map, not {}", section.kind()),
            ));
        };
        let targets = section.get("rules").ok_or_else(|| {
            Fault::new(
                section.at,
                "`rules` is missing: the ids or names of the rules, or `any` for all of the log source",
            )
        })?;
        if let Some(condition) = section.get("condition")
            && matches!(condition.content, Content::Sequence(_))
        {
            return Err(Fault::new(condition.at, "a filter has one condition, not a list"));
        }
        let selections = entries.iter().filter(|entry| entry.key != "rules").cloned().collect();
        let detection = detection_of(&Node {
            content: Content::Mapping(selections),
            at: section.at,
        })?;
        Ok(Filter {
            meta: body.meta.clone(),
            log_source: log_source_of(source)?,
            targets: targets_of(targets)?,
            detection,
            file: Arc::clone(&body.file),
            at: body.at,
        })
    }

    /// Adds the filter to the rules that it is for.
    #[must_use]
    pub fn apply(&self, rules: &mut [Rule]) -> Outcome {
        let mut outcome = Outcome {
            is_narrowing: !self.expressions().any(excludes),
            ..Outcome::default()
        };
        let mut found = match &self.targets {
            Targets::Any => Vec::new(),
            Targets::Named(names) => names.iter().map(|(name, _)| (name, false)).collect(),
        };
        for (index, rule) in rules.iter_mut().enumerate() {
            let is_meant = match &self.targets {
                Targets::Any => true,
                Targets::Named(names) => names.iter().any(|(name, _)| is_called(&rule.meta, name)),
            };
            if !is_meant || !self.log_source.covers(&rule.log_source) {
                continue;
            }
            for (name, is_found) in &mut found {
                *is_found |= is_called(&rule.meta, name);
            }
            for expression in self.expressions() {
                conjoin(rule, "_filter", &self.detection.selections, expression, self.at);
            }
            outcome.applied.push(index);
        }
        outcome.unmatched = found
            .into_iter()
            .filter(|(_, is_found)| !is_found)
            .map(|(name, _)| name.clone())
            .collect();
        outcome
    }

    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.detection.conditions.iter().map(|condition| &condition.expression)
    }
}

fn targets_of(node: &Node) -> Result<Targets, Fault> {
    if node.as_str().is_some_and(|word| word.eq_ignore_ascii_case("any")) {
        return Ok(Targets::Any);
    }
    if let Content::Mapping(_) = node.content {
        return Err(Fault::new(
            node.at,
            "`rules` must be `any` or a list of ids or names, not a map",
        ));
    }
    if node.items().len() > REFERENCES_MAX {
        return Err(Fault::new(node.at, format!("more than {REFERENCES_MAX} rules")));
    }
    let mut names = Vec::new();
    for item in node.items() {
        let name = item.scalar_text().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| {
            Fault::new(
                item.at,
                format!("a rule is named by its id or name, not by {}", item.kind()),
            )
        })?;
        names.push((name, item.at));
    }
    if names.is_empty() {
        return Err(Fault::new(
            node.at,
            "`rules` is empty: write `any` for all rules of the log source",
        ));
    }
    Ok(Targets::Named(names))
}

fn is_called(meta: &Metadata, name: &str) -> bool {
    meta.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(name)) || meta.name.as_deref() == Some(name)
}

fn excludes(expression: &Expression) -> bool {
    match expression {
        Expression::Not(_) => true,
        Expression::And(parts) | Expression::Or(parts) => parts.iter().any(excludes),
        Expression::Selection(_) | Expression::Of { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{self, RuleDocument};

    const RULES: &str = "title: One\nid: 6f3e2987-db24-4c78-a860-b4f4095a7095\nname: one\nlogsource: {category: process_creation, product: windows}\n\
        detection: {sel: {A: 1}, other: {B: 2}, condition: [sel or other, 1 of sel*]}\n---\n\
        title: Two\nlogsource: {category: process_creation, product: linux}\ndetection: {_filter_x: {A: 1}, condition: _filter_x}\n";

    fn rules() -> Vec<Rule> {
        let documents = document::parse("rules.yml", RULES).documents.into_iter();
        let rules = documents.map(|document| match document {
            RuleDocument::Rule(rule) => *rule,
            RuleDocument::Correlation(_) | RuleDocument::Filter(_) => panic!("only rules"),
        });
        rules.collect()
    }

    fn filter(text: &str) -> Result<Filter, RuleError> {
        let mut file = document::parse("filter.yml", text);
        match file.documents.remove(0) {
            RuleDocument::Filter(body) => Filter::read(&body),
            RuleDocument::Rule(_) | RuleDocument::Correlation(_) => panic!("a filter"),
        }
    }

    fn applied(text: &str) -> (Outcome, Vec<String>) {
        let mut rules = rules();
        let outcome = filter(text).unwrap().apply(&mut rules);
        for rule in &rules {
            let names: Vec<&str> = rule
                .detection
                .selections
                .iter()
                .map(|named| named.name.as_str())
                .collect();
            for condition in &rule.detection.conditions {
                assert_eq!(
                    crate::condition::parse(&condition.text, &names).as_ref(),
                    Ok(&condition.expression)
                );
            }
        }
        let conditions = rules
            .iter()
            .flat_map(|rule| &rule.detection.conditions)
            .map(|condition| condition.text.clone());
        (outcome, conditions.collect())
    }

    /// Log source, rules, condition; then the conditions of the rules, and whether the filter only narrows.
    const APPLIED: &[(&str, &str, &str, [&str; 3], bool)] = &[
        (
            "category: process_creation",
            "any",
            "not adm",
            [
                "(sel or other) and not _filter_adm",
                "1 of sel* and not _filter_adm",
                "_filter_x and not _filter1_adm",
            ],
            false,
        ),
        (
            "product: windows",
            "one",
            "adm",
            [
                "(sel or other) and _filter_adm",
                "1 of sel* and _filter_adm",
                "_filter_x",
            ],
            true,
        ),
        (
            "product: windows",
            "[6F3E2987-DB24-4C78-A860-B4F4095A7095]",
            "not 1 of them",
            [
                "(sel or other) and not 1 of _filter_*",
                "1 of sel* and not 1 of _filter_*",
                "_filter_x",
            ],
            false,
        ),
        (
            "category: process_creation, product: windows, service: sysmon",
            "Any",
            "not adm",
            ["sel or other", "1 of sel*", "_filter_x"],
            false,
        ),
    ];

    #[test]
    fn a_filter_is_demanded_besides_each_condition() {
        for (source, targets, condition, expect, narrowing) in APPLIED {
            let text = format!(
                "title: f\nlogsource: {{{source}}}\nfilter:\n  rules: {targets}\n  adm: {{User|startswith: adm_}}\n  condition: {condition}\n"
            );
            let (outcome, conditions) = applied(&text);
            assert_eq!(conditions, expect, "{text}");
            assert_eq!(
                (outcome.is_narrowing, outcome.unmatched),
                (*narrowing, Vec::<String>::new()),
                "{text}"
            );
        }
    }

    #[test]
    fn filters_add_up_and_name_what_they_missed() {
        let text = "title: f\nlogsource: {product: windows}\nfilter: {rules: [one, two, Two], adm: {U: x}, condition: not adm}\n";
        let filter = filter(text).unwrap();
        let mut rules = rules();
        assert_eq!(filter.apply(&mut rules).unmatched, ["two", "Two"]);
        assert_eq!(filter.apply(&mut rules).applied, [0]);
        let condition = &rules[0].detection.conditions[0].text;
        assert_eq!(condition, "((sel or other) and not _filter_adm) and not _filter1_adm");
    }

    #[test]
    fn refusals_name_line_and_reason() {
        for (text, expect) in [
            (
                "title: f\nfilter: {rules: any, s: {A: 1}, condition: s}\n",
                "filter.yml:1:1: f: a filter needs a `logsource`",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: any\n",
                "filter.yml:3:9: f: `filter` must be a map",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {s: {A: 1}, condition: s}\n",
                "`rules` is missing",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: [], s: {A: 1}, condition: s}\n",
                "`rules` is empty",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: [[a]], s: {A: 1}, condition: s}\n",
                "not by a list",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: {a: b}, s: {A: 1}, condition: s}\n",
                "not a map",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: any, s: {A: 1}, condition: [s, not s]}\n",
                "one condition",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: any, s: {A: 1}, condition: t}\n",
                "`t` is not a selection",
            ),
            (
                "title: f\nlogsource: {product: x}\nfilter: {rules: any, condition: t}\n",
                "has no selection",
            ),
        ] {
            let error = filter(text).unwrap_err().to_string();
            assert!(error.contains(expect), "{text}: {error}");
        }
    }
}
