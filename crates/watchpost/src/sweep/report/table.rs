//! The report that a person reads in a terminal.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle};
use model::{Language, Phrase, RuleLevel, Timestamp};

use super::{
    labels,
    summary::{RuleFindings, Summary},
};

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
    /// In which language it is read.
    pub language: Language,
}

/// Writes the whole report.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write(out: &mut impl Write, summary: &Summary, style: Style) -> io::Result<()> {
    let head = head(summary, style.language);
    writeln!(out, "{head}")?;
    if summary.detections > 0 {
        writeln!(out, "\n{}", levels(summary, style))?;
        let lists = [
            (labels::RULES, summary.rules.len(), rules(summary, style)),
            (labels::HOSTS, summary.hosts.len(), hosts(summary, style)),
            (labels::TECHNIQUES, summary.techniques.len(), techniques(summary, style)),
        ];
        for (title, count, table) in lists.iter().filter(|(_, count, _)| *count > 0) {
            write_list(out, *title, *count, (style, table))?;
        }
        writeln!(out, "\n{}", labels::UTC.text(style.language))?;
    }
    write_problems(out, summary, style.language)
}

fn head(summary: &Summary, language: Language) -> String {
    let size = format!(
        "{}.{} MiB",
        summary.bytes >> 20,
        ((summary.bytes & 0xf_ffff) * 10) >> 20
    );
    let (read, found) = labels::head(&summary.head(), &size, language);
    format!("{read}{found}")
}

fn write_list(out: &mut impl Write, title: Phrase, count: usize, (style, table): (Style, &Table)) -> io::Result<()> {
    let shown = if style.rows > 0 && count > style.rows {
        labels::first_of(style.rows, count, style.language)
    } else {
        String::new()
    };
    writeln!(out, "\n{}{shown}\n{table}", title.text(style.language))
}

/// Writes what was not read, and what was wrong with what was.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write_problems(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    let problems = &summary.problems;
    for (path, reason) in &problems.files {
        writeln!(out, "{}: {path}: {reason}", labels::CUT_SHORT.text(language))?;
    }
    if !problems.unknown_files.is_empty() {
        writeln!(
            out,
            "{} ({}): {}",
            labels::UNKNOWN_FORMAT.text(language),
            problems.unknown_files.len(),
            first_few(&problems.unknown_files)
        )?;
    }
    for (reason, count) in &problems.refused {
        writeln!(out, "{}, {reason}: {count}", labels::REFUSED.text(language))?;
    }
    for (kind, count) in &problems.in_events {
        let (what, kind) = (labels::PROBLEMS.text(language), labels::problem(*kind, language));
        writeln!(out, "{what}, {kind}: {count}")?;
    }
    Ok(())
}

fn first_few(paths: &[String]) -> String {
    const SHOWN: usize = 3;
    let more = if paths.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", paths[..paths.len().min(SHOWN)].join(", "))
}

fn levels(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style, &labels::LEVEL_COLUMNS);
    for level in RuleLevel::ALL.into_iter().rev() {
        let (count, rules) = summary.of_level(level);
        if count > 0 {
            table.add_row([level_cell(level, style), number(count), number(rules as u64)]);
        }
    }
    table
}

fn rules(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style, &labels::RULE_COLUMNS);
    for found in limited(summary.rules_by_weight(), style.rows) {
        table.add_row([
            level_cell(found.rule.level, style),
            Cell::new(found.rule.title_in(style.language)),
            number(found.count),
            Cell::new(host_names(found, style.language)),
            Cell::new(moment(found.first)),
            Cell::new(moment(found.last)),
            Cell::new(shortened(&found.example)),
        ]);
    }
    table
}

fn hosts(summary: &Summary, style: Style) -> Table {
    let mut table = plain(style, &labels::HOST_COLUMNS);
    for (name, host) in limited(summary.hosts_by_weight(), style.rows) {
        let of = |level| number(host.by_level.get(&level).copied().unwrap_or(0));
        let not_named = labels::NOT_NAMED.text(style.language);
        table.add_row([
            Cell::new(if name.is_empty() { not_named } else { name }),
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
    let mut table = plain(style, &labels::TECHNIQUE_COLUMNS);
    for (name, (count, rules)) in limited(summary.techniques_by_count(), style.rows) {
        table.add_row([Cell::new(name), number(*count), number(rules.len() as u64)]);
    }
    table
}

fn plain(style: Style, columns: &[Phrase]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UNDER_THE_HEADER)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.width)
        .set_header(columns.iter().map(|title| header(title.text(style.language))));
    table
}

fn header(title: &str) -> Cell {
    Cell::new(title).add_attribute(Attribute::Bold)
}

fn number(count: u64) -> Cell {
    Cell::new(count).set_alignment(CellAlignment::Right)
}

fn level_cell(level: RuleLevel, style: Style) -> Cell {
    let cell = Cell::new(level.word_in(style.language));
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

fn host_names(found: &RuleFindings, language: Language) -> String {
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
        (count, more) => format!("{names}{}", labels::more_hosts(count - SHOWN, more, language)),
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

    fn report(summary: &Summary, language: Language) -> String {
        let mut text = Vec::new();
        let style = Style {
            colour: false,
            width: 120,
            rows: 20,
            language,
        };
        write(&mut text, summary, style).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_report_reads_well_without_colour() {
        insta::assert_snapshot!(report(&summary(), Language::En));
    }

    #[test]
    fn the_report_is_read_in_vietnamese() {
        insta::assert_snapshot!(report(&summary(), Language::Vi));
    }

    #[test]
    fn nothing_found_is_said_in_one_line() {
        insta::assert_snapshot!(report(&Summary::default(), Language::En));
    }
}
