//! `GET /silences/{id}`: one silence, what it has hidden, what was decided about it, and the forms that extend and end it.

use axum::extract::{Path, RawQuery, State};
use ledger::KeptDetection;
use maud::{Markup, html};
use model::{HistoryItem, Id, Permission, Silence, SilenceState, Timestamp};
use operations::silences::in_force;

use super::{
    form::{HOURS, duration},
    list::scope,
};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::{self, Mark},
    pages::duty_book,
    people::People,
    text::visible,
    toast,
    trouble::Trouble,
};

/// Hidden detections on the page; the silence counts them all.
const DETECTIONS_MAX: usize = 50;

/// What the page shows.
struct Shown {
    silence: Silence,
    history: Vec<HistoryItem>,
    /// Newest first, at most [`DETECTIONS_MAX`].
    hidden: Vec<KeptDetection>,
    people: People,
}

/// Answers with the page of one silence.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let id: Id<Silence> = id.parse().map_err(|_| Trouble::NotFound)?;
    let toast = toast::of_silence_query(visit.view.words, &query.unwrap_or_default(), id);
    let view = View { toast, ..visit.view };
    answer(Visit { view, ..visit }, &desk, id, None).await
}

/// The page; `problem` says what kept a step from being taken.
pub(crate) async fn answer(
    visit: Visit,
    desk: &Desk,
    id: Id<Silence>,
    problem: Option<&str>,
) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let found = desk
        .read(move |ledger| {
            let Some(silence) = ledger.silence(&scope, id)? else {
                return Ok(None);
            };
            Ok(Some(Shown {
                silence,
                history: ledger.silence_history(&scope, id)?,
                hidden: ledger.hidden_by(&scope, id, DETECTIONS_MAX)?,
                people: People::new(&ledger.people(&scope)?),
            }))
        })
        .await?;
    Ok(render(&view, &found.ok_or(Trouble::NotFound)?, problem))
}

fn render(view: &View, shown: &Shown, problem: Option<&str>) -> Markup {
    let (words, silence) = (view.words, &shown.silence);
    let running = in_force(silence, view.moments.now);
    let content = html! {
        div.page-head {
            p { a href="/silences" { (words.silences_title()) } }
            h1 { (visible(&silence.comment)) }
            p.line { (state(view, shown, running)) span { (words.silence_reason(silence.reason)) } }
        }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        div.columns {
            div.stack { (hidden(view, shown)) }
            div.stack {
                (facts(view, shown))
                @if running && view.may(Permission::WriteSilences) { (extend_form(view, silence)) (end_form(view, silence)) }
                (history(view, shown))
            }
        }
    };
    frame::page(view, Place::Silences, &silence.comment, &content)
}

fn state(view: &View, shown: &Shown, running: bool) -> Markup {
    let words = view.words;
    let silence = &shown.silence;
    html! {
        @match silence.state {
            SilenceState::Ended { at, by } => {
                span.badge { (words.silences_ended()) }
                span { (words.silence_ended_by()) " " (visible(&shown.people.name(by))) " · " (view.moments.relative(at)) }
            }
            SilenceState::Active if running => {
                span.badge.badge-good { (words.silences_active()) }
                span { (words.silence_expires()) " " (view.moments.relative(silence.expires_at)) }
            }
            SilenceState::Active => {
                span.badge { (words.silences_ended()) }
                span { (words.silence_expires()) " " (view.moments.relative(silence.expires_at)) }
            }
        }
    }
}

fn facts(view: &View, shown: &Shown) -> Markup {
    let (words, silence) = (view.words, &shown.silence);
    html! {
        section.card { div.body { dl.facts {
            dt { (words.silence_hides()) } dd { (scope(view, &silence.scope)) }
            dt { (words.silence_owner()) } dd { (visible(&shown.people.name(silence.owner))) }
            dt { (words.silence_made()) } dd { (view.moments.both(silence.created_at)) }
            dt { (words.silence_expires()) } dd { (view.moments.both(silence.expires_at)) }
            dt { (words.silence_expected()) } dd { (words.a_day(silence.expected_per_day)) }
            dt { (words.silence_hidden_count()) } dd { strong { (words.number(silence.hidden)) }
                @if let Some(last) = silence.last_hidden_at { br; small { (words.silence_hidden_last()) " " (view.moments.relative(last)) } } }
        } } }
    }
}

fn extend_form(view: &View, silence: &Silence) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.silence_extend()) } } div.body {
            form.form method="post" action={ "/silences/" (silence.id) "/extend" } {
                fieldset {
                    legend { (words.silence_extend_by()) }
                    div.choices { @for hours in HOURS {
                        label { input type="radio" name="hours" value=(hours) required checked[hours == 24]; (duration(words, hours)) }
                    } }
                }
                div.field {
                    label for="extend-reason" { (words.silence_extend_why()) }
                    textarea #extend-reason name="reason" required maxlength="2000" {}
                }
                button.button.primary type="submit" { (words.silence_extend()) }
            }
        } }
    }
}

fn end_form(view: &View, silence: &Silence) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.silence_end()) } } div.body {
            form.form method="post" action={ "/silences/" (silence.id) "/end" } {
                div.field {
                    label for="end-reason" { (words.silence_end_why()) }
                    textarea #end-reason name="reason" maxlength="2000" {}
                }
                button.button.danger type="submit" { (words.silence_end()) }
            }
        } }
    }
}

/// What it has hidden: kept and counted, each with its alert.
fn hidden(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.silence_hidden_title()) }
                span.muted { (words.rows_of(u64::from(!shown.hidden.is_empty()), shown.hidden.len() as u64, shown.silence.hidden)) } }
            @if shown.hidden.is_empty() { div.body { p.muted {
                @if shown.silence.hidden > 0 { (words.silence_hidden_gone()) } @else { (words.silence_hidden_nothing()) }
            } } }
            @else { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.time()) } th scope="col" { (words.level()) } th scope="col" { (words.rule()) } th scope="col" { (words.event_column()) } } }
                tbody { @for kept in &shown.hidden { (row(view, kept)) } }
            } } }
        }
    }
}

fn row(view: &View, kept: &KeptDetection) -> Markup {
    let (words, detection) = (view.words, &kept.detection);
    let at: Timestamp = detection.happened_at;
    html! {
        tr {
            td data-label=(words.time()) { (view.moments.exact(at)) }
            td data-label=(words.level()) { (marks::level(words, detection.rule.level)) }
            td data-label=(words.rule()) { a href={ "/alerts/" (kept.alert) "?event=" (detection.event) } { (visible(view.rule_title(&detection.rule))) } br; small { (visible(&detection.entity.name)) } }
            td.break data-label=(words.event_column()) { code { (visible(&detection.summary)) } }
        }
    }
}

fn history(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (words.history()) } }
            div.body { ol.timeline { @for step in &shown.history { li {
                strong { (duty_book::action(words, &step.action)) } " · " (visible(&shown.people.actor(words, &step.actor)))
                @if let Some(reason) = &step.reason { p { (visible(reason)) } }
                p.when { (view.moments.exact(step.at)) " · " (words.duty_book_number()) " " (step.number) }
            } } } }
        }
    }
}
