//! How long a line of each text format takes to become an event: `cargo bench -p normalize --bench text`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark measures and prints"
)]

use std::{hint::black_box, path::Path, time::Instant};

use bytes::Bytes;
use model::{FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{HeaderFollower, Normalizer, Settings};

const ROUNDS: u32 = 2_000;

fn main() {
    let samples = [
        "nginx/access.hinted.log",
        "access_log/vhost.log",
        "w3c/iis.headed.log",
        "sshd/attack.log",
        "syslog/rfc5424-rsyslog.log",
        "auditd/audit.log",
        "cef/samples.log",
        "fortigate/samples.log",
        "cisco/samples.log",
    ];
    let normalizer = Normalizer::new(&Settings::default());
    for sample in samples {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(sample);
        let content = std::fs::read(path).expect("the sample is in the repository");
        let records = records(&content);
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for record in &records {
                black_box(normalizer.normalize(1, record));
            }
        }
        let lines = f64::from(ROUNDS) * f64::from(u32::try_from(records.len()).expect("samples are short"));
        let microseconds = start.elapsed().as_secs_f64() * 1e6 / lines;
        println!("normalize sample={sample} microseconds_per_line={microseconds:.2}");
    }
}

fn records(content: &[u8]) -> Vec<RawRecord> {
    let mut headers = HeaderFollower::default();
    let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            headers.observe(line);
            RawRecord {
                source: SourceId::new("bench"),
                received_at: Timestamp::from_second(1_773_561_600).expect("a time in 2026"),
                transport: Transport::File,
                origin: "bench".into(),
                format: headers.hint(),
                exercise: false,
                bytes: Bytes::copy_from_slice(line),
            }
        })
        .filter(|record: &RawRecord| record.bytes.first() != Some(&b'#') || record.format == FormatHint::Unknown)
        .collect()
}
