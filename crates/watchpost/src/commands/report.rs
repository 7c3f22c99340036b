//! `watchpost report`: lists forms and reports, makes them, and checks a report's file without the post that made it.

mod keep;

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::{civil::Date, tz::TimeZone};
use ledger::{Ledger, Options};
use model::{About, Id, Language, Report, Scope, Timestamp};
use operations::reports::{Form, Manner, Matter};

use crate::{
    clock,
    configuration::Configuration,
    papers::{self, Format, Forms},
};

/// Makes official reports from the duty book, and checks them
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the forms, and the reports that were begun
    List,
    /// Make a report
    Make(Make),
    /// Begin a report that is kept in the ledger, and print its id
    Begin(keep::Begin),
    /// Answer what the duty book does not know
    Answer(keep::Answer),
    /// Note that a report was sent
    Sent(keep::SentFile),
    /// Show how letters name the organisation, or change it
    Organisation {
        /// What changes; no words forget a field
        #[arg(value_name = "FIELD=WORDS")]
        changes: Vec<String>,
    },
    /// Check a report's file: its bytes, its facts, and where they stand in the duty book
    Verify {
        /// The PDF, DOCX, JSON or OSCAL file
        file: PathBuf,
        /// Also hold it against the ledger in the data folder
        #[arg(long)]
        ledger: bool,
    },
    /// Set one letter in type; the post runs this itself, with limits
    #[command(hide = true)]
    Typeset,
}

/// What a report is about.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// The alert that it is about
    #[arg(long, value_name = "ID")]
    alert: Option<String>,
    /// The incident that it is about: its number (`SC-2026-0007`) or its id
    #[arg(long, value_name = "NUMBER")]
    incident: Option<String>,
    /// The beginning of its time: a day (`2026-04-30`) or a moment (`2026-04-30T00:00:00Z`) [default: a day before its end]
    #[arg(long)]
    from: Option<String>,
    /// The end of its time, not included [default: now]
    #[arg(long)]
    to: Option<String>,
    /// The letter that it answers: number, issuer, date (dd/mm/yyyy) and subject
    #[arg(long, num_args = 4, value_names = ["NUMBER", "ISSUER", "DATE", "SUBJECT"])]
    letter: Option<Vec<String>>,
    /// The watch that it is about
    #[arg(long, value_name = "ID")]
    watch: Option<String>,
    /// Its number and sign, when the clerk gave one (`12/BC-TTGS`)
    #[arg(long)]
    number: Option<String>,
}

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct Make {
    /// The form's id, as `report list` shows it, or the id of a report that was begun
    form: String,
    #[command(flatten)]
    what: What,
    /// What it is written as
    #[arg(long, value_enum, default_value = "pdf")]
    format: Format,
    /// Its language
    #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
    language: String,
    /// Where it is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When there is no ledger, a form or a layout is wrong, or a file does not hold what it proves.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    match action {
        Action::List => list(configuration),
        Action::Make(make) => run_make(configuration, make),
        Action::Begin(wanted) => keep::run_begin(configuration, wanted),
        Action::Answer(wanted) => keep::run_answer(configuration, wanted),
        Action::Sent(wanted) => keep::run_sent(configuration, wanted),
        Action::Organisation { changes } => keep::run_organisation(configuration, changes),
        Action::Verify { file, ledger } => verify(configuration, file, *ledger),
        Action::Typeset => papers::child(),
    }
}

fn open(configuration: &Configuration) -> Result<Ledger> {
    let options = Options::in_folder(&configuration.data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", configuration.data.display());
    }
    Ledger::open(options, clock::now()).context("opening the ledger")
}

fn list(configuration: &Configuration) -> Result<()> {
    let forms = Forms::read(&configuration.data)?;
    let mut out = io::stdout().lock();
    for problem in &forms.problems {
        writeln!(out, "wrong form, not used: {problem}")?;
    }
    writeln!(out, "forms:")?;
    for form in forms.all() {
        let about = match form.about {
            Matter::Alert => "an alert",
            Matter::Period => "a time",
            Matter::Letter => "a letter",
            Matter::Watch => "a watch",
        };
        writeln!(
            out,
            "  {:18} about {about:9} {} ({})",
            form.id, form.name.vi, form.source
        )?;
    }
    let scope = Scope::of_post("report");
    if Options::in_folder(&configuration.data).path.exists() {
        let reports = open(configuration)?
            .reports(&scope, 100)
            .context("reading the ledger")?;
        writeln!(out, "reports:{}", if reports.is_empty() { " none" } else { "" })?;
        for report in reports {
            let sent = report.sent.last().map_or_else(
                || "draft".to_owned(),
                |sending| format!("sent {} to {}", sending.at, sending.to),
            );
            writeln!(out, "  {} {:18} {sent}", report.id, report.form)?;
        }
    }
    Ok(())
}

fn run_make(configuration: &Configuration, wanted: &Make) -> Result<()> {
    let forms = Forms::read(&configuration.data)?;
    let ledger = open(configuration)?;
    let scope = Scope::of_post("report");
    let now = clock::now();
    let zone = TimeZone::fixed(configuration.offset()?);
    let report = if let Ok(id) = wanted.form.parse::<Id<Report>>() {
        ledger
            .report(&scope, id)
            .context("reading the ledger")?
            .with_context(|| format!("there is no report {id}"))?
    } else {
        let Some((form, _)) = forms.get(&wanted.form) else {
            bail!("there is no form `{}`; `watchpost report list` names them", wanted.form);
        };
        Report {
            id: Id::born(now, clock::entropy()?),
            form: form.id.clone(),
            about: about((&ledger, form), &wanted.what, &zone, now)?,
            number: wanted.what.number.clone(),
            answers: std::collections::BTreeMap::new(),
            created_at: now,
            created_by: scope.actor().clone(),
            sent: Vec::new(),
            revision: 1,
        }
    };
    let manner = Manner {
        language: if wanted.language == "en" {
            Language::En
        } else {
            Language::Vi
        },
        zone,
    };
    let made = papers::write((&ledger, &scope), &forms, &report, (wanted.format, &manner), now)?;
    fs::write(&wanted.out, &made.bytes).with_context(|| format!("writing {}", wanted.out.display()))?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}: {} bytes, facts sha256 {}",
        wanted.out.display(),
        made.bytes.len(),
        made.facts_digest
    )?;
    for remark in made.remarks {
        writeln!(out, "remark: {remark}")?;
    }
    let gaps = &made.standing.letter.gaps;
    if !gaps.is_empty() {
        writeln!(out, "{} gaps, marked in it:", gaps.len())?;
        for gap in gaps {
            writeln!(out, "  {:32} {}", gap.path, gap.label)?;
        }
    }
    Ok(())
}

/// What a report of this form is about, as the arguments say.
fn about((ledger, form): (&Ledger, &Form), what: &What, zone: &TimeZone, now: Timestamp) -> Result<About> {
    Ok(match form.about {
        Matter::Alert if what.incident.is_some() => {
            let wanted = what.incident.as_deref().unwrap_or_default();
            let incident = super::incident::find(ledger, &Scope::of_post("report"), wanted)?;
            About::Incident { incident: incident.id }
        }
        Matter::Alert => {
            let id = what
                .alert
                .as_deref()
                .context("this form is about an alert or an incident: --alert ID or --incident NUMBER")?;
            About::Alert {
                alert: id.parse().context("--alert")?,
            }
        }
        Matter::Period => {
            let to = match &what.to {
                Some(text) => moment(text, zone).context("--to")?,
                None => now,
            };
            let from = match &what.from {
                Some(text) => moment(text, zone).context("--from")?,
                None => to - jiff::SignedDuration::from_hours(24),
            };
            if from >= to {
                bail!("--from must be before --to");
            }
            About::Period { from, to }
        }
        Matter::Watch => {
            let id = what
                .watch
                .as_deref()
                .context("this form is about a watch: --watch ID")?;
            About::Watch {
                watch: id.parse().context("--watch")?,
            }
        }
        Matter::Letter => match what.letter.as_deref() {
            Some([number, issuer, date, subject]) => About::Letter {
                number: number.clone(),
                issuer: issuer.clone(),
                date: date.clone(),
                subject: subject.clone(),
            },
            Some(_) | None => bail!("this form answers a letter: --letter NUMBER ISSUER DATE SUBJECT"),
        },
    })
}

fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    if let Ok(day) = text.parse::<Date>() {
        return Ok(zone.to_timestamp(day.at(0, 0, 0, 0))?);
    }
    text.parse().context("neither a day nor a moment")
}

fn verify(configuration: &Configuration, file: &std::path::Path, with_ledger: bool) -> Result<()> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let verified = documents::verify(&bytes);
    let mut out = io::stdout().lock();
    if let Some(proof) = &verified.proof {
        writeln!(out, "{} report, form {}", verified.format, proof.form)?;
        writeln!(out, "file sha256 {}", verified.file_digest)?;
        writeln!(out, "facts sha256 {}, {} gaps", proof.facts_digest(), proof.gaps.len())?;
        writeln!(
            out,
            "duty book: {} entries, head {}, {} cited",
            proof.ledger.entries,
            proof.ledger.head,
            proof.ledger.cited.len()
        )?;
    }
    let mut flaws: Vec<String> = verified.flaws.iter().map(ToString::to_string).collect();
    if let (true, Some(proof)) = (with_ledger, &verified.proof) {
        let hashes = open(configuration)?
            .entry_hashes(&Scope::of_post("report"))
            .context("reading the ledger")?;
        let known = usize::try_from(proof.ledger.entries)
            .ok()
            .and_then(|entries| hashes.get(..entries));
        match known {
            Some(known) if documents::LedgerProof::of(known, &[]).root == proof.ledger.root => {
                writeln!(out, "the ledger has these {} entries", proof.ledger.entries)?;
            }
            Some(_) | None => flaws.push("the ledger in the data folder does not have these entries".to_owned()),
        }
    }
    if flaws.is_empty() {
        writeln!(out, "whole: every byte, fact and cited entry is as it was sealed")?;
        Ok(())
    } else {
        bail!("{} is not as it was made: {}", file.display(), flaws.join("; "))
    }
}
