//! Why a rule matches a record, or why not: the rule's own tree with the truth of every part and the evidence for it.
//! This is a second, plain evaluation that is only run when someone asks.

mod explainer;

use std::fmt;
use std::ops::Range;

use self::explainer::{Explainer, Fields};
use crate::engine::{Engine, RuleIndex};
use crate::lower::Placeholders;
use crate::matcher::LogSourceSet;
use crate::record::Record;
use crate::rule::Rule;
use crate::yaml::Position;

/// Most pieces of evidence kept for one value of a rule.
const EVIDENCE_MAX: usize = 8;
/// Most values of a field shown where none fits.
const SHOWN_VALUES_MAX: usize = 8;
/// Longest text shown by [`Explanation`]'s `Display`, in characters.
const SHOWN_CHARS_MAX: usize = 120;

/// What a rule makes of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Whether the rule matches: it applies to the log sources and a condition holds.
    pub holds: bool,
    /// Whether the rule's log source covers one of the record's.
    pub applies: bool,
    /// The conditions.
    pub conditions: Vec<Explained>,
}

/// A part of a rule and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// What kind of part it is.
    pub kind: Kind,
    /// The part as written: a condition, a selection's name, a field with modifiers, a value.
    pub text: String,
    /// Where it is written.
    pub at: Position,
    /// Whether it holds.
    pub holds: bool,
    /// Its own parts.
    pub parts: Vec<Explained>,
    /// For a value that is found: where in the record.
    pub evidence: Vec<Evidence>,
    /// For an item that fails: what the record has instead.
    pub instead: Option<Instead>,
}

/// The kind of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A condition.
    Condition,
    /// Parts that must all hold.
    All,
    /// Parts of which one must hold.
    Any,
    /// A part that must not hold.
    Not,
    /// So many of the named selections must hold.
    Of,
    /// A search identifier.
    Selection,
    /// A field with its values.
    Item,
    /// A value.
    Value,
}

/// Where in the record a value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The field; for a comparison of fields, the field on the left.
    pub field: String,
    /// The whole value of the field.
    pub value: String,
    /// The bytes of the value that the atom stands for.
    pub bytes: Range<usize>,
}

/// What a record has instead of what an item asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// The field is not in the record.
    Missing,
    /// The field has these values (at most eight are kept), `None` being null.
    Values(Vec<Option<String>>),
}

/// One atom by which a rule matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedAtom {
    /// The selection.
    pub selection: String,
    /// The field with its modifiers, as written in the rule.
    pub item: String,
    /// The value asked for, as written in the rule.
    pub atom: String,
    /// Where the atom is written in the rule's file.
    pub at: Position,
    /// Where it was found.
    pub evidence: Evidence,
}

impl Engine {
    /// Explains what a rule makes of a record.
    #[must_use]
    pub fn explain<R: Record + ?Sized>(&self, rule: RuleIndex, record: &R, sources: &LogSourceSet) -> Explanation {
        explain(self.rule(rule), self.placeholders(), record, sources)
    }

    /// Returns the atoms by which a rule matches a record, in the order of the rule; negated parts have none.
    #[must_use]
    pub fn explain_match<R: Record + ?Sized>(&self, rule: RuleIndex, record: &R) -> Vec<MatchedAtom> {
        let rule = self.rule(rule);
        let sources = LogSourceSet::new(vec![rule.log_source.clone()]);
        explain(rule, self.placeholders(), record, &sources).matched_atoms()
    }
}

/// Explains what a rule makes of a record of these log sources.
#[must_use]
pub fn explain<R: Record + ?Sized>(
    rule: &Rule,
    placeholders: &Placeholders,
    record: &R,
    sources: &LogSourceSet,
) -> Explanation {
    let explainer = Explainer {
        rule,
        placeholders,
        fields: Fields::of(record),
    };
    let conditions: Vec<Explained> = rule
        .detection
        .conditions
        .iter()
        .map(|condition| {
            let inner = explainer.expression(&condition.expression, condition.at);
            let holds = inner.holds;
            Explained {
                parts: vec![inner],
                ..part(Kind::Condition, condition.text.clone(), condition.at, holds)
            }
        })
        .collect();
    let applies = sources.is_covered_by(&rule.log_source);
    Explanation {
        holds: applies && conditions.iter().any(|condition| condition.holds),
        applies,
        conditions,
    }
}

impl Explanation {
    /// Returns the atoms that hold in parts that count for the match; negated parts have none.
    #[must_use]
    pub fn matched_atoms(&self) -> Vec<MatchedAtom> {
        let mut atoms = Vec::new();
        for condition in self.conditions.iter().filter(|condition| condition.holds) {
            gather(condition, "", "", &mut atoms);
        }
        atoms.dedup();
        atoms
    }
}

fn gather(part: &Explained, selection: &str, item: &str, atoms: &mut Vec<MatchedAtom>) {
    if !part.holds || part.kind == Kind::Not {
        return;
    }
    let selection = if part.kind == Kind::Selection {
        &part.text
    } else {
        selection
    };
    let item = if part.kind == Kind::Item { &part.text } else { item };
    atoms.extend(part.evidence.iter().map(|evidence| MatchedAtom {
        selection: selection.to_owned(),
        item: item.to_owned(),
        atom: part.text.clone(),
        at: part.at,
        evidence: evidence.clone(),
    }));
    for inner in &part.parts {
        gather(inner, selection, item, atoms);
    }
}

fn part(kind: Kind, text: String, at: Position, holds: bool) -> Explained {
    Explained {
        kind,
        text,
        at,
        holds,
        parts: Vec::new(),
        evidence: Vec::new(),
        instead: None,
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.applies {
            writeln!(f, "✗ logsource")?;
        }
        self.conditions.iter().try_for_each(|condition| show(condition, 0, f))
    }
}

/// Escapes what would break the line.
fn visible(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_debug().collect()
    } else {
        vec![c]
    }
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(visible).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn show(part: &Explained, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mark = if part.holds { '✓' } else { '✗' };
    write!(f, "{:depth$}{mark} ", "", depth = depth * 2)?;
    match part.kind {
        Kind::Value => write!(f, "'{}'", shortened(&part.text))?,
        Kind::Item if part.text.is_empty() => write!(f, "*")?,
        Kind::Condition | Kind::All | Kind::Any | Kind::Not | Kind::Of | Kind::Selection | Kind::Item => {
            write!(f, "{}", shortened(&part.text))?;
        }
    }
    write!(f, "  [{}]", part.at.line)?;
    match &part.instead {
        None => {}
        Some(Instead::Missing) => write!(f, "  ← ∅")?,
        Some(Instead::Values(values)) => {
            let values = values
                .iter()
                .map(|value| value.as_deref().map_or_else(|| "null".to_owned(), shortened));
            write!(f, "  ← {}", values.collect::<Vec<_>>().join(" | "))?;
        }
    }
    writeln!(f)?;
    for evidence in &part.evidence {
        let Evidence { field, value, bytes } = evidence;
        let found = value.get(bytes.clone()).unwrap_or_default();
        let place = format!("{}..{}", bytes.start, bytes.end);
        writeln!(
            f,
            "{:depth$}{field}[{place}] = {}",
            "",
            shortened(found),
            depth = depth * 2 + 2
        )?;
    }
    // A failed item with many values says enough with what the record has instead.
    let shows_parts = part.kind != Kind::Item || part.holds || part.parts.len() <= SHOWN_VALUES_MAX;
    if shows_parts {
        part.parts.iter().try_for_each(|inner| show(inner, depth + 1, f))
    } else {
        Ok(())
    }
}
