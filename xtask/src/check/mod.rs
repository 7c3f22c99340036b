//! The house rules that a program can hold: each rule reads the tree and names every place that breaks it.

mod dependencies;
mod documents;
mod floors;
mod modules;
mod sources;
mod statements;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::run::say;

/// The crates of floors 0 and 1: no I/O, no clock, no tasks.
const PURE: &[&str] = &[
    "model",
    "sigma",
    "cacao",
    "normalize",
    "detect",
    "operations",
    "documents",
];

/// One place that breaks a rule.
struct Objection {
    place: String,
    rule: &'static str,
    detail: String,
}

impl Objection {
    fn new(place: impl Into<String>, rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule,
            detail: detail.into(),
        }
    }
}

/// A Rust source file of the workspace.
struct SourceFile {
    /// Path from the workspace's folder, with forward slashes.
    path: String,
    text: String,
}

impl SourceFile {
    /// The lines before the file's own tests.
    fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
    }

    /// Whether it is code of tests, examples or benchmarks as a whole.
    fn is_beside(&self) -> bool {
        ["/tests/", "/benches/", "/examples/", "/testdata/"]
            .iter()
            .any(|part| self.path.contains(part))
            || self.path.ends_with("/tests.rs")
    }

    /// The crate it belongs to, when it lies below `crates/`.
    fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }
}

/// Runs every rule and fails when one objects.
pub(crate) fn run(root: &Path) -> Result<()> {
    let files = source_files(root)?;
    let mut objections = Vec::new();
    objections.extend(floors::check(root)?);
    objections.extend(sources::check(&files));
    objections.extend(modules::check(&files));
    objections.extend(statements::check(&files));
    objections.extend(documents::check(root)?);
    objections.extend(dependencies::check(root)?);
    for objection in &objections {
        say(&format!(
            "{}: {} — {}",
            objection.place, objection.rule, objection.detail
        ));
    }
    match objections.len() {
        0 => {
            say(&format!("house rules: {} source files, no objection", files.len()));
            Ok(())
        }
        count => bail!("the house rules object in {count} places"),
    }
}

fn source_files(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "bench", "fuzz"] {
        collect(root, &root.join(folder), &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path: PathBuf = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let below = path.strip_prefix(root).expect("collected below the root");
            files.push(SourceFile {
                path: below.to_string_lossy().replace('\\', "/"),
                text,
            });
        }
    }
    Ok(())
}
