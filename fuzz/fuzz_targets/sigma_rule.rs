//! Any bytes as a rule file: it is parsed, compiled or refused within the limits, and never panics.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sigma::document::{self, RuleDocument};
use sigma::engine::Engine;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut builder = Engine::builder();
    for document in document::parse("fuzz.yml", text).documents {
        if let RuleDocument::Rule(rule) = document {
            let _ = builder.add(Arc::new(*rule));
        }
    }
    let _ = builder.build();
});
