//! The escapes of JSON texts, resolved only when a rule asks for the text.

use memchr::memchr;

/// Appends a JSON text with its escapes resolved; a broken escape stands for itself, half a surrogate pair for U+FFFD.
pub fn unescape_into(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else {
            out.push('\\');
            return;
        };
        rest = &rest[c.len_utf8()..];
        match c {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => rest = unescape_unicode(rest, out),
            '"' | '\\' | '/' => out.push(c),
            _ => out.extend(['\\', c]),
        }
    }
    out.push_str(rest);
}

fn unescape_unicode<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| {
        let digits = text.get(..4)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(rest) else {
        out.push_str("\\u");
        return rest;
    };
    let after = &rest[4..];
    if !(0xd800..0xe000).contains(&first) {
        out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        return after;
    }
    let low = after
        .strip_prefix("\\u")
        .and_then(unit)
        .filter(|low| (0xdc00..0xe000).contains(low));
    match low {
        Some(low) if first < 0xdc00 => {
            let point = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            out.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
            &after[6..]
        }
        _ => {
            out.push(char::REPLACEMENT_CHARACTER);
            after
        }
    }
}

/// Tells whether a text between JSON's quotes has escapes.
#[must_use]
pub fn has_escapes(raw: &str) -> bool {
    memchr(b'\\', raw.as_bytes()).is_some()
}
