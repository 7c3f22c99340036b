//! How fast the lake takes events and how much it stores: `write_speed FILE.ndjson FOLDER [EVENTS]`, the lines of the file
//! again and again with other times, numbers and addresses; then questions in SQL. Each is a line that a script can read.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::ToSpan;
use lake::{
    Batch, Config, EntityValue, Filter, Lake,
    query::{HuntLimits, HuntScope},
};
use model::{Entities, EntityColumn, Event, Fields, LogSource, LogSourceSet, Seq, SourceId, Timestamp, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The members of an object in the order of the text.
#[derive(Default)]
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

/// One flat JSON object as `normalize` would read it, near enough for measuring.
fn event_of(line: &str, sets: &[LogSourceSet], seq: Seq) -> Event {
    let InOrder(fields) = serde_json::from_str(line).unwrap_or_default();
    let text = |name: &str| fields.text(name).map(Into::into);
    let entities = Entities {
        host_name: fields.text("Hostname").map(|host| host.to_lowercase().into()),
        user_name: text("AccountName").or_else(|| text("SubjectUserName")),
        user_domain: text("Domain"),
        process_executable: text("Image").or_else(|| text("NewProcessName")),
        process_command_line: text("CommandLine"),
        process_parent_executable: text("ParentImage"),
        source_ip: fields.text("SourceIp").and_then(|ip| ip.parse().ok()),
        destination_ip: fields.text("DestinationIp").and_then(|ip| ip.parse().ok()),
        file_path: text("TargetFilename"),
        event_code: fields.get("EventID").map(|code| format!("{code:?}").into()),
        ..Entities::default()
    };
    Event {
        seq,
        records: 1,
        source: SourceId::new("windows"),
        happened_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        format: "nxlog".into(),
        logsources: sets[line.len() % sets.len()].clone(),
        fields,
        entities,
        raw: Bytes::copy_from_slice(line.as_bytes()),
        problems: Vec::new(),
        exercise: false,
    }
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}

/// Processor time of the lake's own threads, in microseconds.
fn lake_cpu_micros() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let of_lake = stats.filter(|stat| stat.contains("(lake-"));
    let ticks = of_lake.map(|stat| {
        let after = stat.rsplit(") ").next().unwrap_or_default();
        let fields: Vec<u64> = after.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
        fields.iter().skip(11).take(2).sum::<u64>()
    });
    ticks.sum::<u64>() * 10_000
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

/// A record that is there once.
const RARE: &[u8] = br#"{"Message":"beacon to xq7-relay.example every 61 s"}"#;

/// A million addresses, so that each is there now and then.
fn address_of(seq: Seq) -> std::net::IpAddr {
    let number = u32::try_from(seq.wrapping_mul(0x9e37_79b9) % 1_000_000).expect("a million");
    std::net::Ipv4Addr::from(0x0a00_0000 + number).into()
}

/// Asks each question twice, the second time with what the first has left in memory.
fn ask(lake: &Lake, count: u64) {
    let session = lake
        .session(HuntLimits::default(), &HuntScope::default())
        .expect("threads");
    let address = address_of(count / 2);
    let questions = [
        ("count", "SELECT count(*) FROM events".to_owned()),
        ("address", format!("SELECT * FROM events WHERE source.ip = '{address}'")),
        (
            "user_in_an_hour",
            "SELECT seq FROM events WHERE user.name = 'pgustavo' AND happened_at < '2026-11-25T00:10:00Z'".to_owned(),
        ),
        (
            "rare_text",
            "SELECT seq, raw() FROM events WHERE has_text('XQ7-relay')".to_owned(),
        ),
        (
            "common_text",
            "SELECT seq, raw() FROM events WHERE has_text('powershell') LIMIT 100".to_owned(),
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
            "distinct",
            "SELECT count(DISTINCT process.command_line) FROM events".to_owned(),
        ),
        (
            "latest",
            "SELECT seq, raw() FROM events WHERE host.name = 'workstation5.theshire.local' ORDER BY happened_at DESC LIMIT 20".to_owned(),
        ),
    ];
    for (name, question) in questions {
        let mut times = Vec::new();
        let mut rows = 0;
        let mut progress = lake::query::Progress::default();
        for _again in 0..2 {
            let (time, (found, seen)) = timed(|| {
                let mut hunt = session.sql(&question).expect("is SQL");
                let batches = hunt.collect_blocking().expect("answers");
                (
                    batches.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(),
                    hunt.progress(),
                )
            });
            times.push(time.as_millis());
            (rows, progress) = (found, seen);
        }
        writeln!(
            std::io::stdout(),
            "lake question={name} events={count} first_ms={} again_ms={} rows={rows} groups_read={} groups_spared={} mib_read={}",
            times[0],
            times[1],
            progress.row_groups_read,
            progress.row_groups_spared,
            progress.bytes_read >> 20,
        )
        .expect("writes");
    }
}

fn fill(lake: &Lake, events: &[Event], count: u64) -> Duration {
    let start: Timestamp = "2026-11-25T00:00:00Z".parse().expect("is a time");
    let mut taken = Duration::ZERO;
    let mut next = 1;
    while next <= count {
        let batch: Vec<Event> = (next..(next + 1000).min(count + 1))
            .map(|seq| {
                let mut event = events[usize::try_from(seq).expect("64 bits") % events.len()].clone();
                event.seq = seq;
                event.received_at = start + i64::try_from(seq / 20).expect("small").milliseconds();
                event.happened_at = event.received_at;
                event.entities.source_ip = Some(address_of(seq));
                if seq == count / 3 {
                    event.raw = RARE.into();
                }
                event
            })
            .collect();
        next += batch.len() as u64;
        let (time, appended) = timed(|| {
            lake.append(Batch {
                events: batch,
                rejections: Vec::new(),
                resume: next,
            })
        });
        appended.expect("the disk has room");
        taken += time;
    }
    taken + timed(|| lake.flush().expect("the disk has room")).0
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder, rest @ ..] = args.as_slice() else {
        panic!("write_speed FILE.ndjson FOLDER [EVENTS]")
    };
    let count: u64 = rest
        .first()
        .map_or(Ok(300_000), |text| text.parse())
        .expect("a number of events");
    let lines = std::fs::read_to_string(file).expect("reads");
    let sets = ["registry_set", "process_access", "image_load"].map(|category| {
        LogSourceSet::new([
            LogSource::new(category, "windows", ""),
            LogSource::new("", "windows", "sysmon"),
        ])
    });
    let events: Vec<Event> = lines.lines().map(|line| event_of(line, &sets, 1)).collect();
    let json = lines.len() as u64 / events.len() as u64 * count;
    drop(lines);
    let base = peak_mib();
    let folder = Path::new(folder);
    let _ = std::fs::remove_dir_all(folder);
    let lake = Lake::open(folder, Config::default()).expect("opens");
    let (wall, busy) = timed(|| fill(&lake, &events, count));
    let stats = lake.stats().events;
    let (one, found) = timed(|| lake.get(count / 2));
    assert_eq!(found.rows.len(), 1);
    let of_it = usize::try_from(count / 2).expect("64 bits") % events.len();
    assert_eq!(found.rows[0].raw, events[of_it].raw);
    let moment = found.rows[0].happened_at;
    let filter = Filter {
        from: Some(moment - 1.second()),
        before: Some(moment + 1.second()),
        entities: vec![(
            EntityColumn::HostName,
            EntityValue::Text("workstation6.mordor.local".into()),
        )],
        ..Filter::default()
    };
    let (around, found) = timed(|| lake.around(&filter, moment, 100));
    let absent = Filter {
        entities: vec![(
            EntityColumn::SourceIp,
            EntityValue::Address("203.0.113.9".parse().expect("an address")),
        )],
        ..Filter::default()
    };
    let (nothing, _) = timed(|| lake.around(&absent, moment, 100));
    let per_second = |time: Duration| u128::from(count) * 1000 / time.as_millis().max(1);
    writeln!(
        std::io::stdout(),
        "lake write events_per_second={} with_cloning={} cpu_us_per_event={} bytes_per_event={} ratio_to_json={} \
         files={} rss_mib={} get_ms={} around_ms={} ({} rows) absent_ms={}",
        per_second(busy),
        per_second(wall),
        lake_cpu_micros() / count,
        stats.bytes / count,
        json / stats.bytes,
        stats.files,
        peak_mib() - base,
        one.as_millis(),
        around.as_millis(),
        found.rows.len(),
        nothing.as_millis(),
    )
    .expect("writes");
    ask(&lake, count);
}
