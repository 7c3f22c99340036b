//! How fast the journal takes records durably: `append_speed FILE.ndjson FOLDER [SENDERS] [RECORDS A REQUEST] [REQUESTS]`,
//! with a reader that follows and releases as the pump does. Ends with a line that a script can read.

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use journal::{Config, Journal};
use model::{FormatHint, JournalEntry, RawRecord, SourceId, Timestamp, Transport};

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

fn record(line: &[u8]) -> JournalEntry {
    JournalEntry::Record(RawRecord {
        source: SourceId::new("windows"),
        received_at: Timestamp::UNIX_EPOCH,
        transport: Transport::Bulk,
        origin: "192.0.2.1:44444".into(),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: Bytes::copy_from_slice(line),
    })
}

/// Processor time of the process in microseconds, and its largest resident memory in MiB.
fn costs() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    let kib: u64 = peak
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    (ticks * 10_000, kib / 1024)
}

async fn follow(journal: Journal, last: u64) {
    let mut next = 1;
    while next <= last {
        let read = journal.read(next, 2000, 4 << 20).expect("reads");
        match read.last() {
            Some((seq, _)) => {
                next = seq + 1;
                journal.release(*seq);
            }
            None => {
                journal.wait_beyond(next - 1).await.expect("is open");
            }
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, folder, rest @ ..] = args.as_slice() else {
        panic!("append_speed FILE.ndjson FOLDER [SENDERS] [RECORDS A REQUEST] [REQUESTS]")
    };
    let number = |at: usize, otherwise: usize| rest.get(at).map_or(otherwise, |text| text.parse().expect("a number"));
    let (senders, per_request, requests) = (number(0, 4), number(1, 500), number(2, 200));
    let text = std::fs::read(file).expect("reads");
    let records: Vec<JournalEntry> = text
        .split(|byte| *byte == b'\n')
        .map(|l| record(&l[..l.len().min(1500)]))
        .collect();
    drop(text);
    let _ = std::fs::remove_dir_all(folder);
    let (journal, _) = Journal::open(Path::new(folder), &Config::default(), 1).expect("opens");
    let total = senders * per_request * requests;
    let (begun, before) = (now(), costs());
    let reader = tokio::spawn(follow(journal.clone(), total as u64));
    let mut tasks = tokio::task::JoinSet::new();
    for sender in 0..senders {
        let journal = journal.clone();
        let own: Vec<JournalEntry> = (0..per_request)
            .map(|i| records[(sender * 997 + i) % records.len()].clone())
            .collect();
        tasks.spawn(async move {
            let mut slowest = Duration::ZERO;
            for _ in 0..requests {
                let begun = now();
                journal.append(own.clone()).await.expect("has room");
                slowest = slowest.max(begun.elapsed());
            }
            slowest
        });
    }
    let slowest = tasks.join_all().await.into_iter().max().unwrap_or_default();
    let wall = begun.elapsed();
    reader.await.expect("ends");
    let after = costs();
    writeln!(
        std::io::stdout(),
        "journal append records_per_second={} cpu_ns_per_record={} slowest_ms={} rss_mib={} file_mib={}",
        (total as u128) * 1000 / wall.as_millis().max(1),
        (after.0 - before.0) * 1000 / total as u64,
        slowest.as_millis(),
        after.1 - before.1,
        journal.stats().file_bytes >> 20,
    )
    .expect("writes");
}
