//! CEF, LEEF and FortiGate records.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    records::read(input, Some("cef"));
    records::read(input, Some("leef"));
    records::read(input, Some("fortigate"));
});
