//! A team's roster, made and changed by one editor at a time: the second is told.

use compact_str::CompactString;
use model::{
    Change, Decision, Entropy, EscalationPolicy, Id, Override, Permission, Phrase, Position, Rejected, Rotation,
    RuleLevel, Team, Timestamp, User,
};

use crate::Step;

const NAME: Phrase = Phrase::new(
    "cần tên, không quá 200 ký tự",
    "is needed, and at most 200 characters long",
);
const POSITIONS: Phrase = Phrase::new(
    "cần ít nhất một vị trí; mã gồm chữ thường, chữ số, gạch ngang và không trùng nhau",
    "needs at least one; keys are lower-case letters, digits and dashes, each used once",
);
const ROTATION: Phrase = Phrase::new(
    "có phiên trực thuộc vị trí không có trong đội",
    "has a rotation of a position that the team does not have",
);
const TIMES: Phrase = Phrase::new(
    "giờ đổi ca phải tăng dần và không trùng nhau",
    "must have ascending times of hand-over, each once",
);
const DAYS: Phrase = Phrase::new(
    "số ngày mỗi lượt phải từ 1 đến 366; ngày kết thúc không trước ngày bắt đầu",
    "must change every 1 to 366 days, and not end before it begins",
);
const FULL: Phrase = Phrase::new("quá nhiều mục", "has too many entries");
const SPAN: Phrase = Phrase::new("phải kết thúc sau khi bắt đầu", "must end after it begins");
const NO_SUCH: Phrase = Phrase::new("không còn ở đó", "is no longer there");
const NO_POSITION: Phrase = Phrase::new("đội không có vị trí này", "is no position of the team");
const UNREACHABLE: Phrase = Phrase::new(
    "người này chưa có hai kênh liên lạc đã được xác nhận, nên không giữ được vị trí chính",
    "has not two proven channels and cannot hold a primary position",
);
const UNSKILLED: Phrase = Phrase::new(
    "người này chưa có kỹ năng mà vị trí yêu cầu",
    "lacks a skill that the position asks for",
);

/// Longest key of a position in bytes.
const KEY_BYTES_MAX: usize = 40;

/// A roster as somebody wants it. Overrides are changed one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamDraft {
    /// The name that people read.
    pub name: String,
    /// The zone of its hand-over times; the caller has made sure that it exists.
    pub zone: String,
    /// What must be filled.
    pub positions: Vec<Position>,
    /// What fills it.
    pub rotations: Vec<Rotation>,
    /// Who else may stand in.
    pub members: Vec<Id<User>>,
    /// The rest between two turns.
    pub rest_hours: u16,
    /// How its people are paged.
    pub policy: Option<Id<EscalationPolicy>>,
    /// From which level on alerts page them.
    pub alerts_from: Option<RuleLevel>,
}

/// What is known of a person who is to hold a position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fitness {
    /// Whether two of their channels are proven.
    pub reachable: bool,
    /// What they can do.
    pub skills: Vec<CompactString>,
}

/// Why a roster is not taken, and because of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRefused {
    /// Why.
    pub why: Rejected,
    /// The person who does not fit, where it is one.
    pub person: Option<Id<User>>,
}

impl From<Rejected> for EditRefused {
    fn from(why: Rejected) -> Self {
        Self { why, person: None }
    }
}

/// Makes a team (`standing` absent), or changes one that the editor saw as revision `seen`. Whoever comes into a position must fit
/// it; who holds it already stays, and is shown where they no longer do.
///
/// # Errors
/// When somebody else changed it meanwhile, something is out of bounds, or somebody does not fit.
pub fn edit_team(
    standing: Option<&Team>,
    seen: u64,
    draft: TeamDraft,
    fitness: &dyn Fn(Id<User>) -> Fitness,
    (step, entropy): (Step<'_>, Entropy),
) -> Result<Decision, EditRefused> {
    step.needs(Permission::WriteDuty)?;
    if standing.map_or(0, |standing| standing.revision) != seen {
        return Err(Rejected::Outdated.into());
    }
    check(&draft)?;
    for rotation in &draft.rotations {
        let position = draft
            .positions
            .iter()
            .find(|position| position.key == rotation.position);
        let position = position.ok_or(invalid("rotations", ROTATION))?;
        for person in &rotation.people {
            if !held_before(standing, position, *person) {
                fits(position, *person, fitness)?;
            }
        }
    }
    let TeamDraft {
        name,
        zone,
        positions,
        rotations,
        members,
        rest_hours,
        policy,
        alerts_from,
    } = draft;
    let team = Team {
        id: standing.map_or_else(|| Id::born(step.at, entropy), |team| team.id),
        name: name.trim().to_owned(),
        zone,
        positions,
        rotations,
        overrides: standing.map(|team| team.overrides.clone()).unwrap_or_default(),
        members,
        rest_hours,
        policy,
        alerts_from,
        revision: seen + 1,
    };
    let action = if seen == 0 { "roster.create" } else { "roster.change" };
    Ok(step.decides(action, None, vec![Change::put(&team)]))
}

/// Puts somebody else on duty for a while, or nobody.
///
/// # Errors
/// When somebody else changed the roster meanwhile, the time is empty, or the person does not fit.
pub fn add_override(
    team: &Team,
    seen: u64,
    over: Override,
    fitness: &dyn Fn(Id<User>) -> Fitness,
    (step, reason): (Step<'_>, &str),
) -> Result<Decision, EditRefused> {
    step.needs(Permission::WriteDuty)?;
    if team.revision != seen {
        return Err(Rejected::Outdated.into());
    }
    let changed = with_override(team, over, fitness, step.at)?;
    Ok(step.decides("roster.override", Some(reason), vec![Change::put(&changed)]))
}

/// Takes an override back: it ends now, or is dropped when it has not begun.
///
/// # Errors
/// When somebody else changed the roster meanwhile, or there is none at that place.
pub fn end_override(team: &Team, seen: u64, place: usize, step: Step<'_>) -> Result<Decision, Rejected> {
    step.needs(Permission::WriteDuty)?;
    if team.revision != seen {
        return Err(Rejected::Outdated);
    }
    let mut changed = Team {
        revision: team.revision + 1,
        ..team.clone()
    };
    let over = changed.overrides.get_mut(place).ok_or(Rejected::NotNow(NO_SUCH))?;
    if over.until <= step.at {
        return Err(Rejected::AlreadySo);
    }
    if over.from < step.at {
        over.until = step.at;
    } else {
        changed.overrides.remove(place);
    }
    Ok(step.decides("roster.end_override", None, vec![Change::put(&changed)]))
}

/// The team with one override more; the oldest that is over makes room.
pub(super) fn with_override(
    team: &Team,
    over: Override,
    fitness: &dyn Fn(Id<User>) -> Fitness,
    now: Timestamp,
) -> Result<Team, EditRefused> {
    if over.from >= over.until {
        return Err(invalid("until", SPAN).into());
    }
    let position = team.position(&over.position).ok_or(invalid("position", NO_POSITION))?;
    if let Some(person) = over.person {
        fits(position, person, fitness)?;
    }
    let mut changed = Team {
        revision: team.revision + 1,
        ..team.clone()
    };
    if changed.overrides.len() >= Team::OVERRIDES_MAX {
        let past = changed.overrides.iter().position(|over| over.until <= now);
        changed.overrides.remove(past.ok_or(invalid("overrides", FULL))?);
    }
    changed.overrides.push(over);
    Ok(changed)
}

fn fits(position: &Position, person: Id<User>, fitness: &dyn Fn(Id<User>) -> Fitness) -> Result<(), EditRefused> {
    if !position.primary && position.skills.is_empty() {
        return Ok(());
    }
    let known = fitness(person);
    let refused = |problem| EditRefused {
        why: invalid("people", problem),
        person: Some(person),
    };
    if position.primary && !known.reachable {
        return Err(refused(UNREACHABLE));
    }
    if !position.skills.iter().all(|skill| known.skills.contains(skill)) {
        return Err(refused(UNSKILLED));
    }
    Ok(())
}

/// Whether the person had a turn in the position before, and the position asked for no more than now.
fn held_before(standing: Option<&Team>, position: &Position, person: Id<User>) -> bool {
    standing.is_some_and(|team| {
        let same = team.position(&position.key).is_some_and(|before| {
            before.primary >= position.primary && position.skills.iter().all(|skill| before.skills.contains(skill))
        });
        let mut rotations = team.rotations.iter();
        same && rotations.any(|rotation| rotation.position == position.key && rotation.people.contains(&person))
    })
}

fn check(draft: &TeamDraft) -> Result<(), Rejected> {
    let name = draft.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(invalid("name", NAME));
    }
    let parts = [draft.positions.len(), draft.rotations.len(), draft.members.len()];
    let longest = draft
        .rotations
        .iter()
        .map(|rotation| rotation.people.len().max(rotation.hand_over_at.len()));
    if parts.into_iter().chain(longest).any(|count| count > Team::PARTS_MAX) {
        return Err(invalid("positions", FULL));
    }
    let mut keys: Vec<&str> = draft.positions.iter().map(|position| position.key.as_str()).collect();
    let written = |key: &&str| {
        (1..=KEY_BYTES_MAX).contains(&key.len())
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let count = keys.len();
    let well_written = keys.iter().all(written);
    keys.sort_unstable();
    keys.dedup();
    if count == 0 || keys.len() != count || !well_written {
        return Err(invalid("positions", POSITIONS));
    }
    for rotation in &draft.rotations {
        check_rotation(rotation)?;
    }
    Ok(())
}

fn check_rotation(rotation: &Rotation) -> Result<(), Rejected> {
    let times = &rotation.hand_over_at;
    if times.is_empty() || times.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(invalid("hand_over_at", TIMES));
    }
    let backwards = rotation.ends_on.is_some_and(|end| end < rotation.begins_on);
    if !(1..=366).contains(&rotation.every_days) || backwards {
        return Err(invalid("every_days", DAYS));
    }
    Ok(())
}

fn invalid(field: &'static str, problem: Phrase) -> Rejected {
    Rejected::Invalid { field, problem }
}
