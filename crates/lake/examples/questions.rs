//! The lake's half of `cargo xtask bench lake`. `questions fill FILE.ndjson FOLDER EVENTS SEED` writes recorded events again and
//! again with other times, hosts, users, addresses and hashes; `questions ask FOLDER NAME QUESTION.sql LIST` asks one question,
//! first with nothing of the files in memory. Each ends with a line that a script can read.
#![expect(clippy::cast_precision_loss, reason = "bytes become a ratio")]

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use lake::{
    Batch, Config, Lake,
    query::{HuntLimits, HuntScope, HuntSession, Progress, RecordBatch},
};
use model::{Entities, Event, Fields, LogSource, LogSourceSet, Seq, SourceId, Timestamp, Value};
use serde::{
    Serialize, Serializer,
    de::{Deserialize, Deserializer, MapAccess, Visitor},
    ser::SerializeMap,
};

/// The members of an object in the order of the text.
#[derive(Default, Clone)]
struct InOrder(Fields);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = InOrder;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    fields.push(name, value);
                }
                Ok(InOrder(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Serialize for InOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for field in &self.0 {
            map.serialize_entry(&field.name, &field.value)?;
        }
        map.end()
    }
}

/// The next of a sequence of numbers that look random (splitmix64, Steele et al. 2014).
fn mixed(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The days over which events are spread.
const DAYS: u64 = 30;
/// Different addresses; a list of indicators has each hundredth of ten million.
const ADDRESSES: u64 = 2_000_000;

struct Generator {
    bases: Vec<InOrder>,
    sets: [LogSourceSet; 3],
    seed: u64,
    count: u64,
    start: Timestamp,
}

impl Generator {
    fn new(file: &Path, count: u64, seed: u64) -> Self {
        let lines = BufReader::new(File::open(file).expect("the recorded events are there")).lines();
        let bases = lines.map(|line| serde_json::from_str(&line.expect("reads")).expect("is an object"));
        let set = |category: &str| {
            LogSourceSet::new([
                LogSource::new(category, "windows", ""),
                LogSource::new("", "windows", "sysmon"),
            ])
        };
        Self {
            bases: bases.collect(),
            sets: ["registry_set", "process_access", "image_load"].map(set),
            seed,
            count,
            start: "2026-10-26T00:00:00Z".parse().expect("is a time"),
        }
    }

    fn address(&self, seq: Seq) -> IpAddr {
        let number = mixed(self.seed ^ 1, seq) % ADDRESSES;
        Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).expect("two million")).into()
    }

    fn hash(&self, seq: Seq) -> String {
        let part = |salt| format!("{:016x}", mixed(self.seed ^ salt, seq % (self.count / 3).max(1)));
        [2, 3, 4, 5].map(part).concat()
    }

    fn user(&self, seq: Seq) -> String {
        format!("user{:05}", mixed(self.seed ^ 6, seq) % 20_000)
    }

    fn at(&self, seq: Seq) -> Timestamp {
        let micros = u128::from(DAYS * 86_400_000_000) * u128::from(seq) / u128::from(self.count + 1);
        let micros = i64::try_from(micros).expect("a month");
        self.start + jiff::SignedDuration::from_micros(micros)
    }

    /// An event with its record, the same for the same seed and number.
    fn event(&self, seq: Seq) -> Event {
        let random = mixed(self.seed, seq);
        let base = usize::try_from(random % self.bases.len() as u64).expect("is an index");
        let InOrder(mut fields) = self.bases[base].clone();
        let at = self.at(seq);
        let (mut host, user, hash) = (None, self.user(seq), self.hash(seq));
        let (from, to) = (self.address(seq), self.address(seq ^ 0x5555));
        let mut hashed = false;
        for field in &mut fields {
            let text = match field.name.as_str() {
                "Hostname" => {
                    let name = field.value.as_text().unwrap_or("host").to_lowercase();
                    let name = format!(
                        "{}{:03}",
                        name.split('.').next().unwrap_or("host"),
                        (random >> 32) % 400
                    );
                    host = Some(name.clone());
                    name
                }
                "AccountName" | "SubjectUserName" | "TargetUserName" => user.clone(),
                "@timestamp" | "EventTime" | "EventReceivedTime" | "UtcTime" => at.to_string(),
                "SourceIp" | "SourceAddress" => from.to_string(),
                "DestinationIp" | "DestAddress" => to.to_string(),
                "Hashes" => {
                    hashed = true;
                    format!("SHA256={hash}")
                }
                "RecordNumber" => seq.to_string(),
                _others => continue,
            };
            field.value = Value::text(&text);
        }
        if seq == self.count / 3 {
            fields.push("Note", Value::text("beacon to xq7-relay.example every 61 s"));
        }
        self.dressed(fields, seq, (host, user, hashed.then_some(hash)))
    }

    fn dressed(&self, fields: Fields, seq: Seq, (host, user, hash): (Option<String>, String, Option<String>)) -> Event {
        let text = |name: &str| fields.text(name).map(Into::into);
        let at = self.at(seq);
        let entities = Entities {
            host_name: host.map(Into::into),
            user_name: Some(user.into()),
            user_domain: text("Domain"),
            process_executable: text("Image").or_else(|| text("NewProcessName")),
            process_command_line: text("CommandLine"),
            process_parent_executable: text("ParentImage"),
            source_ip: Some(self.address(seq)),
            destination_ip: Some(self.address(seq ^ 0x5555)),
            file_path: text("TargetFilename"),
            file_hash_sha256: hash.map(Into::into),
            event_code: fields.get("EventID").map(|code| format!("{code:?}").into()),
            ..Entities::default()
        };
        let record = InOrder(fields);
        let raw = serde_json::to_vec(&record).expect("is JSON");
        Event {
            seq,
            records: 1,
            source: SourceId::new("windows"),
            happened_at: at,
            received_at: at,
            format: "nxlog".into(),
            logsources: self.sets[raw.len() % self.sets.len()].clone(),
            fields: record.0,
            entities,
            raw: raw.into(),
            problems: Vec::new(),
            exercise: false,
        }
    }

    /// What the questions are about.
    fn subjects(&self) -> serde_json::Value {
        let middle = self.count / 2;
        let hash = (middle..self.count)
            .find_map(|seq| self.event(seq).entities.file_hash_sha256)
            .expect("a record with a hash");
        serde_json::json!({
            "address": self.address(middle).to_string(),
            "hash": hash.as_str(),
            "user": self.user(middle),
            "from": self.at(middle).to_string(),
            "before": (self.at(middle) + jiff::SignedDuration::from_hours(1)).to_string(),
            "events": self.count,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let begun = now();
    let result = run();
    (begun.elapsed(), result)
}

/// The most memory that this process has had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// Writes the events, and says how fast that went and what it took.
fn fill(file: &Path, folder: &Path, count: u64, seed: u64) {
    let generator = Generator::new(file, count, seed);
    let _ = std::fs::remove_dir_all(folder);
    let lake = Lake::open(folder, Config::default()).expect("opens");
    let (mut taken, mut json, mut next) = (Duration::ZERO, 0, 1);
    while next <= count {
        let events: Vec<Event> = (next..(next + 1000).min(count + 1))
            .map(|seq| generator.event(seq))
            .collect();
        next += events.len() as u64;
        json += events.iter().map(|event| event.raw.len() as u64).sum::<u64>();
        let batch = Batch {
            events,
            rejections: Vec::new(),
            resume: next,
        };
        let (time, appended) = timed(|| lake.append(batch));
        appended.expect("the disk has room");
        taken += time;
    }
    taken += timed(|| lake.compact().expect("the disk has room")).0;
    let stats = lake.stats().events;
    let subjects = generator.subjects();
    std::fs::write(folder.join("subjects.json"), subjects.to_string()).expect("writes");
    // Ten in a hundred thousand of the list are addresses that occur.
    let list: Vec<String> = (0..100_000u64)
        .map(|place| {
            if place % 10_000 == 0 {
                generator.address(place + 1).to_string()
            } else {
                let number = u32::try_from(place).expect("a hundred thousand");
                Ipv4Addr::from(0xc612_0000 + number).to_string()
            }
        })
        .collect();
    std::fs::write(folder.join("indicators.txt"), list.join("\n")).expect("writes");
    writeln!(
        std::io::stdout(),
        "lake write events={count} events_per_second={} bytes_per_event={} ratio_to_json={:.1} files={} peak_mib={}",
        u128::from(count) * 1000 / taken.as_millis().max(1),
        stats.bytes / count,
        json as f64 / stats.bytes as f64,
        stats.files,
        peak_mib(),
    )
    .expect("writes");
}

/// Lets the system forget what it holds of the files.
fn forget(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            forget(&path);
        } else if let Ok(file) = File::open(&path) {
            let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
}

fn answer(session: &HuntSession, question: &str) -> (usize, Progress) {
    let mut hunt = session.sql(question).unwrap_or_else(|error| panic!("{error}"));
    let batches = hunt.collect_blocking().unwrap_or_else(|error| panic!("{error}"));
    assert!(hunt.incomplete().is_empty(), "{:?}", hunt.incomplete());
    (batches.iter().map(RecordBatch::num_rows).sum(), hunt.progress())
}

/// Asks a question cold, then three times warm.
fn ask(folder: &Path, name: &str, question: &str, list: &Path) {
    forget(folder);
    let (opening, lake) = timed(|| Lake::open(folder, Config::default()).expect("opens"));
    let limits = HuntLimits {
        seconds_max: 600,
        ..HuntLimits::default()
    };
    let addresses: Vec<IpAddr> = std::fs::read_to_string(list)
        .expect("the list is there")
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    let session = lake.session(limits, &HuntScope::default()).expect("threads");
    let session = session.with_addresses("indicators", &addresses).expect("a list");
    let (cold, _) = timed(|| answer(&session, question));
    let warm = (0..3).map(|_| timed(|| answer(&session, question)));
    let (warm, (rows, progress)) = warm.min_by_key(|(time, _)| *time).expect("three times");
    writeln!(
        std::io::stdout(),
        "answer question={name} cold_ms={} warm_ms={} rows={rows} open_ms={} groups_read={} groups_spared={} mib_read={} peak_mib={}",
        cold.as_millis(),
        warm.as_millis(),
        opening.as_millis(),
        progress.row_groups_read,
        progress.row_groups_spared,
        progress.bytes_read >> 20,
        peak_mib(),
    )
    .expect("writes");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &String| text.parse::<u64>().expect("a number");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fill", file, folder, _, _] => fill(
            Path::new(file),
            Path::new(folder),
            number(&arguments[3]),
            number(&arguments[4]),
        ),
        ["ask", folder, name, question, list] => {
            let question = std::fs::read_to_string(question).expect("the question is there");
            ask(Path::new(folder), name, &question, &PathBuf::from(list));
        }
        _others => {
            panic!("questions fill FILE.ndjson FOLDER EVENTS SEED | questions ask FOLDER NAME QUESTION.sql LIST")
        }
    }
}
