//! Any text as a template, filled with itself in every format: JSON stays JSON where the template is a JSON string.

#![no_main]

use connectors::channels::{Format, Template};

libfuzzer_sys::fuzz_target!(|input: &str| {
    if let Ok(template) = Template::parse(input) {
        for format in [Format::Json, Format::Form, Format::Xml, Format::Text] {
            let _ = template.fill(format, &|_| Some(input.to_owned()));
        }
    }
    let body = Template::parse(r#"{"text":"{{text}}"}"#).expect("a template");
    let filled = body.fill(Format::Json, &|_| Some(input.to_owned()));
    let _: std::collections::BTreeMap<String, String> = serde_json::from_str(&filled).expect("still JSON");
});
