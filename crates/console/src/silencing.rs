//! Making, extending and ending silences, and undoing that, alike for pages and API.

use jiff::SignedDuration;
use model::{Change, Decision, Id, Phrase, Rejected, Scope, Silence, Timestamp};
use operations::{Step, silences};

use crate::{desk::Desk, pages::silence::form::Draft, secrets, trial, trouble::Trouble, work::UNDO_SECONDS_MAX};

const REASON_MISSING: Phrase = Phrase::new("hãy chọn vì sao được phép ẩn", "choose why it may be hidden");
const DURATION_MISSING: Phrase = Phrase::new("hãy chọn thời hạn", "choose for how long");

/// A step with a silence that stands in the duty book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) silence: Id<Silence>,
    /// The entry, which undoing takes back.
    pub(crate) entry: Option<u64>,
}

/// Makes the silence that a draft describes.
pub(crate) async fn create(desk: &Desk, scope: &Scope, draft: &Draft) -> Result<Taken, Trouble> {
    let reason = draft.reason.ok_or(Rejected::Invalid {
        field: "reason",
        problem: REASON_MISSING,
    })?;
    let hours = draft.hours.ok_or(Rejected::Invalid {
        field: "hours",
        problem: DURATION_MISSING,
    })?;
    let trial = trial::run(desk, scope, draft.scope()).await?;
    let at = desk.now();
    let asked = silences::Draft {
        scope: draft.scope(),
        reason,
        comment: draft.comment.clone(),
        expires_at: later(at, hours),
        expected_per_day: trial.preview.per_day(trial::DAYS),
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    commit(desk, silences::create(asked, Step { scope, at }, entropy)?).await
}

/// Moves the end of a silence to so many hours later.
pub(crate) async fn extend(
    desk: &Desk,
    scope: &Scope,
    id: Id<Silence>,
    (hours, why): (Option<u32>, &str),
) -> Result<Taken, Trouble> {
    let hours = hours.ok_or(Rejected::Invalid {
        field: "hours",
        problem: DURATION_MISSING,
    })?;
    let silence = standing(desk, scope, id).await?;
    let until = later(silence.expires_at, hours);
    let step = Step { scope, at: desk.now() };
    commit(desk, silences::extend(&silence, until, why, step)?).await
}

/// Ends a silence before its time.
pub(crate) async fn end(desk: &Desk, scope: &Scope, id: Id<Silence>, why: &str) -> Result<Taken, Trouble> {
    let silence = standing(desk, scope, id).await?;
    commit(desk, silences::end(&silence, why, Step { scope, at: desk.now() })?).await
}

/// Takes back one's own last step with a silence.
pub(crate) async fn undo(desk: &Desk, scope: &Scope, id: Id<Silence>, entry: u64) -> Result<Taken, Trouble> {
    let reader = scope.clone();
    let change = desk
        .read(move |ledger| ledger.silence_change(&reader, entry, id))
        .await?
        .ok_or(Trouble::NotFound)?;
    let at = desk.now();
    if change.step.actor != *scope.actor() || at.as_second() - change.step.at.as_second() > UNDO_SECONDS_MAX {
        return Err(Trouble::Forbidden);
    }
    let silence = standing(desk, scope, id).await?;
    let undone = silences::undo(&silence, (change.before.as_ref(), &change.after), Step { scope, at })?;
    commit(desk, undone).await
}

async fn standing(desk: &Desk, scope: &Scope, id: Id<Silence>) -> Result<Silence, Trouble> {
    let reader = scope.clone();
    desk.read(move |ledger| ledger.silence(&reader, id))
        .await?
        .ok_or(Trouble::NotFound)
}

async fn commit(desk: &Desk, decision: Decision) -> Result<Taken, Trouble> {
    let silence = decision.changes.iter().find_map(|change| {
        let Change::PutSilence { silence } = change else {
            return None;
        };
        Some(silence.id)
    });
    let silence = silence.expect("a step with a silence puts it");
    let applied = desk.apply(decision).await?;
    Ok(Taken {
        silence,
        entry: applied.entry.map(|head| head.number),
    })
}

fn later(at: Timestamp, hours: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_hours(i64::from(hours)))
        .unwrap_or(at)
}
