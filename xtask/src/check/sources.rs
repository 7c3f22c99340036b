//! Rules on single files: an opening sentence, a length that can be read, names that say something, and no I/O on the pure floors.

use super::{Objection, PURE, SourceFile};

const LINES_MAX: usize = 500;
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager"];
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::thread",
    "std::env",
    "std::time::Instant",
    "SystemTime::",
];

pub(super) fn check(files: &[SourceFile]) -> Vec<Objection> {
    let mut objections = Vec::new();
    for file in files {
        opens_with_a_sentence(file, &mut objections);
        is_short(file, &mut objections);
        is_named(file, &mut objections);
        is_pure(file, &mut objections);
    }
    objections
}

fn opens_with_a_sentence(file: &SourceFile, objections: &mut Vec<Objection>) {
    let first = file
        .text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        objections.push(Objection::new(
            &file.path,
            "opening",
            "the file does not open with `//!`",
        ));
    }
}

fn is_short(file: &SourceFile, objections: &mut Vec<Objection>) {
    let lines = file.lines_before_tests().count();
    if lines > LINES_MAX && !file.is_beside() {
        objections.push(Objection::new(
            &file.path,
            "length",
            format!("{lines} lines before its tests, {LINES_MAX} at most"),
        ));
    }
}

fn is_named(file: &SourceFile, objections: &mut Vec<Objection>) {
    let parts = file.path.split('/').map(|part| part.trim_end_matches(".rs"));
    for part in parts.filter(|part| EMPTY_NAMES.contains(part)) {
        objections.push(Objection::new(
            &file.path,
            "names",
            format!("`{part}` says nothing about what is inside"),
        ));
    }
}

fn is_pure(file: &SourceFile, objections: &mut Vec<Objection>) {
    let on_pure_floor = file.crate_name().is_some_and(|name| PURE.contains(&name));
    if !on_pure_floor || file.is_beside() {
        return;
    }
    for (at, line) in file
        .lines_before_tests()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
    {
        for path in IMPURE_PATHS.iter().filter(|path| line.contains(**path)) {
            objections.push(Objection::new(
                format!("{}:{at}", file.path),
                "purity",
                format!("`{path}` on a pure floor"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile {
            path: path.into(),
            text: text.into(),
        };
        check(&[file])
            .into_iter()
            .map(|objection| format!("{} {}", objection.place, objection.rule))
            .collect()
    }

    #[test]
    fn each_rule_names_the_place() {
        let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(500));
        let cases = [
            (
                "crates/lake/src/a.rs",
                "fn f() {}",
                vec!["crates/lake/src/a.rs opening"],
            ),
            (
                "crates/lake/src/a.rs",
                long.as_str(),
                vec!["crates/lake/src/a.rs length"],
            ),
            (
                "crates/lake/src/utils.rs",
                "//! U.",
                vec!["crates/lake/src/utils.rs names"],
            ),
            (
                "crates/detect/src/a.rs",
                "//! A.\nuse std::fs;",
                vec!["crates/detect/src/a.rs:2 purity"],
            ),
            ("crates/lake/src/a.rs", "//! A.\nuse std::fs;", vec![]),
        ];
        for (path, text, expected) in cases {
            assert_eq!(objections(path, text), expected, "{path}");
        }
    }
}
