//! One finding a line, for programs: JSON lines and CSV.

use std::io::{self, Write};

use model::{Entity, MatchedField};
use serde::Serialize;

use super::summary::{Finding, techniques};

/// One finding as JSON, in the order in which it is read.
#[derive(Serialize)]
struct Row<'a> {
    time: String,
    level: &'static str,
    rule_id: &'a str,
    rule_title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rule_title_vi: &'a str,
    techniques: Vec<String>,
    host: Option<&'a str>,
    entity: &'a Entity,
    file: &'a str,
    place: &'a str,
    summary: &'a str,
    matched: &'a [MatchedField],
}

/// Writes one object on one line.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write_json_row(out: &mut impl Write, finding: &Finding<'_>) -> io::Result<()> {
    let detection = finding.detection;
    let row = Row {
        time: detection.happened_at.to_string(),
        level: detection.rule.level.as_str(),
        rule_id: &detection.rule.id,
        rule_title: &detection.rule.title,
        rule_title_vi: &detection.rule.title_vi,
        techniques: techniques(&detection.rule).collect(),
        host: detection.host.as_deref(),
        entity: &detection.entity,
        file: finding.file,
        place: finding.place,
        summary: &detection.summary,
        matched: &detection.matched,
    };
    serde_json::to_writer(&mut *out, &row)?;
    out.write_all(b"\n")
}

const COLUMNS: [&str; 10] = [
    "time",
    "level",
    "rule_id",
    "rule_title",
    "rule_title_vi",
    "techniques",
    "host",
    "file",
    "place",
    "summary",
];

/// Writes the names of the columns.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write_csv_header<W: Write>(out: &mut csv::Writer<W>) -> csv::Result<()> {
    out.write_record(COLUMNS)
}

/// Writes one row.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write_csv_row<W: Write>(out: &mut csv::Writer<W>, finding: &Finding<'_>) -> csv::Result<()> {
    let detection = finding.detection;
    let time = detection.happened_at.to_string();
    let techniques = techniques(&detection.rule).collect::<Vec<_>>().join(" ");
    let host = detection.host.as_deref().unwrap_or_default();
    let row: [&str; COLUMNS.len()] = [
        &time,
        detection.rule.level.as_str(),
        &detection.rule.id,
        &detection.rule.title,
        &detection.rule.title_vi,
        &techniques,
        host,
        finding.file,
        finding.place,
        &detection.summary,
    ];
    out.write_record(row.map(harmless).iter().map(|cell| cell.as_bytes()))
}

/// A cell that a spreadsheet would take for a formula is opened with an apostrophe (CWE-1236).
fn harmless(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}").into()
    } else {
        cell.into()
    }
}

#[cfg(test)]
mod tests {
    use model::RuleLevel;

    use super::super::summary::tests::detection;
    use super::*;

    #[test]
    fn rows_hold_what_a_script_needs() {
        let mut detection = detection("whoami", RuleLevel::Medium, "pc-07", 0);
        detection.summary = "=cmd|' /C calc'!A0".into();
        let finding = Finding {
            detection: &detection,
            file: "a.evtx",
            place: "record 7",
        };
        let mut json = Vec::new();
        write_json_row(&mut json, &finding).unwrap();
        let mut csv = csv::Writer::from_writer(Vec::new());
        write_csv_header(&mut csv).unwrap();
        write_csv_row(&mut csv, &finding).unwrap();
        insta::assert_snapshot!(format!(
            "{}\n{}",
            String::from_utf8(json).unwrap(),
            String::from_utf8(csv.into_inner().unwrap()).unwrap()
        ));
    }
}
