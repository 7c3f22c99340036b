//! One line of what was seen in an event, for queues and reports.

use std::fmt::Write;

use model::{Entities, Event};

/// Longest summary in characters.
const CHARACTERS_MAX: usize = 300;

/// The line: what a person would read out first. The command line, the request, the connection, the message.
#[must_use]
pub fn summary_of(event: &Event) -> String {
    let entities = &event.entities;
    let line = entities
        .process_command_line
        .as_deref()
        .map(str::to_owned)
        .or_else(|| request(event))
        .or_else(|| first_text(event, SAYING))
        .or_else(|| connection(entities))
        .or_else(|| entities.process_executable.as_deref().map(str::to_owned))
        .or_else(|| windows(event))
        .unwrap_or_else(|| String::from_utf8_lossy(&event.raw[..event.raw.len().min(4 * CHARACTERS_MAX)]).into_owned());
    one_line(&line)
}

/// Fields that say in one value what happened, the most telling first.
const SAYING: &[&str] = &[
    "ScriptBlockText",
    "TargetObject",
    "TargetFilename",
    "ImageLoaded",
    "PipeName",
    "QueryName",
    "ServiceName",
    "TaskName",
    "alert.signature",
    "eventName",
    "message",
    "MESSAGE",
    "Message",
];

fn first_text(event: &Event, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| event.fields.text(name))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn request(event: &Event) -> Option<String> {
    let path = event.entities.url_path.as_deref()?;
    let method = event.fields.text("cs-method").unwrap_or("");
    let status = event.fields.get("sc-status").map(|value| match value {
        model::Value::Int(status) => format!(" → {status}"),
        model::Value::Text(status) => format!(" → {status}"),
        model::Value::Null
        | model::Value::Bool(_)
        | model::Value::Uint(_)
        | model::Value::Float(_)
        | model::Value::List(_) => String::new(),
    });
    Some(
        format!("{method} {path}{}", status.unwrap_or_default())
            .trim_start()
            .to_owned(),
    )
}

fn connection(entities: &Entities) -> Option<String> {
    let to = entities.destination_ip?;
    let mut line = String::new();
    if let Some(from) = entities.source_ip {
        let _ = write!(line, "{from} → ");
    }
    let _ = write!(line, "{to}");
    if let Some(port) = entities.destination_port {
        let _ = write!(line, " port {port}");
    }
    if let Some(program) = &entities.process_executable {
        let _ = write!(line, " ({program})");
    }
    Some(line)
}

/// Fields of a Windows event that say nothing of what happened.
const WINDOWS_FRAME: &[&str] = &[
    "@timestamp",
    "EventTime",
    "EventReceivedTime",
    "TimeCreated",
    "SystemTime",
    "Hostname",
    "Computer",
    "Keywords",
    "EventType",
    "SeverityValue",
    "Severity",
    "EventID",
    "EventRecordID",
    "RecordNumber",
    "SourceName",
    "SourceModuleName",
    "SourceModuleType",
    "Provider_Name",
    "ProviderGuid",
    "Guid",
    "Channel",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "OpcodeValue",
    "ActivityID",
    "ProcessID",
    "ThreadID",
    "ExecutionProcessID",
];
/// Fields that the line of a Windows event names.
const WINDOWS_FIELDS_MAX: usize = 6;

/// A Windows event without words of its own: which one it is, and the first of its own fields.
fn windows(event: &Event) -> Option<String> {
    let number = event.entities.event_code.as_deref()?;
    let log = ["Channel", "Provider_Name", "SourceName"]
        .iter()
        .find_map(|name| event.fields.text(name))?;
    let mut line = format!("{log} {number}");
    let own = event.fields.iter().filter_map(|field| {
        let text = field.value.as_text().filter(|text| !matches!(*text, "" | "-"))?;
        (!WINDOWS_FRAME.contains(&field.name.as_str())).then_some((&field.name, text))
    });
    for (name, text) in own.take(WINDOWS_FIELDS_MAX) {
        let _ = write!(line, " · {name}={text}");
    }
    Some(line)
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(CHARACTERS_MAX));
    let mut words = text.split_whitespace();
    let mut count = 0;
    while let Some(word) = words.next().filter(|_| count < CHARACTERS_MAX) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(CHARACTERS_MAX - count));
        count = line.chars().count();
    }
    if words.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_of_many_lines_becomes_one_short_line() {
        assert_eq!(one_line("a\r\n\tb  c"), "a b c");
        let line = one_line(&"x ".repeat(1000));
        assert!(
            line.chars().count() <= CHARACTERS_MAX + 2 && line.ends_with('…'),
            "{line}"
        );
        assert!(one_line(&"y".repeat(5000)).chars().count() <= CHARACTERS_MAX);
    }
}
