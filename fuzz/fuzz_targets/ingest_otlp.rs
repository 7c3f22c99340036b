//! An OTLP request, protobuf or JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ingest::fuzzing::otlp(input);
});
