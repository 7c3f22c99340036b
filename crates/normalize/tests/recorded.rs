//! The recorded attacks and events of others, where they are at hand: `WATCHPOST_DATA`, or `../shared/data` beside the
//! workspace. They are not part of the repository; without them these tests say so and prove nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may stop, and says what it skips"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use compact_str::CompactString;
use model::{Event, FormatHint, LogSource, ProblemKind, RawRecord, SourceId, Transport};
use normalize::{Normalized, Normalizer, Settings, evtx_records};

#[test]
fn recorded_attacks_have_the_log_source_of_their_rule_from_evtx_and_from_json() {
    let Some(data) = data("sigma/regression_data") else {
        return;
    };
    let rules = rules(&data.join("../"));
    let mut checked = 0;
    let mut wrong = Vec::new();
    for info in files(&data).into_iter().filter(|path| path.ends_with("info.yml")) {
        let text = fs::read_to_string(&info).unwrap();
        let id = text
            .split_once("rule_metadata:")
            .unwrap()
            .1
            .split_once("- id: ")
            .unwrap()
            .1;
        let id = id.lines().next().unwrap().trim();
        let wanted = &rules[id];
        for sample in files(info.parent().unwrap()) {
            let events = match sample.extension().and_then(|extension| extension.to_str()) {
                Some("evtx") => of_evtx(&sample),
                Some("json") => of_json(&sample),
                _ => continue,
            };
            checked += 1;
            if !events
                .iter()
                .any(|event| event.logsources.members().iter().any(|member| covers(member, wanted)))
            {
                wrong.push(format!("{}: {wanted:?}", sample.display()));
            }
            for event in &events {
                assert_eq!(event.problems, [], "{}", sample.display());
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(checked >= 190, "{checked}");
}

#[test]
fn recorded_windows_events_are_all_recognised_and_timed() {
    let Some(data) = data("logs") else { return };
    let file = fs::File::open(data.join("windows_otrf_30k.ndjson.gz")).unwrap();
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let mut problems: BTreeMap<ProblemKind, u32> = BTreeMap::new();
    let mut events = 0;
    for line in lines {
        let event = normalize(line.unwrap().into_bytes());
        events += 1;
        assert!(matches!(event.format.as_str(), "windows" | "sysmon"), "{event:?}");
        assert!(event.entities.host_name.is_some(), "{event:?}");
        assert!(event.fields.text("Provider_Name").is_some() || event.fields.text("SourceName").is_none());
        for problem in event.problems {
            *problems.entry(problem.kind).or_default() += 1;
        }
    }
    assert_eq!(events, 30_000);
    problems.remove(&ProblemKind::GuessedTime);
    assert_eq!(problems, BTreeMap::new());
}

fn normalize(bytes: Vec<u8>) -> Event {
    let record = RawRecord {
        source: SourceId::new("recorded"),
        received_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        transport: Transport::File,
        origin: CompactString::const_new("recorded"),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: Bytes::from(bytes),
    };
    thread_local! {
        static NORMALIZER: Normalizer = Normalizer::new(&Settings::default());
    }
    match NORMALIZER.with(|normalizer| normalizer.normalize(1, &record)) {
        Normalized::Event(event) => event,
        Normalized::Fragment(fragment) => fragment.event,
    }
}

fn of_evtx(path: &Path) -> Vec<Event> {
    let file = fs::File::open(path).unwrap();
    evtx_records(file)
        .map(|record| normalize(record.unwrap().json.to_vec()))
        .collect()
}

fn of_json(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).unwrap();
    let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    values
        .map(|value| normalize(value.unwrap().to_string().into_bytes()))
        .collect()
}

fn covers(member: &LogSource, wanted: &LogSource) -> bool {
    let part = |has: &Option<CompactString>, wants: &Option<CompactString>| wants.is_none() || has == wants;
    part(&member.category, &wanted.category)
        && part(&member.product, &wanted.product)
        && part(&member.service, &wanted.service)
}

/// The log source of each rule by its id.
fn rules(sigma: &Path) -> BTreeMap<String, LogSource> {
    let folders = ["rules", "rules-emerging-threats", "rules-threat-hunting"];
    let paths = folders.iter().flat_map(|folder| files(&sigma.join(folder)));
    let rule = |path: PathBuf| {
        let text = fs::read_to_string(path).ok()?;
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("id: "))?
            .trim()
            .to_owned();
        let block: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.starts_with("logsource:"))
            .skip(1)
            .take_while(|line| line.starts_with(' '))
            .collect();
        let part = |name: &str| {
            let line = block
                .iter()
                .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
            line.map_or("", |value| value.split('#').next().unwrap_or_default().trim())
        };
        Some((id, LogSource::new(part("category"), part("product"), part("service"))))
    };
    paths.filter_map(rule).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn data(folder: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("WATCHPOST_DATA")
        .map_or(beside, PathBuf::from)
        .join(folder);
    if data.is_dir() {
        return Some(data);
    }
    println!("SKIPPED: {} is not there; set WATCHPOST_DATA", data.display());
    None
}
