//! Making, extending and ending silences, and counting what they hid.

use jiff::SignedDuration;
use model::{
    Change, Decision, Entity, EntityKind, Entropy, Id, Notice, Permission, Phrase, Rejected, RuleLevel, Silence,
    SilenceReason, SilenceScope, SilenceState, SourceId, Timestamp,
};

use super::{
    COMMENT_BYTES_MAX, DAYS_MAX, FIELDS_MAX, MAINTENANCE_DAYS_MAX, OUTGROWN, OUTGROWN_MIN, OUTGROWN_TIMES,
    OUTGROWN_TITLE, coverage::in_force,
};
use crate::Step;

const TOO_WIDE: Phrase = Phrase::new(
    "phải giới hạn theo luật hoặc theo đối tượng",
    "it must be limited to a rule or to an entity",
);
const TOO_MANY_FIELDS: Phrase = Phrase::new("quá nhiều trường", "too many fields");
const COMMENT_MISSING: Phrase = Phrase::new("hãy ghi lý do", "say why");
const COMMENT_LONG: Phrase = Phrase::new("lý do quá dài", "the reason is too long");
const IN_THE_PAST: Phrase = Phrase::new("thời hạn phải ở tương lai", "it must end in the future");
const TOO_LONG: Phrase = Phrase::new(
    "thời hạn quá xa: tối đa 365 ngày, riêng bảo trì 14 ngày",
    "it ends too late: at most 365 days from now, 14 days for planned work",
);
const NOT_LATER: Phrase = Phrase::new(
    "thời hạn mới không muộn hơn thời hạn cũ",
    "the new end is not later than the old one",
);
const MOVED_ON: Phrase = Phrase::new(
    "sau bước đó đã có bước khác; không hoàn tác được nữa",
    "other steps followed on that one; it cannot be taken back any more",
);
const OVER: Phrase = Phrase::new("lệnh tạm ẩn này đã hết hiệu lực", "the silence is over");

/// A silence as its author fills it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What it covers.
    pub scope: SilenceScope,
    /// What sort of reason there is.
    pub reason: SilenceReason,
    /// The reason in words.
    pub comment: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// What its preview expects, a day (see [`super::Preview::per_day`]).
    pub expected_per_day: f64,
}

/// Makes a silence; its author answers for it.
///
/// # Errors
/// When the scope is too wide, the comment is missing, the end is out of bounds, or the role does not allow it.
pub fn create(draft: Draft, step: Step<'_>, entropy: Entropy) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSilences)?;
    let owner = step.person()?;
    let invalid = |field, problem| Err(Rejected::Invalid { field, problem });
    if draft.scope.rule.is_none() && draft.scope.entity.is_none() {
        return invalid("scope", TOO_WIDE);
    }
    if draft.scope.fields.len() > FIELDS_MAX {
        return invalid("fields", TOO_MANY_FIELDS);
    }
    check_comment(&draft.comment)?;
    check_end(draft.reason, draft.expires_at, step.at)?;
    let silence = Silence {
        id: Id::born(step.at, entropy),
        scope: draft.scope,
        reason: draft.reason,
        comment: draft.comment.trim().to_owned(),
        owner,
        created_at: step.at,
        expires_at: draft.expires_at,
        state: SilenceState::Active,
        expected_per_day: draft.expected_per_day,
        hidden: 0,
        hidden_that_day: 0,
        last_hidden_at: None,
        revision: 1,
    };
    let comment = silence.comment.clone();
    Ok(step.decides("silence.create", Some(&comment), vec![put(silence)]))
}

/// Moves the end of a silence to a later time.
///
/// # Errors
/// When it is over, the new end is not later or out of bounds, the reason is missing, or the role does not allow it.
pub fn extend(silence: &Silence, until: Timestamp, why: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSilences)?;
    step.person()?;
    if !in_force(silence, step.at) {
        return Err(Rejected::NotNow(OVER));
    }
    if until <= silence.expires_at {
        return Err(Rejected::Invalid {
            field: "expires_at",
            problem: NOT_LATER,
        });
    }
    check_comment(why)?;
    check_end(silence.reason, until, step.at)?;
    let mut extended = silence.clone();
    extended.expires_at = until;
    extended.revision += 1;
    Ok(step.decides("silence.extend", Some(why), vec![put(extended)]))
}

/// Ends a silence before its time.
///
/// # Errors
/// When it is over already, or the role does not allow it.
pub fn end(silence: &Silence, why: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSilences)?;
    let by = step.person()?;
    if !in_force(silence, step.at) {
        return Err(Rejected::NotNow(OVER));
    }
    let mut ended = silence.clone();
    ended.state = SilenceState::Ended { at: step.at, by };
    ended.revision += 1;
    Ok(step.decides("silence.end", Some(why), vec![put(ended)]))
}

/// Takes back a step with a silence: its state and its end become what they were `before` it; one that was just made ends.
/// What it hid since stays counted. `change` is the silence before and after the step.
///
/// # Errors
/// When other steps followed on that one, or the role does not allow it.
pub fn undo(
    silence: &Silence,
    (before, after): (Option<&Silence>, &Silence),
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteSilences)?;
    let by = step.person()?;
    if silence.state != after.state || silence.expires_at != after.expires_at {
        return Err(Rejected::NotNow(MOVED_ON));
    }
    let mut undone = silence.clone();
    (undone.state, undone.expires_at) = match before {
        Some(before) => (before.state.clone(), before.expires_at),
        None => (SilenceState::Ended { at: step.at, by }, silence.expires_at),
    };
    undone.revision += 1;
    Ok(step.decides("silence.undo", None, vec![put(undone)]))
}

/// Counts what silences hid (silence, how many, when the last of them happened), and reports those that have outgrown what
/// they were made for: they hide [`OUTGROWN_TIMES`] as much in a day as their preview expected.
#[must_use]
pub fn hid(
    silences: &[Silence],
    hidden: &[(Id<Silence>, u64, Timestamp)],
    now: Timestamp,
) -> (Vec<Change>, Vec<Notice>) {
    let mut changes = Vec::new();
    let mut notices = Vec::new();
    for (id, count, last) in hidden {
        let Some(silence) = silences.iter().find(|silence| silence.id == *id) else {
            continue;
        };
        let mut counted = silence.clone();
        let same_day = counted.last_hidden_at.is_some_and(|before| day(before) == day(*last));
        let before = if same_day { counted.hidden_that_day } else { 0 };
        counted.hidden += count;
        counted.hidden_that_day = before + count;
        counted.last_hidden_at = Some(counted.last_hidden_at.map_or(*last, |before| before.max(*last)));
        counted.revision += 1;
        if outgrown(&counted) && !(same_day && outgrown(silence)) {
            notices.push(outgrown_notice(&counted, now));
        }
        changes.push(put(counted));
    }
    (changes, notices)
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(24 * 3600)
}

/// Whether a silence hides far more than its preview expected.
#[must_use]
pub fn outgrown(silence: &Silence) -> bool {
    let hidden = f64::from(u32::try_from(silence.hidden_that_day).unwrap_or(u32::MAX));
    silence.hidden_that_day >= OUTGROWN_MIN && hidden > OUTGROWN_TIMES * silence.expected_per_day
}

fn outgrown_notice(silence: &Silence, now: Timestamp) -> Notice {
    Notice {
        rule: OUTGROWN,
        title: OUTGROWN_TITLE,
        level: RuleLevel::Medium,
        entity: Entity {
            kind: EntityKind::Silence,
            name: silence.id.to_string().into(),
        },
        source: SourceId::new("watchpost"),
        summary: format!(
            "{} · {}/24h · ≈ {:.0}/24h",
            silence.comment, silence.hidden_that_day, silence.expected_per_day
        ),
        since: now,
    }
}

fn check_comment(comment: &str) -> Result<(), Rejected> {
    let comment = comment.trim();
    let problem = if comment.is_empty() {
        COMMENT_MISSING
    } else if comment.len() > COMMENT_BYTES_MAX {
        COMMENT_LONG
    } else {
        return Ok(());
    };
    Err(Rejected::Invalid {
        field: "comment",
        problem,
    })
}

fn check_end(reason: SilenceReason, end: Timestamp, now: Timestamp) -> Result<(), Rejected> {
    let days_max = match reason {
        SilenceReason::FalsePositive | SilenceReason::AcceptedRisk => DAYS_MAX,
        SilenceReason::Maintenance => MAINTENANCE_DAYS_MAX,
    };
    let problem = if end <= now {
        IN_THE_PAST
    } else if end.duration_since(now) > SignedDuration::from_hours(24 * days_max) {
        TOO_LONG
    } else {
        return Ok(());
    };
    Err(Rejected::Invalid {
        field: "expires_at",
        problem,
    })
}

fn put(silence: Silence) -> Change {
    Change::PutSilence {
        silence: Box::new(silence),
    }
}
