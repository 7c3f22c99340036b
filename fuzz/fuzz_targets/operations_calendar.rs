//! Any text as a calendar (RFC 5545): events begin before they end, and there are no more than the bound.
#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use operations::duty::calendar::{EVENTS_MAX, read};

fuzz_target!(|text: &str| {
    let found = read(text, &TimeZone::UTC, &|name| (name.len() % 2 == 0).then_some(TimeZone::UTC));
    assert!(found.events.len() <= EVENTS_MAX);
    assert!(found.events.iter().all(|event| event.from < event.until));
});
