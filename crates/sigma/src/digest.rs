//! A stable number for a rule's logic and identity, by which a rule set is recognised after a reload or a restart.

use std::hash::Hasher;

use crate::rule::{Item, Literal, Rule, Selection};

/// FNV-1a: the same on every machine and in every version of the standard library.
#[derive(Debug)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write(&[value]);
    }
}

/// Returns the digest of a rule: title, identifier, level, log source, selections and conditions.
pub(crate) fn digest_rule(rule: &Rule) -> u64 {
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    let mut put = |text: &str| {
        fnv.write(text.as_bytes());
        fnv.write_u8(0xff);
    };
    put(&rule.meta.title);
    put(rule.meta.id.as_deref().unwrap_or_default());
    put(rule.meta.level.map_or("", crate::rule::Level::word));
    for part in [
        &rule.log_source.category,
        &rule.log_source.product,
        &rule.log_source.service,
    ] {
        put(part.as_deref().unwrap_or_default());
    }
    for condition in &rule.detection.conditions {
        put(&condition.text);
    }
    for named in &rule.detection.selections {
        put(&named.name);
        put_selection(&named.selection, &mut put);
    }
    fnv.finish()
}

fn put_selection(selection: &Selection, put: &mut impl FnMut(&str)) {
    match selection {
        Selection::All(items) => {
            put("{");
            for item in items {
                put_item(item, put);
            }
        }
        Selection::Any(parts) => {
            put("[");
            for part in parts {
                put_selection(part, put);
            }
        }
    }
    put("}");
}

fn put_item(item: &Item, put: &mut impl FnMut(&str)) {
    put(item.field.as_deref().unwrap_or("|"));
    item.modifiers.iter().for_each(|modifier| put(modifier.name()));
    for value in &item.values {
        match &value.literal {
            Literal::Null => put("null"),
            Literal::Bool(value) => put(if *value { "true" } else { "false" }),
            Literal::Int(value) => put(&value.to_string()),
            Literal::Float(value) => put(&value.to_string()),
            Literal::String(text) => {
                put("\"");
                put(text);
            }
        }
    }
}
