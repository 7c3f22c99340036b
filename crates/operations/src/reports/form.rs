//! A form as data: what it is called, which facts it asks for and in which order it shows them. Read from TOML that an
//! administrator may change; an error names its line.

use std::collections::BTreeMap;

use model::{Align, FieldKind, Language};
use serde::Deserialize;

/// Words in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The words in one language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// What a form can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// One alert.
    Alert,
    /// A time.
    Period,
    /// A letter that is answered.
    Letter,
    /// A watch.
    Watch,
}

/// An answer to choose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What the facts say.
    pub value: String,
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Offer {
    /// The words in one language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// A fact that a form shows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactForm {
    /// Where it is in the facts (`system.owner`).
    pub path: String,
    /// What the form calls it.
    pub label: Text,
    /// What sort of fact it is.
    #[serde(default)]
    pub kind: FieldKind,
    /// Whether the form demands it: then it is a gap while it is missing.
    #[serde(default)]
    pub required: bool,
    /// The answers to choose from.
    #[serde(default)]
    pub options: Vec<Offer>,
}

/// A column of a form's table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnForm {
    /// Where its cell is in a row's facts; `#` is the row's number, `@` the words of a fixed row.
    pub path: String,
    /// Its heading in Vietnamese.
    pub vi: String,
    /// Its heading in English.
    pub en: String,
    /// Its share of the width.
    #[serde(default = "one")]
    pub width: u32,
    /// How its cells stand.
    #[serde(default)]
    pub align: Align,
    /// What sort of fact its cells are.
    #[serde(default)]
    pub kind: FieldKind,
    /// Whether a missing cell is a gap.
    #[serde(default)]
    pub required: bool,
    /// The words for its values.
    #[serde(default)]
    pub options: Vec<Offer>,
}

fn one() -> u32 {
    1
}

/// A row that a table always has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowForm {
    /// Its name in the facts.
    pub key: String,
    /// What it is called in Vietnamese.
    pub vi: String,
    /// What it is called in English.
    pub en: String,
}

/// One part of a form's body: exactly one of the first four is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockForm {
    /// A heading.
    pub heading: Option<Text>,
    /// A paragraph with `{path}` or `{path|kind}` where facts stand.
    pub paragraph: Option<Text>,
    /// The path of a fact, shown with its label.
    pub field: Option<String>,
    /// The path of the rows of a table.
    pub table: Option<String>,
    /// The table's columns.
    pub columns: Vec<ColumnForm>,
    /// The table's fixed rows; without them it has a row for each element of the facts.
    pub rows: Vec<RowForm>,
    /// What is said in place of a table without rows.
    pub empty: Option<Text>,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its id, which is the name of its file (`incident-initial`).
    pub id: String,
    /// What it is about, and so which facts it gets.
    pub about: Matter,
    /// What the console calls it.
    pub name: Text,
    /// The sign of its type in the number (`BC`); absent for a plain dispatch.
    #[serde(default)]
    pub sign: Option<String>,
    /// The name of its type in the head; absent for a plain dispatch.
    #[serde(default)]
    pub type_name: Option<Text>,
    /// What it is about, with `{path}` where facts stand.
    pub subject: Text,
    /// The law or letter that prescribes it.
    pub source: String,
    /// The day from which it is used, `YYYY-MM-DD`.
    #[serde(default)]
    pub effective_from: Option<String>,
    /// The last day on which it is used, `YYYY-MM-DD`.
    #[serde(default)]
    pub effective_to: Option<String>,
    /// The day on which somebody compared it with its source, `YYYY-MM-DD`.
    pub verified_on: String,
    /// What is not certain about it.
    #[serde(default)]
    pub unconfirmed: Option<Text>,
    /// Whom it addresses.
    #[serde(default)]
    pub addressees: Vec<Text>,
    /// Who else receives it.
    #[serde(default)]
    pub recipients: Vec<Text>,
    /// The facts that it shows.
    #[serde(default, rename = "fact")]
    pub facts: Vec<FactForm>,
    /// Its body.
    #[serde(rename = "block")]
    pub blocks: Vec<BlockForm>,
}

/// A form that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {problem}")]
pub struct FormError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl Form {
    /// Longest file of a form.
    pub const BYTES_MAX: usize = 256 * 1024;
    /// Most blocks.
    pub const BLOCKS_MAX: usize = 300;
    /// Most facts, and most columns and fixed rows of a table.
    pub const FACTS_MAX: usize = 300;

    /// Reads a form; `file` is named in errors, and its name without `.toml` must be the form's id.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, or contradicts itself.
    pub fn read(file: &str, text: &str) -> Result<Self, FormError> {
        let error = |line, problem: String| FormError {
            file: file.to_owned(),
            line,
            problem,
        };
        if text.len() > Self::BYTES_MAX {
            return Err(error(1, format!("longer than {} bytes", Self::BYTES_MAX)));
        }
        let form: Self = toml::from_str(text).map_err(|cause| {
            let at = cause.span().map_or(0, |span| span.start.min(text.len()));
            let line = text[..text.floor_char_boundary(at)].matches('\n').count() + 1;
            error(line, cause.message().to_owned())
        })?;
        let stem = file.rsplit('/').next().unwrap_or(file);
        if stem.strip_suffix(".toml") != Some(form.id.as_str()) {
            return Err(error(
                line_of(text, "id", &form.id),
                format!("the id `{}` is not the file's name", form.id),
            ));
        }
        match form.contradiction() {
            Some((needle, problem)) => Err(error(line_of(text, needle.0, &needle.1), problem)),
            None => Ok(form),
        }
    }

    /// The fact that a path names.
    #[must_use]
    pub fn fact(&self, path: &str) -> Option<&FactForm> {
        self.facts.iter().find(|fact| fact.path == path)
    }

    /// Whether the form is used on a day, `YYYY-MM-DD`.
    #[must_use]
    pub fn in_force(&self, day: &str) -> bool {
        self.effective_from.as_deref().is_none_or(|from| from <= day)
            && self.effective_to.as_deref().is_none_or(|to| day <= to)
    }

    /// The first contradiction: a key and value to find its line by, and words.
    fn contradiction(&self) -> Option<((&'static str, String), String)> {
        if self.blocks.len() > Self::BLOCKS_MAX || self.facts.len() > Self::FACTS_MAX {
            let most = format!("more than {} blocks or {} facts", Self::BLOCKS_MAX, Self::FACTS_MAX);
            return Some((("id", self.id.clone()), most));
        }
        let mut known = BTreeMap::new();
        for fact in &self.facts {
            if known.insert(fact.path.as_str(), fact).is_some() {
                return Some((
                    ("path", fact.path.clone()),
                    format!("the fact `{}` is described twice", fact.path),
                ));
            }
            let choosing = matches!(fact.kind, FieldKind::Choice | FieldKind::Choices);
            if choosing && fact.options.is_empty() {
                return Some((
                    ("path", fact.path.clone()),
                    format!("the choice `{}` has no options", fact.path),
                ));
            }
        }
        self.blocks.iter().find_map(|block| {
            let given = [
                block.heading.is_some(),
                block.paragraph.is_some(),
                block.field.is_some(),
                block.table.is_some(),
            ];
            if given.iter().filter(|given| **given).count() != 1 {
                let words = "a block has exactly one of heading, paragraph, field and table";
                let near = block.field.clone().or(block.table.clone()).unwrap_or_default();
                return Some((("", near), words.to_owned()));
            }
            if let Some(field) = &block.field
                && !known.contains_key(field.as_str())
            {
                return Some((("field", field.clone()), format!("no [[fact]] describes `{field}`")));
            }
            let table = block.table.as_ref()?;
            let wrong =
                block.columns.is_empty() || block.columns.len() > Self::FACTS_MAX || block.rows.len() > Self::FACTS_MAX;
            wrong.then(|| {
                (
                    ("table", table.clone()),
                    format!("the table `{table}` has no columns, or too many columns or rows"),
                )
            })
        })
    }
}

/// The first line that gives a key this value, else the first line.
fn line_of(text: &str, key: &str, value: &str) -> usize {
    text.lines()
        .position(|line| line.contains(key) && line.contains(value) && !value.is_empty())
        .map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id = \"x\"\nabout = \"period\"\nname = { vi = \"a\", en = \"b\" }\nsubject = { vi = \"a\", en = \"b\" }\nsource = \"s\"\nverified_on = \"2026-11-23\"\n";

    #[test]
    fn what_is_wrong_with_a_form_is_named_with_its_line() {
        for (body, expected) in [
            ("[[block]]\nheading = { vi = \"a\" }\n", "x.toml:8: missing field `en`"),
            ("colour = 1\n", "x.toml:7: unknown field `colour`"),
            ("[[block]]\nfield = \"a.b\"\n", "x.toml:8: no [[fact]] describes `a.b`"),
            ("[[block]]\n", "x.toml:1: a block has exactly one"),
            ("[[block]]\ntable = \"t\"\n", "x.toml:8: the table `t` has no columns"),
            (
                "[[fact]]\npath = \"a\"\nkind = \"choice\"\nlabel = { vi = \"a\", en = \"b\" }\n[[block]]\nfield = \"a\"\n",
                "x.toml:8: the choice `a` has no options",
            ),
            ("[[block\n", "x.toml:7: "),
        ] {
            let error = Form::read("content/forms/x.toml", &format!("{HEAD}{body}")).unwrap_err();
            assert!(error.to_string().contains(expected), "{error} for {body:?}");
        }
        assert!(
            Form::read(
                "y.toml",
                &format!("{HEAD}[[block]]\nheading = {{ vi = \"a\", en = \"b\" }}\n")
            )
            .is_err()
        );
    }

    #[test]
    fn a_form_is_in_force_between_its_days() {
        let mut form = Form::read(
            "x.toml",
            &format!("{HEAD}effective_from = \"2026-01-01\"\n[[block]]\nheading = {{ vi = \"a\", en = \"b\" }}\n"),
        )
        .unwrap();
        form.effective_to = Some("2026-12-31".to_owned());
        assert!(form.in_force("2026-01-01") && form.in_force("2026-12-31"));
        assert!(!form.in_force("2025-12-31") && !form.in_force("2027-01-01"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,400}") {
            let _ = Form::read("x.toml", &format!("{HEAD}{text}"));
            let _ = Form::read("x.toml", &text);
        }
    }
}
