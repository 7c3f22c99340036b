//! A gap ahead is an alarm of the post, early enough to be closed.

use jiff::tz::TimeZone;
use model::{AlertKey, Entity, EntityKind, Notice, Phrase, RuleLevel, SourceId, Team, Timestamp};

use super::{Gap, Roster};

/// The rule of alerts about gaps.
pub const GAP: &str = "watchpost/duty-gap";
/// Its title.
pub const GAP_TITLE: Phrase = Phrase::new("Lịch trực có chỗ trống", "A gap in the roster");
/// What its alert is closed with.
pub const CLOSED: &str = "Đã có người trực · The gap is closed";
/// So many days ahead a gap is an alarm.
pub const LEAD_DAYS: i64 = 3;

/// The notice about the gaps of a team, first one first; none when there are none.
#[must_use]
pub fn gap_notice(roster: Roster<'_>, gaps: &[&Gap], now: Timestamp) -> Option<Notice> {
    let first = gaps.first()?;
    let Roster { team, zone, .. } = roster;
    let position = team
        .position(&first.position)
        .map_or(first.position.as_str(), |position| position.name.as_str());
    let more = if gaps.len() > 1 {
        format!(" · +{}", gaps.len() - 1)
    } else {
        String::new()
    };
    Some(Notice {
        rule: GAP,
        title: GAP_TITLE,
        level: RuleLevel::High,
        entity: gap_key(team).entity,
        source: SourceId::new("watchpost"),
        summary: format!(
            "{} · {position} · {}{more}",
            team.name,
            span((first.from, first.until), zone)
        ),
        since: now,
    })
}

/// A stretch of time as people read it, on a clock of theirs.
pub(super) fn span((from, until): (Timestamp, Timestamp), zone: &TimeZone) -> String {
    let on_clock = |at: Timestamp| zone.to_datetime(at).strftime("%H:%M %d/%m").to_string();
    format!("{} → {}", on_clock(from), on_clock(until))
}

/// The key of the alert about a team's gaps.
#[must_use]
pub fn gap_key(team: &Team) -> AlertKey {
    AlertKey {
        rule: GAP.into(),
        entity: Entity {
            kind: EntityKind::Team,
            name: team.name.as_str().into(),
        },
        exercise: false,
    }
}
