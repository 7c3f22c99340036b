//! Access logs in the NCSA common and combined formats, as Apache, nginx and most other web servers write them, with or
//! without the virtual host before the line and further columns after it.

use std::{borrow::Cow, net::IpAddr};

use compact_str::CompactString;
use model::Value;

use super::{Reader, Reading, Source, logsources};
use crate::{draft::Draft, envelopes::stamp};

pub(super) const SOURCE: Source = Source {
    name: "access_log",
    programs: &[],
    reader: Reader::Text {
        recognise: |line| is_access(line.text),
        read: |line, draft| {
            draft.logsources = WEBSERVER.clone();
            read(line.text, draft)
        },
    },
};

logsources! {
    /// Web servers of any product.
    static WEBSERVER = ("webserver", "", "");
}

/// Whether the line has the time of an access log in brackets and a quoted request after it.
pub(crate) fn is_access(text: &str) -> bool {
    time_at(text).is_some()
}

/// Where the bracket of the time is, and where it ends: `[25/Nov/2026:01:58:54 +0700] "`.
fn time_at(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    // A user name may hold brackets; few do, so few places are tried.
    for _ in 0..8 {
        let open = from + text.get(from..)?.find(" [")? + 2;
        if bytes.get(open + 2) == Some(&b'/')
            && bytes.get(open + 6) == Some(&b'/')
            && bytes.get(open + 11) == Some(&b':')
        {
            let close = open + text[open..].bytes().take(40).position(|b| b == b']')?;
            return text[close..].starts_with("] \"").then_some((open, close));
        }
        from = open;
    }
    None
}

/// Reads a line under the names of the W3C extended log format, as Sigma's `webserver` category spells them.
pub(crate) fn read(text: &str, draft: &mut Draft) -> Reading {
    let Some((open, close)) = time_at(text) else {
        return Reading::NotMine;
    };
    client(&text[..open - 2], draft);
    if let Some(stamp) = stamp::ncsa(&text[open..close]) {
        stamp.settle(draft);
    }
    let (request, rest) = quoted(&text[close + 3..]);
    request_line(&request, draft);
    let rest = rest.trim_start_matches(' ');
    let (status, rest) = word(rest);
    number("sc-status", status, draft);
    let (bytes, rest) = word(rest);
    number("sc-bytes", bytes, draft);
    further_columns(rest, draft);
    Reading::Done
}

/// `[vhost[:port] ]address ident user`.
fn client(text: &str, draft: &mut Draft) {
    let (first, rest) = word(text);
    let (second, after) = word(rest);
    let is_address = |word: &str| word.trim_matches(['[', ']']).parse::<IpAddr>();
    let (host, address, rest) = match (is_address(first), is_address(second)) {
        (Ok(address), _) => (None, Ok(address), rest),
        (Err(_), Ok(address)) => (Some(first), Ok(address), after),
        (Err(error), Err(_)) => (None, Err(error), rest),
    };
    if let Some(host) = host {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        draft.push_text("cs-host", name);
        number("s-port", port, draft);
    }
    match address {
        Ok(address) => {
            let address = address.to_canonical();
            draft.entities.source_ip = Some(address);
            draft.push("c-ip", Value::Text(compact_str::format_compact!("{address}")));
        }
        Err(_) => draft.push_text("c-ip", first),
    }
    let (_, user) = word(rest);
    if !matches!(user, "" | "-" | "\"\"") {
        draft.push_text("cs-username", user);
    }
}

fn word(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn number(name: &'static str, text: &str, draft: &mut Draft) {
    if let Ok(number) = text.parse::<i64>() {
        draft.push(name, Value::Int(number));
    }
}

/// Method, target and version. What is no request line (a TLS handshake on a plain port, a scanner's noise) stays whole.
fn request_line(request: &str, draft: &mut Draft) {
    let method_end = request.bytes().position(|b| b == b' ').unwrap_or(request.len());
    let method = &request[..method_end];
    let is_method = !method.is_empty()
        && method.len() <= 32
        && method.bytes().all(|b| b.is_ascii_alphabetic() || b"-_".contains(&b));
    let target = request.get(method_end + 1..).unwrap_or_default();
    let (target, version) = match target.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => (target, version),
        _ => (target, ""),
    };
    if !is_method || target.is_empty() || (version.is_empty() && target.contains(' ')) {
        if !matches!(request, "" | "-") {
            draft.push_text("request", request);
        }
        return;
    }
    draft.push("cs-method", Value::text(method));
    if !version.is_empty() {
        draft.push("cs-version", Value::text(version));
    }
    request_target(target, draft);
}

/// Splits a request's target under W3C's names.
///
/// `cs-uri-query` holds the query and the whole target: most of the published Sigma rules for web servers look for
/// paths under this name.
pub(crate) fn request_target(target: &str, draft: &mut Draft) {
    let mut path = target;
    if let Some((scheme, rest)) = target.split_once("://")
        && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
    {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        draft.push_text(
            "cs-host",
            rest[..end]
                .trim_end_matches(|c: char| c.is_ascii_digit())
                .trim_end_matches(':'),
        );
        path = &rest[end..];
    }
    let (stem, query) = match path.split_once('?') {
        Some((stem, query)) => (stem, Some(query)),
        None => (path, None),
    };
    draft.push_text("cs-uri-stem", stem);
    let target = crate::draft::cut(target);
    draft.entities.url_path = Some(CompactString::new(target));
    match query {
        Some(query) => draft.push(
            "cs-uri-query",
            Value::List(vec![Value::text(crate::draft::cut(query)), Value::text(target)]),
        ),
        None => draft.push("cs-uri-query", Value::text(target)),
    }
    if let Cow::Owned(plain) = percent_decoded(target) {
        draft.push_text("uri-decoded", &plain);
    }
}

/// The target without percent escapes and with `+` as space, undone once more when escapes were escaped.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    match once_decoded(text) {
        Cow::Borrowed(text) => Cow::Borrowed(text),
        Cow::Owned(once) if once.contains('%') => Cow::Owned(once_decoded(&once).into_owned()),
        Cow::Owned(once) => Cow::Owned(once),
    }
}

fn once_decoded(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| hex(bytes.get(at + 1..at + 3)?)).flatten();
        match (byte, escaped) {
            (_, Some(plain)) => {
                out.push(plain);
                at += 3;
                continue;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(lossy(out))
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(pair[0])? << 4 | digit(pair[1])?)
}

/// Referer and user agent, then whatever the format has added.
fn further_columns(text: &str, draft: &mut Draft) {
    let mut rest = text.trim_start_matches(' ');
    let mut index = 0;
    while !rest.is_empty() && index < 32 {
        let (value, after) = if let Some(inner) = rest.strip_prefix('"') {
            quoted(inner)
        } else {
            let (value, after) = word(rest);
            (Cow::Borrowed(value), after)
        };
        if !matches!(value.as_ref(), "" | "-") {
            match index {
                0 => draft.push_text("cs-referer", &value),
                1 => draft.push_text("cs-user-agent", &value),
                other => draft.push_text(compact_str::format_compact!("column{}", other + 8), &value),
            }
        }
        index += 1;
        rest = after.trim_start_matches(' ');
    }
}

/// A value up to its closing quote without its escapes (`\"`, `\\`, `\n`, `\x16`), and what follows. Without a closing
/// quote, the rest of the line.
fn quoted(text: &str) -> (Cow<'_, str>, &str) {
    let bytes = text.as_bytes();
    let Some(end) = bytes.iter().position(|b| matches!(b, b'"' | b'\\')) else {
        return (Cow::Borrowed(text), "");
    };
    if bytes[end] == b'"' {
        return (Cow::Borrowed(&text[..end]), &text[end + 1..]);
    }
    let mut out = bytes[..end].to_vec();
    let mut at = end;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => return (Cow::Owned(lossy(out)), &text[at..]),
            b'\\' => {
                let (plain, length) = escape(&bytes[at..]);
                out.push(plain);
                at += length;
            }
            byte => out.push(byte),
        }
    }
    (Cow::Owned(lossy(out)), "")
}

/// What stands after a backslash: the byte it means and how many bytes it takes.
fn escape(bytes: &[u8]) -> (u8, usize) {
    match bytes {
        [b'x', digits @ ..] => match digits.get(..2).and_then(hex) {
            Some(byte) => (byte, 3),
            None => (b'\\', 0),
        },
        [b'n', ..] => (b'\n', 1),
        [b't', ..] => (b'\t', 1),
        [b'r', ..] => (b'\r', 1),
        [byte @ (b'"' | b'\\'), ..] => (*byte, 1),
        _ => (b'\\', 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes() {
        for (text, value, rest) in [
            (r#"a b" 200"#, "a b", " 200"),
            (r#"say \"hi\" \\ \x41\x0a" x"#, "say \"hi\" \\ A\n", " x"),
            (r"open \x4", r"open \x4", ""),
            (r"\", r"\", ""),
            (r#"C:\Users" x"#, r"C:\Users", " x"),
            (r#"\xE1\xBB\x87\xFF""#, "ệ\u{fffd}", ""),
        ] {
            let (read, after) = quoted(text);
            assert_eq!((read.as_ref(), after), (value, rest), "{text}");
        }
    }

    #[test]
    fn escapes_in_targets_are_undone_twice_at_most() {
        for (text, plain) in [
            ("/a?b=%27+OR+1", "/a?b=' OR 1"),
            ("/%252e%252e/", "/../"),
            ("/%25252e", "/%2e"),
            ("/%zz%4", "/%zz%4"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(percent_decoded(text), plain, "{text}");
        }
    }
}
