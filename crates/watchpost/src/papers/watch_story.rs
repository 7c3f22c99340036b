//! Everything about a watch that its closing report is compiled from, as it was at its end.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use documents::LedgerProof;
use ledger::{Ledger, NounFilter};
use model::{
    Deadline, DeadlineState, Directive, Kept, Measurement, Question, Scope, Timestamp, Waiver, Watch, Wording,
};
use operations::{
    Catalogue,
    reports::{Judged, Measured, WatchView},
    watches::{self, Seen},
};

/// A watch and what belongs to it.
pub(super) struct WatchStory {
    watch: Watch,
    as_of: Timestamp,
    judged: Vec<Judged>,
    measured: Vec<Measured>,
    directives: Vec<Directive>,
    questions: Vec<Question>,
    waivers: Vec<Waiver>,
    deadlines: Vec<Deadline>,
    /// The entries of the duty book on which it rests.
    pub(super) cited: Vec<u64>,
}

impl WatchStory {
    /// Reads a watch as it was when it was closed, or as it is now; none when there is no such watch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn read(
        (ledger, scope): (&Ledger, &Scope),
        id: &str,
        catalogue: &Catalogue,
        now: Timestamp,
    ) -> Result<Option<Self>> {
        let Some(watch) = ledger.kept::<Watch>(scope, id).context("reading the ledger")? else {
            return Ok(None);
        };
        let as_of = watch.closed.as_ref().map_or(now, |closing| closing.at);
        let mine = NounFilter::of_parent(id);
        let mut questions: Vec<Question> = ledger.all_kept(scope, &mine).context("reading the ledger")?;
        questions.sort_by_key(|question| (question.requirement, question.id));
        let mut waivers: Vec<Waiver> = ledger.all_kept(scope, &mine).context("reading the ledger")?;
        waivers.sort_by_key(|waiver| (waiver.asked_at, waiver.id));
        let mut cited = BTreeSet::new();
        cited.extend(history::<Watch>(ledger, scope, id)?);
        for question in &questions {
            cited.extend(history::<Question>(ledger, scope, &question.key())?);
        }
        for waiver in &waivers {
            cited.extend(history::<Waiver>(ledger, scope, &waiver.key())?);
        }
        let mut measured = Vec::new();
        for control in watches::controls_of(&watch) {
            measured.extend(control_story((ledger, scope), control, (watch.from, as_of), catalogue)?);
            cited.extend(
                ledger
                    .measurement_entry(scope, control, as_of)
                    .context("reading the ledger")?,
            );
        }
        let judged = judge(&watch, (&questions, &waivers), &measured, as_of);
        let wanted: BTreeSet<String> = watch.requirements.iter().map(|one| one.directive.to_string()).collect();
        let mut directives = Vec::new();
        for id in &wanted {
            directives.extend(ledger.kept::<Directive>(scope, id).context("reading the ledger")?);
            cited.extend(history::<Directive>(ledger, scope, id)?);
        }
        let mut story = Self {
            deadlines: deadlines(ledger, scope, (watch.from, as_of))?,
            watch,
            as_of,
            judged,
            measured,
            directives,
            questions,
            waivers,
            cited: Vec::new(),
        };
        for deadline in &story.deadlines {
            cited.extend(history::<Deadline>(ledger, scope, &deadline.key())?);
        }
        // The last ones matter most where there are more than a proof holds.
        let cut = cited.len().saturating_sub(LedgerProof::CITED_MAX);
        story.cited = cited.into_iter().skip(cut).collect();
        Ok(Some(story))
    }

    /// The time that it is about.
    pub(super) fn time(&self) -> (Timestamp, Timestamp) {
        (self.watch.from, self.as_of.max(self.watch.from))
    }

    /// What was read, as the compiler of facts takes it.
    pub(super) fn view(&self) -> WatchView<'_> {
        WatchView {
            watch: &self.watch,
            as_of: self.as_of,
            judged: &self.judged,
            measured: &self.measured,
            directives: &self.directives,
            questions: &self.questions,
            waivers: &self.waivers,
            deadlines: &self.deadlines,
        }
    }
}

fn history<T: Kept>(ledger: &Ledger, scope: &Scope, key: &str) -> Result<Vec<u64>> {
    let steps = ledger.kept_history::<T>(scope, key).context("reading the ledger")?;
    Ok(steps.into_iter().map(|step| step.number).collect())
}

/// A control's measurements within the watch, and the last one before it; none when it was never measured.
fn control_story(
    (ledger, scope): (&Ledger, &Scope),
    control: &str,
    (from, as_of): (Timestamp, Timestamp),
    catalogue: &Catalogue,
) -> Result<Option<Measured>> {
    let most = Ledger::TREND_POINTS_MAX;
    let mut all: Vec<Measurement> = ledger
        .measurements(scope, control, (from, as_of), most)
        .context("reading the ledger")?;
    let cut = all.len() == most;
    if !cut {
        let before = ledger
            .measurements(scope, control, (Timestamp::MIN, from), 1)
            .context("reading the ledger")?;
        all.extend(before.into_iter().filter(|one| one.at < from));
    }
    all.reverse();
    let known = catalogue.controls.iter().find(|known| known.id == control);
    Ok((!all.is_empty()).then(|| Measured {
        title: known.map_or_else(|| Wording::same(control), |known| known.title.clone()),
        all,
        cut,
    }))
}

fn judge(
    watch: &Watch,
    (questions, waivers): (&[Question], &[Waiver]),
    measured: &[Measured],
    as_of: Timestamp,
) -> Vec<Judged> {
    let last = |one: &Measured| {
        let last = one.all.last()?;
        Some((last.control.clone(), (last.clone(), Vec::new())))
    };
    let measurements: HashMap<_, _> = measured.iter().filter_map(last).collect();
    let seen = Seen {
        measurements: &measurements,
        waivers,
        questions,
    };
    watches::standing(watch, seen, as_of)
        .iter()
        .map(|one| Judged {
            key: one.requirement.key,
            standing: one.standing.as_str(),
            beneath: one.beneath.as_str(),
        })
        .collect()
}

/// The deadlines whose time met the watch's.
fn deadlines(ledger: &Ledger, scope: &Scope, (from, to): (Timestamp, Timestamp)) -> Result<Vec<Deadline>> {
    let all: Vec<Deadline> = ledger
        .all_kept(scope, &NounFilter::default())
        .context("reading the ledger")?;
    let ended = |deadline: &Deadline| match &deadline.state {
        DeadlineState::Running => None,
        DeadlineState::Met { at, .. } | DeadlineState::Stopped { at, .. } => Some(*at),
        DeadlineState::Breached { at, done_late } => Some(done_late.as_ref().map_or(*at, |(done, ..)| *done)),
    };
    Ok(all
        .into_iter()
        .filter(|deadline| deadline.started_at < to && ended(deadline).is_none_or(|ended| ended >= from))
        .collect())
}
