//! What people and programs read of coverage, over rules and events made up for it.

use std::{collections::BTreeMap, sync::Arc};

use detect::{RuleText, Rules};
use model::{Heard, HeardKind, LogSource, LogSourceSet, SourceId, Timestamp};

use super::{Report, Seen, layer, rows, table};

const RULES: &str = r"
title: Program run from a temporary folder
id: 11111111-1111-4111-8111-111111111111
level: high
tags: [attack.t1059]
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|contains: temp}, condition: selection}
---
title: Known tool by its import hash
id: 22222222-2222-4222-8222-222222222222
tags: [attack.t1059, attack.t1003.001]
logsource: {product: windows, category: process_creation}
detection: {selection: {Imphash: abc}, condition: selection}
---
title: Trail stopped
id: 33333333-3333-4333-8333-333333333333
tags: [attack.t1562.008]
logsource: {product: aws, service: cloudtrail}
detection: {selection: {eventName: StopLogging}, condition: selection}
";

fn rules() -> Arc<Rules> {
    Arc::new(Rules::load(&[RuleText {
        file: "rules.yml".to_owned(),
        text: RULES.into(),
    }]))
}

fn heard() -> Heard {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let kind = |sources: Vec<LogSource>, events: u64, fields: &[&str]| HeardKind {
        logsources: LogSourceSet::new(sources),
        events,
        received_at: (at("2026-11-20T01:00:00Z"), at("2026-11-24T23:59:00Z")),
        sources: ["dc01", "fs01", "ws17"]
            .map(|name| (SourceId::new(name), events))
            .into(),
        fields: fields
            .iter()
            .map(|name| ((*name).into(), events))
            .collect::<BTreeMap<_, _>>(),
    };
    Heard {
        from: at("2026-10-26T00:00:00Z"),
        until: at("2026-11-25T00:00:00Z"),
        events: 1_015,
        left_out: 90,
        is_cut: false,
        unreadable: vec!["events/day=2026-11-01/part-0000000007.parquet: its hash is another".to_owned()],
        kinds: vec![
            kind(
                vec![LogSource::new("process_creation", "windows", "sysmon")],
                1_000,
                &["Image", "User"],
            ),
            kind(vec![LogSource::new("", "linux", "sshd")], 15, &["message"]),
        ],
    }
}

#[test]
fn what_came_is_held_against_what_is_needed() {
    let rules = rules();
    let heard = heard();
    let report = Report {
        days: 30,
        seen: Some(Seen {
            coverage: detect::Coverage::of(&rules, &heard),
            heard,
        }),
        rules: &rules,
    };
    let mut text = Vec::new();
    table::write(&mut text, &report, true, Some(140)).unwrap();
    insta::assert_snapshot!("table", String::from_utf8(text).unwrap());
    let layer = layer::layer(&report);
    let scores: Vec<(&str, u64)> = layer["techniques"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["techniqueID"].as_str().unwrap(), row["score"].as_u64().unwrap()))
        .collect();
    assert_eq!(scores, [("T1003.001", 0), ("T1059", 1), ("T1562.008", 0)]);
    let rows = rows::json(&report);
    assert_eq!(rows["heard"]["is_whole"], false);
    assert_eq!(rows["heard"]["rules"]["unheard"], 1);
    assert_eq!(rows["rules"][1]["sight"], "blind");
    assert_eq!(rows["rules"][1]["fields_missing"][0], "Imphash");
}

#[test]
fn without_a_lake_nothing_is_said_to_be_heard_or_not() {
    let rules = rules();
    let report = Report {
        days: 30,
        seen: None,
        rules: &rules,
    };
    let mut text = Vec::new();
    table::write(&mut text, &report, false, Some(100)).unwrap();
    insta::assert_snapshot!("needs", String::from_utf8(text).unwrap());
    let rows = rows::json(&report);
    assert!(rows["heard"].is_null() && rows["rules"][0]["sight"].is_null());
    assert_eq!(rows["log_sources"].as_array().unwrap().len(), 2);
}
