//! Addresses of pages about things whose names may hold any character.

/// The name as one segment of a path, or one value of a query (RFC 3986, 2.3: everything but unreserved is encoded).
pub(crate) fn segment(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hexadecimal(byte >> 4));
            encoded.push(hexadecimal(byte & 15));
        }
    }
    encoded
}

fn hexadecimal(half_byte: u8) -> char {
    let digit = char::from_digit(u32::from(half_byte), 16).expect("half a byte is a hexadecimal digit");
    digit.to_ascii_uppercase()
}

/// The query of a form as `?a=b&c=d`, without the parts that are empty; nothing at all when all are.
pub(crate) fn query(parts: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in parts.iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&segment(value));
    }
    query
}

/// A way back that stays on this console: an absolute path without authority, or the queue.
pub(crate) fn way_back(wanted: &str) -> String {
    let stays = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if stays { wanted.to_owned() } else { "/queue".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("syslog/203.0.113.7"), "syslog%2F203.0.113.7");
        assert_eq!(
            query(&[("q", "lừa"), ("level", ""), ("a", "b&c")]),
            "?q=l%E1%BB%ABa&a=b%26c"
        );
    }

    #[test]
    fn the_way_back_never_leaves_the_console() {
        for (wanted, back) in [
            ("/queue?level=high", "/queue?level=high"),
            ("//evil.example/", "/queue"),
            ("/\\evil.example", "/queue"),
            ("https://evil.example", "/queue"),
            ("", "/queue"),
            ("/a\r\nSet-Cookie: x", "/queue"),
        ] {
            assert_eq!(way_back(wanted), back);
        }
    }
}
