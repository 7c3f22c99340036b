//! A report as OSCAL assessment results (NIST OSCAL 1.1): each part of the facts is an observation, each requirement of a
//! watch a finding, and the proof a resource at the end.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Proof;

/// The version of OSCAL that is written.
pub(crate) const OSCAL_VERSION: &str = "1.1.3";
/// The namespace of our properties.
const NAMESPACE: &str = "urn:watchpost:report";
/// Most properties of one observation; more are in the proof's facts.
const PROPS_MAX: usize = 200;
/// The title of the resource that holds the proof.
pub(crate) const PROOF_TITLE: &str = "watchpost-report.json";

/// Writes a report as OSCAL assessment results; `title` is the report's.
///
/// # Panics
/// Never: the document is plain data.
#[must_use]
pub fn oscal(title: &str, proof: Proof) -> String {
    let document = results(title, &proof);
    let proof = proof.carried_by(&document).to_json();
    let mut document = document;
    let resource = json!({
        "uuid": uuid(&["proof", &crate::sha256_hex(proof.as_bytes())]),
        "title": PROOF_TITLE,
        "base64": {
            "filename": PROOF_TITLE,
            "media-type": "application/json",
            "value": base64(proof.as_bytes()),
        },
    });
    document["assessment-results"]["back-matter"] = json!({ "resources": [resource] });
    serde_json::to_string_pretty(&document).expect("a value is JSON")
}

fn results(title: &str, proof: &Proof) -> Value {
    let facts = &proof.facts;
    let digest = proof.facts_digest();
    let at = facts["report"]["compiled_at"]
        .as_str()
        .unwrap_or("1970-01-01T00:00:00Z");
    let (start, end) = match (facts["period"]["from"].as_str(), facts["period"]["to"].as_str()) {
        (Some(from), Some(to)) => (from, to),
        (Some(_), None) | (None, _) => (facts["incident"]["began_at"].as_str().unwrap_or(at), at),
    };
    let mut observations = Vec::new();
    for (part, value) in facts.as_object().into_iter().flatten() {
        match value.as_array() {
            // Each measurement is an observation of its own, so that findings can name it.
            Some(rows) if part == "measurements" => {
                observations.extend(rows.iter().map(|row| measurement(row, (at, &digest))));
            }
            Some(_) | None => observations.push(observation(part, value, (at, &digest))),
        }
    }
    let findings = findings(facts, &digest);
    let mut result = json!({
        "uuid": uuid(&["result", &digest]),
        "title": line(title),
        "description": format!("Form {}; {} of its facts are missing.", proof.form, proof.gaps.len()),
        "start": start,
        "end": end,
        "props": [prop("facts-sha256", &digest), prop("ledger-entries", &proof.ledger.entries.to_string()), prop("ledger-head", &proof.ledger.head)],
        "reviewed-controls": { "control-selections": [{ "description": "What the form asks for.", "include-all": {} }] },
        "observations": observations,
    });
    if !findings.is_empty() {
        result["findings"] = Value::Array(findings);
    }
    json!({
        "assessment-results": {
            "uuid": uuid(&["assessment", &digest]),
            "metadata": {
                "title": line(title),
                "last-modified": at,
                "version": "1",
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": { "href": format!("urn:watchpost:form:{}", proof.form) },
            "results": [result],
        }
    })
}

/// A control's measurement, collected when it was looked at.
fn measurement(row: &Value, (at, digest): (&str, &str)) -> Value {
    let control = row["control"].as_str().unwrap_or("measurement");
    let mut observed = observation(control, row, (row["at"].as_str().unwrap_or(at), digest));
    observed["methods"] = json!(["TEST"]);
    observed["description"] = json!(line(row["query"].as_str().unwrap_or(control)));
    observed
}

/// A finding for each requirement of a watch: satisfied only when it held.
fn findings(facts: &Value, digest: &str) -> Vec<Value> {
    let rows = facts["requirements"].as_array().map_or(&[][..], Vec::as_slice);
    let finding = |row: &Value| {
        let key = row["key"].to_string();
        let standing = row["standing"].as_str().unwrap_or("unknown");
        let state = if standing == "holds" {
            "satisfied"
        } else {
            "not-satisfied"
        };
        let controls = row["controls"].as_array().map_or(&[][..], Vec::as_slice);
        let mut related: Vec<Value> = controls
            .iter()
            .filter_map(Value::as_str)
            .filter(|control| measured(facts, control))
            .map(|control| json!({ "observation-uuid": uuid(&["observation", control, digest]) }))
            .collect();
        related.push(json!({ "observation-uuid": uuid(&["observation", "requirements", digest]) }));
        json!({
            "uuid": uuid(&["finding", &key, digest]),
            "title": line(&format!("{} {}", row["number"].as_str().unwrap_or_default(), row["letter_key"].as_str().unwrap_or_default())),
            "description": line(row["text"]["en"].as_str().unwrap_or_default()),
            "target": {
                "type": "objective-id",
                "target-id": format!("requirement-{key}"),
                "status": { "state": state, "reason": token(standing) },
            },
            "related-observations": related,
        })
    };
    rows.iter().map(finding).collect()
}

fn measured(facts: &Value, control: &str) -> bool {
    let rows = facts["measurements"].as_array().map_or(&[][..], Vec::as_slice);
    rows.iter().any(|row| row["control"].as_str() == Some(control))
}

fn observation(part: &str, value: &Value, (at, digest): (&str, &str)) -> Value {
    let mut props = Vec::new();
    let mut missing = Vec::new();
    flatten("", value, &mut props, &mut missing);
    let description = match value.as_array() {
        Some(rows) => format!("{part}: {} rows", rows.len()),
        None => part.to_owned(),
    };
    let mut observation = Map::new();
    observation.insert("uuid".to_owned(), json!(uuid(&["observation", part, digest])));
    observation.insert("title".to_owned(), json!(part));
    observation.insert("description".to_owned(), json!(description));
    observation.insert("methods".to_owned(), json!(["EXAMINE"]));
    observation.insert("types".to_owned(), json!(["historic"]));
    observation.insert("collected".to_owned(), json!(at));
    let cut = props.len().saturating_sub(PROPS_MAX);
    props.truncate(PROPS_MAX);
    if !props.is_empty() {
        observation.insert("props".to_owned(), Value::Array(props));
    }
    let mut remarks = String::new();
    if !missing.is_empty() {
        let _ = write!(remarks, "Missing: {}.", missing.join(", "));
    }
    if cut > 0 {
        let _ = write!(remarks, " {cut} more values are in the attached facts.");
    }
    if !remarks.is_empty() {
        observation.insert("remarks".to_owned(), json!(remarks.trim()));
    }
    Value::Object(observation)
}

fn flatten(path: &str, value: &Value, props: &mut Vec<Value>, missing: &mut Vec<String>) {
    let name = if path.is_empty() { "value" } else { path };
    let below = |step: &str| {
        if path.is_empty() {
            step.to_owned()
        } else {
            format!("{path}.{step}")
        }
    };
    match value {
        Value::Null => missing.push(name.to_owned()),
        Value::Bool(truth) => props.push(prop(name, &truth.to_string())),
        Value::Number(number) => props.push(prop(name, &number.to_string())),
        Value::String(text) if text.trim().is_empty() => missing.push(name.to_owned()),
        Value::String(text) => props.push(prop(name, text)),
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate().take(PROPS_MAX) {
                flatten(&below(&nth.to_string()), item, props, missing);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                flatten(&below(field), value, props, missing);
            }
        }
    }
}

fn prop(name: &str, value: &str) -> Value {
    json!({ "name": token(name), "ns": NAMESPACE, "value": line(value) })
}

/// A name as OSCAL's type `token` allows it.
fn token(name: &str) -> String {
    let mut token: String = name
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_') {
                letter
            } else {
                '_'
            }
        })
        .collect();
    if !token.starts_with(|first: char| first.is_alphabetic() || first == '_') {
        token.insert(0, '_');
    }
    token
}

/// One line without space at its ends, as OSCAL's type `string` demands.
fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "-".to_owned() } else { line }
}

/// A UUID that follows from its parts, so that the same report has the same ones: version 5 in form (RFC 9562).
fn uuid(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes: [u8; 16] = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (nth, byte) in bytes.iter().enumerate() {
        if matches!(nth, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let (a, b, c) = (chunk[0], chunk.get(1).copied(), chunk.get(2).copied());
        let word = u32::from(a) << 16 | u32::from(b.unwrap_or(0)) << 8 | u32::from(c.unwrap_or(0));
        let digit = |shift: u32| char::from(ALPHABET[(word >> shift & 63) as usize]);
        text.push(digit(18));
        text.push(digit(12));
        text.push(if b.is_some() { digit(6) } else { '=' });
        text.push(if c.is_some() { digit(0) } else { '=' });
    }
    text
}

/// Reads base64 as [`oscal`] writes it.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for digit in chunk {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            word = word << 6 | u32::try_from(value).ok()?;
        }
        let missing = 4 - chunk.len();
        word <<= 6 * u32::try_from(missing).ok()?;
        let whole = word.to_be_bytes();
        bytes.extend_from_slice(whole.get(1..4_usize.checked_sub(missing)?)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn base64_goes_there_and_back(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
            assert_eq!(unbase64(&base64(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn base64_is_the_one_of_the_rfc() {
        assert_eq!(base64(b"fooba"), "Zm9vYmE=");
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(unbase64("Zm9v!"), None);
    }
}
