//! How long it took to detect, acknowledge, contain and recover, incident by incident and month by month.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use model::{Incident, IncidentState, Outcome, Timestamp};

/// The times of one incident in seconds; none where an end is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spans {
    /// From its beginning to its detection.
    pub detect: Option<u64>,
    /// From its detection until somebody took it.
    pub acknowledge: Option<u64>,
    /// From its detection until it was contained.
    pub contain: Option<u64>,
    /// From its detection until the services worked again.
    pub recover: Option<u64>,
}

impl Spans {
    /// The four in their order.
    #[must_use]
    pub fn all(self) -> [Option<u64>; 4] {
        [self.detect, self.acknowledge, self.contain, self.recover]
    }
}

/// The times of an incident. An end before its beginning (times that people set right later) counts as zero.
#[must_use]
pub fn spans(incident: &Incident) -> Spans {
    let between = |from: Option<Timestamp>, to: Option<Timestamp>| {
        let seconds = to?.as_second() - from?.as_second();
        Some(u64::try_from(seconds).unwrap_or(0))
    };
    let detected = Some(incident.detected_at);
    Spans {
        detect: between(incident.began_at, detected),
        acknowledge: between(detected, incident.marks.acknowledged),
        contain: between(detected, incident.marks.contained),
        recover: between(detected, incident.marks.recovered),
    }
}

/// The figures of the incidents that were detected in one month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonthFigures {
    /// How many.
    pub incidents: u64,
    /// How many of those are not closed.
    pub open: u64,
    /// How many turned out to be real.
    pub real: u64,
    /// The median of each time in seconds, and of how many incidents.
    pub medians: [Option<(u64, u64)>; 4],
}

/// Figures by month (`2026-11`) in a zone, without rehearsals, what was merged, and false alarms.
#[must_use]
pub fn monthly(incidents: &[Incident], zone: &TimeZone) -> BTreeMap<String, MonthFigures> {
    let mut by_month: BTreeMap<String, (MonthFigures, [Vec<u64>; 4])> = BTreeMap::new();
    for incident in incidents.iter().filter(|incident| !incident.exercise) {
        let outcome = match &incident.state {
            IncidentState::Merged { .. } => continue,
            IncidentState::Closed { outcome, .. } => Some(*outcome),
            IncidentState::Reported(_)
            | IncidentState::Confirmed(_)
            | IncidentState::Contained(_)
            | IncidentState::Eradicated(_)
            | IncidentState::Recovered(_) => None,
        };
        let month = zone.to_datetime(incident.detected_at).strftime("%Y-%m").to_string();
        let (figures, times) = by_month.entry(month).or_default();
        figures.incidents += 1;
        figures.open += u64::from(outcome.is_none());
        figures.real += u64::from(outcome == Some(Outcome::Real));
        if matches!(outcome, Some(Outcome::Benign | Outcome::FalseAlarm)) {
            continue;
        }
        for (times, span) in times.iter_mut().zip(spans(incident).all()) {
            times.extend(span);
        }
    }
    by_month
        .into_iter()
        .map(|(month, (mut figures, times))| {
            figures.medians = times.map(median);
            (month, figures)
        })
        .collect()
}

fn median(mut times: Vec<u64>) -> Option<(u64, u64)> {
    times.sort_unstable();
    let middle = times.len().checked_sub(1)? / 2;
    Some((times[middle], times.len() as u64))
}
