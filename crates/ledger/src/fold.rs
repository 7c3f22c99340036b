//! Folding of text for search: `lua dao` finds `Lừa Đảo`, however its letters are composed.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Folds text: compatibility decomposition, without tone and other combining marks, `đ` as `d`, lower case, runs of
/// white space as one space.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)) {
        match letter {
            'đ' | 'Đ' | 'ð' | 'Ð' => folded.push('d'),
            space if space.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.extend(other.to_lowercase().filter(|letter| !is_combining_mark(*letter))),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The patterns of `LIKE … ESCAPE '\'` for the words of a search: each must be found.
pub(crate) fn patterns(search: &str) -> Vec<String> {
    fold(search)
        .split(' ')
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(|word| {
            let mut pattern = String::from("%");
            for letter in word.chars() {
                if matches!(letter, '%' | '_' | '\\') {
                    pattern.push('\\');
                }
                pattern.push(letter);
            }
            pattern.push('%');
            pattern
        })
        .collect()
}

/// Words of a search beyond this are left out.
const WORDS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tone_marks_case_and_composition_do_not_matter() {
        let decomposed: String = "Lừa Đảo".nfd().collect();
        for text in ["Lừa Đảo", "lua dao", "LỪA  ĐẢO ", decomposed.as_str()] {
            assert_eq!(fold(text), "lua dao", "{text:?}");
        }
        assert_eq!(fold("İstanbul ﬁle"), "istanbul file");
    }

    #[test]
    fn what_like_would_read_as_a_wildcard_is_meant_literally() {
        assert_eq!(patterns(" 100%_ \\x "), ["%100\\%\\_%", "%\\\\x%"]);
        assert!(patterns("   ").is_empty());
    }
}
