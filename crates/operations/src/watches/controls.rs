//! Controls: what the post measures about itself, with its bound; read from the content.

use compact_str::CompactString;
use model::{Bound, ContentError, Unit, Wording};
use serde::Deserialize;

/// The controls that the program knows how to measure.
pub const MEASURED: [&str; 16] = [
    "actions.watched",
    "alerts.acknowledge_time",
    "alerts.waiting",
    "deadlines.kept",
    "drills.passed",
    "duty.coverage",
    "exercise.age",
    "incidents.contain_time",
    "lake.verified",
    "ledger.verified",
    "messages.delivered",
    "plans.rehearsed",
    "rules.loaded",
    "services.within_rto",
    "silences.outgrown",
    "sources.reporting",
];

/// A control.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its id, one of [`MEASURED`].
    pub id: CompactString,
    /// What people call it.
    pub title: Wording,
    /// What is measured.
    pub about: Wording,
    /// The unit of its value.
    pub unit: Unit,
    /// It holds up to this value.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// It holds from this value on.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// How often a measurement is kept while nothing changes.
    pub every_minutes: u32,
    /// How long a measurement says anything.
    pub expires_minutes: u32,
}

/// A file of controls.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlsFile {
    /// The controls.
    pub control: Vec<Control>,
}

impl ControlsFile {
    /// Reads a file of controls.
    ///
    /// # Errors
    /// When the text is no TOML, has unknown or missing keys, or a control that cannot be measured, has not exactly one bound,
    /// or whose measurements would expire before the next is kept.
    pub fn read(file: &str, text: &str) -> Result<Self, ContentError> {
        let read: Self = crate::read_content(file, text)?;
        for (at, control) in read.control.iter().enumerate() {
            let wrong = if !MEASURED.contains(&control.id.as_str()) {
                "the program cannot measure it"
            } else if read.control[..at].iter().any(|before| before.id == control.id) {
                "it is there twice"
            } else if control.at_most.is_some() == control.at_least.is_some() {
                "exactly one of at_most and at_least is given"
            } else if control.every_minutes == 0 || control.every_minutes >= control.expires_minutes {
                "it must be kept more often than it expires"
            } else {
                continue;
            };
            let near = format!("\"{}\"", control.id);
            return Err(crate::content_error(
                file,
                text,
                &near,
                format!("`{}`: {wrong}", control.id),
            ));
        }
        Ok(read)
    }
}

impl Control {
    /// The bound of its value.
    #[must_use]
    pub fn bound(&self) -> Bound {
        match (self.at_least, self.at_most) {
            (Some(least), _) => Bound::AtLeast(least),
            (None, most) => Bound::AtMost(most.unwrap_or_default()),
        }
    }
}
