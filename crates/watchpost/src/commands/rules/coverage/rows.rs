//! Coverage as JSON.

use std::collections::BTreeMap;

use detect::{LogSourceSight, RuleEntry, Sight};
use model::LogSource;
use serde_json::{Map, Value, json};

use super::{Report, Seen};

/// The whole report.
pub(super) fn json(report: &Report<'_>) -> Value {
    let entries = report.rules.entries();
    let mut whole = json!({
        "rules_in_force": entries.len(),
        "rules_refused": report.rules.refused().len(),
        "heard": report.seen.as_ref().map(|seen| heard(report.days, seen)),
        "log_sources": match &report.seen {
            Some(seen) => seen.coverage.log_sources.iter().map(|(source, sight)| of_source(source, sight)).collect(),
            None => needed(entries),
        },
    });
    let rules: Vec<Value> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| rule(report, place, entry))
        .collect();
    whole["rules"] = rules.into();
    whole
}

fn heard(days: u16, seen: &Seen) -> Value {
    let Seen { heard, coverage } = seen;
    let unwatched: Vec<Value> = coverage
        .unwatched
        .iter()
        .map(|(sources, events)| json!({ "log_sources": sources, "events": events }))
        .collect();
    json!({
        "from": heard.from,
        "until": heard.until,
        "days": days,
        "events": heard.events,
        "events_left_out": heard.left_out,
        "is_whole": heard.is_whole(),
        "unreadable": heard.unreadable,
        "rules": counts(|sight| coverage.count(sight)),
        "unwatched": unwatched,
    })
}

fn counts(count: impl Fn(Sight) -> usize) -> Map<String, Value> {
    let pair = |sight: Sight| (sight.as_str().to_owned(), count(sight).into());
    Sight::ALL.into_iter().rev().map(pair).collect()
}

fn of_source(source: &LogSource, sight: &LogSourceSight) -> Value {
    let fields: Map<String, Value> = sight
        .fields
        .iter()
        .map(|(name, (rules, events))| (name.clone(), json!({ "rules": rules, "events": events })))
        .collect();
    json!({
        "log_source": source,
        "rules": counts(|wanted| sight.rules[wanted as usize]),
        "events": sight.events,
        "last_received_at": sight.last,
        "sources": sight.sources,
        "fields": fields,
    })
}

/// What rules need, where it is not known what came.
fn needed(entries: &[RuleEntry]) -> Vec<Value> {
    let mut sources: BTreeMap<&LogSource, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for entry in entries {
        let Some(source) = &entry.logsource else { continue };
        let (rules, fields) = sources.entry(source).or_default();
        *rules += 1;
        for field in &entry.fields {
            *fields.entry(field).or_default() += 1;
        }
    }
    let row = |(source, (rules, fields)): (_, (usize, BTreeMap<&str, usize>))| {
        let fields: Map<String, Value> = fields
            .into_iter()
            .map(|(name, rules)| (name.to_owned(), json!({ "rules": rules, "events": null })))
            .collect();
        json!({ "log_source": source, "rules": { "not_known": rules }, "events": null, "fields": fields })
    };
    sources.into_iter().map(row).collect()
}

fn rule(report: &Report<'_>, place: usize, entry: &RuleEntry) -> Value {
    let seen = report.seen.as_ref().map(|seen| &seen.coverage.rules[place]);
    json!({
        "id": entry.identity.id,
        "title": entry.identity.title,
        "level": entry.identity.level.as_str(),
        "log_source": entry.logsource,
        "fields": entry.fields,
        "sight": seen.map(|seen| seen.sight.as_str()),
        "fields_missing": seen.map(|seen| &seen.missing),
    })
}
