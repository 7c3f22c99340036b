//! Rehearsals: a scripted attack as data, rendered into the records that its senders would have written.

pub(crate) mod night;
mod script;

pub(crate) use script::{Line, Script, Stage};

/// The rehearsals that the binary carries, by name.
pub(crate) const BUILT_IN: &[(&str, &str)] = &[(
    "holiday-eve",
    include_str!("../../../../content/exercises/holiday-eve.toml"),
)];
