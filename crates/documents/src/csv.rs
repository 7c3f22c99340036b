//! The facts of a report as CSV: one line for each fact, its path and its value. It carries no proof: spreadsheets would
//! show it as rows.

use serde_json::Value;

/// Writes the facts, UTF-8 with a byte order mark (spreadsheets need it for Vietnamese), lines ended as RFC 4180 says.
#[must_use]
pub fn csv(facts: &Value) -> String {
    let mut text = String::from("\u{feff}path,value\r\n");
    write(facts, &mut String::new(), &mut text);
    text
}

fn write(value: &Value, path: &mut String, text: &mut String) {
    let shown = match value {
        Value::Object(fields) => {
            let mut ordered: Vec<_> = fields.iter().collect();
            ordered.sort_by_key(|(key, _)| *key);
            for (key, value) in ordered {
                step(key, value, path, text);
            }
            return;
        }
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                step(&nth.to_string(), item, path, text);
            }
            return;
        }
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(words) => guarded(words),
    };
    text.push_str(&quoted(path));
    text.push(',');
    text.push_str(&quoted(&shown));
    text.push_str("\r\n");
}

fn step(key: &str, value: &Value, path: &mut String, text: &mut String) {
    let before = path.len();
    if before > 0 {
        path.push('.');
    }
    path.push_str(key);
    write(value, path, text);
    path.truncate(before);
}

/// A text that a spreadsheet would run as a formula is led by an apostrophe: it may come from a log that an attacker wrote.
fn guarded(words: &str) -> String {
    if words.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{words}")
    } else {
        words.to_owned()
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_is_a_line_and_no_formula_runs() {
        let facts = serde_json::json!({
            "b": [{"x": "a, \"b\""}, {"x": "=cmd|' /C calc'!A0"}],
            "a": {"none": null, "n": 3, "t": true},
        });
        assert_eq!(
            csv(&facts),
            "\u{feff}path,value\r\na.n,3\r\na.none,\r\na.t,true\r\nb.0.x,\"a, \"\"b\"\"\"\r\nb.1.x,'=cmd|' /C calc'!A0\r\n"
        );
    }
}
