//! A stream of syslog frames, however it is cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ingest::fuzzing::syslog_framing(input);
});
