//! Waivers: asked for by one, granted by another, for a reason and until a day.

use jiff::SignedDuration;
use model::{Change, Decision, Entropy, Id, Permission, Phrase, Rejected, Timestamp, Waiver, WaiverState, Watch};

use super::{WAIVER_DAYS_MAX, standing::waives, steps::not_closed, words::required};
use crate::Step;

const UNKNOWN_REQUIREMENT: Phrase = Phrase::new("không có yêu cầu này", "there is no such requirement");
const BAD_END: Phrase = Phrase::new(
    "thời hạn phải ở tương lai, nhiều nhất 90 ngày",
    "it must end in the future, at most 90 days from now",
);
const DECIDED: Phrase = Phrase::new("đã có quyết định", "it was decided already");
const OWN: Phrase = Phrase::new(
    "người đề nghị không tự duyệt cho mình",
    "whoever asked for it cannot decide it",
);
const EXPIRED: Phrase = Phrase::new("thời hạn đề nghị đã qua", "the time asked for is over");
const NOT_IN_FORCE: Phrase = Phrase::new("miễn trừ này không còn hiệu lực", "the waiver is not in force");

/// Asks for a waiver.
///
/// # Errors
/// When there is no such requirement, the reason is missing, the end is out of bounds, the watch is closed, or the role does
/// not allow it.
pub fn ask(
    watch: &Watch,
    requirement: u32,
    (reason, expires_at): (&str, Timestamp),
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkWatches)?;
    let by = step.person()?;
    not_closed(watch)?;
    if !watch.requirements.iter().any(|one| one.key == requirement) {
        return Err(Rejected::NotNow(UNKNOWN_REQUIREMENT));
    }
    let reason = required("reason", reason)?;
    let lasts = expires_at.duration_since(step.at);
    if lasts <= SignedDuration::ZERO || lasts > SignedDuration::from_hours(24 * WAIVER_DAYS_MAX) {
        return Err(Rejected::Invalid {
            field: "expires_at",
            problem: BAD_END,
        });
    }
    let waiver = Waiver {
        id: Id::born(step.at, entropy),
        watch: watch.id,
        requirement,
        reason: reason.clone(),
        asked_by: by,
        asked_at: step.at,
        expires_at,
        state: WaiverState::Asked,
        revision: 1,
    };
    Ok(step.decides("waiver.ask", Some(&reason), vec![Change::put(&waiver)]))
}

/// Grants a waiver, or refuses it with a reason.
///
/// # Errors
/// When it was decided, its time is over, whoever asked decides, a refusal has no reason, or the role does not allow it.
pub fn decide(waiver: &Waiver, refused_because: Option<&str>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    if waiver.state != WaiverState::Asked {
        return Err(Rejected::NotNow(DECIDED));
    }
    if waiver.asked_by == by {
        return Err(Rejected::NotNow(OWN));
    }
    let mut decided = waiver.clone();
    decided.revision += 1;
    match refused_because {
        None => {
            if step.at >= waiver.expires_at {
                return Err(Rejected::NotNow(EXPIRED));
            }
            decided.state = WaiverState::Granted { at: step.at, by };
            Ok(step.decides("waiver.grant", None, vec![Change::put(&decided)]))
        }
        Some(reason) => {
            let reason = required("reason", reason)?;
            decided.state = WaiverState::Refused {
                at: step.at,
                by,
                reason: reason.clone(),
            };
            Ok(step.decides("waiver.refuse", Some(&reason), vec![Change::put(&decided)]))
        }
    }
}

/// Ends a waiver before its time.
///
/// # Errors
/// When it is not in force, or the role does not allow it.
pub fn end(waiver: &Waiver, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteWatches)?;
    let by = step.person()?;
    if !waives(waiver, step.at) {
        return Err(Rejected::NotNow(NOT_IN_FORCE));
    }
    let mut ended = waiver.clone();
    ended.revision += 1;
    ended.state = WaiverState::Ended { at: step.at, by };
    Ok(step.decides("waiver.end", None, vec![Change::put(&ended)]))
}
