//! `watchpost evidence`: takes evidence in, lists it, hands it out as a bundle, and checks bundles and the store.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use evidence::{Digests, Ledgered, Manifest, Member, Store, check_bundle, write_bundle};
use ledger::{EntryFilter, Ledger, NounFilter, Options, PageAt};
use model::{AcquiredBy, Custody, CustodyStep, Evidence, Scope, Timestamp};
use operations::{Step, evidence::Acquisition};

use crate::{clock, configuration::Configuration};

/// Evidence: taken in with a record, kept inert, every access in the duty book
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Take files in
    Add(Add),
    /// List what is kept
    List,
    /// Write a piece of evidence out again, its bytes as they were
    Get(Get),
    /// Write a bundle that proves itself without the post
    Export(Export),
    /// Check a bundle, or the whole store when none is named
    Verify {
        /// The bundle
        bundle: Option<PathBuf>,
    },
}

/// What to take in.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The incident that they belong to: its number or its id
    #[arg(long, value_name = "NUMBER")]
    incident: Option<String>,
    /// Where they come from and why they are taken
    #[arg(long, default_value = "")]
    note: String,
    /// They are, or may be, malware
    #[arg(long)]
    malware: bool,
}

/// What to write out.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Its id, or the beginning of its SHA-256
    evidence: String,
    /// Why it is looked at; kept in the chain of custody
    #[arg(long)]
    why: String,
    /// Where it is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write malware too, as it is
    #[arg(long)]
    malware: bool,
}

/// What to bundle.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// All of an incident: its number or its id
    #[arg(long, value_name = "NUMBER")]
    incident: String,
    /// To whom, and why; kept in the chain of custody
    #[arg(long)]
    why: String,
    /// Where it is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the ledger or the store cannot be used, or something does not hold.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let data = configuration.data.as_path();
    match action {
        Action::Verify { bundle: Some(bundle) } => verify_bundle(bundle, data),
        Action::Verify { bundle: None } => verify_store(data),
        Action::Add(add) => run_add(data, add),
        Action::List => list(data),
        Action::Get(get) => run_get(data, get),
        Action::Export(export) => run_export(data, export),
    }
}

/// Who sits at the command line, as far as the system says.
fn scope() -> Scope {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    Scope::of_post(&format!("command-line/{}", user.as_deref().unwrap_or("?")))
}

fn open(data: &Path) -> Result<Ledger> {
    let options = Options::in_folder(data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    Ledger::open(options, clock::now()).context("opening the ledger")
}

fn nonce() -> Result<[u8; 32]> {
    let mut nonce = [0; 32];
    nonce[..16].copy_from_slice(&clock::entropy()?.0);
    nonce[16..].copy_from_slice(&clock::entropy()?.0);
    Ok(nonce)
}

fn run_add(data: &Path, add: &Add) -> Result<()> {
    let (ledger, store, scope) = (open(data)?, Store::in_folder(data), scope());
    let incident = add
        .incident
        .as_deref()
        .map(|wanted| super::incident::find(&ledger, &scope, wanted))
        .transpose()?;
    let mut out = io::stdout().lock();
    for path in &add.files {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("opening {shown}"))?;
        let metadata = file.metadata().with_context(|| format!("looking at {shown}"))?;
        if !metadata.is_file() {
            bail!("{shown} is no file");
        }
        let digests = store
            .put(file, nonce()?)
            .with_context(|| format!("taking in {shown}"))?;
        let modified_at = metadata.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        let new = Acquisition {
            name: path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned(),
            bytes: digests.bytes,
            sha256: digests.sha256,
            blake3: digests.blake3,
            acquired: AcquiredBy::File {
                path: path
                    .canonicalize()
                    .unwrap_or_else(|_| path.clone())
                    .display()
                    .to_string(),
                modified_at,
            },
            note: add.note.clone(),
            malware: add.malware,
        };
        let step = Step {
            scope: &scope,
            at: clock::now(),
        };
        let (evidence, decision) = operations::evidence::acquire(&new, incident.as_ref(), step, clock::entropy()?)
            .map_err(|rejected| anyhow::anyhow!("{shown}: {rejected}"))?;
        let entry = ledger.apply(&decision).context("writing into the ledger")?.entry;
        let number = entry.map_or(0, |head| head.number);
        writeln!(
            out,
            "{} {} bytes, sha256 {}, duty book {number}",
            evidence.id, evidence.bytes, evidence.sha256
        )?;
    }
    Ok(())
}

fn all(ledger: &Ledger, scope: &Scope) -> Result<Vec<Evidence>> {
    ledger
        .all_kept(scope, &NounFilter::default())
        .context("reading the ledger")
}

fn list(data: &Path) -> Result<()> {
    let (ledger, scope) = (open(data)?, scope());
    let mut out = io::stdout().lock();
    let kept = all(&ledger, &scope)?;
    if kept.is_empty() {
        writeln!(out, "no evidence")?;
    }
    for kept in kept {
        let malware = if kept.malware { " malware" } else { "" };
        writeln!(
            out,
            "{} {} {:>12} {}{malware}  {}",
            kept.id,
            kept.at,
            kept.bytes,
            &kept.sha256[..16],
            kept.name
        )?;
    }
    Ok(())
}

fn digests_of(evidence: &Evidence) -> Digests {
    Digests {
        bytes: evidence.bytes,
        sha256: evidence.sha256.clone(),
        blake3: evidence.blake3.clone(),
    }
}

/// Notes what is done with evidence before it is done: an access that fails is an access.
fn note(ledger: &Ledger, scope: &Scope, done: &[(&Evidence, CustodyStep)], why: &str) -> Result<()> {
    let step = Step {
        scope,
        at: clock::now(),
    };
    let decision = operations::evidence::custody(done, why, step, clock::entropy()?)
        .map_err(|rejected| anyhow::anyhow!("{rejected}"))?;
    ledger.apply(&decision).context("writing into the ledger")?;
    Ok(())
}

fn run_get(data: &Path, get: &Get) -> Result<()> {
    let (ledger, store, scope) = (open(data)?, Store::in_folder(data), scope());
    let all = all(&ledger, &scope)?;
    let evidence = all
        .iter()
        .find(|kept| {
            kept.id.to_string() == get.evidence || (get.evidence.len() >= 8 && kept.sha256.starts_with(&get.evidence))
        })
        .with_context(|| format!("there is no evidence {}", get.evidence))?;
    if evidence.malware && !get.malware {
        bail!(
            "{} may be malware: it is written out only with --malware",
            evidence.name
        );
    }
    note(&ledger, &scope, &[(evidence, CustodyStep::Read)], &get.why)?;
    let file = File::create_new(&get.out).with_context(|| format!("making {}", get.out.display()))?;
    let read = store.read(&digests_of(evidence), BufWriter::new(file));
    if let Err(error) = read {
        std::fs::remove_file(&get.out)?;
        return Err(error).with_context(|| evidence.name.clone());
    }
    writeln!(io::stdout(), "{}: {} bytes", get.out.display(), evidence.bytes)?;
    Ok(())
}

fn run_export(data: &Path, export: &Export) -> Result<()> {
    let (ledger, store, scope) = (open(data)?, Store::in_folder(data), scope());
    let incident = super::incident::find(&ledger, &scope, &export.incident)?;
    let read = |id: model::Id<model::Incident>| ledger.kept::<model::Incident>(&scope, &id.to_string());
    let family = operations::incidents::family(&incident, read).context("reading the ledger")?;
    let mut members = Vec::new();
    for part in &family {
        let kept: Vec<Evidence> = ledger
            .all_kept(&scope, &NounFilter::of_parent(&part.id.to_string()))
            .context("reading the ledger")?;
        for evidence in kept {
            let custody: Vec<Custody> = ledger
                .all_kept(&scope, &NounFilter::of_parent(&evidence.id.to_string()))
                .context("reading the ledger")?;
            members.push(Member {
                evidence,
                custody,
                sealed_bytes: 0,
                sealed_sha256: String::new(),
            });
        }
    }
    if members.is_empty() {
        bail!("{} has no evidence", incident.number);
    }
    let head = ledger.head(&scope).context("reading the ledger")?;
    let mut manifest = Manifest {
        about: format!("{} {}", incident.number, incident.title),
        made_at: clock::now().to_string(),
        made_by: serde_json::to_string(scope.actor())?,
        ledger: entries_about(&ledger, &scope, &members)?,
        members,
        head: (head.number, head.hash),
    };
    let file = File::create_new(&export.out).with_context(|| format!("making {}", export.out.display()))?;
    let manifest_sha256 = write_bundle(&store, &mut manifest, BufWriter::new(file)).context("writing the bundle")?;
    let done: Vec<(&Evidence, CustodyStep)> = manifest
        .members
        .iter()
        .map(|member| {
            let manifest_sha256 = manifest_sha256.clone();
            (&member.evidence, CustodyStep::Exported { manifest_sha256 })
        })
        .collect();
    note(&ledger, &scope, &done, &export.why)?;
    writeln!(
        io::stdout(),
        "{}: {} pieces of evidence, manifest sha256 {manifest_sha256}",
        export.out.display(),
        manifest.members.len()
    )?;
    Ok(())
}

/// The entries of the duty book about pieces of evidence, oldest first.
fn entries_about(ledger: &Ledger, scope: &Scope, members: &[Member]) -> Result<Vec<Ledgered>> {
    let mut entries = Vec::new();
    for member in members {
        let filter = EntryFilter {
            subject: Some(format!("evidence:{}", member.evidence.id)),
            people_only: false,
        };
        let page = ledger
            .entries(scope, &filter, PageAt::first(500))
            .context("reading the ledger")?;
        for entry in page.items {
            entries.push(Ledgered {
                number: entry.number,
                at: entry.at.to_string(),
                actor: serde_json::to_string(&entry.actor)?,
                action: entry.action,
                hash: entry.hash,
            });
        }
    }
    entries.sort_by_key(|entry| entry.number);
    entries.dedup();
    Ok(entries)
}

fn verify_bundle(bundle: &Path, data: &Path) -> Result<()> {
    let file = File::open(bundle).with_context(|| format!("opening {}", bundle.display()))?;
    let checked = check_bundle(BufReader::new(file), |_| Ok(io::sink()))?;
    let mut out = io::stdout().lock();
    let manifest = &checked.manifest;
    writeln!(out, "bundle about {}", manifest.about)?;
    writeln!(out, "made {} by {}", manifest.made_at, manifest.made_by)?;
    writeln!(out, "manifest sha256 {}", checked.manifest_sha256)?;
    for member in &manifest.members {
        let evidence = &member.evidence;
        writeln!(
            out,
            "  {} {:>12} {}  {} ({} links of custody)",
            evidence.at,
            evidence.bytes,
            evidence.sha256,
            evidence.name,
            member.custody.len()
        )?;
    }
    for flaw in &checked.flaws {
        writeln!(out, "DOES NOT HOLD: {flaw}")?;
    }
    if !checked.flaws.is_empty() {
        bail!(
            "{} of {} pieces do not hold",
            checked.flaws.len(),
            manifest.members.len()
        );
    }
    if Options::in_folder(data).path.exists() {
        let head = ledger_has(data, manifest)?;
        writeln!(out, "{head}")?;
    }
    writeln!(
        out,
        "{} pieces of evidence, all as their records say",
        manifest.members.len()
    )?;
    Ok(())
}

/// Whether the duty book at hand has the entries that the bundle names.
fn ledger_has(data: &Path, manifest: &Manifest) -> Result<String> {
    let (ledger, scope) = (open(data)?, scope());
    for named in &manifest.ledger {
        let entry = ledger.entry(&scope, named.number).context("reading the ledger")?;
        if entry.as_ref().map(|entry| &entry.hash) != Some(&named.hash) {
            return Ok(format!(
                "the duty book here is another one: entry {} differs",
                named.number
            ));
        }
    }
    Ok(format!(
        "the duty book here has all {} entries that it names",
        manifest.ledger.len()
    ))
}

fn verify_store(data: &Path) -> Result<()> {
    let (ledger, store, scope) = (open(data)?, Store::in_folder(data), scope());
    let all = all(&ledger, &scope)?;
    let mut out = io::stdout().lock();
    let mut wrong = 0;
    let mut done = Vec::new();
    for evidence in &all {
        let flaw = store
            .read(&digests_of(evidence), io::sink())
            .err()
            .map(|error| error.to_string());
        if let Some(flaw) = &flaw {
            wrong += 1;
            writeln!(out, "DOES NOT HOLD: {} ({}): {flaw}", evidence.name, evidence.id)?;
        }
        done.push((evidence, CustodyStep::Verified { flaw }));
    }
    for part in done.chunks(500) {
        note(&ledger, &scope, part, "watchpost evidence verify")?;
    }
    let named: BTreeSet<String> = all.iter().map(|kept| kept.sha256.clone()).collect();
    let inventory = store.inventory(&named).context("reading the store")?;
    for orphan in &inventory.orphans {
        writeln!(out, "without a record: {orphan}")?;
    }
    for path in &inventory.unfinished {
        writeln!(out, "never finished: {}", path.display())?;
    }
    wrong += inventory.orphans.len() + inventory.unfinished.len();
    if wrong > 0 {
        bail!("{wrong} things do not fit");
    }
    writeln!(out, "{} pieces of evidence, all as their records say", all.len())?;
    Ok(())
}
