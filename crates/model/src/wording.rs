//! Words in both languages that come from content or from people, unlike a [`crate::Phrase`], which the program carries.

use serde::{Deserialize, Serialize};

use crate::Language;

/// Words in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Vietnamese.
    pub vi: String,
    /// English; where nobody translated, the Vietnamese.
    pub en: String,
}

impl Wording {
    /// The same words in both languages, for names and for what somebody wrote in one language.
    #[must_use]
    pub fn same(words: &str) -> Self {
        Self {
            vi: words.to_owned(),
            en: words.to_owned(),
        }
    }

    /// The words in one language.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}
