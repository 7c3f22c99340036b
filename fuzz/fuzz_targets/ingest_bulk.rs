//! An Elasticsearch `_bulk` body.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ingest::fuzzing::bulk(input);
});
