//! Leave: taken, taken back, and read from a calendar.

use jiff::SignedDuration;
use model::{Change, Decision, Entropy, Id, Leave, Permission, Phrase, Rejected, Timestamp, User};

use crate::{Step, nth};

const SPAN: Phrase = Phrase::new(
    "phải kết thúc sau khi bắt đầu, trong vòng 400 ngày",
    "must end after it begins, within 400 days",
);
const OVER: Phrase = Phrase::new("kỳ nghỉ này đã qua", "that leave is over");
/// Longest note in characters.
const NOTE_CHARACTERS_MAX: usize = 500;

/// Leave as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveDraft {
    /// Whose it is.
    pub person: Id<User>,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// What for.
    pub note: String,
}

/// Leave as a calendar has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedLeave {
    /// The `UID` of the entry.
    pub uid: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Its summary.
    pub note: String,
    /// Whether the calendar says that it was cancelled.
    pub cancelled: bool,
}

/// Takes leave for oneself, or for somebody else as whoever writes rosters. What it leaves empty shows as a gap at once.
///
/// # Errors
/// When the time is empty or too long, or the role does not allow it.
pub fn take_leave(draft: LeaveDraft, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    may(draft.person, step)?;
    let LeaveDraft {
        person,
        from,
        until,
        note,
    } = draft;
    check(from, until)?;
    let leave = Leave {
        id: Id::born(step.at, entropy),
        person,
        from,
        until,
        note: note.trim().chars().take(NOTE_CHARACTERS_MAX).collect(),
        uid: None,
        cancelled: false,
        revision: 1,
    };
    Ok(step.decides("leave.take", Some(&leave.note), vec![Change::put(&leave)]))
}

/// Takes leave back; what is past of it stays.
///
/// # Errors
/// When it is over or taken back already, or is somebody else's.
pub fn cancel_leave(leave: &Leave, step: Step<'_>) -> Result<Decision, Rejected> {
    may(leave.person, step)?;
    if leave.cancelled {
        return Err(Rejected::AlreadySo);
    }
    if leave.until <= step.at {
        return Err(Rejected::NotNow(OVER));
    }
    Ok(step.decides("leave.cancel", None, vec![Change::put(&taken_back(leave, step.at))]))
}

/// Takes over what a calendar has: what is new is added, what moved is moved, what was cancelled there is taken back here. Entries that
/// the calendar no longer names stay. None when nothing changes.
///
/// # Errors
/// When it is somebody else's calendar, and the role does not allow it.
pub fn import_leave(
    person: Id<User>,
    calendar: &[ImportedLeave],
    known: &[Leave],
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Option<Decision>, Rejected> {
    may(person, step)?;
    let mut changes = Vec::new();
    for (place, entry) in calendar.iter().enumerate() {
        let is_it = |leave: &&Leave| leave.person == person && leave.uid.as_deref() == Some(&entry.uid);
        let standing = known.iter().find(is_it);
        if check(entry.from, entry.until).is_err() {
            continue;
        }
        let wanted = Leave {
            id: standing.map_or_else(|| Id::born(step.at, nth(entropy, place)), |leave| leave.id),
            person,
            from: entry.from,
            until: entry.until,
            note: entry.note.chars().take(NOTE_CHARACTERS_MAX).collect(),
            uid: Some(entry.uid.clone()),
            cancelled: entry.cancelled,
            revision: standing.map_or(0, |leave| leave.revision),
        };
        if standing == Some(&wanted) || (standing.is_none() && entry.cancelled) {
            continue;
        }
        changes.push(Change::put(&Leave {
            revision: wanted.revision + 1,
            ..wanted
        }));
    }
    Ok((!changes.is_empty()).then(|| step.decides("leave.import", None, changes)))
}

fn taken_back(leave: &Leave, now: Timestamp) -> Leave {
    let mut changed = Leave {
        revision: leave.revision + 1,
        ..leave.clone()
    };
    if leave.from < now {
        changed.until = now;
    } else {
        changed.cancelled = true;
    }
    changed
}

fn may(person: Id<User>, step: Step<'_>) -> Result<(), Rejected> {
    step.needs(Permission::OwnAccount)?;
    if step.person()? == person {
        Ok(())
    } else {
        step.needs(Permission::WriteDuty)
    }
}

fn check(from: Timestamp, until: Timestamp) -> Result<(), Rejected> {
    let longest = SignedDuration::from_hours(24 * Leave::DAYS_MAX);
    if from < until && from.duration_until(until) <= longest {
        Ok(())
    } else {
        Err(Rejected::Invalid {
            field: "until",
            problem: SPAN,
        })
    }
}
