//! Any bytes as the text of a delivery receipt: one or none, never a panic.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = connectors::fuzzing::smpp_receipt(input);
});
