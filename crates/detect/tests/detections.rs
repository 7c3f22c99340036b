//! Rules over events, as a caller sees them: what is detected, what it is about, and what is refused.

use std::sync::Arc;

use bytes::Bytes;
use detect::{Arrival, Detector, RuleMatcher, RuleText, Rules, SharedRules, read_pipelines};
use model::{Detection, Entities, Event, Fields, LogSource, LogSourceSet, SourceId, Timestamp, Value};

const FAILED: &str = "
title: Failed sign-in
id: 11111111-1111-1111-1111-111111111111
name: failed_sign_in
level: low
logsource: {product: linux, service: sshd}
detection:
    selection:
        message|contains: Failed password
    condition: selection
---
title: Guessed passwords
id: 22222222-2222-2222-2222-222222222222
level: high
correlation:
    type: event_count
    rules: [failed_sign_in]
    group-by: [source.ip]
    timespan: 1m
    condition: {gte: 3}
    generate: true
";

fn rules(texts: &[(&str, &str)]) -> SharedRules {
    let texts: Vec<RuleText> = texts
        .iter()
        .map(|(file, text)| RuleText {
            file: (*file).to_owned(),
            text: (*text).into(),
        })
        .collect();
    Arc::new(Rules::load(&texts))
}

fn failure(seq: u64, second: i64, exercise: bool) -> Event {
    let at = Timestamp::from_second(1_714_417_800 + second).expect("a moment in 2024");
    let mut fields = Fields::default();
    fields.push(
        "message",
        Value::text("Failed password for root from 192.0.2.9 port 4242 ssh2"),
    );
    Event {
        seq,
        records: 1,
        source: SourceId::new("web02"),
        happened_at: at,
        received_at: at,
        format: "sshd".into(),
        logsources: LogSourceSet::new([LogSource::new("", "linux", "sshd")]),
        fields,
        entities: Entities {
            host_name: Some("web02".into()),
            source_ip: "192.0.2.9".parse().ok(),
            ..Entities::default()
        },
        raw: Bytes::from_static(b"raw"),
        problems: Vec::new(),
        exercise,
    }
}

fn detected(rules: &SharedRules, events: &[Event]) -> Vec<Detection> {
    let mut matcher = RuleMatcher::new(rules);
    let mut detector = Detector::new(Arc::clone(rules), Arrival::Stream);
    let mut found: Vec<Detection> = events
        .iter()
        .flat_map(|event| {
            let held = matcher.matches(event).to_vec();
            detector.observe(event, &held)
        })
        .collect();
    found.extend(detector.advance(Timestamp::from_second(1_714_421_400).expect("a moment in 2024")));
    found
}

fn titles(found: &[Detection]) -> Vec<&str> {
    found.iter().map(|detection| detection.rule.title.as_str()).collect()
}

#[test]
fn a_windows_event_without_words_is_told_by_its_number_and_its_own_fields() {
    let mut event = failure(1, 0, false);
    event.fields = Fields::default();
    event.entities.event_code = Some("1102".into());
    event.raw = Bytes::from_static(br#"{"EventTime": "2026-11-25 17:24:32"}"#);
    for (name, value) in [
        ("EventTime", "2026-11-25 17:24:32"),
        ("Channel", "Security"),
        ("SubjectUserName", "lan.nt"),
        ("SubjectLogonId", "-"),
        ("SubjectDomainName", "COQUAN"),
    ] {
        event.fields.push(name, Value::text(value));
    }
    assert_eq!(
        detect::summary_of(&event),
        "Security 1102 · SubjectUserName=lan.nt · SubjectDomainName=COQUAN"
    );
}

#[test]
fn three_failures_are_three_detections_and_one_correlation_about_the_address() {
    let rules = rules(&[("ssh.yml", FAILED)]);
    let events: Vec<Event> = (1..=3).map(|seq| failure(seq, seq.cast_signed(), false)).collect();
    let found = detected(&rules, &events);
    assert_eq!(
        titles(&found),
        [
            "Failed sign-in",
            "Failed sign-in",
            "Failed sign-in",
            "Guessed passwords"
        ]
    );
    assert_eq!(found[0].entity.name, "web02");
    let guessed = &found[3];
    assert_eq!(
        (
            guessed.entity.name.as_str(),
            guessed.event,
            guessed.contributing.as_slice()
        ),
        ("192.0.2.9", 3, &[1, 2, 3][..])
    );
    assert_eq!(guessed.host.as_deref(), Some("web02"));
}

#[test]
fn a_rule_that_only_feeds_a_correlation_is_silent() {
    let rules = rules(&[("ssh.yml", &FAILED.replace("generate: true", "generate: false"))]);
    let events: Vec<Event> = (1..=3).map(|seq| failure(seq, seq.cast_signed(), false)).collect();
    assert_eq!(titles(&detected(&rules, &events)), ["Guessed passwords"]);
}

#[test]
fn a_rehearsal_is_not_counted_together_with_the_real_thing() {
    let rules = rules(&[("ssh.yml", FAILED)]);
    let events = [failure(1, 1, false), failure(2, 2, true), failure(3, 3, false)];
    assert_eq!(titles(&detected(&rules, &events)), ["Failed sign-in"; 3]);
}

#[test]
fn a_matched_field_says_where_in_the_value_it_is() {
    let rules = rules(&[("ssh.yml", FAILED)]);
    let found = detected(&rules, &[failure(1, 1, false)]);
    let matched = &found[0].matched[0];
    assert_eq!(
        (matched.selection.as_str(), matched.field.as_str()),
        ("selection", "message")
    );
    assert_eq!(matched.span, Some((0, 15)));
}

#[test]
fn a_filter_takes_away_what_it_describes() {
    let filter = "
title: The scanner of the house
logsource: {product: linux, service: sshd}
filter:
    rules: [failed_sign_in]
    ours: {message|contains: 192.0.2.9}
    condition: not ours
";
    let rules = rules(&[("ssh.yml", FAILED), ("ours.yml", filter)]);
    assert_eq!(rules.refused(), []);
    assert_eq!(titles(&detected(&rules, &[failure(1, 1, false)])), Vec::<&str>::new());
}

#[test]
fn the_later_rule_of_an_id_is_in_force_and_the_earlier_is_listed() {
    let own = FAILED.replace("title: Failed sign-in", "title: Our own failed sign-in");
    let rules = rules(&[("built-in/ssh.yml", FAILED), ("own/ssh.yml", &own)]);
    assert!(
        rules
            .entries()
            .iter()
            .any(|entry| entry.identity.title == "Our own failed sign-in")
    );
    assert!(
        !rules
            .entries()
            .iter()
            .any(|entry| entry.identity.title == "Failed sign-in")
    );
    assert!(
        rules
            .refused()
            .iter()
            .any(|refused| refused.reason.contains("own/ssh.yml"))
    );
}

#[test]
fn a_broken_rule_is_refused_with_its_place_and_its_neighbours_stand() {
    let broken =
        format!("{FAILED}---\ntitle: Broken\nlogsource: {{product: linux}}\ndetection: {{a: 1, condition: b}}\n");
    let rules = rules(&[("ssh.yml", &broken)]);
    assert_eq!(rules.entries().len(), 2);
    let refused = &rules.refused()[0];
    assert_eq!(refused.rule.as_deref(), Some("Broken"));
    assert!(refused.line > 20 && refused.reason.contains('b'), "{refused:?}");
}

fn text(file: &str, text: &str) -> RuleText {
    RuleText {
        file: file.to_owned(),
        text: text.into(),
    }
}

#[test]
fn pipelines_rename_the_fields_of_rules_and_correlations() {
    let rules_text = FAILED.replace("message|", "Text|").replace("source.ip", "Origin");
    let mapping = "
name: sshd
transformations:
- type: field_name_mapping
  mapping: {Text: message, Origin: source.ip}
  rule_conditions:
  - {type: logsource, product: linux}
";
    let pipelines = read_pipelines(&[text("sshd.yml", mapping)]).expect("the pipeline is right");
    let events: Vec<Event> = (1..=3)
        .map(|number| failure(number, i64::try_from(number).unwrap(), false))
        .collect();
    let plain = rules(&[("ssh.yml", &rules_text)]);
    assert_eq!(titles(&detected(&plain, &events)), Vec::<&str>::new());
    let mapped = Arc::new(Rules::load_through(&[text("ssh.yml", &rules_text)], &pipelines));
    assert_eq!(mapped.refused(), []);
    assert_eq!(
        titles(&detected(&mapped, &events)),
        [
            "Failed sign-in",
            "Failed sign-in",
            "Failed sign-in",
            "Guessed passwords"
        ]
    );
}

#[test]
fn a_wrong_pipeline_is_refused_with_its_place() {
    let refused =
        read_pipelines(&[text("p.yml", "name: x\ntransformations:\n- type: file_placeholders\n")]).unwrap_err();
    assert_eq!((&*refused.file, refused.line), ("p.yml", 3), "{}", refused.reason);
}
