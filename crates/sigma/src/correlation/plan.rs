//! Compiles correlation documents into plans: references resolved, chains ordered from the inside out, conditions made into tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::correlation::CorrelationRule;
use crate::correlation::expression::Expression;
use crate::correlation::limits::{CHAIN_DEPTH_MAX, SEQUENCES_MAX, TEMPORAL_REFERENCES_MAX};
use crate::correlation::presence::{Presence, Sequence};
use crate::correlation::rule::{Comparison, Condition, Correlation, CorrelationKind, Operator};
use crate::document::Fault;

/// A compiled correlation. Plans stand in an order in which every plan comes after those that feed it.
#[derive(Debug)]
pub(super) struct Plan {
    /// The index of the document that it was compiled from.
    pub(super) source: usize,
    pub(super) span_us: i64,
    pub(super) test: Test,
    /// The names of the group values, as `group-by` writes them.
    pub(super) group_by: Vec<String>,
    /// For each reference, where its events keep the group values.
    pub(super) group_fields: Vec<Vec<String>>,
    /// For each reference, where its events keep the measured values.
    pub(super) value_fields: Vec<Vec<String>>,
    /// Fields that correlations further up read from matches of this one.
    pub(super) carried: Vec<String>,
    /// The plans that this one feeds, and as which of their references.
    pub(super) feeds: Vec<(usize, usize)>,
    /// True when a correlation further up uses it and it does not report on its own.
    pub(super) is_silent: bool,
}

/// What makes a match.
#[derive(Debug)]
pub(super) enum Test {
    /// At least so many events in the sliding window.
    Count(usize),
    /// At least so many distinct values in the sliding window.
    Distinct(usize),
    /// The sum over the sliding window.
    Sum(Vec<Comparison>),
    /// One event whose number is beyond the bound, which makes the least or greatest of the window so.
    Extreme(Vec<Comparison>),
    /// At least so many of the references in the sliding window.
    Present(usize),
    /// Which references are in the sliding window.
    Expression(Presence),
    /// One of the sequences in the sliding window.
    Ordered(Vec<Sequence>),
    /// A measure over a whole window aligned to the epoch, because more events can undo the match.
    Bucket {
        kind: CorrelationKind,
        comparisons: Vec<Comparison>,
        percentile: f64,
    },
}

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Rule(usize),
    Correlation(usize),
}

/// All plans and how detection rules feed them.
#[derive(Debug, Default)]
pub(super) struct Plans {
    pub(super) list: Vec<Plan>,
    /// For each detection rule by index: the plans it feeds, and as which of their references.
    pub(super) by_rule: BTreeMap<usize, Vec<(usize, usize)>>,
    /// Detection rules that do not report on their own.
    pub(super) silent_rules: Vec<usize>,
    /// Every field that some plan reads from events.
    pub(super) fields: BTreeSet<String>,
    /// How far back events must be replayed to rebuild the state, without the lateness.
    pub(super) horizon_us: i64,
}

/// Compiles documents; each refused document leaves the others standing, except those that refer to it.
pub(super) fn compile(
    rules: &[CorrelationRule],
    resolve: &dyn Fn(&str) -> Option<usize>,
) -> (Plans, Vec<(usize, Fault)>) {
    let mut refused: BTreeMap<usize, Fault> = BTreeMap::new();
    let mut targets: Vec<Vec<Target>> = Vec::new();
    let mut tests: BTreeMap<usize, Test> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let resolved = resolve_references(rule, rules, resolve);
        match resolved.and_then(|targets| Ok((targets, build_test(&rule.correlation)?))) {
            Ok((resolved, test)) => {
                targets.push(resolved);
                tests.insert(index, test);
            }
            Err(fault) => {
                targets.push(Vec::new());
                refused.insert(index, fault);
            }
        }
    }
    let mut plans = Plans::default();
    let mut plan_of: BTreeMap<usize, usize> = BTreeMap::new();
    for index in order_inside_out(rules, &targets, &mut refused) {
        if let Some(test) = tests.remove(&index) {
            plan_of.insert(index, plans.list.len());
            plans.list.push(build_plan(index, &rules[index].correlation, test));
        }
    }
    connect(&mut plans, rules, &targets, &plan_of);
    carry_down(&mut plans, &targets, &plan_of);
    let read = plans.list.iter().flat_map(|plan| {
        let located = plan.group_fields.iter().chain(&plan.value_fields).flatten();
        located.chain(&plan.carried).cloned()
    });
    plans.fields = read.collect();
    plans.horizon_us = horizon(&plans);
    (plans, refused.into_iter().collect())
}

fn resolve_references(
    rule: &CorrelationRule,
    rules: &[CorrelationRule],
    resolve: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<Target>, Fault> {
    let is_named = |other: &CorrelationRule, to: &str| {
        other.meta.id.as_deref().is_some_and(|id| id.eq_ignore_ascii_case(to)) || other.meta.name.as_deref() == Some(to)
    };
    let one = |to: &str| {
        let correlation = rules
            .iter()
            .position(|other| is_named(other, to))
            .map(Target::Correlation);
        resolve(to).map(Target::Rule).or(correlation)
    };
    let missing = |to: &str| format!("no rule or correlation has the id or name `{to}`");
    let references = &rule.correlation.rules;
    if rule.correlation.kind.is_temporal() && references.len() > TEMPORAL_REFERENCES_MAX {
        let reason = format!("a temporal correlation refers to at most {TEMPORAL_REFERENCES_MAX} rules");
        return Err(Fault::new(rule.correlation.at, reason));
    }
    references
        .iter()
        .map(|reference| one(&reference.to).ok_or_else(|| Fault::new(reference.at, missing(&reference.to))))
        .collect()
}

/// Orders correlations so that those that feed come first; refuses rings, chains that are too long, and whatever refers to a refused one.
fn order_inside_out(
    rules: &[CorrelationRule],
    targets: &[Vec<Target>],
    refused: &mut BTreeMap<usize, Fault>,
) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut depths: BTreeMap<usize, usize> = BTreeMap::new();
    let inner = |index: usize| {
        targets[index].iter().filter_map(|target| match target {
            Target::Correlation(inner) => Some(*inner),
            Target::Rule(_) => None,
        })
    };
    let mut is_growing = true;
    while is_growing {
        is_growing = false;
        for (index, rule) in rules.iter().enumerate() {
            if depths.contains_key(&index) || refused.contains_key(&index) {
                continue;
            }
            if let Some(bad) = inner(index).find(|inner| refused.contains_key(inner)) {
                let reason = format!(
                    "it refers to the correlation `{}`, which is refused",
                    rules[bad].meta.title
                );
                refused.insert(index, Fault::new(rule.correlation.at, reason));
                is_growing = true;
            } else if let Some(depth) =
                inner(index).try_fold(0, |deepest, inner| Some(deepest.max(depths.get(&inner)? + 1)))
            {
                is_growing = true;
                if depth > CHAIN_DEPTH_MAX {
                    let reason = format!("the chain of correlations is longer than {CHAIN_DEPTH_MAX}");
                    refused.insert(index, Fault::new(rule.correlation.at, reason));
                } else {
                    depths.insert(index, depth);
                    order.push(index);
                }
            }
        }
    }
    for (index, rule) in rules.iter().enumerate() {
        if !depths.contains_key(&index) && !refused.contains_key(&index) {
            refused.insert(
                index,
                Fault::new(
                    rule.correlation.at,
                    "it is part of a ring of correlations that feed one another",
                ),
            );
        }
    }
    order
}

fn build_plan(index: usize, correlation: &Correlation, test: Test) -> Plan {
    let fields: &[String] = match &correlation.condition {
        Condition::Compare { fields, .. } => fields,
        Condition::Expression(_) => &[],
    };
    let located = |names: &[String]| -> Vec<Vec<String>> {
        correlation
            .rules
            .iter()
            .map(|rule| names.iter().map(|name| locate(correlation, &rule.to, name)).collect())
            .collect()
    };
    Plan {
        source: index,
        span_us: correlation.timespan_us,
        test,
        group_by: correlation.group_by.clone(),
        group_fields: located(&correlation.group_by),
        value_fields: located(fields),
        carried: Vec::new(),
        feeds: Vec::new(),
        is_silent: false,
    }
}

/// Returns the field of a rule's events that a name stands for: the alias' field for that rule, or the name itself.
fn locate(correlation: &Correlation, rule: &str, name: &str) -> String {
    let alias = correlation.aliases.iter().find(|alias| alias.name == name);
    let field = alias.and_then(|alias| alias.fields.iter().find(|(reference, _)| reference.to == rule));
    field.map_or_else(|| name.to_owned(), |(_, field)| field.clone())
}

fn build_test(correlation: &Correlation) -> Result<Test, Fault> {
    let kind = correlation.kind;
    let (comparisons, percentile) = match &correlation.condition {
        Condition::Expression(expression) => return build_expression(correlation, expression),
        Condition::Compare {
            comparisons,
            percentile,
            ..
        } => (comparisons.clone(), *percentile),
    };
    let rises = comparisons.iter().all(|comparison| comparison.is_lower_bound());
    let falls = comparisons.iter().all(|comparison| comparison.is_upper_bound());
    let least = comparisons
        .iter()
        .map(|comparison| least_count(*comparison))
        .max()
        .unwrap_or(1);
    let test = match kind {
        CorrelationKind::EventCount if rises => Test::Count(least),
        CorrelationKind::ValueCount if rises => Test::Distinct(least),
        CorrelationKind::ValueSum if rises => Test::Sum(comparisons),
        CorrelationKind::ValueMax if rises => Test::Extreme(comparisons),
        CorrelationKind::ValueMin if falls => Test::Extreme(comparisons),
        CorrelationKind::Temporal if rises => Test::Present(least),
        CorrelationKind::TemporalOrdered if rises => Test::Ordered(choose_sequences(correlation, least)?),
        CorrelationKind::EventCount
        | CorrelationKind::ValueCount
        | CorrelationKind::ValueSum
        | CorrelationKind::ValueAvg
        | CorrelationKind::ValueMin
        | CorrelationKind::ValueMax
        | CorrelationKind::ValuePercentile
        | CorrelationKind::ValueMedian
        | CorrelationKind::Temporal
        | CorrelationKind::TemporalOrdered => Test::Bucket {
            kind,
            comparisons,
            percentile: percentile.unwrap_or(50.0),
        },
    };
    Ok(test)
}

/// Returns the least count, but never less than one, for which a lower bound holds.
fn least_count(comparison: Comparison) -> usize {
    let bound = if comparison.operator == Operator::Greater {
        comparison.number.floor() + 1.0
    } else {
        comparison.number.ceil()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; thresholds are bounded when read"
    )]
    let count = bound.clamp(1.0, 1e9) as usize;
    count
}

fn build_expression(correlation: &Correlation, expression: &Expression) -> Result<Test, Fault> {
    let position = |name: &str| {
        correlation
            .rules
            .iter()
            .position(|rule| rule.to == name)
            .unwrap_or_default()
    };
    let presence = Presence::from_expression(expression, &position);
    if presence.holds(0) {
        let reason = "the condition holds when none of the rules occurs, which no event can show";
        return Err(Fault::new(correlation.at, reason));
    }
    if correlation.kind == CorrelationKind::Temporal {
        return Ok(Test::Expression(presence));
    }
    let terms = presence.terms(true).ok_or_else(|| too_many_sequences(correlation))?;
    let sequences = terms.into_iter().map(|(with, without)| Sequence {
        steps: (0..correlation.rules.len())
            .filter(|bit| with & (1 << bit) != 0)
            .collect(),
        forbidden: without,
    });
    Ok(Test::Ordered(sequences.collect()))
}

fn too_many_sequences(correlation: &Correlation) -> Fault {
    Fault::new(
        correlation.at,
        format!("the condition allows more than {SEQUENCES_MAX} different sequences"),
    )
}

/// Returns every ordered choice of `length` of the references.
fn choose_sequences(correlation: &Correlation, length: usize) -> Result<Vec<Sequence>, Fault> {
    let count = correlation.rules.len();
    if length > count {
        let reason = format!("{length} different rules can never occur: only {count} are referred to");
        return Err(Fault::new(correlation.at, reason));
    }
    let mut chosen: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..length {
        let longer = chosen.iter().flat_map(|steps| {
            let next = steps.last().map_or(0, |last| last + 1);
            (next..count).map(move |step| steps.iter().copied().chain([step]).collect::<Vec<usize>>())
        });
        // A beginning that cannot be completed any more is left out, so the limit counts only whole sequences.
        let left = length - chosen.first().map_or(0, Vec::len) - 1;
        chosen = longer
            .filter(|steps| steps.last().is_none_or(|last| last + left < count))
            .collect();
        if chosen.len() > SEQUENCES_MAX {
            return Err(too_many_sequences(correlation));
        }
    }
    Ok(chosen
        .into_iter()
        .map(|steps| Sequence { steps, forbidden: 0 })
        .collect())
}

/// Tells each rule and plan what it feeds, and which of them stay silent: those that no user of theirs wants to hear.
fn connect(plans: &mut Plans, rules: &[CorrelationRule], targets: &[Vec<Target>], plan_of: &BTreeMap<usize, usize>) {
    let mut heard: BTreeMap<usize, bool> = BTreeMap::new();
    let mut heard_plans: BTreeMap<usize, bool> = BTreeMap::new();
    for (index, plan) in plan_of {
        let generate = rules[*index].correlation.generate;
        for (reference, target) in targets[*index].iter().enumerate() {
            match target {
                Target::Rule(rule) => {
                    plans.by_rule.entry(*rule).or_default().push((*plan, reference));
                    *heard.entry(*rule).or_default() |= generate;
                }
                Target::Correlation(inner) => {
                    let inner = plan_of[inner];
                    plans.list[inner].feeds.push((*plan, reference));
                    *heard_plans.entry(inner).or_default() |= generate;
                }
            }
        }
    }
    plans.silent_rules = heard
        .into_iter()
        .filter(|(_, is_heard)| !is_heard)
        .map(|(rule, _)| rule)
        .collect();
    for (plan, is_heard) in heard_plans {
        plans.list[plan].is_silent = !is_heard;
    }
    plans.by_rule.values_mut().for_each(|feeds| feeds.sort_unstable());
}

/// Tells each plan which fields the plans above read from its matches, from the outside in.
fn carry_down(plans: &mut Plans, targets: &[Vec<Target>], plan_of: &BTreeMap<usize, usize>) {
    for outer in (0..plans.list.len()).rev() {
        for (reference, target) in targets[plans.list[outer].source].iter().enumerate() {
            let Target::Correlation(inner) = target else { continue };
            let above = &plans.list[outer];
            let needed: Vec<String> = above.group_fields[reference]
                .iter()
                .chain(&above.value_fields[reference])
                .chain(&above.carried)
                .cloned()
                .collect();
            let below = &mut plans.list[plan_of[inner]];
            for field in needed {
                if !below.group_by.contains(&field) && !below.carried.contains(&field) {
                    below.carried.push(field);
                }
            }
        }
    }
}

/// A sliding test looks back two timespans (its own window and that of the event before), a bucket one; chains add up.
fn horizon(plans: &Plans) -> i64 {
    let mut reach = vec![0_i64; plans.list.len()];
    for (index, plan) in plans.list.iter().enumerate() {
        let own = match plan.test {
            Test::Bucket { .. } => plan.span_us,
            Test::Count(_)
            | Test::Distinct(_)
            | Test::Sum(_)
            | Test::Extreme(_)
            | Test::Present(_)
            | Test::Expression(_)
            | Test::Ordered(_) => plan.span_us.saturating_mul(2),
        };
        reach[index] = reach[index].saturating_add(own);
        for (outer, _) in &plan.feeds {
            reach[*outer] = reach[*outer].max(reach[index]);
        }
    }
    reach.into_iter().max().unwrap_or_default()
}

impl Test {
    /// Returns true when events without a number in the measured field do not count.
    pub(super) fn needs_number(&self) -> bool {
        match self {
            Test::Sum(_) | Test::Extreme(_) => true,
            Test::Bucket { kind, .. } => kind.needs_field() && *kind != CorrelationKind::ValueCount,
            Test::Count(_) | Test::Distinct(_) | Test::Present(_) | Test::Expression(_) | Test::Ordered(_) => false,
        }
    }
}
