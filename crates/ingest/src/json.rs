//! Strict validation of one JSON document without building it, with bounded nesting.

use model::RejectReason;

/// Checks that the bytes are one JSON object (RFC 8259) in UTF-8, nested at most `depth_max` deep.
///
/// # Errors
/// The reason and what exactly is wrong.
pub(crate) fn check_object(bytes: &[u8], depth_max: usize) -> Result<(), (RejectReason, String)> {
    if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Err((RejectReason::NotParsable, "not a JSON object".to_owned()));
    }
    // First the depth, by a loop: the validator below descends by recursion.
    if depth_exceeds(bytes, depth_max) {
        return Err((RejectReason::TooDeep, format!("nested deeper than {depth_max}")));
    }
    sonic_rs::from_slice::<serde::de::IgnoredAny>(bytes)
        .map(|_| ())
        .map_err(|error| (RejectReason::NotParsable, first_line(&error.to_string())))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Whether braces and brackets outside strings ever nest deeper than `depth_max`.
pub(crate) fn depth_exceeds(bytes: &[u8], depth_max: usize) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > depth_max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The place behind the closing quote of a string that begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_an_object_and_what_is_not() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        let cases: Vec<(Vec<u8>, Option<RejectReason>)> = vec![
            (br#"{"a":1,"b":[true,null,"\u00e9"]}"#.to_vec(), None),
            (br#" {"a":"[[[[[[[["} "#.to_vec(), None),
            (br#"{"a":1,"a":2}"#.to_vec(), None),
            (deep(63).into_bytes(), None),
            (deep(64).into_bytes(), Some(RejectReason::TooDeep)),
            (deep(2_000_000).into_bytes(), Some(RejectReason::TooDeep)),
            (b"[1]".to_vec(), Some(RejectReason::NotParsable)),
            (b"".to_vec(), Some(RejectReason::NotParsable)),
            (b"{".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":01}".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":1}x".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":1,}".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":\"\xff\"}".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":\"\x01\"}".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":\"\\x\"}".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":\"unfinished".to_vec(), Some(RejectReason::NotParsable)),
            (b"{\"a\":NaN}".to_vec(), Some(RejectReason::NotParsable)),
        ];
        for (bytes, expected) in cases {
            let found = check_object(&bytes, 64).err().map(|(reason, _)| reason);
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            assert_eq!(found, expected, "{shown}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"\{?[\{\}\[\]",:a1\\n0-9 \.+-]{0,30}\}?"#) {
            let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok();
            prop_assert_eq!(check_object(text.as_bytes(), 64).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = check_object(&bytes, 8);
            let _ = depth_exceeds(&bytes, 8);
        }
    }
}
