//! Why a hunt cannot be begun or failed, in words that help whoever wrote the question.

use datafusion::{
    common::{SchemaError, utils::datafusion_strsim::levenshtein},
    error::DataFusionError,
};

/// Most names that are proposed for one that is not known.
const NEAR_MAX: usize = 3;

/// A hunt could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HuntError {
    /// The question is not SQL.
    #[error("the question cannot be read{}: {message}", place(*.at))]
    Syntax {
        /// What is wrong.
        message: String,
        /// Line and column, from 1, where it is known.
        at: Option<(u32, u32)>,
    },
    /// There is no such column, table or function.
    #[error("{name} is not known{}", proposed(.near))]
    Unknown {
        /// The name.
        name: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// The question would change something, or is more than one.
    #[error("a hunt only reads, and asks one question: {0}")]
    NotAQuestion(String),
    /// The question makes no sense for these columns.
    #[error("{0}")]
    Meaningless(String),
    /// Something went wrong on the way.
    #[error("the hunt failed: {0}")]
    Failed(String),
}

fn place(at: Option<(u32, u32)>) -> String {
    at.map_or_else(String::new, |(line, column)| {
        format!(" at line {line}, column {column}")
    })
}

fn proposed(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(", "))
    }
}

impl HuntError {
    /// What went wrong while a question was read, planned or asked.
    pub(crate) fn of(error: &DataFusionError) -> Self {
        let root = error.find_root();
        if let DataFusionError::SQL(error, _) = root {
            let message = error.to_string();
            return Self::Syntax {
                at: position(&message),
                message: message.trim_start_matches("sql parser error: ").to_owned(),
            };
        }
        if let DataFusionError::SchemaError(error, _) = root {
            if let SchemaError::FieldNotFound { field, valid_fields } = error.as_ref() {
                let known = valid_fields.iter().map(|column| column.name.clone());
                return Self::unknown(&field.name, known);
            }
            return Self::Meaningless(error.to_string());
        }
        if let DataFusionError::Plan(message) | DataFusionError::NotImplemented(message) = root {
            return Self::Meaningless(first_line(message));
        }
        Self::Failed(first_line(&root.to_string()))
    }

    /// Adds the place where the text ends, if that is what is wrong.
    pub(crate) fn in_text(self, text: &str) -> Self {
        if let Self::Syntax { message, at: None } = &self
            && message.ends_with("EOF")
        {
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            let last = text.lines().next_back().unwrap_or_default();
            return Self::Syntax {
                message: message.clone(),
                at: Some((number(text.lines().count().max(1)), number(last.chars().count() + 1))),
            };
        }
        self
    }

    /// A name that is not among the known ones.
    pub(crate) fn unknown(name: &str, known: impl Iterator<Item = String>) -> Self {
        let wanted = name.to_lowercase();
        let mut near: Vec<(usize, String)> = known
            .map(|known| {
                let distance = if known.contains(&wanted) {
                    1
                } else {
                    levenshtein(&wanted, &known)
                };
                (distance, known)
            })
            .filter(|(distance, known)| *distance <= known.len().div_ceil(3).max(2))
            .collect();
        near.sort();
        near.dedup();
        Self::Unknown {
            name: name.to_owned(),
            near: near.into_iter().take(NEAR_MAX).map(|(_, name)| name).collect(),
        }
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// `… at Line: 1, Column: 15`.
fn position(message: &str) -> Option<(u32, u32)> {
    let (_, rest) = message.rsplit_once("Line: ")?;
    let (line, column) = rest.split_once(", Column: ")?;
    let digits = column.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((line.parse().ok()?, digits.parse().ok()?))
}
