//! Processing pipelines and filters, and the rules that they rewrite.

#![no_main]

#[path = "../../crates/sigma/tests/fuzzed/pipeline.rs"]
mod pipeline;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    pipeline::feed(input);
});
