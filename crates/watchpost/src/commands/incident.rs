//! `watchpost incident`: lists incidents, shows one, opens one from the command line.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use ledger::{Ledger, NounFilter, Options, PageAt};
use model::{Incident, IncidentState, IncidentTask, Scope, TaskState, TimelineEntry};

use crate::{clock, configuration::Configuration};

/// Incidents: what is worked on, from the first alert to the restored service
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List the open incidents
    List {
        /// Closed and merged ones too
        #[arg(long)]
        all: bool,
    },
    /// Show one incident with the end of its timeline
    Show(Show),
}

/// Which incident.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its number (`SC-2026-0007`) or its id
    incident: String,
    /// Lines of the timeline
    #[arg(long, default_value_t = 20)]
    lines: usize,
}

/// Runs the command.
///
/// # Errors
/// When there is no ledger, it cannot be read, or there is no such incident.
pub(crate) fn run(configuration: &Configuration, action: &Action) -> Result<()> {
    let options = Options::in_folder(&configuration.data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", configuration.data.display());
    }
    let ledger = Ledger::open(options, clock::now()).context("opening the ledger")?;
    let zone = TimeZone::fixed(configuration.offset()?);
    match action {
        Action::List { all } => list(&ledger, *all, &zone),
        Action::Show(wanted) => show(&ledger, wanted, &zone),
    }
}

/// Finds an incident by its number or its id.
///
/// # Errors
/// When the ledger cannot be read, or there is none.
pub(crate) fn find(ledger: &Ledger, scope: &Scope, wanted: &str) -> Result<Incident> {
    if let Some(incident) = ledger.kept::<Incident>(scope, wanted).context("reading the ledger")? {
        return Ok(incident);
    }
    let all: Vec<Incident> = ledger
        .all_kept(scope, &NounFilter::default())
        .context("reading the ledger")?;
    all.into_iter()
        .find(|incident| incident.number.eq_ignore_ascii_case(wanted))
        .with_context(|| format!("there is no incident {wanted}"))
}

fn list(ledger: &Ledger, all: bool, zone: &TimeZone) -> Result<()> {
    let scope = Scope::of_post("command-line");
    let filter = NounFilter {
        states: if all {
            Vec::new()
        } else {
            IncidentState::OPEN.map(str::to_owned).to_vec()
        },
        ..NounFilter::default()
    };
    let incidents: Vec<Incident> = ledger.all_kept(&scope, &filter).context("reading the ledger")?;
    let mut out = io::stdout().lock();
    if incidents.is_empty() {
        writeln!(out, "no incidents")?;
    }
    for incident in incidents {
        writeln!(
            out,
            "{}  {:11} {:8} {}  {}{}",
            incident.number,
            incident.state.as_str(),
            incident.severity.as_str(),
            incident
                .detected_at
                .to_zoned_datetime(zone.clone())
                .strftime("%d/%m/%Y %H:%M"),
            incident.title,
            if incident.exercise { "  (exercise)" } else { "" }
        )?;
    }
    Ok(())
}

fn show(ledger: &Ledger, wanted: &Show, zone: &TimeZone) -> Result<()> {
    let scope = Scope::of_post("command-line");
    let incident = find(ledger, &scope, &wanted.incident)?;
    let read = |id: model::Id<Incident>| ledger.kept::<Incident>(&scope, &id.to_string());
    let members = operations::incidents::family(&incident, read).context("reading the ledger")?;
    let people = ledger.people(&scope).context("reading the ledger")?;
    let owner = people.iter().find(|person| Some(person.id) == incident.owner);
    let moment = |at: model::Timestamp| {
        at.to_zoned_datetime(zone.clone())
            .strftime("%d/%m/%Y %H:%M:%S")
            .to_string()
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}  {}", incident.number, incident.title)?;
    writeln!(out, "  id        {}", incident.id)?;
    writeln!(
        out,
        "  state     {} since {}",
        incident.state.as_str(),
        moment(incident.state.reached().at)
    )?;
    writeln!(out, "  severity  {}", incident.severity.as_str())?;
    writeln!(out, "  kind      {}", incident.kind.as_str())?;
    writeln!(
        out,
        "  owner     {}",
        owner.map_or("nobody", |person| &person.display_name)
    )?;
    writeln!(out, "  detected  {}", moment(incident.detected_at))?;
    for member in members.iter().skip(1) {
        writeln!(out, "  stands for {} {}", member.number, member.title)?;
    }
    let mut lines: Vec<TimelineEntry> = Vec::new();
    for member in &members {
        let of_member = NounFilter::of_parent(&member.id.to_string());
        let tasks: Vec<IncidentTask> = ledger.all_kept(&scope, &of_member).context("reading the ledger")?;
        for task in tasks.iter().filter(|task| task.state == TaskState::Open) {
            writeln!(out, "  to do     {}", task.title)?;
        }
        let page = ledger
            .kept_page(&scope, &of_member, PageAt::first(wanted.lines))
            .context("reading the ledger")?;
        lines.extend(page.items);
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.id));
    lines.truncate(wanted.lines);
    for line in lines.iter().rev() {
        let mark = match (&line.struck, line.malicious) {
            (Some(_), _) => "x",
            (None, true) => "!",
            (None, false) => " ",
        };
        writeln!(out, "{mark} {}  {}", moment(line.at), line.text)?;
    }
    Ok(())
}
