//! The report that a person reads in a terminal.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};
use model::{RuleLevel, Timestamp};

use super::summary::{RuleFindings, Summary};

/// One line under the header and none between rows, so that many rows fit a screen.
const UNDER_THE_HEADER: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// How the report is to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Whether colours may be used; every colour also has a word.
    pub colour: bool,
    /// Width of the terminal in columns.
    pub width: u16,
    /// How many rules and hosts are listed; 0 lists all.
    pub rows: usize,
}

/// Writes the whole report.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write(out: &mut impl Write, summary: &Summary, style: Style) -> io::Result<()> {
    write_head(out, summary)?;
    if summary.detections > 0 {
        writeln!(out, "\n{}", levels(summary, style))?;
        write_list(
            out,
            "Rules that held",
            summary.rules.len(),
            style,
            &rules(summary, style),
        )?;
        write_list(out, "Hosts", summary.hosts.len(), style, &hosts(summary, style))?;
        if !summary.techniques.is_empty() {
            write_list(
                out,
                "ATT&CK techniques",
                summary.techniques.len(),
                style,
                &techniques(summary, style),
            )?;
        }
    }
    write_problems(out, summary)
}

fn write_head(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    writeln!(
        out,
        "{} files, {}.{} MiB, {} records, {} events: {} detections of {} rules on {} hosts",
        summary.files,
        summary.bytes >> 20,
        ((summary.bytes & 0xf_ffff) * 10) >> 20,
        summary.records,
        summary.events,
        summary.detections,
        summary.rules.len(),
        summary.hosts.len(),
    )
}

fn write_list(out: &mut impl Write, title: &str, count: usize, style: Style, table: &Table) -> io::Result<()> {
    let shown = if style.rows > 0 && count > style.rows {
        format!(" (first {} of {count}; --all lists them)", style.rows)
    } else {
        String::new()
    };
    writeln!(out, "\n{title}{shown}\n{table}")
}

fn write_problems(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let problems = &summary.problems;
    for (path, reason) in &problems.files {
        writeln!(out, "not read to its end: {path}: {reason}")?;
    }
    if !problems.unknown_files.is_empty() {
        writeln!(
            out,
            "of no known format ({}): {}",
            problems.unknown_files.len(),
            first_few(&problems.unknown_files)
        )?;
    }
    for (reason, count) in &problems.refused {
        writeln!(out, "refused records, {reason}: {count}")?;
    }
    for (kind, count) in &problems.in_events {
        writeln!(out, "problems in events, {}: {count}", problem_name(*kind))?;
    }
    Ok(())
}

fn problem_name(kind: model::ProblemKind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|name| name.as_str().map(|name| name.replace('_', " ")))
        .unwrap_or_default()
}

fn first_few(paths: &[String]) -> String {
    const SHOWN: usize = 3;
    let more = if paths.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", paths[..paths.len().min(SHOWN)].join(", "))
}

fn levels(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style);
    table.set_header(["Level", "Detections", "Rules"].map(header));
    for level in RuleLevel::ALL.into_iter().rev() {
        let (count, rules) = summary.of_level(level);
        if count > 0 {
            table.add_row([level_cell(level, style), number(count), number(rules as u64)]);
        }
    }
    table
}

fn rules(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style);
    table.set_header(
        [
            "Level",
            "Rule",
            "Count",
            "Hosts",
            "First seen",
            "Last seen",
            "First example",
        ]
        .map(header),
    );
    for found in limited(summary.rules_by_weight(), style.rows) {
        table.add_row([
            level_cell(found.rule.level, style),
            Cell::new(&found.rule.title),
            number(found.count),
            Cell::new(host_names(found)),
            Cell::new(moment(found.first)),
            Cell::new(moment(found.last)),
            Cell::new(shortened(&found.example)),
        ]);
    }
    table
}

fn hosts(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style);
    table.set_header(
        [
            "Host",
            "Critical",
            "High",
            "Medium",
            "Low",
            "Info",
            "Rules",
            "First seen",
            "Last seen",
        ]
        .map(header),
    );
    for (name, host) in limited(summary.hosts_by_weight(), style.rows) {
        let of = |level| number(host.by_level.get(&level).copied().unwrap_or(0));
        table.add_row([
            Cell::new(if name.is_empty() { "(not named)" } else { name }),
            of(RuleLevel::Critical),
            of(RuleLevel::High),
            of(RuleLevel::Medium),
            of(RuleLevel::Low),
            of(RuleLevel::Informational),
            number(host.rules.len() as u64),
            Cell::new(host.first.map(moment).unwrap_or_default()),
            Cell::new(host.last.map(moment).unwrap_or_default()),
        ]);
    }
    table
}

fn techniques(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style);
    table.set_header(["Technique", "Detections", "Rules"].map(header));
    let mut techniques: Vec<_> = summary.techniques.iter().collect();
    techniques.sort_by(|(a_name, a), (b_name, b)| b.0.cmp(&a.0).then_with(|| a_name.cmp(b_name)));
    for (name, (count, rules)) in limited(techniques, style.rows) {
        table.add_row([Cell::new(name), number(*count), number(rules.len() as u64)]);
    }
    table
}

fn plain(style: Style) -> Table {
    let mut table = Table::new();
    table
        .load_style(UNDER_THE_HEADER)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.width);
    table
}

fn header(title: &str) -> Cell {
    Cell::new(title).add_attribute(Attribute::Bold)
}

fn number(count: u64) -> Cell {
    Cell::new(count).set_alignment(CellAlignment::Right)
}

fn level_cell(level: RuleLevel, style: Style) -> Cell {
    let cell = Cell::new(level.as_str());
    if !style.colour {
        return cell;
    }
    match level {
        RuleLevel::Critical => cell.fg(Color::Magenta).add_attribute(Attribute::Bold),
        RuleLevel::High => cell.fg(Color::Red),
        RuleLevel::Medium => cell.fg(Color::Yellow),
        RuleLevel::Low => cell.fg(Color::Cyan),
        RuleLevel::Informational => cell.fg(Color::DarkGrey),
    }
}

fn limited<T>(all: Vec<T>, rows: usize) -> impl Iterator<Item = T> {
    let count = if rows == 0 { all.len() } else { rows };
    all.into_iter().take(count)
}

fn host_names(found: &RuleFindings) -> String {
    const SHOWN: usize = 2;
    let names = found
        .hosts
        .iter()
        .take(SHOWN)
        .map(compact_str::CompactString::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match (found.hosts.len(), found.more_hosts) {
        (count, false) if count <= SHOWN => names,
        (count, more) => format!("{names} +{}{}", count - SHOWN, if more { " or more" } else { "" }),
    }
}

fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    if text.chars().count() <= CHARACTERS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect()
}

/// UTC, to the second.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::summary;
    use super::*;

    #[test]
    fn the_report_reads_well_without_colour() {
        let mut text = Vec::new();
        write(
            &mut text,
            &summary(),
            Style {
                colour: false,
                width: 120,
                rows: 20,
            },
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }

    #[test]
    fn nothing_found_is_said_in_one_line() {
        let mut text = Vec::new();
        write(
            &mut text,
            &Summary::default(),
            Style {
                colour: false,
                width: 120,
                rows: 20,
            },
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap());
    }
}
