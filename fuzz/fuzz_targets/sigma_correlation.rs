//! Correlation documents, and streams of events against tight limits.

#![no_main]

#[path = "../../crates/sigma/tests/fuzzed/correlation.rs"]
mod correlation;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    correlation::feed(input);
});
