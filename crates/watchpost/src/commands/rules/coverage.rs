//! What the rules in force cover: ATT&CK techniques as a Navigator layer, and the fields and log sources that they need.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use anyhow::Result;
use clap::{Args, ValueEnum};
use detect::{RuleEntry, SharedRules};
use serde_json::json;

use super::{Which, source_of};

/// Writes what the rules in force cover
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// What to write
    #[arg(long, value_enum, default_value_t = What::Layer)]
    what: What,
}

/// Forms of coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// An ATT&CK Navigator layer: techniques scored by the number of rules
    Layer,
    /// Log sources with the number of rules and the fields they read
    Sources,
}

/// Runs the command.
///
/// # Errors
/// When rules cannot be read.
pub(super) fn run(options: &Options) -> Result<()> {
    let rules = options.which.load()?;
    let mut out = io::stdout().lock();
    match options.what {
        What::Layer => writeln!(out, "{:#}", layer(&rules))?,
        What::Sources => {
            for (source, (count, fields)) in by_source(&rules) {
                let fields: Vec<&str> = fields.into_iter().collect();
                writeln!(out, "{source}: {count} rules; {}", fields.join(" "))?;
            }
        }
    }
    Ok(())
}

/// The layer, in version 4.5 of the Navigator's format.
fn layer(rules: &SharedRules) -> serde_json::Value {
    let mut techniques: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for entry in rules.entries() {
        for technique in techniques_of(entry) {
            techniques.entry(technique).or_default().push(&entry.identity.title);
        }
    }
    let highest = techniques.values().map(Vec::len).max().unwrap_or(1);
    let scored: Vec<serde_json::Value> = techniques
        .iter()
        .map(|(technique, titles)| json!({ "techniqueID": technique, "score": titles.len(), "comment": titles.join("\n") }))
        .collect();
    json!({
        "name": "Watchpost rules",
        "versions": { "layer": "4.5", "navigator": "5.1.0" },
        "domain": "enterprise-attack",
        "description": format!("{} rules in force", rules.entries().len()),
        "techniques": scored,
        "gradient": { "colors": ["#e8f1fb", "#1f6fb5"], "minValue": 0, "maxValue": highest },
    })
}

fn techniques_of(entry: &RuleEntry) -> BTreeSet<String> {
    crate::sweep::report::techniques(&entry.identity).collect()
}

fn by_source(rules: &SharedRules) -> BTreeMap<String, (usize, BTreeSet<&str>)> {
    let mut sources: BTreeMap<String, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for entry in rules.entries() {
        let (count, fields) = sources.entry(source_of(entry)).or_default();
        *count += 1;
        fields.extend(entry.fields.iter().map(String::as_str));
    }
    sources
}
