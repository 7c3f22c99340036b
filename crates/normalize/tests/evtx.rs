//! EVTX files, made here byte by byte: their records are read, and what is damaged is a rejection that leaves the rest.

#![expect(clippy::unwrap_used, reason = "a test may stop at what should not be")]

use std::{fs, io::Read, path::Path};

use bytes::Bytes;
use compact_str::CompactString;
use model::{FormatHint, RawRecord, RejectReason, SourceId, Transport, Value};
use normalize::{EvtxRecord, EvtxRejection, Normalized, Normalizer, Settings, evtx_records};
use proptest::prelude::*;

const HEADER_BYTES: usize = 4096;
const CHUNK_BYTES: usize = 65536;
const CHUNK_HEADER_BYTES: usize = 512;
const RECORD_HEADER_BYTES: usize = 24;

/// An element: its name, its attributes, and either text or elements in it.
struct Element(&'static str, &'static [(&'static str, &'static str)], Content);

enum Content {
    Text(&'static str),
    Elements(Vec<Element>),
}

fn event(event_id: &'static str) -> Element {
    let text = |name, text| Element(name, &[], Content::Text(text));
    let data = |name: &'static [(&'static str, &'static str)], text| Element("Data", name, Content::Text(text));
    let system = vec![
        Element("Provider", &[("Name", "Microsoft-Windows-Sysmon")], Content::Text("")),
        text("EventID", event_id),
        Element(
            "TimeCreated",
            &[("SystemTime", "2026-03-15T07:31:02.118Z")],
            Content::Text(""),
        ),
        text("Channel", "Microsoft-Windows-Sysmon/Operational"),
        text("Computer", "KETOAN-07"),
    ];
    let event_data = vec![
        data(&[("Name", "Image")], "C:\\Windows\\System32\\whoami.exe"),
        data(&[("Name", "CommandLine")], "whoami /all"),
        data(&[("Name", "User")], "HOABINH\\lan.nt"),
    ];
    let elements = vec![
        Element("System", &[], Content::Elements(system)),
        Element("EventData", &[], Content::Elements(event_data)),
    ];
    Element("Event", &[], Content::Elements(elements))
}

fn utf16(out: &mut Vec<u8>, text: &str) {
    out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}

fn length(text: &str) -> [u8; 2] {
    u16::try_from(text.encode_utf16().count()).unwrap().to_le_bytes()
}

/// A name where it is first used: its place in the chunk, then the name itself.
fn name(chunk: &mut Vec<u8>, text: &str) {
    let place = u32::try_from(chunk.len() + 4).unwrap();
    chunk.extend(place.to_le_bytes());
    chunk.extend([0; 4]);
    chunk.extend([0; 2]);
    chunk.extend(length(text));
    utf16(chunk, text);
    chunk.extend([0; 2]);
}

fn value(chunk: &mut Vec<u8>, text: &str) {
    chunk.extend([0x05, 0x01]);
    chunk.extend(length(text));
    utf16(chunk, text);
}

/// Writes an element in binary XML.
fn write(chunk: &mut Vec<u8>, Element(tag, attributes, content): &Element) {
    chunk.push(if attributes.is_empty() { 0x01 } else { 0x41 });
    let size_at = chunk.len();
    chunk.extend([0; 4]);
    name(chunk, tag);
    if !attributes.is_empty() {
        let list_at = chunk.len();
        chunk.extend([0; 4]);
        for (key, text) in *attributes {
            chunk.push(0x06);
            name(chunk, key);
            value(chunk, text);
        }
        patch(chunk, list_at);
    }
    chunk.push(0x02);
    match content {
        Content::Text(text) => value(chunk, text),
        Content::Elements(elements) => elements.iter().for_each(|element| write(chunk, element)),
    }
    chunk.push(0x04);
    patch(chunk, size_at);
}

/// Sets the size of what follows the four bytes at a place.
fn patch(chunk: &mut [u8], at: usize) {
    let size = u32::try_from(chunk.len() - at - 4).unwrap();
    chunk[at..at + 4].copy_from_slice(&size.to_le_bytes());
}

fn chunk(records: &[Element]) -> Vec<u8> {
    let mut chunk = vec![0; CHUNK_HEADER_BYTES];
    let mut last = 0;
    for (id, record) in (1_u64..).zip(records) {
        let begin = chunk.len();
        last = begin;
        chunk.extend([0x2a, 0x2a, 0, 0]);
        chunk.extend([0; 4]);
        chunk.extend(id.to_le_bytes());
        chunk.extend(133_180_000_000_000_000_u64.to_le_bytes());
        assert_eq!(chunk.len() - begin, RECORD_HEADER_BYTES);
        chunk.extend([0x0f, 1, 1, 0]);
        write(&mut chunk, record);
        chunk.push(0);
        let size = u32::try_from(chunk.len() + 4 - begin).unwrap().to_le_bytes();
        chunk.extend(size);
        chunk[begin + 4..begin + 8].copy_from_slice(&size);
    }
    let count = records.len() as u64;
    let end = u32::try_from(chunk.len()).unwrap();
    chunk[..8].copy_from_slice(b"ElfChnk\0");
    for (at, number) in [(8, 1), (16, count), (24, 1), (32, count)] {
        chunk[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    for (at, number) in [(40, 128), (44, u32::try_from(last).unwrap()), (48, end), (120, 4)] {
        chunk[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    chunk.resize(CHUNK_BYTES, 0);
    chunk
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0; HEADER_BYTES];
    file[..8].copy_from_slice(b"ElfFile\0");
    file[8..16].copy_from_slice(&0_u64.to_le_bytes());
    file[32..36].copy_from_slice(&128_u32.to_le_bytes());
    file[36..40].copy_from_slice(&[1, 0, 3, 0]);
    file[40..42].copy_from_slice(&4096_u16.to_le_bytes());
    file[42..44].copy_from_slice(&u16::try_from(chunks.len()).unwrap().to_le_bytes());
    file.extend(chunks.concat());
    file
}

fn read(file: &[u8]) -> (Vec<EvtxRecord>, Vec<EvtxRejection>) {
    let (good, bad): (Vec<_>, Vec<_>) = evtx_records(file).partition(Result::is_ok);
    (
        good.into_iter().map(Result::unwrap).collect(),
        bad.into_iter().map(Result::unwrap_err).collect(),
    )
}

#[test]
fn records_become_events_with_the_names_of_the_taxonomy() {
    let (records, rejections) = read(&file(&[
        chunk(&[event("1"), event("11")]),
        vec![0; CHUNK_BYTES],
        chunk(&[event("3")]),
    ]));
    assert_eq!(rejections, []);
    assert_eq!(
        records.iter().map(|record| record.record_id).collect::<Vec<_>>(),
        [1, 2, 1]
    );
    let record = RawRecord {
        source: SourceId::new("evtx"),
        received_at: "2026-03-15T08:00:00Z".parse().unwrap(),
        transport: Transport::Evtx,
        origin: CompactString::const_new("evtx"),
        format: FormatHint::Unknown,
        exercise: false,
        bytes: records[0].json.clone(),
    };
    let Normalized::Event(event) = Normalizer::new(&Settings::default()).normalize(1, &record) else {
        panic!("a whole event");
    };
    assert_eq!(event.problems, []);
    assert_eq!(event.happened_at.to_string(), "2026-03-15T07:31:02.118Z");
    assert_eq!(event.fields.text("Image"), Some("C:\\Windows\\System32\\whoami.exe"));
    assert_eq!(event.fields.get("EventID"), Some(&Value::text("1")));
    assert_eq!(event.entities.user_name.as_deref(), Some("lan.nt"));
    assert!(
        event
            .logsources
            .members()
            .iter()
            .any(|m| m.category.as_deref() == Some("process_creation"))
    );
    assert_eq!(event.raw, record.bytes);
}

#[test]
fn what_is_damaged_is_a_rejection_and_the_rest_goes_on() {
    let good = || chunk(&[event("1"), event("3")]);
    let reasons = |bytes: &[u8]| -> Vec<_> { read(bytes).1.iter().map(|rejection| rejection.reason).collect() };

    let mut no_magic = good();
    no_magic[0] = b'X';
    let (records, rejections) = read(&file(&[no_magic.clone(), good()]));
    assert_eq!(records.len(), 2);
    assert_eq!(rejections.len(), 1);
    assert_eq!(rejections[0].bytes, Bytes::from(no_magic));
    assert!(
        rejections[0].detail.starts_with("chunk 0: "),
        "{}",
        rejections[0].detail
    );

    let mut bad_record = good();
    bad_record[CHUNK_HEADER_BYTES + RECORD_HEADER_BYTES + 4] = 0x7f;
    let (records, rejections) = read(&file(&[bad_record, good()]));
    assert_eq!((records.len(), rejections.len()), (3, 1));

    let cut = file(&[good(), good()]);
    assert_eq!(reasons(&cut[..cut.len() - 9]), [RejectReason::Truncated]);
    assert_eq!(read(&cut[..cut.len() - 9]).0.len(), 2);
    assert_eq!(reasons(b"no event log"), [RejectReason::NotParsable]);
    assert_eq!(reasons(b""), [RejectReason::NotParsable]);
    assert_eq!(reasons(b"ElfFile\0"), [RejectReason::Truncated]);
}

#[test]
fn a_reader_that_fails_ends_the_file_with_a_rejection() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let bytes = file(&[chunk(&[event("1")])]);
    let results: Vec<_> = evtx_records(bytes.as_slice().chain(Broken)).collect();
    assert_eq!(results.len(), 2);
    assert!(results[1].as_ref().unwrap_err().detail.contains("the disk is gone"));
}

#[test]
fn the_corpus_of_the_fuzz_target_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/normalize_evtx");
    let mut records = 0;
    for input in fs::read_dir(corpus).unwrap() {
        records += read(&fs::read(input.unwrap().path()).unwrap()).0.len();
    }
    assert!(records > 0, "the corpus has a file that can be read");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 150 } else { 5_000 }))]

    #[test]
    fn damaged_files_never_panic(
        changes in proptest::collection::vec((0_usize..HEADER_BYTES + CHUNK_HEADER_BYTES + 2_000, any::<u8>()), 1..20),
        cut in 0_usize..200,
    ) {
        let mut bytes = file(&[chunk(&[event("1"), event("3")])]);
        for (at, byte) in changes {
            // The file's header says little; most damage goes to the chunk.
            let at = if at < HEADER_BYTES - 100 { HEADER_BYTES + at % 2_500 } else { at };
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut / 100 * cut);
        read(&bytes);
    }

    #[test]
    fn files_of_any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), pad in any::<bool>()) {
        let mut file = file(&[]);
        file.extend(b"ElfChnk\0");
        file.extend(bytes);
        if pad {
            file.resize(HEADER_BYTES + CHUNK_BYTES, 0);
        }
        read(&file);
    }
}
