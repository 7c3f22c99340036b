//! The top of an incident's page, for two in the morning: what it is, where it stands, whose it is, what runs out, what is next.

use maud::{Markup, html};
use model::{Deadline, DeadlineState, IncidentState, Permission, Phase};
use operations::incidents::{Proposal, next_step};

use super::show::Shown;
use crate::{
    frame::View,
    incidents::{open_tasks, services_down},
    marks,
    people::People,
    text::visible,
};

/// Number, title, phases, next step, clocks, owner.
pub(crate) fn render(view: &View, people: &People, shown: &Shown, proposal: &Proposal<'_>) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    html! {
        header.alert-head {
            div.line {
                strong.incident-number { (incident.number) }
                (marks::severity(words, incident.severity))
                span { (words.kind_of_incident(incident.kind)) }
                @if incident.exercise { (marks::exercise(words)) }
                span { (words.incident_detected()) " " (view.moments.relative(incident.detected_at)) }
            }
            h1 { (visible(&incident.title)) }
            @if let IncidentState::Merged { into, .. } = &incident.state {
                p.notice { span { (words.incident_merged_into()) " " a href={ "/incidents/" (into) } { (shown.merged_into.as_deref().unwrap_or("→")) } } }
            }
            @if let IncidentState::Closed { reached, outcome, cause } = &incident.state {
                p.notice { span { strong { (words.outcome(*outcome)) } " · " (people.actor(words, &reached.by)) " · " (view.moments.exact(reached.at)) br;
                    (visible(&reached.how)) @if !cause.is_empty() { br; (words.incident_cause()) ": " (visible(cause)) } } }
            }
        }
        (phases(view, incident.state.phase()))
        div.incident-top {
            (next(view, shown))
            (owner(view, people, shown))
        }
        (clocks(view, shown, proposal))
    }
}

fn phases(view: &View, now: Option<Phase>) -> Markup {
    let words = view.words;
    html! {
        ol.phases aria-label=(words.incident_task_phase()) { @for phase in Phase::ALL {
            li aria-current=[(Some(phase) == now).then_some("step")] .is-past[now.is_none_or(|now| phase < now)] { (words.phase(phase)) }
        } }
    }
}

fn next(view: &View, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let open = open_tasks(&shown.whole.tasks);
    let down = services_down(&shown.restoring.services);
    html! {
        section.card.next-step { div.body {
            h2 { (words.incident_next()) }
            @match next_step(incident, open, down) {
                Some(step) => p.big { a href={ "#" (step.place) } { (step.what.text(words.0)) } },
                None => p.big { (words.incident_state_word(incident.state.as_str())) },
            }
        } }
    }
}

fn owner(view: &View, people: &People, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let reader = view.user.as_ref().map(|user| user.id);
    html! {
        section.card.owner { div.body {
            h2 { (words.incident_owner()) }
            @match incident.owner {
                Some(owner) => p.big { (people.name(owner)) },
                None => p.big.bad-number { (words.incident_nobody()) },
            }
            @if view.may(Permission::WorkAlerts) && incident.state.is_open() {
                form.actions method="post" action={ "/incidents/" (incident.id) "/assign" } {
                    select name="owner" aria-label=(words.incident_owner()) {
                        @for person in shown.people.iter().filter(|person| person.enabled && person.role.allows(Permission::WorkAlerts)) {
                            option value=(person.id) selected[Some(person.id) == reader] { (person.display_name) }
                        }
                    }
                    button.button.small type="submit" { (words.incident_give()) }
                }
            }
        } }
    }
}

fn clocks(view: &View, shown: &Shown, proposal: &Proposal<'_>) -> Markup {
    let words = view.words;
    let started = |rule: &str| shown.deadlines.iter().find(|deadline| deadline.rule == rule);
    html! {
        section.clocks aria-label=(words.incident_clocks()) {
            @for clock in &proposal.clocks {
                @match started(&clock.rule.deadline) {
                    Some(deadline) => (running(view, deadline, clock.rule.what.text(words.0))),
                    None => div.clock.is-later {
                        strong { (clock.rule.what.text(words.0)) }
                        @match clock.starts_at {
                            Some(at) => span { (words.incident_clock_since()) " " (view.moments.exact(at)) },
                            None => span { (words.incident_clock_later()) },
                        }
                        @if clock.uncertain { small { (words.incident_clock_unsure()) } }
                    },
                }
            }
        }
    }
}

fn running(view: &View, deadline: &Deadline, what: &str) -> Markup {
    let words = view.words;
    let left = -view.moments.seconds_since(deadline.due_at);
    let whole = (deadline.due_at.as_second() - deadline.started_at.as_second()).max(1);
    let (class, word) = match &deadline.state {
        DeadlineState::Met { .. } => ("is-met", Some(words.incident_met())),
        DeadlineState::Stopped { .. } => ("is-later", Some(words.incident_stopped())),
        DeadlineState::Breached { .. } => ("is-breached", Some(words.incident_breached())),
        DeadlineState::Running if left < 0 => ("is-breached", Some(words.incident_breached())),
        DeadlineState::Running if left * 4 < whole => ("is-close", None),
        DeadlineState::Running => ("is-running", None),
    };
    html! {
        div class={ "clock " (class) } {
            strong { (what) }
            @match word {
                Some(word) => span { (word) },
                None => span.left { (view.moments.relative(deadline.due_at)) },
            }
            small { (words.incident_due()) " " (view.moments.absolute(deadline.due_at)) }
        }
    }
}
