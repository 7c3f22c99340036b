//! Keeping hunts, alike for pages and API.

use ledger::NounFilter;
use model::{Id, SavedHunt, Scope, User};
use operations::hunts::{self, Draft};

use crate::{desk::Desk, secrets, trouble::Trouble};

/// A step with a saved hunt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HuntStep {
    Share,
    Drop,
}

/// The hunts that a person sees, by title.
pub(crate) async fn all(desk: &Desk, scope: &Scope, user: Id<User>) -> Result<Vec<SavedHunt>, Trouble> {
    let scope = scope.clone();
    let mut saved: Vec<SavedHunt> = desk
        .read(move |ledger| ledger.all_kept::<SavedHunt>(&scope, &NounFilter::default()))
        .await?;
    saved.retain(|hunt| hunt.is_for(user));
    saved.sort_by(|a, b| a.title.cmp(&b.title).then_with(|| a.id.bits().cmp(&b.id.bits())));
    Ok(saved)
}

/// Saves a hunt.
pub(crate) async fn save(desk: &Desk, scope: &Scope, draft: Draft) -> Result<SavedHunt, Trouble> {
    let entropy = secrets::entropy(desk.state.randomness.as_ref());
    let (hunt, decision) = hunts::save(scope, draft, desk.now(), entropy)?;
    desk.apply(decision).await?;
    Ok(hunt)
}

/// Takes a step with a saved hunt.
pub(crate) async fn change(desk: &Desk, scope: &Scope, id: &str, step: HuntStep) -> Result<(), Trouble> {
    let (reading, key) = (scope.clone(), id.to_owned());
    let hunt = desk
        .read(move |ledger| ledger.kept::<SavedHunt>(&reading, &key))
        .await?
        .ok_or(Trouble::NotFound)?;
    let at = desk.now();
    let decision = match step {
        HuntStep::Share => hunts::share(scope, &hunt, !hunt.shared, at)?,
        HuntStep::Drop => hunts::drop(scope, &hunt, at)?,
    };
    desk.apply(decision).await?;
    Ok(())
}
