//! The drawn marks of the console: each level has its own shape, so that it can be told without colour.

use maud::{Markup, PreEscaped, html};
use model::{AlertState, RuleLevel, Severity};
use operations::watches::Standing;

use crate::words::Words;

/// A drawn mark without text of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Queue,
    Duty,
    Silence,
    Source,
    Rule,
    DutyBook,
    Wall,
    Users,
    Account,
    SignOut,
    Theme,
    Keyboard,
    Search,
    Check,
    Warning,
    Undo,
    Watch,
    Incident,
    Letter,
    Clock,
    Shield,
}

impl Mark {
    /// The shapes within a 20 × 20 box, drawn with strokes.
    fn paths(self) -> &'static str {
        match self {
            Self::Shield => {
                r#"<path d="M10 3l6 2.2v4.3c0 3.700-2.500 6.300-6 7.500-3.500-1.200-6-3.800-6-7.500V5.200L10 3Zm-2.700 7l2 2 3.600-4"/>"#
            }
            Self::Queue => {
                r#"<path d="M3 11.5V5.2A2.2 2.2 0 0 1 5.2 3h9.6A2.2 2.2 0 0 1 17 5.2v6.3m-14 0v3.3A2.2 2.2 0 0 0 5.2 17h9.6a2.2 2.2 0 0 0 2.2-2.2v-3.3m-14 0h4l1.2 2h3.6l1.2-2h4"/>"#
            }
            Self::Duty => {
                r#"<path d="M4.500 5h11v11h-11zM4.500 8.500h11M7.500 3v3.500M12.500 3v3.500M8 12l1.500 1.500 3-3"/>"#
            }
            Self::Silence => {
                r#"<path d="M5.5 8.2a4.5 4.5 0 0 1 7.6-3.2M14.5 9v2.2l1.4 2.8H7.4M4.1 14l1.4-2.8V9M8.3 16.5a1.8 1.8 0 0 0 3.4 0M3 3l14 14"/>"#
            }
            Self::Source => {
                r#"<path d="M4 6.2C4 4.6 6.700 3.500 10 3.500s6 1.100 6 2.700-2.700 2.700-6 2.700-6-1.100-6-2.700Zm0 0v7.600c0 1.600 2.700 2.700 6 2.700s6-1.100 6-2.700V6.200M4 10c0 1.600 2.700 2.700 6 2.700s6-1.100 6-2.700"/>"#
            }
            Self::Rule => r#"<path d="M4 4.500h12M4 10h7M4 15.500h5M13 13.500l1.800 1.800 3-3.600"/>"#,
            Self::DutyBook => {
                r#"<path d="M5.500 3H15v14H5.500A1.700 1.700 0 0 1 3.800 15.300V4.700A1.700 1.700 0 0 1 5.500 3Zm-1.700 12.300a1.700 1.700 0 0 1 1.700-1.700H15M7.500 6.500h4.500M7.500 9.300h3"/>"#
            }
            Self::Wall => r#"<path d="M3 4h14v9.500H3zM7 17h6M10 13.500V17"/>"#,
            Self::Users => {
                r#"<path d="M7.500 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5 7c0-2.800 2.200-4.500 5-4.500s5 1.700 5 4.500M13 4a2.800 2.800 0 0 1 0 5.200M14.500 12.300c1.900.6 3 2.100 3 4.200"/>"#
            }
            Self::Account => {
                r#"<path d="M10 10a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400Zm-6.200 7c0-3 2.700-4.700 6.200-4.700s6.200 1.700 6.200 4.700"/>"#
            }
            Self::SignOut => r#"<path d="M8 3.500H4.500v13H8M12.500 6.500 16 10l-3.500 3.500M16 10H8"/>"#,
            Self::Theme => r#"<path d="M10 3a7 7 0 1 0 0 14V3Z" fill="currentColor"/><circle cx="10" cy="10" r="7"/>"#,
            Self::Keyboard => {
                r#"<path d="M2.500 5.500h15v9h-15zM5.500 8.500h.01M8.500 8.500h.01M11.500 8.500h.01M14.500 8.500h.01M6.500 11.800h7"/>"#
            }
            Self::Search => {
                r#"<path d="M8.800 14.100a5.300 5.300 0 1 0 0-10.600 5.300 5.300 0 0 0 0 10.600Zm3.900-1.400 4 4"/>"#
            }
            Self::Check => r#"<path d="m4 10.500 4 4 8-9"/>"#,
            Self::Warning => r#"<path d="M10 3.200 17.500 16.500h-15L10 3.200Zm0 5v3.600M10 14.200h.01"/>"#,
            Self::Undo => r#"<path d="M7 4 3.500 7.500 7 11M3.800 7.500H12a4.500 4.500 0 0 1 0 9H7"/>"#,
            Self::Incident => r#"<path d="M5 17V3.500m0 .500c3.500-2 6.500 2 10.500 0v7.500c-4 2-7-2-10.500 0"/>"#,
            Self::Letter => r#"<path d="M3 5h14v10.500H3zM3 5.500l7 5.500 7-5.500"/>"#,
            Self::Clock => r#"<circle cx="10" cy="10" r="7"/><path d="M10 5.800V10l3 2"/>"#,
            Self::Watch => {
                r#"<path d="M10 2.500 16.500 5v5c0 3.700-2.700 6.300-6.500 7.500C6.200 16.300 3.500 13.700 3.500 10V5L10 2.500Z"/><circle cx="10" cy="9.700" r="2.400"/>"#
            }
        }
    }

    /// The mark as SVG, hidden from screen readers: the words beside it say the same.
    pub(crate) fn draw(self) -> Markup {
        html! { svg.mark viewBox="0 0 20 20" aria-hidden="true" focusable="false" { (PreEscaped(self.paths())) } }
    }
}

/// A level as shape, word and colour: an octagon, a triangle, a diamond, a bar, a ring.
pub(crate) fn level(words: Words, level: RuleLevel) -> Markup {
    let shape = match level {
        RuleLevel::Critical => {
            r#"<path d="M5.200 1h5.600L15 5.200v5.600L10.800 15H5.200L1 10.800V5.200Z"/><path class="cut" d="M8 4.200v4.600M8 11.300v.4"/>"#
        }
        RuleLevel::High => r#"<path d="M8 1.500 15 14H1Z"/>"#,
        RuleLevel::Medium => r#"<path d="M8 1.500 14.500 8 8 14.500 1.500 8Z"/>"#,
        RuleLevel::Low => r#"<path d="M2 6h12v4H2Z"/>"#,
        RuleLevel::Informational => r#"<circle class="ring" cx="8" cy="8" r="5"/>"#,
    };
    html! {
        span class={ "level level-" (level.as_str()) } {
            svg viewBox="0 0 16 16" aria-hidden="true" focusable="false" { (PreEscaped(shape)) }
            span.level-word { (words.level_word(level)) }
        }
    }
}

/// How bad an incident is: the shapes and colours of levels, with the words of incidents.
pub(crate) fn severity(words: Words, severity: Severity) -> Markup {
    let (name, shape) = match severity {
        Severity::Critical => (
            "critical",
            r#"<path d="M5.200 1h5.600L15 5.200v5.600L10.800 15H5.200L1 10.800V5.200Z"/><path class="cut" d="M8 4.200v4.600M8 11.300v.4"/>"#,
        ),
        Severity::High => ("high", r#"<path d="M8 1.500 15 14H1Z"/>"#),
        Severity::Medium => ("medium", r#"<path d="M8 1.500 14.500 8 8 14.500 1.500 8Z"/>"#),
        Severity::Low => ("low", r#"<path d="M2 6h12v4H2Z"/>"#),
    };
    html! {
        span class={ "level level-" (name) } {
            svg viewBox="0 0 16 16" aria-hidden="true" focusable="false" { (PreEscaped(shape)) }
            span.level-word { (words.severity(severity)) }
        }
    }
}

/// Where an alert stands: an empty, a half and a full circle with its word.
pub(crate) fn alert_state(words: Words, state: &AlertState) -> Markup {
    let (name, word, fill) = match state {
        AlertState::New => ("new", words.state_new(), ""),
        AlertState::Acknowledged { .. } => (
            "acknowledged",
            words.state_acknowledged(),
            r#"<path class="fill" d="M8 2a6 6 0 0 1 0 12Z"/>"#,
        ),
        AlertState::Closed { .. } => (
            "closed",
            words.state_closed(),
            r#"<path class="tick" d="m4.800 8.300 2.200 2.200 4.200-4.600"/>"#,
        ),
    };
    html! {
        span class={ "state state-" (name) } {
            svg viewBox="0 0 16 16" aria-hidden="true" focusable="false" { circle cx="8" cy="8" r="6" {} (PreEscaped(fill)) }
            (word)
        }
    }
}

/// How something stands: each with a shape of its own, so that it is told without colour.
pub(crate) fn standing(words: Words, standing: Standing) -> Markup {
    html! {
        span class={ "standing standing-" (standing.as_str()) } { (standing_shape(standing)) (words.standing(standing)) }
    }
}

/// The shape of a standing: an octagon with a cross, a question mark, a clock, a crossed ring, a tick in a full circle.
pub(crate) fn standing_shape(standing: Standing) -> Markup {
    let shape = match standing {
        Standing::FallsShort => {
            r#"<path class="solid" d="M5.200 1h5.600L15 5.200v5.600L10.800 15H5.200L1 10.800V5.200Z"/><path class="cut" d="m5.600 5.600 4.800 4.800m0-4.800-4.800 4.800"/>"#
        }
        Standing::Unknown => {
            r#"<path d="M1.500 1.500h13v13h-13Z"/><path d="M6 6.200a2 2 0 1 1 2.900 1.800c-.6.300-.9.700-.9 1.400M8 11.900v.1"/>"#
        }
        Standing::Stale => r#"<circle cx="8" cy="8" r="6.500"/><path d="M8 4.300V8l2.600 1.700"/>"#,
        Standing::Waived => r#"<circle cx="8" cy="8" r="6.500"/><path d="m3.600 12.400 8.800-8.800"/>"#,
        Standing::Holds => {
            r#"<circle class="solid" cx="8" cy="8" r="7"/><path class="cut" d="m4.700 8.300 2.300 2.300 4.300-4.700"/>"#
        }
    };
    html! { svg class={ "standing-shape standing-" (standing.as_str()) } viewBox="0 0 16 16" aria-hidden="true" focusable="false" { (PreEscaped(shape)) } }
}

/// The badge of a rehearsal.
pub(crate) fn exercise(words: Words) -> Markup {
    html! { span.badge.badge-exercise { (words.exercise()) } }
}
