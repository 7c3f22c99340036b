//! Sources: where logs come from, and the account of what became of them.

pub(crate) mod list;
pub(crate) mod show;

use model::LossAccount;

/// Whether more is stored, rejected and lost than was received: then something counted wrongly, and the page says so.
pub(crate) fn out_of_balance(account: &LossAccount) -> bool {
    account.stored + account.rejected_total() + account.lost > account.received
}
