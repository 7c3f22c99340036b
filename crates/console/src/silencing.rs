//! Making and ending silences, alike for pages and API.

use jiff::SignedDuration;
use model::{Id, Phrase, Rejected, Scope, Silence};
use operations::{Step, silences};

use crate::{desk::Desk, pages::silence::form::Draft, secrets, trial, trouble::Trouble};

const REASON_MISSING: Phrase = Phrase::new("hãy chọn vì sao được phép ẩn", "choose why it may be hidden");
const DURATION_MISSING: Phrase = Phrase::new("hãy chọn thời hạn", "choose for how long");

/// Makes the silence that a draft describes.
pub(crate) async fn create(desk: &Desk, scope: &Scope, draft: &Draft) -> Result<(), Trouble> {
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
        expires_at: at
            .saturating_add(SignedDuration::from_hours(i64::from(hours)))
            .unwrap_or(at),
        expected_per_day: trial.preview.per_day(trial::DAYS),
    };
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    desk.apply(silences::create(asked, Step { scope, at }, entropy)?)
        .await?;
    Ok(())
}

/// Ends a silence before its time.
pub(crate) async fn end(desk: &Desk, scope: &Scope, id: Id<Silence>, reason: &str) -> Result<(), Trouble> {
    let reader = scope.clone();
    let silence = desk
        .read(move |ledger| ledger.silence(&reader, id))
        .await?
        .ok_or(Trouble::NotFound)?;
    desk.apply(silences::end(&silence, reason, Step { scope, at: desk.now() })?)
        .await?;
    Ok(())
}
