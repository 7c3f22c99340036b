//! The sequential half of detection: correlations over event time, and what each match is about.

use std::collections::BTreeMap;

use compact_str::CompactString;
use model::{Detection, Entity, Event, FoundBy, MatchedField, Seq, SourceId, Timestamp};
use sigma::{
    correlation::{CorrelationMatch, Correlator, Limits, Observation},
    document::RuleError,
    engine::RuleIndex,
};

use crate::{Rules, SharedRules, entity::entity_of_group, entity_of, evidence, record::CorrelatedRecord, summary_of};

/// How late an event may come and still be correlated, in microseconds. Correlations become certain that much later.
const LATENESS_US: i64 = 5_000_000;
/// In a sweep files come in any order, so everything waits for the end.
const SWEEP_LATENESS_US: i64 = i64::MAX / 4;
/// Bytes of waiting events and groups in a sweep.
const SWEEP_STATE_BYTES_MAX: usize = 1 << 30;
/// Events whose facts are kept until their correlations are certain.
const CONTEXTS_MAX: usize = 20_000;
/// The same in a sweep.
const SWEEP_CONTEXTS_MAX: usize = 1_000_000;

/// How the events arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// As they happen: their time of receipt says how late they are.
    Stream,
    /// All at once, from files: the latest time seen stands for the present.
    Sweep,
}

/// Something that a limit made correlation forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutNotice {
    /// The correlation, when one is meant.
    pub rule: Option<CompactString>,
    /// What was cut.
    pub what: &'static str,
}

/// Detects over events in the order of the journal.
#[derive(Debug)]
pub struct Detector {
    rules: SharedRules,
    arrival: Arrival,
    real: Side,
    exercise: Side,
}

/// Rehearsals are correlated apart from the real thing.
#[derive(Debug)]
struct Side {
    correlator: Correlator,
    contexts: BTreeMap<Seq, Context>,
    contexts_max: usize,
    latest_us: i64,
}

/// What a detection needs of an event that is gone by the time its correlation is certain.
#[derive(Debug, Clone)]
struct Context {
    entity: Entity,
    received_at: Timestamp,
    source: SourceId,
    host: Option<CompactString>,
    summary: String,
}

impl Detector {
    /// Makes a detector.
    #[must_use]
    pub fn new(rules: SharedRules, arrival: Arrival) -> Self {
        let side = || Side {
            correlator: correlator(&rules, arrival).0,
            contexts: BTreeMap::new(),
            contexts_max: match arrival {
                Arrival::Stream => CONTEXTS_MAX,
                Arrival::Sweep => SWEEP_CONTEXTS_MAX,
            },
            latest_us: i64::MIN,
        };
        Self {
            real: side(),
            exercise: side(),
            rules,
            arrival,
        }
    }

    /// How far back events must be observed again to rebuild the state of correlations, in microseconds.
    #[must_use]
    pub fn replay_horizon_us(&self) -> i64 {
        self.real.correlator.replay_horizon_us()
    }

    /// Whether there is anything to correlate.
    #[must_use]
    pub fn has_correlations(&self) -> bool {
        !self.rules.correlations.is_empty()
    }

    /// Whether a rule feeds a correlation.
    #[must_use]
    pub fn correlates(&self, rule: RuleIndex) -> bool {
        self.real.correlator.uses(rule.get())
    }

    /// Takes an event and the rules that hold on it; gives the detections that are certain now.
    pub fn observe(&mut self, event: &Event, matches: &[RuleIndex]) -> Vec<Detection> {
        let side = if event.exercise {
            &mut self.exercise
        } else {
            &mut self.real
        };
        let silent = |rule: &RuleIndex| side.correlator.is_silent(rule.get());
        let mut found: Vec<Detection> = matches
            .iter()
            .filter(|rule| !silent(rule))
            .map(|rule| detection(&self.rules, *rule, event))
            .collect();
        let correlated = side.observe(event, matches, self.arrival);
        found.extend(
            correlated
                .into_iter()
                .map(|held| side.detection(&self.rules, held, event.exercise)),
        );
        found
    }

    /// Lets time pass without an event; gives the correlations that are certain now.
    pub fn advance(&mut self, now: Timestamp) -> Vec<Detection> {
        self.both(|side| side.correlator.advance(now.as_microsecond()))
    }

    /// Takes everything that still waits, as at the end of a sweep.
    pub fn finish(&mut self) -> Vec<Detection> {
        self.both(|side| side.correlator.finish())
    }

    fn both(&mut self, mut take: impl FnMut(&mut Side) -> Vec<CorrelationMatch>) -> Vec<Detection> {
        let mut found = Vec::new();
        for (side, exercise) in [(&mut self.real, false), (&mut self.exercise, true)] {
            let held = take(side);
            found.extend(held.into_iter().map(|held| side.detection(&self.rules, held, exercise)));
        }
        found
    }

    /// What limits made correlation forget since the last call.
    pub fn take_cuts(&mut self) -> Vec<CutNotice> {
        use sigma::correlation::CutCause;
        let cuts = [&mut self.real, &mut self.exercise]
            .into_iter()
            .flat_map(|side| side.correlator.take_cuts());
        let notices = cuts.map(|cut| CutNotice {
            rule: cut
                .correlation
                .map(|index| self.rules.correlation_identity(index).id.clone()),
            what: match cut.cause {
                CutCause::Group => "the group that was quiet longest",
                CutCause::Entries => "the oldest entries of a group",
                CutCause::Lateness => "the time in which late events could still count",
            },
        });
        notices.collect()
    }
}

impl Side {
    fn observe(&mut self, event: &Event, matches: &[RuleIndex], arrival: Arrival) -> Vec<CorrelationMatch> {
        let time_us = event.happened_at.as_microsecond();
        self.latest_us = self.latest_us.max(time_us);
        let received_us = match arrival {
            Arrival::Stream => event.received_at.as_microsecond(),
            Arrival::Sweep => self.latest_us,
        };
        let feeding: Vec<usize> = matches
            .iter()
            .map(|rule| rule.get())
            .filter(|rule| self.correlator.uses(*rule))
            .collect();
        if feeding.is_empty() {
            return self.correlator.advance(received_us);
        }
        self.remember(event);
        let observation = Observation {
            time_us,
            received_us,
            seq: event.seq,
            rules: &feeding,
        };
        self.correlator.observe(observation, &CorrelatedRecord::new(event))
    }

    fn remember(&mut self, event: &Event) {
        if self.contexts.len() >= self.contexts_max {
            self.contexts.pop_first();
        }
        self.contexts.insert(
            event.seq,
            Context {
                entity: entity_of(event),
                received_at: event.received_at,
                source: event.source.clone(),
                host: event.entities.host_name.clone(),
                summary: summary_of(event),
            },
        );
    }

    fn detection(&self, rules: &Rules, held: CorrelationMatch, exercise: bool) -> Detection {
        let happened_at = Timestamp::from_microsecond(held.time_us).unwrap_or(Timestamp::UNIX_EPOCH);
        let event = held.contributors.last().copied().unwrap_or_default();
        let context = self.contexts.get(&event);
        let group = held
            .group
            .iter()
            .map(|value| (value.field.as_str(), value.value.as_str()));
        let own = context.map(|context| &context.entity);
        Detection {
            rule: rules.correlation_identity(held.correlation).clone(),
            entity: entity_of_group(group, own),
            event,
            happened_at,
            received_at: context.map_or(happened_at, |context| context.received_at),
            source: context.map_or_else(|| SourceId::new("correlation"), |context| context.source.clone()),
            host: context.and_then(|context| context.host.clone()),
            matched: matched_of_group(&held),
            summary: summary_of_correlation(&held, context),
            contributing: named(held.contributors),
            found_by: FoundBy::Stream,
            exercise,
        }
    }
}

/// The contributing events that a detection names: the newest.
fn named(mut contributors: Vec<Seq>) -> Vec<Seq> {
    let more = contributors.len().saturating_sub(Detection::EVENTS_MAX);
    contributors.drain(..more);
    contributors
}

fn matched_of_group(held: &CorrelationMatch) -> Vec<MatchedField> {
    held.group
        .iter()
        .map(|value| MatchedField {
            selection: "group-by".into(),
            field: CompactString::new(&value.field),
            wanted: format!("{} events, measure {}", held.contributors_total, held.measure),
            value: value.value.clone(),
            span: None,
        })
        .collect()
}

fn summary_of_correlation(held: &CorrelationMatch, last: Option<&Context>) -> String {
    let group = held
        .group
        .iter()
        .map(|value| format!("{} = {}", value.field, value.value))
        .collect::<Vec<_>>()
        .join(", ");
    let seen = last.map_or("", |context| context.summary.as_str());
    match (group.is_empty(), seen.is_empty()) {
        (false, false) => format!("{} × {group}: {seen}", held.contributors_total),
        (false, true) => format!("{} × {group}", held.contributors_total),
        (true, _) => format!("{} × {seen}", held.contributors_total),
    }
}

fn detection(rules: &Rules, rule: RuleIndex, event: &Event) -> Detection {
    Detection {
        rule: rules.identity(rule).clone(),
        entity: entity_of(event),
        event: event.seq,
        contributing: Vec::new(),
        happened_at: event.happened_at,
        received_at: event.received_at,
        source: event.source.clone(),
        host: event.entities.host_name.clone(),
        matched: evidence::of(rules, rule, event),
        summary: summary_of(event),
        found_by: FoundBy::Stream,
        exercise: event.exercise,
    }
}

/// The correlator of a rule set, and the correlations that cannot be in it.
pub(crate) fn correlator(rules: &Rules, arrival: Arrival) -> (Correlator, Vec<RuleError>) {
    let known = rules.by_reference();
    let limits = match arrival {
        Arrival::Stream => Limits {
            lateness_us: LATENESS_US,
            ..Limits::default()
        },
        Arrival::Sweep => Limits {
            lateness_us: SWEEP_LATENESS_US,
            state_bytes_max: SWEEP_STATE_BYTES_MAX,
            ..Limits::default()
        },
    };
    Correlator::new(&rules.correlations, &|reference| known.get(reference).copied(), limits)
}
