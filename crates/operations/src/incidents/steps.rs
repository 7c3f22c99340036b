//! The steps of an incident's life: taken over, described, confirmed, contained, eradicated, recovered, closed, reopened,
//! and taken back.

use std::collections::BTreeSet;

use model::{
    AffectedAsset, AssetStanding, Criteria, Decision, Help, Incident, IncidentKind, IncidentState, Outcome, Permission,
    Phrase, Reached, Rejected, Severity, Timestamp, User,
};

use super::{CLOSED, MERGED, TOO_LONG, decided, past, put, still_open, words, worker};
use crate::Step;

const NOT_CONTAINED: Phrase = Phrase::new(
    "chưa ngăn chặn được: hãy ghi nhận ngăn chặn trước",
    "it is not contained yet: say first how it was",
);
const NOT_RECOVERED: Phrase = Phrase::new(
    "sự cố có thật chỉ kết thúc sau khi đã khôi phục",
    "a real incident is closed only once the services work again",
);
const NOT_CLOSED: Phrase = Phrase::new("sự cố chưa kết thúc", "the incident is not closed");
const BEFORE_IT_BEGAN: Phrase = Phrase::new("trước khi sự cố bắt đầu", "before the incident began");
const NOT_WORKING: Phrase = Phrase::new(
    "tài khoản này bị khoá hoặc không được xử lý sự cố",
    "that account is disabled or may not work incidents",
);
const MOVED_ON: Phrase = Phrase::new(
    "sau bước đó đã có bước khác; không hoàn tác được nữa",
    "other steps followed on that one; it cannot be taken back any more",
);
const LEVEL: Phrase = Phrase::new("cấp độ từ 1 đến 5", "levels go from 1 to 5");
const MANY: Phrase = Phrase::new("quá nhiều", "there are too many");

/// A step forward, or back from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// It is an incident.
    Confirm,
    /// It spreads no further.
    Contain,
    /// Its cause is gone.
    Eradicate,
    /// The services work again.
    Recover,
    /// It is done with.
    Close {
        /// What it was.
        outcome: Outcome,
        /// Its root cause.
        cause: String,
    },
    /// It was not done with.
    Reopen,
}

impl Advance {
    fn action(&self) -> &'static str {
        match self {
            Self::Confirm => "incident.confirm",
            Self::Contain => "incident.contain",
            Self::Eradicate => "incident.eradicate",
            Self::Recover => "incident.recover",
            Self::Close { .. } => "incident.close",
            Self::Reopen => "incident.reopen",
        }
    }
}

/// Takes a step. `at` is when it became true in the world, `how` how that is known.
///
/// # Errors
/// When the state forbids it, `how` is missing, the moment cannot be, or the role does not allow it.
pub fn advance(
    incident: &Incident,
    to: &Advance,
    at: Timestamp,
    how: &str,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    worker(step)?;
    let how = words("how", how, Incident::WORDS_BYTES_MAX, true)?;
    let at = past("at", at, step.at)?;
    if incident.began_at.is_some_and(|began| at < began) {
        return Err(Rejected::Invalid {
            field: "at",
            problem: BEFORE_IT_BEGAN,
        });
    }
    let reached = Reached {
        at,
        by: step.scope.actor().clone(),
        how: how.clone(),
    };
    let state = state_after(incident, to, reached.clone())?;
    let (changed, change) = put(incident, |incident| {
        mark(incident, to, at);
        incident.state = state;
    });
    let line = decided(&changed, to.action(), &how, &reached, step);
    Ok(step.decides(to.action(), Some(&how), vec![change, line]))
}

fn state_after(incident: &Incident, to: &Advance, reached: Reached) -> Result<IncidentState, Rejected> {
    use IncidentState as S;
    if let S::Merged { .. } = incident.state {
        return Err(Rejected::NotNow(MERGED));
    }
    match (to, &incident.state) {
        (Advance::Reopen, S::Closed { .. }) | (Advance::Confirm, S::Reported(_)) => Ok(S::Confirmed(reached)),
        (Advance::Reopen, _) => Err(Rejected::NotNow(NOT_CLOSED)),
        (_, S::Closed { .. }) => Err(Rejected::NotNow(CLOSED)),
        (Advance::Contain, S::Reported(_) | S::Confirmed(_)) => Ok(S::Contained(reached)),
        (Advance::Eradicate, S::Contained(_)) => Ok(S::Eradicated(reached)),
        (Advance::Recover, S::Contained(_) | S::Eradicated(_)) => Ok(S::Recovered(reached)),
        (Advance::Eradicate | Advance::Recover, S::Reported(_) | S::Confirmed(_)) => {
            Err(Rejected::NotNow(NOT_CONTAINED))
        }
        (Advance::Close { outcome, cause }, state) => {
            let recovered = matches!(state, S::Recovered(_));
            if *outcome == Outcome::Real && !recovered {
                return Err(Rejected::NotNow(NOT_RECOVERED));
            }
            let required = matches!(outcome, Outcome::Real | Outcome::Attempted);
            Ok(S::Closed {
                reached,
                outcome: *outcome,
                cause: words("cause", cause, Incident::WORDS_BYTES_MAX, required)?,
            })
        }
        (Advance::Confirm | Advance::Contain | Advance::Eradicate | Advance::Recover, _) => Err(Rejected::AlreadySo),
    }
}

fn mark(incident: &mut Incident, to: &Advance, at: Timestamp) {
    let marks = &mut incident.marks;
    let place = match to {
        Advance::Confirm => &mut marks.confirmed,
        Advance::Contain => {
            marks.confirmed.get_or_insert(at);
            &mut marks.contained
        }
        Advance::Eradicate => &mut marks.eradicated,
        Advance::Recover => &mut marks.recovered,
        Advance::Close { .. } => {
            // The last closing counts: whoever reopened it said that the first was wrong.
            marks.closed = Some(at);
            return;
        }
        Advance::Reopen => {
            marks.closed = None;
            return;
        }
    };
    place.get_or_insert(at);
}

/// Puts a person in charge.
///
/// # Errors
/// When it is so already, it is over, or one of the two may not work incidents.
pub fn assign(incident: &Incident, to: &User, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    still_open(incident)?;
    if !to.enabled || !to.role.allows(Permission::WorkAlerts) {
        return Err(Rejected::Invalid {
            field: "owner",
            problem: NOT_WORKING,
        });
    }
    if incident.owner == Some(to.id) {
        return Err(Rejected::AlreadySo);
    }
    let (changed, change) = put(incident, |incident| {
        incident.owner = Some(to.id);
        incident.marks.acknowledged.get_or_insert(step.at);
    });
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: String::new(),
    };
    let line = decided(&changed, "incident.assign", &to.display_name, &reached, step);
    Ok(step.decides("incident.assign", None, vec![change, line]))
}

/// Everything that people describe about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its name.
    pub title: String,
    /// What sort.
    pub kind: IncidentKind,
    /// How bad.
    pub severity: Severity,
    /// What the national plan asks.
    pub criteria: Criteria,
    /// What happened.
    pub description: String,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it was detected.
    pub detected_at: Timestamp,
    /// The affected services.
    pub services: BTreeSet<String>,
    /// Who helped.
    pub help: Help,
}

impl Edit {
    /// The description as it stands.
    #[must_use]
    pub fn of(incident: &Incident) -> Self {
        Self {
            title: incident.title.clone(),
            kind: incident.kind,
            severity: incident.severity,
            criteria: incident.criteria.clone(),
            description: incident.description.clone(),
            began_at: incident.began_at,
            detected_at: incident.detected_at,
            services: incident.services.clone(),
            help: incident.help.clone(),
        }
    }
}

/// Describes an incident anew. Also a closed one: its final report may need what was not known before.
///
/// # Errors
/// When nothing changes, a field is out of bounds, it is part of another, or the role does not allow it.
pub fn edit(incident: &Incident, edit: Edit, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    if let IncidentState::Merged { .. } = incident.state {
        return Err(Rejected::NotNow(MERGED));
    }
    let title = words("title", &edit.title, Incident::TITLE_BYTES_MAX, true)?;
    let description = words("description", &edit.description, Incident::WORDS_BYTES_MAX, false)?;
    past("detected_at", edit.detected_at, step.at)?;
    if let Some(began) = edit.began_at {
        past("began_at", began, step.at)?;
    }
    if edit
        .criteria
        .system_level
        .is_some_and(|level| !(1..=5).contains(&level))
    {
        return Err(Rejected::Invalid {
            field: "system_level",
            problem: LEVEL,
        });
    }
    words("damage", &edit.help.damage, Incident::WORDS_BYTES_MAX, false)?;
    let lists = [&edit.help.organisations, &edit.help.foreign];
    if edit.services.len() > Incident::SERVICES_MAX || lists.iter().any(|list| list.len() > Incident::SERVICES_MAX) {
        return Err(Rejected::Invalid {
            field: "services",
            problem: MANY,
        });
    }
    let mut changed = incident.clone();
    if edit.criteria.controls_alone == Some(false) {
        changed.marks.beyond_control.get_or_insert(step.at);
    }
    changed.title = title;
    changed.kind = edit.kind;
    changed.severity = edit.severity;
    changed.criteria = edit.criteria;
    changed.description = description;
    changed.began_at = edit.began_at;
    changed.detected_at = edit.detected_at;
    changed.services = edit.services;
    changed.help = edit.help;
    if changed == *incident {
        return Err(Rejected::AlreadySo);
    }
    let (_, change) = put(&changed, |_| {});
    Ok(step.decides("incident.edit", None, vec![change]))
}

/// Adds an affected asset, or changes how it stands.
///
/// # Errors
/// When its name is missing, there are too many, it is so already, or the role does not allow it.
pub fn set_asset(
    incident: &Incident,
    name: &str,
    standing: AssetStanding,
    note: &str,
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    worker(step)?;
    still_open(incident)?;
    let asset = AffectedAsset {
        name: words("name", name, 300, true)?,
        standing,
        note: words("note", note, 4_000, false)?,
    };
    let place = incident.assets.iter().position(|known| known.name == asset.name);
    if place.is_some_and(|place| incident.assets[place] == asset) {
        return Err(Rejected::AlreadySo);
    }
    if place.is_none() && incident.assets.len() >= Incident::ASSETS_MAX {
        return Err(Rejected::Invalid {
            field: "name",
            problem: TOO_LONG,
        });
    }
    let (_, change) = put(incident, |incident| match place {
        Some(place) => incident.assets[place] = asset,
        None => incident.assets.push(asset),
    });
    Ok(step.decides("incident.asset", None, vec![change]))
}

/// Takes a step back, when nobody took another since. Merging is taken back by `unmerge`.
///
/// # Errors
/// When other steps followed, incidents were merged, or the role does not allow it.
pub fn undo(
    incident: &Incident,
    (before, after): (&Incident, &Incident),
    step: Step<'_>,
) -> Result<Decision, Rejected> {
    worker(step)?;
    let merged = [before, after]
        .iter()
        .any(|incident| matches!(incident.state, IncidentState::Merged { .. }));
    if incident != after || merged || before.absorbed != after.absorbed {
        return Err(Rejected::NotNow(MOVED_ON));
    }
    let mut restored = before.clone();
    restored.revision = incident.revision;
    let (changed, change) = put(&restored, |_| {});
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: String::new(),
    };
    let line = decided(&changed, "incident.undo", changed.state.as_str(), &reached, step);
    Ok(step.decides("incident.undo", None, vec![change, line]))
}
