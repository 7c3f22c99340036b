//! Audit records, joined into events.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    records::read(input, Some("auditd"));
});
