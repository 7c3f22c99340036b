//! `GET /rules/{id}`: one rule with its text, and the alerts it raised.

use axum::extract::{Path, State};
use ledger::{AlertFilter, AlertOrder, PageAt, StateKind, Visibility};
use maud::{Markup, html};
use model::{Alert, Permission};

use crate::desk::Desk;
use crate::guard::Visit;
use crate::trouble::Trouble;
use crate::{
    addresses,
    frame::{self, Place, View},
    marks,
    rules::RuleListing,
    text::visible,
};

/// Alerts on the page.
pub(crate) const ALERTS_MAX: usize = 20;

/// Answers with the page of one rule.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let catalog = desk.state.rules.catalog();
    let rule = catalog
        .loaded
        .iter()
        .find(|rule| rule.identity.id == id)
        .ok_or(Trouble::NotFound)?;
    let filter = AlertFilter {
        states: vec![StateKind::New, StateKind::Acknowledged, StateKind::Closed],
        visibility: Visibility::All,
        rule: Some(rule.identity.id.clone()),
        order: AlertOrder::LastSeen,
        ..AlertFilter::default()
    };
    let Visit { view, scope, .. } = visit;
    let alerts = desk
        .read(move |ledger| ledger.alerts(&scope, &filter, PageAt::first(ALERTS_MAX)))
        .await?
        .items;
    Ok(render(&view, rule, &alerts))
}

/// The page; `alerts` newest first.
pub(crate) fn render(view: &View, rule: &RuleListing, alerts: &[Alert]) -> Markup {
    let words = view.words;
    let content = html! {
        header.alert-head {
            div.line { (marks::level(words, rule.identity.level)) span { (words.rule_hits()) " " strong { (words.number(rule.hits)) } } }
            h1 { (visible(view.rule_title(&rule.identity))) }
            @let description = rule.description_in(words.0);
            @if !description.is_empty() { p.lead { (visible(description)) } }
            @if view.may(Permission::WriteSilences) { p.actions { a.button.quiet href={ "/silences/new" (addresses::query(&[("rule", &rule.identity.id)])) } { (words.silence_this()) } } }
        }
        div.columns {
            div.stack { section.card { header { h2 { (words.rule_text()) } } pre.raw tabindex="0" role="region" aria-label=(words.rule_text()) { (visible(&rule.text)) } } }
            div.stack { (facts(view, rule)) (raised(view, alerts)) }
        }
    };
    frame::page(view, Place::Rules, view.rule_title(&rule.identity), &content)
}

fn facts(view: &View, rule: &RuleListing) -> Markup {
    let words = view.words;
    html! {
        section.card { div.body { dl.facts {
            dt { (words.rule_id()) } dd { code { (visible(&rule.identity.id)) } }
            dt { (words.rule_log_source()) } dd { code { (visible(&rule.log_source)) } }
            dt { (words.rule_file()) } dd { code { (visible(&rule.file)) } }
            @if !rule.author.is_empty() { dt { (words.rule_author()) } dd { (visible(&rule.author)) } }
            @if !rule.identity.tags.is_empty() { dt { (words.tags()) } dd { span.chips { @for tag in &rule.identity.tags { span.chip { (visible(tag)) } } } } }
            @if !rule.false_positives.is_empty() { dt { (words.rule_false_positives()) } dd { ul { @for known in &rule.false_positives { li { (visible(known)) } } } } }
            @if !rule.references.is_empty() { dt { (words.rule_references()) } dd { ul { @for reference in &rule.references { li { (visible(reference)) } } } } }
        } } }
    }
}

fn raised(view: &View, alerts: &[Alert]) -> Markup {
    let words = view.words;
    html! {
        section.card { header { h2 { (words.rule_alerts()) } } div.body {
            @if alerts.is_empty() { p.muted { (words.rule_alerts_none()) } }
            @else { ul.stack { @for alert in alerts { li {
                a href={ "/alerts/" (alert.id) } { (visible(&alert.key.entity.name)) } " " (marks::alert_state(words, &alert.state))
                @if alert.key.exercise { " " (marks::exercise(words)) }
                br; small { (words.times(alert.detections)) " · " (view.moments.relative(alert.last_seen)) }
            } } } }
        } }
    }
}
