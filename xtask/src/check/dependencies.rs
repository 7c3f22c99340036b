//! What is let in: `deny.toml` has a sentence for each direct dependency, and its licences, sources and bans hold for everything in the lock.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Objection;
use crate::run::output;

const POLICY: &str = "deny.toml";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(root: &Path) -> Result<Vec<Objection>> {
    let text = fs::read_to_string(root.join(POLICY)).context(POLICY)?;
    let policy: toml::Table = text.parse().context(POLICY)?;
    let metadata = output(Command::new("cargo").current_dir(root).args([
        "metadata",
        "--locked",
        "--offline",
        "--format-version",
        "1",
    ]))
    .or_else(|_| {
        let mut online = Command::new("cargo");
        output(online.current_dir(root).args(["metadata", "--format-version", "1"]))
    })?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata did not print JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let mut objections = unnamed(&text, packages);
    objections.extend(packages.iter().flat_map(|package| let_in(&policy, package)));
    Ok(objections)
}

/// Direct dependencies without a sentence.
fn unnamed(text: &str, packages: &[Value]) -> Vec<Objection> {
    let named: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(": "))
        .filter(|(name, sentence)| !name.contains(' ') && sentence.ends_with('.'))
        .map(|(name, _)| name)
        .collect();
    let ours: Vec<&Value> = packages.iter().filter(|package| package["source"].is_null()).collect();
    let our_names: BTreeSet<&str> = ours.iter().filter_map(|package| package["name"].as_str()).collect();
    let direct: BTreeSet<&str> = ours
        .iter()
        .filter_map(|package| package["dependencies"].as_array())
        .flatten()
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| !our_names.contains(name))
        .collect();
    direct
        .difference(&named)
        .map(|name| Objection::new(POLICY, "dependencies", format!("has no sentence `# {name}: ….`")))
        .collect()
}

/// What speaks against one package of the lock.
fn let_in(policy: &toml::Table, package: &Value) -> Vec<Objection> {
    let name = package["name"].as_str().unwrap_or_default();
    let object = |rule, detail: String| Objection::new(name, rule, detail);
    let mut objections = Vec::new();
    let Some(source) = package["source"].as_str() else {
        return objections;
    };
    if source != REGISTRY {
        objections.push(object("sources", format!("comes from {source}")));
    }
    if banned(policy).any(|banned| banned == name) {
        objections.push(object("bans", format!("is banned by {POLICY}")));
    }
    let allowed: Vec<&str> = strings(policy, "licenses", "allow").collect();
    let licence = package["license"].as_str().unwrap_or("no licence");
    if !permits(licence, &allowed) {
        objections.push(object("licences", format!("{licence} is not let in by {POLICY}")));
    }
    objections
}

fn strings<'a>(policy: &'a toml::Table, section: &str, key: &str) -> impl Iterator<Item = &'a str> {
    let list = policy.get(section).and_then(|section| section.get(key)?.as_array());
    list.into_iter().flatten().filter_map(toml::Value::as_str)
}

fn banned(policy: &toml::Table) -> impl Iterator<Item = &str> {
    let list = policy.get("bans").and_then(|bans| bans.get("deny")?.as_array());
    list.into_iter().flatten().filter_map(|ban| ban.get("crate")?.as_str())
}

/// Whether an SPDX expression can be fulfilled with licences that are let in: `OR` (and the older `/`) chooses, `AND` needs both.
fn permits(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, &[" OR ", "/"]) {
        return parts.iter().any(|part| permits(part, allowed));
    }
    if let Some(parts) = split(expression, &[" AND "]) {
        return parts.iter().all(|part| permits(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => permits(inner, allowed),
        None => allowed.contains(&expression),
    }
}

/// The parts of an expression outside parentheses, where there are several.
fn split<'a>(expression: &'a str, separators: &[&str]) -> Option<Vec<&'a str>> {
    let (mut depth, mut start, mut at) = (0_usize, 0, 0);
    let mut parts = Vec::new();
    while at < expression.len() {
        let rest = &expression[at..];
        let separator = separators
            .iter()
            .find(|separator| depth == 0 && rest.starts_with(**separator));
        if let Some(separator) = separator {
            parts.push(&expression[start..at]);
            at += separator.len();
            start = at;
            continue;
        }
        match rest.as_bytes()[0] {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    parts.push(&expression[start..]);
    (parts.len() > 1).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_fulfilled_as_spdx_says() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("MIT/Apache-2.0", true),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR GPL-3.0-only) AND Unicode-3.0", true),
            ("(GPL-3.0-only OR LGPL-2.1-only) AND MIT", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
            ("no licence", false),
        ] {
            assert_eq!(permits(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn a_dependency_without_a_sentence_is_named() {
        let packages = serde_json::json!([
            {"name": "lake", "source": null, "dependencies": [{"name": "parquet"}, {"name": "model"}, {"name": "blake3"}]},
            {"name": "model", "source": null, "dependencies": []},
        ]);
        let found = unnamed(
            "# parquet: the lake's files.\n# blake3:\n",
            packages.as_array().expect("an array"),
        );
        let details: Vec<&str> = found.iter().map(|objection| objection.detail.as_str()).collect();
        assert_eq!(details, ["has no sentence `# blake3: ….`"]);
    }
}
