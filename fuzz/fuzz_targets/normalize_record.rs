//! Records of any format, recognised by themselves: Windows events, CloudTrail, Suricata, Zeek, shippers' envelopes.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    records::read(input, None);
});
