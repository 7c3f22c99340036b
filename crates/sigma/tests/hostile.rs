//! Rule files and events from people who mean harm: no panic, bounded cost, and the committed corpus replayed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use sigma::document::{self, RuleDocument};
use sigma::engine::{Engine, RuleIndex};
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};
use sigma::record::Value;

fn corpus(name: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let entries = std::fs::read_dir(folder).expect("the corpus is committed");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    paths
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("the corpus is text")))
        .collect()
}

/// Loads what loads; returns the engine and the refusals.
fn load(text: &str) -> (Arc<Engine>, Vec<String>) {
    let mut builder = Engine::builder();
    let file = document::parse("hostile.yml", text);
    let mut refused: Vec<String> = file.errors.iter().map(ToString::to_string).collect();
    for document in file.documents {
        if let RuleDocument::Rule(rule) = document {
            refused.extend(builder.add(Arc::new(*rule)).err().map(|error| error.to_string()));
        }
    }
    (Arc::new(builder.build()), refused)
}

/// Matches JSON lines and checks that the plain evaluation agrees.
fn agree(engine: &Arc<Engine>, events: &str) -> usize {
    let sources = LogSourceSet::new(engine.rules().iter().map(|rule| rule.log_source.clone()).collect());
    let mut matcher = Matcher::new(Arc::clone(engine));
    let mut scanner = JsonScanner::new();
    let mut hits = 0;
    for line in events.lines() {
        let Ok(record) = scanner.scan(line) else { continue };
        let found = matcher.matches(&record, &sources).to_vec();
        hits += found.len();
        for (index, _) in (0..).map(RuleIndex).zip(engine.rules()) {
            let explanation = engine.explain(index, &record, &sources);
            assert_eq!(explanation.holds, found.contains(&index), "{explanation}{line}");
        }
    }
    hits
}

#[test]
fn the_corpus_is_read_and_matched() {
    for (path, text) in corpus("sigma_rule") {
        let (engine, refused) = load(&text);
        let is_broken = path.ends_with("broken.yml");
        assert_eq!(!refused.is_empty(), is_broken, "{}: {refused:?}", path.display());
        assert_eq!(engine.rules().is_empty(), is_broken, "{}", path.display());
    }
    let mut hits = 0;
    for (_, text) in corpus("sigma_match") {
        let (rules, events) = text.split_once("\n===\n").expect("rules and events");
        hits += agree(&load(rules).0, events);
    }
    assert!(hits >= 4, "{hits} matches");
}

proptest! {
    #[test]
    fn mutated_files_are_read_or_refused(
        which in 0usize..64,
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[-:|*&!%@'\"{}\\[\\] \n\\\\a1é#]{0,3}"), 1..6),
    ) {
        let files = corpus("sigma_match");
        let mut text = files[which % files.len()].1.clone();
        for (place, insert) in cuts {
            let mut at = place.index(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
            text.replace_range(at..end, &insert);
        }
        let (rules, events) = text.split_once("\n===\n").unwrap_or((&text, ""));
        agree(&load(rules).0, events);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        load(&text);
    }
}

fn refusal(detection: &str) -> String {
    let text = format!("title: t\nlogsource: {{product: p}}\ndetection:\n{detection}\n");
    load(&text).1.pop().unwrap_or_default()
}

#[test]
fn files_that_unfold_without_end_are_refused() {
    let many = |value: &str, count: usize| vec![value; count].join(", ");
    for (detection, part) in [
        (
            format!("  sel:\n    A|windash: [{}]\n  condition: sel", many("' -a -b'", 2_000)),
            "expands into more",
        ),
        (
            format!("  sel: {{A|re: [{}]}}\n  condition: sel", many("a", 200)),
            "regular expressions",
        ),
        (
            "  sel: {A|re: '((a{1,500}){1,500}){1,500}'}\n  condition: sel".to_owned(),
            "compiles to more",
        ),
        (
            format!(
                "  sel: {{A: x}}\n  condition: {}sel{}",
                "(".repeat(500),
                ")".repeat(500)
            ),
            "deeper",
        ),
        (
            format!("  sel: {{A: '{}'}}\n  condition: sel", "x".repeat(100_000)),
            "longer than",
        ),
        (
            format!(
                "  sel: {{A: [{}]}}\n  condition: {}",
                many("x", 5_000),
                vec!["sel"; 50].join(" or ")
            ),
            "expands into more",
        ),
    ] {
        let refusal = refusal(&detection);
        assert!(
            refusal.contains(part),
            "{refusal}: {}",
            &detection[..80.min(detection.len())]
        );
    }
}

#[test]
fn a_long_value_is_matched_at_its_end() {
    let (engine, refused) = load(
        "title: t\nlogsource: {product: p}\ndetection:\n  sel:\n    A|contains: 'needle in the hay'\n    A|endswith: 'the END'\n    A|re: 'n..dle.*END$'\n    A: '*a?b*END'\n  condition: sel\n",
    );
    assert!(refused.is_empty(), "{refused:?}");
    let mut matcher = Matcher::new(Arc::clone(&engine));
    let sources = LogSourceSet::new(vec![engine.rules()[0].log_source.clone()]);
    let text = format!("{} axb NEEDLE in the hay needle the END", "aaaaaaab".repeat(128 << 10));
    for (text, expect) in [(text.as_str(), 1), (&text[..text.len() - 1], 0)] {
        assert_eq!(matcher.matches(&[("A", Value::Str(text))], &sources).len(), expect);
    }
}
