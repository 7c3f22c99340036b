//! Properties: the correlator agrees with the naive oracle on any stream, in any order within the lateness, and after a replay.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::oracle::{self, Found, Happening};
use super::{index_of, read, second};
use crate::correlation::{CorrelationMatch, CorrelationRule, Correlator, Limits, Observation};

const LATENESS_SECONDS: i64 = 6;

fn condition() -> impl Strategy<Value = (&'static str, String)> {
    let operator = prop::sample::select(vec!["gt", "gte", "lt", "lte", "eq", "neq"]);
    let comparison = (operator, 0..5_i32).prop_map(|(operator, number)| format!("{operator}: {number}"));
    let expression = prop::sample::select(vec![
        "a and b",
        "a or b and c",
        "a and not b",
        "(a or b) and not c",
        "c and b and a",
        "a and (b or not c)",
    ]);
    let kinds = vec![
        "value_count",
        "value_sum",
        "value_avg",
        "value_min",
        "value_max",
        "value_median",
    ];
    prop_oneof![
        comparison
            .clone()
            .prop_map(|text| ("event_count", format!("{{{text}}}"))),
        (prop::sample::select(kinds), comparison.clone())
            .prop_map(|(kind, text)| (kind, format!("{{field: n, {text}}}"))),
        comparison
            .clone()
            .prop_map(|text| ("value_percentile", format!("{{field: n, percentile: 80, {text}}}"))),
        (prop::sample::select(vec!["temporal", "temporal_ordered"]), comparison)
            .prop_map(|(kind, text)| (kind, format!("{{{text}}}"))),
        (prop::sample::select(vec!["temporal", "temporal_ordered"]), expression)
            .prop_map(|(kind, text)| (kind, text.to_owned())),
    ]
}

/// One correlation over rules, and one above it that may be heard alone or with it.
fn documents() -> impl Strategy<Value = String> {
    let outer = (
        prop::sample::select(vec!["event_count", "temporal_ordered", "value_count"]),
        any::<bool>(),
        5..30_u8,
    );
    (condition(), 3..15_u8, any::<bool>(), prop::option::of(outer)).prop_map(|((kind, condition), span, grouped, outer)| {
        let rules = if condition.starts_with('{') || condition.contains('c') { "a, b, c" } else { "a, b" };
        let group = if grouped { "u" } else { "" };
        let inner = format!(
            "title: in\nname: in\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  group-by: [{group}]\n  timespan: {span}s\n  condition: {condition}\n"
        );
        let Some((kind, generate, span)) = outer else { return inner };
        let rest = match kind {
            "event_count" => "rules: [in]\n  condition: {gte: 2}",
            "value_count" => "rules: [in]\n  condition: {field: n, gte: 2}",
            _ => "rules: [in, d]",
        };
        format!("{inner}---\ntitle: out\nname: out\ncorrelation:\n  type: {kind}\n  {rest}\n  generate: {generate}\n  timespan: {span}s\n")
    })
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let rules = prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c", "d"]), 1..3);
    let one = (0..4_i64, rules, 0..2_u8, prop::option::weighted(0.9, 0..4_u8));
    prop::collection::vec(one, 1..40).prop_map(|steps| {
        let mut time = 0;
        let made = steps.into_iter().enumerate().map(|(at, (pause, rules, user, number))| {
            time += second(pause);
            let mut fields = BTreeMap::from([("u".to_owned(), user.to_string())]);
            fields.extend(number.map(|number| ("n".to_owned(), number.to_string())));
            Happening {
                time_us: time,
                seq: at as u64,
                rules: rules.into_iter().map(str::to_owned).collect(),
                fields,
            }
        });
        made.collect()
    })
}

/// Feeds the events with their delays, in the order of arrival.
fn run(rules: &[CorrelationRule], events: &[(Happening, i64)], limits: Limits) -> (Vec<CorrelationMatch>, Correlator) {
    let (mut correlator, errors) = Correlator::new(rules, &index_of, limits);
    assert_eq!(errors, []);
    let mut arriving: Vec<&(Happening, i64)> = events.iter().collect();
    arriving.sort_by_key(|(event, delay)| event.time_us + delay);
    let mut matches = Vec::new();
    for (event, delay) in arriving {
        let rules_matched: Vec<usize> = event.rules.iter().filter_map(|rule| index_of(rule)).collect();
        let observation = Observation {
            time_us: event.time_us,
            received_us: event.time_us + delay,
            seq: event.seq,
            rules: &rules_matched,
        };
        matches.extend(correlator.observe(observation, &event.fields));
    }
    matches.extend(correlator.finish());
    (matches, correlator)
}

fn shown(matches: &[CorrelationMatch]) -> Vec<Found> {
    let found = matches.iter().map(|found| Found {
        time_us: found.time_us,
        correlation: found.correlation,
        group: found.group.iter().map(|value| value.value.clone()).collect(),
        measure: found.measure,
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    found
}

/// A sliding count is kept only up to its threshold, so measures are compared where they are exact.
fn without_measures(mut found: Vec<Found>) -> Vec<Found> {
    for one in &mut found {
        one.measure = 0.0;
    }
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    found
}

fn limits() -> Limits {
    Limits {
        lateness_us: second(LATENESS_SECONDS),
        ..Limits::default()
    }
}

fn usable(text: &str) -> Option<Vec<CorrelationRule>> {
    let rules = read(text);
    let (_, errors) = Correlator::new(&rules, &index_of, limits());
    errors.is_empty().then_some(rules)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_order_within_the_lateness_gives_what_the_oracle_finds(
        text in documents(),
        events in happenings(),
        delays in prop::collection::vec(0..=LATENESS_SECONDS, 40),
    ) {
        let Some(rules) = usable(&text) else { return Ok(()) };
        let expect = oracle::matches(&rules, &events);
        let delayed: Vec<(Happening, i64)> = events.iter().cloned().zip(delays.into_iter().map(second)).collect();
        let (matches, correlator) = run(&rules, &delayed, limits());
        prop_assert_eq!(correlator.counts().late, 0);
        prop_assert_eq!(without_measures(shown(&matches)), without_measures(expect.clone()), "{}", text);
        if !text.contains("_count") && !text.contains("temporal") {
            prop_assert_eq!(shown(&matches), expect, "{}", text);
        }
    }

    #[test]
    fn a_replay_of_the_horizon_rebuilds_the_state(text in documents(), events in happenings(), cut in 0..40_usize) {
        let Some(rules) = usable(&text) else { return Ok(()) };
        let prompt = |events: &[Happening]| events.iter().cloned().map(|event| (event, 0)).collect::<Vec<_>>();
        let (all, correlator) = run(&rules, &prompt(&events), limits());
        let since = events[cut.min(events.len() - 1)].time_us;
        let from = since - correlator.replay_horizon_us();
        let replayed: Vec<Happening> = events.iter().filter(|event| event.time_us >= from).cloned().collect();
        let (after, _) = run(&rules, &prompt(&replayed), limits());
        let later = |matches: &[CorrelationMatch]| matches.iter().filter(|found| found.time_us >= since).cloned().collect::<Vec<_>>();
        prop_assert_eq!(later(&all), later(&after), "{}", text);
    }

    #[test]
    fn what_a_limit_changes_is_a_counted_cut(text in documents(), events in happenings(), groups in 1..3_usize, bytes in 300..6_000_usize) {
        let Some(rules) = usable(&text) else { return Ok(()) };
        let tight = Limits { groups_max: groups, state_bytes_max: bytes, entries_max: 3, contributors_max: 2, ..limits() };
        let events: Vec<(Happening, i64)> = events.into_iter().map(|event| (event, 0)).collect();
        let (free, _) = run(&rules, &events, limits());
        let (held, correlator) = run(&rules, &events, tight);
        prop_assert!(held.iter().all(|found| found.contributors.len() <= 2));
        if shown(&free) != shown(&held) {
            prop_assert!(correlator.counts().cuts > 0, "{}", text);
        }
    }
}
