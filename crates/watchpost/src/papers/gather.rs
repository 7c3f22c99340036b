//! Reading from the ledger what a report is compiled from.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use documents::LedgerProof;
use ledger::{Ledger, PageAt};
use model::{About, Alert, Detection, Id, Language, Organisation, Report, Scope, Silence, Source, Timestamp, User};
use operations::reports::{DutyStep, View};

/// Most detections of an alert that a report shows.
const DETECTIONS_MAX: usize = 200;

/// What was read.
pub(crate) struct Gathered {
    organisation: Organisation,
    names: BTreeMap<Id<User>, String>,
    alerts: Vec<Alert>,
    steps: Vec<DutyStep>,
    detections: Vec<Detection>,
    silences: Vec<Silence>,
    sources: Vec<Source>,
    earlier: Vec<Report>,
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
        }
    }
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
pub(crate) fn gather(ledger: &Ledger, scope: &Scope, report: &Report, at: Timestamp) -> Result<Gathered> {
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
        cited: Vec::new(),
    };
    match &report.about {
        About::Alert { alert } => alert_story(ledger, scope, *alert, &mut gathered)?,
        About::Period { from, to } => {
            gathered.alerts = ledger.alerts_of_time(scope, *from, *to).context("reading the ledger")?;
            gathered.silences = ledger.silences_in_force(scope, at).context("reading the ledger")?;
            gathered.sources = ledger.sources(scope).context("reading the ledger")?;
            (gathered.cited, _) = ledger
                .decisions_of_time(scope, *from, *to, LedgerProof::CITED_MAX)
                .context("reading the ledger")?;
        }
        About::Letter { .. } => {}
    }
    Ok(gathered)
}

fn alert_story(ledger: &Ledger, scope: &Scope, alert: Id<Alert>, gathered: &mut Gathered) -> Result<()> {
    gathered
        .alerts
        .extend(ledger.alert(scope, alert).context("reading the ledger")?);
    let history = ledger.alert_history(scope, alert).context("reading the ledger")?;
    gathered.steps = history
        .into_iter()
        .rev()
        .map(|item| DutyStep {
            entry: item.number,
            at: item.at,
            actor: item.actor,
            action: item.action,
            reason: item.reason,
        })
        .collect();
    gathered.cited = gathered.steps.iter().map(|step| step.entry).collect();
    let kept = ledger
        .detections(scope, alert, None, PageAt::first(DETECTIONS_MAX))
        .context("reading the ledger")?;
    gathered.detections = kept.items.into_iter().map(|kept| kept.detection).collect();
    gathered
        .detections
        .sort_by_key(|detection| (detection.happened_at, detection.event));
    Ok(())
}
