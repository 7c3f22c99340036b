//! `GET /actions`: everything in force and everything that waits, with who, why, under which letter and until when.

use axum::extract::State;
use ledger::{NounFilter, PageAt};
use maud::{Markup, html};
use model::{Action, ActionState, Permission};

use super::{badge, summary, why};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    people::People,
    text::visible,
    trouble::Trouble,
};

/// So many actions that are over are shown.
const OVER_MAX: usize = 20;
/// The states of what is not over.
const OPEN: [&str; 6] = [
    "requested",
    "planned",
    "approved",
    "in_force",
    "lifting",
    "failed_in_force",
];
/// The states of what is over.
const OVER: [&str; 3] = ["lifted", "refused", "failed"];

/// Answers with the list.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let Visit { view, scope, .. } = visit;
    let (open, over, people) = desk
        .read(move |ledger| {
            let states = |states: &[&str]| NounFilter {
                states: states.iter().map(|state| (*state).to_owned()).collect(),
                ..NounFilter::default()
            };
            let open = ledger.all_kept::<Action>(&scope, &states(&OPEN))?;
            let at = PageAt::first(OVER_MAX);
            let over = ledger.kept_page::<Action>(&scope, &states(&OVER), at)?.items;
            Ok((open, over, People::new(&ledger.people(&scope)?)))
        })
        .await?;
    Ok(render(&view, &open, &over, &people))
}

fn render(view: &View, open: &[Action], over: &[Action], people: &People) -> Markup {
    let words = view.words;
    let (waiting, mut in_force): (Vec<&Action>, Vec<&Action>) = open
        .iter()
        .partition(|action| matches!(action.state, ActionState::Requested | ActionState::Planned));
    // What does not work first, then what ends next.
    in_force.sort_by_key(|action| (!is_bad(action), action.expires_at.is_none(), action.expires_at));
    let over: Vec<&Action> = over.iter().collect();
    let content = html! {
        div.page-head { h1 { (words.actions_title()) }
            div.actions.end { a.button href="/plans" { (words.plans_title()) }
                @if view.may(Permission::WorkResponse) { a.button.primary href="/actions/new" { (words.action_new()) } } }
            p.lead { (words.actions_lead()) } }
        div.stack data-live="actions" {
            (pulse(view, (&waiting, &in_force), open))
            @if open.is_empty() { section.card { div.empty { (Mark::Shield.draw()) strong { (words.actions_none()) } } } }
            @for (title, actions) in [(words.actions_waiting(), waiting), (words.actions_in_force(), in_force), (words.actions_over(), over)] {
                @if !actions.is_empty() { section.card {
                    header { h2 { (title) } span.muted { (words.number(actions.len() as u64)) } } (table(view, &actions, people)) } }
            }
        }
    };
    frame::page(view, Place::Actions, words.actions_title(), &content)
}

/// Whether somebody should look at it at once: it has no effect, or could not be taken back.
fn is_bad(action: &Action) -> bool {
    action.is_not_effective() || matches!(action.state, ActionState::Failed { in_force: true, .. })
}

fn pulse(view: &View, (waiting, in_force): (&[&Action], &[&Action]), open: &[Action]) -> Markup {
    let words = view.words;
    let bad = in_force.iter().filter(|action| is_bad(action)).count();
    let owed = open.iter().filter(|action| action.owes_review()).count();
    let next = in_force.iter().filter_map(|action| action.expires_at).min();
    html! { div.pulse {
        span { strong.big { (words.number(in_force.len() as u64)) } (words.actions_in_force()) }
        span { strong.big { (words.number(waiting.len() as u64)) } (words.actions_waiting()) }
        @if bad > 0 { span.bad-number { strong.big { (words.number(bad as u64)) } (words.action_state_not_effective()) } }
        @if owed > 0 { span.warn-number { strong.big { (words.number(owed as u64)) } (words.actions_owed()) } }
        @if let Some(next) = next { span { (words.actions_next()) " " strong { (view.moments.relative(next)) } } }
    } }
}

fn table(view: &View, actions: &[&Action], people: &People) -> Markup {
    let words = view.words;
    html! {
        div.scroll { table.stacked {
            thead { tr { th scope="col" { (words.state()) } th scope="col" { (words.action_what()) } th scope="col" { (words.action_why()) }
                th scope="col" { (words.action_who()) } th scope="col" { (words.action_until()) }
                th scope="col" { span.visually-hidden { (words.actions()) } } } }
            tbody { @for action in actions { (row(view, action, people)) } }
        } }
    }
}

fn row(view: &View, action: &Action, people: &People) -> Markup {
    let words = view.words;
    let approves = view.may(Permission::ApproveResponse);
    html! { tr #{ "a-" (action.id) } {
        td.nowrap data-label=(words.state()) { div { (badge(words, action)) @if action.owes_review() { br; span.badge.badge-warn { (words.action_owed()) } } } }
        td.break data-label=(words.action_what()) { div { a.mono href={ "/actions/" (action.id) } { strong { (visible(&summary(&action.kind))) } }
            br; small { (visible(&action.device)) } } }
        td.break data-label=(words.action_why()) { div { (visible(why(words, action)))
            @if let Some(letter) = &action.letter { br; small { (words.action_letter()) " " (visible(letter)) } } } }
        td data-label=(words.action_who()) { div { (people.actor(words, &action.requested_by)) br; small { (view.moments.relative(action.requested_at)) } } }
        td data-label=(words.action_until()) { (until(view, action)) }
        td.num {
            @if matches!(action.state, ActionState::Planned) { a.button.small href={ "/actions/" (action.id) } {
                @if approves { (words.action_look_and_approve()) } @else { (words.action_look()) } } }
            @if approves && action.holds() && !matches!(action.state, ActionState::Lifting { .. }) {
                details id={ "lift-" (action.id) } { summary { (words.action_lift()) }
                    form.inline method="post" action={ "/actions/" (action.id) "/lift" } {
                        input name="why" required maxlength="2000" aria-label=(words.action_why()) placeholder=(words.action_why());
                        button.button.small.danger type="submit" { (words.action_lift()) }
                    } }
            } }
    } }
}

/// Until when it holds; when it is over, since when.
fn until(view: &View, action: &Action) -> Markup {
    let words = view.words;
    html! { @match &action.state {
        ActionState::Requested | ActionState::Planned | ActionState::Approved { .. } => span.muted { (super::lasting(words, action)) },
        ActionState::InForce { .. } | ActionState::Lifting { .. } => {
            @match action.expires_at { Some(at) => (view.moments.both(at)), None => (words.action_until_lifted()) } },
        ActionState::Lifted { at, .. } | ActionState::Refused { at, .. } | ActionState::Failed { at, .. } => (view.moments.relative(*at)),
    } }
}
