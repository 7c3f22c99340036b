//! People, what they may do, and the scope through which all data is reached.

use serde::{Deserialize, Serialize};

use crate::{ApiToken, Id, Timestamp};

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Their id.
    pub id: Id<User>,
    /// The name they sign in with: lower case, unique.
    pub login: String,
    /// The name that others read.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2id hash of the password in PHC string format.
    pub password_hash: String,
    /// Language of the console for them (`vi`, `en`).
    pub language: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Whether signing in is possible.
    pub enabled: bool,
    /// Counts changes; a decision made on an older revision is refused.
    pub revision: u64,
}

/// A signed-in browser or API client. Its token is shown once, as a cookie, and never kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// SHA-256 of the token, lower-case hexadecimal.
    pub digest: String,
    /// Whose it is.
    pub user: Id<User>,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The address they signed in from.
    pub address: String,
    /// The browser or program, as it names itself, cut to [`Session::AGENT_BYTES_MAX`].
    pub agent: String,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// Longest kept name of a browser in bytes.
    pub const AGENT_BYTES_MAX: usize = 200;
}

/// The one-time link with which the first account is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupLink {
    /// SHA-256 of the token in the link, lower-case hexadecimal.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

/// What a person is in the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads the queue.
    Viewer,
    /// Works the queue.
    DutyOfficer,
    /// Also silences, and answers for the shift.
    ShiftLead,
    /// Runs the post: people, sources, rules.
    Administrator,
    /// Reads everything including the duty book, changes nothing.
    Auditor,
}

/// One thing that a route or a command needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See alerts, their evidence and the events around them.
    ReadAlerts,
    /// Acknowledge, assign, close and reopen alerts.
    WorkAlerts,
    /// See silences and what they hide.
    ReadSilences,
    /// Make and end silences.
    WriteSilences,
    /// See sources and their accounts.
    ReadSources,
    /// Make and revoke the tokens of sources.
    WriteSources,
    /// See rules and their state.
    ReadRules,
    /// See reports and make them.
    ReadReports,
    /// Begin reports and answer their gaps.
    WriteReports,
    /// Send reports, and say that they were sent.
    SendReports,
    /// See the duty book: every decision with its hash.
    ReadLedger,
    /// See directives, watches, their requirements and measurements, deadlines and the calendar.
    ReadWatches,
    /// Answer questions, do tasks, start and stop deadlines.
    WorkWatches,
    /// Register directives, open and close watches, approve waivers.
    WriteWatches,
    /// See actions at devices, response plans and their runs.
    ReadResponse,
    /// Ask for actions, run plans, do their steps.
    WorkResponse,
    /// Agree to actions, lift them, break the glass.
    ApproveResponse,
    /// See who is on duty, rosters, notifications and handovers.
    ReadDuty,
    /// Edit rosters, teams and escalation policies; see how people can be reached.
    WriteDuty,
    /// Hunt in all events, and read saved hunts.
    Hunt,
    /// Save, share and drop hunts.
    WriteHunts,
    /// Make accounts and change roles.
    WriteUsers,
    /// Change one's own password and language, end one's own sessions.
    OwnAccount,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Permission; 23] = [
        Self::ReadAlerts,
        Self::WorkAlerts,
        Self::ReadSilences,
        Self::WriteSilences,
        Self::ReadSources,
        Self::WriteSources,
        Self::ReadRules,
        Self::ReadReports,
        Self::WriteReports,
        Self::SendReports,
        Self::ReadLedger,
        Self::ReadWatches,
        Self::WorkWatches,
        Self::WriteWatches,
        Self::ReadResponse,
        Self::WorkResponse,
        Self::ApproveResponse,
        Self::ReadDuty,
        Self::WriteDuty,
        Self::Hunt,
        Self::WriteHunts,
        Self::WriteUsers,
        Self::OwnAccount,
    ];
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] = [
        Self::Viewer,
        Self::DutyOfficer,
        Self::ShiftLead,
        Self::Administrator,
        Self::Auditor,
    ];

    /// Whether the role includes a permission.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::ReadAlerts
            | P::ReadSilences
            | P::ReadSources
            | P::ReadRules
            | P::ReadReports
            | P::ReadWatches
            | P::ReadResponse
            | P::ReadDuty
            | P::OwnAccount => true,
            P::WorkAlerts | P::WriteHunts | P::WriteReports | P::WorkWatches | P::WorkResponse => {
                matches!(self, Self::DutyOfficer | Self::ShiftLead | Self::Administrator)
            }
            P::WriteSilences | P::SendReports | P::WriteWatches | P::ApproveResponse | P::WriteDuty => {
                matches!(self, Self::ShiftLead | Self::Administrator)
            }
            P::WriteSources | P::WriteUsers => matches!(self, Self::Administrator),
            P::Hunt => !matches!(self, Self::Viewer),
            P::ReadLedger => matches!(self, Self::ShiftLead | Self::Administrator | Self::Auditor),
        }
    }
}

impl Role {
    /// Whether whoever has the other role may do everything that this one may.
    #[must_use]
    pub fn is_within(self, other: Role) -> bool {
        Permission::ALL
            .into_iter()
            .all(|permission| !self.allows(permission) || other.allows(permission))
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// Who.
        user: Id<User>,
        /// Their sign-in name at the time.
        login: String,
        /// What they call the token with which a program acted for them; none when they acted themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// The post itself.
    Post {
        /// Which part of it (`triage`, `source-watch`, `setup`).
        part: String,
    },
}

/// The right to reach data: obtained from a session (or from the command line of whoever owns the data folder), handed
/// to every query. A query cannot be written without one.
#[derive(Debug, Clone)]
pub struct Scope {
    actor: Actor,
    role: Role,
}

impl Scope {
    /// The scope of a signed-in person.
    #[must_use]
    pub fn of_session(user: &User) -> Self {
        Self {
            actor: Actor::Person {
                user: user.id,
                login: user.login.clone(),
                token: None,
            },
            role: user.role,
        }
    }

    /// The scope of a program with a person's token: the lesser of the two roles as they are now; none when neither is
    /// within the other, for then nobody chose what it may.
    #[must_use]
    pub fn of_token(user: &User, token: &ApiToken) -> Option<Self> {
        let role = [token.role, user.role]
            .into_iter()
            .find(|role| role.is_within(token.role) && role.is_within(user.role))?;
        Some(Self {
            role,
            actor: Actor::Person {
                user: user.id,
                login: user.login.clone(),
                token: Some(token.name.clone()),
            },
        })
    }

    /// The scope of the post's own parts and of commands run by the owner of the data folder.
    #[must_use]
    pub fn of_post(part: &str) -> Self {
        Self {
            actor: Actor::Post { part: part.to_owned() },
            role: Role::Administrator,
        }
    }

    /// Who acts through it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The role it was obtained with.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether it includes a permission.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_reads_everything_and_changes_nothing_but_their_own_account() {
        let may: Vec<_> = Permission::ALL
            .into_iter()
            .filter(|p| Role::Auditor.allows(*p))
            .collect();
        assert_eq!(
            may,
            [
                Permission::ReadAlerts,
                Permission::ReadSilences,
                Permission::ReadSources,
                Permission::ReadRules,
                Permission::ReadReports,
                Permission::ReadLedger,
                Permission::ReadWatches,
                Permission::ReadResponse,
                Permission::ReadDuty,
                Permission::Hunt,
                Permission::OwnAccount
            ]
        );
    }

    #[test]
    fn roles_are_within_those_that_may_more() {
        for (one, other, within) in [
            (Role::Viewer, Role::DutyOfficer, true),
            (Role::DutyOfficer, Role::ShiftLead, true),
            (Role::ShiftLead, Role::ShiftLead, true),
            (Role::ShiftLead, Role::DutyOfficer, false),
            (Role::Auditor, Role::DutyOfficer, false),
            (Role::DutyOfficer, Role::Auditor, false),
            (Role::Auditor, Role::Administrator, true),
        ] {
            assert_eq!(one.is_within(other), within, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_token_never_opens_more_than_its_owner_may_today() {
        let user = |role| User {
            id: Id::from_bits(1),
            login: "lan".into(),
            display_name: "Lan".into(),
            role,
            password_hash: String::new(),
            language: "vi".into(),
            created_at: Timestamp::UNIX_EPOCH,
            enabled: true,
            revision: 1,
        };
        let token = |role| ApiToken {
            digest: "d".into(),
            name: "n".into(),
            user: Id::from_bits(1),
            role,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
            last_use: None,
            revision: 1,
        };
        for (owner, made_for, scope) in [
            (Role::ShiftLead, Role::Viewer, Some(Role::Viewer)),
            (Role::Viewer, Role::ShiftLead, Some(Role::Viewer)),
            (Role::ShiftLead, Role::ShiftLead, Some(Role::ShiftLead)),
            (Role::Auditor, Role::DutyOfficer, None),
        ] {
            let found = Scope::of_token(&user(owner), &token(made_for)).map(|scope| scope.role());
            assert_eq!(found, scope, "{owner:?} {made_for:?}");
        }
    }
}
