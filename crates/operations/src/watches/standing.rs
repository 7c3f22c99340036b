//! Where a watch stands: each requirement's state from its measurements, answers and waivers. Only what holds is green.

use std::collections::HashMap;

use compact_str::CompactString;
use model::{Finding, Measurement, Question, Timestamp, TrendPoint, Waiver, WaiverState, Watch, WatchRequirement};

/// How a requirement stands; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Something measured or answered is out of its bound.
    FallsShort,
    /// Something could not be measured, or was not answered.
    Unknown,
    /// Something was measured or answered too long ago.
    Stale,
    /// Somebody answers for it that it is not held to.
    Waived,
    /// Everything is within its bounds.
    Holds,
}

impl Standing {
    /// All, the worst first.
    pub const ALL: [Standing; 5] = [Self::FallsShort, Self::Unknown, Self::Stale, Self::Waived, Self::Holds];

    /// Its word for machines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FallsShort => "falls_short",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
            Self::Waived => "waived",
            Self::Holds => "holds",
        }
    }
}

/// What the standing is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The last measurement of each control, with its trend.
    pub measurements: &'a HashMap<CompactString, (Measurement, Vec<TrendPoint>)>,
    /// The watch's waivers.
    pub waivers: &'a [Waiver],
    /// The watch's questions.
    pub questions: &'a [Question],
}

/// One thing that shows a requirement.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown<'a> {
    /// A measured control; without a measurement when it was never measured.
    Control {
        /// The control.
        control: &'a str,
        /// Its last measurement and trend.
        measured: Option<(&'a Measurement, &'a [TrendPoint])>,
        /// How it stands.
        standing: Standing,
    },
    /// A question to a person.
    Question {
        /// The question.
        question: &'a Question,
        /// How it stands.
        standing: Standing,
    },
    /// A question that nobody was asked yet.
    NotAsked,
}

impl Shown<'_> {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self {
            Self::Control { standing, .. } | Self::Question { standing, .. } => *standing,
            Self::NotAsked => Standing::Unknown,
        }
    }
}

/// A requirement as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RequirementStanding<'a> {
    /// The requirement.
    pub requirement: &'a WatchRequirement,
    /// How it stands.
    pub standing: Standing,
    /// How it would stand without its waiver.
    pub beneath: Standing,
    /// What shows it.
    pub shown: Vec<Shown<'a>>,
    /// The waiver in force.
    pub waiver: Option<&'a Waiver>,
}

/// How all requirements of a watch stand, in its order.
#[must_use]
pub fn standing<'a>(watch: &'a Watch, seen: Seen<'a>, now: Timestamp) -> Vec<RequirementStanding<'a>> {
    watch
        .requirements
        .iter()
        .map(|requirement| {
            let shown = shown(requirement, seen, now);
            // Nothing that shows it is no proof that it holds.
            let beneath = shown.iter().map(Shown::standing).min().unwrap_or(Standing::Unknown);
            let waiver = seen.waivers.iter().find(|waiver| {
                waiver.requirement == requirement.key && waiver.watch == watch.id && waives(waiver, now)
            });
            RequirementStanding {
                requirement,
                standing: if waiver.is_some() { Standing::Waived } else { beneath },
                beneath,
                shown,
                waiver,
            }
        })
        .collect()
}

/// The controls that the requirements of a watch name, each once.
#[must_use]
pub fn controls_of(watch: &Watch) -> Vec<&str> {
    let mut controls: Vec<&str> = watch
        .requirements
        .iter()
        .flat_map(|one| one.requirement.controls.iter().map(CompactString::as_str))
        .collect();
    controls.sort_unstable();
    controls.dedup();
    controls
}

/// Whether a waiver is in force.
#[must_use]
pub fn waives(waiver: &Waiver, now: Timestamp) -> bool {
    match waiver.state {
        WaiverState::Granted { .. } => now < waiver.expires_at,
        WaiverState::Asked | WaiverState::Refused { .. } | WaiverState::Ended { .. } => false,
    }
}

/// How many requirements stand how, the worst first.
#[must_use]
pub fn tally(standings: &[RequirementStanding<'_>]) -> [(Standing, usize); 5] {
    Standing::ALL.map(|standing| {
        let count = standings.iter().filter(|one| one.standing == standing).count();
        (standing, count)
    })
}

/// How a measurement stands at a moment.
#[must_use]
pub fn of_measurement(measurement: &Measurement, now: Timestamp) -> Standing {
    if now >= measurement.expires_at {
        return Standing::Stale;
    }
    match measurement.finding {
        Finding::Holds => Standing::Holds,
        Finding::Unknown => Standing::Unknown,
        Finding::FallsShort => Standing::FallsShort,
    }
}

fn shown<'a>(requirement: &'a WatchRequirement, seen: Seen<'a>, now: Timestamp) -> Vec<Shown<'a>> {
    let mut shown: Vec<Shown<'a>> = requirement
        .requirement
        .controls
        .iter()
        .map(|control| {
            let measured = seen
                .measurements
                .get(control)
                .map(|(last, trend)| (last, trend.as_slice()));
            Shown::Control {
                control,
                standing: measured.map_or(Standing::Unknown, |(last, _)| of_measurement(last, now)),
                measured,
            }
        })
        .collect();
    let before = shown.len();
    let asked = seen
        .questions
        .iter()
        .filter(|question| question.requirement == requirement.key);
    shown.extend(asked.map(|question| Shown::Question {
        question,
        standing: of_question(question, now),
    }));
    if requirement.requirement.question.is_some() && shown.len() == before {
        shown.push(Shown::NotAsked);
    }
    shown
}

/// How a question stands at a moment.
#[must_use]
pub fn of_question(question: &Question, now: Timestamp) -> Standing {
    match &question.answer {
        None => Standing::Unknown,
        Some(answer) if now >= answer.expires_at => Standing::Stale,
        Some(answer) if answer.holds => Standing::Holds,
        Some(_) => Standing::FallsShort,
    }
}
