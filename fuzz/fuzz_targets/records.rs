//! What the targets of `normalize` share: lines of the input are records that are read and joined, and none is lost.

use std::sync::LazyLock;

use bytes::Bytes;
use model::{FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{Assembler, HeaderFollower, Normalizer, Settings};

static NORMALIZER: LazyLock<Normalizer> = LazyLock::new(|| Normalizer::new(&Settings::default()));

/// Reads the lines of `input`, each as of the source `hint`, or of what the header lines before it say.
pub fn read(input: &[u8], hint: Option<&str>) {
    let mut assembler = Assembler::default();
    let mut headers = HeaderFollower::default();
    let mut events = Vec::new();
    let mut records = 0;
    for line in input.split(|byte| *byte == b'\n') {
        records += 1;
        headers.observe(line);
        let record = RawRecord {
            source: SourceId::new("fuzz"),
            received_at: Timestamp::from_second(1_773_561_600).expect("a time in 2026"),
            transport: Transport::File,
            origin: "fuzz".into(),
            format: match hint {
                Some(name) => FormatHint::Named(name.into()),
                None => headers.hint(),
            },
            exercise: false,
            bytes: Bytes::copy_from_slice(line),
        };
        assembler.push(NORMALIZER.normalize(records, &record), &mut events);
    }
    assembler.flush(&mut events);
    let joined: u64 = events.iter().map(|event| u64::from(event.records)).sum();
    assert_eq!(joined, records, "each record is in one event");
}
