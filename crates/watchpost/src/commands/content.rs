//! `watchpost content`: checks the files about law, letters and calendar before they are put in force.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::content_files::ContentFiles;

/// Checks the content about law, letters and calendar
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Read all files and name each error with its file and line
    Check {
        /// A folder with `calendar`, `deadlines`, `directives` … in it [default: DATA/content]
        folder: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// When a file is wrong.
pub(crate) fn run(data: &Path, action: &Action) -> Result<()> {
    let Action::Check { folder } = action;
    let folder = folder.clone().unwrap_or_else(|| data.join("content"));
    let catalogue = ContentFiles::new(folder).read()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} directives, {} deadlines, {} authorities, {} controls",
        catalogue.directives.len(),
        catalogue.deadlines.len(),
        catalogue.authorities.len(),
        catalogue.controls.len()
    )?;
    for problem in &catalogue.problems {
        writeln!(out, "{problem}")?;
    }
    match catalogue.problems.len() {
        0 => Ok(()),
        count => bail!("{count} of the files cannot be used"),
    }
}
