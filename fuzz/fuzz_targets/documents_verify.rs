//! Any file is checked as a report: bytes in, a verdict out, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = documents::verify(bytes);
});
