//! SigmaHQ's rules and recorded attacks: no rule is refused, and each recorded attack is found by its rule.
//! The data is not part of the repository; it is looked for under `WATCHPOST_DATA` or `../shared/data`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use sigma::document::{self, RuleDocument};
use sigma::engine::Engine;
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};

#[expect(clippy::print_stderr, reason = "a skipped test must be heard of")]
fn data() -> Option<PathBuf> {
    let given = std::env::var_os("WATCHPOST_DATA").map(PathBuf::from);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate lies in crates/");
    let folders = given
        .into_iter()
        .chain(workspace.ancestors().skip(1).map(|above| above.join("shared/data")));
    let found = folders
        .map(|folder| folder.join("sigma"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: SigmaHQ's data is neither under WATCHPOST_DATA nor ../shared/data");
    }
    found
}

fn files(folder: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    for path in entries.map(|entry| entry.expect("an entry can be read").path()) {
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|own| own == extension) {
            out.push(path);
        }
    }
    out.sort();
}

fn all_rules(data: &Path) -> Engine {
    let mut paths = Vec::new();
    for folder in [
        "rules",
        "rules-emerging-threats",
        "rules-threat-hunting",
        "rules-compliance",
    ] {
        files(&data.join(folder), "yml", &mut paths);
    }
    let mut builder = Engine::builder();
    let mut refused = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a rule can be read");
        let file = document::parse(&path.to_string_lossy(), &text);
        refused.extend(file.errors);
        for document in file.documents {
            let RuleDocument::Rule(rule) = document else { continue };
            refused.extend(builder.add(Arc::new(*rule)).err());
        }
    }
    assert!(
        refused.is_empty(),
        "{} rules are refused, first: {}",
        refused.len(),
        refused[0]
    );
    assert!(paths.len() > 3_000, "{} rules", paths.len());
    builder.build()
}

/// Flattens a recorded event to the names that rules use: event data, and the system fields of the taxonomy.
fn event_of(recorded: &Json) -> Json {
    let event = &recorded["Event"];
    let mut flat = serde_json::Map::new();
    let system = &event["System"];
    flat.insert(
        "Provider_Name".into(),
        system["Provider"]["#attributes"]["Name"].clone(),
    );
    for name in ["EventID", "Channel", "Computer", "Level", "Keywords"] {
        let value = &system[name];
        let value = if value.is_object() { &value["#text"] } else { value };
        flat.insert(name.into(), value.clone());
    }
    let data = event["EventData"]
        .as_object()
        .or_else(|| event["UserData"].as_object()?.values().next()?.as_object());
    for (name, value) in data.into_iter().flatten() {
        flat.insert(name.replace(' ', ""), value.clone());
    }
    flat.into()
}

#[test]
fn recorded_attacks_are_found_by_their_rules() {
    let Some(data) = data() else { return };
    let engine = Arc::new(all_rules(&data));
    let mut infos = Vec::new();
    files(&data.join("regression_data"), "yml", &mut infos);
    let (mut recorded, mut missed) = (0, Vec::new());
    for info in &infos {
        let text = std::fs::read_to_string(info).expect("an info.yml can be read");
        let info_node = sigma::yaml::parse(&text).expect("an info.yml is YAML").remove(0);
        let wanted = info_node.get("rule_metadata").expect("the rule is named").items()[0].get("id");
        let wanted = wanted
            .and_then(sigma::yaml::Node::scalar_text)
            .expect("the rule has an id");
        let mut events = Vec::new();
        files(info.parent().expect("in a folder"), "json", &mut events);
        let texts: Vec<String> = events
            .iter()
            .map(|path| std::fs::read_to_string(path).expect("events"))
            .collect();
        if texts.iter().all(|text| text.trim().is_empty()) {
            continue;
        }
        recorded += 1;
        let rule = engine
            .rules()
            .iter()
            .find(|rule| rule.meta.id.as_deref() == Some(wanted.as_str()));
        let rule = rule.expect("the named rule is in the set");
        let sources = LogSourceSet::new(vec![rule.log_source.clone()]);
        let mut matcher = Matcher::new(Arc::clone(&engine));
        let is_found = texts
            .iter()
            .flat_map(|text| serde_json::Deserializer::from_str(text).into_iter::<Json>())
            .any(|event| {
                let event = event.expect("an event is JSON");
                let all = event.as_array().cloned().unwrap_or_else(|| vec![event]);
                all.iter().any(|event| {
                    let line = event_of(event).to_string();
                    let mut scanner = JsonScanner::new();
                    let record = scanner.scan(&line).expect("an event is a JSON object");
                    matcher
                        .matches(&record, &sources)
                        .iter()
                        .any(|index| Arc::ptr_eq(engine.rule(*index), rule))
                })
            });
        if !is_found {
            missed.push(info.display().to_string());
        }
    }
    assert!(missed.is_empty(), "{} of {recorded} missed: {missed:#?}", missed.len());
    assert!(recorded >= 97, "{recorded} recorded attacks");
}
