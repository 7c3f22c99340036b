//! The peer, in the fastest configuration that its options allow for a lane.

use rsigma_eval::{Engine, JsonEvent};
use rsigma_parser::{LogSource, SigmaRule, parse_sigma_yaml};

use crate::clock::Stopwatch;
use crate::lanes::{Lane, Line, Source};

/// A part of a log source that no rule names: an event has it where it has no category, product or service, so that pruning by conflict
/// excludes the rules that ask for one.
const NONE: &str = "-";

pub struct Theirs {
    engine: Engine,
    is_pruned: bool,
    pub refused: usize,
    pub load_cpu_s: f64,
}

impl Theirs {
    pub fn load(files: &[(String, String)]) -> Theirs {
        let watch = Stopwatch::start();
        let mut rules: Vec<SigmaRule> = Vec::new();
        let mut refused = 0;
        for (_, text) in files {
            match parse_sigma_yaml(text) {
                Ok(collection) => {
                    refused += collection.errors.len();
                    rules.extend(collection.rules);
                }
                Err(_) => refused += 1,
            }
        }
        for rule in &mut rules {
            // An event has one log source here, but a registry event two categories: the general one stands in as the service.
            if rule.logsource.category.as_deref() == Some("registry_event") {
                rule.logsource.category = None;
                rule.logsource.service = Some("registry_event".to_owned());
            }
        }
        let mut engine = Engine::new();
        refused += engine.add_rules(&rules).len();
        Theirs {
            engine,
            is_pruned: true,
            refused,
            load_cpu_s: watch.seconds(),
        }
    }

    /// Tries every combination of the engine's options on the beginning of a lane and keeps the fastest.
    pub fn tune(&mut self, lane: &Lane) -> String {
        let sample = &lane.lines[..lane.lines.len().min(3_000)];
        let sources: Vec<LogSource> = sample.iter().map(|line| source_of(&line.sources)).collect();
        let mut best = (f64::INFINITY, false, false, false);
        for options in 0..8 {
            let (is_pruned, bloom, automaton) = (options & 1 != 0, options & 2 != 0, options & 4 != 0);
            self.set(is_pruned, bloom, automaton);
            let watch = Stopwatch::start();
            for (line, source) in sample.iter().zip(&sources) {
                std::hint::black_box(self.evaluate(&line.text, source, &mut |_| {}));
            }
            let seconds = watch.seconds();
            if seconds < best.0 {
                best = (seconds, is_pruned, bloom, automaton);
            }
        }
        self.set(best.1, best.2, best.3);
        format!(
            "log-source {}, bloom {}, cross-rule automaton {}",
            if best.1 { "pruning" } else { "routing" },
            best.2,
            best.3
        )
    }

    fn set(&mut self, is_pruned: bool, bloom: bool, automaton: bool) {
        self.is_pruned = is_pruned;
        self.engine.set_bloom_prefilter(bloom);
        self.engine.set_cross_rule_ac(automaton);
    }

    /// Parses a line and calls `found` with the id of each rule that matches; returns how many do.
    pub fn evaluate(&self, text: &str, source: &LogSource, found: &mut dyn FnMut(&str)) -> usize {
        let Ok(value) = serde_json::from_str(text) else {
            return 0;
        };
        let event = JsonEvent::borrow(&value);
        let results = if self.is_pruned {
            self.engine.evaluate_pruned(&event, source)
        } else {
            self.engine.evaluate_with_logsource(&event, source)
        };
        for result in &results {
            found(result.header.rule_id.as_deref().unwrap_or_default());
        }
        results.len()
    }
}

impl Theirs {
    /// Evaluates every rule, whatever its log source.
    pub fn evaluate_every(&self, text: &str, found: &mut dyn FnMut(&str)) {
        let Ok(value) = serde_json::from_str(text) else { return };
        for result in &self.engine.evaluate(&JsonEvent::borrow(&value)) {
            found(result.header.rule_id.as_deref().unwrap_or_default());
        }
    }
}

pub fn source_of(sources: &[Source]) -> LogSource {
    let [category, product, service] = sources[0];
    let known = |part: &str| Some(if part.is_empty() { NONE } else { part }.to_owned());
    let service = if sources.len() > 1 { "registry_event" } else { service };
    LogSource {
        category: known(category),
        product: known(product),
        service: known(service),
        ..LogSource::default()
    }
}

/// The prepared hints of a lane.
pub fn hints(lines: &[Line]) -> Vec<LogSource> {
    lines.iter().map(|line| source_of(&line.sources)).collect()
}
