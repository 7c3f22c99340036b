//! Any bytes are a list of indicators: each line is one, or counted as not read, or a comment.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let read = normalize::lists::Indicators::read(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    assert!(read.len() as u64 + read.unread <= lines);
});
