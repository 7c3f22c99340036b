//! This project's engine.

use std::sync::Arc;

use sigma::document::{self, RuleDocument};
use sigma::engine::{Engine, RuleIndex};
use sigma::json::JsonScanner;
use sigma::matcher::{LogSourceSet, Matcher};
use sigma::rule::LogSource;

use crate::clock::Stopwatch;
use crate::lanes::Line;

pub struct Ours {
    engine: Arc<Engine>,
    matcher: Matcher,
    scanner: JsonScanner,
    pub refused: Vec<String>,
    pub load_cpu_s: f64,
}

impl Ours {
    pub fn load(files: &[(String, String)]) -> Ours {
        let watch = Stopwatch::start();
        let mut builder = Engine::builder();
        let mut refused = Vec::new();
        for (name, text) in files {
            let file = document::parse(name, text);
            refused.extend(file.errors.iter().map(ToString::to_string));
            for document in file.documents {
                if let RuleDocument::Rule(rule) = document
                    && let Err(error) = builder.add(Arc::from(rule))
                {
                    refused.push(error.to_string());
                }
            }
        }
        let engine = Arc::new(builder.build());
        let matcher = Matcher::new(Arc::clone(&engine));
        Ours {
            engine,
            matcher,
            scanner: JsonScanner::new(),
            refused,
            load_cpu_s: watch.seconds(),
        }
    }

    /// Another matcher on the same rules, for another thread.
    pub fn beside(&self) -> Ours {
        Ours {
            engine: Arc::clone(&self.engine),
            matcher: Matcher::new(Arc::clone(&self.engine)),
            scanner: JsonScanner::new(),
            refused: Vec::new(),
            load_cpu_s: 0.0,
        }
    }

    pub fn rules(&self) -> usize {
        self.engine.rules().len()
    }

    /// Scans a line and returns the rules that match.
    pub fn evaluate(&mut self, text: &str, sources: &LogSourceSet) -> &[RuleIndex] {
        match self.scanner.scan(text) {
            Ok(record) => self.matcher.matches(&record, sources),
            Err(_) => &[],
        }
    }

    /// Returns a set of log sources to which every rule applies.
    pub fn every_source(&self) -> LogSourceSet {
        LogSourceSet::new(self.engine.rules().iter().map(|rule| rule.log_source.clone()).collect())
    }

    pub fn id(&self, rule: RuleIndex) -> String {
        self.engine.rule(rule).meta.id.clone().unwrap_or_default()
    }

    /// Returns title and file of the rule with an id.
    pub fn describe(&self, id: &str) -> (String, String) {
        let found = self
            .engine
            .rules()
            .iter()
            .find(|rule| rule.meta.id.as_deref() == Some(id));
        found.map_or_else(Default::default, |rule| {
            (rule.meta.title.clone(), rule.file.to_string())
        })
    }
}

/// The prepared hints of a lane, as the server has them: one set for each kind of event.
pub fn hints(lines: &[Line]) -> Vec<LogSourceSet> {
    let mut known: Vec<(&Line, LogSourceSet)> = Vec::new();
    let mut hints = Vec::new();
    for line in lines {
        if let Some((_, set)) = known.iter().find(|(other, _)| other.sources == line.sources) {
            hints.push(set.clone());
            continue;
        }
        let sources = line
            .sources
            .iter()
            .map(|[category, product, service]| LogSource::new(category, product, service));
        let set = LogSourceSet::new(sources.collect());
        known.push((line, set.clone()));
        hints.push(set);
    }
    hints
}
