//! The national plan as data: which incidents are of which class, and which clocks of the law they start. Read from
//! `content/incidents`, with source and dates; nothing of it is in the code.

use std::collections::BTreeSet;

use jiff::civil::Date;
use model::{ContentError, Hit, Language, Wording};
use serde::Deserialize;

/// The plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The classes, gravest first.
    #[serde(default)]
    pub class: Vec<ClassRule>,
    /// The clocks.
    #[serde(default)]
    pub clock: Vec<ClockRule>,
}

/// A class of incidents. Each condition that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRule {
    /// Its id (`severe`).
    pub id: String,
    /// Its name.
    pub name: Wording,
    /// The system has one of these levels …
    #[serde(default)]
    pub levels: BTreeSet<u8>,
    /// … or is important to the nation, when this is set.
    #[serde(default)]
    pub or_nationally_important: bool,
    /// At least one of these is hit; anything when there are none.
    #[serde(default)]
    pub hits_any: BTreeSet<Hit>,
    /// The owner cannot control it alone.
    #[serde(default)]
    pub beyond_control: bool,
    /// The law, with its clause.
    pub source: String,
    /// Whether somebody compared it with the text of the law.
    pub confirmed: bool,
    /// The first day on which it holds.
    pub effective_from: Date,
    /// The last day on which it holds.
    #[serde(default)]
    pub effective_to: Option<Date>,
    /// What a reader should know.
    #[serde(default)]
    pub note: Option<Wording>,
}

/// At what a clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStart {
    /// The incident was detected.
    Detected,
    /// It was judged to be beyond the owner's capacity.
    BeyondControl,
    /// The services work again.
    Recovered,
    /// It is done with.
    Closed,
}

/// A clock that incidents start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    /// The id of the deadline in `content/deadlines`.
    pub deadline: String,
    /// What must be done, for readers who do not have the deadlines at hand.
    pub what: Wording,
    /// At what it starts.
    pub starts: ClockStart,
    /// Only for this class.
    #[serde(default)]
    pub class: Option<String>,
    /// Only when personal data leaked, or may have.
    #[serde(default)]
    pub personal_data: bool,
    /// Only for banks.
    #[serde(default)]
    pub bank: bool,
    /// The form that answers it.
    #[serde(default)]
    pub form: Option<String>,
    /// The first day on which it holds.
    pub effective_from: Date,
    /// The last day on which it holds.
    #[serde(default)]
    pub effective_to: Option<Date>,
}

impl Plan {
    /// Reads the plan.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, names a level beyond 1 to 5, a class that is not there, or an
    /// end before its beginning.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let plan: Plan = crate::read_content(file, text)?;
        let wrong = |id: &str, problem: String| crate::content_error(file, text, id, problem);
        for class in &plan.class {
            if class.levels.iter().any(|level| !(1..=5).contains(level)) {
                return Err(wrong(&class.id, "levels go from 1 to 5".to_owned()));
            }
            if class.effective_to.is_some_and(|to| to < class.effective_from) {
                return Err(wrong(&class.id, "it ends before it begins".to_owned()));
            }
        }
        for clock in &plan.clock {
            if clock.effective_to.is_some_and(|to| to < clock.effective_from) {
                return Err(wrong(&clock.deadline, "it ends before it begins".to_owned()));
            }
            if let Some(class) = &clock.class
                && !plan.class.iter().any(|known| known.id == *class)
            {
                return Err(wrong(&clock.deadline, format!("there is no class {class}")));
            }
        }
        Ok(plan)
    }

    /// The name of a class; its id when it is not in the plan.
    #[must_use]
    pub fn class_name<'a>(&'a self, id: &'a str, language: Language) -> &'a str {
        self.class
            .iter()
            .find(|class| class.id == id)
            .map_or(id, |class| class.name.text(language))
    }
}
