//! The encodings of the value modifiers: Base64 (RFC 4648 §4), Base64 at the three offsets, and UTF-16.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes in Base64 with padding.
#[must_use]
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = usize::try_from(group >> (18 - 6 * place) & 63).expect("six bits fit");
            text.push(if place <= chunk.len() {
                char::from(ALPHABET[index])
            } else {
                '='
            });
        }
    }
    text
}

/// Returns what is constant of the Base64 of a longer text in which the bytes stand at offset 0, 1 and 2 modulo 3.
#[must_use]
pub(crate) fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|offset: usize| {
        let mut padded = vec![b' '; offset];
        padded.extend_from_slice(bytes);
        let text = base64(&padded);
        let start = [0, 2, 3][offset];
        let end = text.len() - [0, 3, 2][padded.len() % 3];
        text.get(start..end).unwrap_or_default().to_owned()
    })
}

/// Encodes in UTF-16, little endian.
#[must_use]
pub(crate) fn utf16_le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Encodes in UTF-16, big endian.
#[must_use]
pub(crate) fn utf16_be(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// Encodes in UTF-16, little endian behind a byte order mark.
#[must_use]
pub(crate) fn utf16_marked(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(utf16_le(text));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, expect) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expect);
        }
    }

    #[test]
    fn offsets_are_found_in_any_longer_text() {
        for length in 3..12 {
            let inner = &"http://host"[..length.min(11)];
            let offsets = base64_offsets(inner.as_bytes());
            for before in 0..7 {
                for after in 0..4 {
                    let whole = format!("{}{inner}{}", "#".repeat(before), "~".repeat(after));
                    let encoded = base64(whole.as_bytes());
                    assert!(
                        encoded.contains(&offsets[before % 3]),
                        "{inner} at {before}, {after} behind"
                    );
                }
            }
        }
        assert_eq!(
            base64_offsets(b"/bin/bash"),
            ["L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"]
        );
    }

    #[test]
    fn utf16_in_both_orders() {
        assert_eq!(utf16_le("cmd"), b"c\0m\0d\0");
        assert_eq!(utf16_be("cmd"), b"\0c\0m\0d");
        assert_eq!(utf16_marked("c"), b"\xff\xfec\0");
    }
}
