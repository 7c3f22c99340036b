//! Times normalising on one core: `cargo run -p normalize --profile quick --example throughput -- FILE.ndjson[.gz]`.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "an example measures, counts and prints"
)]

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    time::Instant,
};

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{Assembler, Normalizer, Settings};

const ROUNDS: u32 = 5;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let file = File::open(&path)?;
    let is_packed = Path::new(&path).extension().is_some_and(|extension| extension == "gz");
    let lines: Box<dyn Read> = if is_packed {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let records: Vec<RawRecord> = BufReader::new(lines)
        .split(b'\n')
        .map(|line| line.map(record))
        .collect::<Result<_, _>>()?;
    let bytes: usize = records.iter().map(|record| record.bytes.len()).sum();
    let normalizer = Normalizer::new(&Settings::default());
    for round in 1..=ROUNDS {
        let mut assembler = Assembler::default();
        let mut events = Vec::new();
        let mut fields = 0;
        let begun = Instant::now();
        for (seq, record) in (1..).zip(&records) {
            assembler.push(normalizer.normalize(seq, record), &mut events);
            fields += events.iter().map(|event| event.fields.len()).sum::<usize>();
            events.clear();
        }
        let seconds = begun.elapsed().as_secs_f64();
        let count = records.len() as f64;
        println!(
            "round {round}: {:.2} us/record, {:.0} records/s, {:.0} MB/s, {:.1} fields/record, {:.0} bytes/record",
            seconds * 1e6 / count,
            count / seconds,
            bytes as f64 / seconds / 1e6,
            fields as f64 / count,
            bytes as f64 / count,
        );
    }
    Ok(())
}

fn record(line: Vec<u8>) -> RawRecord {
    RawRecord {
        source: SourceId::new("throughput"),
        received_at: Timestamp::now(),
        transport: Transport::Ndjson,
        origin: CompactString::const_new("throughput"),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: Bytes::from(line),
    }
}
