//! Keeps a record's bytes without storing twice what its fields already hold: a *shape* is the record with the texts of
//! its fields cut out. Records of one kind have nearly the same shape, so shapes compress to almost nothing, and putting
//! the texts back gives the exact bytes.
//!
//! A shape is a list of steps, each a variable-length number whose two low bits say what it is and whose other bits
//! are `n`: 0, `n` bytes as they follow; 1, the text of field `n`; 2, the text of field `n` with JSON's escapes.

use memchr::memmem;

const LITERAL: u64 = 0;
const PLAIN: u64 = 1;
const ESCAPED: u64 = 2;

/// A text that is not introduced by its field's name is looked for only if it has at least this many bytes.
const FREE_BYTES_MIN: usize = 6;

/// How far after the last find the next one is looked for.
const REACH_BYTES: usize = 64 * 1024;

/// Bytes looked through for one record, as a multiple of its length; what is not found by then stays in the shape.
const EFFORT: usize = 32;

/// Bytes between a name and its value in the formats that have names: `"name": "value"`, `name=value`, `name="value"`.
const BETWEEN: &[u8] = b"\": =\t'";

/// Bytes between a value and the next name.
const BEFORE: &[u8] = b"\", {\t|;";

/// Names that are not followed by their value are passed over this often.
const TRIES: usize = 3;

/// The bytes are not a shape, or not one for these fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record's bytes cannot be put together from its fields")]
pub(crate) struct NotAShape;

struct Found {
    start: usize,
    end: usize,
    step: u64,
}

/// Cuts the texts of `fields` (name and text each, in the record's order) out of `raw`.
pub(crate) fn shape_of<'a>(raw: &[u8], fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut shape = Vec::with_capacity(raw.len() / 4 + 16);
    let mut done = 0;
    let mut effort = raw.len().saturating_mul(EFFORT);
    for (index, (name, text)) in fields.enumerate() {
        if text.is_empty() || effort == 0 {
            continue;
        }
        let rest = &raw[done..raw.len().min(done + REACH_BYTES)];
        let Some(found) = find(rest, name, text, &mut effort) else {
            continue;
        };
        put_literal(&raw[done..done + found.start], &mut shape);
        put_step(found.step, index as u64, &mut shape);
        done += found.end;
    }
    put_literal(&raw[done..], &mut shape);
    shape
}

fn find(rest: &[u8], name: &str, text: &str, effort: &mut usize) -> Option<Found> {
    let leaf = memchr::memrchr(b'.', name.as_bytes()).map_or(name, |dot| &name[dot + 1..]);
    if !leaf.is_empty() {
        let found = find_named(rest, leaf, text, effort);
        if found.is_some() {
            return found;
        }
    }
    if text.len() < FREE_BYTES_MIN {
        return None;
    }
    let start = memmem::find(rest, text.as_bytes());
    *effort = effort.saturating_sub(start.unwrap_or(rest.len()));
    start.map(|start| Found {
        start,
        end: start + text.len(),
        step: PLAIN,
    })
}

fn find_named(rest: &[u8], leaf: &str, text: &str, effort: &mut usize) -> Option<Found> {
    let mut from = 0;
    for _ in 0..TRIES {
        let Some(at) = find_name(&rest[from..], leaf) else {
            *effort = effort.saturating_sub(rest.len() - from);
            return None;
        };
        *effort = effort.saturating_sub(at);
        let mut start = from + at + leaf.len();
        let furthest = rest.len().min(start + 5);
        while start < furthest && BETWEEN.contains(&rest[start]) && !rest[start..].starts_with(text.as_bytes()) {
            start += 1;
        }
        if rest[start..].starts_with(text.as_bytes()) {
            return Some(Found {
                start,
                end: start + text.len(),
                step: PLAIN,
            });
        }
        if let Some(length) = escaped_length(&rest[start..], text) {
            return Some(Found {
                start,
                end: start + length,
                step: ESCAPED,
            });
        }
        from = start;
    }
    None
}

/// Where a name stands; mostly right after the last value, which spares the search.
fn find_name(rest: &[u8], leaf: &str) -> Option<usize> {
    let next = rest.iter().take(6).take_while(|byte| BEFORE.contains(byte)).count();
    if rest[next..].starts_with(leaf.as_bytes()) {
        Some(next)
    } else {
        memmem::find(rest, leaf.as_bytes())
    }
}

/// Whether JSON writes a byte in another way than as it is.
const IS_ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// How JSON writes a byte that it does not write as it is, and how many bytes that takes.
fn escape_of(byte: u8) -> ([u8; 6], usize) {
    let short = |letter| ([b'\\', letter, 0, 0, 0, 0], 2);
    match byte {
        b'\n' => short(b'n'),
        b'\r' => short(b'r'),
        b'\t' => short(b't'),
        0x08 => short(b'b'),
        0x0c => short(b'f'),
        0x00..0x20 => {
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
            ([b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)], 6)
        }
        itself => short(itself),
    }
}

/// Walks over the pieces of `text` in JSON's escapes until `visit` answers `false`; answers whether it never did.
fn each_escaped(text: &str, mut visit: impl FnMut(&[u8]) -> bool) -> bool {
    let mut rest = text.as_bytes();
    loop {
        let plain = rest
            .iter()
            .position(|byte| IS_ESCAPED[usize::from(*byte)])
            .unwrap_or(rest.len());
        if !visit(&rest[..plain]) {
            return false;
        }
        let Some(byte) = rest.get(plain) else { return true };
        let (escape, length) = escape_of(*byte);
        if !visit(&escape[..length]) {
            return false;
        }
        rest = &rest[plain + 1..];
    }
}

/// The length of `text` in JSON's escapes, if `bytes` begins with that.
fn escaped_length(bytes: &[u8], text: &str) -> Option<usize> {
    let mut at = 0;
    each_escaped(text, |piece| {
        let is_there = bytes[at..].starts_with(piece);
        at += if is_there { piece.len() } else { 0 };
        is_there
    })
    .then_some(at)
}

/// Puts the texts of the fields back into a shape.
pub(crate) fn raw_of<'a>(mut shape: &[u8], text_of: impl Fn(usize) -> Option<&'a str>) -> Result<Vec<u8>, NotAShape> {
    let mut raw = Vec::with_capacity(shape.len() * 4);
    while !shape.is_empty() {
        let step = take_number(&mut shape)?;
        let n = usize::try_from(step >> 2).map_err(|_| NotAShape)?;
        match step & 3 {
            LITERAL => raw.extend_from_slice(shape.split_off(..n).ok_or(NotAShape)?),
            PLAIN => raw.extend_from_slice(text_of(n).ok_or(NotAShape)?.as_bytes()),
            ESCAPED => {
                each_escaped(text_of(n).ok_or(NotAShape)?, |piece| {
                    raw.extend_from_slice(piece);
                    true
                });
            }
            _unknown => return Err(NotAShape),
        }
    }
    Ok(raw)
}

fn put_literal(bytes: &[u8], shape: &mut Vec<u8>) {
    if !bytes.is_empty() {
        put_step(LITERAL, bytes.len() as u64, shape);
        shape.extend_from_slice(bytes);
    }
}

fn put_step(step: u64, n: u64, shape: &mut Vec<u8>) {
    let mut number = n << 2 | step;
    while number >= 0x80 {
        shape.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    shape.push((number & 0x7f) as u8);
}

fn take_number(shape: &mut &[u8]) -> Result<u64, NotAShape> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = *shape.split_off_first().ok_or(NotAShape)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(NotAShape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &[u8], fields: &[(&str, &str)]) -> usize {
        let shape = shape_of(raw, fields.iter().copied());
        let back = raw_of(&shape, |index| fields.get(index).map(|(_, text)| *text));
        assert_eq!(back.as_deref(), Ok(raw));
        shape.len()
    }

    /// A record, its fields, and how many bytes its shape may have.
    type Case = (&'static [u8], &'static [(&'static str, &'static str)], usize);

    #[test]
    fn the_fields_are_cut_out_of_records_of_all_kinds() {
        let cases: &[Case] = &[
            (
                br#"{"Image":"C:\\Windows\\System32\\cmd.exe","EventID":1,"Message":"a\r\nb \u0001"}"#,
                &[
                    ("Image", r"C:\Windows\System32\cmd.exe"),
                    ("EventID", "1"),
                    ("Message", "a\r\nb \u{1}"),
                ],
                44,
            ),
            (
                b"<86>Nov 25 01:52:11 host sshd[811]: Failed password for root from 203.0.113.7 port 4711",
                &[
                    ("program", "sshd"),
                    ("message", "Failed password for root from 203.0.113.7 port 4711"),
                ],
                46,
            ),
            (b"one text", &[("message", "one text")], 1),
            (
                b"type=EXECVE a0=\"ls\" a1=\"-la\"",
                &[("type", "EXECVE"), ("a0", "ls"), ("a1", "-la")],
                24,
            ),
            (b"\xff\xfe broken", &[("message", "\u{fffd}\u{fffd} broken")], 10),
            (b"", &[("message", "never there")], 0),
        ];
        for (raw, fields, bytes_max) in cases {
            let bytes = check(raw, fields);
            assert!(bytes <= *bytes_max, "{bytes} for {}", String::from_utf8_lossy(raw));
        }
    }

    proptest! {
        #[test]
        fn any_record_comes_back_exactly(
            raw in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'a'), Just(b'\\'), Just(b':'), any::<u8>()], 0..200),
            fields in prop::collection::vec(("[a\":.]{0,3}", "[a\\\\\":\u{0}-\u{20}]{0,8}"), 0..8),
        ) {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
            check(&raw, &fields);
        }

        #[test]
        fn any_shape_is_a_record_or_an_error(shape in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = raw_of(&shape, |index| (index < 3).then_some("text"));
        }
    }
}
