//! Any rules on any JSON lines behind a line `===`: the index and the plain evaluation behind explanations must agree.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sigma::document::{self, RuleDocument};
use sigma::engine::{Engine, RuleIndex};
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((rules, events)) = text.split_once("\n===\n") else {
        return;
    };
    let mut builder = Engine::builder();
    for document in document::parse("fuzz.yml", rules).documents {
        if let RuleDocument::Rule(rule) = document {
            let _ = builder.add(Arc::new(*rule));
        }
    }
    let engine = Arc::new(builder.build());
    let sources: Vec<_> = engine.rules().iter().map(|rule| rule.log_source.clone()).collect();
    let sources = LogSourceSet::new(sources);
    let mut matcher = Matcher::new(Arc::clone(&engine));
    let mut scanner = JsonScanner::new();
    for line in events.lines() {
        let Ok(record) = scanner.scan(line) else { continue };
        let matched = matcher.matches(&record, &sources).to_vec();
        for index in 0..engine.rules().len() {
            let index = RuleIndex(u32::try_from(index).expect("few rules"));
            let explanation = engine.explain(index, &record, &sources);
            assert_eq!(explanation.holds, matched.contains(&index), "{explanation}");
        }
    }
});
