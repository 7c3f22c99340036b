//! The whole test run: format, lints, house rules and every test, against real components.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    check, components,
    run::{run as run_command, say},
};

/// What to leave out.
#[derive(Args)]
pub(crate) struct Options {
    /// Leave out `real`: tests that need Chromium, rsyslog, syslog-ng and other real programs
    #[arg(long, value_parser = ["real"])]
    without: Vec<String>,
}

/// Runs everything that a change must pass.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let without_real = options.without.iter().any(|part| part == "real");
    if !without_real {
        prepare_components(root)?;
    }
    run_command(cargo(root).args(["fmt", "--all", "--check"]))?;
    run_command(cargo(root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    check::run(root)?;
    let mut tests = cargo(root);
    tests.args(["test", "--workspace", "--no-fail-fast"]);
    tests.env("WATCHPOST_REAL", components::folder(root));
    if without_real {
        tests.env("WATCHPOST_WITHOUT_REAL", "1");
    }
    run_command(&mut tests)?;
    if without_real {
        say(&format!(
            "left out on request: tests with real components; missing here: {}",
            list(&components::missing(root))
        ));
    }
    Ok(())
}

fn prepare_components(root: &Path) -> Result<()> {
    if components::can_install() {
        return components::install_missing(root);
    }
    match components::missing(root).as_slice() {
        [] => Ok(()),
        missing => bail!(
            "tests need real components that are missing here: {}. Install them, or leave those tests out with `--without real`",
            missing.join(", ")
        ),
    }
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root);
    command
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}
