//! Steps with a running deadline, alike for pages and API.

use model::{Deadline, Decision, Rejected};
use operations::Step;

use crate::{desk::Desk, guard::Visit, trouble::Trouble};

/// Takes a step; a deadline that somebody else ended meanwhile refuses it with its reason.
pub(crate) async fn take(
    visit: &Visit,
    desk: &Desk,
    id: &str,
    decide: impl FnOnce(&Deadline, Step<'_>) -> Result<Decision, Rejected>,
) -> Result<(), Trouble> {
    let deadline: Deadline = desk.found(&visit.scope, id).await?;
    desk.apply(decide(&deadline, visit.step(desk))?).await?;
    Ok(())
}
