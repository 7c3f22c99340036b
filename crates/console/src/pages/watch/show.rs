//! `GET /watches/{id}`: where a watch stands, to be read in five seconds: one verdict, one count of each state, then each
//! requirement with what shows it, the worst first.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{Permission, Task, Watch};
use operations::{
    Catalogue,
    watches::{self, Phase, RequirementStanding, Shown, Standing, tally},
};

use super::{Sight, Tab, choose_person, list::span_of, spark, tabs};
use crate::{
    addresses,
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    text::visible,
    trouble::Trouble,
};

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let sight = Sight::of(&desk, &visit.scope, &id).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    Ok(render(&visit.view, &sight, &catalogue))
}

/// The page.
pub(crate) fn render(view: &View, sight: &Sight, catalogue: &Catalogue) -> Markup {
    let words = view.words;
    let watch = &sight.watch;
    let phase = watches::phase(watch, view.moments.now);
    let mut standings = sight.standing();
    let tally = tally(&standings);
    standings.sort_by_key(|one| (one.standing, one.requirement.key));
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (visible(&watch.name)) } span.badge { (words.watch_phase(phase)) }
            span.end.actions {
                a.button href={ "/watches/" (watch.id) "/preflight" } { (words.watch_preflight()) }
            }
            p.lead { (span_of(view, watch)) " · " (countdown(view, watch, phase)) " · " (words.watch_lead()) " " (sight.people.name(watch.lead)) }
        }
        div data-live="standing" {
            (verdict(view, &tally))
            section.card { div.scroll { table.stacked.standings {
                thead { tr {
                    th scope="col" { (words.requirement_shown_by()) }
                    th scope="col" { (words.watch_requirements()) }
                    th scope="col" { (words.requirement_owner()) }
                } }
                tbody { @for one in &standings { (row(view, sight, catalogue, one)) } }
            } } }
        }
        (tasks(view, sight))
        (closing(view, sight, phase))
    };
    frame::page(view, Place::Watches, &watch.name, &content)
}

fn countdown(view: &View, watch: &Watch, phase: Phase) -> Markup {
    match phase {
        Phase::Ahead => html! { (view.words.watch_from()) " " (view.moments.relative(watch.from)) },
        Phase::Running | Phase::Over | Phase::Closed => {
            html! { (view.words.watch_until()) " " (view.moments.relative(watch.until)) }
        }
    }
}

/// One sentence and five counts.
fn verdict(view: &View, tally: &[(Standing, usize); 5]) -> Markup {
    let words = view.words;
    let wanting: usize = tally
        .iter()
        .filter(|(standing, _)| matches!(standing, Standing::FallsShort | Standing::Unknown | Standing::Stale))
        .map(|(_, count)| count)
        .sum();
    html! {
        div.verdict.is-good[wanting == 0].is-bad[tally[0].1 > 0] {
            p.verdict-words { (marks::standing_shape(if wanting == 0 { Standing::Holds } else if tally[0].1 > 0 { Standing::FallsShort } else { Standing::Unknown }))
                @if wanting == 0 { (words.verdict_all_holds()) } @else { (words.verdict_not_all()) } }
            ul.tiles-row { @for (standing, count) in tally {
                li class={ "tile-" (standing.as_str()) @if *count == 0 { " is-zero" } } {
                    strong { (words.number(*count as u64)) } (marks::standing(words, *standing))
                }
            } }
        }
    }
}

fn row(view: &View, sight: &Sight, catalogue: &Catalogue, one: &RequirementStanding<'_>) -> Markup {
    let words = view.words;
    let requirement = &one.requirement.requirement;
    let here = format!("/watches/{}/requirements/{}", sight.watch.id, one.requirement.key);
    html! {
        tr #{ "r-" (one.requirement.key) } class={ "row-" (one.standing.as_str()) } {
            td data-label=(words.requirement_shown_by()) {
                p.stands { (marks::standing(words, one.standing)) }
                ul.shown { @for shown in &one.shown { li { (evidence(view, sight, catalogue, shown)) } } }
            }
            td data-label=(words.watch_requirements()) {
                a.requirement href=(here) { strong { (visible(&requirement.key)) } " " (visible(requirement.text.text(words.0))) }
                small { (visible(&one.requirement.number)) " · " (words.addressee(requirement.addressee)) }
            }
            td data-label=(words.requirement_owner()) {
                @match one.requirement.owner { Some(owner) => (sight.people.name(owner)), None => span.muted { (words.requirement_no_owner()) } }
            }
        }
    }
}

/// One thing that shows a requirement, in one line.
pub(crate) fn evidence(view: &View, sight: &Sight, catalogue: &Catalogue, shown: &Shown<'_>) -> Markup {
    let words = view.words;
    match shown {
        Shown::Control {
            control,
            measured,
            standing,
        } => {
            let title = catalogue
                .controls
                .iter()
                .find(|known| known.id == *control)
                .map_or(*control, |known| known.title.text(words.0));
            html! {
                a.evidence href={ "/controls/" (addresses::segment(control)) } {
                    (marks::standing_shape(*standing))
                    span { span.evidence-title { (title) } " " @match measured {
                        Some((last, _)) => {
                            strong { (words.measured_value(last)) } " "
                            small { (words.bound(last.bound, last.unit)) " · " (words.short_of(last.failed_count, last.population)) " · " (view.moments.relative(last.at)) }
                        },
                        None => small { (words.control_never()) },
                    } }
                    @if let Some((_, trend)) = measured { (spark(words, trend)) }
                }
            }
        }
        Shown::Question { question, standing } => html! {
            span.evidence {
                (marks::standing_shape(*standing))
                span { span.evidence-title { (words.question()) ": " (sight.people.name(question.person)) } " "
                    @match &question.answer {
                        Some(answer) => small { (visible(&answer.words)) " · " (view.moments.relative(answer.at)) },
                        None => small { (words.question_unanswered()) " · " (words.task_due()) " " (view.moments.relative(question.due_at)) },
                    } }
            }
        },
        Shown::NotAsked => {
            html! { span.evidence { (marks::standing_shape(Standing::Unknown)) span { (words.question_not_asked()) } } }
        }
    }
}

fn tasks(view: &View, sight: &Sight) -> Markup {
    let words = view.words;
    let watch = &sight.watch;
    let may = view.may(Permission::WorkWatches) && watch.closed.is_none();
    html! {
        section.card.spaced #tasks {
            header { h2 { (words.watch_tasks()) } span.muted { (words.number(watch.tasks.len() as u64)) } }
            @if watch.tasks.is_empty() { div.body { p.muted { (words.watch_no_tasks()) } } }
            @else { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.task_title()) } th scope="col" { (words.task_owner()) } th scope="col" { (words.task_due()) } th scope="col" { (words.task_done()) } } }
                tbody { @for task in &watch.tasks { (task_row(view, sight, task, may)) } }
            } } }
            @if may { details { summary { (words.task_add()) } div.body { form.form method="post" action={ "/watches/" (watch.id) "/tasks" } {
                div.field { label for="task-title" { (words.task_title()) } input #task-title name="title" required; }
                div.field { span.label { (words.task_owner()) } (choose_person(view, &sight.persons, Some(watch.lead))) }
                div.field { label for="task-due" { (words.task_due()) } input #task-due name="due" placeholder=(words.like_moment()) value=(super::moment_text(view, watch.from)) required; }
                div.form-actions { button.button.primary type="submit" { (words.task_add()) } }
            } } } }
        }
    }
}

fn task_row(view: &View, sight: &Sight, task: &Task, may: bool) -> Markup {
    let words = view.words;
    html! {
        tr {
            td data-label=(words.task_title()) { (visible(task.title.text(words.0))) }
            td data-label=(words.task_owner()) { @if let Some(owner) = task.owner { (sight.people.name(owner)) } }
            td data-label=(words.task_due()) {
                (view.moments.both(task.due_at))
                @if task.done.is_none() && task.due_at < view.moments.now { " " span.badge.badge-bad { (words.task_overdue()) } }
            }
            td data-label=(words.task_done()) {
                @match &task.done {
                    Some(done) => { (marks::standing_shape(Standing::Holds)) " " (sight.people.name(done.by)) " · " (view.moments.relative(done.at)) br; small { (visible(&done.words)) } },
                    None => @if may {
                        form.inline method="post" action={ "/watches/" (sight.watch.id) "/tasks/" (task.key) } {
                            input name="words" required aria-label=(words.task_words()) placeholder=(words.task_words());
                            button.button.small type="submit" { (words.task_finish()) }
                        }
                    },
                }
            }
        }
    }
}

fn closing(view: &View, sight: &Sight, phase: Phase) -> Markup {
    let words = view.words;
    let watch = &sight.watch;
    html! {
        @if let Some(closing) = &watch.closed {
            section.card.spaced { header { h2 { (words.watch_closed()) } } div.body {
                p { (visible(&closing.words)) } p.muted { (sight.people.name(closing.by)) " · " (view.moments.exact(closing.at)) }
            } }
        } @else if view.may(Permission::WriteWatches) && phase != Phase::Ahead {
            details.card.spaced.no-print { summary { (words.watch_close()) } div.body { form.form method="post" action={ "/watches/" (watch.id) "/close" } {
                div.field { label for="close-words" { (words.watch_close_words()) } textarea #close-words name="words" required {} }
                div.form-actions { button.button.primary type="submit" { (words.watch_close()) } }
            } } }
        }
    }
}
