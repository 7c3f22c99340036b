//! `GET /watches/{id}/preflight`: what is there and what is missing before a watch begins.

use axum::{
    extract::{Path, State},
    response::Redirect,
};
use jiff::SignedDuration;
use ledger::NounFilter;
use maud::{Markup, html};
use model::{ContactCard, Directive, Id, Permission, Position, Scope, User};
use operations::{
    duty::{Roster, ShortStaffed, stand_ins},
    notifications::test_pages,
    watches::{self, Check, Ground},
};

use super::{Sight, Tab, tabs};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks,
    rosters::Rosters,
    staffing::Staffing,
    text::visible,
    trouble::Trouble,
};

/// Stretches with too few people, and who could come, that the page names.
const SHORT_MAX: usize = 30;
const STAND_INS_MAX: usize = 4;

/// Answers with the checks.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let Checked {
        sight,
        checks,
        rosters,
        staffing,
        ..
    } = checked(&visit, &desk, &id).await?;
    Ok(render(&visit.view, &sight, &checks, (&rosters, &staffing)))
}

/// Sends a test page to everybody who is on duty during the watch.
pub(crate) async fn test(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Redirect, Trouble> {
    let Checked {
        sight, cards, staffing, ..
    } = checked(&visit, &desk, &id).await?;
    let on_duty = |card: &ContactCard| staffing.people.iter().any(|(person, _)| *person == card.person);
    let cards: Vec<ContactCard> = cards.into_iter().filter(on_duty).collect();
    let step = visit.step(&desk);
    desk.apply(test_pages(&cards, &sight.watch.name, step)?).await?;
    Ok(Redirect::to(&format!("/watches/{id}/preflight")))
}

/// Makes tasks of what is missing.
pub(crate) async fn post(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Redirect, Trouble> {
    let Checked { sight, checks, .. } = checked(&visit, &desk, &id).await?;
    let step = visit.step(&desk);
    desk.apply(watches::make_tasks(&sight.watch, &checks, step)?).await?;
    Ok(Redirect::to(&format!("/watches/{id}#tasks")))
}

/// A watch and what was seen before it.
struct Checked {
    sight: Sight,
    checks: Vec<Check>,
    rosters: Rosters,
    cards: Vec<ContactCard>,
    staffing: Staffing,
}

async fn checked(visit: &Visit, desk: &Desk, id: &str) -> Result<Checked, Trouble> {
    let mut sight = Sight::of(desk, &visit.scope, id).await?;
    let catalogue = desk.state.catalogue.borrow().clone();
    let mut wanted: Vec<String> = sight
        .watch
        .requirements
        .iter()
        .map(|one| one.directive.to_string())
        .collect();
    wanted.sort();
    wanted.dedup();
    let scope = visit.scope.clone();
    let controls: Vec<String> = catalogue
        .controls
        .iter()
        .map(|control| control.id.to_string())
        .collect();
    let now = visit.view.moments.now;
    let rosters = desk.rosters(&visit.scope).await?;
    let (directives, standing, cards) = desk
        .read(move |ledger| {
            let mut directives = Vec::with_capacity(wanted.len());
            for id in &wanted {
                directives.extend(ledger.kept::<Directive>(&scope, id)?);
            }
            let controls: Vec<&str> = controls.iter().map(String::as_str).collect();
            // The page says who was reached, not how.
            let cards: Vec<ContactCard> = ledger.all_kept(&Scope::of_post("console"), &NounFilter::default())?;
            Ok((
                directives,
                ledger.measurements_standing(&scope, &controls, now, 0)?,
                cards,
            ))
        })
        .await?;
    sight.measurements = standing
        .into_iter()
        .map(|(last, trend)| (last.control.clone(), (last, trend)))
        .collect();
    let zone = &visit.view.moments.zone;
    let staffing = Staffing::of(&sight.watch, &rosters, &cards, now);
    let (enough, reached) = (staffing.enough(&sight.watch, zone), staffing.reached(&rosters));
    let ground = Ground {
        staffing: enough.as_ref(),
        reached: reached.as_ref(),
        directives: &directives,
        measurements: &sight.measurements,
        controls: &catalogue.controls,
        today: now.to_zoned_datetime(visit.view.moments.zone.clone()).date(),
        now,
    };
    let checks = watches::preflight(&sight.watch, ground);
    Ok(Checked {
        sight,
        checks,
        rosters,
        cards,
        staffing,
    })
}

fn render(view: &View, sight: &Sight, checks: &[Check], (rosters, staffing): (&Rosters, &Staffing)) -> Markup {
    let words = view.words;
    let title = format!("{} · {}", words.watch_preflight(), sight.watch.name);
    let content = html! {
        (tabs(view, Tab::Watches))
        div.page-head { h1 { (visible(&title)) } span.end { a href={ "/watches/" (sight.watch.id) } { (visible(&sight.watch.name)) } }
            p.lead { (words.watch_preflight_lead()) } }
        section.card { div.scroll { table.stacked {
            thead { tr { th scope="col" { (words.watch_preflight()) } th scope="col" { (words.requirement_shown_by()) } th scope="col" { (words.watch_tasks()) } } }
            tbody { @for check in checks { (row(view, sight, check)) } }
        } } }
        @if view.may(Permission::WorkWatches) && sight.watch.closed.is_none() {
            div.actions.spaced {
                form method="post" action={ "/watches/" (sight.watch.id) "/preflight" } { button.button.primary type="submit" { (words.watch_make_tasks()) } }
                @if !staffing.people.is_empty() { form method="post" action={ "/watches/" (sight.watch.id) "/test-pages" } { button.button type="submit" { (words.watch_test_pages()) } } }
            }
        }
        @if !staffing.short.is_empty() { (short(view, sight, rosters, staffing)) }
    };
    frame::page(view, Place::Watches, &title, &content)
}

/// When people are missing, and who could come.
fn short(view: &View, sight: &Sight, rosters: &Rosters, staffing: &Staffing) -> Markup {
    let words = view.words;
    html! {
        section.card.spaced { header { h2 { (words.watch_short()) } span.end { strong { (words.number(staffing.short.len() as u64)) } } }
            div.body { @for short in staffing.short.iter().take(SHORT_MAX) {
                div.gap {
                    p { span.badge.badge-bad { (short.people.len()) "/" (sight.watch.people_min) } " " (view.moments.minute(short.from)) " – " (view.moments.minute(short.until)) " "
                        span.muted { @for person in &short.people { (visible(&rosters.name(*person))) " " } } }
                    @if short.until > view.moments.now { (who_could(view, rosters, short)) }
                }
            } }
        }
    }
}

fn who_could(view: &View, rosters: &Rosters, short: &ShortStaffed) -> Markup {
    let words = view.words;
    let all: Vec<_> = rosters.all().collect();
    let places: Vec<(Id<User>, Roster<'_>, &Position)> = all
        .iter()
        .filter_map(|roster| extra_position(*roster).map(|position| (*roster, position)))
        .flat_map(|(roster, position)| {
            let people = roster.team.everybody().into_iter();
            people.map(move |person| (person, roster, position))
        })
        .collect();
    let candidates: Vec<Id<User>> = places.iter().map(|(person, ..)| *person).collect();
    let rest = all
        .iter()
        .map(|roster| roster.team.rest_hours)
        .max()
        .unwrap_or_default();
    let rest = SignedDuration::from_hours(i64::from(rest));
    let proposed = stand_ins(&short.as_gap(""), &candidates, &all, rest);
    html! {
        p.muted { (words.duty_who_could()) ": " @if proposed.is_empty() { (words.duty_nobody_could()) } }
        @if view.may(Permission::WriteDuty) { div.actions { @for stand_in in proposed.iter().take(STAND_INS_MAX) {
            @if let Some((_, roster, position)) = places.iter().find(|(person, ..)| *person == stand_in.person) {
                form method="post" action={ "/duty/teams/" (roster.team.id) "/overrides" } {
                    input type="hidden" name="revision" value=(roster.team.revision);
                    input type="hidden" name="position" value=(position.key);
                    input type="hidden" name="from_at" value=(short.from);
                    input type="hidden" name="until_at" value=(short.until);
                    input type="hidden" name="person" value=(stand_in.person);
                    button.button.small type="submit" { (words.duty_assign()) " " (visible(&rosters.name(stand_in.person))) " (" (words.span(stand_in.on_duty_nearby.as_secs().unsigned_abs())) ")" }
                }
            }
        } } }
    }
}

/// Where somebody extra is put: a position that is not paged first, where there is one.
fn extra_position(roster: Roster<'_>) -> Option<&Position> {
    let positions = &roster.team.positions;
    positions
        .iter()
        .find(|position| !position.primary)
        .or_else(|| positions.first())
}

fn row(view: &View, sight: &Sight, check: &Check) -> Markup {
    let words = view.words;
    let task = sight
        .watch
        .tasks
        .iter()
        .rev()
        .find(|task| task.check.as_ref() == Some(&check.key));
    html! {
        tr {
            td data-label=(words.watch_preflight()) { strong { (visible(check.title.text(words.0))) } }
            td data-label=(words.requirement_shown_by()) { (marks::standing(words, check.standing)) " " span.muted { (visible(check.detail.text(words.0))) } }
            td data-label=(words.watch_tasks()) {
                @if let Some(task) = task {
                    @if let Some(owner) = task.owner { (sight.people.name(owner)) " · " }
                    @match &task.done { Some(done) => { (words.task_done()) " " (view.moments.relative(done.at)) }, None => { (words.task_due()) " " (view.moments.relative(task.due_at)) } }
                }
            }
        }
    }
}
