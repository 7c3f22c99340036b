//! How a person can be reached, what they can do, and where their calendar is fetched.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Timestamp, User};

/// A person's card: their addresses in the order in which they want to be paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    /// Whose it is.
    pub person: Id<User>,
    /// Where they can be reached, the first first.
    pub addresses: Vec<ContactAddress>,
    /// What they can do, as positions ask for it.
    #[serde(default)]
    pub skills: Vec<CompactString>,
    /// SHA-256 of the token of their calendar feed, lower-case hexadecimal; none when there is no feed.
    #[serde(default)]
    pub feed: Option<String>,
    /// Counts changes.
    pub revision: u64,
}

impl ContactCard {
    /// Most addresses of one person.
    pub const ADDRESSES_MAX: usize = 12;
    /// Longest address in bytes; a push subscription is the longest.
    pub const ADDRESS_BYTES_MAX: usize = 4096;
    /// So many different channels must be proven by whoever holds a primary position.
    pub const PROVEN_MIN: usize = 2;

    /// The card of somebody who has none yet.
    #[must_use]
    pub fn empty(person: Id<User>) -> Self {
        Self {
            person,
            addresses: Vec::new(),
            skills: Vec::new(),
            feed: None,
            revision: 0,
        }
    }

    /// How many different channels are proven.
    #[must_use]
    pub fn proven_channels(&self) -> usize {
        let mut channels: Vec<&str> = self
            .addresses
            .iter()
            .filter(|address| address.is_proven())
            .map(|address| address.channel.as_str())
            .collect();
        channels.sort_unstable();
        channels.dedup();
        channels.len()
    }

    /// Whether they may hold a primary position.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.proven_channels() >= Self::PROVEN_MIN
    }
}

impl Kept for ContactCard {
    const KIND: &'static str = "contact_card";
    const READ: Permission = Permission::WriteDuty;

    fn key(&self) -> String {
        self.person.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.is_reachable() { "reachable" } else { "unproven" }.into(),
            owner: Some(self.person.to_string().into()),
            // The feed is found by its token.
            parent: self.feed.as_deref().map(Into::into),
            due_at: None,
        }
    }
}

/// One address of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactAddress {
    /// The channel by its name in the configuration.
    pub channel: String,
    /// The address there.
    pub to: String,
    /// What is known of it.
    pub state: AddressState,
}

impl ContactAddress {
    /// Whether its owner has shown that messages arrive there, and none has failed since.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        match self.state {
            AddressState::Proven { .. } => true,
            AddressState::New | AddressState::Asked { .. } | AddressState::Failed { .. } => false,
        }
    }
}

/// What is known of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum AddressState {
    /// Nothing yet.
    New,
    /// A test page with a code was sent there.
    Asked {
        /// When.
        at: Timestamp,
        /// SHA-256 of the code, lower-case hexadecimal.
        digest: String,
        /// Wrong codes since.
        wrong: u8,
    },
    /// Its owner read a code there.
    Proven {
        /// When.
        at: Timestamp,
        /// When a message was last accepted for it.
        reached_at: Timestamp,
        /// When it was last asked silently.
        tested_at: Timestamp,
    },
    /// A message to it failed; it must be proven again.
    Failed {
        /// When.
        at: Timestamp,
        /// What the channel said.
        reason: String,
    },
}
