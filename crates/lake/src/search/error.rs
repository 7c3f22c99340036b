//! What is wrong with a search line, where, and what may have been meant; in both languages.

use model::Language;

/// A search line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchError {
    /// The place in the line in characters, from 0: first, and one behind the last.
    pub at: (usize, usize),
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a search line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no field of this name.
    UnknownField {
        /// The name.
        name: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// A field without a value.
    NoValue(String),
    /// Quotes that are not closed.
    OpenQuote,
    /// A bracket that is not closed.
    OpenBracket,
    /// A bracket that was never opened.
    StrayBracket,
    /// `AND`, `OR` or `NOT` with nothing to join.
    NothingToJoin(String),
    /// This is no address and no network.
    NotAnAddress(String),
    /// This is no number.
    NotANumber(String),
    /// This is no moment.
    NotATime(String),
    /// This is neither yes nor no.
    NotAFlag(String),
    /// Texts are not greater or less than others.
    NoOrder(String),
    /// A range is written `[from TO to]`.
    NotARange,
    /// A wildcard in the midst of free text.
    InnerWildcard(String),
    /// The line is too long.
    TooLong,
    /// Too many conditions.
    TooMany,
    /// Brackets too deep in brackets.
    TooDeep,
}

impl Fault {
    /// What is wrong, in words.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::Vi => self.vietnamese(),
            Language::En => self.english(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::UnknownField { name, near } if near.is_empty() => {
                format!(
                    "there is no field {name}; put the text in quotes, or write fields.{name} for a field of the record"
                )
            }
            Self::UnknownField { name, near } => {
                format!(
                    "there is no field {name}; did you mean {}? Text that contains a colon goes in quotes",
                    near.join(", ")
                )
            }
            Self::NoValue(name) => format!("{name} needs a value, for example {name}:abc*"),
            Self::OpenQuote => "the quotes are not closed".to_owned(),
            Self::OpenBracket => "the bracket is not closed".to_owned(),
            Self::StrayBracket => "this bracket was never opened; inside a value, put it in quotes".to_owned(),
            Self::NothingToJoin(word) => {
                format!("{word} has nothing to join; put the word itself in quotes to look for it")
            }
            Self::NotAnAddress(text) => {
                format!("{text} is not an address or network like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")
            }
            Self::NotANumber(text) => format!("{text} is not a number"),
            Self::NotATime(text) => format!("{text} is not a time like 2026-11-25 or 2026-11-25T07:30:00+07:00"),
            Self::NotAFlag(text) => format!("{text} is neither true nor false"),
            Self::NoOrder(name) => format!("{name} is text, which is not greater or less; write {name}:value"),
            Self::NotARange => "a range is written [from TO to]".to_owned(),
            Self::InnerWildcard(text) => {
                format!(
                    "free text is found anywhere, so {text} needs no wildcard inside; write field:{text} to match a whole value"
                )
            }
            Self::TooLong => "the line is too long".to_owned(),
            Self::TooMany => "there are too many conditions".to_owned(),
            Self::TooDeep => "there are too many brackets inside each other".to_owned(),
        }
    }

    fn vietnamese(&self) -> String {
        match self {
            Self::UnknownField { name, near } if near.is_empty() => {
                format!(
                    "không có trường {name}; hãy đặt văn bản trong dấu ngoặc kép, hoặc viết fields.{name} cho trường riêng của bản ghi"
                )
            }
            Self::UnknownField { name, near } => format!(
                "không có trường {name}; có phải ý bạn là {}? Văn bản có dấu hai chấm phải đặt trong dấu ngoặc kép",
                near.join(", ")
            ),
            Self::NoValue(name) => format!("{name} cần một giá trị, ví dụ {name}:abc*"),
            Self::OpenQuote => "dấu ngoặc kép chưa được đóng".to_owned(),
            Self::OpenBracket => "dấu ngoặc chưa được đóng".to_owned(),
            Self::StrayBracket => {
                "dấu ngoặc này chưa được mở; trong giá trị, hãy đặt nó trong dấu ngoặc kép".to_owned()
            }
            Self::NothingToJoin(word) => {
                format!("{word} không có gì để nối; muốn tìm chính từ này thì đặt trong dấu ngoặc kép")
            }
            Self::NotAnAddress(text) => {
                format!("{text} không phải địa chỉ hay mạng như 203.0.113.7, 203.0.113.0/24 hoặc 2001:db8::/32")
            }
            Self::NotANumber(text) => format!("{text} không phải là số"),
            Self::NotATime(text) => {
                format!("{text} không phải thời điểm như 2026-11-25 hoặc 2026-11-25T07:30:00+07:00")
            }
            Self::NotAFlag(text) => format!("{text} không phải true hay false"),
            Self::NoOrder(name) => format!("{name} là văn bản, không so lớn nhỏ được; hãy viết {name}:giá-trị"),
            Self::NotARange => "khoảng giá trị viết là [từ TO đến]".to_owned(),
            Self::InnerWildcard(text) => {
                format!(
                    "văn bản tự do được tìm ở mọi chỗ nên {text} không cần ký tự đại diện ở giữa; hãy viết trường:{text} để so cả giá trị"
                )
            }
            Self::TooLong => "dòng tìm kiếm quá dài".to_owned(),
            Self::TooMany => "có quá nhiều điều kiện".to_owned(),
            Self::TooDeep => "quá nhiều dấu ngoặc lồng nhau".to_owned(),
        }
    }
}

impl SearchError {
    /// What is wrong and where, with the line and a mark below the place; for a terminal.
    #[must_use]
    pub fn drawn(&self, line: &str, language: Language) -> String {
        let (first, end) = self.at;
        let mark = "^".repeat(end.saturating_sub(first).max(1));
        format!("{line}\n{}{mark}\n{}", " ".repeat(first), self.fault.text(language))
    }
}

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at character {}: {}", self.at.0 + 1, self.fault.text(Language::En))
    }
}

impl std::error::Error for SearchError {}
