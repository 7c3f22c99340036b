//! A browser that a person lets the post write to.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A browser's push subscription, as its owner gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// The subscription as the browser writes it: JSON with its endpoint and keys. It is the address of messages on the channel `web-push`.
    pub subscription: String,
    /// What the browser calls itself.
    pub agent: String,
    /// Since when.
    pub since: Timestamp,
}

impl Browser {
    /// Longest subscription in bytes.
    pub const SUBSCRIPTION_BYTES_MAX: usize = 4096;
    /// Browsers of one person; the oldest makes room for a new one.
    pub const PER_PERSON_MAX: usize = 10;
}
