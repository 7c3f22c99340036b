//! The type of letters: Tinos, which has the widths of Times New Roman and every letter of Vietnamese. It comes with this
//! crate (`fonts/`, SIL Open Font License), never from the machine, so that a letter looks the same everywhere.

use typst::{
    foundations::Bytes,
    text::{Font, FontBook},
};

const FILES: [&[u8]; 4] = [
    include_bytes!("../fonts/Tinos-Regular.ttf"),
    include_bytes!("../fonts/Tinos-Italic.ttf"),
    include_bytes!("../fonts/Tinos-Bold.ttf"),
    include_bytes!("../fonts/Tinos-BoldItalic.ttf"),
];

/// The fonts, and the book by which the typesetter finds them.
pub(crate) fn load() -> (FontBook, Vec<Font>) {
    let fonts: Vec<Font> = FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect();
    (FontBook::from_fonts(&fonts), fonts)
}

/// The characters of a text for which the type has no glyph, each once.
pub(crate) fn without_glyph(text: &str) -> Vec<char> {
    let (book, _) = load();
    let mut missing: Vec<char> = text
        .chars()
        .filter(|letter| !letter.is_control() && !letter.is_whitespace())
        .filter(|letter| {
            !(0..FILES.len()).all(|index| {
                book.info(index)
                    .is_some_and(|info| info.coverage.contains(u32::from(*letter)))
            })
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter of Vietnamese: each vowel with each tone, and đ.
    fn vietnamese() -> String {
        let vowels = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ";
        format!("{vowels}{}", vowels.to_uppercase())
    }

    #[test]
    fn every_letter_of_vietnamese_has_a_glyph_in_every_style() {
        assert_eq!(vietnamese().chars().count(), 2 * 73);
        assert_eq!(without_glyph(&vietnamese()), Vec::<char>::new());
        assert_eq!(
            without_glyph("0123456789 “”‘’–—…•§°№₫€→≤≥ [chưa có]"),
            Vec::<char>::new()
        );
    }

    #[test]
    fn what_the_type_lacks_is_named() {
        assert_eq!(without_glyph("vụ 网络 安全 网"), ['全', '安', '络', '网']);
    }
}
