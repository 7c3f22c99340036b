//! The names of fields that records of one maker have, numbered, so that what a rule set has for a name is looked up once and not
//! with each record; and which name follows which.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use wide::u8x16;

/// Most names that are known at a time; then all are forgotten.
const NAMES_MAX: usize = 1_024;
/// Longest name that is known, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Most names fit, with closing quote and colon, into a block of so many bytes.
const BLOCK_BYTES: usize = 32;

/// A field's name as a record gives it.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// The name itself.
    Text(&'a str),
    /// Its number among the record's [`Names`].
    Numbered(u32),
}

/// Says of which numbering a number is: numbers are kept only as long as it is the same.
#[derive(Debug, Clone, Default)]
pub struct Numbering(Arc<()>);

impl Numbering {
    /// Tells whether a number of the one is a number of the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Debug)]
struct Known {
    text: Box<str>,
    /// The name with closing quote and colon, as it stands in most lines.
    quoted: Box<[u8]>,
    /// The first bytes of that, to be compared at once.
    block: (u8x16, u8x16),
    /// One bit for each byte of the block that counts; none if the name does not fit.
    wanted: u32,
    /// What followed it last, and before that.
    next: [u32; 2],
}

/// Numbered names.
#[derive(Debug, Default)]
pub struct Names {
    numbering: Numbering,
    known: Vec<Known>,
    numbers: HashMap<Box<str>, u32, FixedState>,
    /// The names with which the last records began.
    first: [u32; 2],
    last: Option<u32>,
}

impl Known {
    /// Returns how many bytes the name takes at the beginning of `rest`, or zero if another stands there.
    #[inline]
    fn bytes_in(&self, rest: &[u8]) -> usize {
        let stands = match rest.first_chunk::<BLOCK_BYTES>() {
            Some(there) if self.wanted != 0 => {
                let (low, high) = halves(there);
                let same = low.simd_eq(self.block.0).to_bitmask() | high.simd_eq(self.block.1).to_bitmask() << 16;
                same & self.wanted == self.wanted
            }
            Some(_) | None => rest.starts_with(&self.quoted),
        };
        if stands { self.quoted.len() } else { 0 }
    }
}

#[inline]
fn halves(block: &[u8; BLOCK_BYTES]) -> (u8x16, u8x16) {
    let half = |half: Option<&[u8; BLOCK_BYTES / 2]>| u8x16::from(half.copied().unwrap_or_default());
    (half(block.first_chunk()), half(block.last_chunk()))
}

impl Names {
    /// Returns the numbering.
    #[must_use]
    pub const fn numbering(&self) -> &Numbering {
        &self.numbering
    }

    /// Returns how many names have a number; the numbers are those below.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.known.len()
    }

    /// Tells whether no name has a number.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the name with a number.
    ///
    /// # Panics
    ///
    /// Panics if no name has the number.
    #[must_use]
    pub fn text(&self, number: u32) -> &str {
        &self.known[number as usize].text
    }

    /// Begins a record; if there is no room for new names, all are forgotten.
    pub(crate) fn begin(&mut self) {
        self.last = None;
        if self.known.len() >= NAMES_MAX {
            *self = Self::default();
        }
    }

    /// Takes the name that `rest` of a line begins with, opening quote left out, if it is one of those that came at this place before;
    /// returns its number and how many bytes it takes with closing quote and colon.
    #[inline]
    pub(crate) fn take(&mut self, rest: &[u8]) -> Option<(u32, usize)> {
        let [first, second] = *self.following();
        let bytes = self.known.get(first as usize)?.bytes_in(rest);
        if bytes > 0 {
            self.last = Some(first);
            return Some((first, bytes));
        }
        let bytes = self.known.get(second as usize)?.bytes_in(rest);
        if bytes == 0 {
            return None;
        }
        *self.following() = [second, first];
        self.last = Some(second);
        Some((second, bytes))
    }

    #[inline]
    fn following(&mut self) -> &mut [u32; 2] {
        match self.last {
            Some(last) => &mut self.known[last as usize].next,
            None => &mut self.first,
        }
    }

    /// Takes a name that was not expected, and returns its number if it has one now.
    pub(crate) fn meet(&mut self, text: &str) -> Option<u32> {
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None => self.learn(text)?,
        };
        let following = self.following();
        *following = [number, following[0]];
        self.last = Some(number);
        Some(number)
    }

    fn learn(&mut self, text: &str) -> Option<u32> {
        if text.len() > NAME_BYTES_MAX || self.known.len() >= NAMES_MAX {
            return None;
        }
        let number = u32::try_from(self.known.len()).ok()?;
        let quoted = [text.as_bytes(), b"\":"].concat();
        let mut block = [0; BLOCK_BYTES];
        let mut wanted = 0;
        if let Some(part) = block.get_mut(..quoted.len()) {
            part.copy_from_slice(&quoted);
            wanted = u32::MAX >> (BLOCK_BYTES - quoted.len());
        }
        self.known.push(Known {
            text: text.into(),
            quoted: quoted.into(),
            block: halves(&block),
            wanted,
            next: [number; 2],
        });
        self.numbers.insert(text.into(), number);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_expected_where_they_came_before() {
        let mut names = Names::default();
        for name in ["a", "b"] {
            names.meet(name);
        }
        names.begin();
        for name in ["a", "longer-than-eight-bytes"] {
            names.meet(name);
        }
        for (second, expect) in [
            ("b\":1", Some((1, 3))),
            ("longer-than-eight-bytes\":1", Some((2, 25))),
            ("longer-than-eight-bytes\":\"and more than a block\"", Some((2, 25))),
            ("longer-than-eight-bytez\":\"and more than a block\"", None),
            ("longer-than-eight-bytez\":1", None),
            ("b\" :1", None),
            ("", None),
        ] {
            names.begin();
            assert_eq!(names.take(b"a\":1"), Some((0, 3)));
            assert_eq!(names.take(second.as_bytes()), expect, "{second}");
        }
    }

    #[test]
    fn too_many_names_are_forgotten_with_their_numbering() {
        let mut names = Names::default();
        let before = names.numbering().clone();
        for number in 0..NAMES_MAX + 10 {
            assert_eq!(names.meet(&number.to_string()).is_some(), number < NAMES_MAX);
        }
        names.begin();
        assert!(names.is_empty() && !names.numbering().is_same(&before));
    }
}
