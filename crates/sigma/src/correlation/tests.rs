//! Tables of documents and streams, and properties against the naive oracle.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "test streams are a few dozen events"
)]

mod oracle;
mod properties;

use std::collections::BTreeMap;

use super::*;
use crate::document::{self, RuleDocument};
use crate::record::{Record, Value};

impl Record for BTreeMap<String, String> {
    fn visit<'a, F: FnMut(&'a str, Value<'a>)>(&'a self, mut visit: F) {
        for (name, value) in self {
            visit(name, Value::Str(value));
        }
    }
}

/// Reads correlation documents; the titles are their names too.
fn read(text: &str) -> Vec<CorrelationRule> {
    let file = document::parse("test.yml", text);
    assert_eq!(file.errors, [], "{text}");
    let correlations = file.documents.iter().map(|document| match document {
        RuleDocument::Correlation(body) => CorrelationRule::read(body).unwrap(),
        RuleDocument::Rule(_) | RuleDocument::Filter(_) => panic!("only correlations: {text}"),
    });
    correlations.collect()
}

fn refused(text: &str) -> String {
    let file = document::parse("test.yml", text);
    match &file.documents[..] {
        [RuleDocument::Correlation(body)] => CorrelationRule::read(body).unwrap_err().to_string(),
        other => panic!("one correlation: {other:?}"),
    }
}

/// Rules `a`, `b`, `c` … have the indices 0, 1, 2 …
fn index_of(name: &str) -> Option<usize> {
    let letter = Some(name).filter(|name| name.len() == 1)?.bytes().next()?;
    letter.is_ascii_lowercase().then(|| usize::from(letter - b'a'))
}

fn second(seconds: i64) -> i64 {
    seconds * 1_000_000
}

/// Runs events written as `seconds rules field=value …` and returns the matches as `correlation@seconds group measure [contributors]`.
fn run(text: &str, events: &str) -> Vec<String> {
    let limits = Limits {
        lateness_us: second(5),
        ..Limits::default()
    };
    let rules = read(text);
    let (mut correlator, errors) = Correlator::new(&rules, &index_of, limits);
    assert_eq!(errors, [], "{text}");
    let mut matches = Vec::new();
    for (number, line) in events.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        let mut words = line.split_whitespace();
        let time_us = second(words.next().unwrap().parse().unwrap());
        let rules_matched: Vec<usize> = words
            .next()
            .unwrap()
            .split(',')
            .map(|rule| index_of(rule).unwrap())
            .collect();
        let fields: BTreeMap<String, String> = words
            .map(|word| word.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let observation = Observation {
            time_us,
            received_us: time_us,
            seq: number as u64 + 1,
            rules: &rules_matched,
        };
        matches.extend(correlator.observe(observation, &fields));
    }
    matches.extend(correlator.finish());
    assert_eq!(correlator.counts().cuts, 0);
    let shown = matches.iter().map(|found| {
        let group: Vec<&str> = found.group.iter().map(|value| value.value.as_str()).collect();
        let title = &rules[found.correlation].meta.title;
        format!(
            "{title}@{} {} {} {:?}",
            found.time_us / 1_000_000,
            group.join(","),
            found.measure,
            found.contributors
        )
    });
    shown.collect()
}

fn document(kind: &str, rules: &str, rest: &str) -> String {
    format!(
        "title: x\nname: x\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  group-by: [u]\n  timespan: 10s\n{rest}"
    )
}

const FAILURES: &str = "0 a u=1\n3 a u=1\n4 a u=2\n6 a u=1\n";
const NUMBERS: &str = "0 a u=1 n=5\n1 a u=1 n=7\n2 a u=1 n=x\n3 a u=1\n20 a u=1 n=1\n";

/// Type, rules, condition, events and matches.
const KINDS: &[(&str, &str, &str, &str, &[&str])] = &[
    ("event_count", "a", "{gte: 3}", FAILURES, &["x@6 1 3 [1, 2, 4]"]),
    ("event_count", "a", "{gt: 2}", FAILURES, &["x@6 1 3 [1, 2, 4]"]),
    ("event_count", "a", "{gte: 4}", FAILURES, &[]),
    (
        "event_count",
        "a",
        "{gt: 1, lt: 3}",
        "0 a u=1\n1 a u=1\n2 a u=2\n10 a u=1\n",
        &["x@9 1 2 [1, 2]"],
    ),
    ("event_count", "a", "{eq: 3}", FAILURES, &["x@9 1 3 [1, 2, 4]"]),
    ("event_count", "a", "{neq: 3}", FAILURES, &["x@9 2 1 [3]"]),
    (
        "value_count",
        "a",
        "{field: n, gte: 2}",
        "0 a u=1 n=5\n1 a u=1 n=5\n2 a u=1 n=6\n",
        &["x@2 1 2 [2, 3]"],
    ),
    (
        "value_count",
        "a",
        "{field: [n, m], gte: 2}",
        "0 a u=1 n=5 m=1\n1 a u=1 n=5 m=1\n2 a u=1 n=5 m=2\n",
        &["x@2 1 2 [2, 3]"],
    ),
    ("value_sum", "a", "{field: n, gte: 12}", NUMBERS, &["x@1 1 12 [1, 2]"]),
    ("value_max", "a", "{field: n, gt: 6}", NUMBERS, &["x@1 1 7 [2]"]),
    ("value_min", "a", "{field: n, lte: 1}", NUMBERS, &["x@20 1 1 [5]"]),
    ("value_avg", "a", "{field: n, gte: 6}", NUMBERS, &["x@9 1 6 [1, 2]"]),
    ("value_median", "a", "{field: n, lt: 2}", NUMBERS, &["x@29 1 1 [5]"]),
    (
        "value_percentile",
        "a",
        "{field: n, percentile: 50, gte: 6}",
        NUMBERS,
        &["x@9 1 6 [1, 2]"],
    ),
    (
        "temporal",
        "a, b",
        "{gte: 2}",
        "0 b u=1\n5 a u=2\n6 a u=1\n",
        &["x@6 1 2 [1, 3]"],
    ),
    ("temporal", "a, b", "{gte: 2}", "0 b u=1\n11 a u=1\n", &[]),
    (
        "temporal",
        "a, b",
        "{gte: 2}",
        "0 b u=1\n10 a u=1\n",
        &["x@10 1 2 [1, 2]"],
    ),
    ("temporal", "a, b", "{gte: 2}", "0 a,b u=1\n", &["x@0 1 2 [1]"]),
    ("temporal", "a, b", "{lt: 2}", "0 b u=1\n3 b u=1\n", &["x@9 1 1 [1, 2]"]),
    ("temporal_ordered", "a, b", "{gte: 2}", "0 b u=1\n5 a u=1\n", &[]),
    (
        "temporal_ordered",
        "a, b",
        "{gte: 2}",
        "0 a u=1\n5 b u=1\n",
        &["x@5 1 2 [1, 2]"],
    ),
    (
        "temporal_ordered",
        "a, b, c",
        "{gte: 2}",
        "0 c u=1\n5 a u=1\n6 c u=1\n",
        &["x@6 1 2 [2, 3]"],
    ),
    (
        "temporal_ordered",
        "a, b, c",
        "{lte: 2}",
        "0 a u=1\n5 c u=1\n6 b u=1\n",
        &["x@9 1 2 [1, 2, 3]"],
    ),
    (
        "temporal",
        "a, b, c",
        "a and (b or c)",
        "0 a u=1\n5 c u=1\n",
        &["x@5 1 2 [1, 2]"],
    ),
    (
        "temporal",
        "a, b",
        "a and not b",
        "0 b u=1\n5 a u=1\n16 a u=1\n",
        &["x@16 1 1 [3]"],
    ),
    (
        "temporal_ordered",
        "a, b, c",
        "a and b and not c",
        "0 c u=1\n9 a u=1\n10 b u=1\n11 b u=1\n",
        &["x@11 1 2 [2, 4]"],
    ),
];

#[test]
fn each_kind_matches_as_written() {
    for (kind, rules, condition, events, expect) in KINDS {
        let text = document(kind, rules, &format!("  condition: {condition}\n"));
        assert_eq!(run(&text, events), *expect, "{kind} {condition}\n{events}");
    }
}

#[test]
fn a_lasting_condition_matches_once_in_each_timespan() {
    let events: String = (0..25).map(|at| at.to_string() + " a u=1\n").collect();
    let found = run(&document("event_count", "a", "  condition: {gte: 3}\n"), &events);
    let times: Vec<&str> = found.iter().map(|found| found.split(' ').next().unwrap()).collect();
    assert_eq!(times, ["x@2", "x@10", "x@20"]);
}

#[test]
fn chains_and_aliases_group_by_their_own_fields() {
    let text = "title: many\nname: many\ncorrelation:\n  type: event_count\n  rules: a\n  group-by: [host, user]\n  timespan: 10s\n  \
                condition: {gte: 2}\n---\ntitle: then\ncorrelation:\n  type: temporal_ordered\n  rules: [many, b]\n  group-by: who\n  \
                timespan: 1m\n  aliases:\n    who: {many: user, b: account}\n";
    let events = "0 a host=h user=eve\n1 a host=h user=eve\n2 a host=g user=eve\n30 b account=bob\n40 b account=eve\n";
    assert_eq!(run(text, events), ["then@40 eve 2 [1, 2, 5]"]);
    let heard = text.replace("  group-by: who", "  generate: true\n  group-by: who");
    assert_eq!(
        run(&heard, events),
        ["many@1 h,eve 2 [1, 2]", "then@40 eve 2 [1, 2, 5]"]
    );
}

#[test]
fn a_match_carries_the_fields_that_the_outer_correlation_reads() {
    let text = "title: many\nname: many\ncorrelation: {type: event_count, rules: a, group-by: u, timespan: 10s, condition: {gte: 2}}\n---\n\
                title: spread\ncorrelation: {type: value_count, rules: many, timespan: 1h, condition: {field: host, gte: 2}}\n";
    let events = "0 a host=h u=1\n1 a host=h u=1\n2 a host=g u=2\n3 a host=g u=2\n4 a u=3\n5 a u=3\n";
    assert_eq!(run(text, events), ["spread@3  2 [1, 2, 3, 4]"]);
}

#[test]
fn windows_inside_windows_end_together() {
    let text = "title: quiet\nname: quiet\ncorrelation: {type: event_count, rules: a, group-by: u, timespan: 10s, condition: {lt: 3}}\n---\n\
                title: all\ncorrelation: {type: event_count, rules: quiet, timespan: 10s, condition: {eq: 2}}\n";
    assert_eq!(
        run(text, "0 a u=1\n3 a u=2\n4 a u=2\n11 a u=1\n"),
        ["all@9  2 [1, 2, 3]"]
    );
}

/// What is written wrong in a good document, and what its author is told.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "event_count",
        "event_counts",
        "test.yml:4:9: x: `event_counts` is no type of correlation: one of event_count",
    ),
    ("[a]", "[]", "at least one rule"),
    ("[a]", "[a, a]", "named twice"),
    (
        "[a]",
        "[[a]]",
        "test.yml:5:11: x: a rule is named by its id or name, not by a list",
    ),
    ("10s", "10", "no timespan"),
    ("10s", "0s", "longer than nothing"),
    ("10s", "99999999999d", "longer than a year"),
    ("10s", "-5m", "no timespan"),
    ("{gte: 3}", "{gte: three}", "needs a number"),
    ("{gte: 3}", "{ge: 3}", "has no key `ge`"),
    ("{gte: 3}", "{gte: .inf}", "needs a number"),
    ("{gte: 3}", "{}", "compares with nothing"),
    ("{gte: 3}", "{gte: 3, field: u}", "measures no `field`"),
    ("{gte: 3}", "{gte: 3000000}", "is not kept"),
    ("{gte: 3}", "a and b", "is for temporal correlations"),
    ("  condition: {gte: 3}\n", "", "needs a `condition`"),
    (
        "  condition: {gte: 3}\n",
        "  condition: {gte: 3}\n  ordered: true\n",
        "has no key `ordered`",
    ),
    (
        "  condition",
        "  generate: maybe\n  condition",
        "`generate` must be true or false",
    ),
    (
        "  condition",
        "  aliases: {v: {b: f}}\n  condition",
        "names the rule `b`, which is not under `rules`",
    ),
    (
        "  condition",
        "  aliases: {v: f}\n  condition",
        "must map each rule to a field",
    ),
    ("event_count", "value_sum", "needs `field`"),
    ("event_count\n", "value_percentile\n", "needs `field`"),
];

#[test]
fn documents_are_refused_with_line_and_reason() {
    let base = document("event_count", "a", "  condition: {gte: 3}\n");
    for (from, to, expect) in REFUSALS {
        let text = base.replace(from, to);
        let error = refused(&text);
        assert!(error.contains(expect), "{from} -> {to}: {error}");
    }
    for (condition, expect) in [
        ("{gte: 3, field: [n, m]}", "measures one field"),
        ("{gte: 3, field: n}", "needs `percentile`"),
        ("{gte: 3, field: n, percentile: 101}", "between 0 and 100"),
    ] {
        let error = refused(&document(
            "value_percentile",
            "a",
            &format!("  condition: {condition}\n"),
        ));
        assert!(error.contains(expect), "{condition}: {error}");
    }
    for (condition, expect) in [
        ("a and", "ends where a rule"),
        ("a", "`b` does not occur in the condition"),
        ("a and b and c", "names `c`, which is not under `rules`"),
    ] {
        let error = refused(&document("temporal", "a, b", &format!("  condition: {condition}\n")));
        assert!(error.contains(expect), "{condition}: {error}");
    }
}

#[test]
fn correlations_that_cannot_be_connected_are_refused_and_the_others_stand() {
    let one = |name: &str, rules: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation: {{type: event_count, rules: {rules}, timespan: 1m, condition: {{gte: 1}}}}\n---\n"
        )
    };
    let many = (0..65).map(|at| format!("r{at}")).collect::<Vec<_>>().join(", ");
    let text = one("good", "a")
        + &one("unknown", "nowhere")
        + &one("above", "unknown")
        + &one("ring1", "ring2")
        + &one("ring2", "ring1")
        + &one("uses", "good")
        + &format!("title: wide\ncorrelation: {{type: temporal, rules: [{many}], timespan: 1m}}\n---\n")
        + "title: none\ncorrelation: {type: temporal, rules: [a], timespan: 1m, condition: not a}\n---\n"
        + "title: more\ncorrelation: {type: temporal_ordered, rules: [a], timespan: 1m, condition: {gte: 2}}\n";
    let rules = read(&text);
    let (correlator, errors) = Correlator::new(&rules, &index_of, Limits::default());
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for expect in [
        "unknown: no rule or correlation has the id or name `nowhere`",
        "above: it refers to the correlation `unknown`, which is refused",
        "ring1: it is part of a ring",
        "ring2: it is part of a ring",
        "wide: a temporal correlation refers to at most 64 rules",
        "none: the condition holds when none of the rules occurs",
        "more: 2 different rules can never occur",
    ] {
        assert!(
            errors.iter().any(|error| error.contains(expect)),
            "{expect}: {errors:#?}"
        );
    }
    assert_eq!(errors.len(), 7, "{errors:#?}");
    assert!(correlator.uses(0) && correlator.is_silent(0) && !correlator.uses(1));
    assert_eq!(correlator.replay_horizon_us(), second(2 * 60 + 2 * 60 + 60));
}

#[test]
fn late_ahead_repeated_and_unfit_events_are_counted() {
    let rules = read(&document("value_sum", "a", "  condition: {field: n, gte: 3}\n"));
    let (mut correlator, _) = Correlator::new(
        &rules,
        &index_of,
        Limits {
            lateness_us: second(5),
            ..Limits::default()
        },
    );
    let fields = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let good = fields(&[("u", "1"), ("n", "1")]);
    let mut matches = Vec::new();
    for (time, received, seq, record) in [
        (100, 100, 1, &good),
        (100, 101, 1, &good),
        (94, 100, 2, &good),
        (96, 100, 3, &good),
        (900, 102, 4, &good),
        (102, 102, 5, &fields(&[("n", "1")])),
        (102, 102, 6, &fields(&[("u", "1")])),
        (102, 102, 7, &fields(&[("u", "1"), ("n", "many")])),
    ] {
        let observation = Observation {
            time_us: second(time),
            received_us: second(received),
            seq,
            rules: &[0],
        };
        matches.extend(correlator.observe(observation, record));
    }
    assert_eq!(matches, [], "nothing is certain before the lateness has passed");
    matches.extend(correlator.advance(second(108)));
    assert_eq!(matches.len(), 1);
    assert_eq!(
        (matches[0].contributors.as_slice(), matches[0].measure),
        (&[1, 3, 4][..], 3.0)
    );
    let expect = Counts {
        observed: 5,
        late: 1,
        ahead: 1,
        repeated: 1,
        ungrouped: 1,
        unmeasured: 2,
        cuts: 0,
    };
    assert_eq!(correlator.counts(), expect);
}

#[test]
fn limits_hold_and_say_what_they_cut() {
    let rules = read(&document("event_count", "a", "  condition: {gte: 3}\n"));
    let limits = Limits {
        groups_max: 2,
        lateness_us: 0,
        ..Limits::default()
    };
    let (mut correlator, _) = Correlator::new(&rules, &index_of, limits);
    for (seq, user) in [1, 2, 3, 1, 1, 1].into_iter().enumerate() {
        let fields = BTreeMap::from([("u".to_owned(), user.to_string())]);
        let time_us = second(seq as i64);
        correlator.observe(
            Observation {
                time_us,
                received_us: time_us + 1,
                seq: seq as u64,
                rules: &[0],
            },
            &fields,
        );
    }
    let cuts = correlator.take_cuts();
    assert_eq!(
        cuts.iter().map(|cut| (cut.correlation, cut.cause)).collect::<Vec<_>>(),
        [(Some(0), CutCause::Group); 2]
    );
    assert_eq!(correlator.counts().cuts, 2);

    let limits = Limits {
        entries_max: 2,
        lateness_us: 0,
        ..Limits::default()
    };
    let (mut correlator, _) = Correlator::new(&rules, &index_of, limits);
    let fields = BTreeMap::from([("u".to_owned(), "1".to_owned())]);
    for at in 0..4 {
        let observation = Observation {
            time_us: second(at),
            received_us: second(at) + 1,
            seq: at as u64,
            rules: &[0],
        };
        assert_eq!(correlator.observe(observation, &fields), []);
    }
    assert!(correlator.take_cuts().iter().all(|cut| cut.cause == CutCause::Entries) && correlator.counts().cuts == 2);

    let limits = Limits {
        state_bytes_max: 2_000,
        ..Limits::default()
    };
    let (mut correlator, _) = Correlator::new(&rules, &index_of, limits);
    for seq in 0..100 {
        correlator.observe(
            Observation {
                time_us: second(seq),
                received_us: second(seq),
                seq: seq as u64,
                rules: &[0],
            },
            &fields,
        );
        assert!(correlator.state_bytes() <= 2_000);
    }
    assert!(correlator.take_cuts().iter().any(|cut| cut.cause == CutCause::Lateness));
}

#[test]
fn long_values_are_kept_apart_by_a_digest() {
    let rules = read(&document("event_count", "a", "  condition: {gte: 2}\n"));
    let (mut correlator, _) = Correlator::new(&rules, &index_of, Limits::default());
    let mut matches = Vec::new();
    for (seq, end) in ["x", "y", "x"].into_iter().enumerate() {
        let fields = BTreeMap::from([("u".to_owned(), "é".repeat(100_000) + end)]);
        matches.extend(correlator.observe(
            Observation {
                time_us: seq as i64,
                received_us: 0,
                seq: seq as u64,
                rules: &[0],
            },
            &fields,
        ));
    }
    matches.extend(correlator.finish());
    assert_eq!(matches.len(), 1);
    assert_eq!(matches[0].contributors, [0, 2]);
    assert!(matches[0].group[0].value.len() <= limits::VALUE_BYTES_MAX);
}
