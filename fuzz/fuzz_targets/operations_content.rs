//! Any text as a file of the content: it is read, or refused with a line.

#![no_main]

use operations::Catalogue;

libfuzzer_sys::fuzz_target!(|input: &str| {
    let lines = input.lines().count().max(1);
    for folder in Catalogue::FOLDERS {
        for name in ["2026.toml", "vietnam.toml"] {
            if let Err(error) = Catalogue::check(&format!("{folder}/{name}"), input) {
                assert!((1..=lines + 1).contains(&error.line));
            }
        }
    }
});
