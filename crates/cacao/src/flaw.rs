//! What is wrong with a playbook, and where.

use std::fmt;

/// One thing that is wrong with a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where, as a JSON pointer (RFC 6901); empty for the whole document.
    pub at: String,
    /// What.
    pub kind: FlawKind,
}

impl fmt::Display for Flaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.at.is_empty() { "the playbook" } else { &self.at };
        write!(out, "{place}: {}", self.kind)
    }
}

/// What can be wrong with a playbook. The section numbers are those of CACAO Security Playbooks 2.0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlawKind {
    /// Longer than is read.
    #[error("too large: {bytes} bytes, at most {most}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Not JSON, or a property stands twice.
    #[error("not readable as JSON: {0}")]
    NotJson(String),
    /// A required property is missing.
    #[error("property '{0}' is missing")]
    Missing(&'static str),
    /// A property that the specification does not know at this place.
    #[error("unknown property '{name}'{}", hint(near.as_deref()))]
    UnknownProperty {
        /// Its name.
        name: String,
        /// A known property with nearly that name.
        near: Option<String>,
    },
    /// A value of the wrong kind.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What the specification wants.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A value outside what is allowed.
    #[error("'{value}' is not {expected}")]
    BadValue {
        /// The value.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// More than a limit allows.
    #[error("too many {what}: at most {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// A step type that the specification does not have (section 4).
    #[error("unknown step type '{name}'{}", hint(near.as_deref()))]
    UnknownStep {
        /// The type.
        name: String,
        /// A known type with nearly that name.
        near: Option<String>,
    },
    /// A command type that the specification does not have (section 5).
    #[error("unknown command type '{name}'{}", hint(near.as_deref()))]
    UnknownCommand {
        /// The type.
        name: String,
        /// A known type with nearly that name.
        near: Option<String>,
    },
    /// A reference to something that is not defined.
    #[error("refers to {what} '{id}', which is not defined")]
    Dangling {
        /// Step, agent, target …
        what: &'static str,
        /// The identifier.
        id: String,
    },
    /// Two properties that exclude each other (section 4.1).
    #[error("'{0}' and '{1}' exclude each other")]
    Excluding(&'static str, &'static str),
    /// A variable that no dictionary in scope defines (section 10.18).
    #[error("variable '{name}' is not defined here{}", hint(near.as_deref()))]
    UndefinedVariable {
        /// Its name.
        name: String,
        /// A defined variable with nearly that name.
        near: Option<String>,
    },
    /// A variable that is read but never gets a value.
    #[error("variable '{0}' is read, but nothing ever gives it a value")]
    NeverSet(String),
    /// A constant that a step would change.
    #[error("variable '{0}' is constant and cannot be a result")]
    ConstantResult(String),
    /// A condition that cannot be read.
    #[error("condition: {0}")]
    Condition(crate::ConditionError),
    /// A step that no path from the start reaches.
    #[error("no path from the start reaches this step: it would never run")]
    Unreachable,
    /// A step after which nothing is named (section 4.1).
    #[error("no next step is named, so this path reaches no end")]
    NoEnd,
    /// Steps that lead to each other without a `while-condition`.
    #[error("runs in a circle without a 'while-condition': {}", .0.join(" → "))]
    Circle(Vec<String>),
    /// A step that lies in two branches; each branch needs an `end` of its own (sections 4.6 to 4.9).
    #[error("belongs to the branches of '{first}' and of '{second}': each branch needs steps and an end of its own")]
    SharedByBranches {
        /// One owner.
        first: String,
        /// The other.
        second: String,
    },
    /// A playbook that calls itself through others.
    #[error("calls itself: {}", .0.join(" → "))]
    CallsItself(Vec<String>),
    /// `valid_until` is not after `valid_from`, or `modified` before `created`.
    #[error("'{later}' must not be before '{earlier}'")]
    OutOfOrder {
        /// The property that must be earlier.
        earlier: &'static str,
        /// The property that must be later.
        later: &'static str,
    },
}

fn hint(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}

/// Everything that is wrong with a playbook. It does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the playbook is refused:{}", list(flaws, *untold))]
pub struct Refused {
    /// What is wrong, in the order of the document; at most [`crate::FLAWS_MAX`].
    pub flaws: Vec<Flaw>,
    /// How many more there are.
    pub untold: usize,
}

fn list(flaws: &[Flaw], untold: usize) -> String {
    let more = (untold > 0).then(|| format!("and {untold} more"));
    flaws
        .iter()
        .map(ToString::to_string)
        .chain(more)
        .fold(String::new(), |text, line| text + "\n  " + &line)
}

/// Collects flaws up to the limit.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    told: Vec<Flaw>,
    untold: usize,
}

impl Flaws {
    pub(crate) fn add(&mut self, at: &str, kind: FlawKind) {
        if self.told.len() < crate::FLAWS_MAX {
            self.told.push(Flaw {
                at: at.to_owned(),
                kind,
            });
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn any(&self) -> bool {
        !self.told.is_empty()
    }

    pub(crate) fn refuse(self) -> Refused {
        Refused {
            flaws: self.told,
            untold: self.untold,
        }
    }
}

/// The known name that is nearest to a mistyped one, when one is near: at most a third of its letters differ.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const NAME_BYTES_MAX: usize = 64;
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, candidate)| *edits * 3 <= candidate.len())
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance in bytes.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
