//! What the post does to devices, and the plans by which it does so: who may ask, who must agree to exactly what, when it ends, what is
//! taken back in which order. Decides only; devices are reached by whoever carries the effects out.

mod actions;
mod dispatch;
mod plans;
mod protection;
mod runbook;
mod runs;
mod settle;

use model::{Id, LiftReason, Phrase, Timestamp, Unapproved};

pub use cacao::{ExecutionState, Identifier, Order, Playbook, StepKind};

pub use actions::{
    Asked, approve, asked_in_run, break_glass, call_off, confirm, expire, lift, needed, request, review, unapproved,
};
pub use dispatch::{DeviceInfo, Task, Work, work_of};
pub use plans::{StoredPlan, plan_key};
pub use protection::{Guard, Protected, Protection};
pub use runbook::{RunbookStep, UndoWord, filled, in_language, phase_words, runbook, step_name, step_text};
pub use runs::{
    Advancing, ManualResult, PlanRun, RunStart, StepNote, Undoing, advance, finish_by_hand, replay, start, stop, undo,
    woken,
};
pub use settle::{Answered, applied, failed, lifted, planned, restored, void};

/// What the organisation decided about acting.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How many people agree to an action for which nothing else says so; 0 means that nobody needs to.
    pub quorum: u32,
    /// Whether whoever asked may agree as well.
    pub requester_may_approve: bool,
    /// How long an action lasts when nothing is said, in seconds.
    pub lasts_seconds: Option<u64>,
    /// What must not be touched, or only when more people agree.
    pub protection: Protection,
    /// Who is called when glass is broken: channel and address.
    pub head_of_unit: Vec<(String, String)>,
}

/// Why something was not decided, for the person who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state or the role forbids it.
    #[error(transparent)]
    Rejected(#[from] model::Rejected),
    /// It would touch what must not be touched.
    #[error("{element} is protected: {what}")]
    Protected {
        /// The address or name.
        element: String,
        /// What it is to the post.
        what: String,
    },
    /// An address or name that is none.
    #[error("{0}")]
    NotAnElement(String),
    /// The plan cannot be started so.
    #[error(transparent)]
    Start(#[from] cacao::StartError),
    /// The step cannot be finished so.
    #[error(transparent)]
    Finish(#[from] cacao::FinishError),
}

impl Refusal {
    /// The reason in words, in one language.
    #[must_use]
    pub fn text(&self, language: model::Language) -> String {
        let vi = language == model::Language::Vi;
        match self {
            Self::Rejected(rejected) => rejected.text(language),
            Self::Protected { element, what } if vi => {
                format!("{element} được bảo vệ: {}", in_language(what, " / ", language))
            }
            Self::Protected { element, what } => {
                format!("{element} is protected: {}", in_language(what, " / ", language))
            }
            Self::NotAnElement(text) if vi => format!("không phải địa chỉ hay tên miền: {text}"),
            Self::Start(_) if vi => format!("kế hoạch chưa thể bắt đầu: {self}"),
            Self::Finish(_) if vi => format!("bước này chưa thể kết thúc: {self}"),
            Self::NotAnElement(_) | Self::Start(_) | Self::Finish(_) => self.to_string(),
        }
    }
}

/// Why an action is taken back, in words.
#[must_use]
pub fn lift_words(why: &LiftReason) -> Phrase {
    match why {
        LiftReason::Expired => Phrase::new("hết hạn", "expired"),
        LiftReason::Asked { .. } => Phrase::new("theo yêu cầu", "on request"),
        LiftReason::RunUndone => Phrase::new("hoàn tác kế hoạch", "its plan is undone"),
    }
}

/// What happens to an action that nobody agreed to in time, in words.
#[must_use]
pub const fn unapproved_words(then: Unapproved) -> Phrase {
    match then {
        Unapproved::Wait => Phrase::new("chờ tiếp", "goes on waiting"),
        Unapproved::Refuse => Phrase::new("bị từ chối", "is refused"),
        Unapproved::BreakGlass => Phrase::new(
            "vẫn thực hiện, gọi thủ trưởng, phải xem xét lại",
            "is done, the head of unit is called, and it must be reviewed",
        ),
    }
}

/// A moment some seconds later; the latest there is when that is too far.
fn later(at: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(at.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}

/// An id that is the same whenever it is made of the same parts: what is ordered twice has one identity.
fn derived<T>(parts: &[&str]) -> Id<T> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest[..16]);
    Id::from_bits(u128::from_be_bytes(bits))
}

#[cfg(test)]
mod tests;
