//! Any text is a search line or an error that lies within it; a pattern of any text can be held against any other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let known = ["Image", "CommandLine", "Threat Name"]
        .map(str::to_owned)
        .into_iter()
        .collect();
    if let Err(error) = lake::search::parse(&text, &known) {
        assert!(error.at.0 <= error.at.1 && error.at.1 <= text.chars().count());
    }
});
