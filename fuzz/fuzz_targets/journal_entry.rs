//! Any bytes as a journal entry and as a block: an error, or what comes back the same when it is written again.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(entry) = journal::decode_entry(&mut bytes::Bytes::copy_from_slice(input)) {
        let mut written = Vec::new();
        journal::encode_entry(&entry, &mut written);
        let again = journal::decode_entry(&mut bytes::Bytes::from(written)).expect("what was written is read");
        assert_eq!(again, entry);
    }
    let _ = journal::decode_block(1, 1, input);
});
