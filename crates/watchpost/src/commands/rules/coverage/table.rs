//! Coverage as a person reads it in a terminal.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use detect::{LogSourceSight, Sight};
use model::{LogSource, Timestamp};

use super::{Report, Seen};
use crate::commands::rules::source_of;

const UNDER_THE_HEADER: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Senders named in a row.
const SENDERS_MAX: usize = 2;
/// Absent fields named for a log source, and kinds of events without a rule.
const NAMED_MAX: usize = 8;

/// Writes the report; `width` in columns, or the terminal's.
pub(super) fn write(out: &mut impl Write, report: &Report<'_>, all: bool, width: Option<u16>) -> io::Result<()> {
    let entries = report.rules.entries();
    writeln!(
        out,
        "{} rules in force, {} not loaded",
        entries.len(),
        report.rules.refused().len()
    )?;
    let Some(seen) = &report.seen else {
        return write_needs(out, report, width);
    };
    write_window(out, seen)?;
    let counts: Vec<String> = [
        (Sight::Full, "see everything they ask for"),
        (Sight::Partial, "can hold, but never saw some of their fields"),
        (Sight::Blind, "cannot hold: fields that they need never came"),
        (Sight::Unheard, "never heard an event of their log source"),
    ]
    .into_iter()
    .map(|(sight, words)| format!("{:7} {:6} {words}", sight.as_str(), seen.coverage.count(sight)))
    .collect();
    writeln!(out, "{}\n\n{}", counts.join("\n"), sources(seen, width))?;
    write_missing(out, seen, all)?;
    write_unwatched(out, seen, all)?;
    if all { write_rules(out, report, seen) } else { Ok(()) }
}

fn write_window(out: &mut impl Write, seen: &Seen) -> io::Result<()> {
    let heard = &seen.heard;
    writeln!(
        out,
        "held against {} events received from {} to {}, rehearsals left out",
        heard.events,
        moment(heard.from),
        moment(heard.until)
    )?;
    if heard.left_out > 0 {
        writeln!(
            out,
            "not the whole time: {} older events were left out, so what is said to be unheard may be among them",
            heard.left_out
        )?;
    }
    if heard.is_cut {
        writeln!(
            out,
            "not everything is told apart: there are more kinds, senders or fields than are counted"
        )?;
    }
    for file in &heard.unreadable {
        writeln!(out, "not readable, so not heard: {file}")?;
    }
    Ok(())
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn empty_table(width: Option<u16>, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UNDER_THE_HEADER);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table.set_header(header.iter().map(Cell::new));
    table
}

fn number(value: impl ToString) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

fn sources(seen: &Seen, width: Option<u16>) -> Table {
    let mut rows: Vec<(&LogSource, &LogSourceSight)> = seen.coverage.log_sources.iter().collect();
    rows.sort_by_key(|(source, sight)| {
        (
            sight.events == 0,
            std::cmp::Reverse(sight.rules.iter().sum::<usize>()),
            *source,
        )
    });
    let header = [
        "Log source",
        "Rules",
        "Full",
        "Partial",
        "Blind",
        "Events",
        "Last received",
        "From",
    ];
    let mut table = empty_table(width, &header);
    for (source, sight) in rows {
        let count = |wanted: Sight| match sight.rules[wanted as usize] {
            0 => number("·"),
            count => number(count),
        };
        let rules: usize = sight.rules.iter().sum();
        let mut row = vec![Cell::new(named(source)), number(rules)];
        row.extend([Sight::Full, Sight::Partial, Sight::Blind].map(count));
        row.push(match sight.events {
            0 => number("never"),
            events => number(events),
        });
        row.push(Cell::new(sight.last.map_or_else(String::new, moment)));
        row.push(Cell::new(senders(sight)));
        table.add_row(row);
    }
    table
}

/// A log source in one line.
fn named(source: &LogSource) -> String {
    let parts = [&source.product, &source.category, &source.service];
    let named: Vec<&str> = parts
        .into_iter()
        .flatten()
        .map(compact_str::CompactString::as_str)
        .collect();
    if named.is_empty() {
        "any".to_owned()
    } else {
        named.join(" / ")
    }
}

fn senders(sight: &LogSourceSight) -> String {
    let mut senders: Vec<_> = sight.sources.iter().collect();
    senders.sort_by_key(|(name, events)| (std::cmp::Reverse(**events), *name));
    let mut named: Vec<String> = senders
        .iter()
        .take(SENDERS_MAX)
        .map(|(name, _)| name.to_string())
        .collect();
    if senders.len() > SENDERS_MAX {
        named.push(format!("and {} more", senders.len() - SENDERS_MAX));
    }
    named.join(", ")
}

fn write_missing(out: &mut impl Write, seen: &Seen, all: bool) -> io::Result<()> {
    let heard = seen.coverage.log_sources.iter().filter(|(_, sight)| sight.events > 0);
    let mut missing: Vec<_> = heard
        .map(|(source, sight)| (source, sight.missing()))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    missing.sort_by_key(|(source, fields)| (std::cmp::Reverse(fields[0].1), *source));
    if !missing.is_empty() {
        writeln!(
            out,
            "\nFields that rules read and no event had, with the number of rules"
        )?;
    }
    for (source, fields) in missing {
        let shown = if all { fields.len() } else { NAMED_MAX };
        let mut words: Vec<String> = fields
            .iter()
            .take(shown)
            .map(|(name, rules)| format!("{name} {rules}"))
            .collect();
        if fields.len() > shown {
            words.push(format!("and {} more (--all)", fields.len() - shown));
        }
        writeln!(out, "  {}: {}", named(source), words.join(", "))?;
    }
    Ok(())
}

fn write_unwatched(out: &mut impl Write, seen: &Seen, all: bool) -> io::Result<()> {
    let unwatched = &seen.coverage.unwatched;
    if unwatched.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nReceived, but no rule in force looks at it")?;
    let shown = if all { unwatched.len() } else { NAMED_MAX };
    for (sources, events) in unwatched.iter().take(shown) {
        let names: Vec<String> = sources.iter().map(named).collect();
        let names = if names.is_empty() {
            "without a log source".to_owned()
        } else {
            names.join(", ")
        };
        writeln!(out, "  {names}: {events} events")?;
    }
    if unwatched.len() > shown {
        writeln!(out, "  and {} more kinds (--all)", unwatched.len() - shown)?;
    }
    Ok(())
}

fn write_rules(out: &mut impl Write, report: &Report<'_>, seen: &Seen) -> io::Result<()> {
    writeln!(out, "\nRules")?;
    for (entry, rule) in report.rules.entries().iter().zip(&seen.coverage.rules) {
        let missing = if rule.missing.is_empty() {
            String::new()
        } else {
            format!("  never came: {}", rule.missing.join(", "))
        };
        writeln!(
            out,
            "  {:7} {:36} {} [{}]{missing}",
            rule.sight.as_str(),
            entry.identity.id,
            entry.identity.title,
            source_of(entry)
        )?;
    }
    Ok(())
}

/// Without a lake only what the rules need can be said.
fn write_needs(out: &mut impl Write, report: &Report<'_>, width: Option<u16>) -> io::Result<()> {
    let mut needs: BTreeMap<String, (usize, BTreeMap<&str, usize>)> = BTreeMap::new();
    for entry in report.rules.entries() {
        let (rules, fields) = needs.entry(source_of(entry)).or_default();
        *rules += 1;
        for field in &entry.fields {
            *fields.entry(field).or_default() += 1;
        }
    }
    let mut needs: Vec<_> = needs.into_iter().collect();
    needs.sort_by_key(|(source, (rules, _))| (std::cmp::Reverse(*rules), source.clone()));
    let mut table = empty_table(width, &["Log source", "Rules", "Received", "Fields they read"]);
    for (source, (rules, fields)) in needs {
        let fields: Vec<&str> = fields.into_keys().collect();
        table.add_row(vec![
            Cell::new(source),
            number(rules),
            Cell::new("not known"),
            Cell::new(fields.join(" ")),
        ]);
    }
    writeln!(out, "\n{table}")
}
