//! `GET /silences`: the silences in force, those about to end, those that are over.

use axum::extract::State;
use maud::{Markup, html};
use model::{Permission, Silence, SilenceScope, SilenceState, Timestamp};

use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks::Mark,
    people::People,
    text::visible,
};

/// How long before its end a silence counts as ending, in seconds.
const EXPIRING_SECONDS: i64 = 24 * 60 * 60;

/// Silences that are over and still listed.
const OVER_MAX: usize = 50;

/// Answers with all silences in force and the latest that are over.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let (silences, people) = desk
        .read(move |ledger| {
            let mut silences = ledger.silences_in_force(&scope, now)?;
            silences.extend(ledger.silences_over(&scope, now, OVER_MAX)?);
            Ok((silences, ledger.people(&scope)?))
        })
        .await?;
    Ok(render(&view, &silences, &People::new(&people)))
}

/// The page; `silences` newest first.
pub(crate) fn render(view: &View, silences: &[Silence], people: &People) -> Markup {
    let words = view.words;
    let now = view.moments.now;
    let is = |wanted: Phase| {
        silences
            .iter()
            .filter(move |silence| phase(silence, now) == wanted)
            .collect::<Vec<_>>()
    };
    let groups = [
        (words.silences_expiring(), is(Phase::Expiring)),
        (words.silences_active(), is(Phase::Active)),
        (words.silences_ended(), is(Phase::Over)),
    ];
    let content = html! {
        div.page-head { h1 { (words.silences_title()) }
            @if view.may(Permission::WriteSilences) { a.button.primary.end href="/silences/new" { (words.silence_new()) } }
            p.lead { (words.silences_lead()) } }
        div.stack data-live="silences" {
            @if silences.is_empty() { div.card { div.empty { (Mark::Check.draw()) strong { (words.silences_empty()) } } } }
            @for (title, group) in &groups { @if !group.is_empty() { (table(view, people, title, group)) } }
        }
    };
    frame::page(view, Place::Silences, words.silences_title(), &content)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Active,
    Expiring,
    Over,
}

fn phase(silence: &Silence, now: Timestamp) -> Phase {
    match silence.state {
        SilenceState::Ended { .. } => Phase::Over,
        SilenceState::Active if silence.expires_at <= now => Phase::Over,
        SilenceState::Active if silence.expires_at.as_second() - now.as_second() <= EXPIRING_SECONDS => Phase::Expiring,
        SilenceState::Active => Phase::Active,
    }
}

fn table(view: &View, people: &People, title: &str, silences: &[&Silence]) -> Markup {
    let words = view.words;
    html! {
        section.card {
            header { h2 { (title) } span.muted { (words.number(silences.len() as u64)) } }
            div.scroll { table.stacked {
                thead { tr {
                    th scope="col" { (words.silence_hides()) } th scope="col" { (words.reason()) } th.num scope="col" { (words.silence_hidden_count()) }
                    th scope="col" { (words.silence_owner()) } th scope="col" { (words.silence_expires()) } th scope="col" { span.visually-hidden { (words.actions()) } }
                } }
                tbody { @for silence in silences { (row(view, people, silence)) } }
            } }
        }
    }
}

fn row(view: &View, people: &People, silence: &Silence) -> Markup {
    let words = view.words;
    let over = phase(silence, view.moments.now) == Phase::Over;
    html! {
        tr #{ "s-" (silence.id) } {
            td data-label=(words.silence_hides()) { (scope(view, &silence.scope)) }
            td data-label=(words.reason()) { strong { (words.silence_reason(silence.reason)) } br; span { (visible(&silence.comment)) } }
            td.num data-label=(words.silence_hidden_count()) {
                strong { (words.number(silence.hidden)) }
                @if let Some(last) = silence.last_hidden_at { br; small { (words.silence_hidden_last()) " " (view.moments.relative(last)) } }
            }
            td data-label=(words.silence_owner()) { (people.name(silence.owner)) br; small { (view.moments.relative(silence.created_at)) } }
            td data-label=(words.silence_expires()) {
                @match silence.state {
                    SilenceState::Ended { at, by } => { (words.silence_ended_by()) " " (people.name(by)) br; small { (view.moments.exact(at)) } }
                    SilenceState::Active => (view.moments.both(silence.expires_at)),
                }
            }
            td.num {
                a.button.small href={ "/silences/" (silence.id) } aria-label={ (words.open()) " " (visible(&silence.comment)) } {
                    @if !over && view.may(Permission::WriteSilences) { (words.silence_change()) } @else { (words.open()) }
                }
            }
        }
    }
}

/// What a silence covers, in words.
pub(crate) fn scope(view: &View, scope: &SilenceScope) -> Markup {
    let words = view.words;
    html! {
        @if scope.rule.is_none() && scope.entity.is_none() && scope.fields.is_empty() { (words.scope_everything()) }
        @if let Some(rule) = &scope.rule { span { (words.rule()) " " (rule_named(view, rule)) } br; }
        @if let Some(entity) = &scope.entity { span { (words.entity_kind(entity.kind)) " " strong { (visible(&entity.name)) } } br; }
        @for (field, value) in &scope.fields { code { (visible(field)) "=" (visible(value)) } br; }
    }
}

/// A rule by its title, where it is loaded, with its id.
fn rule_named(view: &View, rule: &str) -> Markup {
    let loaded = view.rules.loaded.iter().find(|listing| listing.identity.id == rule);
    html! {
        @match loaded {
            Some(listing) => a href={ "/rules/" (addresses::segment(rule)) } title=(rule) { (visible(view.rule_title(&listing.identity))) },
            None => code { (visible(rule)) },
        }
    }
}
