//! Any text as a push subscription of a browser: one or a reason, never a panic.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| {
    let _ = connectors::channels::Subscription::parse(input);
});
