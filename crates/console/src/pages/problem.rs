//! Errors as pages: what happened, and what to do next.

use maud::{Markup, html};

use crate::{
    frame::{self, View},
    marks::Mark,
};

/// The page.
pub(crate) fn render(view: &View, title: &str, next: &str, detail: Option<&str>) -> Markup {
    let words = view.words;
    let content = html! {
        p { (Mark::Warning.draw()) }
        h1 { (title) }
        @if let Some(detail) = detail { p { strong { (detail) } } }
        p.lead { (next) }
        p.form-actions { a.button.primary href="/queue" { (words.to_queue()) } }
    };
    frame::door(view, title, &content)
}
