//! What channels say about pages: a failure is followed at once by the person's next channel.

use model::{Notification, PageOutcome, Pager, Timestamp};

/// How sending went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The channel took it.
    Accepted,
    /// It did not, or it reported later that the message did not arrive. It may still be tried again: that does no harm.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Longest kept reason in bytes.
const REASON_BYTES_MAX: usize = 200;

/// Notes what became of a page; none when that is known already. A failure makes the notification due at once.
#[must_use]
pub fn page_outcome(notification: &Notification, number: u16, sent: &Sent, now: Timestamp) -> Option<Notification> {
    let mut noted = notification.clone();
    let page = noted.pages.get_mut(usize::from(number))?;
    page.outcome = changed(&page.outcome, sent, now)?;
    if noted.wants_answer() && matches!(sent, Sent::Failed { .. }) {
        noted.due_at = Some(now);
    }
    noted.revision += 1;
    Some(noted)
}

/// Notes what became of a bundle; none when that is known already. What a failed bundle held is sent at once by the next channel.
#[must_use]
pub fn bundle_outcome(pager: &Pager, number: u32, sent: &Sent, now: Timestamp) -> Option<Pager> {
    let mut noted = pager.clone();
    let bundle = noted.bundles.iter_mut().find(|bundle| bundle.number == number)?;
    bundle.outcome = changed(&bundle.outcome, sent, now)?;
    if matches!(sent, Sent::Failed { .. }) {
        let mut again = bundle.pages.clone();
        again.append(&mut noted.waiting);
        noted.waiting = again;
        noted.flush_at = Some(now);
    }
    noted.revision += 1;
    Some(noted)
}

/// The outcome after this one; none when it says nothing new. A page that failed stays failed: its next channel is under way.
fn changed(before: &PageOutcome, sent: &Sent, now: Timestamp) -> Option<PageOutcome> {
    match (before, sent) {
        (PageOutcome::Waiting, Sent::Accepted) => Some(PageOutcome::Accepted { at: now }),
        (PageOutcome::Waiting | PageOutcome::Accepted { .. }, Sent::Failed { reason }) => Some(PageOutcome::Failed {
            at: now,
            reason: reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].to_owned(),
            followed: false,
        }),
        (PageOutcome::Accepted { .. }, Sent::Accepted) | (PageOutcome::Failed { .. }, _) => None,
    }
}
