//! Explanations as people read them, and their agreement with the engine.

use std::sync::Arc;

use sigma::document::{self, RuleDocument};
use sigma::engine::{Engine, RuleIndex};
use sigma::matcher::LogSourceSet;
use sigma::record::Value;
use sigma::rule::LogSource;

const RULE: &str = r"
title: Shadow copies deleted
logsource: {category: process_creation, product: windows}
detection:
  selection_image:
    - Image|endswith: '\vssadmin.exe'
    - OriginalFileName: VSSADMIN.EXE
  selection_words:
    CommandLine|contains|all: [delete, shadows]
  filter_user:
    User|startswith: ['NT AUTHORITY\', 'ADMIN*X']
  filter_null:
    ParentImage: null
  keywords: [quiet, '/all']
  condition: all of selection_* and keywords and not 1 of filter_*
";

fn engine() -> Engine {
    let mut builder = Engine::builder();
    for document in document::parse("vss.yml", RULE).documents {
        let RuleDocument::Rule(rule) = document else { continue };
        builder.add(Arc::new(*rule)).expect("the rule compiles");
    }
    builder.build()
}

#[test]
fn a_match_shows_selection_field_value_atom_and_bytes() {
    let engine = engine();
    let record = [
        ("Image", Value::Str(r"C:\Windows\System32\VSSADMIN.exe")),
        ("CommandLine", Value::JsonStr(r"vssadmin \u0044elete SHADOWS /quiet")),
        ("User", Value::Str("CONTOSO\\x")),
        ("ParentImage", Value::Str("cmd.exe")),
    ];
    let atoms = engine.explain_match(RuleIndex(0), &record);
    let shown: Vec<String> = atoms
        .iter()
        .map(|atom| {
            let found = &atom.evidence.value[atom.evidence.bytes.clone()];
            format!(
                "{} {} {} {}@{:?} {found}",
                atom.selection, atom.item, atom.atom, atom.evidence.field, atom.evidence.bytes
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r"selection_image Image|endswith \vssadmin.exe Image@19..32 \VSSADMIN.exe",
            "selection_words CommandLine|contains|all delete CommandLine@9..15 Delete",
            "selection_words CommandLine|contains|all shadows CommandLine@16..23 SHADOWS",
            "keywords  quiet CommandLine@25..30 quiet",
        ]
    );
}

#[test]
fn a_miss_shows_what_stands_in_the_way() {
    let engine = engine();
    let record = [
        ("Image", Value::Str(r"C:\x\cmd.exe")),
        ("CommandLine", Value::Str("vssadmin delete shadows /all")),
        ("User", Value::Str("administrator-X")),
    ];
    let sources = LogSourceSet::new(vec![LogSource::new("process_creation", "windows", "sysmon")]);
    let explanation = engine.explain(RuleIndex(0), &record, &sources);
    assert!(!explanation.holds && explanation.applies);
    insta::assert_snapshot!(explanation);
}
