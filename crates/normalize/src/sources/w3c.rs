//! W3C extended logs: IIS, and proxies that write the same format. Which columns a line has is said by the `#Fields:`
//! line of its file, which the reader passes on as the hint.

use compact_str::CompactString;
use jiff::tz::Offset;
use model::{LogSourceSet, ProblemKind};

use super::{Line, Reader, Reading, Source, access_log, logsources};
use crate::{draft::Draft, times};

pub(super) const SOURCE: Source = Source {
    name: "w3c",
    programs: &[],
    reader: Reader::Text { recognise, read },
};

logsources! {
    static IIS = ("webserver", "windows", "iis");
    static WEBSERVER = ("webserver", "", "");
    static PROXY = ("proxy", "", "");
}

/// What IIS writes when nobody chose otherwise, since version 8; version 6 and 7 leave the referer out.
const IIS_DEFAULT: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
                           cs(Referer) sc-status sc-substatus sc-win32-status time-taken";

fn recognise(line: &Line<'_>) -> bool {
    is_directive(line.text) || default_columns(line.text).is_some()
}

fn is_directive(text: &str) -> bool {
    let names = [
        "#Fields:",
        "#Software:",
        "#Version:",
        "#Date:",
        "#Start-Date:",
        "#End-Date:",
        "#Remark:",
    ];
    text.starts_with('#') && names.iter().any(|name| text.starts_with(name))
}

fn read(line: &Line<'_>, draft: &mut Draft) -> Reading {
    if is_directive(line.text) {
        directive(line.text, draft);
        return Reading::Done;
    }
    let columns = match line.columns {
        Some(columns) => CompactString::new(columns),
        None => match default_columns(line.text) {
            Some(columns) => {
                draft.problem(
                    ProblemKind::Malformed,
                    "no #Fields line is known for it; read by the number of columns that IIS writes by default",
                );
                columns
            }
            None => return Reading::NotMine,
        },
    };
    draft.logsources = kind_of(&columns);
    let mut values = Values { rest: line.text };
    let mut row = Row::default();
    for name in columns.split(' ').filter(|name| !name.is_empty()) {
        let Some(value) = values.next() else {
            draft.problem(
                ProblemKind::Malformed,
                format!("the line ends before the column {name}"),
            );
            break;
        };
        if !matches!(value, "-" | "") {
            row.put(name, value, draft);
        }
    }
    if !values.rest.is_empty() {
        draft.problem(ProblemKind::Malformed, "the line has more columns than its header");
        draft.push_text("further_columns", values.rest);
    }
    row.finish(draft);
    Reading::Done
}

/// A header line is kept as an event of its own; it speaks of the lines after it.
fn directive(text: &str, draft: &mut Draft) {
    draft.logsources = WEBSERVER.clone();
    draft.happened(draft.received_at);
    let (name, value) = text[1..].split_once(':').unwrap_or((text, ""));
    draft.push_text("directive", name);
    draft.push_text("message", value.trim());
}

/// The columns of IIS, when the line has as many and its third is an address.
fn default_columns(text: &str) -> Option<CompactString> {
    let bytes = text.as_bytes();
    if bytes.get(4) != Some(&b'-') || bytes.get(10) != Some(&b' ') || bytes.get(19) != Some(&b' ') {
        return None;
    }
    let mut words = text.split(' ');
    words.nth(2)?.parse::<std::net::IpAddr>().ok()?;
    match words.count() + 3 {
        15 => Some(CompactString::new(IIS_DEFAULT)),
        14 => Some(IIS_DEFAULT.replace(" cs(Referer)", "").into()),
        _ => None,
    }
}

fn kind_of(columns: &str) -> LogSourceSet {
    let has = |names: &[&str]| columns.split(' ').any(|column| names.contains(&column));
    if has(&[
        "s-action",
        "cs-uri-scheme",
        "r-ip",
        "r-host",
        "sc-filter-result",
        "s-hierarchy",
        "cs-auth-group",
    ]) {
        PROXY.clone()
    } else if has(&["s-sitename", "s-computername", "sc-win32-status", "sc-substatus"]) {
        IIS.clone()
    } else {
        WEBSERVER.clone()
    }
}

/// Values between spaces; a quoted value may hold spaces, an unclosed quote reaches to the end.
struct Values<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (value, rest) = if let Some(inner) = self.rest.strip_prefix('"') {
            let end = inner
                .find("\" ")
                .or_else(|| inner.ends_with('"').then(|| inner.len() - 1));
            let end = end.unwrap_or(inner.len());
            (&inner[..end], inner.get(end + 1..).unwrap_or_default())
        } else {
            let end = self.rest.find([' ', '\t']).unwrap_or(self.rest.len());
            self.rest.split_at(end)
        };
        self.rest = rest.trim_start_matches([' ', '\t']);
        Some(value)
    }
}

/// What has to be put together from several columns.
#[derive(Default)]
struct Row<'a> {
    date: Option<&'a str>,
    time: Option<&'a str>,
    stem: Option<&'a str>,
    query: Option<&'a str>,
    scheme: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn put(&mut self, name: &str, value: &'a str, draft: &mut Draft) {
        match name {
            "date" => self.date = Some(value),
            "time" => self.time = Some(value),
            "cs-uri-stem" | "cs-uri-path" => self.stem = Some(value),
            "cs-uri-query" => self.query = Some(value),
            "cs-uri-scheme" => self.scheme = Some(value),
            "cs-host" | "cs(Host)" => self.host = Some(value),
            _ => {}
        }
        // The stem and the query come under their names in `finish`.
        if !matches!(name, "cs-uri-stem" | "cs-uri-query") {
            if matches!(name, "cs-username" | "cs-host") {
                draft.push_text(name, value);
            } else {
                draft.push_untyped(name, value);
            }
        }
        // IIS writes spaces as plus signs; Sigma's names have no parentheses.
        let known: &[&str] = match name {
            "cs(User-Agent)" => &["cs-user-agent", "c-useragent"],
            "cs(Referer)" | "cs(Referrer)" => &["cs-referer"],
            "cs(Cookie)" => &["cs-cookie"],
            "cs(Content-Type)" => &["cs-content-type"],
            "cs(Host)" => &["cs-host"],
            "cs-uri" => &["c-uri"],
            "cs-uri-extension" => &["c-uri-extension"],
            "r-ip" => &["dst_ip"],
            "s-computername" => &["Computer"],
            _ => &[],
        };
        for known in known {
            if name == "cs(User-Agent)" {
                draft.push_text(*known, &value.replace('+', " "));
            } else {
                draft.push_text(*known, value);
            }
        }
    }

    fn finish(self, draft: &mut Draft) {
        // The standard says that date and time are in UTC.
        if let (Some(date), Some(time)) = (self.date, self.time) {
            let text = [date, " ", time].concat();
            match times::civil_prefix(&text) {
                Some((local, _)) => {
                    draft.happened_civil(local, Some(Offset::UTC));
                }
                None => {
                    draft.happened_iso(&text);
                }
            }
        }
        let Some(stem) = self.stem else { return };
        let target = match self.query {
            Some(query) => [stem, "?", query].concat(),
            None => stem.to_owned(),
        };
        access_log::request_target(&target, draft);
        if let (Some(scheme), Some(host)) = (self.scheme, self.host) {
            draft.push_text("c-uri", &[scheme, "://", host, &target].concat());
        }
    }
}
