//! Handing over: outgoing signs, incoming signs or refuses with a reason. What it says was gathered from the ledger by the caller.

use model::{
    Change, Decision, Entropy, Handover, HandoverSection, HandoverState, Id, Occasion, Permission, Phrase, Rejected,
    Team, Timestamp, User,
};

use crate::Step;

const NOT_YOURS: Phrase = Phrase::new("không phải việc bàn giao của bạn", "it is not yours to sign");
const SIGNED: Phrase = Phrase::new("đã ký rồi", "it is signed already");
const UNSIGNED: Phrase = Phrase::new("người bàn giao chưa ký", "the outgoing person has not signed");
const REASON: Phrase = Phrase::new("cần lý do từ chối", "is needed to refuse");
const NOBODY: Phrase = Phrase::new(
    "cần người nhận ca khác với người giao",
    "must be somebody else than who hands over",
);

/// A handover to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverDraft {
    /// The team.
    pub team: Id<Team>,
    /// What it is for.
    pub occasion: Occasion,
    /// From when on it tells.
    pub since: Timestamp,
    /// Who takes over.
    pub to: Option<Id<User>>,
    /// What the ledger has.
    pub sections: Vec<HandoverSection>,
}

/// Makes a handover of one's own shift, or the report of a day.
///
/// # Errors
/// When a shift is handed to nobody or to oneself.
pub fn begin_handover(draft: HandoverDraft, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let from = step.person()?;
    let HandoverDraft {
        team,
        occasion,
        since,
        to,
        sections,
    } = draft;
    if occasion == Occasion::Shift && to.is_none_or(|to| to == from) {
        return Err(Rejected::Invalid {
            field: "to",
            problem: NOBODY,
        });
    }
    let handover = Handover {
        id: Id::born(step.at, entropy),
        team,
        occasion,
        made_at: step.at,
        since,
        from,
        to: to.filter(|_| occasion == Occasion::Shift),
        sections,
        remarks: String::new(),
        state: HandoverState::Draft,
        revision: 1,
    };
    Ok(step.decides("handover.begin", None, vec![Change::put(&handover)]))
}

/// Signs as the outgoing person, with one's remarks.
///
/// # Errors
/// When it is somebody else's or signed already.
pub fn sign_handover(handover: &Handover, remarks: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    if step.person()? != handover.from {
        return Err(Rejected::NotNow(NOT_YOURS));
    }
    match handover.state {
        HandoverState::Draft | HandoverState::Refused { .. } => {}
        HandoverState::Signed { .. } | HandoverState::Accepted { .. } => return Err(Rejected::NotNow(SIGNED)),
    }
    let signed = Handover {
        remarks: words(remarks),
        state: HandoverState::Signed { at: step.at },
        revision: handover.revision + 1,
        ..handover.clone()
    };
    Ok(step.decides("handover.sign", None, vec![Change::put(&signed)]))
}

/// Takes over as the incoming person, or refuses with a reason. Taking over also takes the acknowledgements of the outgoing person,
/// which the caller adds.
///
/// # Errors
/// When it is not signed, somebody else takes over, or a refusal has no reason.
pub fn answer_handover(handover: &Handover, refusal: Option<&str>, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    if handover.to != Some(step.person()?) {
        return Err(Rejected::NotNow(NOT_YOURS));
    }
    let signed_at = match handover.state {
        HandoverState::Signed { at } => at,
        HandoverState::Draft | HandoverState::Refused { .. } => return Err(Rejected::NotNow(UNSIGNED)),
        HandoverState::Accepted { .. } => return Err(Rejected::NotNow(SIGNED)),
    };
    let (action, state) = match refusal.map(str::trim) {
        None => ("handover.accept", HandoverState::Accepted { signed_at, at: step.at }),
        Some("") => {
            return Err(Rejected::Invalid {
                field: "reason",
                problem: REASON,
            });
        }
        Some(reason) => (
            "handover.refuse",
            HandoverState::Refused {
                at: step.at,
                reason: words(reason),
            },
        ),
    };
    let answered = Handover {
        state,
        revision: handover.revision + 1,
        ..handover.clone()
    };
    Ok(step.decides(action, refusal, vec![Change::put(&answered)]))
}

fn words(text: &str) -> String {
    text.trim().chars().take(Handover::WORDS_MAX).collect()
}
