//! Paging: a policy's steps, one after the other, until enough people have acknowledged. Events and time come in, orders go
//! out; whatever must not be lost is in the notification and in the pagers, which are committed together with the orders.

mod advance;
mod alerts;
mod answer;
mod bundling;
mod outcome;
mod policy;
mod reach;
mod token;

use jiff::SignedDuration;
use model::{
    ContactAddress, Delivery, EscalationPolicy, Id, Notification, NotificationState, Pager, Target, Team, Timestamp,
    User,
};

pub use alerts::{page_for_alerts, standing_of};
pub use answer::{acknowledge, hand_over, stop};
pub use bundling::{BUNDLE_SECONDS, BUNDLE_SECONDS_OVER_BUDGET, MESSAGES_PER_HOUR_MAX, SINGLES_PER_MINUTE_MAX};
pub use outcome::{Sent, bundle_outcome, page_outcome};
pub use policy::{PolicyDraft, edit_policy};
pub use reach::{
    CODE_MINUTES, Draft as AddressDraft, REACHED_DAYS, TEST_DAYS, WRONG_CODES_MAX, add_address, ask_for_proof,
    drop_address, noted_outcome, prefer, prove, put_feed, put_skills, reached_lately, silent_tests, test_pages,
    wrong_code,
};
pub use token::{AnswerKey, Answerable};

/// The longest that an acknowledgement stands when whoever gave it is not on duty.
pub const ACKNOWLEDGED_HOURS_MAX: i64 = 12;
/// How often whoever was paged last is paged again once all rounds are over.
pub const UNANSWERED_REMIND_MINUTES: i64 = 30;

/// What people are to be paged about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What it is about, as `noun:id`.
    pub about: String,
    /// One line.
    pub subject: String,
    /// More.
    pub text: String,
    /// Where to read on in the console.
    pub link: String,
    /// Whether it may wake somebody.
    pub urgent: bool,
    /// Whether it belongs to a rehearsal.
    pub exercise: bool,
}

/// Begins to page people by a policy: the notification is to be kept (`Change::put`) in the decision that it follows from; the
/// running post pages from then on. `id` makes it unique.
#[must_use]
pub fn start(
    ask: Ask,
    policy: &EscalationPolicy,
    team: Option<Id<Team>>,
    id: Id<Notification>,
    now: Timestamp,
) -> Notification {
    let Ask {
        about,
        subject,
        text,
        link,
        urgent,
        exercise,
    } = ask;
    Notification {
        id,
        about,
        subject,
        text,
        link,
        urgent,
        exercise,
        team,
        steps: policy.steps.clone(),
        rounds: policy.rounds.clamp(1, EscalationPolicy::ROUNDS_MAX),
        started_at: now,
        state: NotificationState::Escalating {
            round: 0,
            step: 0,
            begun: None,
            reminded: None,
        },
        pages: Vec::new(),
        skipped: Vec::new(),
        acknowledgements: Vec::new(),
        due_at: Some(now),
        revision: 1,
    }
}

/// Where the matter stands that a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It needs somebody.
    Open,
    /// Somebody took it where it is worked on.
    Taken {
        /// Who.
        by: Id<User>,
        /// When.
        at: Timestamp,
    },
    /// It is done with.
    Over,
}

/// What paging asks of the roster and of the ledger.
pub trait Knowledge {
    /// Whom a target means at a moment; the roster answers, never paging itself.
    fn who(&self, target: &Target, at: Timestamp) -> Vec<Id<User>>;
    /// Where a person can be reached, in their order.
    fn addresses(&self, person: Id<User>) -> Vec<ContactAddress>;
    /// Where the matter stands.
    fn standing(&self, about: &str) -> Standing;
    /// When the turn ends in which a person is at a moment; none when they are not on duty.
    fn turn_ends(&self, person: Id<User>, at: Timestamp) -> Option<Timestamp>;
    /// The subject of a notification that still wants an answer; none when it does not.
    fn wants_answer(&self, notification: Id<Notification>) -> Option<String>;
}

/// What follows from one look at what is due.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// Notifications that changed.
    pub notifications: Vec<Notification>,
    /// Pagers that changed.
    pub pagers: Vec<Pager>,
    /// What is to be sent.
    pub deliveries: Vec<Delivery>,
}

impl Turn {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notifications.is_empty() && self.pagers.is_empty() && self.deliveries.is_empty()
    }
}

/// Looks at notifications and pagers that are due. `pagers` are those of the people who may be paged; whoever has none yet gets one.
/// All that follows is to be committed in one decision.
#[must_use]
pub fn turn(due: Vec<Notification>, pagers: Vec<Pager>, watch: &dyn Knowledge, now: Timestamp) -> Turn {
    let mut bundling = bundling::Bundling::new(pagers, now);
    let mut notifications = Vec::with_capacity(due.len());
    for mut notification in due {
        for number in advance::advance(&mut notification, watch, now) {
            bundling.order(&mut notification, number);
        }
        notification.revision += 1;
        notifications.push(notification);
    }
    let (pagers, deliveries) = bundling.finish(&notifications, watch);
    Turn {
        notifications,
        pagers,
        deliveries,
    }
}

/// The end of an acknowledgement given now.
fn lapses_at(watch: &dyn Knowledge, person: Id<User>, now: Timestamp) -> Timestamp {
    watch
        .turn_ends(person, now)
        .unwrap_or_else(|| later(now, SignedDuration::from_hours(ACKNOWLEDGED_HOURS_MAX)))
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}
