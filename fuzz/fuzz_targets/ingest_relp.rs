//! A stream of RELP, however it is cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ingest::fuzzing::relp(input);
});
