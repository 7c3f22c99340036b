//! Reading from the ledger what a report is compiled from.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use documents::LedgerProof;
use ledger::{Ledger, NounFilter, PageAt};
use model::{
    About, Alert, AlertLink, Detection, Evidence, HistoryItem, Id, Incident, IncidentTask, Language, Organisation,
    Report, Scope, Silence, Source, TimelineEntry, Timestamp, User,
};
use operations::{
    Catalogue,
    reports::{IncidentView, View},
};

use super::watch_story::WatchStory;

/// Most detections of an alert that a report shows.
const DETECTIONS_MAX: usize = 200;

/// What was read.
pub(crate) struct Gathered {
    organisation: Organisation,
    names: BTreeMap<Id<User>, String>,
    alerts: Vec<Alert>,
    steps: Vec<HistoryItem>,
    detections: Vec<Detection>,
    silences: Vec<Silence>,
    sources: Vec<Source>,
    earlier: Vec<Report>,
    incident: Option<Story>,
    incidents: Vec<Incident>,
    watch: Option<WatchStory>,
    /// The entries of the duty book on which the report rests.
    pub(crate) cited: Vec<u64>,
}

impl Gathered {
    /// What was read, as the compiler of facts takes it.
    pub(crate) fn view(&self, at: Timestamp, language: Language) -> View<'_> {
        View {
            organisation: &self.organisation,
            at,
            language,
            names: &self.names,
            alerts: &self.alerts,
            steps: &self.steps,
            detections: &self.detections,
            silences: &self.silences,
            sources: &self.sources,
            earlier: &self.earlier,
            incident: self.incident.as_ref().map(Story::view),
            incidents: &self.incidents,
            watch: self.watch.as_ref().map(WatchStory::view),
        }
    }
}

/// An incident with what a report shows of it.
struct Story {
    incident: Incident,
    entries: Vec<TimelineEntry>,
    entries_total: u64,
    lessons: Vec<IncidentTask>,
    evidence: Vec<Evidence>,
}

impl Story {
    fn view(&self) -> IncidentView<'_> {
        IncidentView {
            incident: &self.incident,
            entries: &self.entries,
            entries_total: self.entries_total,
            lessons: &self.lessons,
            evidence: &self.evidence,
        }
    }
}

/// Reads an incident with all that it took in.
fn incident_story(ledger: &Ledger, scope: &Scope, id: Id<Incident>, gathered: &mut Gathered) -> Result<()> {
    let read = |id: Id<Incident>| ledger.kept::<Incident>(scope, &id.to_string());
    let incident = read(id)
        .context("reading the ledger")?
        .context("there is no such incident")?;
    let members = operations::incidents::family(&incident, read).context("reading the ledger")?;
    let mut story = Story {
        incident,
        entries: Vec::new(),
        entries_total: 0,
        lessons: Vec::new(),
        evidence: Vec::new(),
    };
    for member in &members {
        let of_member = NounFilter::of_parent(&member.id.to_string());
        let entries: Vec<TimelineEntry> = ledger.all_kept(scope, &of_member).context("reading the ledger")?;
        story.entries_total += ledger
            .count_kept::<TimelineEntry>(scope, &of_member)
            .context("reading the ledger")?;
        story
            .entries
            .extend(entries.into_iter().filter(|entry| entry.struck.is_none()));
        let tasks: Vec<IncidentTask> = ledger.all_kept(scope, &of_member).context("reading the ledger")?;
        story.lessons.extend(tasks.into_iter().filter(|task| task.lesson));
        story.evidence.extend(
            ledger
                .all_kept::<Evidence>(scope, &of_member)
                .context("reading the ledger")?,
        );
        let history = ledger
            .kept_history::<Incident>(scope, &member.id.to_string())
            .context("reading the ledger")?;
        gathered.cited.extend(history.iter().map(|item| item.number));
    }
    story.entries.sort_by_key(|entry| entry.id);
    gathered.cited.sort_unstable();
    gathered.cited.dedup();
    gathered.cited.truncate(LedgerProof::CITED_MAX);
    gathered.incident = Some(story);
    Ok(())
}

/// How the organisation is named, with the revision of the setting; nothing is known before it was described.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn organisation(ledger: &Ledger, scope: &Scope) -> Result<(Organisation, u64)> {
    match ledger
        .setting(scope, Organisation::SETTING)
        .context("reading the ledger")?
    {
        Some((value, revision)) => Ok((
            serde_json::from_str(&value).context("the setting `organisation` is not what this program wrote")?,
            revision,
        )),
        None => Ok((Organisation::default(), 0)),
    }
}

/// Reads what a report is about.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn gather(
    (ledger, scope): (&Ledger, &Scope),
    report: &Report,
    catalogue: &Catalogue,
    at: Timestamp,
) -> Result<Gathered> {
    let (organisation, _) = organisation(ledger, scope)?;
    // Names of people are part of a report for whoever may read reports; the list of accounts is not.
    let names = ledger
        .users(&Scope::of_post("reports"))
        .context("reading the ledger")?
        .into_iter()
        .map(|user| (user.id, user.display_name))
        .collect();
    let mut gathered = Gathered {
        organisation,
        names,
        alerts: Vec::new(),
        steps: Vec::new(),
        detections: Vec::new(),
        silences: Vec::new(),
        sources: Vec::new(),
        earlier: ledger
            .reports_sent_about(scope, &report.about)
            .context("reading the ledger")?,
        incident: None,
        incidents: Vec::new(),
        watch: None,
        cited: Vec::new(),
    };
    match &report.about {
        About::Alert { alert } => {
            alert_story(ledger, scope, *alert, &mut gathered)?;
            let link: Option<AlertLink> = ledger.kept(scope, &alert.to_string()).context("reading the ledger")?;
            if let Some(incident) = link.and_then(|link| link.incident) {
                incident_story(ledger, scope, incident, &mut gathered)?;
            }
        }
        About::Incident { incident } => incident_story(ledger, scope, *incident, &mut gathered)?,
        About::Period { from, to } => {
            gathered.alerts = ledger.alerts_of_time(scope, *from, *to).context("reading the ledger")?;
            gathered.silences = ledger.silences_in_force(scope, at).context("reading the ledger")?;
            gathered.incidents = ledger
                .all_kept(scope, &NounFilter::default())
                .context("reading the ledger")?;
            gathered.sources = ledger.sources(scope).context("reading the ledger")?;
            (gathered.cited, _) = ledger
                .decisions_of_time(scope, *from, *to, LedgerProof::CITED_MAX)
                .context("reading the ledger")?;
        }
        About::Letter { .. } => {}
        About::Watch { watch } => {
            if let Some(story) = WatchStory::read((ledger, scope), &watch.to_string(), catalogue, at)? {
                let (from, to) = story.time();
                gathered.alerts = ledger.alerts_of_time(scope, from, to).context("reading the ledger")?;
                gathered.cited.clone_from(&story.cited);
                gathered.watch = Some(story);
            }
        }
    }
    Ok(gathered)
}

fn alert_story(ledger: &Ledger, scope: &Scope, alert: Id<Alert>, gathered: &mut Gathered) -> Result<()> {
    gathered
        .alerts
        .extend(ledger.alert(scope, alert).context("reading the ledger")?);
    gathered.steps = ledger.alert_history(scope, alert).context("reading the ledger")?;
    gathered.steps.reverse();
    gathered.cited = gathered.steps.iter().map(|step| step.number).collect();
    let kept = ledger
        .detections(scope, alert, None, PageAt::first(DETECTIONS_MAX))
        .context("reading the ledger")?;
    gathered.detections = kept.items.into_iter().map(|kept| kept.detection).collect();
    gathered
        .detections
        .sort_by_key(|detection| (detection.happened_at, detection.event));
    Ok(())
}
