//! Files of Windows event logs: all records are read or rejected, and those that are read become events.

#![no_main]

mod records;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for record in normalize::evtx_records(input).flatten() {
        records::read(&record.json, None);
    }
});
