//! `GET /silences/new`: a silence in the making, with what it would have hidden so far beside it.

use axum::extract::{RawQuery, State};
use compact_str::CompactString;
use maud::{Markup, html};
use model::{Entity, EntityKind, SilenceReason, SilenceScope};

use super::preview::{self, Trial};
use crate::desk::Desk;
use crate::guard::Visit;
use crate::trial;
use crate::trouble::Trouble;
use crate::{
    form::Form,
    frame::{self, Place, View},
    marks::Mark,
    text::visible,
    words::Words,
};

/// The lengths of time that are offered, in hours.
pub(crate) const HOURS: [u32; 6] = [1, 8, 24, 24 * 7, 24 * 30, 24 * 90];

/// Rules that are offered by title.
const RULES_OFFERED_MAX: usize = 200;

/// The kinds of entities a silence can be about.
const KINDS: [EntityKind; 4] = [
    EntityKind::Host,
    EntityKind::User,
    EntityKind::Address,
    EntityKind::Source,
];

/// What was typed so far; the texts are shown again as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) rule: String,
    pub(crate) entity_kind: Option<EntityKind>,
    pub(crate) entity_name: String,
    pub(crate) fields: String,
    pub(crate) reason: Option<SilenceReason>,
    pub(crate) comment: String,
    pub(crate) hours: Option<u32>,
}

impl Draft {
    /// Field conditions in one silence.
    const FIELDS_MAX: usize = 20;

    pub(crate) fn of_form(form: &Form) -> Self {
        let text = |name| form.one(name).unwrap_or_default().trim().to_owned();
        Self {
            rule: text("rule"),
            entity_kind: form.one("entity_kind").and_then(kind_of),
            entity_name: text("entity_name"),
            fields: text("fields"),
            reason: form.one("reason").and_then(reason_of),
            comment: text("comment"),
            hours: form.one("hours").and_then(|hours| hours.parse().ok()),
        }
    }

    /// Whether anything is said of what it covers.
    pub(crate) fn scope_given(&self) -> bool {
        self.scope() != SilenceScope::default()
    }

    /// The scope it describes. A line without `=` is a field that must be empty.
    pub(crate) fn scope(&self) -> SilenceScope {
        SilenceScope {
            rule: (!self.rule.is_empty()).then(|| CompactString::new(&self.rule)),
            entity: (!self.entity_name.is_empty()).then(|| Entity {
                kind: self.entity_kind.unwrap_or(EntityKind::Host),
                name: CompactString::new(&self.entity_name),
            }),
            fields: self
                .fields
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .take(Self::FIELDS_MAX)
                .map(|line| line.split_once('=').unwrap_or((line, "")))
                .map(|(name, value)| (CompactString::new(name.trim()), value.trim().to_owned()))
                .collect(),
        }
    }
}

/// The name of a kind of entity in forms.
pub(crate) fn kind_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Host => "host",
        EntityKind::User => "user",
        EntityKind::Address => "address",
        EntityKind::Source => "source",
        EntityKind::Silence => "silence",
        EntityKind::Deadline => "deadline",
        EntityKind::Team => "team",
    }
}

fn kind_of(name: &str) -> Option<EntityKind> {
    KINDS.into_iter().find(|kind| kind_name(*kind) == name)
}

const REASONS: [SilenceReason; 3] = [
    SilenceReason::FalsePositive,
    SilenceReason::AcceptedRisk,
    SilenceReason::Maintenance,
];

fn reason_name(reason: SilenceReason) -> &'static str {
    match reason {
        SilenceReason::FalsePositive => "false_positive",
        SilenceReason::AcceptedRisk => "accepted_risk",
        SilenceReason::Maintenance => "maintenance",
    }
}

fn reason_of(name: &str) -> Option<SilenceReason> {
    REASONS.into_iter().find(|reason| reason_name(*reason) == name)
}

/// Answers with the form, filled in from the address, and the preview of what it describes.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, RawQuery(query): RawQuery) -> Result<Markup, Trouble> {
    let draft = Draft::of_form(&Form::parse(query.unwrap_or_default().as_bytes()));
    let preview = if draft.scope_given() {
        Some(trial::run(&desk, &visit.scope, draft.scope()).await?)
    } else {
        None
    };
    Ok(render(&visit.view, &draft, preview.as_ref(), None))
}

/// The page; `problem` says what kept it from being saved.
pub(crate) fn render(view: &View, draft: &Draft, preview: Option<&Trial>, problem: Option<&str>) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.silence_new()) } p.lead { (words.silences_lead()) } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (problem) } } }
        div.columns {
            form.form.wide.card method="post" action="/silences" data-preview="/silences/new" {
                div.body { div.form { (scope_fields(view, draft)) (answer_fields(words, draft))
                    div.form-actions {
                        button.button.primary type="submit" { (words.silence_create()) }
                        button.button.no-script type="submit" formmethod="get" formaction="/silences/new" formnovalidate { (words.preview_refresh()) }
                        a.button.quiet href="/silences" { (words.cancel()) }
                    }
                } }
            }
            aside.card.preview aria-live="polite" {
                header { h2 { (words.preview_title()) } }
                div.body data-preview-result { (preview::render(view, preview)) }
            }
        }
    };
    frame::page(view, Place::Silences, words.silence_new(), &content)
}

fn scope_fields(view: &View, draft: &Draft) -> Markup {
    let words = view.words;
    html! {
        div.field {
            label for="rule" { (words.silence_rule()) }
            input.mono #rule name="rule" value=(draft.rule) maxlength="200" autocomplete="off" aria-describedby="rule-hint" list="rules-that-held";
            p.hint #rule-hint { @if let Some(title) = title_of(view, &draft.rule) { strong { (visible(title)) } ". " } (words.silence_rule_hint()) }
            (rules_that_held(view))
        }
        div.field {
            span.label { (words.entity()) }
            div.pair {
                select name="entity_kind" aria-label=(words.silence_entity_kind()) { @for kind in KINDS {
                    option value=(kind_name(kind)) selected[draft.entity_kind == Some(kind)] { (words.entity_kind(kind)) }
                } }
                input name="entity_name" value=(draft.entity_name) maxlength="300" autocomplete="off" aria-label=(words.silence_entity_name()) aria-describedby="entity-hint";
            }
            p.hint #entity-hint { (words.silence_entity_hint()) }
        }
        div.field {
            label for="fields" { (words.silence_fields()) }
            textarea.mono #fields name="fields" maxlength="4000" spellcheck="false" aria-describedby="fields-hint" { (draft.fields) }
            p.hint #fields-hint { (words.silence_fields_hint()) }
        }
    }
}

fn title_of<'a>(view: &'a View, rule: &str) -> Option<&'a str> {
    let loaded = view.rules.loaded.iter().find(|listing| listing.identity.id == rule)?;
    Some(view.rule_title(&loaded.identity))
}

/// The rules that held since the start, most often first, to choose from by title: what is silenced has held.
fn rules_that_held(view: &View) -> Markup {
    let mut held: Vec<_> = view.rules.loaded.iter().filter(|listing| listing.hits > 0).collect();
    held.sort_by_key(|listing| std::cmp::Reverse(listing.hits));
    html! {
        datalist #rules-that-held { @for listing in held.into_iter().take(RULES_OFFERED_MAX) {
            option value=(listing.identity.id) { (visible(view.rule_title(&listing.identity))) }
        } }
    }
}

fn answer_fields(words: Words, draft: &Draft) -> Markup {
    html! {
        fieldset {
            legend { (words.silence_why()) }
            div.choices { @for reason in REASONS {
                label { input type="radio" name="reason" value=(reason_name(reason)) required checked[draft.reason == Some(reason)]; (words.silence_reason(reason)) }
            } }
        }
        div.field {
            label for="comment" { (words.silence_comment()) }
            textarea #comment name="comment" required maxlength="2000" aria-describedby="comment-hint" { (draft.comment) }
            p.hint #comment-hint { (words.silence_comment_hint()) }
        }
        fieldset {
            legend { (words.silence_duration()) }
            div.choices { @for hours in HOURS {
                label { input type="radio" name="hours" value=(hours) required checked[draft.hours.unwrap_or(24) == hours]; (duration(words, hours)) }
            } }
        }
    }
}

pub(super) fn duration(words: Words, hours: u32) -> String {
    match hours {
        1 => words.one_hour().to_owned(),
        8 => words.eight_hours().to_owned(),
        24 => words.one_day().to_owned(),
        168 => words.one_week().to_owned(),
        720 => words.one_month().to_owned(),
        2160 => words.three_months().to_owned(),
        other => words.span(u64::from(other) * 3600),
    }
}
