//! A document as people read it, before it is set in type: letterhead, blocks of text, fields and tables, signature.
//! PDF, DOCX and the page of the console are made from the same letter.

use serde::{Deserialize, Serialize};

use crate::Language;

/// A piece of text, or a mark where a fact is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The words; for a gap, the words that mark it.
    pub text: String,
    /// Whether a fact that belongs here is missing.
    #[serde(default)]
    pub gap: bool,
}

impl Run {
    /// Words that are known.
    #[must_use]
    pub fn known(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            gap: false,
        }
    }
}

/// Text with its gaps, in order.
pub type Words = Vec<Run>;

/// How the cells of a column stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// From the left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// To the right, for numbers.
    Right,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading.
    pub label: String,
    /// Its share of the width, compared with the other columns'.
    pub width: u32,
    /// How its cells stand.
    pub align: Align,
}

/// One answer among those that a form offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the box says.
    pub label: String,
    /// Whether it is ticked.
    pub ticked: bool,
}

/// A part of a letter's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "block")]
pub enum Block {
    /// The heading of a section.
    Heading {
        /// Its text.
        text: String,
    },
    /// A paragraph.
    Paragraph {
        /// Its text.
        words: Words,
    },
    /// A label and what stands behind it.
    Field {
        /// The label.
        label: String,
        /// The fact.
        words: Words,
    },
    /// A label and boxes to tick.
    Choices {
        /// The label.
        label: String,
        /// The boxes.
        choices: Vec<Choice>,
        /// What is not known of it.
        words: Words,
    },
    /// A table.
    Table {
        /// Its columns.
        columns: Vec<Column>,
        /// Its rows, a cell for each column.
        rows: Vec<Vec<Words>>,
        /// Rows that were left out because there are too many; they are in the data of the report.
        cut: u64,
    },
}

/// A fact that a report lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingFact {
    /// Where in the facts it belongs (`system.owner`).
    pub path: String,
    /// What the form calls it.
    pub label: String,
    /// Whether a person can fill it, and how: the form's kind of answer.
    pub kind: FieldKind,
    /// The words of the answers to choose from, with their values; for [`FieldKind::Choice`] and [`FieldKind::Choices`].
    #[serde(default)]
    pub options: Vec<(String, String)>,
}

/// What sort of fact a field of a form is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Words.
    #[default]
    Text,
    /// Several lines of words.
    LongText,
    /// A whole number.
    Number,
    /// A day, written dd/mm/yyyy.
    Date,
    /// An hour and minute, written HH:MM.
    Time,
    /// A moment: `HH:MM dd/mm/yyyy`.
    Moment,
    /// Yes or no.
    YesNo,
    /// Texts, one a line.
    List,
    /// One of the form's options.
    Choice,
    /// Any of the form's options.
    Choices,
}

/// A document as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its language.
    pub language: Language,
    /// The form that it follows (`incident-initial`).
    pub form: String,
    /// What stands on every page of a letter about a rehearsal, so that nobody takes it for a real one.
    #[serde(default)]
    pub rehearsal: Option<String>,
    /// The body above the one that issues it, if any.
    pub parent: Option<String>,
    /// The body that issues it.
    pub issuer: Words,
    /// Its number and sign (`Số: 12/BC-TTGS`).
    pub number: Words,
    /// The national name and motto.
    pub motto: [String; 2],
    /// Place and date.
    pub place_and_date: Words,
    /// The name of its type (`BÁO CÁO`); a plain dispatch (`công văn`) has none.
    pub type_name: Option<String>,
    /// What it is about.
    pub subject: Words,
    /// The words before the addressees (`Kính gửi:`).
    pub salutation: String,
    /// Whom it addresses.
    pub addressees: Vec<Words>,
    /// Its body.
    pub blocks: Vec<Block>,
    /// The words before the list of recipients (`Nơi nhận:`).
    pub recipients_label: String,
    /// Who receives it.
    pub recipients: Vec<Words>,
    /// The office of who signs.
    pub signer_title: Words,
    /// Under the office, where the signature goes.
    pub signature_hint: String,
    /// The name of who signs.
    pub signer_name: Words,
    /// What it lacks, in order of appearance, each path once.
    pub gaps: Vec<MissingFact>,
}
