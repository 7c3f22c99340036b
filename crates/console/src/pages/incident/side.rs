//! The parts of an incident's page beside its timeline: steps, criteria, tasks, assets, observables, alerts, evidence, reports.

use maud::{Markup, html};
use model::{
    AssetStanding, Evidence, Hit, IncidentOrigin, IncidentState, ObservableKind, Outcome, Permission, Phase, TaskState,
};
use operations::incidents::Proposal;

use super::{
    form::{kind_field, moment_field, severity_field, text_field},
    show::Shown,
};
use crate::{frame::View, marks, people::People, text::visible};

fn works(view: &View, shown: &Shown) -> bool {
    view.may(Permission::WorkAlerts) && shown.whole.root().state.is_open()
}

fn address(shown: &Shown, step: &str) -> String {
    format!("/incidents/{}/{step}", shown.whole.root().id)
}

/// The next states, with how it is known.
pub(crate) fn advance(view: &View, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let steps: &[(&str, &str)] = match &incident.state {
        IncidentState::Reported(_) => &[
            ("confirm", words.incident_to_confirm()),
            ("contain", words.incident_to_contain()),
            ("close", words.incident_to_close()),
        ],
        IncidentState::Confirmed(_) => &[
            ("contain", words.incident_to_contain()),
            ("close", words.incident_to_close()),
        ],
        IncidentState::Contained(_) => &[
            ("eradicate", words.incident_to_eradicate()),
            ("recover", words.incident_to_recover()),
            ("close", words.incident_to_close()),
        ],
        IncidentState::Eradicated(_) => &[
            ("recover", words.incident_to_recover()),
            ("close", words.incident_to_close()),
        ],
        IncidentState::Recovered(_) => &[("close", words.incident_to_close())],
        IncidentState::Closed { .. } => &[("reopen", words.incident_to_reopen())],
        IncidentState::Merged { .. } => return html! {},
    };
    if !view.may(Permission::WorkAlerts) {
        return html! {};
    }
    html! {
        section.card #state {
            header { h2 { (words.incident_advance()) } span.muted { (words.incident_state_word(incident.state.as_str())) } }
            form.form.body method="post" action=(address(shown, "advance")) {
                input type="hidden" name="revision" value=(incident.revision);
                div.choices { @for (n, (step, word)) in steps.iter().enumerate() {
                    label { input type="radio" name="to" value=(step) required checked[n == 0]; (word) }
                } }
                (moment_field(view, "reached_at", words.incident_when(), Some(view.moments.now)))
                div.field { label for="how" { (words.incident_how()) } textarea #how name="how" required maxlength="8000" {} }
                @if incident.state.is_open() { details { summary { (words.incident_to_close()) "…" }
                    div.field { label for="outcome" { (words.incident_outcome()) } select #outcome name="outcome" {
                        @for outcome in Outcome::ALL { option value=(outcome.as_str()) { (words.outcome(outcome)) } } } }
                    div.field { label for="cause" { (words.incident_cause()) } textarea #cause name="cause" maxlength="8000" {} }
                } }
                div.form-actions { button.button.primary type="submit" { (words.incident_save()) } }
            }
            form.body.actions method="post" action=(address(shown, "undo")) { button.button.small.quiet type="submit" { (words.incident_undo()) } }
        }
    }
}

/// The criteria of the national plan, what follows from them, and the description.
pub(crate) fn criteria(view: &View, shown: &Shown, proposal: &Proposal<'_>) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let criteria = &incident.criteria;
    html! {
        section.card #criteria {
            header { h2 { (words.incident_criteria()) } }
            div.body {
                dl.facts {
                    @if let Some(class) = &proposal.class {
                        dt { (words.incident_class()) }
                        dd { strong { (class.rule.name.text(words.0)) } br;
                            @if class.open_questions.is_empty() { small { (words.incident_class_certain()) } }
                            @else { small.warn-number { (words.incident_class_possible()) ": "
                                (class.open_questions.iter().map(|field| words.criterion(field)).collect::<Vec<_>>().join(", ")) } }
                            br; small { (class.rule.source) @if !class.rule.confirmed { " · " (words.incident_unconfirmed()) } }
                        }
                    }
                    dt { (words.incident_proposed_severity()) } dd { (marks::severity(words, proposal.severity)) }
                    dt { (words.incident_level()) } dd { @match criteria.system_level { Some(level) => (level), None => span.muted { (words.incident_unknown()) } } }
                    dt { (words.incident_hits()) } dd { @if criteria.hits.is_empty() { span.muted { (words.incident_unknown()) } }
                        @for hit in &criteria.hits { span.chip { (words.hit(*hit)) } " " } }
                    dt { (words.incident_alone()) } dd { (answer(view, criteria.controls_alone)) }
                    @if !incident.description.is_empty() { dt { (words.incident_description()) } dd { (visible(&incident.description)) } }
                    @if let Some(began) = incident.began_at { dt { (words.incident_began()) } dd { (view.moments.both(began)) } }
                    dt { (words.incident_detected()) } dd { (view.moments.both(incident.detected_at)) }
                    dt { (words.incident_opened()) } dd { (view.moments.both(incident.opened_at)) }
                    dt { (words.incident_origin()) } dd { (origin(view, &incident.origin)) }
                }
            }
            @if view.may(Permission::WorkAlerts) && incident.state.as_str() != "merged" { (edit_form(view, shown)) }
        }
    }
}

fn origin(view: &View, origin: &IncidentOrigin) -> Markup {
    let words = view.words;
    html! { @match origin {
        IncidentOrigin::Alerts => (words.incident_from_alerts()),
        IncidentOrigin::Hand => (words.incident_by_hand()),
        IncidentOrigin::Letter { number, issuer } => { (words.incident_from_letter()) " " (visible(number)) " " (visible(issuer)) },
        IncidentOrigin::Split { of } => a href={ "/incidents/" (of) } { (words.incident_split_of()) },
    } }
}

fn answer(view: &View, answer: Option<bool>) -> Markup {
    html! { @match answer { Some(true) => (view.words.yes()), Some(false) => (view.words.no()), None => span.muted { (view.words.incident_unknown()) } } }
}

fn yes_no(view: &View, name: &str, label: &str, answer: Option<bool>) -> Markup {
    let words = view.words;
    html! { div.field { label for=(name) { (label) } select id=(name) name=(name) {
        option value="" { (words.incident_unknown()) }
        option value="yes" selected[answer == Some(true)] { (words.yes()) }
        option value="no" selected[answer == Some(false)] { (words.no()) }
    } } }
}

fn edit_form(view: &View, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let (criteria, help) = (&incident.criteria, &incident.help);
    html! {
        details #edit-incident { summary { (words.incident_describe()) }
            form.form.wide.body method="post" action=(address(shown, "edit")) {
                input type="hidden" name="revision" value=(incident.revision);
                (text_field("title", words.incident_name(), &incident.title, true))
                (kind_field(view, incident.kind)) (severity_field(view, incident.severity))
                div.field { label for="system_level" { (words.incident_level()) } select #system_level name="system_level" {
                    option value="" { (words.incident_unknown()) }
                    @for level in 1..=5_u8 { option value=(level) selected[criteria.system_level == Some(level)] { (level) } } } }
                (yes_no(view, "nationally_important", words.incident_important(), criteria.nationally_important))
                fieldset { legend { (words.incident_hits()) } div.choices { @for hit in Hit::ALL {
                    label { input type="checkbox" name="hit" value=(hit.as_str()) checked[criteria.hits.contains(&hit)]; (words.hit(hit)) } } } }
                (yes_no(view, "controls_alone", words.incident_alone(), criteria.controls_alone))
                (yes_no(view, "personal_data", words.incident_personal_data(), criteria.personal_data))
                (yes_no(view, "bank", words.incident_bank(), criteria.bank))
                (moment_field(view, "began_at", words.incident_began(), incident.began_at))
                (moment_field(view, "detected_at", words.incident_detected(), Some(incident.detected_at)))
                div.field { label for="description" { (words.incident_description()) } textarea #description name="description" maxlength="8000" { (incident.description) } }
                (text_field("services", words.incident_services(), &incident.services.iter().cloned().collect::<Vec<_>>().join(", "), false))
                fieldset { legend { (words.incident_help()) }
                    div.field { label for="helpers" { (words.incident_helpers()) } textarea #helpers name="helpers" { (help.organisations.join("\n")) } }
                    div.field { label for="foreign" { (words.incident_foreign()) } textarea #foreign name="foreign" { (help.foreign.join("\n")) } }
                    label.check { input type="checkbox" name="asked" value="1" checked[help.coordinator_asked]; " " (words.incident_asked()) }
                    (text_field("damage", words.incident_damage(), &help.damage, false)) }
                div.form-actions { button.button.primary type="submit" { (words.incident_save()) } }
            }
        }
    }
}

/// Tasks by phase, or the lessons.
pub(crate) fn tasks(view: &View, people: &People, shown: &Shown, lessons: bool) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    let tasks: Vec<_> = shown.whole.tasks.iter().filter(|task| task.lesson == lessons).collect();
    let may_add = view.may(Permission::WorkAlerts)
        && (incident.state.is_open() || lessons)
        && incident.state.as_str() != "merged";
    let phase_now = incident.state.phase().unwrap_or(Phase::PostIncident);
    html! {
        section.card id=(["tasks", "lessons"][usize::from(lessons)]) {
            header { h2 { (if lessons { words.incident_lessons() } else { words.incident_tasks() }) }
                span.muted { (tasks.iter().filter(|task| task.state == TaskState::Open).count()) " / " (tasks.len()) } }
            ul.items { @for phase in Phase::ALL { @for task in tasks.iter().filter(|task| task.phase == phase) { li .is-done[task.state != TaskState::Open] {
                p { (visible(&task.title)) }
                p.muted { (words.phase(task.phase)) @if let Some(owner) = task.owner { " · " (people.name(owner)) }
                    @if let Some(due) = task.due_at { " · " (view.moments.relative(due)) } }
                @match &task.state {
                    TaskState::Done { by, result, .. } => p.muted { "✓ " (people.name(*by)) @if !result.is_empty() { ": " (visible(result)) } },
                    TaskState::Dropped { by, why, .. } => p.muted { "– " (people.name(*by)) ": " (visible(why)) },
                    TaskState::Open => { @if view.may(Permission::WorkAlerts) {
                        form.actions method="post" action=(address(shown, "task-end")) {
                            input type="hidden" name="task" value=(task.id);
                            input name="result" aria-label=(words.incident_task_result()) placeholder=(words.incident_task_result());
                            button.button.small type="submit" { (words.incident_task_done()) }
                            button.button.small.quiet type="submit" name="drop" value="1" { (words.incident_task_drop()) }
                        }
                    } },
                }
            } } } }
            @if may_add { form.body.form method="post" action=(address(shown, "task")) {
                @if lessons { input type="hidden" name="lesson" value="1"; input type="hidden" name="phase" value=(Phase::PostIncident.as_str()); }
                input name="title" required maxlength="300" aria-label=(words.incident_task_title())
                    placeholder=(if lessons { words.incident_lesson_add() } else { words.incident_task_title() });
                @if !lessons { select name="phase" aria-label=(words.incident_task_phase()) { @for phase in Phase::ALL {
                    option value=(phase.as_str()) selected[phase == phase_now] { (words.phase(phase)) } } } }
                div.form-actions { button.button.small type="submit" { (words.incident_add()) } }
            } }
        }
    }
}

/// What is hit.
pub(crate) fn assets(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    let assets: Vec<_> = shown.whole.members.iter().flat_map(|member| &member.assets).collect();
    html! {
        section.card #assets {
            header { h2 { (words.incident_assets()) } span.muted { (assets.len()) } }
            ul.items { @for asset in assets { li { p { strong { (visible(&asset.name)) } " " span.badge .badge-bad[asset.standing == AssetStanding::Compromised]
                .badge-good[asset.standing == AssetStanding::Clean] .badge-warn[asset.standing == AssetStanding::Suspected] { (words.asset_standing(asset.standing)) } }
                @if !asset.note.is_empty() { p.muted { (visible(&asset.note)) } } } } }
            @if works(view, shown) { form.body.actions method="post" action=(address(shown, "asset")) {
                input name="name" required maxlength="300" aria-label=(words.incident_asset_name()) placeholder=(words.incident_asset_name());
                select name="standing" aria-label=(words.incident_state()) { @for standing in AssetStanding::ALL { option value=(standing.as_str()) { (words.asset_standing(standing)) } } }
                button.button.small type="submit" { (words.incident_add()) }
            } }
        }
    }
}

/// By what the attacker is known again.
pub(crate) fn observables(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    let kept: Vec<_> = shown
        .whole
        .observables
        .iter()
        .filter(|known| !known.dismissed)
        .collect();
    html! {
        section.card #observables {
            header { h2 { (words.incident_observables()) } span.muted { (kept.len()) } }
            ul.items { @for known in kept { li { p { span.muted { (words.observable_kind(known.kind)) } " " code.break { (visible(&known.value)) } }
                @if view.may(Permission::WorkAlerts) { form.actions method="post" action=(address(shown, "dismiss")) {
                    input type="hidden" name="observable" value=(known.id); button.button.small.quiet type="submit" { (words.incident_dismiss()) } } } } } }
            @if works(view, shown) { form.body.actions method="post" action=(address(shown, "observable")) {
                select name="kind" aria-label=(words.incident_observables()) { @for kind in ObservableKind::ALL { option value=(kind.as_str()) { (words.observable_kind(kind)) } } }
                input name="value" required maxlength="2000" aria-label=(words.incident_observable_value()) placeholder=(words.incident_observable_value());
                button.button.small type="submit" { (words.incident_add()) }
            } }
        }
    }
}

/// The alerts.
pub(crate) fn alerts(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        section.card #alerts {
            header { h2 { (words.incident_alerts()) } span.muted { (shown.whole.alerts.len()) } }
            ul.items { @for alert in &shown.whole.alerts { li {
                p { (marks::level(words, alert.rule.level)) " " a href={ "/alerts/" (alert.id) } { (visible(view.rule_title(&alert.rule))) } }
                p.muted { (visible(&alert.key.entity.name)) " · " (words.times(alert.detections)) " · " (marks::alert_state(words, &alert.state)) }
                @if works(view, shown) { form.actions method="post" action=(address(shown, "unlink")) {
                    input type="hidden" name="alert" value=(alert.id); button.button.small.quiet type="submit" { (words.incident_unlink()) } } }
            } } }
        }
    }
}

/// The evidence, with its digests.
pub(crate) fn evidence(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        section.card #evidence {
            header { h2 { (words.incident_evidence()) } span.muted { (shown.whole.evidence.len()) } }
            ul.items { @for kept in &shown.whole.evidence { li {
                p { strong { (visible(&kept.name)) } " " span.muted { (words.number(kept.bytes)) " B" } }
                p.hash { (sha256(kept)) }
                p.muted { (view.moments.exact(kept.at)) @if !kept.note.is_empty() { " · " (visible(&kept.note)) } }
            } } }
            p.body.muted { code { (add_command(shown)) } }
        }
    }
}

fn sha256(kept: &Evidence) -> String {
    format!("SHA-256 {}", kept.sha256)
}

/// How evidence is added on the server.
fn add_command(shown: &Shown) -> String {
    format!("watchpost evidence add --incident {} …", shown.whole.root().number)
}

/// How a report is made on the server.
fn report_command(shown: &Shown) -> String {
    let number = &shown.whole.root().number;
    format!("watchpost report make incident-initial --incident {number} --out mau-03.pdf")
}

/// Up to when backups are clean.
pub(crate) fn restore(view: &View, shown: &Shown) -> Markup {
    let (words, incident) = (view.words, shown.whole.root());
    html! {
        section.card #restore {
            header { h2 { (words.phase(Phase::Recovery)) } }
            div.body {
                @if let Some(first) = &shown.whole.first_malicious {
                    p { (words.incident_first_malicious()) ": " strong { (view.moments.absolute(first.at)) } br; span.muted { (visible(&first.text)) } }
                    p { (words.incident_clean_point()) " " strong { (view.moments.absolute(first.at)) } }
                }
            }
            (crate::pages::service::rows(view, &shown.restoring, Some(incident)))
        }
    }
}

/// Reports that were sent, and how to make one.
pub(crate) fn reports(view: &View, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        section.card #reports {
            header { h2 { (words.incident_reports()) } span.muted { (shown.reports.len()) } }
            ul.items { @for report in &shown.reports { li { p { strong { (report.form) } " " (report.number.as_deref().unwrap_or_default()) }
                @for sending in &report.sent { p.muted { (view.moments.exact(sending.at)) " → " (visible(&sending.to)) } } } } }
            div.body { p.muted { (words.incident_reports_hint()) }
                pre { (report_command(shown)) } }
        }
    }
}

/// Merging and splitting.
pub(crate) fn joining(view: &View, shown: &Shown) -> Markup {
    let (words, whole) = (view.words, &shown.whole);
    if !works(view, shown) {
        return html! {};
    }
    html! {
        section.card #joining {
            @for member in whole.members.iter().skip(1) { div.body { p { (words.incident_members()) " " a href={ "/incidents/" (member.id) } { (member.number) } " " (visible(&member.title)) }
                @if whole.root().absorbed.contains(&member.id) { form.actions method="post" action=(address(shown, "unmerge")) {
                    input type="hidden" name="source" value=(member.id); button.button.small type="submit" { (words.incident_unmerge()) } } } } }
            @if !shown.others.is_empty() { form.body.actions method="post" action=(address(shown, "merge")) {
                select name="source" aria-label=(words.incident_merge()) { @for other in &shown.others { option value=(other.id) { (other.number) " " (visible(&other.title)) } } }
                button.button.small type="submit" { (words.incident_merge()) }
            } }
            details { summary { (words.incident_split()) }
                form.form.wide.body method="post" action=(address(shown, "split")) {
                    p.hint { (words.incident_split_hint()) }
                    (text_field("title", words.incident_name(), "", true))
                    @for alert in &whole.alerts { label.check { input type="checkbox" name="alert" value=(alert.id); " " (visible(view.rule_title(&alert.rule))) " – " (visible(&alert.key.entity.name)) } }
                    @for known in &whole.observables { label.check { input type="checkbox" name="observable" value=(known.id); " " (visible(&known.value)) } }
                    @for task in &whole.tasks { label.check { input type="checkbox" name="task" value=(task.id); " " (visible(&task.title)) } }
                    @for note in &whole.notes { label.check { input type="checkbox" name="note" value=(note.id); " " (visible(&note.text.chars().take(80).collect::<String>())) } }
                    @for kept in &whole.evidence { label.check { input type="checkbox" name="evidence" value=(kept.id); " " (visible(&kept.name)) } }
                    div.form-actions { button.button type="submit" { (words.incident_split()) } }
                }
            }
        }
    }
}

/// Notes that several people work on.
pub(crate) fn notes(view: &View, people: &People, shown: &Shown) -> Markup {
    let words = view.words;
    let may = view.may(Permission::WorkAlerts) && shown.whole.root().state.as_str() != "merged";
    html! {
        section.card #notes {
            header { h2 { (words.incident_notes()) } span.muted { (shown.whole.notes.len()) } }
            @for note in &shown.whole.notes { div.body { p.muted { (people.actor(words, &note.by)) " · " (view.moments.exact(note.at)) }
                @if may { form.form.wide method="post" action=(address(shown, "note-edit")) {
                    input type="hidden" name="note" value=(note.id); input type="hidden" name="seen" value=(note.revision);
                    textarea name="text" aria-label=(words.incident_notes()) maxlength="8000" { (note.text) }
                    div.form-actions { button.button.small type="submit" { (words.incident_save()) } }
                } } @else { p.text { (visible(&note.text)) } } } }
            @if may { form.form.wide.body method="post" action=(address(shown, "note")) {
                textarea name="text" required maxlength="8000" aria-label=(words.incident_note_add()) placeholder=(words.incident_note_add()) {}
                div.form-actions { button.button.small type="submit" { (words.incident_note_add()) } }
            } }
        }
    }
}

/// What the duty book has about it.
pub(crate) fn history(view: &View, people: &People, shown: &Shown) -> Markup {
    let words = view.words;
    html! {
        details.card #history { summary { (words.incident_history()) " (" (shown.history.len()) ")" }
            ol.timeline.body { @for item in &shown.history { li {
                p.when { (view.moments.exact(item.at)) " · " (people.actor(words, &item.actor)) " · " (item.number) }
                p { (words.incident_action(&item.action).unwrap_or(&item.action)) @if let Some(reason) = &item.reason { ": " (visible(reason)) } }
            } } }
        }
    }
}
