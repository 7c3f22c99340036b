//! Addresses of pages about things whose names may hold any character.

use axum::http::{HeaderMap, header};

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

/// The name by which a browser came (RFC 9110, 7.2), without the port; brackets of an IPv6 address stay.
pub(crate) fn host(headers: &HeaderMap) -> &str {
    let authority = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1");
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

/// The scheme of an address (RFC 9110, 4.2).
pub(crate) fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
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
    fn the_name_by_which_a_browser_came_has_no_port() {
        for (authority, name) in [
            ("post.example:8650", "post.example"),
            ("post.example", "post.example"),
            ("[2001:db8::7]:8650", "[2001:db8::7]"),
            ("[2001:db8::7]", "[2001:db8::7]"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, authority.parse().unwrap());
            assert_eq!(host(&headers), name);
        }
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
