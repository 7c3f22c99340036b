//! Text of outside origin made safe to look at: control and direction-changing characters become visible, matched
//! bytes are marked.

use maud::{Markup, html};

/// The text with every character that could hide or reorder others written out (`\u{202e}`); newlines and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let hides = letter.is_control() && !matches!(letter, '\n' | '\t');
        let reorders =
            matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if hides || reorders {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The text with the given byte ranges marked. Ranges outside the text or inside a character are widened or dropped.
pub(crate) fn marked(text: &str, spans: &[(u32, u32)]) -> Markup {
    let mut ranges: Vec<(usize, usize)> = spans
        .iter()
        .filter_map(|(start, end)| {
            let (start, end) = (
                usize::try_from(*start).ok()?,
                usize::try_from(*end).ok()?.min(text.len()),
            );
            (start < end).then(|| (floor(text, start), ceiling(text, end)))
        })
        .collect();
    ranges.sort_unstable();
    let mut parts: Vec<(bool, &str)> = Vec::new();
    let mut at = 0;
    for (start, end) in ranges {
        let start = start.max(at);
        if start < end {
            parts.push((false, &text[at..start]));
            parts.push((true, &text[start..end]));
            at = end;
        }
    }
    parts.push((false, &text[at..]));
    html! {
        @for (hit, part) in parts {
            @if hit { mark { (visible(part)) } } @else { (visible(part)) }
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceiling(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matched_bytes_are_marked_and_everything_is_escaped() {
        for (text, spans, expected) in [
            ("C:\\x.exe", vec![(4, 8)], "C:\\x<mark>.exe</mark>"),
            ("<b>&", vec![(0, 3)], "<mark>&lt;b&gt;</mark>&amp;"),
            ("lừa", vec![(2, 3)], "l<mark>ừ</mark>a"),
            ("ab", vec![(1, 99), (0, 1)], "<mark>a</mark><mark>b</mark>"),
            ("ab", vec![(5, 9), (1, 1)], "ab"),
            ("a\u{202e}b\0", vec![], "a\\u{202e}b\\u{0}"),
        ] {
            assert_eq!(marked(text, &spans).into_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn any_spans_on_any_text_lose_nothing(text in ".{0,40}", spans in prop::collection::vec((0u32..200, 0u32..200), 0..6)) {
            let bare = marked(&text, &spans).into_string().replace("<mark>", "").replace("</mark>", "");
            prop_assert_eq!(bare, html! { (visible(&text)) }.into_string());
        }
    }
}
