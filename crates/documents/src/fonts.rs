//! The type of letters. An office that has Times New Roman puts its files beside the layout; without them it is Libertinus Serif, which
//! comes with the typesetter's crates and has every letter of Vietnamese. Nothing is taken from the machine, so that a letter looks
//! the same everywhere.

use std::collections::BTreeMap;

use typst::{
    foundations::Bytes,
    text::{Font, FontBook},
};

/// The family that is always there.
const BUILT_IN: &str = "Libertinus Serif";
/// Letters that its bold italics lack: without those styles, bold italic text is set in italics or in bold.
const HORNED: &str = "ơưƠƯ";
/// The endings of font files.
const ENDINGS: [&str; 3] = ["ttf", "otf", "ttc"];

/// The fonts of a letter.
pub(crate) struct Typeface {
    /// The family that a layout should use.
    pub(crate) family: String,
    /// The office's own fonts, then the built-in ones.
    pub(crate) fonts: Vec<Font>,
    own: usize,
}

impl Typeface {
    /// The fonts among the files of a layout, and the built-in ones.
    pub(crate) fn load(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let is_font = |name: &str| {
            name.rsplit_once('.')
                .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
        };
        let mut fonts: Vec<Font> = files
            .iter()
            .filter(|(name, _)| is_font(name))
            .flat_map(|(_, bytes)| Font::iter(Bytes::new(bytes.clone())))
            .collect();
        let own = fonts.len();
        let family = fonts
            .first()
            .map_or(BUILT_IN, |font| font.info().family.as_str())
            .to_owned();
        let built_in = typst_assets::fonts().flat_map(|file| Font::iter(Bytes::new(file)));
        let is_whole = |font: &Font| HORNED.chars().all(|letter| has(font, letter));
        fonts.extend(built_in.filter(|font| font.info().family == BUILT_IN && is_whole(font)));
        Self { family, fonts, own }
    }

    /// The book by which the typesetter finds them.
    pub(crate) fn book(&self) -> FontBook {
        FontBook::from_fonts(&self.fonts)
    }

    /// The characters of a text for which some style has no glyph, each once.
    pub(crate) fn without_glyph(&self, text: &str) -> Vec<char> {
        let (own, built_in) = self.fonts.split_at(self.own);
        let mut missing: Vec<char> = text
            .chars()
            .filter(|letter| !letter.is_control() && !letter.is_whitespace())
            .filter(|letter| !own.iter().any(|font| has(font, *letter)))
            .filter(|letter| !built_in.iter().all(|font| has(font, *letter)))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

fn has(font: &Font, letter: char) -> bool {
    font.info().coverage.contains(u32::from(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Typeface {
        Typeface::load(&BTreeMap::new())
    }

    /// Every letter of Vietnamese: each vowel with each tone, and đ.
    fn vietnamese() -> String {
        let vowels = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ";
        format!("{vowels}{}", vowels.to_uppercase())
    }

    #[test]
    fn every_letter_of_vietnamese_has_a_glyph_in_every_style() {
        assert_eq!(vietnamese().chars().count(), 2 * 73);
        assert_eq!(built_in().without_glyph(&vietnamese()), Vec::<char>::new());
        assert_eq!(
            built_in().without_glyph("0123456789 “”‘’–—…•§°№₫€→≤≥ [chưa có]"),
            Vec::<char>::new()
        );
    }

    #[test]
    fn what_the_type_lacks_is_named() {
        assert_eq!(built_in().without_glyph("vụ 网络 安全 网"), ['全', '安', '络', '网']);
    }

    #[test]
    fn the_offices_own_type_comes_first() {
        let bytes = built_in().fonts[0].data().to_vec();
        let garbage = ("broken.otf".to_owned(), b"no font".to_vec());
        let files = BTreeMap::from([garbage, ("office.otf".to_owned(), bytes)]);
        let typeface = Typeface::load(&files);
        assert_eq!(typeface.own, 1, "what is no font is passed over");
        assert_eq!(typeface.family, BUILT_IN, "the family of the first of them");
    }
}
