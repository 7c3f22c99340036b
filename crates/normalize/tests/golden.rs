//! Golden test of every source: each line of `testdata/<product>/*.log` is a record, each `*.json` file is one record;
//! the events they become are compared with the snapshot beside them. A new folder is found by itself.

#![expect(clippy::unwrap_used, reason = "a test may stop at what should not be")]

use std::{fmt::Write, fs, path::Path};

use bytes::Bytes;
use compact_str::CompactString;
use model::{Event, FormatHint, RawRecord, SourceId, Timestamp, Transport, Value};
use normalize::{Assembler, HeaderFollower, Normalizer, Settings};

#[test]
fn samples_become_the_events_in_their_snapshots() {
    let mut products: Vec<_> = list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    products.retain(|path| path.is_dir());
    assert!(!products.is_empty());
    for folder in products {
        let samples = list(&folder);
        let samples = samples
            .iter()
            .filter(|path| extension(path) == "log" || extension(path) == "json");
        for sample in samples {
            let name = sample.file_name().unwrap().to_str().unwrap();
            let rendered: String = normalize(&folder, sample).iter().map(render).collect();
            insta::with_settings!({ snapshot_path => &folder, prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, rendered);
            });
        }
    }
}

/// The events of one sample. `*.hinted.log` is read with the folder's name as hint, `*.headed.log` with what its header
/// lines say, as a reader of files does; all others without any.
fn normalize(folder: &Path, sample: &Path) -> Vec<Event> {
    let content = fs::read(sample).unwrap();
    let is_hinted = sample.to_str().unwrap().contains(".hinted.");
    let hint = || FormatHint::Named(CompactString::new(folder.file_name().unwrap().to_str().unwrap()));
    let records: Vec<&[u8]> = match extension(sample) {
        "json" => vec![&content],
        _ => content
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .collect(),
    };
    let is_headed = sample.to_str().unwrap().contains(".headed.");
    let mut headers = HeaderFollower::default();
    let normalizer = Normalizer::new(&Settings::default());
    let mut assembler = Assembler::default();
    let mut events = Vec::new();
    for (seq, bytes) in (1..).zip(records) {
        headers.observe(bytes);
        let record = RawRecord {
            source: SourceId::new("golden"),
            received_at: "2026-03-15T08:00:00Z".parse::<Timestamp>().unwrap(),
            transport: Transport::File,
            origin: CompactString::const_new("golden"),
            format: match (is_hinted, is_headed) {
                (true, _) => hint(),
                (false, true) => headers.hint(),
                (false, false) => FormatHint::Unknown,
            },
            exercise: false,
            bytes: Bytes::copy_from_slice(bytes),
        };
        assembler.push(normalizer.normalize(seq, &record), &mut events);
    }
    assembler.flush(&mut events);
    events
}

fn render(event: &Event) -> String {
    let mut text = String::new();
    let joined = if event.records == 1 {
        String::new()
    } else {
        format!(" ({} records)", event.records)
    };
    writeln!(text, "# {}{joined} {} {}", event.seq, event.format, event.happened_at).unwrap();
    let sources = event.logsources.members().iter().map(|source| {
        let part = |part: &Option<CompactString>| part.clone().unwrap_or_default();
        format!(
            "{}/{}/{}",
            part(&source.category),
            part(&source.product),
            part(&source.service)
        )
    });
    writeln!(
        text,
        "log sources (category/product/service): {}",
        sources.collect::<Vec<_>>().join(" ")
    )
    .unwrap();
    for column in model::EntityColumn::ALL {
        if let Some(value) = event.entities.get(*column) {
            writeln!(text, "  {} = {value}", column.ecs_name()).unwrap();
        }
    }
    writeln!(text, "fields:").unwrap();
    for field in &event.fields {
        writeln!(text, "  {}: {}", field.name, value(&field.value)).unwrap();
    }
    for problem in &event.problems {
        writeln!(text, "problem: {:?}: {}", problem.kind, problem.detail).unwrap();
    }
    text.push('\n');
    text
}

fn value(value: &Value) -> String {
    serde_json::to_string(value).unwrap()
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
}

fn list(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}
