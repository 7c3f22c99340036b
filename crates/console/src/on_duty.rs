//! Who is on duty now, for the head of every page: read at most every two seconds, and anew when a shift changes.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use model::{Scope, Timestamp};
use operations::duty::{horizon, shifts_at, stays_until};

use crate::{desk::Desk, rosters::Rosters, trouble::Trouble};

/// How long an answer is kept.
const KEPT_SECONDS: i64 = 2;
/// Positions that the head of a page names; the page of duty has them all.
const LINES_MAX: usize = 6;

/// A position and who fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnDuty {
    pub(crate) position: String,
    /// Displayed names; none in a gap.
    pub(crate) people: Vec<String>,
    /// Until when they stay; none when they stay as far as is looked ahead.
    pub(crate) until: Option<Timestamp>,
    /// When somebody comes or goes next.
    changes_at: Timestamp,
}

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<Answer>>);

/// Who was on duty, and between which moments that is so.
#[derive(Debug, Clone)]
struct Answer {
    from: Timestamp,
    until: Timestamp,
    lines: Arc<Vec<OnDuty>>,
}

/// Who is on duty at this moment: the teams that alerts page first.
pub(crate) async fn now(desk: &Desk) -> Result<Arc<Vec<OnDuty>>, Trouble> {
    let now = desk.now();
    let kept = desk.on_duty.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(Answer { from, until, lines }) = kept
        && from <= now
        && now < until
    {
        return Ok(lines);
    }
    let rosters = desk
        .read(move |ledger| Rosters::read(ledger, &Scope::of_post("console"), now))
        .await?;
    let lines = Arc::new(lines(&rosters, now));
    let longest = now.checked_add(SignedDuration::from_secs(KEPT_SECONDS)).unwrap_or(now);
    let until = lines
        .iter()
        .map(|line| line.changes_at)
        .min()
        .map_or(longest, |until| until.min(longest));
    *desk.on_duty.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Answer {
        from: now,
        until,
        lines: Arc::clone(&lines),
    });
    Ok(lines)
}

fn lines(rosters: &Rosters, now: Timestamp) -> Vec<OnDuty> {
    let mut teams: Vec<_> = rosters.all().collect();
    teams.sort_by_key(|roster| roster.team.alerts_from.is_none());
    let mut lines = Vec::new();
    for roster in teams {
        for shift in shifts_at(roster, now) {
            let position = roster.team.position(&shift.position);
            lines.push(OnDuty {
                position: position.map_or_else(String::new, |position| position.name.clone()),
                people: shift.people.iter().map(|person| rosters.name(*person)).collect(),
                until: Some(stays_until(roster, &shift.position, now)).filter(|until| *until < horizon(now)),
                changes_at: shift.until,
            });
            if lines.len() == LINES_MAX {
                return lines;
            }
        }
    }
    lines
}
