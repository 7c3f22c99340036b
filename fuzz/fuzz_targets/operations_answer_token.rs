//! Any text as the token of an answer link: what is read was sealed with the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use operations::notifications::AnswerKey;

fuzz_target!(|text: &str| {
    let key = AnswerKey::new([7; 32]);
    if let Some(answerable) = key.read(text) {
        assert!(key.token(answerable).eq_ignore_ascii_case(text));
    }
});
