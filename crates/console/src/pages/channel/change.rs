//! `POST /channels/retry`: a message that was given up is tried again from its first attempt.

use axum::{extract::State, response::Redirect};
use model::Decision;

use crate::{desk::Desk, form::Form, guard::Visit, trouble::Trouble};

/// Tries it again, and says in the duty book who asked for it.
pub(crate) async fn retry(visit: Visit, State(desk): State<Desk>, form: Form) -> Result<Redirect, Trouble> {
    let number = |name| -> Result<u64, Trouble> { form.required(name)?.parse().map_err(|_| Trouble::BadRequest) };
    let (entry, position, now) = (number("entry")?, number("position")?, desk.now());
    desk.state
        .ledger
        .off_thread(move |ledger| ledger.revive(entry, position, now))
        .await?;
    desk.apply(Decision {
        at: now,
        actor: visit.scope.actor().clone(),
        action: "delivery.retry".to_owned(),
        reason: Some(format!("{entry}/{position}")),
        changes: Vec::new(),
        effects: Vec::new(),
    })
    .await?;
    Ok(Redirect::to("/channels"))
}
