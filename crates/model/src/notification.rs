//! Notifications: who is to be paged about something, in which order, and what they answered.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Id, Kept, NounIndex, Permission, Team, Timestamp, User};

/// Who is paged in which order until enough have acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationPolicy {
    /// Its id.
    pub id: Id<EscalationPolicy>,
    /// The name that people read.
    pub name: String,
    /// Its steps.
    pub steps: Vec<EscalationStep>,
    /// How often all steps are gone through before the notification counts as unanswered; at least 1.
    pub rounds: u8,
    /// Counts changes.
    pub revision: u64,
}

impl EscalationPolicy {
    /// Most steps.
    pub const STEPS_MAX: usize = 20;
    /// Most rounds.
    pub const ROUNDS_MAX: u8 = 10;
    /// Most targets of one step.
    pub const TARGETS_MAX: usize = 50;
}

impl Kept for EscalationPolicy {
    const KIND: &'static str = "escalation_policy";
    const READ: Permission = Permission::ReadDuty;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: "open".into(),
            ..NounIndex::default()
        }
    }
}

/// One step of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStep {
    /// Who is paged.
    pub who: Vec<Target>,
    /// How long it is waited for answers before the next step begins; at least 1.
    pub wait_minutes: u16,
    /// How often whoever has not answered is paged again meanwhile; never when 0.
    pub remind_minutes: u16,
    /// How many people must acknowledge; at least 1.
    pub acknowledgements: u8,
}

/// Who is paged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "target")]
pub enum Target {
    /// Whoever fills a position of a team at that moment.
    Position {
        /// The team.
        team: Id<Team>,
        /// The position.
        position: CompactString,
    },
    /// One person.
    Person {
        /// Who.
        person: Id<User>,
    },
}

/// Something that people are paged about until enough of them have acknowledged it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: Id<Notification>,
    /// What it is about, as `noun:id`.
    pub about: String,
    /// One line.
    pub subject: String,
    /// More.
    pub text: String,
    /// Where to read on in the console (`/alerts/…`).
    pub link: String,
    /// Whether it may wake somebody.
    pub urgent: bool,
    /// Whether it belongs to a rehearsal.
    pub exercise: bool,
    /// The team whose policy it follows, where it is one's.
    pub team: Option<Id<Team>>,
    /// The steps of the policy as they were when it began: a later edit does not move it.
    pub steps: Vec<EscalationStep>,
    /// The rounds of the policy.
    pub rounds: u8,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it stands.
    pub state: NotificationState,
    /// Every page that was ordered.
    pub pages: Vec<PageSent>,
    /// Steps in which nobody was to be found.
    pub skipped: Vec<SkippedStep>,
    /// Who acknowledged.
    pub acknowledgements: Vec<Acknowledgement>,
    /// When it must be looked at next.
    pub due_at: Option<Timestamp>,
    /// Counts changes.
    pub revision: u64,
}

impl Notification {
    /// One line about it: its subject, and the first line of its text, which names what it is about.
    #[must_use]
    pub fn brief(&self) -> String {
        match self.text.lines().next().filter(|line| !line.is_empty()) {
            Some(line) => format!("{} · {line}", self.subject),
            None => self.subject.clone(),
        }
    }

    /// Most pages of one notification; afterwards it stays in the list of what nobody answered, and pages nobody.
    pub const PAGES_MAX: usize = 500;
    /// Most skipped steps and acknowledgements that are kept.
    pub const NOTES_MAX: usize = 200;

    /// Whether people are still to be paged about it.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        match self.state {
            NotificationState::Escalating { .. } | NotificationState::Unanswered { .. } => true,
            NotificationState::Acknowledged { .. } | NotificationState::Over { .. } => false,
        }
    }

    /// Whether somebody's acknowledgement stands.
    #[must_use]
    pub fn acknowledged_by(&self, person: Id<User>) -> bool {
        self.acknowledgements
            .iter()
            .any(|answer| answer.person == person && answer.lapsed_at.is_none())
    }
}

impl Kept for Notification {
    const KIND: &'static str = "notification";
    const READ: Permission = Permission::ReadDuty;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            NotificationState::Escalating { .. } => "escalating",
            NotificationState::Acknowledged { .. } => "acknowledged",
            NotificationState::Unanswered { .. } => "unanswered",
            NotificationState::Over { .. } => "over",
        };
        NounIndex {
            state: state.into(),
            owner: self.team.map(|team| team.to_string().into()),
            parent: Some(self.about.as_str().into()),
            due_at: self.due_at,
        }
    }
}

/// Where a notification stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum NotificationState {
    /// People are being paged.
    Escalating {
        /// The round, from 0.
        round: u8,
        /// The step, from 0.
        step: u8,
        /// When the step began; it has not yet when absent.
        begun: Option<Timestamp>,
        /// When its people were last paged.
        reminded: Option<Timestamp>,
    },
    /// Enough people have it.
    Acknowledged {
        /// Since when.
        at: Timestamp,
        /// How many had to.
        needed: u8,
    },
    /// All rounds are over and nobody has it.
    Unanswered {
        /// Since when.
        since: Timestamp,
    },
    /// What it is about is over.
    Over {
        /// Since when.
        at: Timestamp,
    },
}

/// One page to one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSent {
    /// Its number within the notification.
    pub number: u16,
    /// The round in which it was ordered.
    pub round: u8,
    /// The step.
    pub step: u8,
    /// Who.
    pub person: Id<User>,
    /// The channel; empty when the person has no address.
    pub channel: String,
    /// The address.
    pub to: String,
    /// When it was ordered.
    pub at: Timestamp,
    /// Whether it goes with others in one message.
    pub bundled: bool,
    /// What became of it.
    pub outcome: PageOutcome,
}

/// What became of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PageOutcome {
    /// Nothing is known yet.
    Waiting,
    /// The channel took it.
    Accepted {
        /// When.
        at: Timestamp,
    },
    /// The channel did not take it, or reported later that it did not arrive.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
        /// Whether another channel was tried because of it, where there was one.
        followed: bool,
    },
}

/// A step in which nobody was to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedStep {
    /// The round.
    pub round: u8,
    /// The step.
    pub step: u8,
    /// When.
    pub at: Timestamp,
}

/// How somebody acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerWay {
    /// By the link in a message.
    Link,
    /// By a reply with its code.
    Reply,
    /// In the console.
    Console,
    /// By signing a handover.
    Handover,
}

/// Somebody's acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub person: Id<User>,
    /// When.
    pub at: Timestamp,
    /// How.
    pub way: AnswerWay,
    /// When it lapses by itself: the end of their turn.
    pub lapses_at: Timestamp,
    /// When it lapsed or was handed over.
    pub lapsed_at: Option<Timestamp>,
}

/// What was sent to a person lately, so that a storm reaches them as a few messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pager {
    /// Who.
    pub person: Id<User>,
    /// When messages were ordered within the last hour.
    pub sent: Vec<Timestamp>,
    /// Pages that wait for the next bundle.
    pub waiting: Vec<BundledPage>,
    /// When that leaves.
    pub flush_at: Option<Timestamp>,
    /// The last bundles.
    pub bundles: Vec<Bundle>,
    /// Counts bundles.
    pub bundles_made: u32,
    /// Counts changes.
    pub revision: u64,
}

impl Pager {
    /// Most pages of one bundle; what is more waits for the next.
    pub const BUNDLE_PAGES_MAX: usize = 20_000;
    /// Bundles that are kept, to be answered by their links.
    pub const BUNDLES_MAX: usize = 3;

    /// The pager of somebody who was never paged.
    #[must_use]
    pub fn new(person: Id<User>) -> Self {
        Self {
            person,
            sent: Vec::new(),
            waiting: Vec::new(),
            flush_at: None,
            bundles: Vec::new(),
            bundles_made: 0,
            revision: 0,
        }
    }
}

impl Kept for Pager {
    const KIND: &'static str = "pager";
    const READ: Permission = Permission::ReadDuty;
    const WHOLE: bool = false;

    fn key(&self) -> String {
        self.person.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.flush_at.is_some() { "waiting" } else { "idle" }.into(),
            owner: Some(self.person.to_string().into()),
            parent: None,
            due_at: self.flush_at,
        }
    }
}

/// A page that goes with others in one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledPage {
    /// The notification.
    pub notification: Id<Notification>,
    /// The number of the page.
    pub page: u16,
}

/// One message about many notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Its number among the person's bundles.
    pub number: u32,
    /// When it was ordered.
    pub at: Timestamp,
    /// The channel.
    pub channel: String,
    /// The address.
    pub to: String,
    /// What is in it.
    pub pages: Vec<BundledPage>,
    /// What became of it.
    pub outcome: PageOutcome,
}
