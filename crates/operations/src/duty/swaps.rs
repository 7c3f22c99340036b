//! Swaps: a turn is offered, and belongs to whoever takes it once they have.

use compact_str::CompactString;
use jiff::SignedDuration;
use model::{
    Change, Decision, Entropy, Id, Override, Permission, Phrase, Rejected, Swap, SwapState, Team, Timestamp, User,
};

use super::{EditRefused, Fitness, Gap, Roster, edit, on_duty, stand_ins};
use crate::Step;

const SPAN: Phrase = Phrase::new(
    "phải kết thúc sau khi bắt đầu và chưa bắt đầu",
    "must end after it begins, and not have begun",
);
const NOT_YOURS: Phrase = Phrase::new("lúc đó bạn không có ca trực này", "you do not have that turn then");
const ANSWERED: Phrase = Phrase::new("đã có người trả lời", "was answered already");
const NOT_ASKED: Phrase = Phrase::new("không mời bạn", "you were not asked");
const UNFIT: Phrase = Phrase::new(
    "lúc đó bạn đang trực, nghỉ phép hoặc chưa nghỉ đủ giữa hai ca",
    "you are on duty or away then, or would not rest enough between two turns",
);
const OVER: Phrase = Phrase::new("ca trực đã bắt đầu", "the turn has begun");
/// Longest note in characters.
const NOTE_CHARACTERS_MAX: usize = 500;

/// A turn to be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwapDraft {
    /// The position.
    pub position: CompactString,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who is asked; anybody of the team when absent.
    pub asked: Option<Id<User>>,
    /// Why.
    pub note: String,
}

/// Offers one's own turn. It stays one's own until somebody takes it.
///
/// # Errors
/// When the time is empty or has begun, or it is not one's turn.
pub fn offer_swap(
    roster: Roster<'_>,
    draft: SwapDraft,
    step: Step<'_>,
    entropy: Entropy,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let giver = step.person()?;
    let SwapDraft {
        position,
        from,
        until,
        asked,
        note,
    } = draft;
    if from >= until || from <= step.at {
        return Err(Rejected::Invalid {
            field: "from",
            problem: SPAN,
        });
    }
    if !on_duty(roster, &position, from).contains(&giver) {
        return Err(Rejected::NotNow(NOT_YOURS));
    }
    let swap = Swap {
        id: Id::born(step.at, entropy),
        team: roster.team.id,
        position,
        from,
        until,
        giver,
        asked,
        note: note.chars().take(NOTE_CHARACTERS_MAX).collect(),
        state: SwapState::Offered,
        revision: 1,
    };
    Ok(step.decides("swap.offer", Some(&swap.note), vec![Change::put(&swap)]))
}

/// Takes the turn; the roster changes with it. `rosters` are all teams of whoever takes it, `roster` that of the swap.
///
/// # Errors
/// When it was answered, one was not asked, does not fit the position, is on duty or away then, or would not rest.
pub fn accept_swap(
    swap: &Swap,
    roster: Roster<'_>,
    rosters: &[Roster<'_>],
    fitness: &dyn Fn(Id<User>) -> Fitness,
    step: Step<'_>,
) -> Result<Decision, EditRefused> {
    step.needs(Permission::WorkAlerts)?;
    let taker = step.person()?;
    offered(swap)?;
    if swap.from <= step.at {
        return Err(Rejected::NotNow(OVER).into());
    }
    let team: &Team = roster.team;
    let asked = swap
        .asked
        .map_or_else(|| team.everybody().contains(&taker), |asked| asked == taker);
    if !asked || taker == swap.giver {
        return Err(Rejected::NotNow(NOT_ASKED).into());
    }
    let turn = Gap {
        position: swap.position.clone(),
        from: swap.from,
        until: swap.until,
        missing: 1,
    };
    let rest = SignedDuration::from_hours(i64::from(team.rest_hours));
    if stand_ins(&turn, &[taker], rosters, rest).is_empty() {
        return Err(Rejected::NotNow(UNFIT).into());
    }
    let over = Override {
        position: swap.position.clone(),
        from: swap.from,
        until: swap.until,
        instead_of: Some(swap.giver),
        person: Some(taker),
    };
    let team = edit::with_override(team, over, fitness, step.at)?;
    let state = SwapState::Accepted { at: step.at, by: taker };
    let changes = vec![Change::put(&answered(swap, state)), Change::put(&team)];
    Ok(step.decides("swap.accept", None, changes))
}

/// Says no to a swap that one was asked for by name.
///
/// # Errors
/// When it was answered, or somebody else was asked.
pub fn decline_swap(swap: &Swap, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    let by = step.person()?;
    offered(swap)?;
    if swap.asked != Some(by) {
        return Err(Rejected::NotNow(NOT_ASKED));
    }
    let state = SwapState::Declined { at: step.at, by };
    Ok(step.decides("swap.decline", None, vec![Change::put(&answered(swap, state))]))
}

/// Keeps the turn after all.
///
/// # Errors
/// When it was answered, or is somebody else's.
pub fn withdraw_swap(swap: &Swap, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WorkAlerts)?;
    offered(swap)?;
    if step.person()? != swap.giver {
        return Err(Rejected::NotAllowed);
    }
    let state = SwapState::Withdrawn { at: step.at };
    Ok(step.decides("swap.withdraw", None, vec![Change::put(&answered(swap, state))]))
}

fn offered(swap: &Swap) -> Result<(), Rejected> {
    if swap.state == SwapState::Offered {
        Ok(())
    } else {
        Err(Rejected::NotNow(ANSWERED))
    }
}

fn answered(swap: &Swap, state: SwapState) -> Swap {
    Swap {
        state,
        revision: swap.revision + 1,
        ..swap.clone()
    }
}
