//! Syslog in any envelope, with the programs inside it.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    records::read(input, None);
});
