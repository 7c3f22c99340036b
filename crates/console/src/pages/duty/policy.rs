//! `/duty/policies…`: who is paged in which order.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use model::{EscalationPolicy, EscalationStep, Id, Permission, Target};
use operations::notifications::{PolicyDraft, edit_policy};

use super::{
    edit::{Ground, ground},
    fields::{logins, person_of},
    now::{Tab, tabs},
};
use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    rosters::Rosters,
    secrets,
    text::visible,
    trouble::Trouble,
    words::Words,
};

/// Empty steps below the filled ones.
const EMPTY_STEPS: usize = 2;
const FIELDS: [&str; 4] = ["who", "wait", "remind", "needed"];

/// What stands in the form.
#[derive(Debug, Clone, Default)]
struct Draft {
    name: String,
    rounds: String,
    steps: Vec<[String; 4]>,
    revision: u64,
}

/// Answers with all policies and a form for a new one.
pub(crate) async fn list(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let ground = ground(&desk, &visit.scope).await?;
    let draft = Draft {
        rounds: "2".to_owned(),
        steps: vec![["", "10", "4", "1"].map(str::to_owned)],
        ..Draft::default()
    };
    Ok(render(&visit.view, &ground, None, &draft, None))
}

/// Answers with one policy.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let ground = ground(&desk, &visit.scope).await?;
    let policy = found(&ground, &id)?;
    let step = |step: &EscalationStep| {
        let who: Vec<String> = step.who.iter().map(|target| shown(target, &ground.rosters)).collect();
        [
            who.join("\n"),
            step.wait_minutes.to_string(),
            step.remind_minutes.to_string(),
            step.acknowledgements.to_string(),
        ]
    };
    let draft = Draft {
        name: policy.name.clone(),
        rounds: policy.rounds.to_string(),
        steps: policy.steps.iter().map(step).collect(),
        revision: policy.revision,
    };
    Ok(render(&visit.view, &ground, Some(policy), &draft, None))
}

fn found<'a>(ground: &'a Ground, id: &str) -> Result<&'a EscalationPolicy, Trouble> {
    let id: Id<EscalationPolicy> = id.parse().map_err(|_| Trouble::NotFound)?;
    ground
        .policies
        .iter()
        .find(|policy| policy.id == id)
        .ok_or(Trouble::NotFound)
}

/// Makes a policy.
pub(crate) async fn create(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Response, Trouble> {
    save(&visit, &desk, None, &form).await
}

/// Changes one.
pub(crate) async fn change(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    save(&visit, &desk, Some(id), &form).await
}

async fn save(visit: &Visit, desk: &Desk, id: Option<String>, form: &Form) -> Result<Response, Trouble> {
    let ground = ground(desk, &visit.scope).await?;
    let standing = match &id {
        Some(id) => Some(found(&ground, id)?),
        None => None,
    };
    let words = visit.view.words;
    let columns = FIELDS.map(|name| form.all(name).map(str::trim).collect::<Vec<_>>());
    let rows = 0..columns[0].len().min(EscalationPolicy::STEPS_MAX + 1);
    let row = |place: usize| {
        columns
            .clone()
            .map(|column| column.get(place).copied().unwrap_or_default().to_owned())
    };
    let draft = Draft {
        name: form.required("name")?.to_owned(),
        rounds: form.required("rounds")?.to_owned(),
        steps: rows.map(row).filter(|step| !step[0].is_empty()).collect(),
        revision: form.required("revision")?.parse().map_err(|_| Trouble::BadRequest)?,
    };
    let refused = |problem: &str| {
        let page = render(&visit.view, &ground, standing, &draft, Some(problem));
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let wanted = match read(&draft, &ground, words) {
        Ok(wanted) => wanted,
        Err(problem) => return refused(&problem),
    };
    let step = visit.step(desk);
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    match edit_policy(standing, draft.revision, wanted, step, entropy) {
        Ok(decision) => {
            desk.apply(decision).await?;
            Ok(Redirect::to("/duty/policies").into_response())
        }
        Err(rejected) => refused(&rejected.text(words.0)),
    }
}

fn read(draft: &Draft, ground: &Ground, words: Words) -> Result<PolicyDraft, String> {
    fn number<T: std::str::FromStr>(text: &str, words: Words) -> Result<T, String> {
        text.parse()
            .map_err(|_| format!("{text:?}: {}", words.roster_bad_number()))
    }
    let step = |[who, wait, remind, needed]: &[String; 4]| -> Result<EscalationStep, String> {
        let lines = who.lines().map(str::trim).filter(|line| !line.is_empty());
        let who: Result<Vec<Target>, String> = lines
            .map(|line| target(line, &ground.rosters).ok_or_else(|| format!("{line}: {}", words.policy_who_unknown())))
            .collect();
        Ok(EscalationStep {
            who: who?,
            wait_minutes: number(wait, words)?,
            remind_minutes: number(remind, words)?,
            acknowledgements: number(needed, words)?,
        })
    };
    let steps: Result<Vec<EscalationStep>, String> = draft.steps.iter().map(step).collect();
    Ok(PolicyDraft {
        name: draft.name.clone(),
        steps: steps?,
        rounds: number(&draft.rounds, words)?,
    })
}

/// `team/position` or a sign-in name.
fn target(line: &str, rosters: &Rosters) -> Option<Target> {
    if let Some((team, position)) = line.rsplit_once('/') {
        let roster = rosters.all().find(|roster| roster.team.name == team.trim())?;
        let position = roster.team.position(position.trim())?;
        return Some(Target::Position {
            team: roster.team.id,
            position: position.key.clone(),
        });
    }
    let person = person_of(line, &rosters.everybody())?;
    Some(Target::Person { person })
}

fn shown(target: &Target, rosters: &Rosters) -> String {
    match target {
        Target::Position { team, position } => {
            let name = rosters
                .team(*team)
                .map_or_else(|| team.to_string(), |roster| roster.team.name.clone());
            format!("{name}/{position}")
        }
        Target::Person { person } => logins(&[*person], &rosters.everybody()),
    }
}

fn render(
    view: &View,
    ground: &Ground,
    policy: Option<&EscalationPolicy>,
    draft: &Draft,
    problem: Option<&str>,
) -> Markup {
    let words = view.words;
    let content = html! {
        div.page-head { h1 { (words.duty_policies()) } (tabs(view, Tab::Policies)) p.lead { a href="/duty/drills" { (words.drills_title()) } } }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (visible(problem)) } } }
        div.stack {
            section.card {
                @if ground.policies.is_empty() { div.body { p.muted { (words.policy_none()) } } }
                @for policy in &ground.policies { div.body {
                    h2 { a href={ "/duty/policies/" (policy.id) } { (visible(&policy.name)) } }
                    ol.policy { @for step in &policy.steps { li {
                        strong { (visible(&step.who.iter().map(|target| shown(target, &ground.rosters)).collect::<Vec<_>>().join(", "))) }
                        " · " (words.policy_step(step.wait_minutes, step.acknowledgements))
                    } } }
                } }
            }
            @if view.may(Permission::WriteDuty) { (form_of(words, policy, draft)) }
        }
    };
    frame::page(view, Place::Duty, words.duty_policies(), &content)
}

fn form_of(words: Words, policy: Option<&EscalationPolicy>, draft: &Draft) -> Markup {
    let action = policy.map_or_else(
        || "/duty/policies".to_owned(),
        |policy| format!("/duty/policies/{}", policy.id),
    );
    let titles = [
        words.policy_who(),
        words.policy_wait(),
        words.policy_remind(),
        words.policy_needed(),
    ];
    let mut steps = draft.steps.clone();
    steps.resize(steps.len() + EMPTY_STEPS, ["", "10", "4", "1"].map(str::to_owned));
    html! {
        section.card { header { h2 { @if let Some(policy) = policy { (visible(&policy.name)) } @else { (words.policy_new()) } } } div.body {
            form.form.wide method="post" action=(action) {
                input type="hidden" name="revision" value=(draft.revision);
                div.fields {
                    div.field { label for="policy-name" { (words.policy_name()) } input #policy-name name="name" value=(draft.name) required maxlength="200"; }
                    div.field { label for="rounds" { (words.policy_rounds()) } input #rounds name="rounds" value=(draft.rounds) inputmode="numeric" required maxlength="2"; }
                }
                fieldset { legend { (words.policy_steps()) } p.hint { (words.policy_who_hint()) }
                    div.scroll { table.grid-form {
                        thead { tr { @for title in titles { th scope="col" { (title) } } } }
                        tbody { @for step in &steps { tr { @for (place, value) in step.iter().enumerate() { td {
                            @if place == 0 { textarea name=(FIELDS[place]) aria-label=(titles[place]) rows="2" maxlength="2000" { (value) } }
                            @else { input name=(FIELDS[place]) value=(value) aria-label=(titles[place]) inputmode="numeric" maxlength="4"; }
                        } } } } }
                    } }
                }
                div.form-actions { button.button.primary type="submit" { (words.save()) } }
            }
        } }
    }
}
