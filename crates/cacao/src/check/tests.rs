//! Playbooks that must be refused, each with its place; and that nothing read from outside does harm.

use proptest::prelude::*;

use crate::{Playbook, Refused, check_library};

const BLOCK: &str = include_str!("../../testdata/block-address.json");

fn refused(json: &str) -> String {
    match Playbook::read(json.as_bytes()) {
        Ok(_) => "accepted".to_owned(),
        Err(refused) => refused.to_string(),
    }
}

/// The sound playbook with one piece of text replaced.
fn with(from: &str, to: &str) -> String {
    assert!(BLOCK.contains(from), "{from}");
    BLOCK.replacen(from, to, 1)
}

#[test]
fn a_sound_playbook_is_read() {
    Playbook::read(BLOCK.as_bytes()).unwrap();
}

/// What a strict reader refuses.
fn misspelt() -> Vec<(&'static str, String)> {
    vec![
        ("an unknown step", with(r#""type": "parallel""#, r#""type": "paralel""#)),
        (
            "an unknown command",
            with(r#""type": "openc2-http""#, r#""type": "openc2""#),
        ),
        (
            "an unknown property",
            with(r#""timeout": 60000"#, r#""time_out": 60000"#),
        ),
        (
            "an undefined variable",
            with("Địa chỉ __address__:value", "Địa chỉ __adress__:value"),
        ),
        (
            "a constant as a result",
            with(r#""type": "bool","#, r#""type": "bool", "constant": true,"#),
        ),
        (
            "a dangling step",
            with(
                r#""on_completion": "action--0000000b"#,
                r#""on_completion": "action--00000099"#,
            ),
        ),
        (
            "a dangling agent",
            with(
                r#""agent": "security-category--0000001f"#,
                r#""agent": "security-category--00000099"#,
            ),
        ),
        (
            "a circle",
            with(
                r#""on_success": "end--0000000f"#,
                r#""on_success": "parallel--0000000d"#,
            ),
        ),
        (
            "an end of two branches",
            with(
                r#""on_completion": "end--00000011"#,
                r#""on_completion": "end--0000000f"#,
            ),
        ),
    ]
}

/// What cannot run, or cannot end.
fn unsound() -> Vec<(&'static str, String)> {
    vec![
        (
            "no end",
            with(r#""on_success": "end--0000000f-0000-4000-8000-000000000000","#, ""),
        ),
        (
            "two next steps",
            with(
                r#""on_success": "if-condition--0000000c"#,
                r#""on_completion": "end--00000012-0000-4000-8000-000000000000", "on_success": "if-condition--0000000c"#,
            ),
        ),
        (
            "a bad condition",
            with("__confirmed__:value = 'true'", "__confirmed__ = 'true'"),
        ),
        ("a bad value", with(r#""value": "false""#, r#""value": "sai""#)),
        (
            "an unknown extension",
            with(
                r#""step_extensions": {"#,
                r#""step_extensions": {"extension-definition--00000000-0000-4000-8000-000000000000": {},"#,
            ),
        ),
        (
            "a property that stands twice",
            with(r#""name": "Xác nhận""#, r#""name": "Xác nhận", "name": "Khác""#),
        ),
        ("another version of the specification", with("cacao-2.0", "cacao-1.1")),
        (
            "validity backwards",
            with(
                r#""playbook_types""#,
                r#""valid_from": "2026-12-01T00:00:00.000Z", "valid_until": "2026-11-01T00:00:00.000Z", "playbook_types""#,
            ),
        ),
        ("not JSON", "{".to_owned()),
        ("not an object", "[]".to_owned()),
    ]
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let told: Vec<String> = misspelt()
        .into_iter()
        .chain(unsound())
        .map(|(what, json)| format!("{what}\n{}", refused(&json)))
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn nothing_larger_than_the_limit_is_read() {
    let large = " ".repeat(crate::PLAYBOOK_BYTES_MAX + 1);
    assert!(refused(&large).contains("too large"));
    let deep = "[".repeat(100_000);
    assert!(refused(&deep).contains("recursion limit"), "{}", refused(&deep));
}

/// A playbook that calls another.
fn caller(own: usize, called: usize) -> Playbook {
    let id = |kind: &str, number: usize| format!("{kind}--{number:08x}-0000-4000-8000-000000000000");
    let (start, call, end) = (id("start", 1), id("playbook-action", 2), id("end", 3));
    let json = format!(
        r#"{{"type":"playbook","spec_version":"cacao-2.0","id":"{}","name":"plan {own}","created_by":"{}",
        "created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","workflow_start":"{start}",
        "workflow":{{"{start}":{{"type":"start","on_completion":"{call}"}},
        "{call}":{{"type":"playbook-action","playbook_id":"{}","on_completion":"{end}"}},"{end}":{{"type":"end"}}}}}}"#,
        id("playbook", own),
        id("identity", 4),
        id("playbook", called),
    );
    Playbook::read(json.as_bytes()).unwrap()
}

#[test]
fn playbooks_that_call_each_other_are_checked_together() {
    let library = [caller(10, 11), caller(11, 12), caller(12, 10), caller(20, 21)];
    let told: Vec<String> = check_library(&library.each_ref())
        .into_iter()
        .map(|(id, flaw)| format!("{id} {flaw}"))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Playbook::read(&bytes);
    }

    #[test]
    fn a_damaged_playbook_is_read_or_refused_with_few_flaws(
        cut in 0..BLOCK.len(), length in 0_usize..60, put in "[\\[\\]{}\":, a-z0-9_-]{0,20}",
    ) {
        let mut bytes = BLOCK.as_bytes().to_vec();
        let end = (cut + length).min(bytes.len());
        bytes.splice(cut..end, put.bytes());
        if let Err(Refused { flaws, .. }) = Playbook::read(&bytes) {
            prop_assert!(!flaws.is_empty() && flaws.len() <= crate::FLAWS_MAX);
        }
    }
}
