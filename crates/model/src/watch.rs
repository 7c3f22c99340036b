//! Watches: a time of raised attention with its requirements, tasks, waivers and questions.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{Directive, Id, Kept, NounIndex, Permission, Requirement, Timestamp, User, Wording};

/// A time of raised attention: a holiday, a congress, an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Its id.
    pub id: Id<Watch>,
    /// What people call it.
    pub name: String,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// How many people must be on duty at every instant.
    pub people_min: u32,
    /// Within how many minutes an alert of level high or above must be taken.
    pub acknowledge_minutes: u32,
    /// What must hold, from all its directives.
    pub requirements: Vec<WatchRequirement>,
    /// What has to be done for it.
    pub tasks: Vec<Task>,
    /// Who answers for it.
    pub lead: Id<User>,
    /// Who opened it.
    pub opened_by: Id<User>,
    /// When.
    pub opened_at: Timestamp,
    /// When and by whom it was closed, with their words.
    pub closed: Option<Closing>,
    /// Counts changes.
    pub revision: u64,
}

impl Kept for Watch {
    const KIND: &'static str = "watch";
    const READ: Permission = Permission::ReadWatches;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.closed.is_some() { "closed" } else { "open" }.into(),
            owner: Some(self.lead.to_string().into()),
            parent: None,
            due_at: Some(self.from),
        }
    }
}

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Id<User>,
    /// What they say of it.
    pub words: String,
}

/// A requirement within a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequirement {
    /// Its key within the watch: 1, 2, 3 …
    pub key: u32,
    /// The directive that asks for it.
    pub directive: Id<Directive>,
    /// The directive's number.
    pub number: String,
    /// What is asked for.
    pub requirement: Requirement,
    /// Who answers for it.
    pub owner: Option<Id<User>>,
}

/// Something that has to be done for a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its key within the watch: 1, 2, 3 …
    pub key: u32,
    /// What.
    pub title: Wording,
    /// The check of the preflight that it comes from.
    pub check: Option<CompactString>,
    /// Who does it.
    pub owner: Option<Id<User>>,
    /// Until when.
    pub due_at: Timestamp,
    /// When and by whom it was done, with their words.
    pub done: Option<Closing>,
}

/// A requirement is not held to for a while, and somebody answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Its id.
    pub id: Id<Waiver>,
    /// The watch.
    pub watch: Id<Watch>,
    /// The requirement's key.
    pub requirement: u32,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub asked_by: Id<User>,
    /// When.
    pub asked_at: Timestamp,
    /// Until when it is to hold.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: WaiverState,
    /// Counts changes.
    pub revision: u64,
}

/// What became of a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum WaiverState {
    /// Nobody decided yet.
    Asked,
    /// It holds until it expires.
    Granted {
        /// When.
        at: Timestamp,
        /// Who answers for it.
        by: Id<User>,
    },
    /// It does not hold.
    Refused {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
        /// Why.
        reason: String,
    },
    /// It was ended before its time.
    Ended {
        /// When.
        at: Timestamp,
        /// Who.
        by: Id<User>,
    },
}

impl Kept for Waiver {
    const KIND: &'static str = "waiver";
    const READ: Permission = Permission::ReadWatches;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        let state = match self.state {
            WaiverState::Asked => "asked",
            WaiverState::Granted { .. } => "granted",
            WaiverState::Refused { .. } => "refused",
            WaiverState::Ended { .. } => "ended",
        };
        NounIndex {
            state: state.into(),
            owner: Some(self.asked_by.to_string().into()),
            parent: Some(self.watch.to_string().into()),
            due_at: Some(self.expires_at),
        }
    }
}

/// What a named person is asked where nothing can be measured. The answer is evidence, and expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id; its answers are measurements of the control `question/<id>`.
    pub id: Id<Question>,
    /// The watch.
    pub watch: Id<Watch>,
    /// The requirement's key.
    pub requirement: u32,
    /// What is asked.
    pub words: Wording,
    /// Who is asked.
    pub person: Id<User>,
    /// Who asked.
    pub asked_by: Id<User>,
    /// When.
    pub asked_at: Timestamp,
    /// Until when it must be answered.
    pub due_at: Timestamp,
    /// How many hours an answer is good for.
    pub good_for_hours: u32,
    /// The last answer.
    pub answer: Option<Reply>,
    /// Counts changes.
    pub revision: u64,
}

impl Question {
    /// The control whose measurements its answers are.
    #[must_use]
    pub fn control(&self) -> CompactString {
        format!("question/{}", self.id).into()
    }
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Id<User>,
    /// Whether the requirement holds.
    pub holds: bool,
    /// What they saw.
    pub words: String,
    /// From when on it says nothing any more.
    pub expires_at: Timestamp,
}

impl Kept for Question {
    const KIND: &'static str = "question";
    const READ: Permission = Permission::ReadWatches;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn revision(&self) -> u64 {
        self.revision
    }

    fn index(&self) -> NounIndex {
        NounIndex {
            state: if self.answer.is_some() { "answered" } else { "open" }.into(),
            owner: Some(self.person.to_string().into()),
            parent: Some(self.watch.to_string().into()),
            due_at: Some(self.answer.as_ref().map_or(self.due_at, |answer| answer.expires_at)),
        }
    }
}
