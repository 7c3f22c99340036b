//! `GET /duty/roster/{id}`: a team's month or week, with the proof of coverage, fairness, rest, and how gaps could be closed.

use std::collections::HashMap;

use axum::extract::{Path, RawQuery, State};
use jiff::{SignedDuration, ToSpan, civil};
use ledger::NounFilter;
use maud::{Markup, html};
use model::{ContactCard, Id, Permission, Scope, Team, Timestamp, User};
use operations::duty::{Gap, Roster, burdens, gaps, rest_breaks, stand_ins};

use super::{
    now::{Tab, position_name, tabs},
    sheet::{Sheet, midnight},
};
use crate::{
    desk::Desk,
    form::Form,
    frame::{self, Place, View},
    guard::Visit,
    marks::Mark,
    rosters::Rosters,
    text::visible,
    trouble::Trouble,
};

/// Gaps and stand-ins that the page names.
const GAPS_MAX: usize = 20;
const STAND_INS_MAX: usize = 5;

/// What of the roster is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    week: bool,
    from: civil::Date,
}

impl Wanted {
    fn of_query(query: &str, today: civil::Date) -> Self {
        let form = Form::parse(query.as_bytes());
        Self {
            week: form.one("view") == Some("week"),
            from: form.one("from").and_then(|from| from.parse().ok()).unwrap_or(today),
        }
    }

    /// The Monday on which the sheet begins, and its weeks.
    fn sheet(self) -> (civil::Date, i32) {
        let first = if self.week {
            self.from
        } else {
            self.from.first_of_month()
        };
        let monday = first
            .checked_sub(i64::from(first.weekday().to_monday_zero_offset()).days())
            .unwrap_or(first);
        if self.week {
            return (monday, 1);
        }
        let days = monday.duration_until(self.from.last_of_month()).as_hours() / 24 + 1;
        (
            monday,
            i32::try_from(days.div_euclid(7) + i64::from(days.rem_euclid(7) > 0)).unwrap_or(6),
        )
    }

    fn name(self) -> &'static str {
        if self.week {
            return "week";
        }
        "month"
    }

    fn moved(self, steps: i64) -> civil::Date {
        let span = if self.week { (7 * steps).days() } else { steps.months() };
        let from = if self.week {
            self.from
        } else {
            self.from.first_of_month()
        };
        from.checked_add(span).unwrap_or(self.from)
    }
}

/// Answers with the page.
pub(crate) async fn get(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let id: Id<Team> = id.parse().map_err(|_| Trouble::NotFound)?;
    let Visit { view, scope, .. } = visit;
    let now = desk.now();
    let (rosters, cards) = desk
        .read(move |ledger| {
            let cards: Vec<ContactCard> = ledger.all_kept(&Scope::of_post("console"), &NounFilter::default())?;
            Ok((Rosters::read(ledger, &scope, now)?, cards))
        })
        .await?;
    let roster = rosters.team(id).ok_or(Trouble::NotFound)?;
    let today = roster.zone.to_datetime(now).date();
    let wanted = Wanted::of_query(&query.unwrap_or_default(), today);
    let reachable = cards.iter().map(|card| (card.person, card.is_reachable())).collect();
    Ok(render(&view, &rosters, roster, wanted, &reachable))
}

/// The page.
pub(crate) fn render(
    view: &View,
    rosters: &Rosters,
    roster: Roster<'_>,
    wanted: Wanted,
    reachable: &HashMap<Id<User>, bool>,
) -> Markup {
    let words = view.words;
    let (first, weeks) = wanted.sheet();
    let until = first.checked_add((i64::from(weeks) * 7).days()).unwrap_or(first);
    let span = (midnight(first, roster.zone), midnight(until, roster.zone));
    let sheet = Sheet {
        rosters,
        roster,
        first,
        weeks,
        month: (!wanted.week).then(|| (wanted.from.year(), wanted.from.month())),
    };
    let title = format!("{} · {}", words.duty_roster(), roster.team.name);
    let content = html! {
        div.page-head { h1 { (visible(&title)) } (tabs(view, Tab::Now)) }
        div.stack {
            section.card.roster-card {
                header { h2 { (period(wanted)) } (ways(view, roster, wanted)) }
                div.scroll { (sheet.draw(view)) }
                div.body.no-print { p.muted { (words.duty_print()) } }
            }
            (proof(view, (rosters, roster), span, reachable))
            (fairness(view, (rosters, roster), span))
        }
    };
    frame::page(view, Place::Duty, &title, &content)
}

fn period(wanted: Wanted) -> String {
    if wanted.week {
        let (first, _) = wanted.sheet();
        let last = first.checked_add(6.days()).unwrap_or(first);
        return format!("{} – {}", first.strftime("%d/%m"), last.strftime("%d/%m/%Y"));
    }
    wanted.from.strftime("%m/%Y").to_string()
}

fn ways(view: &View, roster: Roster<'_>, wanted: Wanted) -> Markup {
    let words = view.words;
    let name = wanted.name();
    let address = |view: &str, from: Option<civil::Date>| {
        let from = from.map(|from| format!("&from={from}")).unwrap_or_default();
        format!("/duty/roster/{}?view={view}{from}", roster.team.id)
    };
    html! { span.end.actions.no-print {
        a.button.small href=(address(name, Some(wanted.moved(-1)))) { (words.duty_earlier()) }
        a.button.small href=(address(name, None)) { (words.duty_today()) }
        a.button.small href=(address(name, Some(wanted.moved(1)))) { (words.duty_later()) }
        a.button.small href=(address("month", Some(wanted.from))) aria-current=[(!wanted.week).then_some("true")] { (words.duty_month()) }
        a.button.small href=(address("week", Some(wanted.from))) aria-current=[wanted.week.then_some("true")] { (words.duty_week()) }
        @if view.may(Permission::WriteDuty) { a.button.small href={ "/duty/teams/" (roster.team.id) } { (words.duty_edit()) } }
    } }
}

fn proof(
    view: &View,
    (rosters, roster): (&Rosters, Roster<'_>),
    (from, until): (Timestamp, Timestamp),
    reachable: &HashMap<Id<User>, bool>,
) -> Markup {
    let words = view.words;
    let from = from.max(view.moments.now);
    let found = if from < until {
        gaps(roster, from, until)
    } else {
        Vec::new()
    };
    let primary = roster.team.positions.iter().filter(|position| position.primary);
    let mut unproven: Vec<Id<User>> = primary
        .flat_map(|position| operations::duty::shifts(roster, &position.key, from, until.max(from)))
        .flat_map(|shift| shift.people)
        .filter(|person| reachable.get(person) != Some(&true))
        .collect();
    unproven.sort_unstable();
    unproven.dedup();
    html! {
        section.card { header { h2 { (words.duty_gaps()) } } div.body {
            @if found.is_empty() { p.notice.good { (Mark::Check.draw()) span { (words.duty_proof_good()) } } }
            @for gap in found.iter().take(GAPS_MAX) { (closing(view, (rosters, roster), gap)) }
            @for person in &unproven {
                p.notice.bad { (Mark::Warning.draw()) span { (words.duty_unreachable_lead()) ": " strong { (visible(&rosters.name(*person))) } } }
            }
        } }
    }
}

/// A gap, and who could close it.
fn closing(view: &View, (rosters, roster): (&Rosters, Roster<'_>), gap: &Gap) -> Markup {
    let words = view.words;
    let all: Vec<Roster<'_>> = rosters.all().collect();
    let rest = SignedDuration::from_hours(i64::from(roster.team.rest_hours));
    let proposed = stand_ins(gap, &roster.team.everybody(), &all, rest);
    html! {
        div.gap {
            p { span.badge.badge-bad { (words.duty_gap()) } " " strong { (visible(&position_name(roster.team, gap))) } " "
                (view.moments.absolute(gap.from)) " – " (view.moments.absolute(gap.until)) }
            p.muted { (words.duty_who_could()) ": " @if proposed.is_empty() { (words.duty_nobody_could()) } }
            @if view.may(Permission::WriteDuty) { div.actions.no-print { @for stand_in in proposed.iter().take(STAND_INS_MAX) {
                form method="post" action={ "/duty/teams/" (roster.team.id) "/overrides" } {
                    input type="hidden" name="revision" value=(roster.team.revision);
                    input type="hidden" name="position" value=(gap.position);
                    input type="hidden" name="from_at" value=(gap.from);
                    input type="hidden" name="until_at" value=(gap.until);
                    input type="hidden" name="person" value=(stand_in.person);
                    button.button.small type="submit" { (words.duty_assign()) " " (visible(&rosters.name(stand_in.person))) " (" (words.span(stand_in.on_duty_nearby.as_secs().unsigned_abs())) ")" }
                }
            } } }
        }
    }
}

fn fairness(view: &View, (rosters, roster): (&Rosters, Roster<'_>), (from, until): (Timestamp, Timestamp)) -> Markup {
    let words = view.words;
    let carried = burdens(&[roster], from, until, &[]);
    let rest = SignedDuration::from_hours(i64::from(roster.team.rest_hours));
    let tired = rest_breaks(&[roster], from, until, rest);
    html! {
        section.card { header { h2 { (words.duty_fairness()) } }
            div.scroll { table.stacked {
                thead { tr { th scope="col" { (words.duty_person()) } th.num scope="col" { (words.duty_hours()) } th.num scope="col" { (words.duty_nights()) } th.num scope="col" { (words.duty_days_off()) } } }
                tbody { @for (person, burden) in &carried { tr {
                    td data-label=(words.duty_person()) { (visible(&rosters.name(*person))) }
                    td.num data-label=(words.duty_hours()) { (burden.total.as_hours()) }
                    td.num data-label=(words.duty_nights()) { (burden.nights.as_hours()) }
                    td.num data-label=(words.duty_days_off()) { (burden.days_off.as_hours()) }
                } } }
            } }
            @if !tired.is_empty() { div.body {
                h3 { (words.duty_rest_breaks()) }
                ul { @for tired in tired.iter().take(GAPS_MAX) { li { (visible(&rosters.name(tired.person))) ": " (view.moments.absolute(tired.ended_at)) " → " (view.moments.absolute(tired.begins_at)) } } }
            } }
        }
    }
}
