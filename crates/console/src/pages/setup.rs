//! Setting up the post: the first account.

pub(crate) mod first_account;
