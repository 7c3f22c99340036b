//! Coverage as a layer of the ATT&CK Navigator.

use std::{collections::BTreeMap, fmt::Write};

use detect::Sight;
use serde_json::{Value, json};

use super::Report;

/// Techniques for which there are rules, but none that can see anything.
const UNSEEN: &str = "#d9d9d9";
/// Rules named in the comment of a technique.
const NAMED_MAX: usize = 50;

/// Rules of a technique.
#[derive(Default)]
struct Technique {
    seeing: usize,
    rules: Vec<String>,
}

/// The layer, in version 4.5 of the Navigator's format. The score is the number of rules that can hold on what was received; where
/// that is not known, the number of rules.
pub(super) fn layer(report: &Report<'_>) -> Value {
    let mut techniques: BTreeMap<String, Technique> = BTreeMap::new();
    for (place, entry) in report.rules.entries().iter().enumerate() {
        let sight = report.seen.as_ref().map(|seen| seen.coverage.rules[place].sight);
        for technique in crate::sweep::report::techniques(&entry.identity) {
            let technique = techniques.entry(technique).or_default();
            technique.seeing += usize::from(sight.is_none_or(|sight| sight >= Sight::Partial));
            let sight = sight.map_or("not known", Sight::as_str);
            technique.rules.push(format!("{} ({sight})", entry.identity.title));
        }
    }
    let highest = techniques.values().map(|technique| technique.seeing).max().unwrap_or(0);
    let rows: Vec<Value> = techniques.iter().map(|(id, technique)| row(id, technique)).collect();
    json!({
        "name": "Watchpost rules",
        "versions": { "layer": "4.5", "navigator": "5.1.0" },
        "domain": "enterprise-attack",
        "description": description(report),
        "techniques": rows,
        "gradient": { "colors": ["#e8f1fb", "#1f6fb5"], "minValue": 0, "maxValue": highest.max(1) },
        "legendItems": [{ "label": "rules, but none can see anything", "color": UNSEEN }],
    })
}

fn row(id: &str, technique: &Technique) -> Value {
    let mut comment = technique
        .rules
        .iter()
        .take(NAMED_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    if technique.rules.len() > NAMED_MAX {
        let _ = write!(comment, "\nand {} more", technique.rules.len() - NAMED_MAX);
    }
    let mut row = json!({ "techniqueID": id, "score": technique.seeing, "comment": comment });
    if technique.seeing == 0 {
        row["color"] = UNSEEN.into();
    }
    row
}

fn description(report: &Report<'_>) -> String {
    let rules = report.rules.entries().len();
    match &report.seen {
        None => format!("{rules} rules in force; what the sources deliver is not known"),
        Some(seen) => format!(
            "{rules} rules in force, held against {} events received from {:.0} to {:.0}{}",
            seen.heard.events,
            seen.heard.from,
            seen.heard.until,
            if seen.heard.is_whole() {
                ""
            } else {
                ", not all of them looked at"
            }
        ),
    }
}
