//! The indexed engine and the naive evaluator agree on any rules and events, in any order of rules, after any reload.

mod oracle;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};
use sigma::document::{self, RuleDocument};
use sigma::engine::{Engine, RuleIndex};
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};
use sigma::record::Record;
use sigma::rule::{LogSource, Rule};

const FIELDS: [&str; 4] = ["A", "B", "n.C", "D"];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[aAbBk]{0,4}",
        r"[aAbB\-/ \\.]{0,6}",
        "[aéÉßẞſKk\u{212a}σςΣ–đĐ]{0,4}",
        select(vec!["10.0.0.1", "10.9.0.1", "192.168.1.7", "2001:db8::1", "fe80::1"]).prop_map(str::to_owned),
        select(vec![
            "2024-05-06T07:08:09Z",
            "2023-12-31",
            "7",
            "-3",
            "1.5",
            "true",
            "YWI=",
            "xYWFhYg"
        ])
        .prop_map(str::to_owned),
        vec(select(vec!["aaab", "bbk", "k-b", "xyzzy", "-a /b", "\n"]), 1..4).prop_map(|parts| parts.join("")),
        vec(select(vec!["aaab", "Filler", "plugh", "XYZZY"]), 30..60).prop_map(|parts| parts.join(" ")),
    ]
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        6 => text().prop_map(Json::from),
        1 => (-3i64..12).prop_map(Json::from),
        1 => select(vec![1.5, 7.0, -0.0, 2024.25]).prop_map(Json::from),
        1 => any::<bool>().prop_map(Json::from),
        1 => Just(Json::Null),
    ]
}

fn event() -> impl Strategy<Value = Json> {
    let value = || prop_oneof![4 => scalar(), 1 => vec(scalar(), 0..3).prop_map(Json::from)];
    (value(), value(), value(), value(), 0u8..16).prop_map(|(a, b, c, d, present)| {
        let mut event = serde_json::Map::new();
        if present & 1 != 0 {
            event.insert("A".into(), a);
        }
        if present & 2 != 0 {
            event.insert("B".into(), b);
        }
        if present & 4 != 0 {
            event.insert("n".into(), json!({ "C": c }));
        }
        if present & 8 != 0 {
            event.insert("D".into(), d);
        }
        Json::Object(event)
    })
}

fn wild_text() -> impl Strategy<Value = String> {
    prop_oneof![
        text().prop_filter("short", |text| text.len() < 30),
        r"[aAbB*?\\\-k]{0,6}",
        r"[a*]{0,3}xyz[zy?*]{0,3}",
    ]
}

fn texts() -> impl Strategy<Value = Json> {
    prop_oneof![
        2 => wild_text().prop_map(Json::from),
        2 => vec(wild_text(), 1..4).prop_map(Json::from),
        1 => vec(scalar(), 1..3).prop_map(Json::from),
    ]
}

fn item() -> impl Strategy<Value = (String, Json)> {
    let field = || select(FIELDS.to_vec());
    let plain = select(vec![
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|cased",
        "|contains|cased",
        "|neq",
        "|contains|neq",
        "|contains|all",
        "|windash",
        "|contains|windash",
        "|windash|startswith",
        "|endswith|cased|all",
    ]);
    let encoded = select(vec![
        "|base64",
        "|base64|contains",
        "|base64offset|contains",
        "|wide|base64offset|contains",
        "|wide",
    ]);
    let compared = select(vec![
        "|lt",
        "|lte",
        "|gt",
        "|gte",
        "|gte|neq",
        "|year",
        "|month|lt",
        "|day|gte",
        "|hour|lte",
    ]);
    let referred = select(vec!["", "|startswith", "|endswith", "|contains", "|cased", "|neq"]);
    let regular = select(vec![
        "a+b?",
        "^a",
        "b$",
        "[ab]{2}",
        "(a|b)k",
        "xyz+y",
        "aaab.*xyzzy",
        "k",
        "^$",
        "É",
    ]);
    let network = select(vec![
        "10.0.0.0/8",
        "10.0.0.0/16",
        "0.0.0.0/0",
        "2001:db8::/32",
        "fe80::/10",
        "192.168.1.7/32",
    ]);
    let pair = |field: &str, modifiers: &str, values: Json| (format!("{field}{modifiers}"), values);
    prop_oneof![
        8 => (field(), plain, texts()).prop_map(move |(f, m, v)| pair(f, m, v)),
        1 => (field(), encoded, "[ab]{3,5}").prop_map(move |(f, m, v)| pair(f, m, v.into())),
        2 => (field(), compared, prop_oneof![(-3i64..12).prop_map(Json::from), Just(json!(1.5)), Just(json!(2024))])
            .prop_map(move |(f, m, v)| pair(f, m, v)),
        2 => (field(), referred, field()).prop_map(move |(f, m, v)| pair(f, &format!("|fieldref{m}"), v.into())),
        2 => (field(), select(vec!["|re", "|re|i", "|re|m", "|re|s", "|re|neq"]), vec(regular, 1..3))
            .prop_map(move |(f, m, v)| pair(f, m, v.into())),
        1 => (field(), vec(network, 1..3)).prop_map(move |(f, v)| pair(f, "|cidr", v.into())),
        1 => (field(), any::<bool>()).prop_map(move |(f, v)| pair(f, "|exists", v.into())),
        1 => (field(), select(vec!["%list%", "a%list%", "%none%"])).prop_map(move |(f, v)| pair(f, "|expand", v.into())),
        1 => field().prop_map(move |f| pair(f, "", Json::Null)),
        1 => ("[abkxyz]{1,3}", "[abk]{1,2}").prop_map(move |(one, two)| pair("", "|all", json!([one, two]))),
    ]
}

fn selection() -> impl Strategy<Value = Json> {
    let map = || vec(item(), 1..3).prop_map(|items| Json::Object(items.into_iter().collect()));
    prop_oneof![
        5 => map(),
        1 => vec(map(), 1..3).prop_map(Json::from),
        1 => vec(wild_text().prop_filter("not empty", |text| !text.is_empty()), 1..3).prop_map(Json::from),
        1 => (map(), "[abk]{1,3}").prop_map(|(map, keyword)| json!([map, keyword])),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "sel_a",
        "sel_b",
        "other",
        "1 of sel_*",
        "all of sel_*",
        "1 of them",
        "2 of them",
        "all of them",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and not {b}")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

fn source() -> impl Strategy<Value = [&'static str; 3]> {
    select(vec![
        ["c", "", ""],
        ["", "p", ""],
        ["c", "p", ""],
        ["", "p", "s"],
        ["c", "p", "s"],
        ["d", "", ""],
    ])
}

fn rule() -> impl Strategy<Value = Json> {
    let conditions =
        prop_oneof![3 => condition().prop_map(Json::from), 1 => vec(condition(), 1..3).prop_map(Json::from)];
    (source(), selection(), selection(), selection(), conditions).prop_map(|(source, a, b, other, condition)| {
        let mut log_source = serde_json::Map::new();
        for (key, value) in ["category", "product", "service"].into_iter().zip(source) {
            if !value.is_empty() {
                log_source.insert(key.into(), value.into());
            }
        }
        json!({
            "title": "t", "logsource": log_source,
            "detection": { "sel_a": a, "sel_b": b, "other": other, "condition": condition },
        })
    })
}

fn lists() -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(
        "list".to_owned(),
        vec!["a*".to_owned(), "bk".to_owned(), "7".to_owned()],
    )])
}

/// Parses and compiles what can be; a rule that is refused is no concern here.
fn load(rules: &[Json]) -> (Vec<Arc<Rule>>, Arc<Engine>) {
    let mut builder = Engine::builder().placeholders(lists());
    let mut loaded = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        for document in document::parse(&number.to_string(), &rule.to_string()).documents {
            if let RuleDocument::Rule(rule) = document {
                let rule = Arc::new(*rule);
                if builder.add(Arc::clone(&rule)).is_ok() {
                    loaded.push(rule);
                }
            }
        }
    }
    (loaded, Arc::new(builder.build()))
}

/// Returns the rules that match, and checks that explanations tell the same and that none was said to need fields that are not there.
fn found(matcher: &mut Matcher, line: &str, sources: &LogSourceSet) -> BTreeSet<String> {
    let engine = Arc::clone(matcher.engine());
    let mut scanner = JsonScanner::new();
    let record = scanner.scan(line).expect("the tests write JSON objects");
    let mut fields = BTreeSet::new();
    record.visit(|name, _| {
        fields.insert(name.to_owned());
    });
    let found = matcher.matches(&record, sources);
    for index in found {
        let rule = engine.rule(*index);
        assert!(
            rule.can_hold_with(|field| fields.contains(field)),
            "{}: {line}",
            rule.file
        );
    }
    for (index, rule) in (0..).map(RuleIndex).zip(engine.rules()) {
        let explanation = engine.explain(index, &record, sources);
        assert_eq!(
            explanation.holds,
            found.contains(&index),
            "{}: {explanation} {line}",
            rule.file
        );
    }
    found.iter().map(|index| engine.rule(*index).file.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn engine_and_oracle_agree(
        rules in vec(rule(), 1..7),
        events in vec((event(), vec(source(), 0..3)), 1..6),
        order in any::<u64>(),
    ) {
        let (loaded, engine) = load(&rules);
        let mut shuffled = rules.clone();
        let turn = usize::try_from(order % rules.len() as u64).unwrap();
        shuffled.rotate_left(turn);
        let (_, again) = load(&shuffled);
        prop_assert_eq!(engine.rules().len(), again.rules().len());
        let names: Vec<String> = loaded.iter().map(|rule| rule.file.to_string()).collect();
        let mut turned: Vec<String> = again.rules().iter().map(|rule| rule.file.to_string()).collect();
        let by_number = |name: &String| (name.parse::<usize>().expect("rules are called by number") + turn) % rules.len();
        turned = turned.iter().map(|name| by_number(name).to_string()).collect();
        turned.sort_by_key(|name| name.parse::<usize>().expect("rules are called by number"));
        prop_assert_eq!(names, turned);
        let (mut first, mut second) = (Matcher::new(engine), Matcher::new(again));
        for _ in 0..2 {
            for (event, sources) in &events {
                let sources: Vec<_> = sources.iter().map(|[c, p, s]| LogSource::new(c, p, s)).collect();
                let expect: BTreeSet<String> = loaded
                    .iter()
                    .filter(|rule| oracle::matches(rule, event, &sources, &lists()))
                    .map(|rule| rule.file.to_string())
                    .collect();
                let set = LogSourceSet::new(sources);
                let line = event.to_string();
                let got = found(&mut first, &line, &set);
                prop_assert_eq!(&got, &expect, "{} in {:?}", line, rules);
                let got: BTreeSet<String> =
                    found(&mut second, &line, &set).iter().map(|name| by_number(name).to_string()).collect();
                prop_assert_eq!(&got, &expect, "in another order: {}", line);
            }
        }
    }
}
