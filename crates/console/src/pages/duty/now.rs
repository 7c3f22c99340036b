//! `GET /duty`: who is on duty now, gaps ahead, and what waits for an answer.

use std::collections::HashMap;

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{ContactCard, Id, Notification, Permission, Scope, User};
use operations::duty::{Gap, Roster, horizon, shifts_at, stays_until};

use super::notification;
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
};

/// How far gaps are looked for.
const GAP_DAYS: i64 = 14;
/// Gaps and notifications on the page.
const SHOWN_MAX: usize = 12;

/// What the page shows.
pub(crate) struct Duty {
    pub(crate) rosters: Rosters,
    /// Who can be reached by two proven channels.
    pub(crate) reachable: HashMap<Id<User>, bool>,
    pub(crate) waiting: Vec<Notification>,
}

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let duty = desk
        .read(move |ledger| {
            // Whether somebody can be reached may be known to all; where, only to whoever writes rosters.
            let cards: Vec<ContactCard> = ledger.all_kept(&Scope::of_post("console"), &NounFilter::default())?;
            let open = NounFilter {
                states: ["escalating", "unanswered"].map(str::to_owned).to_vec(),
                ..NounFilter::default()
            };
            Ok(Duty {
                rosters: Rosters::read(ledger, &scope, now)?,
                reachable: cards.iter().map(|card| (card.person, card.is_reachable())).collect(),
                waiting: ledger.kept_page(&scope, &open, PageAt::first(SHOWN_MAX))?.items,
            })
        })
        .await?;
    Ok(render(&view, &duty))
}

/// The page.
pub(crate) fn render(view: &View, duty: &Duty) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.duty_title()) } (tabs(view, Tab::Now)) p.lead { (words.duty_lead()) } }
        div.stack data-live="duty" {
            @if duty.rosters.all().next().is_none() {
                section.card { div.body { p.muted { (words.duty_none()) }
                    @if view.may(Permission::WriteDuty) { p { a.button.primary href="/duty/teams/new" { (words.duty_new_team()) } } }
                } }
            } @else {
                div.duty-teams { @for roster in duty.rosters.all() { (team(view, duty, roster)) } }
                @if view.may(Permission::WriteDuty) { p { a.button href="/duty/teams/new" { (words.duty_new_team()) } } }
            }
            section.card { header { h2 { (words.duty_open_notifications()) } }
                @if duty.waiting.is_empty() { div.body { p.muted { (words.notification_none()) } } }
                @else { (notification::table(view, &duty.rosters, &duty.waiting)) }
            }
            (gaps(view, duty))
        }
    };
    frame::page(view, Place::Duty, words.duty_title(), &content)
}

/// The pages that belong together under duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    Now,
    Mine,
    Notifications,
    Handovers,
    Policies,
}

/// The way between them.
pub(crate) fn tabs(view: &View, here: Tab) -> Markup {
    let words = view.words;
    let all = [
        (Tab::Now, "/duty", words.duty_strip()),
        (Tab::Mine, "/duty/me", words.duty_mine()),
        (Tab::Notifications, "/duty/notifications", words.duty_notifications()),
        (Tab::Handovers, "/duty/handovers", words.handovers()),
        (Tab::Policies, "/duty/policies", words.duty_policies()),
    ];
    html! { nav.tabs.end aria-label=(words.nav_duty()) { @for (tab, address, word) in all {
        a href=(address) aria-current=[(tab == here).then_some("page")] { (word) }
    } } }
}

fn team(view: &View, duty: &Duty, roster: Roster<'_>) -> Markup {
    let words = view.words;
    let team = roster.team;
    html! {
        section.card.duty-team {
            header { h2 { (visible(&team.name)) } span.end {
                a href={ "/duty/roster/" (team.id) } { (words.duty_roster()) }
                @if view.may(Permission::WriteDuty) { " · " a href={ "/duty/teams/" (team.id) } { (words.duty_edit()) } }
            } }
            div.body { dl.duty-now {
                @for shift in shifts_at(roster, view.moments.now) {
                    @let position = team.position(&shift.position);
                    dt { (visible(position.map_or("", |position| position.name.as_str()))) }
                    dd {
                        @if shift.people.is_empty() { span.badge.badge-bad { (Mark::Warning.draw()) (words.duty_nobody()) } }
                        @for person in &shift.people {
                            strong { (visible(&duty.rosters.name(*person))) }
                            @if position.is_some_and(|position| position.primary) && duty.reachable.get(person) != Some(&true) {
                                " " span.badge.badge-bad title=(words.duty_unreachable_lead()) { (words.duty_unreachable()) }
                            }
                            " "
                        }
                        @let until = stays_until(roster, &shift.position, view.moments.now);
                        @if until < horizon(view.moments.now) { small { (words.duty_until()) " " time datetime=(until) { (view.moments.minute(until)) } } }
                    }
                }
            } }
        }
    }
}

fn gaps(view: &View, duty: &Duty) -> Markup {
    let words = view.words;
    let found = duty.rosters.gaps(view.moments.now, GAP_DAYS);
    html! {
        section.card { header { h2 { (words.duty_gaps()) } }
            @if found.is_empty() { div.body { p.muted { (words.duty_gaps_none()) } } }
            @else { div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.duty_team()) } th scope="col" { (words.duty_position()) } th scope="col" { (words.duty_from()) } th scope="col" { (words.duty_to()) } th.num scope="col" { (words.duty_missing()) } } }
                tbody { @for (team, gap) in found.iter().take(SHOWN_MAX) { tr {
                    td data-label=(words.duty_team()) { a href={ "/duty/roster/" (team.id) } { (visible(&team.name)) } }
                    td data-label=(words.duty_position()) { (visible(&position_name(team, gap))) }
                    td data-label=(words.duty_from()) { (view.moments.both(gap.from)) }
                    td data-label=(words.duty_to()) { (view.moments.exact(gap.until)) }
                    td.num data-label=(words.duty_missing()) { span.badge.badge-bad { (gap.missing) } }
                } } }
            } } }
        }
    }
}

/// The name of a gap's position.
pub(crate) fn position_name(team: &model::Team, gap: &Gap) -> String {
    let position = team.position(&gap.position);
    position.map_or_else(|| gap.position.to_string(), |position| position.name.clone())
}
