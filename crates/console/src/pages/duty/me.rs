//! `GET /duty/me`: one's own turns, swaps, leave, addresses and calendar.

use axum::extract::State;
use jiff::SignedDuration;
use ledger::NounFilter;
use maud::{Markup, html};
use model::{
    AddressState, Browser, ContactAddress, ContactCard, Delivery, Leave, Permission, Scope, Swap, SwapState, Team,
};
use operations::{browsers::Kept as Browsers, duty::Shift};

use super::{
    fields::input_moment,
    now::{Tab, tabs},
};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    rosters::Rosters,
    state::Reach,
    text::visible,
    trouble::Trouble,
};

/// How far ahead one's turns are shown.
const DAYS_AHEAD: i64 = 60;
/// Shown characters of an address; nobody reads the keys of a push subscription.
const ADDRESS_CHARACTERS_MAX: usize = 48;

/// What the page shows.
pub(crate) struct Mine {
    pub(crate) rosters: Rosters,
    pub(crate) card: ContactCard,
    pub(crate) swaps: Vec<Swap>,
    pub(crate) leaves: Vec<Leave>,
    pub(crate) browsers: Vec<Browser>,
}

/// Reads it.
pub(crate) async fn read(desk: &Desk, visit: &Visit) -> Result<Mine, Trouble> {
    let (scope, person, now) = (visit.scope.clone(), visit.user.id, desk.now());
    desk.read(move |ledger| {
        // One's own card may be read by oneself, whatever the role.
        let post = Scope::of_post("console");
        let mut swaps: Vec<Swap> = ledger.all_kept(&scope, &NounFilter::in_state("offered"))?;
        swaps.retain(|swap| swap.from > now);
        let mut leaves: Vec<Leave> = ledger.all_kept(&scope, &NounFilter::of_owner(&person.to_string()))?;
        leaves.retain(|leave| !leave.cancelled && leave.until > now);
        let card = ledger.kept(&post, &person.to_string())?;
        Ok(Mine {
            rosters: Rosters::read(ledger, &scope, now)?,
            card: card.unwrap_or_else(|| ContactCard::empty(person)),
            swaps,
            leaves,
            browsers: Browsers::read(ledger.setting(&post, &Browsers::setting(person))?).browsers,
        })
    })
    .await
}

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let mine = read(&desk, &visit).await?;
    Ok(render(&visit.view, &desk.state.reach, &mine, &Said::default()))
}

/// What was just done or went wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) problem: Option<String>,
    pub(crate) done: Option<String>,
    /// The address of a new calendar feed: shown once.
    pub(crate) feed: Option<String>,
}

/// The page.
pub(crate) fn render(view: &View, reach: &Reach, mine: &Mine, said: &Said) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.duty_mine()) } (tabs(view, Tab::Mine)) }
        @if let Some(problem) = &said.problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (visible(problem)) } } }
        @if let Some(done) = &said.done { p.notice.good role="status" { (Mark::Check.draw()) span { (visible(done)) } } }
        div.columns {
            div.stack { (shifts(view, mine)) (swaps(view, mine)) (leave(view, mine)) }
            div.stack { (contacts(view, reach, mine)) (feed(view, mine, said)) }
        }
    };
    frame::page(view, Place::Duty, words.duty_mine(), &content)
}

fn shifts(view: &View, mine: &Mine) -> Markup {
    let words = view.words;
    let now = view.moments.now;
    let until = now
        .checked_add(SignedDuration::from_hours(24 * DAYS_AHEAD))
        .unwrap_or(now);
    let turns = mine.rosters.shifts_of(mine.card.person, now, until);
    html! {
        section.card { header { h2 { (words.mine_shifts()) } }
            @if turns.is_empty() { div.body { p.muted { (words.mine_shifts_none()) } } }
            @else { div.scroll { table.stacked { tbody { @for (team, shift) in &turns { tr {
                td { (view.moments.both(shift.from)) }
                td { (words.duty_until()) " " (view.moments.exact(shift.until)) }
                td { (visible(team.position(&shift.position).map_or("", |position| position.name.as_str()))) " · " (visible(&team.name)) }
                td { @if shift.from > now && view.may(Permission::WorkAlerts) { (offer(view, mine, team, shift)) } }
            } } } } } }
        }
    }
}

fn offer(view: &View, mine: &Mine, team: &Team, shift: &Shift) -> Markup {
    let words = view.words;
    html! { form.actions method="post" action="/duty/swaps" {
        input type="hidden" name="team" value=(team.id);
        input type="hidden" name="position" value=(shift.position);
        input type="hidden" name="from_at" value=(shift.from);
        input type="hidden" name="until_at" value=(shift.until);
        select name="asked" aria-label=(words.mine_offer()) {
            option value="" { (words.mine_anybody()) }
            @for person in team.everybody().into_iter().filter(|person| *person != mine.card.person) { option value=(person) { (visible(&mine.rosters.name(person))) } }
        }
        button.button.small type="submit" { (words.mine_offer()) }
    } }
}

fn swaps(view: &View, mine: &Mine) -> Markup {
    let words = view.words;
    let me = mine.card.person;
    let in_team = |swap: &&Swap| {
        let team = mine.rosters.team(swap.team);
        swap.giver == me
            || swap.asked == Some(me)
            || (swap.asked.is_none() && team.is_some_and(|roster| roster.team.everybody().contains(&me)))
    };
    let shown: Vec<&Swap> = mine.swaps.iter().filter(in_team).collect();
    html! {
        section.card { header { h2 { (words.mine_swaps()) } }
            @if shown.is_empty() { div.body { p.muted { (words.mine_swaps_none()) } } }
            @else { div.scroll { table.stacked { tbody { @for swap in shown { tr {
                td { strong { (visible(&mine.rosters.name(swap.giver))) } " → " (visible(&swap.asked.map_or_else(|| words.mine_anybody().to_owned(), |asked| mine.rosters.name(asked)))) }
                td { (view.moments.exact(swap.from)) " – " (view.moments.exact(swap.until)) }
                td { (words.swap_state(&swap.state)) @if !swap.note.is_empty() { ": " (visible(&swap.note)) } }
                td { @if swap.state == SwapState::Offered { div.actions {
                    @if swap.giver == me { (swap_step(swap, "withdraw", words.mine_withdraw())) }
                    @else { (swap_step(swap, "accept", words.mine_take())) @if swap.asked == Some(me) { (swap_step(swap, "decline", words.mine_decline())) } }
                } } }
            } } } } } }
        }
    }
}

fn swap_step(swap: &Swap, verb: &str, word: &str) -> Markup {
    html! { form method="post" action={ "/duty/swaps/" (swap.id) "/" (verb) } { button.button.small type="submit" { (word) } } }
}

fn leave(view: &View, mine: &Mine) -> Markup {
    let words = view.words;
    let zone = &view.moments.zone;
    html! {
        section.card { header { h2 { (words.mine_leave()) } }
            @if mine.leaves.is_empty() { div.body { p.muted { (words.mine_leave_none()) } } }
            @else { div.scroll { table.stacked { tbody { @for leave in &mine.leaves { tr {
                td { (view.moments.exact(leave.from)) " – " (view.moments.exact(leave.until)) }
                td { (visible(&leave.note)) }
                td { form method="post" action={ "/duty/leave/" (leave.id) "/cancel" } { button.button.small type="submit" { (words.mine_leave_cancel()) } } }
            } } } } } }
            div.body {
                form.form.wide method="post" action="/duty/leave" { div.fields {
                    div.field { label for="leave-from" { (words.duty_from()) } input #leave-from type="datetime-local" name="from_at" required value=(input_moment(view.moments.now, zone)); }
                    div.field { label for="leave-until" { (words.duty_to()) } input #leave-until type="datetime-local" name="until_at" required; }
                    div.field { label for="leave-note" { (words.mine_note()) } input #leave-note name="note" maxlength="500"; }
                } div.form-actions { button.button type="submit" { (words.mine_leave_take()) } } }
                details { summary { (words.mine_leave_import()) }
                    form.form.wide method="post" action="/duty/leave/import" {
                        div.field { label for="ics" { (words.mine_leave_paste()) } textarea.mono #ics name="calendar" required maxlength="200000" spellcheck="false" {} }
                        div.form-actions { button.button type="submit" { (words.mine_import()) } }
                    }
                }
            }
        }
    }
}

fn contacts(view: &View, reach: &Reach, mine: &Mine) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.mine_contacts()) }
            @if mine.card.is_reachable() { span.badge.badge-good.end { (words.duty_reachable()) } } @else { span.badge.badge-bad.end { (words.duty_unreachable()) } } }
            div.body { p.muted { (words.mine_contacts_lead()) }
                ol.addresses { @for (place, address) in mine.card.addresses.iter().enumerate() { li { (contact(view, place, address)) } } }
                form.form.wide method="post" action="/duty/me/addresses" { div.fields {
                    div.field { label for="channel" { (words.mine_channel()) } select #channel name="channel" {
                        @for (name, _) in reach.channels.iter().filter(|(name, _)| name != Delivery::TO_BROWSERS) { option value=(name) { (visible(name)) } } } }
                    div.field { label for="to" { (words.mine_address()) } input #to name="to" required maxlength="320" autocomplete="off"; }
                } div.form-actions { button.button type="submit" { (words.mine_add()) } } }
                @for browser in &mine.browsers { form.actions method="post" action="/duty/me/addresses" {
                    input type="hidden" name="channel" value=(Delivery::TO_BROWSERS);
                    input type="hidden" name="to" value=(browser.subscription);
                    button.button.small type="submit" { (words.mine_add()) ": " (visible(&browser.agent.chars().take(ADDRESS_CHARACTERS_MAX).collect::<String>())) }
                    small { (words.mine_browser()) }
                } }
            }
        }
    }
}

fn contact(view: &View, place: usize, address: &ContactAddress) -> Markup {
    let words = view.words;
    let shown: String = address.to.chars().take(ADDRESS_CHARACTERS_MAX).collect();
    let badge = if address.is_proven() {
        "badge badge-good"
    } else {
        "badge badge-warn"
    };
    let step = |verb: &str, word: &str| {
        html! { form method="post" action={ "/duty/me/addresses/" (verb) } {
            input type="hidden" name="place" value=(place);
            button.button.small type="submit" { (word) }
        } }
    };
    html! {
        p { code { (visible(&address.channel)) } " " strong { (visible(&shown)) } " " span class=(badge) { (words.address_state(&address.state)) }
            @if let AddressState::Proven { reached_at, .. } = &address.state { " " small { (view.moments.relative(*reached_at)) } }
            @if let AddressState::Failed { reason, .. } = &address.state { " " small { (visible(reason)) } } }
        div.actions {
            @if !address.is_proven() { (step("test", words.mine_send_code())) }
            @if let AddressState::Asked { .. } = &address.state {
                form.actions method="post" action="/duty/me/addresses/prove" {
                    input type="hidden" name="place" value=(place);
                    input name="code" required inputmode="numeric" maxlength="8" autocomplete="one-time-code" aria-label=(words.mine_code()) placeholder=(words.mine_code());
                    button.button.small.primary type="submit" { (words.mine_prove()) }
                }
            }
            @if place > 0 { (step("first", words.mine_first())) }
            (step("drop", words.mine_drop()))
        }
    }
}

fn feed(view: &View, mine: &Mine, said: &Said) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.mine_feed()) } } div.body {
            p.muted { (words.mine_feed_lead()) }
            @if let Some(feed) = &said.feed { p { (words.mine_feed_once()) } p { code.break { (feed) } } }
            @else if mine.card.feed.is_some() { p { (words.mine_feed_active()) } }
            div.actions {
                form method="post" action="/duty/me/calendar" { button.button type="submit" { (words.mine_feed_make()) } }
                @if mine.card.feed.is_some() { form method="post" action="/duty/me/calendar/revoke" { button.button type="submit" { (words.mine_feed_revoke()) } } }
            }
        } }
    }
}
