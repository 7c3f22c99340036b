//! Personal tokens: with one, a program of a person's own works through the API as that person, within a role and until a day.

use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Role, Timestamp, User};

/// A token with which a program may use the API for a person. Its text is shown once and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// SHA-256 of its text, lower-case hexadecimal.
    pub digest: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub user: Id<User>,
    /// What it may at most; its owner's role at the moment of use bounds it too.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Its last use, to the hour.
    pub last_use: Option<ApiTokenUse>,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}

/// A use of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiTokenUse {
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub address: String,
}

impl ApiToken {
    /// Whether it works at a moment, as far as it says itself.
    #[must_use]
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && at < self.expires_at
    }
}

impl Kept for ApiToken {
    const KIND: &'static str = "api_token";
    const READ: Permission = Permission::OwnAccount;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.revoked_at.is_some() { "revoked" } else { "valid" }.into(),
            owner: Some(self.user.to_string().into()),
            parent: None,
            due_at: Some(self.expires_at),
        }
    }
}
