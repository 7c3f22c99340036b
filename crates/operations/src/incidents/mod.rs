//! Incidents: how they are opened from alerts, worked through their states, merged and split without loss, judged by the
//! national plan, and learned from.

mod classify;
mod gather;
mod groups;
mod items;
mod merging;
mod metrics;
mod next;
mod open;
mod plan;
mod steps;

use model::{
    Change, Entropy, EntryKind, Id, Incident, Permission, Phrase, Reached, Rejected, TimelineEntry, Timestamp, User,
};
use sha2::{Digest, Sha256};

pub use classify::{ClassProposal, ClockProposal, Proposal, propose};
pub use gather::{GATHERED_MAX, Gathered, gather};
pub use groups::{GROUPED_MAX, Group, WINDOW_HOURS, propose_groups, tactics_in_order};
pub use items::{
    NewEntry, NewObservable, NewTask, add_entry, add_observable, add_task, dismiss_observable, drop_task, edit_note,
    finish_task, give_task, judge_entry, strike_entry, write_note,
};
pub use merging::{Chosen, Pair, SPLIT_MAX, family, merge, split, unmerge};
pub use metrics::{MonthFigures, Spans, monthly, spans};
pub use next::{NextStep, next_step};
pub use open::{ALERTS_MAX, Draft, Links, Numbering, Opened, link, open, unlink};
pub use plan::{ClassRule, ClockRule, ClockStart, Plan};
pub use steps::{Advance, Edit, advance, assign, edit, set_asset, undo};

use crate::Step;

const MISSING: Phrase = Phrase::new("không được để trống", "is required");
const TOO_LONG: Phrase = Phrase::new("quá dài", "is too long");
const FUTURE: Phrase = Phrase::new("không thể ở tương lai", "cannot be in the future");
const CLOSED: Phrase = Phrase::new("sự cố đã kết thúc", "the incident is closed");
const MERGED: Phrase = Phrase::new(
    "sự cố đã được nhập vào sự cố khác",
    "the incident goes on as part of another",
);

/// Checks words of a person and takes the blanks around them away.
fn words(field: &'static str, text: &str, bytes_max: usize, required: bool) -> Result<String, Rejected> {
    let text = text.trim();
    if required && text.is_empty() {
        return Err(Rejected::Invalid {
            field,
            problem: MISSING,
        });
    }
    if text.len() > bytes_max {
        return Err(Rejected::Invalid {
            field,
            problem: TOO_LONG,
        });
    }
    Ok(text.to_owned())
}

/// Refuses a moment that has not come yet.
fn past(field: &'static str, at: Timestamp, now: Timestamp) -> Result<Timestamp, Rejected> {
    if at > now {
        return Err(Rejected::Invalid { field, problem: FUTURE });
    }
    Ok(at)
}

/// The right to work incidents, and the person who does.
fn worker(step: Step<'_>) -> Result<Id<User>, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    step.person()
}

/// Refuses a step with an incident that is done with or part of another.
fn still_open(incident: &Incident) -> Result<(), Rejected> {
    if incident.state.is_open() {
        Ok(())
    } else if incident.state.as_str() == "merged" {
        Err(Rejected::NotNow(MERGED))
    } else {
        Err(Rejected::NotNow(CLOSED))
    }
}

/// The incident with one more revision.
fn put(incident: &Incident, edit: impl FnOnce(&mut Incident)) -> (Incident, Change) {
    let mut changed = incident.clone();
    edit(&mut changed);
    changed.revision += 1;
    let change = Change::put(&changed);
    (changed, change)
}

/// The line that a decision leaves in the timeline. Its id follows from the incident and its revision, so that the same
/// decision made again would write the same line.
fn decided(incident: &Incident, action: &str, text: &str, reached: &Reached, step: Step<'_>) -> Change {
    Change::put(&TimelineEntry {
        id: Id::born(
            reached.at,
            derived(&[
                action.as_bytes(),
                &incident.id.bits().to_be_bytes(),
                &incident.revision.to_be_bytes(),
            ]),
        ),
        incident: incident.id,
        at: reached.at,
        noted_at: step.at,
        by: step.scope.actor().clone(),
        kind: EntryKind::Decision {
            action: action.into(),
            alert: None,
            entry: None,
        },
        text: text[..text.floor_char_boundary(TimelineEntry::TEXT_BYTES_MAX)].to_owned(),
        malicious: false,
        struck: None,
        revision: 1,
    })
}

/// Bytes that follow from others, for ids that must come out the same again.
fn derived(parts: &[&[u8]]) -> Entropy {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    Entropy(bytes)
}
