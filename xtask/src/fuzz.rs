//! Fuzz targets under libFuzzer, built with the ordinary compiler: its coverage instrumentation is a pass of LLVM that stable Rust can
//! run. A sanitizer of addresses would have little to find in a house without unsafe code; sums that overflow do panic.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::run::{self, say};

/// Built for a named target, so that build scripts and macros are not instrumented.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What libFuzzer needs to see where an input went.
const INSTRUMENTATION: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];

/// Longest time in seconds that one input may take.
const INPUT_SECONDS_MAX: u32 = 10;
/// Most memory in MiB that a target may take.
const MEMORY_MIB_MAX: u32 = 2048;

#[derive(Args)]
pub(crate) struct Options {
    /// Targets, or beginnings of their names (`sigma`); without one, all
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Longest input in bytes; libFuzzer's own choice when absent
    #[arg(long)]
    bytes_max: Option<u32>,
    /// Only list the targets
    #[arg(long)]
    list: bool,
    /// Make an input that makes the one named target fail as small as it gets, in place of running
    #[arg(long, value_name = "FILE")]
    minimise: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When no target has the name, one does not build, or one fails on an input.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let wanted = wanted(root, &options.targets)?;
    if options.list {
        for target in &wanted {
            say(target);
        }
        return Ok(());
    }
    if let Some(input) = &options.minimise {
        let [target] = wanted.as_slice() else {
            bail!("name the one target that fails on {}", input.display())
        };
        let input = input
            .canonicalize()
            .with_context(|| format!("{} is not there", input.display()))?;
        return minimise(&build(root, target)?, &input, options.seconds);
    }
    let mut failed = Vec::new();
    for target in &wanted {
        let binary = build(root, target)?;
        if let Err(error) = fuzz(root, target, &binary, options) {
            say(&format!("{error:#}"));
            failed.push(target.as_str());
        }
    }
    if failed.is_empty() {
        say(&format!(
            "fuzz targets={} seconds={} failed=0",
            wanted.len(),
            options.seconds
        ));
        return Ok(());
    }
    bail!("failed: {}; their inputs are in fuzz/artifacts", failed.join(", "))
}

fn wanted(root: &Path, names: &[String]) -> Result<Vec<String>> {
    let all = targets(root)?;
    for name in names {
        if !all.iter().any(|target| target.starts_with(name.as_str())) {
            bail!("no target begins with {name:?}; there are {}", all.join(", "));
        }
    }
    let is_wanted = |target: &String| names.is_empty() || names.iter().any(|name| target.starts_with(name.as_str()));
    Ok(all.into_iter().filter(is_wanted).collect())
}

/// The binaries of the fuzz crate, by name.
fn targets(root: &Path) -> Result<Vec<String>> {
    let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).context("fuzz/Cargo.toml cannot be read")?;
    let manifest: toml::Table = manifest.parse().context("fuzz/Cargo.toml is no TOML")?;
    let bins = manifest.get("bin").and_then(toml::Value::as_array);
    let names = bins.into_iter().flatten().filter_map(|bin| bin.get("name")?.as_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    Ok(names)
}

/// Builds a target with no more than the crate that it feeds.
fn build(root: &Path, target: &str) -> Result<PathBuf> {
    let folder = root.join("fuzz");
    let feature = target.split('_').next().unwrap_or(target);
    let flags = INSTRUMENTATION.join("\u{1f}");
    let mut command = Command::new("cargo");
    command
        .current_dir(&folder)
        .args(["build", "--quiet", "--release", "--target", TRIPLE])
        .args(["--no-default-features", "--features", feature, "--bin", target])
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    run::run(&mut command)?;
    Ok(folder.join("target").join(TRIPLE).join("release").join(target))
}

/// Runs a target on its committed corpus and on what earlier runs found; new finds stay out of the committed corpus.
fn fuzz(root: &Path, target: &str, binary: &Path, options: &Options) -> Result<()> {
    let folder = root.join("fuzz");
    let (found, failing) = (folder.join("found").join(target), folder.join("artifacts").join(target));
    for made in [&found, &failing] {
        fs::create_dir_all(made).with_context(|| format!("{} cannot be made", made.display()))?;
    }
    let mut command = Command::new(binary);
    command
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
        .arg(format!("-artifact_prefix={}/", failing.display()))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    if let Some(bytes) = options.bytes_max {
        command.arg(format!("-max_len={bytes}"));
    }
    command.arg(&found);
    let committed = folder.join("corpus").join(target);
    if committed.is_dir() {
        command.arg(committed);
    }
    run::run(&mut command)
}

fn minimise(binary: &Path, input: &Path, seconds: u32) -> Result<()> {
    let small = input.with_extension("min");
    let mut command = Command::new(binary);
    command
        .args(["-minimize_crash=1", "-verbosity=0"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-exact_artifact_path={}", small.display()))
        .arg(input);
    run::run(&mut command)?;
    say(&format!("the smallest found is {}", small.display()));
    Ok(())
}
