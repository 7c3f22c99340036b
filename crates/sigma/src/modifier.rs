//! The value modifiers of the Sigma language and which of them may stand together.

/// A value modifier (Sigma specification 2.1, appendix "Modifiers").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Modifier {
    /// All values must hold instead of any.
    All,
    /// The value begins the field.
    StartsWith,
    /// The value ends the field.
    EndsWith,
    /// The value stands anywhere in the field.
    Contains,
    /// The field is present, or with `false` absent.
    Exists,
    /// Upper and lower case differ.
    Cased,
    /// The field differs from the values.
    Neq,
    /// `-`, `/`, en dash, em dash and horizontal bar stand for each other.
    Windash,
    /// A regular expression.
    Re,
    /// Regular expression: case is ignored.
    ReIgnoreCase,
    /// Regular expression: `^` and `$` match at lines.
    ReMultiLine,
    /// Regular expression: `.` matches a line end.
    ReDotAll,
    /// The value in Base64.
    Base64,
    /// The value inside Base64 at any of the three offsets.
    Base64Offset,
    /// The value in UTF-16, little endian (`wide` is the same).
    Utf16Le,
    /// The value in UTF-16, big endian.
    Utf16Be,
    /// The value in UTF-16 with a byte order mark.
    Utf16,
    /// Less than.
    Lt,
    /// Less than or equal.
    Lte,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Gte,
    /// The minute of the time in the field, 0 to 59.
    Minute,
    /// The hour of the time in the field, 0 to 23.
    Hour,
    /// The day of the month of the time in the field, 1 to 31.
    Day,
    /// The ISO week of the time in the field, 1 to 53.
    Week,
    /// The month of the time in the field, 1 to 12.
    Month,
    /// The year of the time in the field.
    Year,
    /// An address inside a network.
    Cidr,
    /// Placeholders are replaced by lists of values.
    Expand,
    /// The value names another field to compare with.
    FieldRef,
}

impl Modifier {
    /// Reads a modifier's name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "contains" => Self::Contains,
            "exists" => Self::Exists,
            "cased" => Self::Cased,
            "neq" => Self::Neq,
            "windash" => Self::Windash,
            "re" => Self::Re,
            "i" | "ignorecase" => Self::ReIgnoreCase,
            "m" | "multiline" => Self::ReMultiLine,
            "s" | "dotall" => Self::ReDotAll,
            "base64" => Self::Base64,
            "base64offset" => Self::Base64Offset,
            "utf16le" | "wide" => Self::Utf16Le,
            "utf16be" => Self::Utf16Be,
            "utf16" => Self::Utf16,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "year" => Self::Year,
            "cidr" => Self::Cidr,
            "expand" => Self::Expand,
            "fieldref" => Self::FieldRef,
            _ => return None,
        })
    }

    /// Returns the modifier's name as the specification writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
            Self::Contains => "contains",
            Self::Exists => "exists",
            Self::Cased => "cased",
            Self::Neq => "neq",
            Self::Windash => "windash",
            Self::Re => "re",
            Self::ReIgnoreCase => "i",
            Self::ReMultiLine => "m",
            Self::ReDotAll => "s",
            Self::Base64 => "base64",
            Self::Base64Offset => "base64offset",
            Self::Utf16Le => "utf16le",
            Self::Utf16Be => "utf16be",
            Self::Utf16 => "utf16",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
            Self::Cidr => "cidr",
            Self::Expand => "expand",
            Self::FieldRef => "fieldref",
        }
    }

    /// Returns the known name closest to a mistyped one, for messages.
    #[must_use]
    pub fn nearest_name(mistyped: &str) -> Option<&'static str> {
        const NAMES: [&str; 31] = [
            "all",
            "startswith",
            "endswith",
            "contains",
            "exists",
            "cased",
            "neq",
            "windash",
            "re",
            "i",
            "m",
            "s",
            "base64",
            "base64offset",
            "utf16le",
            "utf16be",
            "utf16",
            "wide",
            "lt",
            "lte",
            "gt",
            "gte",
            "minute",
            "hour",
            "day",
            "week",
            "month",
            "year",
            "cidr",
            "expand",
            "fieldref",
        ];
        let lower: String = mistyped.chars().take(32).collect::<String>().to_lowercase();
        NAMES
            .into_iter()
            .map(|name| (edit_distance(&lower, name), name))
            .min()
            .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
            .map(|(_, name)| name)
    }
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_neighbour() {
        for (mistyped, expect) in [
            ("contain", Some("contains")),
            ("startwith", Some("startswith")),
            ("Contains", Some("contains")),
            ("base64ofset", Some("base64offset")),
            ("completelyother", None),
        ] {
            assert_eq!(Modifier::nearest_name(mistyped), expect, "{mistyped}");
        }
    }
}
