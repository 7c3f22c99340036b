//! A decision: what changes, what must happen outside because of it, and who decided. The ledger commits it whole.

use serde::{Deserialize, Serialize};

use crate::{
    Action, Actor, Alert, Delivery, Detection, Errand, Id, Language, LossAccount, Measurement, Noun, Phrase, Problem,
    Report, Seq, Session, SetupLink, Silence, SourceHealth, SourceId, SourceToken, Timestamp, User,
};

/// How far the post has come in the journal. Committed together with the decisions that the journal led to, so that
/// after a crash no decision is lost and none is made twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelinePosition {
    /// Everything that follows from entries up to here is decided.
    pub decided: Seq,
    /// Reading must begin here after a restart: the oldest entry still waiting to be joined with others, or `decided + 1`.
    pub resume: Seq,
    /// Correlations that were certain at this time of receipt are decided, in microseconds since 1970.
    pub correlated_us: i64,
}

/// One change of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// An alert is new or changed. `alert.revision` is one more than the revision it was decided on.
    PutAlert {
        /// The whole alert as it is now.
        alert: Box<Alert>,
    },
    /// A detection belongs to an alert, shown or hidden.
    AddDetection {
        /// The alert.
        alert: Id<Alert>,
        /// Its number among all detections of the alert, shown and hidden: 1, 2, 3 …; some are counted without details.
        ordinal: u64,
        /// The detection.
        detection: Box<Detection>,
        /// The silence that hides it.
        hidden_by: Option<Id<Silence>>,
    },
    /// A silence is new or changed.
    PutSilence {
        /// The whole silence as it is now.
        silence: Box<Silence>,
    },
    /// An account is new or changed.
    PutUser {
        /// The whole account as it is now.
        user: Box<User>,
    },
    /// A source was heard, or its health changed.
    CountSource {
        /// The source.
        source: SourceId,
        /// When it was last heard.
        heard_at: Timestamp,
        /// What to add to its account.
        account: LossAccount,
        /// Problems to show on its page.
        problems: Vec<Problem>,
    },
    /// What is learned about a source's rhythm.
    PutSourceHealth {
        /// The source.
        source: SourceId,
        /// The health as it is now.
        health: SourceHealth,
    },
    /// A token with which a source may send.
    PutToken {
        /// The whole token as it is now, without its text.
        token: Box<SourceToken>,
    },
    /// Somebody signed in, or a session was ended.
    PutSession {
        /// The whole session as it is now.
        session: Box<Session>,
    },
    /// A link for the first account is new.
    PutSetupLink {
        /// The link.
        link: Box<SetupLink>,
    },
    /// The link for the first account is used; refused when it was used before, or is over by the time of the decision.
    UseSetupLink {
        /// SHA-256 of the token in the link, lower-case hexadecimal.
        digest: String,
    },
    /// A setting of the post.
    PutSetting {
        /// Its name.
        name: String,
        /// Its value as JSON.
        value: String,
        /// One more than the revision it was decided on; the first is 1.
        revision: u64,
    },
    /// A report is new or changed.
    PutReport {
        /// The whole report as it is now.
        report: Box<Report>,
    },
    /// A noun that the ledger keeps as all its like is new or changed: see [`crate::Kept`].
    PutNoun {
        /// The whole noun as it is now: [`Noun::of`].
        noun: Box<Noun>,
    },
    /// Controls were measured. A decision has at most one of these.
    AddMeasurements {
        /// What was found.
        measurements: Vec<Measurement>,
    },
    /// Measurements of entries that were made before a moment are forgotten.
    ForgetMeasurements {
        /// The moment.
        before: Timestamp,
    },
    /// The details of detections are forgotten whose alerts are all done with, or hidden, and were last fed before a moment. Alerts, their
    /// counts and the entries stay.
    ForgetDetections {
        /// The moment.
        before: Timestamp,
    },
    /// The journal was decided on up to here.
    AdvancePipeline {
        /// The new position.
        position: PipelinePosition,
    },
}

impl Change {
    /// Keeps a noun.
    #[must_use]
    pub fn put<T: crate::Kept>(noun: &T) -> Self {
        Self::PutNoun {
            noun: Box::new(Noun::of(noun)),
        }
    }
}

/// Something that must happen outside once the decision stands. Safe to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// Tell the configured webhook about an alert.
    AnnounceAlert {
        /// The alert.
        alert: Id<Alert>,
    },
    /// Send one message.
    Deliver {
        /// The message.
        delivery: Box<Delivery>,
    },
    /// Ask something of a device for an action.
    Enforce {
        /// The lane of the device: [`Effect::lane_of_device`].
        lane: String,
        /// The action.
        action: Id<Action>,
        /// What.
        errand: Errand,
    },
}

impl Effect {
    /// The lane of announcements.
    pub const ANNOUNCEMENTS: &'static str = "announcements";

    /// In which lane it waits: each channel has its own, so that a slow one never holds up another.
    #[must_use]
    pub fn lane(&self) -> &str {
        match self {
            Self::AnnounceAlert { .. } => Self::ANNOUNCEMENTS,
            Self::Deliver { delivery } => &delivery.channel,
            Self::Enforce { lane, .. } => lane,
        }
    }

    /// The lane of a device. No channel is called so.
    #[must_use]
    pub fn lane_of_device(device: &str) -> String {
        format!("device:{device}")
    }
}

/// What was decided, by whom, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb` (`alert.acknowledge`, `silence.create`, `triage.batch`).
    pub action: String,
    /// Why, in the actor's words, where there are any.
    pub reason: Option<String>,
    /// What changes.
    pub changes: Vec<Change>,
    /// What must happen outside.
    pub effects: Vec<Effect>,
}

/// A step that the state forbids; shown to the person who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Somebody else changed it first.
    #[error("it was changed by somebody else in the meantime")]
    Outdated,
    /// It is already so.
    #[error("it is already so")]
    AlreadySo,
    /// The step does not exist from this state.
    #[error("not possible now: {0}")]
    NotNow(Phrase),
    /// Something required is missing or out of bounds.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field of the form.
        field: &'static str,
        /// What is wrong with it.
        problem: Phrase,
    },
    /// The role does not allow it.
    #[error("not allowed for this role")]
    NotAllowed,
}

impl Rejected {
    /// The reason in words, in one language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let phrase = match self {
            Self::Outdated => Phrase::new("người khác vừa thay đổi trước", "somebody else changed it first"),
            Self::AlreadySo => Phrase::new("đã ở trạng thái đó rồi", "it is already so"),
            Self::NotNow(why) => *why,
            Self::Invalid { problem, .. } => *problem,
            Self::NotAllowed => Phrase::new("vai trò này không được phép", "this role does not allow it"),
        };
        phrase.text(language).to_owned()
    }
}
