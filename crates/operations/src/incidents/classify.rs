//! What the national plan says about an incident: its class, the severity that follows, the clocks that run. A proposal for a
//! person, with what is still unknown.

use jiff::civil::Date;
use model::{Criteria, Hit, Incident, Severity, Timestamp};

use super::plan::{ClassRule, ClockRule, ClockStart, Plan};

/// What the plan says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// The class, and whether the criteria say so or may still.
    pub class: Option<ClassProposal<'a>>,
    /// The severity that follows from the criteria.
    pub severity: Severity,
    /// The clocks that apply, in the order of the plan.
    pub clocks: Vec<ClockProposal<'a>>,
}

/// A class that an incident has or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassProposal<'a> {
    /// The class.
    pub rule: &'a ClassRule,
    /// The fields of the criteria that must be answered before it is certain; none when it is.
    pub open_questions: Vec<&'static str>,
}

/// A clock that an incident starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockProposal<'a> {
    /// The clock.
    pub rule: &'a ClockRule,
    /// Since when it runs; none when what starts it has not happened.
    pub starts_at: Option<Timestamp>,
    /// Whether it depends on an answer that nobody gave.
    pub uncertain: bool,
}

/// Judges an incident by the plan as it holds on a day.
#[must_use]
pub fn propose<'a>(incident: &Incident, plan: &'a Plan, day: Date) -> Proposal<'a> {
    let class = plan
        .class
        .iter()
        .filter(|class| in_force(class.effective_from, class.effective_to, day))
        .find_map(|class| fits(class, &incident.criteria));
    let clocks = plan
        .clock
        .iter()
        .filter(|clock| in_force(clock.effective_from, clock.effective_to, day))
        .filter_map(|clock| clock_of(clock, class.as_ref(), incident))
        .collect();
    Proposal {
        severity: severity_of(&incident.criteria, class.as_ref()),
        class,
        clocks,
    }
}

fn in_force(from: Date, to: Option<Date>, day: Date) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

/// Whether a class fits, with the questions that are open; none when an answer rules it out.
fn fits<'a>(class: &'a ClassRule, criteria: &Criteria) -> Option<ClassProposal<'a>> {
    let mut open_questions = Vec::new();
    let mut holds = |answer: Option<bool>, question: &'static str| {
        if answer.is_none() {
            open_questions.push(question);
        }
        answer != Some(false)
    };
    if !class.levels.is_empty() {
        let by_level = criteria.system_level.map(|level| class.levels.contains(&level));
        let answer = match (by_level, class.or_nationally_important) {
            (Some(true), _) => Some(true),
            (by_level, false) => by_level,
            (by_level, true) => match criteria.nationally_important {
                Some(true) => Some(true),
                Some(false) => by_level,
                None => None,
            },
        };
        let question = if by_level.is_none() {
            "system_level"
        } else {
            "nationally_important"
        };
        if !holds(answer, question) {
            return None;
        }
    }
    if !class.hits_any.is_empty() {
        // What is hit is found out bit by bit: nothing so far is no answer yet.
        let hit = criteria.hits.iter().any(|hit| class.hits_any.contains(hit));
        holds(hit.then_some(true), "hits");
    }
    if class.beyond_control && !holds(criteria.controls_alone.map(|alone| !alone), "controls_alone") {
        return None;
    }
    Some(ClassProposal {
        rule: class,
        open_questions,
    })
}

fn clock_of<'a>(
    clock: &'a ClockRule,
    class: Option<&ClassProposal<'_>>,
    incident: &Incident,
) -> Option<ClockProposal<'a>> {
    let criteria = &incident.criteria;
    let mut uncertain = false;
    let mut asks = |asked: bool, answer: Option<bool>| {
        uncertain |= asked && answer.is_none();
        !asked || answer != Some(false)
    };
    let of_class = clock.class.as_ref().map(|wanted| {
        class
            .filter(|class| class.rule.id == *wanted)
            .map_or(Some(false), |class| class.open_questions.is_empty().then_some(true))
    });
    let applies = asks(of_class.is_some(), of_class.flatten())
        && asks(clock.personal_data, criteria.personal_data)
        && asks(clock.bank, criteria.bank);
    // Whether the organisation is a bank is known to it: silence means that it is none.
    if !applies || (clock.bank && criteria.bank.is_none()) {
        return None;
    }
    let marks = &incident.marks;
    let starts_at = match clock.starts {
        ClockStart::Detected => Some(incident.detected_at),
        ClockStart::BeyondControl => marks.beyond_control,
        ClockStart::Recovered => marks.recovered,
        ClockStart::Closed => marks.closed,
    };
    Some(ClockProposal {
        rule: clock,
        starts_at,
        uncertain,
    })
}

fn severity_of(criteria: &Criteria, class: Option<&ClassProposal<'_>>) -> Severity {
    let gravest = class.is_some_and(|class| class.open_questions.is_empty() && class.rule.beyond_control);
    let high_level =
        criteria.system_level.is_some_and(|level| level >= 4) || criteria.nationally_important == Some(true);
    let grave_hit = [Hit::SecretsMayLeak, Hit::IntegrityLost, Hit::ControlLost]
        .iter()
        .any(|hit| criteria.hits.contains(hit));
    match (gravest, high_level, grave_hit, criteria.hits.is_empty()) {
        (true, ..) | (_, true, true, _) => Severity::Critical,
        (_, true, ..) | (_, _, true, _) => Severity::High,
        (.., false) => Severity::Medium,
        (.., true) => Severity::Low,
    }
}
