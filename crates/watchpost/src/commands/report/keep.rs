//! Reports that are kept in the ledger: begun, answered where the duty book has no fact, and noted as sent.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::tz::TimeZone;
use ledger::Ledger;
use model::{Change, Decision, Id, Language, Organisation, Report, Scope};
use operations::{
    Step,
    reports::{NewReport, ORGANISATION_FIELDS, Reply, Sent, answer, begin, describe_organisation, send},
};

use super::{What, about, open};
use crate::{clock, configuration::Configuration, papers, papers::Forms};

/// What to begin.
#[derive(Debug, Args)]
pub(crate) struct Begin {
    /// The form's id, as `report list` shows it
    form: String,
    #[command(flatten)]
    what: What,
}

/// What to answer.
#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The report
    id: String,
    /// The fact's path and the words; no words take an answer back
    #[arg(value_name = "PATH=WORDS")]
    answers: Vec<String>,
    /// Its number and sign, when the clerk gave one (`12/BC-TTGS`)
    #[arg(long)]
    number: Option<String>,
}

/// What was sent.
#[derive(Debug, Args)]
pub(crate) struct SentFile {
    /// The report
    id: String,
    /// The file that was sent, as `report make` wrote it
    #[arg(long)]
    file: PathBuf,
    /// To whom
    #[arg(long)]
    to: String,
    /// How: by e-mail, by hand, through a portal
    #[arg(long)]
    how: String,
    /// The number of the receipt
    #[arg(long, default_value = "")]
    receipt: String,
}

/// Begins a report.
///
/// # Errors
/// When there is no such form or ledger, or the form is about something else.
pub(super) fn run_begin(configuration: &Configuration, wanted: &Begin) -> Result<()> {
    let forms = Forms::read(&configuration.data)?;
    let Some((form, _)) = forms.get(&wanted.form) else {
        bail!("there is no form `{}`; `watchpost report list` names them", wanted.form);
    };
    let ledger = open(configuration)?;
    let scope = Scope::of_post("report");
    let at = clock::now();
    let new = NewReport {
        about: about(
            (&ledger, form),
            &wanted.what,
            &TimeZone::fixed(configuration.offset()?),
            at,
        )?,
        number: wanted.what.number.clone(),
    };
    let decision =
        begin(form, new, Step { scope: &scope, at }, clock::entropy()?).map_err(|rejected| said(&rejected))?;
    let report = put(&decision)?;
    ledger.apply(&decision).context("writing to the ledger")?;
    writeln!(io::stdout(), "{report}")?;
    Ok(())
}

/// Answers gaps of a report.
///
/// # Errors
/// When there is no such report, or an answer is not what the form asks for.
pub(super) fn run_answer(configuration: &Configuration, wanted: &Answer) -> Result<()> {
    let forms = Forms::read(&configuration.data)?;
    let ledger = open(configuration)?;
    let scope = Scope::of_post("report");
    let report = kept(&ledger, &scope, &wanted.id)?;
    let Some((form, _)) = forms.get(&report.form) else {
        bail!("there is no form `{}`", report.form);
    };
    let replies = pairs(&wanted.answers)?
        .into_iter()
        .map(|(path, text)| Reply {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .collect::<Vec<_>>();
    let number = wanted
        .number
        .as_deref()
        .or(report.number.as_deref())
        .unwrap_or_default();
    let step = Step {
        scope: &scope,
        at: clock::now(),
    };
    let decision = answer(&report, form, &replies, number, step).map_err(|rejected| said(&rejected))?;
    ledger.apply(&decision).context("writing to the ledger")?;
    Ok(())
}

/// Notes that a report was sent.
///
/// # Errors
/// When there is no such report, or the file is not whole or of another form.
pub(super) fn run_sent(configuration: &Configuration, wanted: &SentFile) -> Result<()> {
    let ledger = open(configuration)?;
    let scope = Scope::of_post("report");
    let report = kept(&ledger, &scope, &wanted.id)?;
    let bytes = fs::read(&wanted.file).with_context(|| format!("reading {}", wanted.file.display()))?;
    let verified = documents::verify(&bytes);
    let proof = match (verified.flaws.first(), verified.proof) {
        (None, Some(proof)) => proof,
        (Some(flaw), _) => bail!("{} is not as it was made: {flaw}", wanted.file.display()),
        (None, None) => bail!("{} carries no proof", wanted.file.display()),
    };
    if proof.facts["report"]["id"] != report.id.to_string() {
        bail!("{} is not a file of report {}", wanted.file.display(), report.id);
    }
    let sent = Sent {
        to: wanted.to.clone(),
        how: wanted.how.clone(),
        receipt: wanted.receipt.clone(),
        facts_digest: proof.facts_digest(),
        file_digest: verified.file_digest,
        gaps: proof.gaps,
    };
    let step = Step {
        scope: &scope,
        at: clock::now(),
    };
    let decision = send(&report, sent, step).map_err(|rejected| said(&rejected))?;
    ledger.apply(&decision).context("writing to the ledger")?;
    Ok(())
}

/// Shows how letters name the organisation, or changes it.
///
/// # Errors
/// When there is no ledger or no such field.
pub(super) fn run_organisation(configuration: &Configuration, changes: &[String]) -> Result<()> {
    let ledger = open(configuration)?;
    let scope = Scope::of_post("report");
    let (standing, revision) = papers::organisation(&ledger, &scope)?;
    let mut value = serde_json::to_value(&standing)?;
    for (field, text) in pairs(changes)? {
        if !ORGANISATION_FIELDS.iter().any(|(known, _)| *known == field) {
            bail!("the organisation has no `{field}`; without arguments the command lists what it has");
        }
        value[field] = if text.is_empty() {
            serde_json::Value::Null
        } else {
            text.into()
        };
    }
    let organisation: Organisation = serde_json::from_value(value.clone())?;
    if organisation != standing {
        let step = Step {
            scope: &scope,
            at: clock::now(),
        };
        let decision = describe_organisation(&organisation, revision, step).map_err(|rejected| said(&rejected))?;
        ledger.apply(&decision).context("writing to the ledger")?;
    }
    let mut out = io::stdout().lock();
    for (field, label) in ORGANISATION_FIELDS {
        let words = value[field].as_str().unwrap_or("[chưa có]");
        writeln!(out, "{field:18} {:32} {words}", label.text(Language::Vi))?;
    }
    Ok(())
}

fn kept(ledger: &Ledger, scope: &Scope, id: &str) -> Result<Report> {
    let id: Id<Report> = id.parse()?;
    ledger
        .report(scope, id)
        .context("reading the ledger")?
        .with_context(|| format!("there is no report {id}"))
}

fn pairs(texts: &[String]) -> Result<Vec<(&str, &str)>> {
    texts
        .iter()
        .map(|text| {
            text.split_once('=')
                .with_context(|| format!("`{text}` is not written NAME=WORDS"))
        })
        .collect()
}

/// The id of the report that a decision puts.
fn put(decision: &Decision) -> Result<Id<Report>> {
    match decision.changes.first() {
        Some(Change::PutReport { report }) => Ok(report.id),
        Some(_) | None => bail!("the decision begins no report"),
    }
}

fn said(rejected: &model::Rejected) -> anyhow::Error {
    anyhow::anyhow!("{}", rejected.text(Language::En))
}
