//! Any file is read as a bundle of evidence: bytes in, flaws out, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = evidence::check_bundle(bytes, |_| Ok(std::io::sink()));
});
