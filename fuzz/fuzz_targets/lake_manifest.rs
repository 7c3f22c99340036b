//! Any bytes as a manifest of the lake: accepted or refused, never a panic.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = lake::is_manifest(input);
});
