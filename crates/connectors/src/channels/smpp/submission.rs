//! A text as short messages: the alphabet it fits, cut into parts that the telephone joins again (3GPP TS 23.038 and 23.040).

use rusmpp::values::DataCoding;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::channels::template::plain_ascii;

/// Which alphabet a text is sent in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// GSM 7 bit where the text fits, otherwise UCS-2: Vietnamese with its marks, 70 characters a part.
    #[default]
    Auto,
    /// Always without tone marks, in GSM 7 bit: 160 characters a part.
    Plain,
}

/// A text ready to be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) coding: DataCoding,
    /// Each part with its user data header, where there are several.
    pub(crate) bodies: Vec<Vec<u8>>,
    pub(crate) was_cut: bool,
}

/// Octets of the header that joins parts: length, element 0, its length, reference, total, number (TS 23.040, 9.2.3.24.1).
const HEADER_BYTES: u8 = 5;
/// Characters of a message alone, and of a part beside its header.
const GSM_ALONE: usize = 160;
const GSM_PART: usize = 153;
const UCS2_ALONE: usize = 70;
const UCS2_PART: usize = 67;

/// Cuts a text. `reference` joins the parts and is the same whenever the message is sent again; beyond `parts_max` the text ends in `…`.
pub(crate) fn parts(text: &str, alphabet: Alphabet, reference: u8, parts_max: u8) -> Parts {
    let text: String = match alphabet {
        Alphabet::Auto => text.nfc().collect(),
        Alphabet::Plain => plain_ascii(text),
    };
    let text = text.replace("\r\n", "\n");
    let units: Option<Vec<Vec<u8>>> = text.chars().map(gsm).collect();
    let (coding, units, alone, part) = match units {
        Some(units) => (DataCoding::McSpecific, units, GSM_ALONE, GSM_PART),
        None => (DataCoding::Ucs2, ucs2(&text), UCS2_ALONE * 2, UCS2_PART * 2),
    };
    let (bodies, was_cut) = pack(&units, (alone, part), parts_max.max(1), ellipsis(coding));
    if bodies.len() == 1 {
        return Parts {
            coding,
            bodies,
            was_cut,
        };
    }
    let total = u8::try_from(bodies.len()).expect("there are at most `parts_max` parts");
    let bodies = (1..=total)
        .zip(bodies)
        .map(|(number, body)| {
            let mut whole = vec![HEADER_BYTES, 0, 3, reference, total, number];
            whole.extend(body);
            whole
        })
        .collect();
    Parts {
        coding,
        bodies,
        was_cut,
    }
}

fn ellipsis(coding: DataCoding) -> &'static [u8] {
    if coding == DataCoding::Ucs2 {
        &[0x20, 0x26]
    } else {
        b"..."
    }
}

/// Puts units, none of which may be divided, into as many parts as they need.
fn pack(units: &[Vec<u8>], (alone, part): (usize, usize), parts_max: u8, ellipsis: &[u8]) -> (Vec<Vec<u8>>, bool) {
    if units.iter().map(Vec::len).sum::<usize>() <= alone {
        return (vec![units.concat()], false);
    }
    let room = if parts_max == 1 { alone } else { part };
    let mut bodies: Vec<Vec<u8>> = vec![Vec::new()];
    for unit in units {
        let count = bodies.len();
        let last = bodies.last_mut().expect("there is always one");
        if last.len() + unit.len() <= room {
            last.extend(unit);
        } else if count < usize::from(parts_max) {
            bodies.push(unit.clone());
        } else {
            shorten(last, room, ellipsis);
            return (bodies, true);
        }
    }
    (bodies, false)
}

/// Ends a full part with the sign that something is missing. Takes whole pairs away in UCS-2, and never half an escape or surrogate.
fn shorten(body: &mut Vec<u8>, room: usize, ellipsis: &[u8]) {
    let is_ucs2 = ellipsis.len() == 2;
    while body.len() + ellipsis.len() > room {
        body.truncate(body.len() - if is_ucs2 { 2 } else { 1 });
    }
    let half = if is_ucs2 {
        body.len() >= 2 && (0xd8..0xdc).contains(&body[body.len() - 2])
    } else {
        body.last() == Some(&ESCAPE)
    };
    if half {
        body.truncate(body.len() - if is_ucs2 { 2 } else { 1 });
    }
    body.extend_from_slice(ellipsis);
}

fn ucs2(text: &str) -> Vec<Vec<u8>> {
    text.chars()
        .map(|sign| {
            let mut buffer = [0; 2];
            sign.encode_utf16(&mut buffer)
                .iter()
                .flat_map(|unit| unit.to_be_bytes())
                .collect()
        })
        .collect()
}

const ESCAPE: u8 = 0x1b;
/// The default alphabet by code (TS 23.038, 6.2.1); the escape's own place is held by a sign that never stands in a text.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension, behind an escape (6.2.1.1).
const GSM_EXTENSION: &[(char, u8)] = &[
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

fn gsm(sign: char) -> Option<Vec<u8>> {
    if sign == '\u{1b}' {
        return None;
    }
    // Letters and digits stand where ASCII has them.
    if sign.is_ascii_alphanumeric() {
        return Some(vec![u8::try_from(sign).ok()?]);
    }
    if let Some(code) = GSM.chars().position(|known| known == sign) {
        return Some(vec![u8::try_from(code).ok()?]);
    }
    let (_, code) = GSM_EXTENSION.iter().find(|(known, _)| *known == sign)?;
    Some(vec![ESCAPE, *code])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_alphabet_is_the_smallest_that_keeps_the_text() {
        for (text, alphabet, coding, parts_expected, first) in [
            (
                "Watch {1}",
                Alphabet::Auto,
                DataCoding::McSpecific,
                1,
                &b"Watch \x1b(1\x1b)"[..],
            ),
            ("ừ", Alphabet::Auto, DataCoding::Ucs2, 1, &[0x1e, 0xeb]),
            // A composed letter and a letter with marks after it are one and the same.
            ("u\u{31b}\u{300}", Alphabet::Auto, DataCoding::Ucs2, 1, &[0x1e, 0xeb]),
            ("Đừng", Alphabet::Plain, DataCoding::McSpecific, 1, b"Dung"),
            ("@é", Alphabet::Auto, DataCoding::McSpecific, 1, &[0, 5]),
        ] {
            let parts = parts(text, alphabet, 7, 6);
            assert_eq!(parts.coding, coding, "{text}");
            assert_eq!(parts.bodies.len(), parts_expected, "{text}");
            assert_eq!(parts.bodies[0], first, "{text}");
        }
    }

    #[test]
    fn the_table_has_each_code_at_its_place() {
        assert_eq!(GSM.chars().count(), 128);
        assert_eq!(gsm('¿'), Some(vec![0x60]));
        assert_eq!(gsm('à'), Some(vec![0x7f]));
        assert_eq!(gsm('\''), Some(vec![0x27]));
    }

    #[test]
    fn a_long_text_is_joined_by_headers_and_a_very_long_one_ends_visibly() {
        let text = "Cảnh báo ".repeat(20);
        let cut = parts(&text, Alphabet::Auto, 0xab, 6);
        assert_eq!(cut.bodies.len(), 3);
        assert_eq!(cut.bodies[1][..6], [5, 0, 3, 0xab, 3, 2]);
        assert!(!cut.was_cut);
        let cut = parts(&text, Alphabet::Auto, 0xab, 2);
        assert!(cut.was_cut);
        assert_eq!(cut.bodies[1][cut.bodies[1].len() - 2..], [0x20, 0x26]);
        let cut = parts(&"a".repeat(161), Alphabet::Auto, 1, 1);
        assert_eq!((cut.bodies.len(), cut.bodies[0].len(), cut.was_cut), (1, 160, true));
    }

    proptest! {
        #[test]
        fn parts_hold_their_room_and_the_whole_text(text in "[a-zàừđ€{😀 \n]{0,500}") {
            let cut = parts(&text, Alphabet::Auto, 1, 255);
            let several = cut.bodies.len() > 1;
            let room = match (cut.coding, several) {
                (DataCoding::Ucs2, _) => 140,
                (_, false) => 160,
                (_, true) => 159,
            };
            let mut joined = Vec::new();
            for body in &cut.bodies {
                prop_assert!(body.len() <= room);
                joined.extend_from_slice(&body[if several { 6 } else { 0 }..]);
            }
            if cut.coding == DataCoding::Ucs2 {
                let units: Vec<u16> = joined.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                prop_assert_eq!(String::from_utf16(&units).unwrap(), text);
            }
        }
    }
}
