//! Whatever bytes come, a record becomes an event with those bytes in it: nothing panics, nothing is dropped. Random
//! text, and the samples of every source with bytes changed, cut and repeated. The corpus of the fuzz targets is replayed.

#![expect(clippy::unwrap_used, reason = "a test may stop at what should not be")]

use std::{fs, path::Path, sync::LazyLock};

use bytes::Bytes;
use compact_str::CompactString;
use model::{Event, FormatHint, RawRecord, SourceId, Timestamp, Transport};
use normalize::{Assembler, HeaderFollower, Normalizer, Settings, limits};
use proptest::prelude::*;

static NORMALIZER: LazyLock<Normalizer> = LazyLock::new(|| Normalizer::new(&Settings::default()));

/// Every line of every sample.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut lines = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for folder in fs::read_dir(root).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let content = fs::read(path).unwrap();
                lines.extend(content.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
            }
        }
    }
    lines
});

fn record(bytes: &[u8], format: FormatHint) -> RawRecord {
    RawRecord {
        source: SourceId::new("any"),
        received_at: "2026-03-15T08:00:00Z".parse::<Timestamp>().unwrap(),
        transport: Transport::File,
        origin: CompactString::const_new("any"),
        format,
        exercise: false,
        bytes: Bytes::copy_from_slice(bytes),
    }
}

/// Reads the records in order and checks what holds for all.
fn read(records: &[&[u8]], format: &FormatHint) -> Vec<Event> {
    let mut assembler = Assembler::default();
    let mut events = Vec::new();
    for (seq, bytes) in (1..).zip(records) {
        assembler.push(NORMALIZER.normalize(seq, &record(bytes, format.clone())), &mut events);
    }
    assembler.flush(&mut events);
    let joined: u32 = events.iter().map(|event| event.records).sum();
    assert_eq!(joined as usize, records.len(), "each record is in one event");
    for event in &events {
        assert!(event.fields.len() <= limits::FIELDS_MAX);
        assert!(event.problems.len() <= limits::PROBLEMS_MAX);
        if event.records == 1 {
            assert_eq!(&event.raw[..], records[usize::try_from(event.seq).unwrap() - 1]);
        }
    }
    events
}

fn hints() -> Vec<FormatHint> {
    let mut all = vec![
        FormatHint::Unknown,
        FormatHint::Named("w3c date time c-ip cs-uri-query".into()),
    ];
    all.extend(Normalizer::formats().map(|name| FormatHint::Named(name.into())));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 20_000 }))]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), hint in proptest::sample::select(hints())) {
        read(&[&bytes], &hint);
    }

    #[test]
    fn random_text_of_the_letters_that_formats_use(
        text in r#"[<>\[\]{}()|=:;,.'"\\%/#@ \t0-9A-Fa-fx-z-]{0,200}"#,
        hint in proptest::sample::select(hints()),
    ) {
        read(&[text.as_bytes()], &hint);
    }

    #[test]
    fn samples_with_bytes_changed_and_cut(
        at in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        hint in proptest::sample::select(hints()),
    ) {
        let mut bytes = SAMPLES[at.index(SAMPLES.len())].clone();
        for (place, byte) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1).max(bytes.len() / 2));
        read(&[&bytes], &hint);
    }

    #[test]
    fn samples_in_any_order_lose_no_record(order in proptest::collection::vec(any::<prop::sample::Index>(), 0..80)) {
        let records: Vec<&[u8]> = order.iter().map(|at| SAMPLES[at.index(SAMPLES.len())].as_slice()).collect();
        read(&records, &FormatHint::Unknown);
    }

    #[test]
    fn headers_of_any_bytes(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8)) {
        let mut follower = HeaderFollower::default();
        for line in lines {
            follower.observe(&[b"#fields\t".as_slice(), &line].concat());
            follower.observe(&[b"#types\t".as_slice(), &line].concat());
            follower.observe(&line);
        }
        read(&[b"1773454178.5\ta\tb"], &follower.hint());
    }
}

#[test]
fn long_and_repetitive_records_are_read_in_bounded_time_and_space() {
    let long = |part: &str| part.repeat(200_000 / part.len());
    for text in [
        long("["),
        long("a=1 "),
        long("\\"),
        format!("CEF:0|a|b|c|d|e|f|{}", long("a=b ")),
        format!("CEF:0|a|b|c|d|e|f|{}", long("=")),
        format!("<14>1 - h a - - {}", long("[x y=\"z\"]")),
        format!("type=EXECVE msg=audit(1.5:1): {}", long("a0[0]=41 ")),
        format!("date=1 devid=2 {}", long("x=\"")),
        long("1.2.3.4 - - [25/"),
        format!("1.2.3.4 - - [14/Mar/2026:02:09:38 +0000] \"{}", long("%25")),
        format!("<86>sshd[1]: Failed password for {}", long(" from 1.1.1.1")),
        format!("%ASA-6-302013: {}", long("a:1.2.3.4/5 ")),
    ] {
        read(&[text.as_bytes()], &FormatHint::Unknown);
    }
}

#[test]
fn the_corpus_of_the_fuzz_targets_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut count = 0;
    for target in fs::read_dir(corpus).unwrap() {
        let target = target.unwrap().path();
        if !target.file_name().unwrap().to_str().unwrap().starts_with("normalize_") {
            continue;
        }
        for input in fs::read_dir(target).unwrap() {
            let bytes = fs::read(input.unwrap().path()).unwrap();
            let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            read(&lines, &FormatHint::Unknown);
            let list = normalize::lists::Indicators::read(&bytes);
            assert!(list.len() as u64 + list.unread <= lines.len() as u64);
            count += 1;
        }
    }
    assert!(count > 0, "the corpus is there");
}
