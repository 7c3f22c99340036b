//! `GET /deadlines`: the clocks that run, the nearest end first; those that passed; how the last ones ended.

use axum::extract::State;
use jiff::Unit;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Deadline, DeadlineState, Permission};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    pages::watch::{Tab, list::content_problems, tabs},
    people::People,
    text::visible,
    trouble::Trouble,
};

/// Ended deadlines listed of each sort.
const ENDED_MAX: usize = 50;

/// What the page shows.
struct Clocks {
    running: Vec<Deadline>,
    breached: Vec<Deadline>,
    ended: Vec<Deadline>,
    people: People,
}

/// Answers with the list.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let mut clocks = desk
        .read(move |ledger| {
            let page =
                |state| ledger.kept_page::<Deadline>(&scope, &NounFilter::in_state(state), PageAt::first(ENDED_MAX));
            let mut ended = page("met")?.items;
            ended.extend(page("stopped")?.items);
            Ok(Clocks {
                running: ledger.all_kept(&scope, &NounFilter::in_state("running"))?,
                breached: page("breached")?.items,
                ended,
                people: People::new(&ledger.people(&scope)?),
            })
        })
        .await?;
    clocks.running.sort_by_key(|one| one.due_at);
    clocks
        .breached
        .sort_by_key(|one| (done_late(one), std::cmp::Reverse(one.due_at)));
    clocks.ended.sort_by_key(|one| std::cmp::Reverse(one.due_at));
    let problems = desk.state.catalogue.borrow().problems.clone();
    Ok(render(&view, &clocks, &problems))
}

fn done_late(deadline: &Deadline) -> bool {
    matches!(&deadline.state, DeadlineState::Breached { done_late: Some(_), .. })
}

fn render(view: &View, clocks: &Clocks, problems: &[String]) -> Markup {
    let words = view.words;
    let content = html! {
        (tabs(view, Tab::Deadlines))
        div.page-head { h1 { (words.nav_deadlines()) }
            @if view.may(Permission::WorkWatches) { a.button.primary.end href="/deadlines/new" { (words.deadline_start()) } }
            p.lead { (words.deadlines_lead()) } }
        (content_problems(view, problems))
        div.stack data-live="deadlines" {
            section.card {
                header { h2 { (words.deadlines_running()) } span.muted { (words.number(clocks.running.len() as u64)) } }
                @if clocks.running.is_empty() { div.body { p.muted { (words.deadlines_none_running()) } } }
                ul.rows { @for one in &clocks.running { (clock(view, one, &clocks.people)) } }
            }
            @if !clocks.breached.is_empty() { section.card {
                header { h2 { (words.deadlines_breached()) } span.muted { (words.number(clocks.breached.len() as u64)) } }
                ul.rows { @for one in &clocks.breached { (clock(view, one, &clocks.people)) } }
            } }
            @if !clocks.ended.is_empty() { section.card {
                header { h2 { (words.deadlines_ended()) } }
                ul.rows { @for one in &clocks.ended { (clock(view, one, &clocks.people)) } }
            } }
        }
    };
    frame::page(view, Place::Watches, words.nav_deadlines(), &content)
}

/// One deadline, with its steps.
fn clock(view: &View, deadline: &Deadline, people: &People) -> Markup {
    let words = view.words;
    html! {
        li #{ "d-" (deadline.id) } {
            div.row-head {
                (state(view, deadline))
                strong { (visible(deadline.what.text(words.0))) }
                span.end { (when(view, deadline)) }
            }
            p { (words.deadline_matter()) ": " (visible(&deadline.matter))
                @if let Some(owner) = deadline.owner { " · " (words.requirement_owner()) ": " (people.name(owner)) } }
            p.muted { (visible(&deadline.source)) @if !deadline.confirmed { " " span.badge { (words.deadline_unconfirmed()) } }
                " · " (words.deadline_started()) " " (view.moments.absolute(deadline.started_at)) }
            (ending(view, deadline, people))
            @if view.may(Permission::WorkWatches) { (steps(view, deadline)) }
        }
    }
}

fn state(view: &View, deadline: &Deadline) -> Markup {
    let words = view.words;
    let (class, mark, word) = match &deadline.state {
        DeadlineState::Running if view.moments.now > deadline.due_at => {
            ("clock-breached", Mark::Warning, words.deadline_breach())
        }
        DeadlineState::Running if deadline.warned > 1 => ("clock-close", Mark::Clock, words.deadline_close()),
        DeadlineState::Running => ("clock-running", Mark::Clock, words.deadlines_running()),
        DeadlineState::Met { .. } => ("clock-met", Mark::Check, words.deadline_met()),
        DeadlineState::Breached { .. } => ("clock-breached", Mark::Warning, words.deadline_breach()),
        DeadlineState::Stopped { .. } => ("clock-stopped", Mark::SignOut, words.deadline_stopped()),
    };
    html! { span class={ "clock-state " (class) } { (mark.draw()) (word) } }
}

fn when(view: &View, deadline: &Deadline) -> Markup {
    let words = view.words;
    let lasts = deadline.due_at.duration_since(deadline.started_at).as_secs().max(1);
    let passed = view
        .moments
        .now
        .duration_since(deadline.started_at)
        .as_secs()
        .clamp(0, lasts);
    let running = deadline.state == DeadlineState::Running;
    html! {
        @if running { progress max="100" value=(passed * 100 / lasts) aria-label=(words.deadline_left()) {} " " }
        (words.deadline_due()) " " @if running { (view.moments.both(deadline.due_at)) } @else { (view.moments.exact(deadline.due_at)) }
    }
}

fn ending(view: &View, deadline: &Deadline, people: &People) -> Markup {
    let words = view.words;
    html! {
        @match &deadline.state {
            DeadlineState::Running => {},
            DeadlineState::Met { at, by, evidence } => p { (people.name(*by)) " · " (view.moments.exact(*at)) " · " (visible(evidence)) },
            DeadlineState::Stopped { at, by, reason } => p { (people.name(*by)) " · " (view.moments.exact(*at)) " · " (visible(reason)) },
            DeadlineState::Breached { done_late: None, .. } => p.bad-words { (words.deadline_not_done()) },
            DeadlineState::Breached { at, done_late: Some((done, by, evidence)) } => p {
                (words.deadline_late()) ": " (people.name(*by)) " · " (view.moments.exact(*done)) " · " (visible(evidence))
                " · +" (words.span(late_by(*at, *done)))
            },
        }
    }
}

fn late_by(due: model::Timestamp, done: model::Timestamp) -> u64 {
    done.since((Unit::Second, due))
        .map_or(0, |late| late.get_seconds().max(0).unsigned_abs())
}

fn steps(view: &View, deadline: &Deadline) -> Markup {
    let words = view.words;
    let over = view.moments.now > deadline.due_at;
    let late = match &deadline.state {
        DeadlineState::Running => over,
        DeadlineState::Breached { done_late, .. } => done_late.is_none(),
        DeadlineState::Met { .. } | DeadlineState::Stopped { .. } => return html! {},
    };
    let (address, word) = if late {
        ("late", words.deadline_late())
    } else {
        ("meet", words.deadline_meet())
    };
    html! {
        div.actions {
            form.inline method="post" action={ "/deadlines/" (deadline.id) "/" (address) } {
                input name="evidence" required maxlength="2000" aria-label=(words.deadline_evidence()) placeholder=(words.deadline_evidence());
                button.button.primary.small type="submit" { (word) }
            }
            @if deadline.state == DeadlineState::Running && view.may(Permission::WriteWatches) {
                details { summary { (words.deadline_stop()) } form.inline method="post" action={ "/deadlines/" (deadline.id) "/stop" } {
                    input name="reason" required maxlength="2000" aria-label=(words.waiver_reason()) placeholder=(words.waiver_reason());
                    button.button.danger.small type="submit" { (words.deadline_stop()) }
                } }
            }
        }
    }
}
