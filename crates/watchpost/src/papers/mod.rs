//! Reports of the post: what the ledger holds is gathered, compiled and composed by `operations`, set in type in a process
//! of its own, and given its proof.

mod forms;
mod gather;
mod typesetter;
mod watch_story;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use documents::{LedgerProof, Proof};
use ledger::Ledger;
use model::{Language, Report, Scope, Timestamp};
use operations::reports::{Manner, Standing, make};

pub(crate) use forms::Forms;
pub(crate) use gather::organisation;
pub(crate) use typesetter::{Job, child};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A letter to print and sign
    Pdf,
    /// A letter to edit
    Docx,
    /// All facts with their proof
    Json,
    /// All facts as lines of path and value, without a proof
    Csv,
    /// NIST OSCAL assessment results with the proof
    Oscal,
}

/// A report made.
pub(crate) struct Made {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// The report as it stands.
    pub(crate) standing: Standing,
    /// SHA-256 of its facts.
    pub(crate) facts_digest: String,
    /// What the maker of the form or the layout should know.
    pub(crate) remarks: Vec<String>,
}

/// Makes a report: gathers, compiles, composes, proves and writes it.
///
/// # Errors
/// When what it is about is not in the ledger, or the layout cannot be set.
pub(crate) fn write(
    (ledger, scope): (&Ledger, &Scope),
    forms: &Forms,
    report: &Report,
    (format, manner): (Format, &Manner),
    at: Timestamp,
) -> Result<Made> {
    let Some((form, form_text)) = forms.get(&report.form) else {
        bail!("there is no form `{}`", report.form);
    };
    let gathered = gather::gather((ledger, scope), report, &forms.catalogue, at)?;
    let Some(standing) = make(report, form, &gathered.view(at, manner.language), manner) else {
        bail!("what the report is about is not in the ledger");
    };
    let hashes = ledger.entry_hashes(scope).context("reading the duty book")?;
    let proof = Proof::new(
        (&form.id, form_text),
        &standing.letter,
        standing.facts.clone(),
        LedgerProof::of(&hashes, &gathered.cited),
    );
    let facts_digest = proof.facts_digest();
    let mut remarks = Vec::new();
    let bytes = match format {
        Format::Pdf => {
            let job = Job {
                letter: standing.letter.clone(),
                layout: forms.layout(),
                proof: proof.to_json(),
            };
            let set = typesetter::typeset(&job)?;
            remarks = set.remarks;
            documents::seal_pdf(set.pdf)
        }
        Format::Docx => documents::docx(&standing.letter, &proof.to_json()),
        Format::Json => proof.to_json().into_bytes(),
        Format::Csv => documents::csv(&standing.facts).into_bytes(),
        Format::Oscal => documents::oscal(form.name.in_language(Language::En), proof).into_bytes(),
    };
    Ok(Made {
        bytes,
        standing,
        facts_digest,
        remarks,
    })
}
