//! `GET /channels`: each channel with its last success and failure, and the messages that were given up.

use axum::extract::State;
use ledger::{Lane, OutboxRow, OutboxState};
use maud::{Markup, html};
use model::{Delivery, Effect, Permission};

use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    state::Reach,
    text::visible,
    trouble::Trouble,
    words::Words,
};

/// Given-up messages on the page; the ledger keeps the others.
const DEAD_MAX: usize = 50;
/// How much of an address is shown: a push subscription is long, and nobody reads its keys.
const ADDRESS_CHARACTERS_MAX: usize = 60;

/// Answers with the page.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let (lanes, dead) = desk
        .read(move |ledger| {
            Ok((
                ledger.lanes(&scope)?,
                ledger.outbox(&scope, OutboxState::Dead, DEAD_MAX)?,
            ))
        })
        .await?;
    Ok(render(&view, &desk.state.reach, &lanes, &dead))
}

/// The page.
pub(crate) fn render(view: &View, reach: &Reach, lanes: &[Lane], dead: &[OutboxRow]) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.channels_title()) } p.lead { (words.channels_lead()) } }
        div.stack data-live="channels" {
            section.card { div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.channel()) } th scope="col" { (words.state()) }
                    th.num scope="col" { (words.channel_waiting()) } th.num scope="col" { (words.channel_delivered()) } th.num scope="col" { (words.channel_dead()) }
                    th scope="col" { (words.channel_last_delivered()) } th scope="col" { (words.channel_last_failed()) }
                } }
                tbody { @for row in rows(reach, lanes) { (drawn(view, &row)) } }
            } } }
            section.card { header { h2 { (words.dead_letters()) } span.muted { (words.dead_letters_lead()) } }
                @if dead.is_empty() { div.body { p.muted { (words.dead_letters_none()) } } }
                @else { (dead_letters(view, dead)) }
            }
        }
    };
    frame::page(view, Place::DutyBook, words.channels_title(), &content)
}

/// A channel as it is configured, and its lane where it was ever used.
struct Row<'a> {
    name: &'a str,
    carries: Option<&'static str>,
    lane: Option<&'a Lane>,
}

fn rows<'a>(reach: &'a Reach, lanes: &'a [Lane]) -> Vec<Row<'a>> {
    let lane = |name: &str| lanes.iter().find(|lane| lane.name == name);
    let mut rows: Vec<Row<'_>> = reach
        .channels
        .iter()
        .map(|(name, carries)| Row {
            name,
            carries: Some(carries),
            lane: lane(name),
        })
        .collect();
    let configured = |lane: &&Lane| reach.channels.iter().all(|(name, _)| *name != lane.name);
    rows.extend(lanes.iter().filter(configured).map(|lane| Row {
        name: &lane.name,
        carries: None,
        lane: Some(lane),
    }));
    rows
}

fn drawn(view: &View, row: &Row<'_>) -> Markup {
    let words = view.words;
    let count = |count: fn(&Lane) -> u64| words.number(row.lane.map_or(0, count));
    html! { tr {
        td data-label=(words.channel()) {
            @if row.name == Effect::ANNOUNCEMENTS { (words.channel_announcements()) }
            @else { code { (visible(row.name)) } " " @match row.carries {
                Some(carries) => small { (carrier(words, carries)) },
                None => span.badge.badge-warn { (words.channel_not_configured()) },
            } }
        }
        td data-label=(words.state()) { (state(words, row.lane)) }
        td.num data-label=(words.channel_waiting()) { (count(|lane| lane.waiting)) }
        td.num data-label=(words.channel_delivered()) { (count(|lane| lane.delivered)) }
        td.num data-label=(words.channel_dead()) { (count(|lane| lane.dead)) }
        td data-label=(words.channel_last_delivered()) { @if let Some(at) = row.lane.and_then(|lane| lane.last_delivered) { (view.moments.both(at)) } @else { "–" } }
        td.break data-label=(words.channel_last_failed()) {
            @if let Some(at) = row.lane.and_then(|lane| lane.last_failed) {
                (view.moments.both(at))
                @if let Some(error) = row.lane.and_then(|lane| lane.last_error.as_deref()) { br; small { (visible(error)) } }
            } @else { "–" }
        }
    } }
}

fn carrier(words: Words, carries: &str) -> &str {
    match carries {
        "email" => words.channel_email(),
        "sms" => words.channel_sms(),
        "chat" => words.channel_chat(),
        "push" => words.channel_push(),
        other => other,
    }
}

/// Works when the last thing that happened was a success; a channel that was never used is not known to.
fn state(words: Words, lane: Option<&Lane>) -> Markup {
    let ends = lane.map(|lane| (lane.last_delivered, lane.last_failed));
    match ends {
        None | Some((None, None)) => html! { span.badge { (words.channel_unknown()) } },
        Some((delivered, failed)) if delivered > failed => html! { span.badge.badge-good { (words.channel_works()) } },
        Some(_) => html! { span.badge.badge-bad { (words.channel_fails()) } },
    }
}

fn dead_letters(view: &View, dead: &[OutboxRow]) -> Markup {
    let words = view.words;
    html! { div.scroll { table.stacked {
        thead { tr { th scope="col" { (words.channel()) } th scope="col" { (words.dead_letter_to()) } th scope="col" { (words.dead_letter_why()) } th scope="col" { span.visually-hidden { (words.actions()) } } } }
        tbody { @for row in dead { tr {
            td data-label=(words.channel()) { code { (visible(row.effect.lane())) } }
            td.break data-label=(words.dead_letter_to()) { (address(&row.effect)) }
            td.break data-label=(words.dead_letter_why()) { (visible(row.note.as_deref().unwrap_or_default())) }
            td.num { @if view.may(Permission::WriteSources) { form method="post" action="/channels/retry" {
                input type="hidden" name="entry" value=(row.entry);
                input type="hidden" name="position" value=(row.position);
                button.button.small type="submit" { (words.dead_letter_retry()) }
            } } }
        } } }
    } } }
}

fn address(effect: &Effect) -> Markup {
    match effect {
        Effect::AnnounceAlert { alert } => html! { a href={ "/alerts/" (alert) } { code { (alert) } } },
        Effect::Enforce { action, .. } => html! { code { (action) } },
        Effect::Deliver { delivery } => {
            let Delivery { to, subject, .. } = &**delivery;
            let to: String = to.chars().take(ADDRESS_CHARACTERS_MAX).collect();
            html! { (visible(&to)) br; small { (visible(subject)) } }
        }
    }
}
