//! A detection: one rule held on one event, or on several in a window. Every one is counted; some are shown.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Language, Seq, SourceId, Timestamp};

/// Sigma's level of a rule: how much a match matters by itself. Not the severity of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleLevel {
    /// Worth keeping, never worth waking.
    Informational,
    /// Notable.
    Low,
    /// Should be looked at.
    Medium,
    /// Should be looked at soon.
    High,
    /// Should be looked at now.
    Critical,
}

impl RuleLevel {
    /// All levels, least first.
    pub const ALL: [RuleLevel; 5] = [Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word of the Sigma specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Its word within a sentence; English has Sigma's own.
    #[must_use]
    pub fn word_in(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, _) => self.as_str(),
            (Language::Vi, Self::Critical) => "nghiêm trọng",
            (Language::Vi, Self::High) => "cao",
            (Language::Vi, Self::Medium) => "trung bình",
            (Language::Vi, Self::Low) => "thấp",
            (Language::Vi, Self::Informational) => "thông tin",
        }
    }
}

/// Which rule it was, as far as people need to know without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleIdentity {
    /// The rule's own id; where the rule has none, a hash of its text.
    pub id: CompactString,
    /// Its title.
    pub title: String,
    /// Its title in Vietnamese (`title_vi`); empty when it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title_vi: String,
    /// Its level.
    pub level: RuleLevel,
    /// ATT&CK techniques and other tags as written (`attack.t1059.001`).
    pub tags: Vec<CompactString>,
}

impl RuleIdentity {
    /// Its title in one language; the one that it has where it has no other.
    #[must_use]
    pub fn title_in(&self, language: Language) -> &str {
        match language {
            Language::Vi if !self.title_vi.is_empty() => &self.title_vi,
            Language::Vi | Language::En => &self.title,
        }
    }
}

/// What sort of thing a detection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A machine.
    Host,
    /// An account.
    User,
    /// A network address.
    Address,
    /// A log source of the post itself.
    Source,
    /// A silence of the post itself.
    Silence,
    /// A deadline that the post keeps.
    Deadline,
    /// A team that keeps the watch.
    Team,
}

/// What a detection is about: the thing that a person would go and look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// What sort of thing.
    pub kind: EntityKind,
    /// Its name or address.
    pub name: CompactString,
}

/// One reason why a rule held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedField {
    /// The selection of the rule.
    pub selection: CompactString,
    /// The field of the event; empty for a keyword.
    pub field: CompactString,
    /// What the rule looked for, as written in it (`endswith \powershell.exe`).
    pub wanted: String,
    /// The value found, cut to [`MatchedField::VALUE_BYTES_MAX`].
    pub value: String,
    /// Byte range of the match within the value, when it is within the kept part.
    pub span: Option<(u32, u32)>,
}

impl MatchedField {
    /// Longest kept value in bytes; the whole value is in the event.
    pub const VALUE_BYTES_MAX: usize = 2048;
}

/// When the match was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// As the event came in.
    Stream,
    /// Afterwards, in what was already kept.
    LookBack,
}

/// One rule held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// The rule.
    pub rule: RuleIdentity,
    /// What it is about.
    pub entity: Entity,
    /// The event that completed the match.
    pub event: Seq,
    /// The other events of a correlation, oldest first, at most [`Detection::EVENTS_MAX`]; empty for a simple rule.
    pub contributing: Vec<Seq>,
    /// When the (last) event happened.
    pub happened_at: Timestamp,
    /// When the (last) event was received.
    pub received_at: Timestamp,
    /// Who sent it.
    pub source: SourceId,
    /// The machine it happened on, when known.
    pub host: Option<CompactString>,
    /// Why it held.
    pub matched: Vec<MatchedField>,
    /// One line of what was seen, for queues and reports: the command line, the address, the message.
    pub summary: String,
    /// How it was found.
    pub found_by: FoundBy,
    /// Whether it belongs to a rehearsal.
    pub exercise: bool,
}

impl Detection {
    /// How many contributing events of a correlation are named.
    pub const EVENTS_MAX: usize = 100;
}
