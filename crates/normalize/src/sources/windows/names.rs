//! The names of Windows event fields in the Sigma taxonomy, from the forms in which shippers and parsers write them.
//! Every function gives a part of what it was given, or a fixed text, so that nothing is allocated.

/// The taxonomy's name of a path in the nested form (`Event.System.Channel` → `Channel`), an empty text for what says
/// nothing; other paths stay. Reads the attribute forms of `evtx_dump`, Chainsaw (`#attributes`, `…_attributes`) and of
/// XML converters (`@Name`).
pub(crate) fn of_nested(path: &str) -> &str {
    let Some(path) = path.strip_prefix("Event.") else {
        return if path == "Event_attributes.xmlns" { "" } else { path };
    };
    if let Some(path) = path.strip_prefix("EventData.") {
        of_data(path)
    } else if let Some(path) = path.strip_prefix("System.") {
        of_system(path)
    } else if let Some(path) = path.strip_prefix("UserData.") {
        of_user_data(path)
    } else if let Some(path) = path.strip_prefix("RenderingInfo.") {
        of_rendering(path)
    } else if matches!(path, "#attributes.xmlns" | "@xmlns") {
        ""
    } else {
        path
    }
}

/// Where the names of `<Data Name="…">` elements are kept until they meet their texts.
pub(crate) const DATA_NAMES: &str = "Data.#names";
/// Where the texts of those elements are.
pub(crate) const DATA_TEXTS: &str = "Data.#texts";

fn of_data(path: &str) -> &str {
    match path {
        "#attributes.xmlns" | "@xmlns" => "",
        "#attributes.Name" | "@Name" => "EventDataName",
        "Data.#attributes.Name" | "Data.@Name" => DATA_NAMES,
        "Data.#text" => DATA_TEXTS,
        path => path.strip_suffix(".#text").unwrap_or(path),
    }
}

fn of_system(path: &str) -> &str {
    let (element, attribute) = split_attribute(path);
    match (element, attribute) {
        ("Provider", "Name") => "Provider_Name",
        ("Provider", "Guid") => "ProviderGuid",
        ("Execution", "ProcessID") => "ExecutionProcessID",
        ("Execution", "ThreadID") => "ExecutionThreadID",
        ("Execution", "ProcessorID") => "ExecutionProcessorID",
        ("TimeCreated", "SystemTime") => "TimeCreated",
        ("Security", "UserID") => "UserID",
        (_, "" | "#text") => element,
        (_, attribute) => attribute,
    }
}

/// Splits `Provider.#attributes.Name`, `Provider_attributes.Name` and `Provider.@Name`.
fn split_attribute(path: &str) -> (&str, &str) {
    for separator in [".#attributes.", "_attributes.", ".@", "."] {
        if let Some(parts) = path.split_once(separator) {
            return parts;
        }
    }
    (path, "")
}

/// The names inside the one element that user data consists of.
fn of_user_data(path: &str) -> &str {
    let inner = path.split_once('.').map_or(path, |(_, inner)| inner);
    match inner {
        "#attributes.xmlns" | "@xmlns" | "xmlns" => "",
        inner if path.contains("_attributes.xmlns") || inner.ends_with("xmlns") => "",
        inner => inner.strip_suffix(".#text").unwrap_or(inner),
    }
}

fn of_rendering(path: &str) -> &str {
    match path {
        "Message" => "Message",
        "#attributes.Culture" | "@Culture" => "",
        _ => path,
    }
}

/// The taxonomy's name of a Winlogbeat field, when it has another.
pub(crate) fn of_winlogbeat(name: &str) -> Option<&str> {
    let Some(path) = name.strip_prefix("winlog.") else {
        return (name == "message").then_some("Message");
    };
    Some(match path {
        "channel" => "Channel",
        "computer_name" => "Computer",
        "event_id" => "EventID",
        "keywords" => "KeywordNames",
        "opcode" => "Opcode",
        "process.pid" => "ExecutionProcessID",
        "process.thread.id" => "ExecutionThreadID",
        "provider_guid" => "ProviderGuid",
        "provider_name" => "Provider_Name",
        "record_id" => "EventRecordID",
        "task" => "Task",
        "user.identifier" => "UserID",
        "version" => "Version",
        path => {
            let data = path
                .strip_prefix("event_data.")
                .or_else(|| path.strip_prefix("user_data."));
            return data.filter(|data| !data.is_empty());
        }
    })
}

/// The taxonomy's name of a field of OpenTelemetry's receiver of Windows events, when it has another.
pub(crate) fn of_opentelemetry(name: &str) -> Option<&str> {
    Some(match name {
        "channel" => "Channel",
        "computer" => "Computer",
        "event_id.id" => "EventID",
        "event_id.qualifiers" => "Qualifiers",
        "execution.process_id" => "ExecutionProcessID",
        "execution.thread_id" => "ExecutionThreadID",
        "keywords" => "KeywordNames",
        "message" => "Message",
        "provider.guid" => "ProviderGuid",
        "provider.name" => "Provider_Name",
        "record_id" => "EventRecordID",
        "security.user_id" => "UserID",
        "system_time" => "TimeCreated",
        name => {
            return name
                .strip_prefix("event_data.data.")
                .or_else(|| name.strip_prefix("event_data."));
        }
    })
}

/// The name without the spaces that Windows Defender's manifest puts in (`Threat Name`), the way the rules write it.
pub(crate) fn without_spaces(name: &str) -> compact_str::CompactString {
    match name {
        "Feature Name" => compact_str::CompactString::const_new("Feature_Name"),
        name => name.chars().filter(|letter| *letter != ' ').collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_paths_get_the_names_of_the_taxonomy() {
        let cases = [
            ("Event.System.EventID", "EventID"),
            ("Event.System.EventID.#text", "EventID"),
            ("Event.System.EventID.#attributes.Qualifiers", "Qualifiers"),
            ("Event.System.Provider.#attributes.Name", "Provider_Name"),
            ("Event.System.Provider_attributes.Name", "Provider_Name"),
            ("Event.System.Provider.@Name", "Provider_Name"),
            ("Event.System.TimeCreated.#attributes.SystemTime", "TimeCreated"),
            ("Event.System.Correlation.#attributes.ActivityID", "ActivityID"),
            ("Event.System.Channel", "Channel"),
            ("Event.EventData.Image", "Image"),
            ("Event.EventData.TaskContent.#text", "TaskContent"),
            ("Event.EventData.Data.#text", DATA_TEXTS),
            ("Event.EventData.Data.@Name", DATA_NAMES),
            ("Event.EventData.Data", "Data"),
            ("Event.UserData.RuleAndFileData.FilePath", "FilePath"),
            ("Event.UserData.RuleAndFileData.#attributes.xmlns", ""),
            ("Event.UserData.RuleAndFileData_attributes.xmlns", ""),
            ("Event.#attributes.xmlns", ""),
            ("Event_attributes.xmlns", ""),
            ("Event.RenderingInfo.Message", "Message"),
            ("user.name", "user.name"),
        ];
        for (path, name) in cases {
            assert_eq!(of_nested(path), name, "{path}");
        }
    }
}
