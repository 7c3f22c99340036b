//! `GET /duty/teams/new`, `GET /duty/teams/{id}`: the form of a team's roster, and its overrides.

use axum::extract::{Path, State};
use maud::{Markup, html};
use model::{EscalationPolicy, Id, Position, Rotation, RuleLevel, Team};

use super::{
    fields::{input_moment, logins, shown_times},
    now::{Tab, tabs},
};
use crate::{
    desk::Desk,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
    words::Words,
};
use ledger::NounFilter;

/// Empty rows below the filled ones.
const EMPTY_ROWS: usize = 2;

/// What stands in the form: what was typed is shown again as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) zone: String,
    pub(crate) rest_hours: String,
    pub(crate) policy: String,
    pub(crate) alerts_from: String,
    pub(crate) members: String,
    pub(crate) positions: Vec<[String; 5]>,
    pub(crate) rotations: Vec<[String; 6]>,
    pub(crate) revision: u64,
}

/// The columns of positions and rotations, as the form names them.
pub(crate) const POSITION_FIELDS: [&str; 5] = [
    "position_key",
    "position_name",
    "position_people",
    "position_primary",
    "position_skills",
];
pub(crate) const ROTATION_FIELDS: [&str; 6] = [
    "rotation_position",
    "rotation_people",
    "rotation_begins",
    "rotation_ends",
    "rotation_every",
    "rotation_times",
];

/// What is typed into each column of rotations.
const ROTATION_KINDS: [&str; 6] = ["text", "text", "date", "date", "text", "text"];

impl Draft {
    /// The form of a team that does not exist yet: one position in three turns a day.
    fn fresh(now: jiff::civil::Date) -> Self {
        let text = str::to_owned;
        Self {
            zone: text("Asia/Ho_Chi_Minh"),
            rest_hours: text("8"),
            positions: vec![["officer", "Trực ban", "1", "1", ""].map(text)],
            rotations: vec![["officer", "", &now.to_string(), "", "1", "06:00, 14:00, 22:00"].map(text)],
            ..Self::default()
        }
    }

    fn of_team(team: &Team, rosters: &Rosters) -> Self {
        let people = rosters.everybody();
        let position = |position: &Position| {
            [
                position.key.to_string(),
                position.name.clone(),
                position.people_min.to_string(),
                u8::from(position.primary).to_string(),
                position.skills.join(", "),
            ]
        };
        let rotation = |rotation: &Rotation| {
            [
                rotation.position.to_string(),
                logins(&rotation.people, &people),
                rotation.begins_on.to_string(),
                rotation.ends_on.map(|day| day.to_string()).unwrap_or_default(),
                rotation.every_days.to_string(),
                shown_times(&rotation.hand_over_at),
            ]
        };
        Self {
            name: team.name.clone(),
            zone: team.zone.clone(),
            rest_hours: team.rest_hours.to_string(),
            policy: team.policy.map(|policy| policy.to_string()).unwrap_or_default(),
            alerts_from: team.alerts_from.map_or("", RuleLevel::as_str).to_owned(),
            members: logins(&team.members, &people),
            positions: team.positions.iter().map(position).collect(),
            rotations: team.rotations.iter().map(rotation).collect(),
            revision: team.revision,
        }
    }
}

/// What the form stands on.
pub(crate) struct Ground {
    pub(crate) rosters: Rosters,
    pub(crate) policies: Vec<EscalationPolicy>,
}

/// Reads what the form stands on.
pub(crate) async fn ground(desk: &Desk, scope: &model::Scope) -> Result<Ground, Trouble> {
    let (scope, now) = (scope.clone(), desk.now());
    desk.read(move |ledger| {
        Ok(Ground {
            rosters: Rosters::read(ledger, &scope, now)?,
            policies: ledger.all_kept(&scope, &NounFilter::default())?,
        })
    })
    .await
}

/// Answers with the empty form.
pub(crate) async fn fresh(visit: Visit, State(desk): State<Desk>) -> Result<Markup, Trouble> {
    let ground = ground(&desk, &visit.scope).await?;
    let today = visit.view.moments.zone.to_datetime(desk.now()).date();
    Ok(render(&visit.view, &ground, None, &Draft::fresh(today), None))
}

/// Answers with the form of a team.
pub(crate) async fn get(visit: Visit, State(desk): State<Desk>, Path(id): Path<String>) -> Result<Markup, Trouble> {
    let id: Id<Team> = id.parse().map_err(|_| Trouble::NotFound)?;
    let ground = ground(&desk, &visit.scope).await?;
    let team = ground.rosters.team(id).ok_or(Trouble::NotFound)?.team;
    let draft = Draft::of_team(team, &ground.rosters);
    Ok(render(&visit.view, &ground, Some(team), &draft, None))
}

/// The page.
pub(crate) fn render(
    view: &View,
    ground: &Ground,
    team: Option<&Team>,
    draft: &Draft,
    problem: Option<&str>,
) -> Markup {
    let words = view.words;
    let title = team.map_or_else(|| words.duty_new_team().to_owned(), |team| team.name.clone());
    let action = team.map_or_else(|| "/duty/teams".to_owned(), |team| format!("/duty/teams/{}", team.id));
    let content = html! {
        div.page-head { h1 { (visible(&title)) } (tabs(view, Tab::Now)) }
        @if let Some(problem) = problem { p.notice.bad role="alert" { (Mark::Warning.draw()) span { (visible(problem)) @if let Some(team) = team { " " a href={ "/duty/teams/" (team.id) } { (words.roster_as_kept()) } } } } }
        div.stack {
            section.card { div.body { form.form.wide method="post" action=(action) {
                input type="hidden" name="revision" value=(draft.revision);
                (head(words, ground, draft))
                (positions(words, draft))
                (rotations(words, draft))
                datalist #logins { @for person in ground.rosters.everybody() { option value=(person.login) { (visible(&person.display_name)) } } }
                div.form-actions { button.button.primary type="submit" { (words.save()) } a.button.quiet href="/duty" { (words.cancel()) } }
            } } }
            @if let Some(team) = team { (overrides(view, ground, team)) }
        }
    };
    frame::page(view, Place::Duty, &title, &content)
}

fn head(words: Words, ground: &Ground, draft: &Draft) -> Markup {
    html! {
        div.fields {
            div.field { label for="name" { (words.roster_name()) } input #name name="name" value=(draft.name) required maxlength="200"; }
            div.field { label for="zone" { (words.roster_zone()) } input #zone name="zone" value=(draft.zone) required maxlength="60" aria-describedby="zone-hint"; p.hint #zone-hint { (words.roster_zone_hint()) } }
            div.field { label for="rest" { (words.roster_rest()) } input #rest name="rest_hours" value=(draft.rest_hours) inputmode="numeric" maxlength="3"; }
            div.field { label for="policy" { (words.roster_policy()) } select #policy name="policy" {
                option value="" { (words.roster_no_policy()) }
                @for policy in &ground.policies { @let id = policy.id.to_string(); option value=(id) selected[draft.policy == id] { (visible(&policy.name)) } }
            } }
            div.field { label for="alerts" { (words.roster_alerts_from()) } select #alerts name="alerts_from" {
                option value="" { (words.roster_no_alerts()) }
                @for level in RuleLevel::ALL { option value=(level.as_str()) selected[draft.alerts_from == level.as_str()] { (words.level_word(level)) } }
            } }
            div.field { label for="members" { (words.roster_members()) } input #members name="members" value=(draft.members) maxlength="4000" aria-describedby="members-hint"; p.hint #members-hint { (words.roster_people_hint()) } }
        }
    }
}

fn positions(words: Words, draft: &Draft) -> Markup {
    let titles = [
        words.roster_key(),
        words.roster_position_name(),
        words.roster_people_min(),
        words.roster_primary(),
        words.roster_skills(),
    ];
    let mut rows = draft.positions.clone();
    rows.resize(rows.len() + EMPTY_ROWS, std::array::from_fn(|_| String::new()));
    html! {
        fieldset { legend { (words.roster_positions()) } p.hint { (words.roster_primary_hint()) }
            div.scroll { table.grid-form {
                thead { tr { @for title in titles { th scope="col" { (title) } } } }
                tbody { @for row in &rows { tr { @for (place, value) in row.iter().enumerate() { td {
                    @if place == 3 {
                        select name=(POSITION_FIELDS[place]) aria-label=(titles[place]) { option value="0" { (words.no()) } option value="1" selected[value == "1"] { (words.yes()) } }
                    } @else { input name=(POSITION_FIELDS[place]) value=(value) aria-label=(titles[place]) maxlength="200"; }
                } } } } }
            } }
        }
    }
}

fn rotations(words: Words, draft: &Draft) -> Markup {
    let titles = [
        words.duty_position(),
        words.roster_order(),
        words.roster_begins(),
        words.roster_ends(),
        words.roster_every(),
        words.roster_times(),
    ];
    let mut rows = draft.rotations.clone();
    rows.resize(rows.len() + EMPTY_ROWS, std::array::from_fn(|_| String::new()));
    html! {
        fieldset { legend { (words.roster_rotations()) } p.hint { (words.roster_people_hint()) " " (words.duty_times_hint()) }
            div.scroll { table.grid-form {
                thead { tr { @for title in titles { th scope="col" { (title) } } } }
                tbody { @for row in &rows { tr { @for (place, value) in row.iter().enumerate() { td {
                    @let list = (place == 1).then_some("logins");
                    input type=(ROTATION_KINDS[place]) name=(ROTATION_FIELDS[place]) value=(value) aria-label=(titles[place]) maxlength="4000" list=[list];
                } } } } }
            } }
        }
    }
}

fn overrides(view: &View, ground: &Ground, team: &Team) -> Markup {
    let (words, now) = (view.words, view.moments.now);
    let ahead: Vec<_> = team
        .overrides
        .iter()
        .enumerate()
        .filter(|(_, over)| over.until > now)
        .collect();
    let name = |person: Option<Id<model::User>>, nobody: &'static str| {
        person.map_or_else(|| nobody.to_owned(), |person| ground.rosters.name(person))
    };
    html! {
        section.card { header { h2 { (words.duty_overrides()) } }
            @if ahead.is_empty() { div.body { p.muted { (words.duty_overrides_none()) } } }
            @else { div.scroll { table.stacked { tbody { @for (place, over) in ahead { tr {
                td data-label=(words.duty_position()) { (visible(&over.position)) }
                td data-label=(words.duty_from()) { (view.moments.exact(over.from)) }
                td data-label=(words.duty_to()) { (view.moments.exact(over.until)) }
                td data-label=(words.duty_instead_of()) { (visible(&name(over.instead_of, words.duty_extra()))) }
                td data-label=(words.duty_person()) { strong { (visible(&name(over.person, words.duty_left_empty()))) } }
                td { form method="post" action={ "/duty/teams/" (team.id) "/overrides/end" } {
                    input type="hidden" name="revision" value=(team.revision);
                    input type="hidden" name="place" value=(place);
                    button.button.small type="submit" { (words.duty_end_override()) }
                } }
            } } } } } }
            div.body { h3 { (words.duty_override_new()) } (new_override(view, ground, team)) }
        }
    }
}

fn new_override(view: &View, ground: &Ground, team: &Team) -> Markup {
    let words = view.words;
    let zone = ground
        .rosters
        .team(team.id)
        .map_or(&view.moments.zone, |roster| roster.zone);
    let everybody = ground.rosters.everybody();
    html! { form.form.wide method="post" action={ "/duty/teams/" (team.id) "/overrides" } {
        input type="hidden" name="revision" value=(team.revision);
        div.fields {
            div.field { label for="over-position" { (words.duty_position()) } select #over-position name="position" { @for position in &team.positions { option value=(position.key) { (visible(&position.name)) } } } }
            div.field { label for="over-from" { (words.duty_from()) } input #over-from type="datetime-local" name="from_at" required value=(input_moment(view.moments.now, zone)); }
            div.field { label for="over-until" { (words.duty_to()) } input #over-until type="datetime-local" name="until_at" required; }
            div.field { label for="over-instead" { (words.duty_instead_of()) } select #over-instead name="instead_of" { option value="" { (words.duty_extra()) } @for person in &everybody { option value=(person.id) { (visible(&person.display_name)) } } } }
            div.field { label for="over-person" { (words.duty_person()) } select #over-person name="person" { option value="" { (words.duty_left_empty()) } @for person in &everybody { option value=(person.id) { (visible(&person.display_name)) } } } }
            div.field { label for="over-reason" { (words.reason()) } input #over-reason name="reason" maxlength="500"; }
        }
        div.form-actions { button.button type="submit" { (words.duty_override_new()) } }
    } }
}
