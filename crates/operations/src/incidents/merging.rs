//! Merging and splitting incidents. What hangs on an incident never moves when it is merged: the incident that goes on lists
//! those it took in, and shows what hangs on all of them; so a merge is one small decision and is taken back exactly.
//! Splitting moves what was chosen, each thing to one incident.

use std::collections::BTreeSet;

use model::{
    AlertLink, Change, Decision, Entropy, Evidence, Id, Incident, IncidentNote, IncidentOrigin, IncidentState,
    IncidentTask, Kept, Observable, Phrase, Reached, Rejected, TimelineEntry,
};

use super::{
    decided,
    open::{Draft, Links, Numbering, Opened, open},
    put, still_open, words, worker,
};
use crate::Step;

/// Most things that one split moves.
pub const SPLIT_MAX: usize = 5_000;

const ITSELF: Phrase = Phrase::new(
    "không thể nhập một sự cố vào chính nó",
    "an incident cannot go on as part of itself",
);
const MIXED: Phrase = Phrase::new(
    "không trộn diễn tập với sự cố thật",
    "a rehearsal and a real incident do not mix",
);
const TOO_MANY: Phrase = Phrase::new(
    "quá nhiều sự cố được nhập chung",
    "too many incidents would go on as one",
);
const NOT_MERGED: Phrase = Phrase::new(
    "sự cố này chưa được nhập vào sự cố kia",
    "it is not part of that incident",
);
const NOTHING: Phrase = Phrase::new("hãy chọn những gì cần tách", "choose what is to be split off");
const MUCH: Phrase = Phrase::new("quá nhiều mục cho một lần tách", "too much to split off at once");
const ELSEWHERE: Phrase = Phrase::new(
    "có mục không thuộc sự cố này",
    "something chosen does not belong to this incident",
);

/// Two incidents, each with how many incidents it already stands for (itself included).
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The one that goes on.
    pub target: &'a Incident,
    /// For how many it stands.
    pub target_family: usize,
    /// The one that goes on as part of it.
    pub source: &'a Incident,
    /// For how many it stands.
    pub source_family: usize,
}

/// An incident and all that it took in, itself first. `find` reads one by its id.
///
/// # Errors
/// What `find` ran into.
pub fn family<E>(
    root: &Incident,
    mut find: impl FnMut(Id<Incident>) -> Result<Option<Incident>, E>,
) -> Result<Vec<Incident>, E> {
    let mut members = vec![root.clone()];
    let mut known: BTreeSet<Id<Incident>> = BTreeSet::from([root.id]);
    let mut at = 0;
    while at < members.len() && members.len() <= Incident::ABSORBED_MAX {
        for id in members[at].absorbed.clone() {
            if known.insert(id)
                && let Some(incident) = find(id)?
            {
                members.push(incident);
            }
        }
        at += 1;
    }
    Ok(members)
}

/// Lets one incident go on as part of another.
///
/// # Errors
/// When they are the same, one is over, one is a rehearsal, too many would go on as one, or the role does not allow it.
pub fn merge(pair: Pair<'_>, why: &str, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    let (target, source) = (pair.target, pair.source);
    let why = words("why", why, Incident::WORDS_BYTES_MAX, false)?;
    still_open(target)?;
    still_open(source)?;
    if target.id == source.id {
        return Err(Rejected::NotNow(ITSELF));
    }
    if target.exercise != source.exercise {
        return Err(Rejected::NotNow(MIXED));
    }
    if pair.target_family + pair.source_family > Incident::ABSORBED_MAX {
        return Err(Rejected::NotNow(TOO_MANY));
    }
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: why.clone(),
    };
    let (target, put_target) = put(target, |target| target.absorbed.push(source.id));
    let (source, put_source) = put(source, |source| {
        source.state = IncidentState::Merged {
            reached: reached.clone(),
            into: target.id,
            before: Box::new(source.state.clone()),
        };
    });
    let lines = [
        decided(
            &target,
            "incident.merge",
            &format!("{} {}", source.number, source.title),
            &reached,
            step,
        ),
        decided(&source, "incident.merge", &target.number, &reached, step),
    ];
    let changes = [put_target, put_source].into_iter().chain(lines).collect();
    Ok(step.decides("incident.merge", Some(&why), changes))
}

/// Takes a merge back: the incident stands for itself again, where it stood.
///
/// # Errors
/// When it is not part of that incident, or the role does not allow it.
pub fn unmerge(target: &Incident, source: &Incident, step: Step<'_>) -> Result<Decision, Rejected> {
    worker(step)?;
    let before = match &source.state {
        IncidentState::Merged { into, before, .. } if *into == target.id => before.as_ref().clone(),
        IncidentState::Merged { .. }
        | IncidentState::Reported(_)
        | IncidentState::Confirmed(_)
        | IncidentState::Contained(_)
        | IncidentState::Eradicated(_)
        | IncidentState::Recovered(_)
        | IncidentState::Closed { .. } => return Err(Rejected::NotNow(NOT_MERGED)),
    };
    let reached = Reached {
        at: step.at,
        by: step.scope.actor().clone(),
        how: String::new(),
    };
    let (target, put_target) = put(target, |target| target.absorbed.retain(|id| *id != source.id));
    let (source, put_source) = put(source, |source| source.state = before);
    let lines = [
        decided(&target, "incident.unmerge", &source.number, &reached, step),
        decided(&source, "incident.unmerge", &target.number, &reached, step),
    ];
    let changes = [put_target, put_source].into_iter().chain(lines).collect();
    Ok(step.decides("incident.unmerge", None, changes))
}

/// What is to be split off.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Alerts.
    pub links: Vec<AlertLink>,
    /// Entries of the timeline; those of the chosen alerts are given here too.
    pub entries: Vec<TimelineEntry>,
    /// Observables.
    pub observables: Vec<Observable>,
    /// Tasks.
    pub tasks: Vec<IncidentTask>,
    /// Notes.
    pub notes: Vec<IncidentNote>,
    /// Evidence.
    pub evidence: Vec<Evidence>,
}

impl Chosen {
    fn count(&self) -> usize {
        self.links.len()
            + self.entries.len()
            + self.observables.len()
            + self.tasks.len()
            + self.notes.len()
            + self.evidence.len()
    }

    /// Where each thing hangs.
    fn places(&self) -> impl Iterator<Item = Option<Id<Incident>>> + '_ {
        self.links
            .iter()
            .map(|link| link.incident)
            .chain(self.entries.iter().map(|entry| Some(entry.incident)))
            .chain(self.observables.iter().map(|observable| Some(observable.incident)))
            .chain(self.tasks.iter().map(|task| Some(task.incident)))
            .chain(self.notes.iter().map(|note| Some(note.incident)))
            .chain(self.evidence.iter().map(|evidence| evidence.incident))
    }

    /// Each thing once, hanging on another incident.
    fn moved(&self, to: Id<Incident>) -> Vec<Change> {
        let mut changes = Vec::with_capacity(self.count());
        each(&self.links, &mut changes, |link| {
            (link.incident, link.revision) = (Some(to), link.revision + 1);
        });
        each(&self.entries, &mut changes, |entry| {
            (entry.incident, entry.revision) = (to, entry.revision + 1);
        });
        each(&self.observables, &mut changes, |known| {
            (known.incident, known.revision) = (to, known.revision + 1);
        });
        each(&self.tasks, &mut changes, |task| {
            (task.incident, task.revision) = (to, task.revision + 1);
        });
        each(&self.notes, &mut changes, |note| {
            (note.incident, note.revision) = (to, note.revision + 1);
        });
        each(&self.evidence, &mut changes, |kept| {
            (kept.incident, kept.revision) = (Some(to), kept.revision + 1);
        });
        changes
    }
}

/// Splits off what was chosen into an incident of its own. Taking it back is merging the new one into the old.
///
/// # Errors
/// When nothing or too much is chosen, something hangs on another incident, the incident is over, or the role does not allow it.
pub fn split(
    members: &[Incident],
    chosen: &Chosen,
    title: &str,
    numbering: Numbering<'_>,
    (step, entropy): (Step<'_>, Entropy),
) -> Result<Opened, Rejected> {
    worker(step)?;
    let root = members.first().ok_or(Rejected::NotNow(ELSEWHERE))?;
    still_open(root)?;
    if chosen.count() == 0 {
        return Err(Rejected::NotNow(NOTHING));
    }
    if chosen.count() > SPLIT_MAX {
        return Err(Rejected::NotNow(MUCH));
    }
    let known: BTreeSet<Id<Incident>> = members.iter().map(|incident| incident.id).collect();
    if !chosen.places().all(|place| place.is_some_and(|id| known.contains(&id))) {
        return Err(Rejected::NotNow(ELSEWHERE));
    }
    let draft = Draft {
        title: title.to_owned(),
        kind: Some(root.kind),
        severity: Some(root.severity),
        detected_at: Some(root.detected_at),
        exercise: root.exercise,
        ..Draft::from(IncidentOrigin::Split { of: root.id })
    };
    let nothing = Links {
        alerts: &[],
        standing: &[],
    };
    let mut opened = open(&draft, nothing, numbering, step, entropy)?;
    let reached = opened.incident.state.reached().clone();
    let (left, put_left) = put(root, |_| {});
    "incident.split".clone_into(&mut opened.decision.action);
    opened.decision.changes.push(put_left);
    opened.decision.changes.extend(chosen.moved(opened.incident.id));
    let told = format!("{} {}", opened.incident.number, opened.incident.title);
    opened
        .decision
        .changes
        .push(decided(&left, "incident.split", &told, &reached, step));
    Ok(opened)
}

fn each<T: Kept + Clone>(things: &[T], changes: &mut Vec<Change>, change: impl Fn(&mut T)) {
    let mut keys = BTreeSet::new();
    for thing in things {
        if keys.insert(thing.key()) {
            let mut moved = thing.clone();
            change(&mut moved);
            changes.push(Change::put(&moved));
        }
    }
}
