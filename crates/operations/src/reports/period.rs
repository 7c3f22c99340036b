//! The facts of a time: what came in, what was done, what is open at its end. Rehearsals are counted apart.

use std::collections::BTreeMap;

use model::{Alert, AlertState, Disposition, Entity, Organisation, RuleLevel, Silence, Source, Timestamp};
use serde::Serialize;

use super::facts::{AlertRow, ROWS_MAX, ReportFacts, View, alert_row, person};

/// What the post did in a time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeriodFacts {
    report: ReportFacts,
    organisation: Organisation,
    period: Period,
    alerts: AlertFigures,
    notable: Vec<AlertRow>,
    open: Vec<AlertRow>,
    silences: Vec<SilenceRow>,
    sources: SourceFigures,
    silent_sources: Vec<SourceRow>,
    /// The rows of Form 05.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<BTreeMap<&'static str, super::KindRow>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    helpers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_helpers: Vec<String>,
    /// Rows beyond [`ROWS_MAX`] that the lists above do not hold.
    rows_cut: u64,
}

/// From when until when, the end not included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

/// Figures of alerts; rehearsals are counted apart and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AlertFigures {
    opened: u64,
    opened_by_level: BTreeMap<&'static str, u64>,
    closed: u64,
    true_positive: u64,
    benign: u64,
    false_positive: u64,
    resolved: u64,
    open_at_end: u64,
    unassigned_at_end: u64,
    hidden: u64,
    exercise: u64,
}

/// A silence in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SilenceRow {
    id: String,
    covers: String,
    comment: String,
    owner: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    hidden: u64,
}

/// Figures of all sources since each was first heard.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceFigures {
    known: u64,
    silent: u64,
    received: u64,
    stored: u64,
    rejected: u64,
    lost: u64,
}

/// A source that is silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    name: String,
    silent_since: Option<Timestamp>,
    last_heard: Timestamp,
}

fn counted<'a>(from: Timestamp, to: Timestamp, view: &View<'a>) -> Counted<'a> {
    let mut figures = AlertFigures::default();
    let (mut notable, mut open) = (Vec::new(), Vec::new());
    for alert in view.alerts.iter().filter(|alert| alert.opened_at < to) {
        if alert.key.exercise {
            figures.exercise += u64::from(alert.opened_at >= from);
            continue;
        }
        let opened = alert.opened_at >= from;
        if opened {
            figures.opened += 1;
            *figures.opened_by_level.entry(alert.rule.level.as_str()).or_default() += 1;
            figures.hidden += alert.hidden;
        }
        let mut proven = false;
        let open_at_end = match &alert.state {
            AlertState::New | AlertState::Acknowledged { .. } => true,
            AlertState::Closed { at, .. } if *at >= to => true,
            AlertState::Closed { at, disposition, .. } => {
                if *at >= from {
                    proven = *disposition == Disposition::TruePositive;
                    figures.count_closed(*disposition);
                }
                false
            }
        };
        if open_at_end {
            figures.open_at_end += 1;
            figures.unassigned_at_end += u64::from(alert.assignee.is_none());
            open.push(alert);
        }
        if proven || (opened && alert.rule.level >= RuleLevel::High) {
            notable.push(alert);
        }
    }
    Counted { figures, notable, open }
}

pub(super) fn period(from: Timestamp, to: Timestamp, report: ReportFacts, view: &View<'_>) -> PeriodFacts {
    let Counted {
        figures,
        mut notable,
        mut open,
    } = counted(from, to, view);
    notable.sort_by_key(|alert| (std::cmp::Reverse(alert.rule.level), alert.opened_at, alert.id));
    open.sort_by_key(|alert| (std::cmp::Reverse(alert.urgency.rank), alert.id));
    let rows_cut = (notable.len().saturating_sub(ROWS_MAX) + open.len().saturating_sub(ROWS_MAX)) as u64;
    let rows = |alerts: &[&Alert]| {
        alerts
            .iter()
            .take(ROWS_MAX)
            .map(|alert| alert_row(alert, view))
            .collect()
    };
    PeriodFacts {
        report,
        organisation: view.organisation.clone(),
        period: Period { from, to },
        alerts: figures,
        notable: rows(&notable),
        open: rows(&open),
        silences: view
            .silences
            .iter()
            .take(ROWS_MAX)
            .map(|silence| silence_row(silence, view))
            .collect(),
        sources: source_figures(view.sources),
        silent_sources: view
            .sources
            .iter()
            .filter(|source| source.health.silent_since.is_some())
            .take(ROWS_MAX)
            .map(source_row)
            .collect(),
        kinds: super::incident::kinds(view.incidents, from, to),
        helpers: super::incident::helpers(view.incidents, from, to, false),
        foreign_helpers: super::incident::helpers(view.incidents, from, to, true),
        rows_cut,
    }
}

impl Period {
    pub(super) fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }
}

/// The figures of a time alone.
pub(super) fn figures((from, to): (Timestamp, Timestamp), view: &View<'_>) -> AlertFigures {
    counted(from, to, view).figures
}

/// Alerts counted, and those that a report names.
struct Counted<'a> {
    figures: AlertFigures,
    notable: Vec<&'a Alert>,
    open: Vec<&'a Alert>,
}

impl AlertFigures {
    fn count_closed(&mut self, disposition: Disposition) {
        self.closed += 1;
        let count = match disposition {
            Disposition::TruePositive => &mut self.true_positive,
            Disposition::Benign => &mut self.benign,
            Disposition::FalsePositive => &mut self.false_positive,
            Disposition::Resolved => &mut self.resolved,
        };
        *count += 1;
    }
}

fn silence_row(silence: &Silence, view: &View<'_>) -> SilenceRow {
    let scope = &silence.scope;
    let entity = |entity: &Entity| entity.name.to_string();
    let covers: Vec<String> = scope
        .rule
        .iter()
        .map(ToString::to_string)
        .chain(scope.entity.iter().map(entity))
        .chain(scope.fields.iter().map(|(field, value)| format!("{field}={value}")))
        .collect();
    SilenceRow {
        id: silence.id.to_string(),
        covers: covers.join(", "),
        comment: silence.comment.clone(),
        owner: person(silence.owner, view),
        created_at: silence.created_at,
        expires_at: silence.expires_at,
        hidden: silence.hidden,
    }
}

fn source_figures(sources: &[Source]) -> SourceFigures {
    let mut figures = SourceFigures::default();
    for source in sources {
        figures.known += 1;
        figures.silent += u64::from(source.health.silent_since.is_some());
        figures.received += source.account.received;
        figures.stored += source.account.stored;
        figures.rejected += source.account.rejected_total();
        figures.lost += source.account.lost;
    }
    figures
}

fn source_row(source: &Source) -> SourceRow {
    SourceRow {
        name: source.id.as_str().to_owned(),
        silent_since: source.health.silent_since,
        last_heard: source.last_heard,
    }
}
