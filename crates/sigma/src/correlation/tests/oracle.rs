//! The naive correlator: for every event it looks again at all events before it. Written for clarity, and from the documents alone, so
//! that it shares nothing with the plans that it checks.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test streams are a few dozen events"
)]

use std::collections::BTreeMap;

use crate::correlation::{Condition, Correlation, CorrelationKind, CorrelationRule, Expression};

/// An event with the names of the rules that it matched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Happening {
    pub(super) time_us: i64,
    pub(super) seq: u64,
    pub(super) rules: Vec<String>,
    pub(super) fields: BTreeMap<String, String>,
}

/// What a correlation found: index, time, group and measure.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) struct Found {
    pub(super) time_us: i64,
    pub(super) correlation: usize,
    pub(super) group: Vec<String>,
    pub(super) measure: f64,
}

/// One occurrence in a group.
#[derive(Debug, Clone)]
struct Occurrence {
    time_us: i64,
    seq: u64,
    references: Vec<usize>,
    value: String,
    fields: BTreeMap<String, String>,
}

pub(super) fn matches(rules: &[CorrelationRule], events: &[Happening]) -> Vec<Found> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| (event.time_us, event.seq));
    let used = |name: &str| {
        let users = rules
            .iter()
            .filter(|rule| rule.correlation.rules.iter().any(|reference| reference.to == name));
        let users: Vec<&CorrelationRule> = users.collect();
        users.is_empty() || users.iter().any(|user| user.correlation.generate)
    };
    let heard = (0..rules.len()).filter(|index| used(rules[*index].meta.name.as_deref().unwrap_or_default()));
    let mut all: Vec<Found> = heard
        .flat_map(|index| of(rules, index, &sorted).into_iter().map(|(found, ..)| found))
        .collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

/// Returns what one correlation finds, each with the fields of the event that completed it.
fn of(rules: &[CorrelationRule], index: usize, events: &[Happening]) -> Vec<(Found, BTreeMap<String, String>, u64)> {
    let correlation = &rules[index].correlation;
    let mut groups: BTreeMap<Vec<String>, Vec<Occurrence>> = BTreeMap::new();
    for event in feeding(rules, correlation, events) {
        let mut mine: Vec<(Vec<String>, Occurrence)> = Vec::new();
        for (position, reference) in correlation.rules.iter().enumerate() {
            if !event.rules.contains(&reference.to) {
                continue;
            }
            let field = |name: &String| {
                let alias = correlation.aliases.iter().find(|alias| alias.name == *name);
                let real = alias.and_then(|alias| alias.fields.iter().find(|(rule, _)| rule.to == reference.to));
                event.fields.get(real.map_or(name, |(_, field)| field)).cloned()
            };
            let Some(group) = correlation.group_by.iter().map(field).collect::<Option<Vec<String>>>() else {
                continue;
            };
            let Some(value) = measured(correlation).iter().map(field).collect::<Option<Vec<String>>>() else {
                continue;
            };
            let value = value.join("\u{0}");
            match mine
                .iter_mut()
                .find(|(other, occurrence)| *other == group && occurrence.value == value)
            {
                Some((_, occurrence)) => occurrence.references.push(position),
                None => mine.push((
                    group,
                    Occurrence {
                        time_us: event.time_us,
                        seq: event.seq,
                        references: vec![position],
                        value,
                        fields: event.fields.clone(),
                    },
                )),
            }
        }
        for (group, occurrence) in mine {
            groups.entry(group).or_default().push(occurrence);
        }
    }
    let found = groups.into_iter().flat_map(|(group, occurrences)| {
        let times = if is_sliding(correlation) {
            sliding(correlation, &occurrences)
        } else {
            whole(correlation, &occurrences)
        };
        times.into_iter().map(move |(time_us, measure, mut fields, seq)| {
            fields.extend(correlation.group_by.iter().cloned().zip(group.iter().cloned()));
            (
                Found {
                    time_us,
                    correlation: index,
                    group: group.clone(),
                    measure,
                },
                fields,
                seq,
            )
        })
    });
    found.collect()
}

/// Events of rules and matches of inner correlations, in order of time.
fn feeding(rules: &[CorrelationRule], correlation: &Correlation, events: &[Happening]) -> Vec<Happening> {
    let mut feeding = events.to_vec();
    for reference in &correlation.rules {
        if let Some(inner) = rules
            .iter()
            .position(|rule| rule.meta.name.as_deref() == Some(&reference.to))
        {
            feeding.extend(
                of(rules, inner, events)
                    .into_iter()
                    .map(|(found, fields, seq)| Happening {
                        time_us: found.time_us,
                        seq,
                        rules: vec![reference.to.clone()],
                        fields,
                    }),
            );
        }
    }
    // A match comes at the event that completed it, and after that event itself; windows that end together come in the order of groups.
    feeding.sort_by_key(|event| (event.time_us, event.seq));
    feeding
}

fn measured(correlation: &Correlation) -> &[String] {
    match &correlation.condition {
        Condition::Compare { fields, .. } => fields,
        Condition::Expression(_) => &[],
    }
}

fn is_sliding(correlation: &Correlation) -> bool {
    let Condition::Compare { comparisons, .. } = &correlation.condition else {
        return true;
    };
    let lower = comparisons.iter().all(|comparison| comparison.is_lower_bound());
    let upper = comparisons.iter().all(|comparison| comparison.is_upper_bound());
    match correlation.kind {
        CorrelationKind::ValueMin => upper,
        CorrelationKind::ValueAvg | CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => false,
        CorrelationKind::EventCount
        | CorrelationKind::ValueCount
        | CorrelationKind::ValueSum
        | CorrelationKind::ValueMax
        | CorrelationKind::Temporal
        | CorrelationKind::TemporalOrdered => lower,
    }
}

/// When it holds: time, measure, and the event that completed it, by fields and number.
type When = (i64, f64, BTreeMap<String, String>, u64);

fn sliding(correlation: &Correlation, occurrences: &[Occurrence]) -> Vec<When> {
    let span = correlation.timespan_us;
    let extreme = matches!(correlation.kind, CorrelationKind::ValueMin | CorrelationKind::ValueMax);
    let occurrences: Vec<&Occurrence> = occurrences
        .iter()
        .filter(|occurrence| !extreme || measure(correlation, &[(*occurrence).clone()]).is_some())
        .collect();
    let holding = |at: usize| {
        let window = &occurrences[..=at];
        let from = window
            .iter()
            .position(|occurrence| occurrence.time_us >= occurrences[at].time_us - span)
            .unwrap();
        let window: Vec<Occurrence> = window[if extreme { at } else { from }..]
            .iter()
            .map(|one| (*one).clone())
            .collect();
        measure(correlation, &window)
    };
    let fires = |at: usize| {
        let now = occurrences[at].time_us;
        let held = at.checked_sub(1).is_some_and(|before| {
            let then = occurrences[before].time_us;
            holding(before).is_some() && then >= now - span && then.div_euclid(span) == now.div_euclid(span)
        });
        holding(at)
            .filter(|_| !held)
            .map(|measure| (now, measure, occurrences[at].fields.clone(), occurrences[at].seq))
    };
    (0..occurrences.len()).filter_map(fires).collect()
}

fn whole(correlation: &Correlation, occurrences: &[Occurrence]) -> Vec<When> {
    let span = correlation.timespan_us;
    let mut windows: BTreeMap<i64, Vec<Occurrence>> = BTreeMap::new();
    for occurrence in occurrences {
        windows
            .entry(occurrence.time_us.div_euclid(span))
            .or_default()
            .push(occurrence.clone());
    }
    let held = windows.into_iter().filter_map(|(window, inside)| {
        let fields = inside.last().unwrap().fields.clone();
        measure(correlation, &inside).map(|measure| ((window + 1) * span - 1, measure, fields, 0))
    });
    held.collect()
}

/// Returns the measure over a window if the condition holds.
fn measure(correlation: &Correlation, window: &[Occurrence]) -> Option<f64> {
    let comparisons = match &correlation.condition {
        Condition::Expression(expression) => return expressed(correlation, expression, window),
        Condition::Compare { comparisons, .. } => comparisons,
    };
    let mut numbers: Vec<f64> = window
        .iter()
        .filter_map(|occurrence| occurrence.value.parse().ok())
        .collect();
    let percentile = match &correlation.condition {
        Condition::Compare {
            percentile: Some(percentile),
            ..
        } => *percentile,
        Condition::Compare { .. } | Condition::Expression(_) => 50.0,
    };
    let distinct = |values: Vec<&String>| {
        let mut values = values;
        values.sort();
        values.dedup();
        values.len() as f64
    };
    let measure = match correlation.kind {
        CorrelationKind::EventCount => window.len() as f64,
        CorrelationKind::ValueCount => distinct(window.iter().map(|occurrence| &occurrence.value).collect()),
        CorrelationKind::ValueSum => numbers.iter().sum(),
        CorrelationKind::ValueAvg => numbers.iter().sum::<f64>() / numbers.len() as f64,
        CorrelationKind::ValueMin => numbers.iter().copied().fold(f64::INFINITY, f64::min),
        CorrelationKind::ValueMax => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        CorrelationKind::ValuePercentile | CorrelationKind::ValueMedian => {
            numbers.sort_by(f64::total_cmp);
            let rank = percentile / 100.0 * (numbers.len() - 1) as f64;
            let (below, above) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
            below + (above - below) * rank.fract()
        }
        CorrelationKind::Temporal => subsets(correlation)
            .filter(|set| occurs(set, window))
            .map(|set| set.len())
            .max()? as f64,
        CorrelationKind::TemporalOrdered => subsets(correlation)
            .filter(|set| follows(set, window, i64::MIN))
            .map(|set| set.len())
            .max()? as f64,
    };
    comparisons
        .iter()
        .all(|comparison| comparison.holds(measure))
        .then_some(measure)
}

fn expressed(correlation: &Correlation, expression: &Expression, window: &[Occurrence]) -> Option<f64> {
    let mut best = None;
    for set in subsets(correlation) {
        let stands = if correlation.kind == CorrelationKind::TemporalOrdered {
            follows(&set, window, i64::MIN)
        } else {
            present(correlation, window) == set
        };
        if stands && holds(expression, true, correlation, &set, window) {
            best = Some(set.len() as f64);
        }
    }
    best
}

/// A rule asked for is in the chosen set; a rule excluded is nowhere in the window.
fn holds(
    expression: &Expression,
    wanted: bool,
    correlation: &Correlation,
    set: &[usize],
    window: &[Occurrence],
) -> bool {
    match (expression, wanted) {
        (Expression::Rule(name), _) => {
            let position = correlation.rules.iter().position(|rule| rule.to == *name).unwrap();
            if wanted {
                set.contains(&position)
            } else {
                !present(correlation, window).contains(&position)
            }
        }
        (Expression::Not(part), _) => holds(part, !wanted, correlation, set, window),
        (Expression::And(parts), true) | (Expression::Or(parts), false) => {
            parts.iter().all(|part| holds(part, wanted, correlation, set, window))
        }
        (Expression::And(parts) | Expression::Or(parts), _) => {
            parts.iter().any(|part| holds(part, wanted, correlation, set, window))
        }
    }
}

fn subsets(correlation: &Correlation) -> impl Iterator<Item = Vec<usize>> + use<> {
    let count = correlation.rules.len();
    (0..1_usize << count).map(move |word| (0..count).filter(|bit| word & (1 << bit) != 0).collect())
}

fn present(correlation: &Correlation, window: &[Occurrence]) -> Vec<usize> {
    (0..correlation.rules.len())
        .filter(|position| occurs(&[*position], window))
        .collect()
}

fn occurs(set: &[usize], window: &[Occurrence]) -> bool {
    set.iter()
        .all(|position| window.iter().any(|occurrence| occurrence.references.contains(position)))
}

/// Whether the references of the set occur one after another; of one time, in any order.
fn follows(set: &[usize], window: &[Occurrence], after: i64) -> bool {
    let Some((first, rest)) = set.split_first() else {
        return true;
    };
    window
        .iter()
        .filter(|occurrence| occurrence.time_us >= after && occurrence.references.contains(first))
        .any(|occurrence| follows(rest, window, occurrence.time_us))
}
