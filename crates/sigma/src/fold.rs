//! Case folding: two texts are the same without regard to case when their folds are equal (Unicode simple case folding).
//! A fold works character by character, so a part of a text folds to a part of its fold.

use std::sync::LazyLock;

/// Letters up to here are folded by a table: Latin with Vietnamese, Greek, Cyrillic and what lies between.
const TABLE_END: usize = 0x2000;

static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| {
    let letters = (0..TABLE_END).map(|point| u32::try_from(point).ok().and_then(char::from_u32).unwrap_or_default());
    letters.map(fold_by_properties).collect()
});

/// Folds one character: lower case of upper case where both are single characters (`ſ` and `S` fold to `s`, `Σ` and `ς` to `σ`).
#[must_use]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    TABLE.get(c as usize).copied().unwrap_or_else(|| fold_by_properties(c))
}

fn fold_by_properties(c: char) -> char {
    match c {
        // The dotless i has no simple folding, although its upper case is `I` (CaseFolding.txt, statuses C and S).
        '\u{131}' => return c,
        // Pairs that only CaseFolding.txt says are the same (status S).
        '\u{1fd3}' => return '\u{390}',
        '\u{1fe3}' => return '\u{3b0}',
        '\u{fb05}' => return '\u{fb06}',
        _ => {}
    }
    let upper = only(c.to_uppercase()).unwrap_or(c);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

/// Folds a text.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_into(text, &mut folded);
    folded
}

/// Replaces the content of `folded` by the fold of `text`.
pub fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    folded.push_str(text);
    if text.is_ascii() {
        folded.make_ascii_lowercase();
        return;
    }
    folded.clear();
    folded.extend(text.chars().map(fold_char));
}

/// Folds a text and tells for each byte boundary of the fold at which byte of the text it stands.
#[must_use]
pub fn fold_with_places(text: &str) -> (String, Vec<usize>) {
    let mut folded = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    for (at, c) in text.char_indices() {
        let c = fold_char(c);
        places.extend(std::iter::repeat_n(at, c.len_utf8()));
        folded.push(c);
    }
    places.push(text.len());
    (folded, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_follows_unicode() {
        for (text, expect) in [
            ("CMD.exe", "cmd.exe"),
            ("ĐIỆN Ả", "điện ả"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("ς", "σ"),
            ("ſ\u{212a}", "sk"),
            ("ß", "ß"),
            ("ẞ", "ß"),
            ("ı", "ı"),
            ("İ", "İ"),
            ("\u{b5}", "μ"),
        ] {
            assert_eq!(fold(text), expect, "{text}");
        }
    }

    #[test]
    fn folding_agrees_with_case_insensitive_regular_expressions() {
        use regex_syntax::hir::{Class, HirKind};
        let mut checked = 0;
        for c in ('\0'..=char::MAX).filter(|c| c.is_alphabetic()) {
            assert_eq!(
                fold_char(fold_char(c)),
                fold_char(c),
                "{c}: folding twice changes nothing"
            );
            // A letter that the `regex` crate's older Unicode tables do not know has no class there.
            let hir = regex_syntax::parse(&format!("(?i){c}")).unwrap();
            let HirKind::Class(Class::Unicode(class)) = hir.kind() else {
                continue;
            };
            let same = |other: char| class.iter().any(|range| range.start() <= other && other <= range.end());
            assert!(
                same(fold_char(c)),
                "{c} folds to {}, which is not the same to a regular expression",
                fold_char(c)
            );
            for range in class.iter() {
                for other in range.start()..=range.end() {
                    assert_eq!(
                        fold_char(other),
                        fold_char(c),
                        "{other} and {c} are the same to a regular expression"
                    );
                }
            }
            checked += 1;
        }
        assert!(checked > 2_000, "{checked} letters with case");
    }

    #[test]
    fn places_lead_back_to_the_text() {
        let (folded, places) = fold_with_places("a\u{212a}B");
        assert_eq!((folded.as_str(), places.as_slice()), ("akb", [0, 1, 4, 5].as_slice()));
    }
}
