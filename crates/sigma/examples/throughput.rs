//! Times parsing and matching of an NDJSON file against folders of rules, on one core:
//! `cargo run --profile quick --example throughput -- EVENTS.ndjson.gz ROUNDS RULES…`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sigma::document::{self, RuleDocument};
use sigma::engine::Engine;
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};
use sigma::rule::LogSource;

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            out.push(path);
        }
    }
}

fn read(path: &str) -> String {
    let bytes = std::fs::read(path).expect("the events can be read");
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("gzip of UTF-8");
    text
}

/// Names the log sources of an event from channel and event id, as a shipper's hint would.
fn sources_of(line: &str) -> Vec<LogSource> {
    let event: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
    let channel = event["Channel"].as_str().unwrap_or_default().to_lowercase();
    let id = event["EventID"].as_i64().unwrap_or_default();
    let service = match channel.as_str() {
        "microsoft-windows-sysmon/operational" => "sysmon",
        "microsoft-windows-powershell/operational" => "powershell",
        "windows powershell" => "powershell-classic",
        "microsoft-windows-wmi-activity/operational" => "wmi",
        other => other,
    };
    let categories: &[&str] = match (service, id) {
        ("sysmon", 1) | ("security", 4688) => &["process_creation"],
        ("sysmon", 3) => &["network_connection"],
        ("sysmon", 7) => &["image_load"],
        ("sysmon", 8) => &["create_remote_thread"],
        ("sysmon", 10) => &["process_access"],
        ("sysmon", 11) => &["file_event"],
        ("sysmon", 12) => &["registry_event", "registry_add", "registry_delete"],
        ("sysmon", 13) => &["registry_event", "registry_set"],
        ("sysmon", 17 | 18) => &["pipe_created"],
        ("sysmon", 22) => &["dns_query"],
        ("sysmon", 23) => &["file_delete"],
        ("powershell", 4104) => &["ps_script"],
        ("powershell", 4103) => &["ps_module"],
        ("powershell-classic", 400) => &["ps_classic_start"],
        _ => &[],
    };
    let mut sources = vec![LogSource::new("", "windows", service)];
    sources.extend(
        categories
            .iter()
            .map(|category| LogSource::new(category, "windows", service)),
    );
    sources
}

/// Pairs each line with the place of its log sources among the distinct sets.
fn hinted(text: &str) -> (Vec<(&str, usize)>, Vec<LogSourceSet>) {
    let mut kinds: Vec<LogSourceSet> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let set = LogSourceSet::new(sources_of(line));
        let place = kinds.iter().position(|kind| *kind == set).unwrap_or_else(|| {
            kinds.push(set);
            kinds.len() - 1
        });
        lines.push((line, place));
    }
    (lines, kinds)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [events, rounds, folders @ ..] = arguments.as_slice() else {
        println!("usage: throughput EVENTS.ndjson.gz ROUNDS RULES…");
        return;
    };
    let mut paths = Vec::new();
    for folder in folders {
        files(Path::new(folder), &mut paths);
    }
    let texts: Vec<_> = paths
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a rule file"))
        .collect();
    let began = cpu_seconds();
    let mut builder = Engine::builder();
    let mut refused = 0;
    for (path, text) in paths.iter().zip(&texts) {
        let file = document::parse(&path.to_string_lossy(), text);
        file.errors.iter().for_each(|error| println!("{error}"));
        refused += file.errors.len();
        for document in file.documents {
            if let RuleDocument::Rule(rule) = document
                && let Err(error) = builder.add(Arc::new(*rule))
            {
                println!("{error}");
                refused += 1;
            }
        }
    }
    let parsed = cpu_seconds() - began;
    let engine = Arc::new(builder.build());
    println!(
        "rules={} refused={refused} atoms={} fields={} parse_s={:.3} load_s={:.3} rss_mib={}",
        engine.rules().len(),
        engine.atoms(),
        engine.fields(),
        parsed,
        cpu_seconds() - began,
        resident_mib(),
    );
    let text = read(events);
    let (lines, kinds) = hinted(&text);
    let (mut scanner, mut matcher) = (JsonScanner::new(), Matcher::new(engine));
    for round in 0..rounds.parse().unwrap_or(3) {
        let began = cpu_seconds();
        let mut hits = 0;
        for (line, kind) in &lines {
            let record = scanner.scan(line).expect("a JSON object");
            hits += matcher.matches(&record, &kinds[*kind]).len();
        }
        let spent = cpu_seconds() - began;
        let count = f64::from(u32::try_from(lines.len()).expect("few lines"));
        println!(
            "round={round} events={} matches={hits} events_per_s={:.0} us_per_event={:.3} rss_mib={}",
            lines.len(),
            count / spent,
            spent * 1e6 / count,
            resident_mib(),
        );
    }
}

/// Returns the CPU time that this thread has had; other work on the machine does not count.
fn cpu_seconds() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = statistics.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.unwrap_or_default() / 1e9
}

fn resident_mib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok())
        .unwrap_or_default()
        * 4
        / 1024
}
