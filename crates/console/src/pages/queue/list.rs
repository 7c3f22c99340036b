//! `GET /queue`: alerts by urgency, with what an officer can do to several at once.

use axum::extract::{RawQuery, State};
use ledger::{PageAt, Person};
use maud::{Markup, html};
use model::{Alert, AlertState, Disposition, Permission, RuleLevel};

use super::{
    filter::{ExerciseFilter, QueueFilter, StateFilter},
    row::row,
    summary::Summary,
};
use crate::desk::Desk;
use crate::guard::Visit;
use crate::toast;
use crate::trouble::Trouble;
use crate::{
    frame::{self, Place, View},
    marks::{self, Mark},
    people::People,
    words::Words,
};

/// What the page shows.
pub(crate) struct Queue {
    pub(crate) filter: QueueFilter,
    pub(crate) summary: Summary,
    /// The rows of this page, most urgent first.
    pub(crate) rows: Vec<Alert>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
    /// Loaded rules.
    pub(crate) rules: u64,
    pub(crate) people: Vec<Person>,
}

/// Answers with the queue under the filter of the address.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let query = query.unwrap_or_default();
    let filter = QueueFilter::of_query(&query);
    let Visit {
        mut view, scope, user, ..
    } = visit;
    let (wanted, cursor, now) = (filter.wanted(user.id), filter.after.clone(), desk.now());
    let (page, counts, sources, people) = desk
        .read(move |ledger| {
            let cursor = (!cursor.is_empty()).then_some(cursor.as_str());
            let page = ledger.alerts(
                &scope,
                &wanted,
                PageAt {
                    cursor,
                    limit: QueueFilter::ROWS_MAX,
                },
            )?;
            Ok((
                page,
                ledger.counts(&scope, Some(user.id), now)?,
                ledger.sources(&scope)?,
                ledger.people(&scope)?,
            ))
        })
        .await?;
    let summary = Summary::new(counts, sources);
    view.waiting = summary.new_total();
    view.toast = toast::of_query(view.words, &query, &filter.address());
    let queue = Queue {
        rules: desk.state.rules.catalog().loaded.len() as u64,
        rows: page.items,
        next: page.next,
        filter,
        summary,
        people,
    };
    Ok(render(&view, &queue))
}

/// The page.
pub(crate) fn render(view: &View, queue: &Queue) -> Markup {
    let words = view.words;
    let may_work = view.may(Permission::WorkAlerts);
    let people = People::new(&queue.people);
    let content = html! {
        h1.visually-hidden { (words.queue_title()) }
        div data-live="pulse" { (pulse(view, queue)) }
        (filters(words, &queue.filter))
        @if may_work { form #queue-form method="post" action="/alerts/acknowledge" data-in-place {
            input type="hidden" name="back" value=(queue.filter.address());
        } }
        div data-live="queue" {
            @if queue.rows.is_empty() { (empty(view, queue)) } @else { (sections(view, &people, queue, may_work)) }
            (pages(words, queue))
        }
        @if may_work { (bulk(words, queue)) (close_dialog(words, &queue.filter.address(), &html! {})) }
    };
    frame::page(view, Place::Queue, words.queue_title(), &content)
}

fn pulse(view: &View, queue: &Queue) -> Markup {
    let (words, summary) = (view.words, &queue.summary);
    html! {
        div.pulse {
            span.big { strong { (words.number(summary.new_total())) } " " (words.unacknowledged()) }
            @for level in RuleLevel::ALL.into_iter().rev().filter(|level| summary.new_of(*level) > 0) {
                span { strong { (words.number(summary.new_of(level))) } (marks::level(words, level)) }
            }
            @if let Some(oldest) = summary.counts.oldest_new {
                span { (words.oldest_waiting()) strong { (view.moments.waiting(oldest)) } }
            }
            span { strong { (words.number(summary.in_hand())) } (words.in_hand()) }
            @if !summary.silent.is_empty() {
                a.badge.badge-bad href="/sources" { (words.silent_sources(summary.silent.len() as u64)) }
            } @else if summary.unlearned > 0 {
                a.badge href="/sources" { (words.sources(summary.counts.sources)) " · " (words.sources_unlearned(summary.unlearned)) }
            } @else if summary.counts.sources > 0 {
                a.badge.badge-good href="/sources" { (words.sources(summary.counts.sources)) " · " (words.all_sources_speak()) }
            }
            @if summary.counts.hidden > 0 { a.badge href="/silences" { (words.alerts_hidden(summary.counts.hidden)) } }
        }
        @if queue.rows.iter().any(|alert| alert.key.exercise) {
            p.notice.exercise role="note" { (Mark::Warning.draw()) span { (words.exercise_running()) " " (words.exercise_apart()) } }
        }
    }
}

fn filters(words: Words, filter: &QueueFilter) -> Markup {
    let with_state = |state| {
        QueueFilter {
            state,
            after: String::new(),
            ..filter.clone()
        }
        .address()
    };
    html! {
        form.filters method="get" action="/queue" role="search" data-submit-on-change {
            div.seek {
                (Mark::Search.draw())
                input type="search" name="q" value=(filter.search) placeholder=(words.search_placeholder()) aria-label=(words.search()) data-search;
                kbd aria-hidden="true" { "/" }
            }
            div.tabs role="group" aria-label=(words.state()) {
                @for state in StateFilter::ALL {
                    a href=(with_state(state)) aria-current=[(state == filter.state).then_some("true")] { (state_word(words, state)) }
                }
            }
            input type="hidden" name="state" value=(filter.state.as_str());
            @if !filter.rule.is_empty() { input type="hidden" name="rule" value=(filter.rule); }
            select name="level" aria-label=(words.filter_level_from()) {
                option value="" { (words.level()) ": " (words.all()) }
                @for level in RuleLevel::ALL.into_iter().rev() {
                    option value=(level.as_str()) selected[filter.level == Some(level)] { "≥ " (words.level_word(level)) }
                }
            }
            select name="exercise" aria-label=(words.exercise()) {
                @for exercise in ExerciseFilter::ALL {
                    option value=(exercise.as_str()) selected[filter.exercise == exercise] { (exercise_word(words, exercise)) }
                }
            }
            label.button { input type="checkbox" name="mine" value="1" checked[filter.mine]; (words.filter_mine()) }
            noscript { button.button type="submit" { (words.filter()) } }
            @if filter.narrows() { a.button.quiet href="/queue" { (words.clear_filters()) } }
        }
    }
}

fn state_word(words: Words, state: StateFilter) -> &'static str {
    match state {
        StateFilter::Open => words.filter_open(),
        StateFilter::New => words.filter_new(),
        StateFilter::Acknowledged => words.filter_acknowledged(),
        StateFilter::Closed => words.filter_closed(),
    }
}

fn exercise_word(words: Words, exercise: ExerciseFilter) -> &'static str {
    match exercise {
        ExerciseFilter::Both => words.filter_everything(),
        ExerciseFilter::Real => words.filter_real(),
        ExerciseFilter::Exercise => words.filter_exercise(),
    }
}

/// The rows in sections: what nobody has, what is the reader's, what others have, what is closed.
fn sections(view: &View, people: &People, queue: &Queue, may_work: bool) -> Markup {
    let words = view.words;
    let reader = view.user.as_ref().map(|user| user.id);
    let section_of = |alert: &Alert| match &alert.state {
        AlertState::New => 0_usize,
        AlertState::Acknowledged { by, .. } if Some(alert.assignee.unwrap_or(*by)) == reader => 1,
        AlertState::Acknowledged { .. } => 2,
        AlertState::Closed { .. } => 3,
    };
    let titles = [
        words.section_new(),
        words.section_mine(),
        words.section_acknowledged(),
        words.section_closed(),
    ];
    html! {
        @for (section, title) in titles.into_iter().enumerate() {
            @let rows: Vec<&Alert> = queue.rows.iter().filter(|alert| section_of(alert) == section).collect();
            @if !rows.is_empty() {
                h2.section-title { (title) span.count { (words.number(rows.len() as u64)) } }
                ol.queue { @for alert in rows { (row(view, people, alert, may_work)) } }
            }
        }
    }
}

fn empty(view: &View, queue: &Queue) -> Markup {
    let words = view.words;
    html! {
        @if queue.filter.narrows() {
            div.empty { (Mark::Search.draw()) strong { (words.empty_filtered()) }
                a.button href="/queue" { (words.clear_filters()) } }
        } @else if queue.summary.counts.sources == 0 {
            div.empty.warn { (Mark::Warning.draw()) strong { (words.empty_title()) } p { (words.empty_no_sources()) }
                @if view.may(Permission::WriteSources) { a.button.primary href="/tokens" { (words.empty_connect()) } } }
        } @else {
            div.empty { (Mark::Check.draw()) strong { (words.empty_title()) }
                p { (words.watching(queue.rules, queue.summary.counts.sources)) } }
        }
    }
}

fn pages(words: Words, queue: &Queue) -> Markup {
    let at = |after: &str| {
        QueueFilter {
            after: after.to_owned(),
            ..queue.filter.clone()
        }
        .address()
    };
    html! {
        @if queue.next.is_some() || !queue.filter.after.is_empty() {
            nav.pages aria-label=(words.more()) {
                @if !queue.filter.after.is_empty() { a href=(at("")) { (words.first_page()) } }
                @if let Some(next) = &queue.next { a href=(at(next)) rel="next" { (words.more()) } }
            }
        }
    }
}

fn bulk(words: Words, queue: &Queue) -> Markup {
    html! {
        div.bulk data-count="0" role="group" aria-label=(words.actions()) {
            label.button.quiet { input type="checkbox" data-select-all; (words.select_all()) }
            span.selected data-selected=(words.selected_word()) role="status" {}
            button.button.primary type="submit" form="queue-form" formaction="/alerts/acknowledge" data-key="a" { (words.acknowledge()) " " kbd aria-hidden="true" { "a" } }
            button.button type="button" data-dialog="close-dialog" { (words.close()) "… " kbd aria-hidden="true" { "c" } }
            button.button type="submit" form="queue-form" formaction="/incidents" data-leave { (words.incident_new()) }
            @if queue.filter.state == StateFilter::Closed {
                button.button type="submit" form="queue-form" formaction="/alerts/reopen" { (words.reopen()) }
            }
            span.apart {}
            select name="assignee" form="queue-form" aria-label=(words.assign_to()) {
                option value="" { (words.unassign()) }
                @for user in queue.people.iter().filter(|user| user.enabled && user.role.allows(Permission::WorkAlerts)) {
                    option value=(user.id) { (user.display_name) }
                }
            }
            button.button type="submit" form="queue-form" formaction="/alerts/assign" { (words.assign()) }
        }
    }
}

/// The dialog that asks what closed alerts were; the script puts the chosen alerts in.
pub(crate) fn close_dialog(words: Words, back: &str, chosen: &Markup) -> Markup {
    html! {
        dialog #close-dialog aria-labelledby="close-title" {
            form.inner method="post" action="/alerts/close" data-in-place {
                h2 #close-title { (words.close_title()) }
                input type="hidden" name="back" value=(back);
                div data-alerts { (chosen) }
                (close_fields(words))
                div.form-actions {
                    button.button.primary type="submit" { (words.close()) }
                    button.button type="button" data-dismiss { (words.cancel()) }
                }
            }
        }
    }
}

fn close_fields(words: Words) -> Markup {
    let offered = [
        Disposition::FalsePositive,
        Disposition::Benign,
        Disposition::TruePositive,
    ];
    html! {
        fieldset {
            legend { (words.close_question()) }
            div.choices { @for disposition in offered {
                label { input type="radio" name="disposition" value=(disposition_name(disposition)) required; (words.disposition(disposition)) }
            } }
        }
        div.field {
            label for="close-reason" { (words.close_reason()) }
            textarea #close-reason name="reason" required maxlength="2000" aria-describedby="close-reason-hint" {}
            p.hint #close-reason-hint { (words.close_reason_hint()) }
        }
    }
}

/// The name of a disposition in forms and in the API.
pub(crate) fn disposition_name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::TruePositive => "true_positive",
        Disposition::Benign => "benign",
        Disposition::FalsePositive => "false_positive",
        Disposition::Resolved => "resolved",
    }
}
