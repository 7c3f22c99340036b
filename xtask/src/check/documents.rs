//! Documents do not lie about where things are: each path that the README and the architecture name exists.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::Objection;

const DOCUMENTS: &[&str] = &["README.md", "docs/ARCHITECTURE.md"];
/// Only what looks like a path into these folders is taken for one.
const FOLDERS: &[&str] = &[
    "crates/", "docs/", "content/", "xtask/", "config/", "bench/", "fuzz/", ".ci/",
];

pub(super) fn check(root: &Path) -> Result<Vec<Objection>> {
    let mut objections = Vec::new();
    for document in DOCUMENTS {
        let path = root.join(document);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {document}"))?;
        for (at, line) in text.lines().enumerate() {
            for named in paths_in(line).filter(|named| !root.join(named).exists()) {
                objections.push(Objection::new(
                    format!("{document}:{}", at + 1),
                    "paths",
                    format!("`{named}` does not exist"),
                ));
            }
        }
    }
    Ok(objections)
}

/// Paths in backquotes or in the target of a link, without placeholders.
fn paths_in(line: &str) -> impl Iterator<Item = &str> {
    line.split(['`', '(', ')', ' ', '"'])
        .map(|word| {
            word.split('#')
                .next()
                .unwrap_or_default()
                .trim_end_matches(['.', ',', ';', ':'])
        })
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        .filter(|word| !word.contains(['<', '*', '…', '{']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_backquotes_and_links() {
        let line = "See `crates/model`, [the ADR](docs/adr/0001-x.md#why) and `crates/<name>/src`.";
        assert_eq!(
            paths_in(line).collect::<Vec<_>>(),
            ["crates/model", "docs/adr/0001-x.md"]
        );
    }
}
