//! The report as one HTML page that needs nothing else: to be sent, printed, kept.

use std::io::{self, Write};

use model::{Language, Phrase, RuleLevel};

use super::{
    labels,
    summary::{Summary, techniques},
    table::moment,
};

const STYLE: &str = include_str!("report.css");

/// Writes the page.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    let tag = match language {
        Language::Vi => "vi",
        Language::En => "en",
    };
    let title = labels::SWEEP.text(language);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>Watchpost · {title}</title>"
    )?;
    writeln!(
        out,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head><body><main>"
    )?;
    let size = format!("{} MiB", summary.bytes.div_ceil(1 << 20));
    let (read, found) = labels::head(&summary.head(), &size, language);
    let utc = labels::UTC.text(language);
    writeln!(out, "<h1>{title}</h1><p>{read}<strong>{found}</strong>. {utc}</p>")?;
    if summary.detections == 0 {
        writeln!(out, "<p>{}</p>", labels::NOTHING.text(language))?;
    } else {
        write_levels(out, summary, language)?;
        write_rules(out, summary, language)?;
        write_hosts(out, summary, language)?;
        write_techniques(out, summary, language)?;
    }
    write_problems(out, summary, language)?;
    writeln!(out, "</main></body></html>")
}

fn write_levels(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    writeln!(out, "<ul class=\"levels\">")?;
    for level in RuleLevel::ALL.into_iter().rev() {
        let (count, rules) = summary.of_level(level);
        writeln!(
            out,
            "<li class=\"{}\"><b>{count}</b> {}<small>{}: {rules}</small></li>",
            level.as_str(),
            level.word_in(language),
            labels::LEVEL_COLUMNS[2].text(language),
        )?;
    }
    writeln!(out, "</ul>")
}

fn write_rules(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    open_table(out, (labels::RULES, &labels::RULE_COLUMNS), language)?;
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
            "<tr><td class=\"{}\">{}</td><td>{}<small>{tags}</small></td><td class=\"n\">{}</td><td>{hosts}{}</td><td class=\"t\">{}</td><td class=\"t\">{}</td><td><code>{}</code></td></tr>",
            found.rule.level.as_str(),
            found.rule.level.word_in(language),
            escaped(found.rule.title_in(language)),
            found.count,
            if found.more_hosts { " …" } else { "" },
            moment(found.first),
            moment(found.last),
            escaped(&found.example),
        )?;
    }
    close_table(out)
}

fn write_hosts(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    open_table(out, (labels::HOSTS, &labels::HOST_COLUMNS), language)?;
    for (name, host) in summary.hosts_by_weight() {
        let not_named = labels::NOT_NAMED.text(language);
        write!(
            out,
            "<tr><td>{}</td>",
            escaped(if name.is_empty() { not_named } else { name })
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
            "<td class=\"n\">{}</td><td class=\"t\">{first}</td><td class=\"t\">{last}</td></tr>",
            host.rules.len()
        )?;
    }
    close_table(out)
}

fn write_techniques(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    if summary.techniques.is_empty() {
        return Ok(());
    }
    open_table(out, (labels::TECHNIQUES, &labels::TECHNIQUE_COLUMNS), language)?;
    for (name, (count, rules)) in summary.techniques_by_count() {
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"n\">{count}</td><td class=\"n\">{}</td></tr>",
            escaped(name),
            rules.len()
        )?;
    }
    close_table(out)
}

fn write_problems(out: &mut impl Write, summary: &Summary, language: Language) -> io::Result<()> {
    let problems = &summary.problems;
    if problems.files.is_empty()
        && problems.unknown_files.is_empty()
        && problems.refused.is_empty()
        && problems.in_events.is_empty()
    {
        return Ok(());
    }
    writeln!(out, "<h2>{}</h2><ul class=\"unread\">", labels::UNREAD.text(language))?;
    for (path, reason) in &problems.files {
        writeln!(out, "<li>{}: {}</li>", escaped(path), escaped(reason))?;
    }
    for path in &problems.unknown_files {
        writeln!(
            out,
            "<li>{}: {}</li>",
            escaped(path),
            labels::UNKNOWN_FORMAT.text(language)
        )?;
    }
    for (reason, count) in &problems.refused {
        writeln!(out, "<li>{}, {reason}: {count}</li>", labels::REFUSED.text(language))?;
    }
    for (kind, count) in &problems.in_events {
        let (what, kind) = (labels::PROBLEMS.text(language), labels::problem(*kind, language));
        writeln!(out, "<li>{what}, {kind}: {count}</li>")?;
    }
    writeln!(out, "</ul>")
}

fn open_table(out: &mut impl Write, (title, columns): (Phrase, &[Phrase]), language: Language) -> io::Result<()> {
    let title = escaped(title.text(language));
    writeln!(
        out,
        "<h2>{title}</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{title}\"><table><thead><tr>"
    )?;
    for column in columns {
        write!(out, "<th scope=\"col\">{}</th>", escaped(column.text(language)))?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

fn close_table(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</tbody></table></div>")
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
        write(&mut page, &summary, Language::Vi).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(
            page.contains("Luật lsass-read") && page.contains("lang=\"vi\""),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}
