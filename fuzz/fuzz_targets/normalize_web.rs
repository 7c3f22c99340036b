//! Access and error logs, and W3C extended logs with their headers.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    records::read(input, None);
    records::read(input, Some("nginx"));
    records::read(input, Some("apache"));
});
