//! Cuts JSON that spans lines into its values: objects one after the other, in an array, or in the `Records` of a CloudTrail file.

use std::io::{self, BufRead};

/// Longest value in bytes; a longer one is given cut, marked as such.
pub(crate) const VALUE_BYTES_MAX: usize = 16 << 20;

/// One value cut from the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Where it begins, in bytes from the beginning of the (unpacked) file.
    pub offset: u64,
    /// The value, or its beginning.
    pub bytes: Vec<u8>,
    /// Why it is not a whole value.
    pub broken: Option<Broken>,
}

/// Why a value is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Longer than [`VALUE_BYTES_MAX`].
    TooLong,
    /// The file ended inside it.
    EndOfFile,
    /// Text between values that is not JSON.
    NotJson,
}

impl Broken {
    /// Says it as the report does.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::TooLong => "JSON value longer than 16 MiB, its beginning was read",
            Self::EndOfFile => "JSON value without end, its beginning was read",
            Self::NotJson => "text between JSON values",
        }
    }
}

/// Hands each value of the file to `each`.
///
/// # Errors
/// When the file cannot be read further; what was whole before has been handed over.
pub(crate) fn cut(mut file: impl BufRead, mut each: impl FnMut(Cut)) -> io::Result<()> {
    let mut cutter = Cutter::default();
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        for byte in chunk {
            cutter.take(*byte, &mut each);
        }
        let used = chunk.len();
        file.consume(used);
    }
    cutter.end(&mut each);
    Ok(())
}

/// The opening of a CloudTrail file, white space left out.
const RECORDS: &[u8] = b"{\"Records\":[";

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about where in the text we are"
)]
struct Cutter {
    offset: u64,
    value: Vec<u8>,
    value_offset: u64,
    depth: usize,
    in_string: bool,
    escaped: bool,
    dropped: bool,
    /// How much of [`RECORDS`] the first value has matched so far, without white space; absent once it differs.
    records_seen: Option<usize>,
    begun: bool,
}

impl Cutter {
    fn take(&mut self, byte: u8, each: &mut impl FnMut(Cut)) {
        let at = self.offset;
        self.offset += 1;
        if self.depth == 0 {
            self.between(byte, at, each);
            return;
        }
        self.keep(byte);
        if self.in_string {
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
        }
        if self.opens_records(byte) {
            self.reset();
        } else if self.depth == 0 {
            let broken = self.dropped.then_some(Broken::TooLong);
            self.give(broken, each);
        }
    }

    /// Outside of any value: white space, commas and the brackets of the array around the values.
    fn between(&mut self, byte: u8, at: u64, each: &mut impl FnMut(Cut)) {
        let separates = byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | b'}' | 0xef | 0xbb | 0xbf);
        if byte != b'{' && !separates {
            if self.value.is_empty() {
                self.value_offset = at;
            }
            self.keep(byte);
            return;
        }
        if !self.value.is_empty() {
            self.give(Some(Broken::NotJson), each);
        }
        if byte == b'{' {
            self.value_offset = at;
            self.depth = 1;
            self.records_seen = (!self.begun).then_some(1);
            self.begun = true;
            self.keep(byte);
        }
    }

    /// Follows whether the first value is the wrapper of a CloudTrail file; true at the bracket that opens its list.
    fn opens_records(&mut self, byte: u8) -> bool {
        let Some(seen) = self.records_seen else { return false };
        if byte.is_ascii_whitespace() {
            return false;
        }
        let fits = RECORDS.get(seen) == Some(&byte);
        self.records_seen = fits.then_some(seen + 1);
        fits && seen + 1 == RECORDS.len()
    }

    fn keep(&mut self, byte: u8) {
        if self.value.len() < VALUE_BYTES_MAX {
            self.value.push(byte);
        } else {
            self.dropped = true;
        }
    }

    fn give(&mut self, broken: Option<Broken>, each: &mut impl FnMut(Cut)) {
        let cut = Cut {
            offset: self.value_offset,
            bytes: std::mem::take(&mut self.value),
            broken,
        };
        self.reset();
        each(cut);
    }

    fn reset(&mut self) {
        self.value.clear();
        self.depth = 0;
        self.in_string = false;
        self.escaped = false;
        self.dropped = false;
        self.records_seen = None;
    }

    fn end(&mut self, each: &mut impl FnMut(Cut)) {
        if !self.value.is_empty() {
            let broken = if self.depth > 0 {
                Broken::EndOfFile
            } else {
                Broken::NotJson
            };
            self.give(Some(broken), each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, Option<Broken>)> {
        let mut found = Vec::new();
        cut(text.as_bytes(), |cut| {
            found.push((String::from_utf8(cut.bytes).unwrap(), cut.broken));
        })
        .unwrap();
        found
    }

    #[test]
    fn values_are_cut_wherever_they_stand() {
        let whole = |texts: &[&str]| texts.iter().map(|text| ((*text).to_owned(), None)).collect::<Vec<_>>();
        let cases = [
            (
                "{\n \"a\": 1\n}\n{\"b\":[{}]}",
                whole(&["{\n \"a\": 1\n}", "{\"b\":[{}]}"]),
            ),
            (
                "\u{feff}[ {\"a\":\"}\\\"]\"} , {} ]",
                whole(&["{\"a\":\"}\\\"]\"}", "{}"]),
            ),
            (
                "{ \"Records\" : [ {\"a\":1},{\"b\":2} ] }\n",
                whole(&["{\"a\":1}", "{\"b\":2}"]),
            ),
            ("{\"Records\": 7}", whole(&["{\"Records\": 7}"])),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_whole_is_kept_and_named() {
        assert_eq!(
            values("{\"a\":1} oops {\"b\":"),
            [
                ("{\"a\":1}".to_owned(), None),
                ("oops".to_owned(), Some(Broken::NotJson)),
                ("{\"b\":".to_owned(), Some(Broken::EndOfFile)),
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            cut(bytes.as_slice(), |_| {}).unwrap();
        }
    }
}
