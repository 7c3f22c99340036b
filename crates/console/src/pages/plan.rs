//! Response plans and their runs.

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod show;

use maud::{Markup, html};

use crate::words::Words;

/// The state of a run as a badge.
pub(crate) fn badge(words: Words, state: &str) -> Markup {
    let (class, word) = match state {
        "succeeded" => ("badge badge-good", words.run_state_succeeded()),
        "failed" => ("badge badge-bad", words.run_state_failed()),
        "stopped" => ("badge", words.run_state_stopped()),
        "undoing" => ("badge badge-warn", words.run_state_undoing()),
        _ => ("badge badge-warn", words.run_state_running()),
    };
    html! { span class=(class) { (word) } }
}
