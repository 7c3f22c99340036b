//! What snapshots and drills prove: whether a backup is young enough, which snapshot is clean, whether a drill is due.

use jiff::SignedDuration;
use model::{Backup, Drill, Entity, EntityKind, Notice, RuleLevel, Snapshot, SourceId, Timestamp};

/// What is wrong with the snapshots of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeFinding {
    /// There is none.
    Nothing,
    /// The newest is too old: by so many hours.
    TooOld {
        /// Its age.
        hours: i64,
    },
    /// The newest lies in the future: the clock of whoever made it is wrong, or somebody pretends.
    InTheFuture,
}

/// Judges the snapshots of a backup; none when the newest is young enough.
#[must_use]
pub fn judge_snapshots(backup: &Backup, snapshots: &[Snapshot], now: Timestamp) -> Option<AgeFinding> {
    let Some(newest) = snapshots.iter().map(|snapshot| snapshot.at).max() else {
        return Some(AgeFinding::Nothing);
    };
    let age = now.as_second() - newest.as_second();
    if age < -3600 {
        return Some(AgeFinding::InTheFuture);
    }
    (age > i64::from(backup.age_hours_max) * 3600).then_some(AgeFinding::TooOld { hours: age / 3600 })
}

/// What people must be told of it.
#[must_use]
pub fn snapshot_notice(backup: &Backup, finding: AgeFinding, now: Timestamp) -> Notice {
    let summary = match finding {
        AgeFinding::Nothing => "snapshots=0".to_owned(),
        AgeFinding::TooOld { hours } => format!("age_hours={hours} allowed={}", backup.age_hours_max),
        AgeFinding::InTheFuture => "newest snapshot lies in the future".to_owned(),
    };
    notice((super::BACKUP, super::BACKUP_TITLE), &backup.key, summary, now)
}

/// The last snapshot before the attacker's first act, with time to spare for clocks that differ. None when every snapshot is
/// younger: then nothing is known to be clean.
#[must_use]
pub fn clean_point(snapshots: &[Snapshot], first_malicious: Timestamp, spare: SignedDuration) -> Option<&Snapshot> {
    let before = first_malicious.checked_sub(spare).unwrap_or(Timestamp::MIN);
    snapshots
        .iter()
        .filter(|snapshot| snapshot.at < before)
        .max_by_key(|snapshot| snapshot.at)
}

/// Whether a drill is due: none passed within the days that the backup allows.
#[must_use]
pub fn drills_due(backup: &Backup, last_passed: Option<Timestamp>, now: Timestamp) -> bool {
    let days = i64::from(backup.drill_days) * 86_400;
    last_passed.is_none_or(|at| now.as_second() - at.as_second() >= days)
}

/// What people must be told of a drill; none when it passed.
#[must_use]
pub fn drill_notice(drill: &Drill) -> Option<Notice> {
    if drill.passed() {
        return None;
    }
    let first = drill.flaws.first().map_or("no file could be chosen", String::as_str);
    let summary = format!("restored={}/{} {first}", drill.restored, drill.chosen);
    Some(notice(
        (super::DRILL, super::DRILL_TITLE),
        &drill.backup,
        summary,
        drill.at,
    ))
}

fn notice((rule, title): (&'static str, model::Phrase), key: &str, summary: String, since: Timestamp) -> Notice {
    Notice {
        rule,
        title,
        level: RuleLevel::High,
        entity: Entity {
            kind: EntityKind::Source,
            name: format!("backup/{key}").into(),
        },
        source: SourceId::new("watchpost"),
        summary,
        since,
    }
}
