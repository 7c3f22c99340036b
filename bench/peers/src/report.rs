//! Where the engines differ: each (event, rule) that only one of them reports, gathered by rule.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::lanes::Lane;
use crate::ours::{self, Ours};
use crate::theirs::{self, Theirs};

/// Events of a lane that only one engine matches with a rule.
#[derive(Default)]
struct Difference {
    ours_only: Vec<usize>,
    theirs_only: Vec<usize>,
}

/// How many matches each engine reports in a lane, and the differences as text.
pub struct Comparison {
    pub matches_ours: usize,
    pub matches_theirs: usize,
    pub text: String,
}

/// Which rules an event is compared on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Those of its hinted log sources, as measured.
    Hinted,
    /// All of them, so that every rule meets every event.
    Every,
}

/// Runs both engines once over a lane and compares every match.
pub fn compare(lane: &Lane, ours: &mut Ours, theirs: &Theirs, routing: Routing) -> Comparison {
    let our_hints = ours::hints(&lane.lines);
    let their_hints = theirs::hints(&lane.lines);
    let every = ours.every_source();
    let mut comparison = Comparison {
        matches_ours: 0,
        matches_theirs: 0,
        text: String::new(),
    };
    let mut differences: BTreeMap<String, Difference> = BTreeMap::new();
    let mut frequent: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in lane.lines.iter().enumerate() {
        let sources = if routing == Routing::Every {
            &every
        } else {
            &our_hints[number]
        };
        let found = ours.evaluate(&line.text, sources).to_vec();
        let mut found: Vec<String> = found.into_iter().map(|rule| ours.id(rule)).collect();
        let mut expected: Vec<String> = Vec::new();
        let mut expect = |id: &str| expected.push(id.to_owned());
        if routing == Routing::Every {
            theirs.evaluate_every(&line.text, &mut expect);
        } else {
            theirs.evaluate(&line.text, &their_hints[number], &mut expect);
        }
        found.sort_unstable();
        expected.sort_unstable();
        for id in &found {
            *frequent.entry(id.clone()).or_default() += 1;
        }
        comparison.matches_ours += found.len();
        comparison.matches_theirs += expected.len();
        for id in found.iter().filter(|id| !expected.contains(id)) {
            differences.entry(id.clone()).or_default().ours_only.push(number);
        }
        for id in expected.iter().filter(|id| !found.contains(id)) {
            differences.entry(id.clone()).or_default().theirs_only.push(number);
        }
    }
    let mut frequent: Vec<(usize, String)> = frequent.into_iter().map(|(id, count)| (count, id)).collect();
    frequent.sort_unstable_by(|a, b| b.cmp(a));
    for (count, id) in frequent.iter().take(5) {
        println!("  {count} matches of {:?}", ours.describe(id).0);
    }
    for (id, difference) in &differences {
        let (title, file) = ours.describe(id);
        let _ = writeln!(
            comparison.text,
            "lane={} rule={id} title={title:?} file={file}",
            lane.name
        );
        for (whose, events) in [
            ("ours only", &difference.ours_only),
            ("theirs only", &difference.theirs_only),
        ] {
            if !events.is_empty() {
                let _ = writeln!(
                    comparison.text,
                    "  {whose}: {} events, numbers {:?}",
                    events.len(),
                    events
                );
            }
        }
    }
    comparison
}
