//! Finding text without reading everything: each row group has a filter of the five-byte pieces (*grams*) of its records'
//! folded text, and the filters of a file stand in it as one table, slot by slot, so that a question reads few bytes of it.
//!
//! A slot holds one bit for each row group. A text can be in a row group only if the bits of all its grams are set.
//! The table lies in the Parquet file before its footer, where other readers pass over it; a key of the footer names
//! its place. `docs/adr/0014-text-in-the-lake.md` says why it is built so.

use std::{io, ops::Range, sync::LazyLock};

use bytes::Bytes;
use parquet::file::metadata::{FileMetaData, KeyValue};
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Bytes of a gram.
pub(crate) const GRAM_BYTES: usize = 5;

/// The key in the footer under which the place of the table stands.
const KEY: &str = "watchpost.text";

/// Slots of a filter while it is built, as a power of two: 128 KiB.
const BUILD_LOG2: u32 = 20;
/// Most slots of a finished filter: 64 KiB for a row group of 8,192 rows.
const SLOTS_LOG2_MAX: u32 = 19;
/// Fewest slots.
const SLOTS_LOG2_MIN: u32 = 8;
/// A filter is halved as long as at most this share of its bits, in hundredths, would be set.
const FILL_PERCENT_MAX: u64 = 40;
/// Most grams of one text that are asked for; more would decide nothing.
const ASKED_MAX: usize = 48;
/// Most row groups that a table may speak of: a file has far fewer.
const GROUPS_MAX: usize = 1 << 16;

/// Letters up to here are folded by a table.
const TABLE_END: u32 = 0x2000;

/// What each letter folds to; NUL where nothing remains of it.
static TABLE: LazyLock<Vec<char>> = LazyLock::new(|| {
    (0..TABLE_END)
        .map(|point| char::from_u32(point).map_or('\u{fffd}', fold_by_properties))
        .collect()
});

/// The base letter in lower case: without tone and other marks, `đ` as `d`.
fn fold_by_properties(letter: char) -> char {
    if is_combining_mark(letter) {
        return '\0';
    }
    let mut base = None;
    decompose_compatible(letter, |part| {
        if base.is_none() && !is_combining_mark(part) {
            base = Some(part);
        }
    });
    let lower = base.unwrap_or(letter).to_lowercase().next().unwrap_or(letter);
    if lower == 'đ' || lower == 'ð' { 'd' } else { lower }
}

fn fold_char(letter: char) -> char {
    usize::try_from(u32::from(letter))
        .ok()
        .and_then(|point| TABLE.get(point).copied())
        .unwrap_or_else(|| fold_by_properties(letter))
}

/// Appends the folded text of some bytes: lower case, Vietnamese tones and other marks taken off, letter by letter, so that a
/// part of a text folds to a part of its fold. Bytes that are not UTF-8 become replacement characters.
pub(crate) fn fold_into(bytes: &[u8], folded: &mut Vec<u8>) {
    if bytes.is_ascii() {
        let begin = folded.len();
        folded.extend_from_slice(bytes);
        folded[begin..].make_ascii_lowercase();
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let letter = fold_char(letter);
            if letter != '\0' {
                folded.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        if !chunk.invalid().is_empty() {
            folded.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

/// The folded form of a text, by which hunts compare it.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = Vec::with_capacity(text.len());
    fold_into(text.as_bytes(), &mut folded);
    // Letters are folded to letters, so this is always text.
    String::from_utf8(folded).unwrap_or_default()
}

/// The slot of a gram, before it is cut to the size of a filter.
fn slot(gram: u64) -> u32 {
    u32::try_from(gram.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).expect("24 bits are left")
}

fn grams(folded: &[u8]) -> impl Iterator<Item = u64> {
    let mask = (1 << (8 * GRAM_BYTES)) - 1;
    let first = folded.iter().take(GRAM_BYTES - 1);
    let mut gram = first.fold(0u64, |gram, byte| gram << 8 | u64::from(*byte));
    folded.iter().skip(GRAM_BYTES - 1).map(move |byte| {
        gram = (gram << 8 | u64::from(*byte)) & mask;
        gram
    })
}

/// The slots that all must be set where a text is; none if it is too short to say.
pub(crate) fn slots_of(folded: &[u8]) -> Vec<u32> {
    let mut slots: Vec<u32> = grams(folded).map(slot).collect();
    slots.sort_unstable();
    slots.dedup();
    let every = slots.len().div_ceil(ASKED_MAX).max(1);
    slots.into_iter().step_by(every).collect()
}

/// Builds the filter of one row group.
pub(crate) struct Builder {
    words: Vec<u64>,
    folded: Vec<u8>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            words: vec![0; 1 << (BUILD_LOG2 - 6)],
            folded: Vec::new(),
        }
    }

    /// Takes in a text of one of the rows.
    pub(crate) fn add(&mut self, text: &[u8]) {
        if text.len() < GRAM_BYTES {
            return;
        }
        self.folded.clear();
        fold_into(text, &mut self.folded);
        let mask = (1 << BUILD_LOG2) - 1;
        for gram in grams(&self.folded) {
            let at = slot(gram) & mask;
            self.words[(at >> 6) as usize] |= 1 << (at & 63);
        }
    }

    /// The filter of a whole file with one row group.
    pub(crate) fn finish(self) -> TextTable {
        let (mut words, mut log2) = (self.words, BUILD_LOG2);
        while log2 > SLOTS_LOG2_MIN {
            let (low, high) = words.split_at(words.len() / 2);
            let halved: Vec<u64> = low.iter().zip(high).map(|(one, other)| one | other).collect();
            let set: u64 = halved.iter().map(|word| u64::from(word.count_ones())).sum();
            if log2 <= SLOTS_LOG2_MAX && set * 100 > FILL_PERCENT_MAX << (log2 - 1) {
                break;
            }
            words = halved;
            log2 -= 1;
        }
        TextTable {
            log2,
            groups: 1,
            bits: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }
}

/// The filters of all row groups of a file: bit `slot * groups + group` says whether the group has a gram of that slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextTable {
    log2: u32,
    groups: usize,
    bits: Vec<u8>,
}

impl TextTable {
    /// Joins the tables of files whose row groups follow each other.
    pub(crate) fn join(parts: &[Self]) -> Self {
        let log2 = parts.iter().map(|part| part.log2).max().unwrap_or(SLOTS_LOG2_MIN);
        let groups: usize = parts.iter().map(|part| part.groups).sum();
        let mut bits = vec![0; (groups << log2).div_ceil(8)];
        let mut begin = 0;
        for part in parts {
            for slot in 0..1usize << log2 {
                let from = (slot & ((1 << part.log2) - 1)) * part.groups;
                copy_bits(&part.bits, from, &mut bits, slot * groups + begin, part.groups);
            }
            begin += part.groups;
        }
        Self { log2, groups, bits }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bits
    }

    /// What the footer says of the table, when it begins at `offset`.
    pub(crate) fn key_value(&self, offset: usize) -> KeyValue {
        let place = format!("1 {offset} {} {}", self.log2, self.groups);
        KeyValue::new(KEY.to_owned(), place)
    }

    /// Whether the key is that of a table, which must not be copied from one file to another.
    pub(crate) fn is_key(key: &str) -> bool {
        key == KEY
    }
}

fn copy_bits(from: &[u8], from_bit: usize, to: &mut [u8], to_bit: usize, count: usize) {
    let mut done = 0;
    while done < count {
        let take = (count - done).min(8);
        let (byte, shift) = ((from_bit + done) / 8, (from_bit + done) % 8);
        let pair = u16::from(from[byte]) | u16::from(from.get(byte + 1).copied().unwrap_or(0)) << 8;
        let piece = (pair >> shift) & ((1 << take) - 1);
        let (byte, shift) = ((to_bit + done) / 8, (to_bit + done) % 8);
        let [low, high] = (piece << shift).to_le_bytes();
        to[byte] |= low;
        if high != 0 {
            to[byte + 1] |= high;
        }
        done += take;
    }
}

/// Where the table is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextPlace {
    offset: u64,
    log2: u32,
    groups: usize,
}

impl TextPlace {
    /// Reads the place from the footer of a file with so many bytes and row groups; nothing where there is no table, or none
    /// that this version knows: then the text is looked for without it.
    pub(crate) fn of(facts: &FileMetaData, file_bytes: u64, row_groups: usize) -> Option<Self> {
        let pairs = facts.key_value_metadata()?;
        let place = pairs.iter().find(|pair| pair.key == KEY)?.value.as_deref()?;
        let mut numbers = place.strip_prefix("1 ")?.split(' ').map(str::parse::<u64>);
        let (offset, log2, groups) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let place = Self {
            offset,
            log2: u32::try_from(log2).ok().filter(|log2| *log2 <= BUILD_LOG2)?,
            groups: usize::try_from(groups).ok().filter(|groups| *groups <= GROUPS_MAX)?,
        };
        let end = place.offset.checked_add(place.length())?;
        (place.groups == row_groups && numbers.next().is_none() && end <= file_bytes).then_some(place)
    }

    fn length(self) -> u64 {
        ((self.groups as u64) << self.log2).div_ceil(8)
    }

    /// Reads the whole table.
    pub(crate) fn load(self, read: impl Fn(Range<u64>) -> io::Result<Bytes>) -> io::Result<TextTable> {
        let bits = read(self.offset..self.offset + self.length())?;
        Ok(TextTable {
            log2: self.log2,
            groups: self.groups,
            bits: bits.to_vec(),
        })
    }

    /// In which row groups all the slots are set.
    fn groups_with(self, slots: &[u32], read: &impl Fn(Range<u64>) -> io::Result<Bytes>) -> io::Result<Vec<bool>> {
        let mut found = vec![true; self.groups];
        for slot in slots {
            let first = u64::from(slot & ((1 << self.log2) - 1)) * self.groups as u64;
            let end = first + self.groups as u64;
            let bytes = read(self.offset + first / 8..self.offset + end.div_ceil(8))?;
            let shift = usize::try_from(first % 8).expect("less than eight");
            for (group, found) in found.iter_mut().enumerate().filter(|(_, found)| **found) {
                let bit = shift + group;
                *found = bytes[bit / 8] >> (bit % 8) & 1 == 1;
            }
            if !found.contains(&true) {
                break;
            }
        }
        Ok(found)
    }
}

/// What a condition demands of the text of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing that a filter could tell.
    Nothing,
    /// All these slots.
    Slots(Vec<u32>),
    /// All of these.
    All(Vec<Need>),
    /// One of these.
    Any(Vec<Need>),
}

impl Need {
    /// That a text be there.
    pub(crate) fn of_text(text: &str) -> Self {
        let slots = slots_of(fold(text).as_bytes());
        if slots.is_empty() {
            Self::Nothing
        } else {
            Self::Slots(slots)
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Slots(_) => false,
            Self::All(parts) => parts.iter().all(Self::is_nothing),
            Self::Any(parts) => parts.iter().any(Self::is_nothing),
        }
    }

    /// Which row groups may have rows that fulfil it.
    pub(crate) fn groups(
        &self,
        place: TextPlace,
        read: &impl Fn(Range<u64>) -> io::Result<Bytes>,
    ) -> io::Result<Vec<bool>> {
        if self.is_nothing() {
            return Ok(vec![true; place.groups]);
        }
        let (parts, all) = match self {
            Self::Nothing => return Ok(vec![true; place.groups]),
            Self::Slots(slots) => return place.groups_with(slots, read),
            Self::All(parts) => (parts, true),
            Self::Any(parts) => (parts, false),
        };
        let mut found = vec![all; place.groups];
        for part in parts {
            for (found, here) in found.iter_mut().zip(part.groups(place, read)?) {
                *found = if all { *found && here } else { *found || here };
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table_of(texts: &[&str]) -> TextTable {
        let mut builder = Builder::new();
        for text in texts {
            builder.add(text.as_bytes());
        }
        builder.finish()
    }

    fn groups(table: &TextTable, need: &Need) -> Vec<bool> {
        let place = TextPlace {
            offset: 0,
            log2: table.log2,
            groups: table.groups,
        };
        let bytes = Bytes::from(table.bits.clone());
        let read = |range: Range<u64>| {
            Ok(bytes.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
        };
        need.groups(place, &read).unwrap()
    }

    #[test]
    fn text_is_folded_letter_by_letter() {
        for (text, folded) in [
            ("PowerShell", "powershell"),
            ("Lừa Đảo", "lua dao"),
            ("Lu\u{031b}\u{0300}a", "lua"),
            ("ÀÉÎõü ß", "aeiou ß"),
            ("Ｆｕｌｌ", "full"),
            ("Ω漢字", "ω漢字"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn a_filter_is_as_large_as_its_text_needs() {
        assert_eq!(table_of(&["short"]).log2, SLOTS_LOG2_MIN);
        let many: Vec<String> = (0..20_000u64)
            .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(table_of(&many).log2, SLOTS_LOG2_MAX);
    }

    #[test]
    fn groups_without_the_text_are_passed_over() {
        let parts = [
            table_of(&["the quick brown fox"]),
            table_of(&["MIMIKATZ.exe sekurlsa::logonpasswords", "another"]),
            table_of(&["nothing of the kind"]),
        ];
        let joined = TextTable::join(&[TextTable::join(&parts[..2]), parts[2].clone()]);
        let kinds = [
            (Need::of_text("mimikatz"), vec![false, true, false]),
            (Need::of_text("BROWN FOX"), vec![true, false, false]),
            (Need::of_text("fox"), vec![true, true, true]),
            (Need::of_text("absent from all"), vec![false, false, false]),
            (
                Need::Any(vec![Need::of_text("mimikatz"), Need::of_text("of the kind")]),
                vec![false, true, true],
            ),
            (
                Need::All(vec![
                    Need::of_text("mimikatz"),
                    Need::of_text("logonpass"),
                    Need::Nothing,
                ]),
                vec![false, true, false],
            ),
            (
                Need::Any(vec![Need::of_text("mimikatz"), Need::Nothing]),
                vec![true, true, true],
            ),
        ];
        for (need, expected) in kinds {
            assert_eq!(groups(&joined, &need), expected, "{need:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_never_missed(
            parts in prop::collection::vec(prop::collection::vec("[a-cA-CàĐ \\\\\"]{0,40}", 0..4), 1..12),
            from in 0usize..30, length in 0usize..20,
        ) {
            let tables: Vec<TextTable> = parts
                .iter()
                .map(|texts| table_of(&texts.iter().map(String::as_str).collect::<Vec<_>>()))
                .collect();
            let joined = TextTable::join(&tables);
            for (group, texts) in parts.iter().enumerate() {
                for text in texts {
                    let needle: String = text.chars().skip(from).take(length).collect();
                    prop_assert!(groups(&joined, &Need::of_text(&needle))[group], "{needle:?}");
                }
            }
        }
    }
}
