//! What is allowed in a rule but seldom meant: the checks that pySigma's validators make popular, and some of our own.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::condition::Expression;
use crate::document::RuleDocument;
use crate::filter::Filter;
use crate::modifier::Modifier;
use crate::rule::{Item, Literal, Metadata, Rule, Selection, Value};
use crate::yaml::Position;

/// Tag namespaces of the specification (Sigma tags specification 2.1).
const TAG_NAMESPACES: [&str; 7] = ["attack", "car", "cve", "d3fend", "detection", "stp", "tlp"];

/// Something that its author may not have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file, as the caller named it.
    pub file: Arc<str>,
    /// Where in the file.
    pub at: Position,
    /// The title of the rule.
    pub rule: String,
    /// The name of the check, by which it can be left out, such as `all-of-one-value`.
    pub check: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// The names of all checks.
pub const CHECKS: [&str; 15] = [
    "all-of-one-value",
    "asterisk-for-any-value",
    "control-character",
    "duplicate-id",
    "duplicate-tag",
    "duplicate-title",
    "duplicate-value",
    "escaped-wildcard-path",
    "id-no-uuid",
    "missing-id",
    "missing-level",
    "narrowing-filter",
    "unknown-tag",
    "unused-selection",
    "wildcard-instead-of-modifier",
];

/// Checks documents one after the other, and what can only be seen of all of them at the end.
#[derive(Debug, Default)]
pub struct Linter {
    warnings: Vec<Warning>,
    ids: HashMap<String, Arc<str>>,
    titles: HashMap<String, Arc<str>>,
}

/// The document at hand.
struct Subject<'a> {
    meta: &'a Metadata,
    file: &'a Arc<str>,
    at: Position,
}

impl Linter {
    /// Begins without any document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks a document.
    pub fn check(&mut self, document: &RuleDocument) {
        match document {
            RuleDocument::Rule(rule) => {
                let subject = Subject {
                    meta: &rule.meta,
                    file: &rule.file,
                    at: rule.at,
                };
                self.check_metadata(&subject);
                self.check_rule(rule, &subject);
            }
            RuleDocument::Correlation(body) => self.check_metadata(&Subject {
                meta: &body.meta,
                file: &body.file,
                at: body.at,
            }),
            RuleDocument::Filter(body) => {
                if let Ok(filter) = Filter::read(body) {
                    self.check_filter(&filter);
                }
            }
        }
    }

    /// Returns the warnings by file and place.
    #[must_use]
    pub fn finish(mut self) -> Vec<Warning> {
        let place = |warning: &Warning| {
            (
                Arc::clone(&warning.file),
                warning.at.line,
                warning.at.column,
                warning.check,
            )
        };
        self.warnings.sort_by_cached_key(place);
        self.warnings
    }

    fn warn(&mut self, subject: &Subject<'_>, at: Position, check: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning {
            file: Arc::clone(subject.file),
            at,
            rule: subject.meta.title.clone(),
            check,
            message: message.into(),
        });
    }

    fn check_metadata(&mut self, subject: &Subject<'_>) {
        let meta = subject.meta;
        match &meta.id {
            None => self.warn(
                subject,
                subject.at,
                "missing-id",
                "the rule has no `id`: give it a random UUID",
            ),
            Some(id) => {
                if !is_uuid(id) {
                    let message = format!("the id {id:?} is no UUID");
                    self.warn(subject, subject.at, "id-no-uuid", message);
                }
                if let Some(other) = self.ids.insert(id.to_ascii_lowercase(), Arc::clone(subject.file)) {
                    let message = format!("the id {id} is also in {other}; the later rule replaces the earlier");
                    self.warn(subject, subject.at, "duplicate-id", message);
                }
            }
        }
        if meta.level.is_none() {
            let message = "the rule has no `level`; it counts as medium";
            self.warn(subject, subject.at, "missing-level", message);
        }
        if !meta.title.is_empty()
            && let Some(other) = self.titles.insert(meta.title.to_lowercase(), Arc::clone(subject.file))
        {
            let message = format!("a rule in {other} has the same title, so people cannot tell the two apart");
            self.warn(subject, subject.at, "duplicate-title", message);
        }
        self.check_tags(subject);
    }

    fn check_tags(&mut self, subject: &Subject<'_>) {
        let mut seen = BTreeSet::new();
        for tag in &subject.meta.tags {
            if !seen.insert(tag.to_lowercase()) {
                let message = format!("the tag {tag} is there twice");
                self.warn(subject, subject.at, "duplicate-tag", message);
            }
            if let Some(message) = fault_of_tag(tag) {
                self.warn(subject, subject.at, "unknown-tag", message);
            }
        }
    }

    fn check_rule(&mut self, rule: &Rule, subject: &Subject<'_>) {
        let mut used = vec![false; rule.detection.selections.len()];
        for condition in &rule.detection.conditions {
            mark_used(&condition.expression, &mut used);
        }
        for (named, is_used) in rule.detection.selections.iter().zip(used) {
            if !is_used && !named.name.starts_with('_') {
                let message = format!("no condition uses the selection {:?}", named.name);
                self.warn(subject, named.at, "unused-selection", message);
            }
            self.check_selection(&named.selection, subject);
        }
    }

    fn check_selection(&mut self, selection: &Selection, subject: &Subject<'_>) {
        selection.for_each_item(&mut |item| {
            if item.modifiers.contains(&Modifier::All) && item.values.len() == 1 {
                let message = "`all` with a single value changes nothing: leave it out, or list the other values";
                self.warn(subject, item.at, "all-of-one-value", message);
            }
            let mut seen = Vec::new();
            for value in &item.values {
                if seen.contains(&&value.literal) {
                    self.warn(subject, value.at, "duplicate-value", "the value is listed twice");
                }
                seen.push(&value.literal);
                if let Literal::String(text) = &value.literal {
                    self.check_text(text, value, item, subject);
                }
            }
        });
    }

    fn check_text(&mut self, text: &str, value: &Value, item: &Item, subject: &Subject<'_>) {
        if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            let message = "the value has a control character: a backslash in double quotes is an escape of YAML";
            self.warn(subject, value.at, "control-character", message);
        }
        if let Some(modifier) = modifier_instead(text, item) {
            let message = format!("`{modifier}` says the same as the wildcard in {text:?} and is read more easily");
            self.warn(subject, value.at, "wildcard-instead-of-modifier", message);
        }
        if text == "*" && item.field.is_some() && item.modifiers.is_empty() && item.values.len() == 1 {
            let message = "`*` is any text, also the empty one; if the field shall only be there, write `exists: true`";
            self.warn(subject, value.at, "asterisk-for-any-value", message);
        }
        if ends_in_escaped_wildcard(text) && !item.modifiers.contains(&Modifier::Re) {
            let message = "a backslash before the last wildcard makes it a plain character: for a folder write `\\\\*`";
            self.warn(subject, value.at, "escaped-wildcard-path", message);
        }
    }

    fn check_filter(&mut self, filter: &Filter) {
        let subject = Subject {
            meta: &filter.meta,
            file: &filter.file,
            at: filter.at,
        };
        let conditions = &filter.detection.conditions;
        if !conditions.iter().any(|condition| has_not(&condition.expression)) {
            let message = "the condition has no `not`, so the rules match only what the filter describes; to leave that out write `not …`";
            self.warn(&subject, filter.at, "narrowing-filter", message);
        }
        for named in &filter.detection.selections {
            self.check_selection(&named.selection, &subject);
        }
    }
}

fn is_uuid(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Says what is wrong with a tag, if anything is.
fn fault_of_tag(tag: &str) -> Option<String> {
    let Some((namespace, name)) = tag.split_once('.') else {
        return Some(format!("the tag {tag:?} has no namespace; `attack.t1059` has"));
    };
    if !TAG_NAMESPACES.contains(&namespace) {
        let known = TAG_NAMESPACES.join(", ");
        return Some(format!("the tag {tag:?} is of no known namespace ({known})"));
    }
    let fits = match namespace {
        "attack" => is_attack(name),
        "cve" => {
            let digits = |part: &str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
            name.split_once(['-', '.'])
                .is_some_and(|(year, number)| digits(year) && digits(number))
        }
        "tlp" => ["red", "amber", "amber-strict", "green", "white", "clear"].contains(&name),
        "detection" => ["dfir", "emerging-threats", "threat-hunting"].contains(&name),
        _ => !name.is_empty(),
    };
    (!fits).then(|| format!("the tag {tag:?} is not of the form that `{namespace}` has"))
}

/// Tells whether a name is a technique, group or software by its number, or a word for a tactic.
fn is_attack(name: &str) -> bool {
    let mut letters = name.chars();
    let is_numbered = letters.next().is_some_and(|first| "tgs".contains(first))
        && letters.next().is_some_and(|second| second.is_ascii_digit());
    if !is_numbered {
        return !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    }
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    match name[1..].split_once('.') {
        Some((technique, part)) => name.starts_with('t') && digits(technique, 4) && digits(part, 3),
        None => digits(&name[1..], 4),
    }
}

fn mark_used(expression: &Expression, used: &mut [bool]) {
    match expression {
        Expression::And(parts) | Expression::Or(parts) => parts.iter().for_each(|part| mark_used(part, used)),
        Expression::Not(inner) => mark_used(inner, used),
        Expression::Selection(index) => used[*index] = true,
        Expression::Of { selections, .. } => selections.iter().for_each(|index| used[*index] = true),
    }
}

fn has_not(expression: &Expression) -> bool {
    match expression {
        Expression::And(parts) | Expression::Or(parts) => parts.iter().any(has_not),
        Expression::Not(_) => true,
        Expression::Selection(_) | Expression::Of { .. } => false,
    }
}

/// Names the modifier that would say what the only wildcards of a text say, at its beginning or end, if all texts of the item have them
/// there.
fn modifier_instead(text: &str, item: &Item) -> Option<&'static str> {
    if item.field.is_none() || item.modifiers.iter().any(|modifier| *modifier != Modifier::All) {
        return None;
    }
    let shape_of = |literal: &Literal| match literal {
        Literal::String(text) => wildcard_shape(text),
        Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => None,
    };
    let shape = wildcard_shape(text)?;
    item.values
        .iter()
        .all(|value| shape_of(&value.literal) == Some(shape))
        .then_some(shape)
}

fn wildcard_shape(text: &str) -> Option<&'static str> {
    let inner = text.strip_prefix('*').unwrap_or(text);
    let before = inner.len() < text.len();
    let cut = inner.strip_suffix('*').filter(|_| !ends_in_escaped_wildcard(inner));
    let behind = cut.is_some();
    let inner = cut.unwrap_or(inner);
    if inner.is_empty() || inner.contains(['*', '?']) {
        return None;
    }
    match (before, behind) {
        (true, true) => Some("contains"),
        (true, false) => Some("endswith"),
        (false, true) => Some("startswith"),
        (false, false) => None,
    }
}

/// Tells whether a text ends in a wildcard behind a single backslash that follows something else.
fn ends_in_escaped_wildcard(text: &str) -> bool {
    let Some(before) = text.strip_suffix('*') else {
        return false;
    };
    let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
    backslashes == 1 && before.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    const HEAD: &str =
        "title: t\nid: 5b2b0c7e-0a0e-4d0c-9f3e-1f2a3b4c5d6e\nlevel: low\nlogsource: {product: windows}\n";

    fn checks(text: &str) -> Vec<String> {
        let read = document::parse("t.yml", text);
        assert!(read.errors.is_empty(), "{:?}", read.errors);
        let mut linter = Linter::new();
        read.documents.iter().for_each(|document| linter.check(document));
        let warnings = linter.finish();
        assert!(warnings.iter().all(|warning| CHECKS.contains(&warning.check)));
        let shown = |warning: &Warning| format!("{}@{}", warning.check, warning.at.line);
        warnings.iter().map(shown).collect()
    }

    #[test]
    fn what_is_seldom_meant_is_found() {
        for (detection, expect) in [
            ("  s: {A: x}\n  condition: s", ""),
            ("  s: {A|contains|all: x}\n  condition: s", "all-of-one-value@6"),
            ("  s: {A|contains|all: [x, y]}\n  condition: s", ""),
            ("  s: {A: x}\n  u: {A: y}\n  condition: s", "unused-selection@7"),
            ("  s: {A: x}\n  _u: {A: y}\n  condition: s", ""),
            ("  s: {A: '*x'}\n  condition: s", "wildcard-instead-of-modifier@6"),
            ("  s: {A: ['*x*', 'x']}\n  condition: s", ""),
            ("  s: {A: 'x*y'}\n  condition: s", ""),
            ("  s: {A: '*'}\n  condition: s", "asterisk-for-any-value@6"),
            ("  s: {A: [x, x]}\n  condition: s", "duplicate-value@6"),
            ("  s: {A: \"C:\\temp\"}\n  condition: s", ""),
            ("  s: {A: \"C:\\all\"}\n  condition: s", "control-character@6"),
            ("  s: {A: 'C:\\x\\*'}\n  condition: s", "escaped-wildcard-path@6"),
            (
                "  s: {A: 'C:\\x\\\\*'}\n  condition: s",
                "wildcard-instead-of-modifier@6",
            ),
        ] {
            assert_eq!(
                checks(&format!("{HEAD}detection:\n{detection}\n")).join(" "),
                expect,
                "{detection}"
            );
        }
    }

    #[test]
    fn tags_have_known_forms() {
        for (tag, expect) in [
            ("attack.t1059.001", true),
            ("attack.t1059", true),
            ("attack.initial-access", true),
            ("attack.g0032", true),
            ("cve.2021-44228", true),
            ("tlp.amber", true),
            ("detection.threat-hunting", true),
            ("attack.t59", false),
            ("attack.initial_access", false),
            ("cve.log4j", false),
            ("tlp.purple", false),
            ("mitre.t1059", false),
            ("windows", false),
        ] {
            assert_eq!(fault_of_tag(tag).is_none(), expect, "{tag}");
        }
    }

    #[test]
    fn documents_are_compared_with_each_other() {
        let rule = "title: T\nid: 1\nlogsource: {product: linux}\ndetection: {s: {A: x}, condition: s}\n";
        assert_eq!(
            checks(&format!(
                "{rule}tags: [attack.t1059, ATTACK.t1059]\n---\n{rule}level: low\n"
            ))
            .join(" "),
            "duplicate-tag@1 id-no-uuid@1 missing-level@1 unknown-tag@1 duplicate-id@7 duplicate-title@7 id-no-uuid@7"
        );
    }

    #[test]
    fn a_filter_that_leaves_nothing_out_is_named() {
        let filter = "title: F\nlogsource: {product: windows}\nfilter:\n  rules: any\n  s: {A: x}\n  condition: ";
        assert_eq!(checks(&format!("{filter}s\n")), ["narrowing-filter@1"]);
        assert_eq!(checks(&format!("{filter}not s\n")), Vec::<String>::new());
    }
}
