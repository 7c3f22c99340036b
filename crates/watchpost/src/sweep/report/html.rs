//! The report as one HTML page that needs nothing else: to be sent, printed, kept.

use std::io::{self, Write};

use model::RuleLevel;

use super::summary::{Summary, techniques};
use super::table::moment;

const STYLE: &str = include_str!("report.css");

/// Writes the page.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Watchpost sweep</title>"
    )?;
    writeln!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body><main>"
    )?;
    writeln!(
        out,
        "<h1>Sweep</h1><p>{} files, {} records, {} events: <strong>{} detections</strong> of {} rules on {} hosts. Times are UTC.</p>",
        summary.files,
        summary.records,
        summary.events,
        summary.detections,
        summary.rules.len(),
        summary.hosts.len()
    )?;
    write_levels(out, summary)?;
    write_rules(out, summary)?;
    write_hosts(out, summary)?;
    write_techniques(out, summary)?;
    write_problems(out, summary)?;
    writeln!(out, "</main></body></html>")
}

fn write_levels(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    writeln!(out, "<ul class=\"levels\">")?;
    for level in RuleLevel::ALL.into_iter().rev() {
        let (count, rules) = summary.of_level(level);
        writeln!(
            out,
            "<li class=\"{0}\"><b>{count}</b> {0}<small>{rules} rules</small></li>",
            level.as_str()
        )?;
    }
    writeln!(out, "</ul>")
}

fn write_rules(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    open_table(
        out,
        "Rules that held",
        &[
            "Level",
            "Rule",
            "Count",
            "Hosts",
            "First seen",
            "Last seen",
            "First example",
        ],
    )?;
    for found in summary.rules_by_weight() {
        let hosts = found
            .hosts
            .iter()
            .map(|host| escaped(host))
            .collect::<Vec<_>>()
            .join(", ");
        let tags = techniques(&found.rule)
            .map(|name| escaped(&name))
            .collect::<Vec<_>>()
            .join(" ");
        writeln!(
            out,
            "<tr><td class=\"{level}\">{level}</td><td>{}<small>{tags}</small></td><td class=\"n\">{}</td><td>{hosts}{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            escaped(&found.rule.title),
            found.count,
            if found.more_hosts { " …" } else { "" },
            moment(found.first),
            moment(found.last),
            escaped(&found.example),
            level = found.rule.level.as_str(),
        )?;
    }
    writeln!(out, "</tbody></table>")
}

fn write_hosts(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    open_table(
        out,
        "Hosts",
        &[
            "Host",
            "Critical",
            "High",
            "Medium",
            "Low",
            "Info",
            "Rules",
            "First seen",
            "Last seen",
        ],
    )?;
    for (name, host) in summary.hosts_by_weight() {
        write!(
            out,
            "<tr><td>{}</td>",
            escaped(if name.is_empty() { "(not named)" } else { name })
        )?;
        for level in RuleLevel::ALL.into_iter().rev() {
            write!(
                out,
                "<td class=\"n\">{}</td>",
                host.by_level.get(&level).copied().unwrap_or(0)
            )?;
        }
        let (first, last) = (
            host.first.map(moment).unwrap_or_default(),
            host.last.map(moment).unwrap_or_default(),
        );
        writeln!(
            out,
            "<td class=\"n\">{}</td><td>{first}</td><td>{last}</td></tr>",
            host.rules.len()
        )?;
    }
    writeln!(out, "</tbody></table>")
}

fn write_techniques(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    open_table(out, "ATT&amp;CK techniques", &["Technique", "Detections", "Rules"])?;
    for (name, (count, rules)) in &summary.techniques {
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{count}</td><td class=\"n\">{}</td></tr>",
            escaped(name),
            rules.len()
        )?;
    }
    writeln!(out, "</tbody></table>")
}

fn write_problems(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let problems = &summary.problems;
    if problems.files.is_empty() && problems.unknown_files.is_empty() && problems.refused.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Not read, or not wholly</h2><ul>")?;
    for (path, reason) in &problems.files {
        writeln!(out, "<li>{}: {}</li>", escaped(path), escaped(reason))?;
    }
    for path in &problems.unknown_files {
        writeln!(out, "<li>{}: of no known format</li>", escaped(path))?;
    }
    for (reason, count) in &problems.refused {
        writeln!(out, "<li>{count} refused records: {reason}</li>")?;
    }
    writeln!(out, "</ul>")
}

fn open_table(out: &mut impl Write, title: &str, columns: &[&str]) -> io::Result<()> {
    writeln!(out, "<h2>{title}</h2><table><thead><tr>")?;
    for column in columns {
        write!(out, "<th scope=\"col\">{column}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::summary::{
        Finding,
        tests::{detection, summary},
    };
    use super::*;

    #[test]
    fn what_was_found_cannot_write_the_page() {
        let mut summary = summary();
        let mut detection = detection("x", RuleLevel::Low, "<script>alert(1)</script>", 0);
        detection.summary = "<img src=x onerror=alert(1)>".into();
        summary.add(&Finding {
            detection: &detection,
            file: "a",
            place: "",
        });
        let mut page = Vec::new();
        write(&mut page, &summary).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}
