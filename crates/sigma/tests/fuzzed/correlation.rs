//! Feeds any bytes to correlations: documents, then after a line of `%%%` one event a line as `time received rules field=value …`.

use sigma::correlation::{CorrelationRule, Correlator, Limits, Observation};
use sigma::document::{self, RuleDocument};

/// Correlates under tight limits and returns how many matches there were.
///
/// # Panics
///
/// Panics when a limit does not hold.
pub(crate) fn feed(input: &[u8]) -> usize {
    let text = String::from_utf8_lossy(input);
    let (documents, events) = text.split_once("\n%%%\n").unwrap_or((&text, ""));
    let documents = document::parse("rules.yml", documents).documents.into_iter();
    let rules = documents.filter_map(|document| match document {
        RuleDocument::Correlation(body) => CorrelationRule::read(&body).ok(),
        RuleDocument::Rule(_) | RuleDocument::Filter(_) => None,
    });
    let rules: Vec<CorrelationRule> = rules.collect();
    let limits = Limits {
        lateness_us: 10,
        state_bytes_max: 20_000,
        groups_max: 20,
        entries_max: 10,
        contributors_max: 5,
        cuts_max: 5,
    };
    // Detection rules are called `a`, `b` and so on.
    let resolve = |name: &str| name.len().eq(&1).then(|| usize::from(name.as_bytes()[0]));
    let (mut correlator, _) = Correlator::new(&rules, &resolve, limits);
    let mut matches = Vec::new();
    for (seq, line) in events.lines().enumerate() {
        let mut words = line.split(' ');
        let mut number = || {
            words
                .next()
                .and_then(|word| word.parse::<i64>().ok())
                .unwrap_or_default()
        };
        let (time_us, received_us) = (number(), number());
        let names = words.next().unwrap_or_default();
        let rules: Vec<usize> = names.split(',').filter_map(resolve).collect();
        let fields: Vec<(String, String)> = words
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        matches.extend(correlator.observe(
            Observation {
                time_us,
                received_us,
                seq: seq as u64,
                rules: &rules,
            },
            &fields,
        ));
        assert!(
            correlator.state_bytes() <= limits.state_bytes_max,
            "the state is bounded"
        );
    }
    matches.extend(correlator.finish());
    assert!(
        matches
            .iter()
            .all(|found| found.contributors.len() <= limits.contributors_max),
        "matches are bounded"
    );
    assert!(correlator.take_cuts().len() <= limits.cuts_max, "cuts are bounded");
    matches.len()
}
