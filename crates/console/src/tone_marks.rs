//! Search in lists that the ledger does not keep, ignoring tone marks as its searches do: `lua dao` finds `lừa đảo`.

use ledger::fold;

/// What somebody typed into a search box: every word must be found somewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needle {
    words: Vec<String>,
}

impl Needle {
    pub(crate) fn new(typed: &str) -> Self {
        Self {
            words: fold(typed)
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Whether each word is in at least one of the texts.
    pub(crate) fn fits<'a>(&self, texts: impl Iterator<Item = &'a str>) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let haystack: Vec<String> = texts.map(fold).collect();
        self.words
            .iter()
            .all(|word| haystack.iter().any(|text| text.contains(word.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_must_be_found_somewhere_tone_marks_aside() {
        for (typed, texts, fits) in [
            ("lua dao", ["Trang web lừa đảo", ""], true),
            ("lừa POWERSHELL", ["lua dao", r"C:\Windows\powershell.exe"], true),
            ("lua dao", ["lừa", ""], false),
            ("  ", ["anything", ""], true),
        ] {
            assert_eq!(
                Needle::new(typed).fits(texts.into_iter()),
                fits,
                "{typed:?} in {texts:?}"
            );
        }
    }
}
