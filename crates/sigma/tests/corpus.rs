//! Replays the committed fuzz corpus of pipelines and correlations, and variations of it.

#[path = "fuzzed/correlation.rs"]
mod correlation;
#[path = "fuzzed/pipeline.rs"]
mod pipeline;

use std::path::Path;

use proptest::prelude::*;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(&folder).expect("the corpus is committed").flatten();
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).expect("a corpus holds files");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

#[test]
fn pipelines_rewrite_the_rules_of_the_corpus() {
    for (name, input) in corpus("sigma_pipeline") {
        let compiled = pipeline::feed(&input);
        assert_eq!(
            compiled > 0,
            !name.starts_with("refused"),
            "{name}: {compiled} rules came through"
        );
    }
}

#[test]
fn correlations_of_the_corpus_match() {
    for (name, input) in corpus("sigma_correlation") {
        let matches = correlation::feed(&input);
        assert_eq!(matches > 0, !name.starts_with("refused"), "{name}: {matches} matches");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_input_is_read_or_refused(file in any::<prop::sample::Index>(), places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for (target, feed) in [("sigma_pipeline", pipeline::feed as fn(&[u8]) -> usize), ("sigma_correlation", correlation::feed)] {
            let files = corpus(target);
            let mut input = file.get(&files).1.clone();
            for (place, byte) in &places {
                let at = place.index(input.len());
                input[at] = *byte;
            }
            let _ = feed(&input);
        }
    }
}
