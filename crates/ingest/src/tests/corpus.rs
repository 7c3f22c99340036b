//! Replays the committed corpus of the fuzz targets.

use std::{fs, path::Path};

use crate::fuzzing;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "no corpus in {}", folder.display());
}

#[test]
fn the_corpus_of_syslog_framing() {
    replay("ingest_syslog_framing", fuzzing::syslog_framing);
}

#[test]
fn the_corpus_of_relp() {
    replay("ingest_relp", fuzzing::relp);
}

#[test]
fn the_corpus_of_bulk() {
    replay("ingest_bulk", fuzzing::bulk);
}

#[test]
fn the_corpus_of_otlp() {
    replay("ingest_otlp", fuzzing::otlp);
}
