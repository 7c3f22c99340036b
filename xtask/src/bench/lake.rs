//! The lake asked ten questions over recorded events varied by a seed, cold and warm, beside DuckDB and chDB in one run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::run::{output, say};

/// Packages of Python that are asked beside the lake.
const PEERS: [&str; 2] = ["duckdb", "chdb"];

#[derive(Args)]
pub(crate) struct Options {
    /// Events to write; a hundred million take some 12 GB and as much again for the table of chDB
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// Seed of what varies
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the lake and what the peers need; it is emptied before [default: target/bench-lake]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Leave the peers out
    #[arg(long)]
    alone: bool,
    /// Ask what an earlier run wrote
    #[arg(long)]
    again: bool,
}

/// The questions of the lake; the peers have theirs in `bench/lake/peers.py`.
fn questions(subjects: &serde_json::Value) -> Vec<(&'static str, String)> {
    let about = |name: &str| subjects[name].as_str().unwrap_or_default().to_owned();
    let (user, from, before) = (about("user"), about("from"), about("before"));
    vec![
        (
            "address",
            format!("SELECT * FROM events WHERE source.ip = '{}'", about("address")),
        ),
        (
            "hash",
            format!("SELECT * FROM events WHERE file.hash.sha256 = '{}'", about("hash")),
        ),
        (
            "user_in_an_hour",
            format!(
                "SELECT seq FROM events WHERE user.name = '{user}' AND happened_at >= '{from}' AND happened_at < '{before}'"
            ),
        ),
        (
            "rare_substring",
            "SELECT seq FROM events WHERE has_text('xq7-relay')".to_owned(),
        ),
        (
            "common_substring",
            "SELECT seq FROM events WHERE has_text('powershell') LIMIT 100".to_owned(),
        ),
        (
            "top_hosts",
            "SELECT host.name, count(*) n FROM events GROUP BY 1 ORDER BY n DESC LIMIT 10".to_owned(),
        ),
        (
            "histogram",
            "SELECT date_trunc('hour', happened_at) h, count(*) FROM events GROUP BY h".to_owned(),
        ),
        (
            "sessions",
            format!(
                "SELECT host.name, date_trunc('hour', happened_at) h, min(happened_at), max(happened_at), count(*) \
                 FROM events WHERE user.name = '{user}' GROUP BY 1, 2"
            ),
        ),
        (
            "distinct",
            "SELECT count(DISTINCT user.name), count(DISTINCT process.executable) FROM events".to_owned(),
        ),
        (
            "indicators",
            "SELECT count(*) FROM events e JOIN indicators i ON e.source.ip = i.address".to_owned(),
        ),
    ]
}

/// Runs the benchmark.
pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    let folder = options.folder.clone().unwrap_or_else(|| root.join("target/bench-lake"));
    let lake = folder.join("lake");
    let program = build(root)?;
    if !options.again {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let log = folder.join("events.ndjson");
        unpack(&super::data(root)?.join("logs"), &log)?;
        let mut filling = Command::new(&program);
        filling.arg("fill").args([&log, &lake]);
        filling.args([options.events.to_string(), options.seed.to_string()]);
        say(output(&mut filling)?.trim());
    }
    let subjects = fs::read_to_string(lake.join("subjects.json")).context("an earlier run left no events here")?;
    let subjects: serde_json::Value = serde_json::from_str(&subjects)?;
    let mut figures = BTreeMap::new();
    for (name, question) in questions(&subjects) {
        let file = folder.join("question.sql");
        fs::write(&file, question)?;
        let mut asking = Command::new(&program);
        asking
            .arg("ask")
            .arg(&lake)
            .arg(name)
            .arg(&file)
            .arg(lake.join("indicators.txt"));
        let line = output(&mut asking)?;
        say(line.trim());
        take("ours", &line, &mut figures);
    }
    if !options.alone {
        let mut asking = Command::new(python(&folder)?);
        asking
            .arg(root.join("bench/lake/peers.py"))
            .arg(&lake)
            .arg(folder.join("peers"));
        for line in output(&mut asking)?.lines() {
            say(line);
            let peer = value(line, "peer").unwrap_or_default().to_owned();
            take(&peer, line, &mut figures);
        }
    }
    report(&subjects, &figures);
    Ok(())
}

type Figures = BTreeMap<(String, String, &'static str), String>;

/// Takes the times of one answer.
fn take(who: &str, line: &str, figures: &mut Figures) {
    let Some(question) = value(line, "question") else {
        return;
    };
    for kind in ["cold_ms", "warm_ms"] {
        if let Some(time) = value(line, kind) {
            figures.insert((question.to_owned(), who.to_owned(), kind), time.to_owned());
        }
    }
}

fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(' ')
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn report(subjects: &serde_json::Value, figures: &Figures) {
    for (name, _) in questions(subjects) {
        let figure = |who: &str, kind| {
            let key = (name.to_owned(), who.to_owned(), kind);
            figures.get(&key).map_or("-", String::as_str)
        };
        say(&format!(
            "lake question={name} events={} ours_ms={} duckdb_ms={} chdb_ms={} ours_cold_ms={} duckdb_cold_ms={} chdb_cold_ms={}",
            subjects["events"],
            figure("ours", "warm_ms"),
            figure("duckdb", "warm_ms"),
            figure("chdb", "warm_ms"),
            figure("ours", "cold_ms"),
            figure("duckdb", "cold_ms"),
            figure("chdb", "cold_ms"),
        ));
    }
}

fn build(root: &Path) -> Result<PathBuf> {
    let built = Command::new("cargo")
        .current_dir(root)
        .args(["build", "--profile", "quick", "-p", "lake", "--example", "questions"])
        .status()
        .context("cargo")?;
    if !built.success() {
        bail!("the lake's half does not build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("quick/examples/questions"))
}

fn unpack(logs: &Path, to: &Path) -> Result<()> {
    let packed = fs::read_dir(logs)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(".ndjson.gz"))
        .with_context(|| format!("there are no recorded events in {}", logs.display()))?;
    let out = fs::File::create(to)?;
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).stdout(out).status();
    if unpacked.context("gzip")?.success() {
        Ok(())
    } else {
        bail!("the recorded events cannot be unpacked")
    }
}

/// A Python that has the peers; they are installed beside the lake when it has not.
fn python(folder: &Path) -> Result<PathBuf> {
    let own = folder.join("python");
    let program = own.join("bin/python");
    if !program.exists() {
        output(Command::new("python3").args(["-m", "venv"]).arg(&own))?;
        output(
            Command::new(own.join("bin/pip"))
                .args(["install", "--quiet"])
                .args(PEERS),
        )?;
    }
    Ok(program)
}
