//! `watchpost duty`: who is on duty, the roster, and its gaps, from the ledger of a data folder.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use console::Rosters;
use jiff::{SignedDuration, tz::TimeZone};
use ledger::{Ledger, Options};
use model::{Scope, Timestamp};
use operations::duty::{Shift, shifts, shifts_at};

use crate::clock;

/// Says who is on duty, what the roster is, and where it has gaps
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Who is on duty now
    Now,
    /// Who is on duty when
    Roster {
        /// For so many days from now on
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(1..=400))]
        days: i64,
    },
    /// Where nobody is on duty; fails when there is a gap, so that a script can ask
    Gaps {
        /// For so many days from now on
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(i64).range(1..=400))]
        days: i64,
    },
}

/// Runs the command.
///
/// # Errors
/// When there is no ledger, it cannot be read, or there is a gap that was asked for.
pub(crate) fn run(data: &Path, action: &Action) -> Result<()> {
    let options = Options::in_folder(data);
    if !options.path.exists() {
        bail!("there is no ledger in {}", data.display());
    }
    let now = clock::now();
    let ledger = Ledger::open(options, now).context("opening the ledger")?;
    let rosters = Rosters::read(&ledger, &Scope::of_post("command"), now).context("reading the rosters")?;
    let mut out = io::stdout().lock();
    match action {
        Action::Now => {
            for roster in rosters.all() {
                for shift in shifts_at(roster, now) {
                    line(&mut out, &rosters, (&roster.team.name, roster.zone), &shift)?;
                }
            }
            Ok(())
        }
        Action::Roster { days } => roster(&mut out, &rosters, now, *days),
        Action::Gaps { days } => gaps(&mut out, &rosters, now, *days),
    }
}

fn roster(out: &mut impl Write, rosters: &Rosters, now: Timestamp, days: i64) -> Result<()> {
    let until = now.checked_add(SignedDuration::from_hours(24 * days))?;
    for roster in rosters.all() {
        for position in &roster.team.positions {
            for shift in shifts(roster, &position.key, now, until) {
                line(out, rosters, (&roster.team.name, roster.zone), &shift)?;
            }
        }
    }
    Ok(())
}

fn gaps(out: &mut impl Write, rosters: &Rosters, now: Timestamp, days: i64) -> Result<()> {
    let found = rosters.gaps(now, days);
    for (team, gap) in &found {
        let utc = TimeZone::UTC;
        let zone = rosters.team(team.id).map_or(&utc, |roster| roster.zone);
        writeln!(
            out,
            "{} {} {} {} missing={}",
            moment(gap.from, zone),
            moment(gap.until, zone),
            team.name,
            gap.position,
            gap.missing
        )?;
    }
    if found.is_empty() {
        writeln!(out, "no gap within {days} days")?;
        return Ok(());
    }
    bail!("{} gaps within {days} days", found.len())
}

fn line(out: &mut impl Write, rosters: &Rosters, (team, zone): (&str, &TimeZone), shift: &Shift) -> Result<()> {
    let people: Vec<String> = shift.people.iter().map(|person| rosters.name(*person)).collect();
    let people = if people.is_empty() {
        "NOBODY / KHÔNG CÓ AI".to_owned()
    } else {
        people.join(", ")
    };
    writeln!(
        out,
        "{} {} {team} {} {people}",
        moment(shift.from, zone),
        moment(shift.until, zone),
        shift.position
    )?;
    Ok(())
}

fn moment(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}
