//! `/api/v1/duty…`, `/api/v1/notifications…`: who is on duty, rosters, gaps, and what people are paged about.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
};
use jiff::SignedDuration;
use ledger::{NounFilter, PageAt};
use model::{AnswerWay, Id, Notification, Timestamp};
use operations::duty::{Gap, Roster, Shift, shifts, shifts_at};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    desk::Desk,
    form::Form,
    guard::Visit,
    pages::duty::notification::take,
    rosters::Rosters,
    trouble::{ErrorBody, Trouble},
};

/// Longest time of a roster in days.
const DAYS_MAX: i64 = 400;
/// Notifications of one answer.
const NOTIFICATIONS_MAX: usize = 100;

/// A shift.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShiftBody {
    team: String,
    team_name: String,
    position: String,
    /// Ids and displayed names; none in a gap.
    people: Vec<PersonBody>,
    /// RFC 3339.
    from: String,
    until: String,
}

/// A person on duty.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonBody {
    id: String,
    name: String,
}

/// A gap.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GapBody {
    team: String,
    team_name: String,
    position: String,
    from: String,
    until: String,
    missing: u32,
}

/// Shifts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShiftList {
    shifts: Vec<ShiftBody>,
}

/// Gaps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GapList {
    gaps: Vec<GapBody>,
}

/// Notifications, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationList {
    #[schema(value_type = Vec<Object>)]
    notifications: Vec<Notification>,
}

fn shift_body(rosters: &Rosters, roster: Roster<'_>, shift: &Shift) -> ShiftBody {
    let person = |id: &Id<model::User>| PersonBody {
        id: id.to_string(),
        name: rosters.name(*id),
    };
    ShiftBody {
        team: roster.team.id.to_string(),
        team_name: roster.team.name.clone(),
        position: shift.position.to_string(),
        people: shift.people.iter().map(person).collect(),
        from: shift.from.to_string(),
        until: shift.until.to_string(),
    }
}

fn gap_body(team: &model::Team, gap: &Gap) -> GapBody {
    GapBody {
        team: team.id.to_string(),
        team_name: team.name.clone(),
        position: gap.position.to_string(),
        from: gap.from.to_string(),
        until: gap.until.to_string(),
        missing: gap.missing,
    }
}

/// Answers with who is on duty now, in every team.
#[utoipa::path(get, path = "/api/v1/duty/now", responses((status = 200, body = ShiftList)))]
pub(crate) async fn now(visit: Visit, State(desk): State<Desk>) -> Result<Json<ShiftList>, Trouble> {
    let rosters = desk.rosters(&visit.scope).await?;
    let at = desk.now();
    let mut found = Vec::new();
    for roster in rosters.all() {
        let shifts = shifts_at(roster, at);
        found.extend(shifts.iter().map(|shift| shift_body(&rosters, roster, shift)));
    }
    Ok(Json(ShiftList { shifts: found }))
}

/// Answers with the shifts of every team between `from` and `until` (RFC 3339); a week from now when absent.
#[utoipa::path(get, path = "/api/v1/duty/roster", params(("from" = Option<String>, Query), ("until" = Option<String>, Query)), responses((status = 200, body = ShiftList), (status = 400, body = ErrorBody)))]
pub(crate) async fn roster(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<ShiftList>, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let at = |name: &str, other: Timestamp| -> Result<Timestamp, Trouble> {
        form.one(name)
            .map_or(Ok(other), |text| text.parse().map_err(|_| Trouble::BadRequest))
    };
    let from = at("from", desk.now())?;
    let week = from.checked_add(SignedDuration::from_hours(24 * 7)).unwrap_or(from);
    let until = at("until", week)?;
    if from >= until || from.duration_until(until) > SignedDuration::from_hours(24 * DAYS_MAX) {
        return Err(Trouble::BadRequest);
    }
    let rosters = desk.rosters(&visit.scope).await?;
    let mut found = Vec::new();
    for roster in rosters.all() {
        for position in &roster.team.positions {
            let shifts = shifts(roster, &position.key, from, until);
            found.extend(shifts.iter().map(|shift| shift_body(&rosters, roster, shift)));
        }
    }
    Ok(Json(ShiftList { shifts: found }))
}

/// Answers with the gaps of the next `days` (14 when absent).
#[utoipa::path(get, path = "/api/v1/duty/gaps", params(("days" = Option<i64>, Query)), responses((status = 200, body = GapList), (status = 400, body = ErrorBody)))]
pub(crate) async fn gaps(
    visit: Visit,
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Json<GapList>, Trouble> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let days: i64 = form
        .one("days")
        .map_or(Ok(14), |days| days.parse().map_err(|_| Trouble::BadRequest))?;
    let rosters = desk.rosters(&visit.scope).await?;
    let found = rosters.gaps(desk.now(), days.clamp(0, DAYS_MAX));
    Ok(Json(GapList {
        gaps: found.iter().map(|(team, gap)| gap_body(team, gap)).collect(),
    }))
}

/// Answers with the newest notifications.
#[utoipa::path(get, path = "/api/v1/notifications", responses((status = 200, body = NotificationList)))]
pub(crate) async fn notifications(visit: Visit, State(desk): State<Desk>) -> Result<Json<NotificationList>, Trouble> {
    let page = desk
        .read(move |ledger| ledger.kept_page(&visit.scope, &NounFilter::default(), PageAt::first(NOTIFICATIONS_MAX)))
        .await?;
    Ok(Json(NotificationList {
        notifications: page.items,
    }))
}

/// Acknowledges a notification in one's own name.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/acknowledge", params(("id" = String, Path)), responses((status = 204), (status = 409, body = ErrorBody)))]
pub(crate) async fn acknowledge(
    visit: Visit,
    State(desk): State<Desk>,
    Path(id): Path<String>,
) -> Result<StatusCode, Trouble> {
    let id: Id<Notification> = id.parse().map_err(|_| Trouble::NotFound)?;
    take(&desk, &visit.scope, vec![id], AnswerWay::Console).await?;
    Ok(StatusCode::NO_CONTENT)
}
