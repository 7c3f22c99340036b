//! Everything the console says, in both languages. A message is a method of [`Words`] that has both texts beside each
//! other, so one that is missing in either language does not compile.

mod account;
mod alert;
mod channel;
mod counted;
mod duty;
mod frame;
mod handover;
mod hunt;
mod incident;
mod response;
mod rule;
mod silence;
mod source;
mod watch;

use model::{Language, User};

/// The words of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// Both languages, in the order in which they are offered.
    pub(crate) const ALL: [Words; 2] = [Words(Language::Vi), Words(Language::En)];

    /// The BCP 47 tag, as in `<html lang>` and in `User::language`.
    pub(crate) fn tag(self) -> &'static str {
        match self.0 {
            Language::Vi => "vi",
            Language::En => "en",
        }
    }

    /// The language of a tag; `None` for one that the console does not speak.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|words| words.tag() == tag)
    }

    /// The first language of an `Accept-Language` header that the console speaks (RFC 9110, 12.5.4; weights are
    /// ignored because browsers list by preference).
    pub(crate) fn of_header(header: &str) -> Option<Self> {
        header
            .split(',')
            .filter_map(|part| part.split([';', '-']).next())
            .find_map(|tag| Self::of_tag(tag.trim()))
    }

    /// The language a person chose; Vietnamese when the account names none that the console speaks.
    pub(crate) fn of_user(user: &User) -> Self {
        Self::of_tag(&user.language).unwrap_or(Words(Language::Vi))
    }

    /// What the language calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self.0 {
            Language::Vi => "Tiếng Việt",
            Language::En => "English",
        }
    }
}

/// Declares messages: `name: "Vietnamese", "English";` becomes a method of [`Words`].
macro_rules! messages {
    ($( $name:ident : $vi:literal, $en:literal; )*) => {
        impl crate::words::Words {
            $(
                pub(crate) fn $name(self) -> &'static str {
                    match self.0 { model::Language::Vi => $vi, model::Language::En => $en }
                }
            )*
        }

        #[cfg(test)]
        pub(super) const TEXTS: &[(&str, &str, &str)] = &[$( (stringify!($name), $vi, $en), )*];
    };
}
use messages;

#[cfg(test)]
mod tests {
    use super::*;

    fn all_texts() -> Vec<(&'static str, &'static str, &'static str)> {
        [
            account::TEXTS,
            alert::TEXTS,
            channel::TEXTS,
            duty::TEXTS,
            frame::TEXTS,
            incident::TEXTS,
            handover::TEXTS,
            hunt::TEXTS,
            response::TEXTS,
            rule::TEXTS,
            silence::TEXTS,
            source::TEXTS,
            watch::TEXTS,
        ]
        .concat()
    }

    #[test]
    fn every_message_has_both_texts() {
        for (name, vi, en) in all_texts() {
            assert!(!vi.is_empty() && !en.is_empty(), "{name} is empty");
            assert_eq!((vi.trim(), en.trim()), (vi, en), "{name} has blanks around it");
            let typography = ['…', '–', '×', '·', '’'];
            assert!(
                en.chars().all(|c| c.is_ascii() || typography.contains(&c)),
                "{name}: English text {en:?}"
            );
        }
    }

    #[test]
    fn vietnamese_is_composed_and_not_left_in_english() {
        for (name, vi, en) in all_texts() {
            assert!(unicode_normalization::is_nfc(vi), "{name} is not NFC");
            let same_in_both = ["Watchpost"];
            assert!(
                vi != en || same_in_both.contains(&vi),
                "{name} reads {vi:?} in both languages"
            );
        }
    }

    #[test]
    fn the_browser_s_preference_is_read() {
        for (header, tag) in [
            ("en-GB,en;q=0.9,vi;q=0.8", Some("en")),
            ("fr-FR, vi;q=0.5", Some("vi")),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Words::of_header(header).map(Words::tag), tag, "{header}");
        }
    }
}
